"""Paths as a person gives them, into files; and where the tools keep their logs."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from tokman.sources import sources

NOT_LOGS = frozenset(
    ".md .py .toml .yaml .yml .lock .png .jpg .jpeg .gif .svg .pdf .html .css .js .ts .sh .sql "
    ".xlsx .docx .exe .so .pyc .whl .tar .bz2 .xz .zip".split()
)
"""Endings that no format tokman reads has; files of a folder with them are passed over."""

SKIPPED_FOLDERS = frozenset({".git", ".tokman", ".venv", "node_modules", "__pycache__"})


DATABASES = (".db", ".sqlite", ".sqlite3")
"""Endings of the SQLite databases that programs keep logs in; most others are nobody's logs."""

BESIDE_DATABASES = ("-wal", "-shm", "-journal")
"""What SQLite writes beside a database; read with it."""


class Found(msgspec.Struct, frozen=True):
    """A file to look at."""

    path: str
    size: int
    mtime_ns: int
    named: bool
    """True where the user named this very file, so that silence about it would be wrong."""


class Missing(msgspec.Struct, frozen=True):
    """A path that leads to nothing readable, and why."""

    path: str
    reason: str


def usual_places() -> Iterator[tuple[str, str]]:
    """(source, place) of each usual file or folder that exists on this machine, once."""
    seen = set()
    for source in sources():
        for location in source.locations:
            pattern = os.path.expanduser(os.path.expandvars(location))
            for place in sorted(glob.glob(pattern)) if "$" not in pattern else ():
                if Path(place).resolve() not in seen:
                    seen.add(Path(place).resolve())
                    yield source.name, place


def find(paths: Iterable[str]) -> Iterator[Found | Missing]:
    """Every file behind files, folders and globs, each once, in a fixed order."""
    seen: set[tuple[int, int]] = set()
    for path in paths:
        matches = [path] if Path(path).exists() else sorted(glob.glob(path, recursive=True))
        if not matches:
            yield Missing(path, "no such file or folder")
        for match in matches:
            yield from _walk(match, named=not Path(match).is_dir(), seen=seen)


def _walk(path: str, *, named: bool, seen: set[tuple[int, int]]) -> Iterator[Found | Missing]:
    """Files at or under `path`; a folder or file reached twice, by a link say, counts once."""
    try:
        status = os.stat(path)
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        if stat.S_ISREG(status.st_mode):
            size, mtime = _with_log(path, status)
            yield Found(os.path.abspath(path), size, mtime, named)
            return
        if not stat.S_ISDIR(status.st_mode):
            yield Missing(path, "not a regular file; pipe it in as `-`")
            return
        entries = sorted(os.listdir(path))
    except OSError as error:
        yield Missing(path, error.strerror or str(error))
        return
    for entry in entries:
        child = os.path.join(path, entry)
        ending = os.path.splitext(entry)[1].lower()
        if (ending in NOT_LOGS or ending.endswith(BESIDE_DATABASES)) and not os.path.isdir(child):
            continue
        if entry not in SKIPPED_FOLDERS:
            yield from _walk(child, named=False, seen=seen)


def _with_log(path: str, status: os.stat_result) -> tuple[int, int]:
    """Size and time of last change of a file, of a database with its write-ahead log: what was
    written last may be there only."""
    if path.endswith(DATABASES):
        try:
            log = os.stat(path + "-wal")
        except OSError:
            return status.st_size, status.st_mtime_ns
        return status.st_size + log.st_size, max(status.st_mtime_ns, log.st_mtime_ns)
    return status.st_size, status.st_mtime_ns
