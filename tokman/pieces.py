"""A piece of a log on its way to a worker, and what came out of it."""

from __future__ import annotations

import msgspec


class Piece(msgspec.Struct, kw_only=True):
    """A stretch of one file, or unpacked bytes of one, or of standard input."""

    path: str
    start: int = 0
    end: int | None = None
    """None: to the end of the file."""
    line: int = 1
    """Number of the first line; 1 for every piece of a split file, put right afterwards."""
    data: bytes | None = None
    """The bytes themselves, where they do not lie in the file as they are read."""
    broken: str | None = None
    """Why nothing follows `data`, where more was to come."""
    source: str | None = None
    """Name of the source; None: recognise it."""
    state: bytes = b""
    mtime: int = 0
    """When the file was last changed, in µs: the time of calls that state none."""


class Reject(msgspec.Struct, frozen=True):
    """A line that was refused and why; line 0 means the whole file."""

    path: str
    line: int
    reason: str


class Outcome(msgspec.Struct, kw_only=True):
    """What came out of one piece."""

    path: str
    source: str | None = None
    rows: int = 0
    """Calls."""
    statements: int = 0
    """Lines of statements."""
    lines: int = 0
    consumed: int = 0
    """Bytes of the file whose records are settled; a torn last line is not."""
    rejects: list[Reject] = []
    state: bytes = b""
    unknown: bool = False
    """True: not a log of any format tokman reads."""
