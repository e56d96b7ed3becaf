"""Files read again because what reads them was corrected: in one step, what they said before goes
out of the ledger and what they say comes in.

The ledger holds the union of what all logs say of a call. So of a call that other files saw too,
these are read again with them, and the call is put together anew from all. Where another file can
no longer be read as it was, what is held of the call stays beside what is read of it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from tokman import sql
from tokman.commit import BESIDE, Committed, Work
from tokman.usage import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from tokman.ledger import Ledger
    from tokman.rates import Card


def beside(ledger: Ledger, changed: Collection[str]) -> list[str]:
    """The other files in which calls of the files `changed` were read."""
    from tokman.query import database

    files = ledger.files()
    if not files:
        return []
    rows = database().execute(
        f"select distinct unnest(files) as file from ({sql.text('read_in')}) order by file",
        {"files": files, "changed": list(changed)},
    )
    return [file for (file,) in rows.fetchall() if file not in set(changed)]


def replace(
    ledger: Ledger,
    incoming: pa.Table,
    card: Card,
    ingest_id: str,
    changed: Collection[str],
    whole: Collection[str],
) -> Committed:
    """Put the sightings in `incoming`, all there are in the files `whole`, in the place of what the
    ledger holds of the calls read in those among them that are `changed`.

    A call whose consumption, model, tier and time stay as they were keeps its price.
    """
    with ledger.lock():
        work = Correction(ledger, card, ingest_id, changed, whole)
        given = incoming.select(["call_id"])
        incoming = work.renamed(incoming)
        done = work.settle_all(incoming.filter(work.gather(incoming)), given)
        ledger.compact()
        return done


class Correction(Work):
    """A commit in which calls of the ledger may go."""

    def __init__(
        self,
        ledger: Ledger,
        card: Card,
        ingest_id: str,
        changed: Collection[str],
        whole: Collection[str],
    ) -> None:
        super().__init__(ledger, card, ingest_id)
        self.changed, self.whole = sorted(changed), sorted({*changed, *whole})

    def recall(self, incoming: pa.Table) -> None:
        """Table `stood`: all rows that may change, as they are; `stale`: those of them read in a
        corrected file; `known`: what of all these is still to be reckoned with."""
        run = self.connection.execute
        super().recall(incoming)
        files = self.ledger.files()
        if files:
            asked = {"files": files, "changed": self.changed}
            run("create temp table stale as " + sql.text("read_in"), asked)
        else:
            run("create temp table stale as select *, [file] as files from known")
        run(
            "create temp table stood as from known where call_id not in (select call_id from stale)"
            " union all by name select * exclude (files) from stale"
        )
        run("delete from known where call_id in (select call_id from stale)")
        kept = sql.text("kept")
        run(f"insert into known by name ({kept})", {"whole": self.whole})

    def settle_all(self, plain: pa.Table, given: pa.Table) -> Committed:
        """Change, add and take away calls, in one step. `plain`: calls that are seen once; `given`:
        the ids of all, as their logs state them."""
        run, names = self.connection.execute, ", ".join(arrow_schema().names)
        self.connection.register("plain", plain)
        self.connection.register("given", given)
        kept = self.count("select count(*) from stale semi join known using (call_id)")
        run(
            f"create temp table present as select {names}, {BESIDE} from merged "
            f"union all by name select {names} from plain"
        )
        run(
            "update present set matched_ids = nullif(list_sort(list_intersect(stale.matched_ids, "
            "(select list(call_id) from given))), []) from stale "
            "where present.call_id = stale.call_id and present.matched_ids is null"
        )
        run(
            "update present set case_id = coalesce(present.case_id, stale.case_id), "
            "run_id = stale.run_id, git_commit = stale.git_commit, git_branch = stale.git_branch "
            "from stale where present.call_id = stale.call_id and present.run_id is null "
            "and stale.run_id is not null"
        )
        run("create or replace temp table known as from stood")
        altered = self.ask(
            f"select {names}, {BESIDE} from present except select {names}, {BESIDE} from stood"
        )
        gone = self.ask("select call_id from stale anti join present using (call_id)")["call_id"]
        if altered.num_rows or len(gone):
            self.ledger.fold(self.settled(altered), gone)
        added = self.count("select count(*) from present anti join stood using (call_id)")
        calls = self.count("select count(*) from present")
        corrected = altered.num_rows - added
        return Committed(
            added=added,
            corrected=corrected,
            known=calls - added - corrected,
            removed=len(gone),
            kept=kept,
        )
