"""What has been read of each file, and the lines refused: SQLite beside the table.

Written after the commit of the rows it speaks of. A run that dies in between reads those files
again, which changes nothing.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tokman import __version__, sources
from tokman.discover import DATABASES, Found
from tokman.pieces import Reject

SCHEMA = """
create table if not exists files (
    path text primary key, size integer, mtime_ns integer, consumed integer, lines integer,
    probe text, source text, state blob, reader text
) without rowid;
create table if not exists rejects (
    path text, line integer, reason text, primary key (path, line, reason)
) without rowid;
create table if not exists written_over (path text primary key) without rowid;
"""
"""written_over: files that held other records before, of which the ledger may hold calls."""


class Bookmark(msgspec.Struct, kw_only=True):
    """One file as it was when its rows were last committed."""

    path: str
    size: int
    mtime_ns: int
    consumed: int
    """Bytes from the start whose records are settled; 0 where only the whole can be read."""
    lines: int
    """Lines in those bytes."""
    probe: str
    """Hash of the first and last bytes of what was read: equal means the file only grew."""
    source: str | None
    """None: not a log of any format tokman reads."""
    state: bytes
    reader: str
    """What read it: `reader_of` then."""


class Read(msgspec.Struct):
    """What one run learned of a file: its new bookmark and the lines it refused."""

    bookmark: Bookmark
    rejects: list[Reject]
    since: int
    """First line of this reading: what was refused from there on before is replaced."""


def reader_of(source: str | None) -> str:
    """What reads a source's files: tokman's version, and what the user's mapping says; for None,
    what found that a file is no log."""
    return f"{__version__} {sources.fingerprint(source)}".strip()


def outdated(mark: Bookmark) -> bool:
    """True if the file was read with a mapping of the user's that was edited or is not in use."""
    if mark.reader == reader_of(mark.source):
        return False
    return mark.source is None or all(source.name != mark.source for source in sources.known())


def probe(path: str, consumed: int) -> str:
    """Hash of the first and the last bytes before `consumed`; '' where they cannot be read."""
    try:
        with Path(path).open("rb") as stream:
            head = stream.read(min(1024, consumed))
            stream.seek(max(0, consumed - 256))
            return hashlib.blake2b(
                head + stream.read(min(256, consumed)), digest_size=16
            ).hexdigest()
    except OSError:
        return ""


def holds(found: Found, mark: Bookmark) -> bool:
    """True if all that was read of the file is in it still, whatever was added."""
    if (mark.size, mark.mtime_ns) == (found.size, found.mtime_ns):
        return True
    read = mark.consumed or mark.size
    if read > found.size or found.path.endswith(DATABASES):
        return False
    return bool(mark.probe) and probe(found.path, read) == mark.probe


class Bookmarks:
    """The bookmarks of one ledger; `writing` makes their file where there is none."""

    def __init__(self, folder: Path, *, writing: bool = True) -> None:
        path = folder / "ingest.sqlite"
        opened = None if writing else _opened(path)
        self.connection = opened or sqlite3.connect(path if writing else ":memory:", timeout=120)
        if opened is None:
            self.connection.executescript(SCHEMA)

    def __enter__(self) -> Bookmarks:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def all(self) -> dict[str, Bookmark]:
        """Every bookmark by path."""
        rows = self.connection.execute(
            "select path, size, mtime_ns, consumed, lines, probe, source, state, reader from files"
        )
        names = Bookmark.__struct_fields__
        marks = (Bookmark(**dict(zip(names, row, strict=True))) for row in rows)
        return {mark.path: mark for mark in marks}

    def written_over(self) -> set[str]:
        """The files that held other records before, of which the ledger may hold calls."""
        return {path for (path,) in self.connection.execute("select path from written_over")}

    def write_over(self, paths: Iterable[str]) -> None:
        """Remember that these files hold other records than were read of them."""
        with self.connection:
            self.connection.executemany(
                "insert or ignore into written_over values (?)", [(path,) for path in paths]
            )

    def save(self, reads: Iterable[Read]) -> None:
        """Remember the readings, all or none."""
        with self.connection:
            for read in reads:
                mark = read.bookmark
                self.connection.execute(
                    "delete from rejects where path = ? and (line >= ? or line = 0)",
                    (mark.path, read.since),
                )
                self.connection.executemany(
                    "insert or ignore into rejects values (?, ?, ?)",
                    [(reject.path, reject.line, reject.reason) for reject in read.rejects],
                )
                self.connection.execute(
                    "insert or replace into files values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    msgspec.structs.astuple(mark),
                )

    def rejects(self) -> list[Reject]:
        """Every refused line, by file and line."""
        rows = self.connection.execute("select path, line, reason from rejects order by 1, 2, 3")
        return [Reject(*row) for row in rows]


def _opened(path: Path) -> sqlite3.Connection | None:
    """The file as it is, or None where a run has not come to write it. Not strictly read-only:
    what a killed writer left half done is rolled back (https://sqlite.org/lockingv3.html)."""
    if not path.exists():
        return None
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", timeout=120, uri=True)
    if connection.execute("select count(*) from sqlite_master").fetchone()[0] < 2:
        connection.close()
        return None
    return connection
