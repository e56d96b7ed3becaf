"""Calls that two logs saw under ids of their own, matched by likeness: only where it is asked for.

What holds: the outcome depends on the calls in the ledger, not on the order in which an ingest read
them; two calls of one source are never one; three or more that are alike are left alone; and a
match, once made, stands: the same logs again, or a log that grew, find the call under its new id.
Over several ingests an earlier match is therefore not undone by a third call that comes later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokman import sql
from tokman.commit import BESIDE, Work
from tokman.usage import arrow_schema

if TYPE_CHECKING:
    from tokman.ledger import Ledger
    from tokman.rates import Card


def match(ledger: Ledger, card: Card, ingest_id: str) -> int:
    """Make one call of each pair that is alike, in one step; how many there were.

    The row keeps the id of the provider where one side has it and holds what both knew; the id that
    goes is in its `matched_ids`.
    """
    with ledger.lock():
        files = ledger.files()
        if not files:
            return 0
        work = Work(ledger, card, ingest_id)
        run = work.connection.execute
        run("create temp table pairs as " + sql.text("alike"), {"files": files})
        gone = work.ask("select goes from pairs order by goes")["goes"]
        if not len(gone):
            return 0
        run(
            "create temp table known as from read_parquet($files) "
            "where call_id in (select unnest([keeps, goes]) from pairs)",
            {"files": files},
        )
        names = ", ".join(arrow_schema().names)
        work.merge(
            f"select {names}, {BESIDE} from (select known.* replace ("
            "coalesce(keeps, call_id) as call_id, "
            "case when goes is null then matched_ids else [goes] end as matched_ids"
            ") from known left join pairs on goes = call_id)"
        )
        ledger.fold(work.settled(work.ask(f"select {names}, {BESIDE} from merged")), gone)
        ledger.compact()
        return len(gone)
