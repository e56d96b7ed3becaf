"""One commit: sightings of calls become priced rows, each call once, whatever came before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tokman import rates, sql

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from tokman.ledger import Ledger
    from tokman.rates import Card

NEAR = timedelta(days=7)
"""How far apart two logs may date the same call."""


class Committed(msgspec.Struct):
    """Calls a commit added, completed (another log knew more), and found as they were."""

    added: int = 0
    completed: int = 0
    known: int = 0


def commit(ledger: Ledger, incoming: pa.Table, card: Card, ingest_id: str) -> Committed:
    """Make the sightings in `incoming` (columns of `arrow_schema()`) part of the ledger.

    Repeating a commit, or dying in the middle of it and repeating it, changes nothing more.
    """
    with ledger.lock():
        work = _Work(ledger, card, ingest_id)
        calls = work.gather(incoming)
        completed = work.complete()
        added = work.add()
        ledger.compact()
        return Committed(added=added, completed=completed, known=calls - added - completed)


class _Work:
    """The steps, over one private DuckDB."""

    def __init__(self, ledger: Ledger, card: Card, ingest_id: str) -> None:
        from tokman.query import database

        self.ledger, self.card, self.ingest_id = ledger, card, ingest_id
        self.connection: duckdb.DuckDBPyConnection = database()

    def gather(self, incoming: pa.Table) -> int:
        """Tables `batch` (one row a call) and `known` (its rows in the ledger)."""
        run = self.connection.execute
        self.connection.register("incoming", incoming)
        calls = self.count("select count(distinct call_id) from incoming")
        if calls < incoming.num_rows:
            run("create temp view sightings as from incoming")
            run("create temp table batch as " + sql.text("merge"))
            run("drop view sightings")
        else:
            run("create temp view batch as from incoming")
        files = self.ledger.files()
        if files and calls:
            low, high = run("select min(started_at), max(started_at) from batch").fetchall()[0]
            span = {"earliest": low - NEAR, "latest": high + NEAR}
            run("create temp table known as " + sql.text("known"), {"files": files, **span})
        return calls

    def has_known(self) -> bool:
        return bool(self.count("select count(*) from duckdb_tables() where table_name = 'known'"))

    def complete(self) -> int:
        """Bring known calls up to date where the batch knows more of them."""
        if not self.has_known() or not self.count("select count(*) from known"):
            return 0
        run = self.connection.execute
        run(
            "create temp view before as select * exclude (day, list_cost, contracted_cost, "
            "rate_id, price_basis, unpriced_reason, rate_card, ingest_id) from known"
        )
        run(
            "create temp view sightings as from before union all by name "
            "select * from batch where call_id in (select call_id from known)"
        )
        run("create temp table merged as from before limit 0")
        run("insert into merged by name " + sql.text("merge"))
        run("create temp table completed as from merged except from before")
        completed = self.count("select count(*) from completed")
        if completed:
            run("create temp table annotated as " + sql.text("annotated"))
            run(
                "create temp view restated as from completed "
                "where call_id not in (select call_id from annotated)"
            )
            self.price("restated", "repriced")
            run("create temp view settled as from repriced union all by name from annotated")
            self.ledger.replace(self.finished("settled"))
        return completed

    def add(self) -> int:
        """Append the calls the ledger does not have."""
        fresh = "create temp view fresh as from batch"
        if self.has_known():
            fresh += " where call_id not in (select call_id from known)"
        self.connection.execute(fresh)
        self.price("fresh", "priced")
        added = self.count("select count(*) from priced")
        if added:
            self.ledger.append(self.finished("priced"))
        return added

    def price(self, usage: str, into: str) -> None:
        """Table `into`: `usage` with its prices and the version of the card they are from."""
        rates.price(self.connection, self.card, usage, into)
        self.connection.execute(f"alter table {into} add column rate_card varchar")
        self.connection.execute(f"update {into} set rate_card = $v", {"v": self.card.version})

    def finished(self, rows: str) -> pa.Table:
        """The rows as they are stored: sorted by time, columns in the table's order."""
        return self.connection.sql(
            sql.text("stored").replace("from settled", f"from {rows}"),
            params={"ingest_id": self.ingest_id},
        ).to_arrow_table()

    def count(self, question: str) -> int:
        """A single number."""
        return int(self.connection.execute(question).fetchall()[0][0])
