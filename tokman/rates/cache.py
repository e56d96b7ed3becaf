"""What a run of tokman keeps of the catalogue, so that the next one need not import it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tokman.rates import match
from tokman.rates.match import Match

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
"""Raised when the same table of prices would give calls other costs: by how names are matched, or
by how prices are applied."""

PRINT = b"tokman.fingerprint"
"""Under this name the table says what its prices are, in short."""

MOST_NAMES = 10_000
"""More are not kept: a log may hold any number of names."""


@cache
def catalogue_version() -> str:
    """The installed catalogue: `genai-prices 0.2.3`."""
    from importlib import metadata

    return f"genai-prices {metadata.version('genai-prices')}"


@cache
def digest() -> str:
    """Short hash of the code that compiles the card, so that no card of other code is read."""
    folder = Path(__file__).parent
    names = ("columns.py", "compile.py", "match.py", "published.py", "rules.py", "spans.py")
    code = b"".join((folder / name).read_bytes() for name in names)
    return hashlib.blake2b(code, digest_size=4).hexdigest()


def folder() -> Path:
    """`$XDG_CACHE_HOME/tokman`, by default `~/.cache/tokman`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tokman"


def catalogue() -> pa.Table:
    """The compiled catalogue, from the cache if it holds a sound one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tokman.rates.columns import schema

    path = _path("rates", "parquet")
    try:
        # Not read_table, which first loads all there is in Arrow for data sets.
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read(use_threads=False)
        said = table.schema.metadata or {}
        if table.schema.equals(schema()) and table.num_rows and PRINT in said:
            return table
    except (OSError, pa.ArrowException):
        pass
    from tokman.rates.compile import build

    table = build()
    table = table.replace_schema_metadata({PRINT: fingerprint(table)})
    _write(path, lambda to: pq.write_table(table, to, write_page_checksum=True))
    return table


def version(catalogue: pa.Table) -> str:
    """What a price goes by: the catalogue that is installed, and what tokman makes of it."""
    return f"{catalogue_version()} ({catalogue.schema.metadata[PRINT].decode()})"


def fingerprint(table: pa.Table) -> str:
    """Changes with every price and with when, where and for what it holds; not with its source."""
    content = repr((FORMAT, sorted(map(repr, table.drop_columns(["source"]).to_pylist()))))
    return hashlib.blake2b(content.encode(), digest_size=4).hexdigest()


class Names:
    """Names already looked up in the catalogue, kept on disk, those without a match too."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Match | None] = {}
        self._new = False
        self._path = _path("names", "json")
        with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeError):
            rows = msgspec.json.decode(
                self._path.read_bytes(), type=list[tuple[str, str, Match | None]]
            )
            self._known = {(provider, model): found for provider, model, found in rows}

    def find(self, provider: str | None, model: str | None) -> Match | None:
        """The model of the catalogue that a log means; see `match.find`."""
        if not model or len(model) > match.LONGEST_NAME or len(provider or "") > match.LONGEST_NAME:
            return None
        key = (provider or "", model)
        if key not in self._known:
            from genai_prices.data_snapshot import _bundled_snapshot

            self._known[key] = match.find(_bundled_snapshot(), provider, model)
            self._new = True
        return self._known[key]

    def seller(self, provider: str | None) -> str | None:
        """The catalogue's id of a provider as a log names it; see `match.provider_id`."""
        if not provider or len(provider) > match.LONGEST_NAME:
            return None
        key = (provider, "")
        if key not in self._known:
            from genai_prices.data_snapshot import _bundled_snapshot

            found = match.provider_id(_bundled_snapshot(), provider)
            self._known[key] = Match(found, "", found) if found else None
            self._new = True
        known = self._known[key]
        return known.seller if known else None

    def save(self) -> None:
        """Write the names if there are new ones; a folder that cannot be written to is no error."""
        if self._new and len(self._known) <= MOST_NAMES:
            rows = [(*key, found) for key, found in self._known.items()]
            with contextlib.suppress(UnicodeError):
                content = msgspec.json.encode(rows)
                _write(self._path, lambda to: Path(to).write_bytes(content))
            self._new = False


def _path(what: str, ending: str) -> Path:
    return folder() / f"{what}-{catalogue_version().replace(' ', '-')}-{digest()}.{ending}"


def _write(path: Path, write: Callable[[str], object]) -> None:
    """Write beside `path` and rename, so that a reader sees the old file or the whole new one."""
    temporary = None
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        os.close(handle)
        write(temporary)
        Path(temporary).replace(path)
        temporary = None
    if temporary:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
