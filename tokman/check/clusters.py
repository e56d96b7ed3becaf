"""The calls of a ledger as clusters, priced as if they were made on one day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tokman import rates, sql
from tokman.errors import TokmanError
from tokman.query import reason

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from tokman.rates import Card


def cluster(connection: duckdb.DuckDBPyConnection, card: Card, day: date) -> pa.Table:
    """What each cluster of view `scope` did and cost at the prices of `day`: the columns of
    `check/clusters`, by workflow, cheapest first. Makes tables `clustered` and `priced`, the calls.
    """
    import duckdb

    try:
        made = f"create or replace temp table clustered as {sql.text('check/clustered')}"
        connection.execute(made, {"day": day})
        rates.price(connection, card, "clustered", "priced")
        return connection.sql(sql.text("check/clusters")).to_arrow_table()
    except duckdb.Error as error:
        raise TokmanError(
            f"the ledger gives no answer: {reason(error)}",
            "if there is a --where, it fails on some call; else a file of the ledger is damaged",
        ) from error
