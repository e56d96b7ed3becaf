"""SQLite databases of other programs, read without writing or locking anything beside them."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from tokman.files import DATABASE

SIDECARS = ("-wal", "-journal")
"""Endings of the files in which SQLite keeps what is not yet, or no longer, in the main one."""

TRIES = 20
"""Copies begun before giving up on a database that is written all the time."""

Tables = Mapping[str, tuple[str, ...]]
"""Tables by name, each with columns."""


def is_one(path: Path) -> bool:
    """True for an SQLite database as it is, not packed (https://sqlite.org/fileformat2.html)."""
    with path.open("rb") as stream:
        return stream.read(len(DATABASE)) == DATABASE


def tables(path: Path) -> dict[str, tuple[str, ...]]:
    """The ordinary tables in the main file with their columns; views and virtual ones are not."""
    with closing(_as_it_is(path)) as connection:
        names = connection.execute(
            "select name from sqlite_master"
            " where type = 'table' and sql not like 'create virtual %'"
        ).fetchall()
        return {name: _columns(connection, name) for (name,) in names}


def _columns(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    found = connection.execute("select name from pragma_table_info(?)", (table,))
    return tuple(name for (name,) in found)


def wanted(found: Tables, needed: Tables) -> dict[str, tuple[str, ...]]:
    """Those of the needed tables that are there with every column, in the order they are needed."""
    return {
        table: columns
        for table, columns in needed.items()
        if set(columns) <= set(found.get(table, ()))
    }


def rows(
    connection: sqlite3.Connection, table: str, columns: tuple[str, ...]
) -> Iterator[dict[str, object]]:
    """The rows of a table in the order they were written; texts as bytes, whatever they hold."""
    names = ", ".join(f'"{column}"' for column in columns)
    for row in connection.execute(f'select {names} from "{table}"'):
        yield dict(zip(columns, row, strict=True))


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database as of its last commit. OSError if it is written to without a pause.

    With nothing beside it the main file is complete and read where it is; `immutable` keeps SQLite
    from making files next to it (https://sqlite.org/uri.html). Otherwise it is in use, or its
    writer died, and a copy is opened: SQLite puts the two together there.
    """
    if not any(_size(path, ending) for ending in SIDECARS):
        with closing(_as_it_is(path)) as connection:
            connection.text_factory = bytes
            before = _main(path)
            yield connection
            if _main(path) != before:
                raise OSError("it was written to while it was read; ingest it again")
        return
    with tempfile.TemporaryDirectory(prefix="tokman-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "copy"
        _copy(path, copy)
        with closing(sqlite3.connect(copy)) as connection:
            connection.text_factory = bytes
            connection.execute("pragma trusted_schema = off")
            connection.execute("select count(*) from sqlite_master").fetchone()
            shutil.rmtree(folder, ignore_errors=True)  # open files stay readable, unseen by others
            yield connection


def _as_it_is(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    connection.execute("pragma trusted_schema = off")
    return connection


def _copy(path: Path, copy: Path) -> None:
    """The main file and what is beside it, of one moment.

    A write-ahead log is only appended to until its pages are all in the main file, then begun anew
    with another header (https://sqlite.org/walformat.html): with the same header before and after,
    the copied log holds every page that the main file may have changed in between.
    """
    for _ in range(TRIES):
        before = _moment(path)
        shutil.copyfile(path, copy)
        for ending in SIDECARS:
            beside = Path(f"{copy}{ending}")
            beside.unlink(missing_ok=True)
            if _size(path, ending):
                try:
                    shutil.copyfile(f"{path}{ending}", beside)
                except FileNotFoundError:
                    break
        else:
            if _moment(path) == before:
                return
        time.sleep(0.05)
    raise OSError("it is being written to without a pause; try again later")


def _moment(path: Path) -> object:
    """Equal at two times between which a copy is of one state."""
    try:
        with Path(f"{path}-wal").open("rb") as stream:
            header = stream.read(32)
    except FileNotFoundError:
        header = b""
    if header:
        return header
    return _main(path), _size(path, "-journal")


def _main(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _size(path: Path, ending: str) -> int:
    try:
        return Path(f"{path}{ending}").stat().st_size
    except FileNotFoundError:
        return 0
