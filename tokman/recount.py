"""Estimated counts made better: by the model's encoding, where ranks are at hand that were not when
the call was read and its log is still there; else by what this ledger's own calls report a byte.

An ingest never does this, so that its order does not matter. A recount touches no count that a log
states, and none that is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tokman import sql
from tokman.commit import counted_anew, priced_anew
from tokman.query import database, rows
from tokman.reread import counted
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
    gone: int = 0
    """Calls that could be counted by their model's encoding if their logs were still there."""


def propose(ledger: Ledger, card: Card) -> Recount:
    """What a recount would change now."""
    connection = database()
    found, gone = _changed(ledger, connection)
    models = [] if found is None else _summary(connection, priced_anew(ledger, found, card))
    return Recount(
        rows=[row for row in models if not row["whole"]],
        total=next((row for row in models if row["whole"]), {"calls": 0}),
        gone=gone,
    )


def apply(ledger: Ledger, card: Card) -> int:
    """Give estimated calls the counts that the ledger suggests, priced anew; how many changed."""
    with ledger.lock():
        found, _ = _changed(ledger, database())
        if found is None:
            return 0
        counted_anew(ledger, found, card)
        return int(found.num_rows)


def _changed(ledger: Ledger, connection: duckdb.DuckDBPyConnection) -> tuple[pa.Table | None, int]:
    """The rows that a recount changes, as they are to be (None: none); how many logs' loss keeps
    from it."""
    files = ledger.files()
    if not files:
        return None, 0
    reread, gone = counted(ledger, connection)
    connection.register("reread", reread)
    connection.execute("create temp table usage as " + sql.text("estimates"), {"files": files})
    params = {"least": LEAST, "media": MEDIA_BYTES}
    changed = connection.sql(sql.text("recount"), params=params).to_arrow_table()
    return (changed if changed.num_rows else None), gone


def _summary(connection: duckdb.DuckDBPyConnection, priced: pa.Table) -> list[dict[str, Any]]:
    """By model, and of all."""
    connection.register("priced", priced)
    return rows(connection.execute(sql.text("recounted")))
