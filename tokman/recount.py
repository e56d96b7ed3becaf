"""Estimated counts learned anew: what this ledger's own calls of a model report a byte of text.

An ingest never does this, so that its order does not matter; a recount depends on what is in the
ledger alone. It touches no count that a log states, and none that is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tokman import sql
from tokman.commit import counted_anew, priced_anew
from tokman.query import database, rows
from tokman.sources.form import MEDIA_BYTES

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from tokman.ledger import Ledger
    from tokman.rates import Card

LEAST = 20
"""Calls with texts and counts of a model before a ratio is learned from them."""


class Recount(msgspec.Struct, kw_only=True):
    """What a recount changes, by model; tokens and USD of the calls it changes."""

    rows: list[dict[str, Any]]
    total: dict[str, Any]


def propose(ledger: Ledger, card: Card) -> Recount:
    """What a recount would change now."""
    connection = database()
    found = _changed(ledger, connection)
    models = [] if found is None else _summary(connection, priced_anew(ledger, found, card))
    return Recount(
        rows=[row for row in models if not row["whole"]],
        total=next((row for row in models if row["whole"]), {"calls": 0}),
    )


def apply(ledger: Ledger, card: Card) -> int:
    """Give estimated calls the counts that the ledger suggests, priced anew; how many changed."""
    with ledger.lock():
        found = _changed(ledger, database())
        if found is None:
            return 0
        counted_anew(ledger, found, card)
        return int(found.num_rows)


def _changed(ledger: Ledger, connection: duckdb.DuckDBPyConnection) -> pa.Table | None:
    """The rows that a recount changes, as they are to be; None if there are none."""
    files = ledger.files()
    if not files:
        return None
    connection.execute(
        "create temp table usage as from read_parquet($files) "
        "where block_sizes is not null and output_bytes > 0",
        {"files": files},
    )
    params = {"least": LEAST, "media": MEDIA_BYTES}
    changed = connection.sql(sql.text("recount"), params=params).to_arrow_table()
    return changed if changed.num_rows else None


def _summary(connection: duckdb.DuckDBPyConnection, priced: pa.Table) -> list[dict[str, Any]]:
    """By model, and of all."""
    connection.register("priced", priced)
    return rows(connection.execute(sql.text("recounted")))
