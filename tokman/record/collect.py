"""Run the command, then put what it exported and logged into the ledger."""

from __future__ import annotations

import os
from contextlib import nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tokman.bookmarks import Bookmark, Bookmarks
from tokman.discover import Found
from tokman.pieces import Ingested, Origin
from tokman.record import child
from tokman.record.before import Logs, Part, own
from tokman.record.plan import Plan
from tokman.record.receiver import Receiver, Tally
from tokman.record.spans import OTLP, Spans
from tokman.run import Run, sweep, table

if TYPE_CHECKING:
    import pyarrow as pa

    from tokman.ledger import Ledger
    from tokman.rates import Card


class Recorded(msgspec.Struct, kw_only=True):
    """What a run left."""

    plan: Plan
    code: int
    """How the command ended."""
    tally: Tally | None = None
    done: Ingested = msgspec.field(default_factory=Ingested)
    files: int = 0
    """Logs that grew, appeared or were written over."""
    undated: int = 0
    """Calls left out: their log was written over and states no time of them."""
    calls: int = 0
    """That are of the run."""
    earlier: int = 0
    """Calls that an earlier run made, whose answers this one was given again."""
    cases: int = 0
    without_case: int = 0
    unpriced: int = 0
    estimated: int = 0
    """Calls whose tokens are counted from their texts, for nothing states them."""
    list_cost: Decimal = Decimal(0)


class Broken(Exception):
    """What the command did could not be recorded; `code` is how it ended."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def record(plan: Plan, ledger: Ledger, card: Card) -> Recorded:
    """Run the plan's command, and put the calls it made into the ledger as those of its run.

    CannotRun where the command cannot be started; Broken, of whatever it was, where something ends
    this after the command.
    """
    folder = ledger.folder / "tmp"
    folder.mkdir(exist_ok=True)
    sweep(folder)
    logs = Logs(plan.logs)
    since = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    ended: int | None = None
    spans = Spans(ledger.key, folder) if plan.otlp else None
    try:
        with child.interruptible():
            receiving = Receiver(spans.put) if spans else None
            with receiving or nullcontext():
                environment = child.surroundings(
                    os.environ,
                    run_id=plan.run_id,
                    case_id=plan.case_id,
                    port=receiving.port if receiving else None,
                )
                ended = child.run(plan.command, environment)
            recorded = Recorded(plan=plan, code=ended)
            recorded.tally = receiving.tally if receiving else None
            _collect(recorded, ledger, card, spans, logs, since)
            return recorded
    except BaseException as error:
        if spans:
            spans.discard()
        if ended is None:
            raise
        raise Broken(ended) from error


def _collect(
    recorded: Recorded,
    ledger: Ledger,
    card: Card,
    spans: Spans | None,
    logs: Logs,
    since: datetime,
) -> None:
    """Commit what was received, then what the logs got: a case that a span states goes before one
    that is only the whole run's."""
    parts, missing = logs.after()
    recorded.files = len(parts)
    recorded.done.rejects += missing
    with Bookmarks(ledger.folder) as bookmarks:
        run = _Collecting(ledger, bookmarks, card, recorded, parts, since)
        if spans:
            run.received(spans)
        if parts:
            marks = bookmarks.all()
            run.all([(part.found, _mark(marks, part)) for part in parts], None, None)
    after = {part.found.path: part.after or 0 for part in parts}
    recorded.done.rejects = [
        each
        for each in recorded.done.rejects
        if not each.line or each.line > after.get(each.path, 0)
    ]
    _sum_up(recorded, ledger, run.ids)


def _mark(marks: dict[str, Bookmark], part: Part) -> Bookmark | None:
    """Where an ingest has stopped reading the file, if that was before the run."""
    mark = marks.get(part.found.path)
    return mark if mark and part.after is not None and mark.lines <= part.after else None


class _Collecting(Run):
    """Reads files for one run of a suite. It leaves no bookmarks: of the calls before the run an
    ingest shall still know nothing."""

    def __init__(
        self,
        ledger: Ledger,
        bookmarks: Bookmarks,
        card: Card,
        recorded: Recorded,
        parts: list[Part],
        since: datetime,
    ) -> None:
        super().__init__(ledger, bookmarks, lambda: card, recorded.done, lambda done, total: None)
        received = Part(Found(OTLP, 0, 0, named=True), 0)
        self.recorded, self.parts, self.since = recorded, [received, *parts], since
        self.ids: list[pa.ChunkedArray] = []
        plan = recorded.plan
        self.origin = Origin(
            run_id=plan.run_id,
            case_id=plan.case_id,
            git_commit=plan.git_commit,
            git_branch=plan.git_branch,
        )

    def received(self, spans: Spans) -> None:
        """Take what was received."""
        try:
            job, outcome, written = spans.close()
            self.settle(job, [outcome], written)
            self.commit()
        finally:
            self.clear()

    def commit(self) -> None:
        """Commit those of the rows that are the run's."""
        import pyarrow as pa

        from tokman.commit import commit

        if self.batches:
            calls, undated = own(table(self.batches), self.parts, self.since)
            self.recorded.undated += undated
            place = calls.schema.get_field_index("run_id")
            unsaid = pa.nulls(calls.num_rows, pa.string())
            calls = calls.set_column(place, calls.schema.field(place), unsaid)
            if calls.num_rows:
                self.ids.append(calls["call_id"])
                self.count(commit(self.ledger, calls, self.card(), self.ingest_id, self.origin))
        self.clear()


def _sum_up(recorded: Recorded, ledger: Ledger, ids: list[pa.ChunkedArray]) -> None:
    """Fill in what the ledger now holds of these calls."""
    import pyarrow as pa

    from tokman.query import database, rows

    files = ledger.files()
    if not ids or not files:
        return
    connection = database()
    chunks = [chunk for each in ids for chunk in each.chunks]
    connection.register("seen", pa.table({"call_id": pa.chunked_array(chunks, pa.string())}))
    asked: dict[str, Any] = {"files": files, "run": recorded.plan.run_id}
    (found,) = rows(
        connection.execute(
            "select count(*) filter (run_id = $run) as calls, "
            "count(*) filter (run_id is distinct from $run) as earlier, "
            "count(distinct case_id) filter (run_id = $run) as cases, "
            "count(*) filter (run_id = $run and case_id is null) as without_case, "
            "count(*) filter (run_id = $run and list_cost is null) as unpriced, "
            "count(*) filter (run_id = $run and count_basis <> 'reported') as estimated, "
            "coalesce(sum(list_cost) filter (run_id = $run), 0) as list_cost "
            "from read_parquet($files) where call_id in (select call_id from seen)",
            asked,
        )
    )
    for name, value in found.items():
        setattr(recorded, name, value)
