"""The logs as they are before a run, and so which of their calls are the run's afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tokman import discover, files
from tokman.bookmarks import probe
from tokman.discover import Found, Missing
from tokman.pieces import Reject

if TYPE_CHECKING:
    import pyarrow as pa

Inode = tuple[int, int]


class File(msgspec.Struct, frozen=True):
    """One file before the run."""

    size: int
    mtime_ns: int
    probe: str


class Part(msgspec.Struct, frozen=True):
    """A file of which something is the run's."""

    found: Found
    after: int | None
    """The lines after this one are; None: it was written over, and only their time tells."""


class Logs:
    """Files, folders and globs, looked at before the run and again after it."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = list(paths)
        self.before: dict[Inode, File] = {}
        """By inode: a log that is rotated keeps its own under another name."""
        for found in discover.find(self.paths):
            if isinstance(found, Found) and (inode := _inode(found.path)):
                known = File(found.size, found.mtime_ns, probe(found.path, found.size))
                self.before[inode] = known

    def after(self) -> tuple[list[Part], list[Reject]]:
        """The files that grew, appeared or were written over since, and paths that lead nowhere."""
        parts, missing = [], []
        for found in discover.find(self.paths):
            if isinstance(found, Missing):
                missing.append(Reject(found.path, 0, found.reason))
                continue
            inode = _inode(found.path)
            known = self.before.get(inode) if inode else None
            if known is None:
                parts.append(Part(found, 0))
            elif (known.size, known.mtime_ns) != (found.size, found.mtime_ns):
                parts.append(Part(found, _lines_before(found, known)))
        return parts, missing


def own(calls: pa.Table, parts: Iterable[Part], since: datetime) -> tuple[pa.Table, int]:
    """The calls that were made in the run, which began at `since` (naive UTC); and how many may
    have been: of a file that was written over, without a time of their own."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lines = {part.found.path: part.after for part in parts}
    place = pc.index_in(calls["file"], value_set=pa.array(lines, pa.string()))
    after = pc.take(pa.array(lines.values(), pa.int64()), place)
    dated = pc.equal(calls["time_basis"], "log")
    in_time = pc.and_(dated, pc.greater_equal(calls["started_at"], pa.scalar(since)))
    told = pc.if_else(pc.is_valid(after), pc.greater(calls["line"], after), in_time)
    unsure = pc.and_(pc.is_null(after), pc.invert(dated))
    return calls.filter(told), pc.sum(unsure).as_py() or 0


def _inode(path: str) -> Inode | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _lines_before(found: Found, known: File) -> int | None:
    """Lines that were there in full; None where the file is not one of lines that only grew."""
    path = Path(found.path)
    try:
        head = files.head_of(path)
        grew = found.size >= known.size and probe(found.path, known.size) == known.probe != ""
        if not grew or files.kind_of(head) != "lines" or files.is_packed_file(path):
            return None
        return _lines_in(path, known.size)
    except OSError:
        return None


def _lines_in(path: Path, size: int) -> int:
    """Lines in the first `size` bytes of a file; what follows the last line end only if it is a
    record in full."""
    lines, rest = 0, list[bytes]()
    with path.open("rb") as stream:
        while size > 0 and (block := stream.read(min(size, files.BLOCK))):
            size -= len(block)
            ended, newline, begun = block.rpartition(b"\n")
            if newline:
                lines += files.count_lines(ended + newline)
                rest.clear()
            rest.append(begun)
    return lines + _is_json(b"".join(rest))


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
