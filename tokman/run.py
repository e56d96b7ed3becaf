"""One run of an ingest: jobs through the workers, in order, into commits."""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tokman import discover, jobs, ranks, sources
from tokman.bookmarks import Bookmark, Bookmarks, Read, probe, reader_of
from tokman.discover import Found
from tokman.jobs import Job
from tokman.ledger import Ledger
from tokman.pieces import Ingested, Outcome, Piece, Progress, Reject
from tokman.reading import read_pieces
from tokman.rows import Written
from tokman.sources.base import ByTrace
from tokman.usage import arrow_schema

if TYPE_CHECKING:
    from concurrent.futures import Future

    import pyarrow as pa

    from tokman.commit import Committed
    from tokman.rates import Card
    from tokman.sources.mapping.spec import Mapping

ROWS = 80_000
"""Rows committed at a time."""

STDIN = "<stdin>"

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Settings of glibc's malloc, as its malloc.h numbers them."""


def new_ingest() -> str:
    """An id for what one run writes: when it began, and what no other has."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"


class Run:
    """Jobs through the workers, in order, into commits."""

    def __init__(
        self,
        ledger: Ledger,
        bookmarks: Bookmarks,
        card: Callable[[], Card],
        done: Ingested,
        progress: Progress,
        written_over: Collection[str] = (),
    ) -> None:
        self.ledger, self.bookmarks = ledger, bookmarks
        self.card: Callable[[], Card] = cache(card)
        self.done, self.progress = done, progress
        self.written_over = written_over
        """Files that hold other records than were read of them."""
        self.restated: dict[str, datetime] = {}
        """Those of them that are bills, read whole: when they were last changed."""
        self.bytes = self.total = 0
        self.ingest_id = new_ingest()
        self.folder = ledger.folder / "tmp"
        self.batches: list[tuple[str, int]] = []
        self.statements: list[tuple[str, int]] = []
        """Arrow files of calls and of statements, and the lines before each in its file."""
        self.rows = 0
        self.reads: list[Read] = []
        self.corrected: set[str] = set()
        """Files whose earlier calls go in the commit that brings their present ones."""
        self.whole: set[str] = set()
        """Files read to their end since `corrected` was set."""
        self.split: tuple[int, int, list[Reject]] | None = None
        """First line, lines and rejects of the parts read so far of a split file."""
        self.states: list[bytes] = []
        """What those who share the traces of a file remember of it, so far."""

    def all(
        self,
        todo: list[tuple[Found, Bookmark | None]],
        source: str | None,
        stdin: BinaryIO | None,
    ) -> None:
        """Read everything; what was committed before an error or an interrupt stays."""
        self.total += sum(found.size for found, _ in todo)
        parts = jobs.of_files(todo, source)
        if stdin is not None:
            piped = Piece(path=STDIN, source=source, mtime=time.time_ns() // 1000)
            parts = chain(parts, jobs.of_stream(stdin, piped, None))
        self.read(parts, small=stdin is None and self.total < jobs.TOGETHER)

    def anew(self, corrected: list[Found], beside: list[Found], source: str | None) -> None:
        """Read files of which the ledger holds what another reader made of them, and those that saw
        the same calls beside them, into one commit in which the earlier goes."""
        self.corrected, self.whole = {found.path for found in corrected}, set()
        self.total += sum(found.size for found in (*corrected, *beside))
        parts = jobs.of_files([(found, None) for found in corrected], source)
        others = jobs.of_files([(found, None) for found in beside], None)
        self.read(chain(parts, others), small=self.total < jobs.TOGETHER)
        self.corrected = set()

    def read(self, parts: Iterator[Job], *, small: bool) -> None:
        """Read the jobs and commit what they hold."""
        self.folder.mkdir(exist_ok=True)
        sweep(self.folder)
        try:
            if small or (os.cpu_count() or 1) == 1:
                for job in parts:
                    self.settle(job, *read_pieces(job.pieces, self.ledger.key, self.folder))
            else:
                self.on_every_core(parts)
            self.commit()
        finally:
            self.clear()

    def on_every_core(self, parts: Iterator[Job]) -> None:
        """Read in as many processes as there are cores, while this one commits."""
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

        import pyarrow  # noqa: F401 - loaded before the fork, as the sources are: workers share it

        sources.known()
        method = "fork" if sys.platform == "linux" else "spawn"
        workers = os.cpu_count() or 1
        waiting: deque[tuple[Job, Future[tuple[list[Outcome], Written]]]] = deque()
        with (
            ThreadPoolExecutor(1) as loader,
            ProcessPoolExecutor(
                workers,
                multiprocessing.get_context(method),
                _start,
                (os.getpid(), sources.mappings(), ranks.named()),
            ) as pool,
        ):
            loading: Future[Card] | None = None
            try:
                for job in parts:
                    waiting.append(
                        (job, pool.submit(read_pieces, job.pieces, self.ledger.key, self.folder))
                    )
                    if loading is None:  # by now the workers are forked, as no thread should be
                        loading = loader.submit(_needed, self.card)
                        self.card = loading.result
                    while len(waiting) > 3 * workers or (waiting and waiting[0][1].done()):
                        first, result = waiting.popleft()
                        self.settle(first, *result.result())
                while waiting:
                    first, result = waiting.popleft()
                    self.settle(first, *result.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def settle(self, job: Job, outcomes: list[Outcome], written: Written) -> None:
        """Take a job's rows and remember what it read."""
        base = self.split[1] if self.split else 0
        if written.usage:
            self.batches.append((written.usage, base))
        if written.statements:
            self.statements.append((written.statements, base))
        self.rows += sum(outcome.rows + outcome.statements for outcome in outcomes)
        for piece, found, outcome in zip(job.pieces, job.found, outcomes, strict=True):
            if piece.data is None and (job.last or piece.share[1] == 1):
                self.bytes += (piece.end or (found.size if found else 0)) - piece.start
            elif piece.data is not None and found and job.last:
                self.bytes += found.size
            if piece.share[1] > 1:
                self.share(job, outcome)
            rejects = [
                Reject(r.path, r.line + base if r.line else 0, r.reason) for r in outcome.rejects
            ]
            self.done.sightings += outcome.rows
            self.done.statements += outcome.statements
            since, lines = piece.line, outcome.lines + piece.line - 1
            if self.split:
                since, lines = self.split[0], base + outcome.lines
                rejects = self.split[2] + rejects
            self.split = None if job.last else (since, lines, rejects)
            if job.last:
                self.finish(piece, found, outcome, rejects, (since, lines))
        self.progress(self.bytes, self.total)
        if self.rows >= ROWS and not self.corrected:
            self.commit()

    def share(self, job: Job, outcome: Outcome) -> None:
        """Keep what one of several readers of a file remembers of it; the last has it all."""
        self.states.append(outcome.state)
        if job.last:
            source = outcome.source and sources.by_name(outcome.source)
            if source and issubclass(source, ByTrace):
                outcome.state = source.joined(self.states)
            self.states = []

    def finish(
        self,
        piece: Piece,
        found: Found | None,
        outcome: Outcome,
        rejects: list[Reject],
        span: tuple[int, int],
    ) -> None:
        """A file is read to its end: count it, and mark where it ended for the next commit."""
        if outcome.unknown:
            if found is None or found.named:
                rejects.append(
                    Reject(piece.path, 0, "no format tokman reads; see `tokman sources`")
                )
            elif not piece.path.endswith(discover.DATABASES):
                self.done.not_logs.append(piece.path)
        elif outcome.source:
            self.done.files[outcome.source] += 1
        rejects.sort(key=lambda reject: (reject.line, reject.reason))
        self.done.rejects.extend(rejects)
        if found is None:
            return
        if outcome.source and all(reject.line for reject in rejects):
            self.whole.add(found.path)
        if outcome.statements and found.path in self.written_over and not rejects:
            changed = timedelta(microseconds=found.mtime_ns // 1000)
            self.restated[found.path] = datetime(1970, 1, 1) + changed
        consumed = piece.start + outcome.consumed if piece.data is None else 0
        with_probe = probe(found.path, consumed or found.size)
        mark = Bookmark(
            path=found.path,
            size=found.size,
            mtime_ns=found.mtime_ns,
            consumed=consumed if with_probe else 0,
            lines=span[1],
            probe=with_probe,
            source=outcome.source,
            state=outcome.state,
            reader=reader_of(outcome.source),
        )
        self.reads.append(Read(mark, rejects, span[0]))

    def commit(self) -> None:
        """Rows first, bookmarks after: dying in between costs a second reading, nothing else."""
        if self.corrected:
            from tokman.correct import replace

            rows, files = table(self.batches), (self.corrected & self.whole, self.whole)
            self.count(replace(self.ledger, rows, self.card(), self.ingest_id, *files))
        elif self.batches:
            from tokman.commit import commit

            self.count(commit(self.ledger, table(self.batches), self.card(), self.ingest_id))
        if self.statements:
            from tokman.commit import commit_statements, supersede

            lines = table(self.statements)
            self.done.stated += commit_statements(self.ledger, lines, self.ingest_id)
            self.done.withdrawn += supersede(self.ledger, lines)
        if self.restated:
            from tokman.commit import withdraw

            self.done.withdrawn += withdraw(self.ledger, self.restated)
        self.bookmarks.save(self.reads)
        self.clear()

    def count(self, committed: Committed) -> None:
        """Add up what commits did."""
        for name in committed.__struct_fields__:
            setattr(self.done, name, getattr(self.done, name) + getattr(committed, name))

    def clear(self) -> None:
        """Forget the rows that were waiting, with their files."""
        for path, _ in (*self.batches, *self.statements):
            Path(path).unlink(missing_ok=True)
        self.batches, self.statements, self.reads, self.rows = [], [], [], 0
        self.restated = {}


def _needed(card: Callable[[], Card]) -> Card:
    """Load what a commit needs, of which the rate card is a part."""
    from importlib import import_module

    for name in ("deltalake", "duckdb", "pyarrow.compute"):
        import_module(name)
    return card()


def table(batches: list[tuple[str, int]]) -> pa.Table:
    """The workers' rows as one table, with line numbers counted from the start of each file."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not batches:
        return arrow_schema().empty_table()
    tables = []
    for path, base in batches:
        with pa.memory_map(path) as source:
            table = pa.ipc.open_stream(source).read_all()
        if base:
            index = table.schema.get_field_index("line")
            table = table.set_column(index, "line", pc.add(table["line"], base))
        tables.append(table)
    return pa.concat_tables(tables)


def _start(parent: int, mappings: list[Mapping], counted_by: Path | None) -> None:
    """Worker set-up: the user's mappings and ranks, no garbage collector in the way, and no life
    after the parent's death."""
    import gc

    sources.use(mappings)
    ranks.use(counted_by)
    gc.disable()
    _keep_memory()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _keep_memory() -> None:
    """Let glibc keep what was freed for the next block, up to 16 MB: to give it back and ask for it
    again costs a page fault every 4 KB (https://man7.org/linux/man-pages/man3/mallopt.3.html)."""
    if sys.platform != "linux":
        return
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 4 << 20)
        mallopt(M_TRIM_THRESHOLD, 16 << 20)


def sweep(folder: Path) -> None:
    """Remove the rows of runs that were killed; each file is named after its process."""
    for path in folder.glob("*.arrow"):
        try:
            os.kill(int(path.name.split("-")[0]), 0)
        except (ProcessLookupError, ValueError):
            path.unlink(missing_ok=True)
        except PermissionError:
            continue
