"""Logs looked at without storing anything: what would be read of each, or a mapping for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from tokman import discover, files, sources, tables
from tokman.errors import TokmanError
from tokman.pieces import Outcome, Piece
from tokman.reading import Reader
from tokman.rows import Rows
from tokman.sources.mapping import load
from tokman.sources.mapping.propose import NoCalls, propose
from tokman.sources.mapping.survey import records_path
from tokman.usage import INPUT_CLASSES, OUTPUT_CLASSES, Usage

SAMPLE = 16 << 20
"""Bytes of a file of lines that are looked at; a document or a Parquet file is looked at whole."""

RECORDS = 5_000
"""Records of an unknown file that a mapping is proposed from."""


class Tally(Rows):
    """Counts rows where an ingest would keep them."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.calls = self.failed = self.hits = 0
        self.input = self.cached = self.output = 0

    def flush(self) -> None:
        """Count the held calls and forget every row; the outcome counts lines of statements."""
        self.stated.clear()
        for usage in self.held:
            self.calls += 1
            self.failed += usage.status == "error"
            self.hits += usage.response_cache_hit
            self.input += _sum(usage, INPUT_CLASSES)
            self.cached += usage.cache_read_input_tokens + usage.cache_read_audio_input_tokens
            self.output += _sum(usage, OUTPUT_CLASSES)
        self.held.clear()


def _sum(usage: Usage, classes: tuple[str, ...]) -> int:
    return sum(getattr(usage, name) for name in classes)


class Look(msgspec.Struct, kw_only=True):
    """What one file is."""

    path: str
    outcome: Outcome
    tally: Any
    """`Tally` of the calls that would be read."""
    named: bool = True
    """False for a file found in a folder, which may be no log at all."""
    sampled: bool = False
    """True where only the beginning was looked at."""
    unverified: str = ""
    records: int = 0
    proposal: str = ""
    """A mapping as TOML, where tokman does not know the format."""
    doubt: str = ""
    """Why there is no proposal."""


def look(
    paths: Iterable[str], *, source: str | None = None, stdin: BinaryIO | None = None
) -> Iterator[Look]:
    """Look at each file behind the paths; `-` is `stdin`."""
    paths = list(paths)
    for found in discover.find(path for path in paths if path != "-"):
        if isinstance(found, discover.Missing):
            raise TokmanError(f"{found.path}: {found.reason}", "check the path")
        with Path(found.path).open("rb") as stream:
            seen = _look(found.path, found.mtime_ns // 1000, stream, source)
            seen.named = found.named
            yield seen
    if "-" in paths and stdin is not None:
        yield _look("<stdin>", 0, stdin, source)


def _look(path: str, mtime: int, stream: BinaryIO, source: str | None) -> Look:
    sample, cut = _sample(stream)
    piece = Piece(path=path, data=sample, source=source, mtime=mtime)
    tally, outcome = _read(piece)
    seen = Look(path=path, outcome=outcome, tally=tally, sampled=cut)
    if outcome.source is not None:
        mapping = {each.name: getattr(each, "mapping", None) for each in sources.sources()}[
            outcome.source
        ]
        seen.unverified = " ".join(mapping.unverified.split()) if mapping else ""
        return seen
    records, page, table = _records(sample)
    seen.records = len(records)
    if records:
        try:
            seen.proposal = propose(_name(path), records, page, table=table)
        except NoCalls as doubt:
            seen.doubt = str(doubt)
    else:
        seen.doubt = "it holds no JSON lines, JSON document or table with a header"
    if seen.proposal:
        before = sources.mappings()
        sources.use([*before, *load.read(seen.proposal.encode(), path)])
        seen.tally, seen.outcome = _read(piece)
        sources.use(before)
    return seen


def _read(piece: Piece) -> tuple[Tally, Outcome]:
    tally = Tally()
    outcome = Reader(piece, b"look" * 8, tally).run()
    tally.flush()
    return tally, outcome


def _sample(stream: BinaryIO) -> tuple[bytes, bool]:
    """The beginning of a file of lines, unpacked and cut at a line end; a document whole."""
    held: list[bytes] = []
    size, lines = 0, True
    try:
        for block in files.blocks(files.unpacked(stream)):
            if not held:
                lines = files.kind_of(block[: files.HEAD]) not in ("document", "parquet")
            if lines and size >= SAMPLE:
                return b"".join(held), True
            held.append(block)
            size += len(block)
    except files.CutShort:
        return b"".join(held), True
    return b"".join(held), False


def _records(sample: bytes) -> tuple[list[dict[str, Any]], str | None, bool]:
    """Records of an unknown log, the path of their list in a page, and whether it is a table."""
    kind = files.kind_of(sample[: files.HEAD])
    if kind in ("table", "parquet"):
        try:
            table: tables.Table
            table = tables.Parquet(sample) if kind == "parquet" else tables.Csv(iter([sample]))
            return [dict(row) for _, row in islice(table.rows(), RECORDS)], None, True
        except files.Damaged:
            return [], None, True
    found: list[dict[str, Any]] = []
    page: str | None = None
    for text in _texts(sample):
        try:
            record = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            continue
        page = page or (records_path(record) if not found else None)
        inner = files.page(text, [page]) if page else []
        parts = [msgspec.json.decode(row) for row in inner] or [record]
        found += [part for part in parts if isinstance(part, dict)]
        if len(found) >= RECORDS:
            break
    return found[:RECORDS], page, False


def _texts(sample: bytes) -> Iterator[bytes]:
    if files.kind_of(sample[: files.HEAD]) == "document":
        try:
            yield from files.documents(sample)
        except (ValueError, RecursionError):
            return
    else:
        yield from (line for line in sample.removeprefix(files.BOM).split(b"\n") if line.strip())


def _name(path: str) -> str:
    """A name for the source from the file's: `2026-05 calls.csv.gz` is `calls`."""
    words = re.findall(r"[a-z]+", Path(path).name.lower().split(".")[0])
    name = "-".join(words)[:40].strip("-") or "mine"
    taken = {source.name for source in sources.sources()}
    return f"my-{name}"[:40] if name in taken else name
