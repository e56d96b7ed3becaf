"""Paths into the ledger: what is new is read on every core and committed, the rest is skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, BinaryIO

from tokman import discover, sources
from tokman.bookmarks import Bookmark, Bookmarks, outdated
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
        paths = list(paths)
        for found in discover.find(path for path in paths if path != "-"):
            if isinstance(found, discover.Missing):
                done.rejects.append(Reject(found.path, 0, found.reason))
                continue
            mark = marks.get(found.path)
            if mark and _unchanged(mark, found, source):
                done.unchanged += 1
            else:
                todo.append((found, mark))
        if todo or "-" in paths:
            from tokman.run import Run

            piped = stdin if "-" in paths else None
            Run(ledger, bookmarks, card, done, progress).all(todo, source, piped)
        if match_fuzzy:
            from tokman.alike import match
            from tokman.run import new_ingest

            done.matched = match(ledger, card(), new_ingest())
    return done


def _unchanged(mark: Bookmark, found: discover.Found, source: str | None) -> bool:
    """Nothing to do: the file is as it was, and it is not one that a newer tokman might know."""
    same = mark.size == found.size and mark.mtime_ns == found.mtime_ns
    edited = outdated(mark) and (mark.source is None or sources.fingerprint(mark.source))
    return same and not edited and source in (None, mark.source)
