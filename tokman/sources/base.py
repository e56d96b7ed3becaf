"""What every source offers: how its records are told apart and turned into usage."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from struct import Struct
from typing import Annotated, Any, ClassVar, Protocol, runtime_checkable

import msgspec
from xxhash import xxh3_128_digest

from tokman.statement import Statement
from tokman.usage import Usage

Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
"""A token count as a log may state it; decoding refuses anything else with a reason."""


class Refused(msgspec.Struct, gc=False):
    """A part of a record that is refused while the rest of it is read."""

    line: int
    reason: str


Record = Usage | Statement | Refused
"""What a source makes of what it reads: calls, lines of a provider's statement, refusals."""


_SIZE = Struct("<Q").pack
_SIGNED = Struct("<q").unpack
_FIRST = Struct("<q24x").unpack


@cache
def _keyed(key: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=8, key=key)


class Context(msgspec.Struct, frozen=True):
    """What a source may know beside the record: the file it reads and the ledger's hash key."""

    path: str
    key: bytes
    share: tuple[int, int] = (0, 1)
    """Which of how many readers of the same bytes this is, each with a part of the traces."""

    def hash(self, *parts: bytes) -> int:
        """Keyed 64-bit hash of the parts, signed; the same in one ledger, meaningless outside."""
        digest = _keyed(self.key).copy()
        for part in parts:
            digest.update(_SIZE(len(part)) + part)
        signed: int = _SIGNED(digest.digest())[0]
        return signed

    def hash_text(self, text: str) -> str:
        """Keyed hash of a name that must not be stored as it is, as 16 hex digits."""
        return f"{self.hash(text.encode()) & (2**64 - 1):016x}"


class Digest:
    """Keyed 64-bit hash of one text, signed: of its 128-bit fingerprint, quick for long texts."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hashlib.sha256(hashlib.sha256(key).digest() * 2)

    def __call__(self, text: bytes) -> int:
        """The hash of `text`."""
        digest = self._keyed.copy()
        digest.update(xxh3_128_digest(text))
        signed: int = _FIRST(digest.digest())[0]
        return signed


@cache
def digest_of(key: bytes) -> Digest:
    """The hash of one text in the ledger with this key."""
    return Digest(key)


class Source(Protocol):
    """One log format. An instance reads one file (or a part of it, where `splittable`)."""

    name: ClassVar[str]
    """As shown in reports: `claude-code`, `litellm`, …"""
    title: ClassVar[str]
    """What writes this format, in a few words."""
    locations: ClassVar[tuple[str, ...]]
    """Globs of the usual places of these logs, `~` and `$VARS` allowed; empty if there are none."""
    splittable: ClassVar[bool]
    """True where a record means the same without the records before it."""
    record_type: ClassVar[Any]
    """The type a line is decoded to (a msgspec.Struct or `dict`)."""
    from_row: ClassVar[Callable[[dict[str, Any]], Any] | None]
    """Turns a row of a CSV (texts) or Parquet file (typed values), its empty cells left out, into a
    `record_type`; None where the format has no form as a table."""

    def __init__(self, context: Context) -> None: ...

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True if this source, and it alone, should read the record."""
        ...

    def parse(self, record: Any, line: int) -> Iterable[Record]:
        """The rows of one record; BadRecord (or any ValueError) with the reason to refuse it."""
        ...

    def finish(self) -> Iterable[Record]:
        """What was held back until the end of the file."""
        ...

    def state(self) -> bytes:
        """What `resume` needs to read on where this instance stopped; empty where splittable."""
        ...

    def resume(self, state: bytes) -> None:
        """Go on from another instance's `state`."""
        ...


@runtime_checkable
class ByColumn(Protocol):
    """A source that reads many rows of a table at a time, column by column."""

    @property
    def columns(self) -> Sequence[str]:
        """The columns it asks for."""
        ...

    def parse_columns(
        self, columns: dict[str, list[Any]], lines: Sequence[int]
    ) -> Iterable[Record | Refused]:
        """What `parse` would say of each row; a column the table lacks is left out."""
        ...


@runtime_checkable
class InBulk(Protocol):
    """A source that reads many records at a time."""

    def parse_records(
        self, records: Sequence[Any], lines: Sequence[int]
    ) -> Iterable[Record | Refused]:
        """What `parse` would say of each record."""
        ...


@runtime_checkable
class ByTrace(Protocol):
    """A source that looks at each trace by itself, so that several may share a file's traces."""

    @staticmethod
    def joined(states: Sequence[bytes]) -> bytes:
        """The `state` of one that had them all, from those of all that shared, in their order."""
        ...


class Stateless:
    """Part of every source whose records stand on their own."""

    splittable: ClassVar[bool] = True
    from_row: ClassVar[Callable[[dict[str, Any]], Any] | None] = None

    def finish(self) -> Iterable[Record]:
        """Nothing is held back."""
        return ()

    def state(self) -> bytes:
        """Nothing to remember."""
        return b""

    def resume(self, state: bytes) -> None:
        """Nothing to restore."""


class FromTables(Stateless):
    """Part of a source whose records may also be rows of an SQLite database."""

    tables: ClassVar[Mapping[str, tuple[str, ...]]]
    """The tables that hold them, each with the columns it needs."""

    @staticmethod
    def from_table(table: str, row: dict[str, Any]) -> bytes:
        """The JSON text of the record in a row of one of `tables`; texts in the row are bytes."""
        raise NotImplementedError(table)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros(text: str) -> int:
    """An ISO 8601 instant as microseconds since 1970 UTC; without an offset it is read as UTC."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return (instant - EPOCH) // MICROSECOND


@lru_cache(maxsize=1000)
def basename(path: str | None) -> str | None:
    """The last folder of a POSIX or Windows path, None for an empty one."""
    parts = [part for part in (path or "").replace("\\", "/").split("/") if part]
    return parts[-1] if parts else None
