"""A piece of a log on its way to a worker, what came out of it, and out of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

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
    share: tuple[int, int] = (0, 1)
    """Which of how many readers of the same bytes is meant, each with a part of the traces; what
    all of them find alike is told by the last."""
    mtime: int = 0
    """When the file was last changed, in µs: the time of calls that state none."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The run of a suite that made calls, where their logs do not say it."""

    run_id: str
    case_id: str | None = None
    """The case of calls that state none."""
    git_commit: str | None = None
    git_branch: str | None = None


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


class Ingested(msgspec.Struct, kw_only=True):
    """What an ingest did."""

    files: Counter[str] = msgspec.field(default_factory=Counter)
    """Files read, by source."""
    unchanged: int = 0
    sightings: int = 0
    """Calls read, before the same call in several places is counted once."""
    added: int = 0
    completed: int = 0
    known: int = 0
    corrected: int = 0
    """Calls that another reader of their file than before gives other facts."""
    removed: int = 0
    """Calls that it does not find in their file."""
    kept: int = 0
    """Calls that keep what the reader before gave too, for not all their files can be read."""
    written_over: list[str] = []
    """Files with another reader than before that no longer hold all that was read of them."""
    matched: int = 0
    """Pairs of calls that were made one because they are alike."""
    statements: int = 0
    """Lines of statements read."""
    stated: int = 0
    """Those of them that were new, or later than what was known of the line."""
    withdrawn: int = 0
    """Lines of statements taken out: a later statement of the same days has them no more."""
    rejects: list[Reject] = []
    not_logs: list[str] = []
    """Files in the folders given that are no log of a format tokman reads."""


Progress = Callable[[int, int], None]
"""Called with (bytes read, bytes in all)."""
