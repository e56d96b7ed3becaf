"""A reprice put into the table or taken out of it: files rewritten row by row, one commit.

The number of reprices in force is part of that same commit, so a run that dies leaves either the
old costs and the old number, or the new ones of both. A record beyond that number counts for
nothing and is written over by the next. A call that another log or an ingest has changed since its
record was made keeps what it has: its record is of other usage.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tokman import rates, sql
from tokman.commit import PRICED_BY
from tokman.errors import NothingToJudge, TokmanError
from tokman.query import database, literal
from tokman.reprice import record as records
from tokman.reprice.difference import Difference, answering, summary, summed

if TYPE_CHECKING:
    import duckdb

    from tokman.ledger import Ledger
    from tokman.reprice.record import Draft

COSTS = (*rates.MONEY, "rate_card")
"""The columns a reprice writes."""

BATCH = 100_000
"""Rows of a row group in a file that is written anew."""


class Settled(msgspec.Struct):
    """Calls that got the other costs, and those left because they have changed since."""

    calls: int
    left: int


class Last(msgspec.Struct):
    """The reprice that an undo would take back."""

    number: int
    record: Path
    at: str
    """When it was made, UTC."""
    rate_card: str
    """The card it priced by."""


def apply(ledger: Ledger, draft: Draft) -> Settled:
    """Give the calls of the draft the costs it states; the draft becomes the ledger's record."""
    with ledger.lock():
        number = ledger.reprices() + 1
        record = records.file_away(ledger, draft.close(), number)
        settled = _settle(ledger, _Pairs(record, undo=False), number)
        if not settled.calls:
            record.unlink(missing_ok=True)
        return settled


def last(ledger: Ledger) -> Last:
    """The last reprice in force; NothingToJudge where there is none."""
    number = ledger.reprices()
    if not number:
        raise NothingToJudge("no reprice to undo", "the costs are those of the ingest")
    record = records.place(ledger, number)
    about = records.about(record)
    return Last(number, record, about.get("at", ""), about.get("rate_card", ""))


def undoing(ledger: Ledger, reprice: Last) -> Difference:
    """What undoing it would change."""
    pairs = _Pairs(reprice.record, undo=True)

    def summaries() -> Iterator[list[dict[str, Any]]]:
        for file in ledger.files():
            with answering():
                pairs.move(file)
                yield summary(pairs.connection)

    return summed("as before", summaries())


def undo(ledger: Ledger, reprice: Last) -> Settled:
    """Give the calls back what they were held to cost before that reprice."""
    pairs = _Pairs(reprice.record, undo=True)
    with ledger.lock():
        if ledger.reprices() != reprice.number:
            raise TokmanError("another run repriced this ledger meanwhile", "run it again")
        settled = _settle(ledger, pairs, reprice.number - 1, always=True)
    reprice.record.unlink(missing_ok=True)
    return settled


def _settle(ledger: Ledger, pairs: _Pairs, number: int, *, always: bool = False) -> Settled:
    """Write anew the files that hold a call to be moved, and commit them with the number."""
    written: dict[str, Path] = {}
    moved = 0
    try:
        for file in ledger.files():
            with answering():
                calls = pairs.move(file)
                if calls:
                    new = Path(file).with_name(f"part-00000-{uuid.uuid4()}-c000.zstd.parquet")
                    written[file] = new
                    pairs.rewrite(file, new)
            moved += calls
        if written or always:
            ledger.exchange(written, number)
    except BaseException:
        if ledger.reprices() != number:
            for new in written.values():
                new.unlink(missing_ok=True)
        raise
    return Settled(moved, pairs.calls - moved)


class _Pairs:
    """A record beside the files of the table, over one private DuckDB. `undo` turns it round."""

    def __init__(self, record: Path, *, undo: bool) -> None:
        self.connection: duckdb.DuckDBPyConnection = database()
        priced_by = ", ".join(PRICED_BY)
        held, gets = ("gets", "held") if undo else ("held", "gets")
        with answering():
            self.connection.execute(
                f"create view record as select call_id, {priced_by}, "
                f"columns('^{held}_(.*)$') as 'held_\\1', columns('^{gets}_(.*)$') as 'gets_\\1' "
                f"from read_parquet({literal(str(record))})"
            )
            self.calls = int(self.connection.sql("select count(*) from record").fetchall()[0][0])

    def move(self, file: str) -> int:
        """Table `moved`: calls of the record that are in the file as the record holds them, with
        their place in it; how many they are."""
        same = [f"usage.{name} is not distinct from record.{name}" for name in PRICED_BY]
        same += [f"usage.{name} is not distinct from record.held_{name}" for name in COSTS]
        usage = f"read_parquet({literal(file)}, file_row_number = true)"
        # The record is in the order of the table: most of it is skipped by its statistics.
        first, final = self.connection.sql(
            f"select min(started_at), max(started_at) from {usage}"
        ).fetchall()[0]
        self.connection.execute(
            "create or replace temp table moved as select record.*, file_row_number as place "
            f"from {usage} as usage join record "
            f"on usage.call_id = record.call_id and {' and '.join(same)} "
            "where record.started_at is null or record.started_at between $first and $final",
            {"first": first, "final": final},
        )
        return int(self.connection.sql("select count(*) from moved").fetchall()[0][0])

    def rewrite(self, file: str, new: Path) -> None:
        """The file with what the calls in `moved` get, every row in its place."""
        import pyarrow.parquet as pq

        asked = self.connection.sql(sql.text("reprice/settled"), params={"file": file})
        rows = asked.to_arrow_reader(BATCH)
        with pq.ParquetWriter(
            new,
            rows.schema,
            compression="zstd",
            compression_level=3,
            store_decimal_as_integer=True,
        ) as writer:
            for batch in rows:
                writer.write_batch(batch)
        records.on_disk(new)
