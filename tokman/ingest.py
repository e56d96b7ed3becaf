"""Paths into the ledger: what is new is read on every core and committed, the rest is skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, BinaryIO

from tokman import discover, sources
from tokman.bookmarks import Bookmark, Bookmarks, holds, outdated
from tokman.pieces import Ingested, Progress, Reject

if TYPE_CHECKING:
    from tokman.ledger import Ledger
    from tokman.rates import Card


def ingest(
    paths: Iterable[str],
    ledger: Ledger,
    card: Callable[[], Card],
    *,
    source: str | None = None,
    stdin: BinaryIO | None = None,
    match_fuzzy: bool = False,
    progress: Progress = lambda done, total: None,
) -> Ingested:
    """Read what is new under `paths` (`-` is `stdin`) and commit it; with `match_fuzzy`, calls of
    the ledger that are alike in two logs are then made one."""
    done = Ingested()
    with Bookmarks(ledger.folder) as bookmarks:
        marks = bookmarks.all()
        todo: list[tuple[discover.Found, Bookmark | None]] = []
        corrected: list[discover.Found] = []
        written_over, over_now = bookmarks.written_over(), set()
        paths = list(paths)
        for found in discover.find(path for path in paths if path != "-"):
            if isinstance(found, discover.Missing):
                done.rejects.append(Reject(found.path, 0, found.reason))
                continue
            mark = marks.get(found.path)
            if mark and _unchanged(mark, found, source):
                done.unchanged += 1
                continue
            if mark and mark.source and not holds(found, mark):
                over_now.add(found.path)
            if not mark or not _other_reader(mark, source):
                todo.append((found, mark))
            elif found.path in written_over | over_now:
                todo.append((found, mark))
                done.written_over.append(found.path)
            else:
                corrected.append(found)
        if over_now:
            bookmarks.write_over(over_now)
        if corrected or todo or "-" in paths:
            from tokman.run import Run

            run = Run(ledger, bookmarks, card, done, progress, over_now)
            if corrected:
                beside = _beside(ledger, corrected, marks, written_over | over_now)
                run.anew(corrected, beside, source)
                todo = [each for each in todo if each[0] not in beside]
            if todo or "-" in paths:
                run.all(todo, source, stdin if "-" in paths else None)
        if match_fuzzy:
            from tokman.alike import match
            from tokman.run import new_ingest

            done.matched = match(ledger, card(), new_ingest())
    return done


def _beside(
    ledger: Ledger,
    corrected: list[discover.Found],
    marks: dict[str, Bookmark],
    written_over: set[str],
) -> list[discover.Found]:
    """The other files that saw calls of these, if all that was read of them can be read again."""
    from tokman.correct import beside

    paths = beside(ledger, [found.path for found in corrected])
    readable = [path for path in paths if path in marks and path not in written_over]
    return [
        found
        for found in discover.find(readable)
        if isinstance(found, discover.Found)
        and not outdated(marks[found.path])
        and holds(found, marks[found.path])
    ]


def _other_reader(mark: Bookmark, source: str | None) -> bool:
    """The file was read as another format, or by a mapping of the user's that was edited."""
    return bool(mark.source) and (outdated(mark) or source not in (None, mark.source))


def _unchanged(mark: Bookmark, found: discover.Found, source: str | None) -> bool:
    """Nothing to do: the file is as it was, and it is not one that a newer tokman might know."""
    same = mark.size == found.size and mark.mtime_ns == found.mtime_ns
    edited = outdated(mark) and (mark.source is None or sources.fingerprint(mark.source))
    return same and not edited and source in (None, mark.source)
