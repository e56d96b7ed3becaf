"""Containers: what a file is on disk, and its lines in blocks, whatever it is packed in."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

Kind = Literal["lines", "document", "table", "parquet", "database", "unknown"]

BLOCK = 128 << 10
"""Bytes read at a time: few enough that their records stay in the processor's cache."""

WIDE = 512 << 10
"""The same for what is converted by column, where each step should have many records."""

HEAD = 1 << 16
"""Bytes looked at to tell what a file is."""

GZIP, ZSTD, BOM = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf"
PARQUET = b"PAR1"
DATABASE = b"SQLite format 3\0"


class CutShort(ValueError):
    """A compressed stream that ends early or breaks; what came before it was readable."""


class Damaged(ValueError):
    """A file that breaks off or contradicts itself; the rows before it were readable."""


def is_packed(head: bytes) -> bool:
    """True for gzip and zstd, by their magic bytes."""
    return head.startswith((GZIP, ZSTD))


def is_packed_file(path: Path) -> bool:
    """The same of a file."""
    with path.open("rb", buffering=0) as stream:
        return is_packed(stream.read(4))


def unpacked(stream: BinaryIO) -> Iterator[bytes]:
    """The stream's bytes, decompressed if it is gzip or zstd, in pieces.

    CutShort after the last readable byte of a damaged stream.
    """
    head = stream.read(4)
    raw = _chunks(head, stream)
    if head.startswith(GZIP):
        return _inflate(raw, lambda: zlib.decompressobj(wbits=31), (GZIP[:1],))
    if head.startswith(ZSTD):
        import zstandard

        return _inflate(raw, zstandard.ZstdDecompressor().decompressobj, (ZSTD[:1],))
    return raw


def plain(stream: BinaryIO) -> Iterator[bytes]:
    """The stream's bytes as they are, in pieces."""
    return _chunks(b"", stream)


def _chunks(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    piece = head + stream.read(BLOCK - len(head))
    while piece:
        yield piece
        piece = stream.read(BLOCK)


def _inflate(raw: Iterator[bytes], new: object, magic: tuple[bytes, ...]) -> Iterator[bytes]:
    """Every member of a compressed stream; what follows the last one is padding or damage."""
    import zstandard

    decoder = new()  # type: ignore[operator]
    fresh = True
    for piece in raw:
        rest = piece
        while rest:
            if decoder.eof:
                if not rest.startswith(magic):
                    if rest.strip(b"\0"):
                        raise CutShort("bytes that are not compressed follow the compressed ones")
                    break
                decoder, fresh = new(), True  # type: ignore[operator]
            try:
                out = _steps(decoder, rest)
                yield from out
            except (zlib.error, zstandard.ZstdError) as error:
                raise CutShort(f"the compressed stream is damaged: {error}") from error
            fresh = False
            rest = decoder.unused_data if decoder.eof else b""
    if not fresh and not decoder.eof:
        raise CutShort("the compressed stream ends early")


def _steps(decoder: object, data: bytes) -> Iterator[bytes]:
    """Decompress in bounded steps where the decoder can, so that a bomb stays small in memory."""
    if isinstance(decoder, _ZLIB):
        while data and not decoder.eof:
            yield decoder.decompress(data, BLOCK)
            data = decoder.unconsumed_tail
    else:
        yield decoder.decompress(data)  # type: ignore[attr-defined]


_ZLIB = type(zlib.decompressobj())


def blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces cut after a line end, each at least a block long; the last may lack its end.

    A CutShort of the stream is raised after the lines before it.
    """
    held: list[bytes] = []
    try:
        for piece in pieces:
            end = piece.rfind(b"\n") + 1
            if end and (held or end == len(piece)):
                yield b"".join([*held, piece[:end]])
                held = [piece[end:]] if end < len(piece) else []
            elif end:
                yield piece[:end]
                held = [piece[end:]]
            else:
                held.append(piece)
    except CutShort as error:
        if held:
            yield b"".join(held)
        raise error
    if any(held):
        yield b"".join(held)


def joined(blocks: Iterator[bytes], size: Callable[[], int]) -> Iterator[bytes]:
    """Blocks of that size at least, which may change from one to the next.

    A CutShort of the stream is raised after the blocks before it.
    """
    held: list[bytes] = []
    try:
        for block in blocks:
            held.append(block)
            if sum(map(len, held)) >= size():
                yield b"".join(held)
                held = []
    except CutShort as error:
        if held:
            yield b"".join(held)
        raise error
    if held:
        yield b"".join(held)


def count_lines(block: bytes) -> int:
    """Lines in a block, the last with or without its end. On long lines this is several times
    faster than `bytes.count`, which CPython 3.11 does byte by byte."""
    lines, at = 0, block.find(b"\n")
    while at >= 0:
        lines, at = lines + 1, block.find(b"\n", at + 1)
    return lines + (not block.endswith(b"\n"))


def kind_of(head: bytes) -> Kind:
    """What the first bytes of a file (unpacked) say it is."""
    if head.startswith(PARQUET):
        return "parquet"
    if head.startswith(DATABASE):
        return "database"
    text = head.removeprefix(BOM).lstrip()
    if not text:
        return "lines"
    if text[:1] == b"[":
        return "document"
    if text[:1] == b"{":
        first, newline, _ = text.partition(b"\n")
        try:
            msgspec.json.decode(first)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return "document" if newline and first.strip() in (b"{", b"[") else "lines"
        return "lines"
    first = text.partition(b"\n")[0]
    if b"," in first and b"\0" not in first and not _looks_binary(first):
        return "table"
    return "unknown" if _looks_binary(text[:512]) or b"{" not in text else "lines"


def _looks_binary(sample: bytes) -> bool:
    return any(byte < 9 or 13 < byte < 27 for byte in sample)


def documents(data: bytes) -> Iterator[bytes]:
    """The records of a JSON text: an array's elements, or the object itself.

    Several pretty-printed documents one after another are read in order. ValueError with the
    position where the text stops being JSON.
    """
    data = data.removeprefix(BOM)
    try:
        msgspec.json.decode(data, type=msgspec.Raw | list[msgspec.Raw])
        parts = [data]
    except msgspec.DecodeError:
        # Exporters that write row by row may leave a comma before the end of the array.
        end = data.rstrip()
        rows = end[:-1].rstrip()
        comma = end.endswith(b"]") and rows.endswith(b",")
        parts = _concatenated(rows[:-1] + b"]" if comma else data)
    for part in parts:
        if part.lstrip()[:1] == b"[":
            for raw in msgspec.json.decode(part, type=list[msgspec.Raw]):
                yield bytes(raw)
        else:
            yield part


PAGE_KEYS = (
    *("data", "logs", "results", "records", "items", "rows", "result", "messages"),
    *("logEvents", "events"),
)
"""Where APIs keep the rows of a page."""


def page(text: bytes, paths: Iterable[str] = ()) -> list[bytes]:
    """The rows of an API's page: an object with a list of objects and otherwise only short values
    such as counts, or the list at one of the dotted paths. Empty for any other JSON text."""
    try:
        fields = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        for path in paths:
            if found := _at(fields, path.split(".")):
                return found
    except (msgspec.DecodeError, RecursionError):
        return []
    for key in PAGE_KEYS:
        rows = bytes(fields.get(key, b""))
        of_objects = rows[:1] == b"[" and rows[1:].lstrip()[:1] == b"{"
        if of_objects and all(len(bytes(fields[k])) < 4096 for k in fields if k != key):
            return [bytes(row) for row in msgspec.json.decode(rows, type=list[msgspec.Raw])]
    return []


def _at(fields: dict[str, msgspec.Raw], keys: list[str]) -> list[bytes]:
    value = bytes(fields.get(keys[0], b""))
    if len(keys) > 1 and value[:1] == b"{":
        return _at(msgspec.json.decode(value, type=dict[str, msgspec.Raw]), keys[1:])
    if len(keys) > 1 or value[:1] != b"[":
        return []
    return [bytes(row) for row in msgspec.json.decode(value, type=list[msgspec.Raw])]


def _concatenated(data: bytes) -> list[bytes]:
    """Cut a run of JSON values; ValueError where one of them does not end."""
    import json

    text = data.decode("utf-8", "surrogateescape")
    decoder, position, parts = json.JSONDecoder(), 0, []
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        try:
            _, end = decoder.raw_decode(text, position)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        parts.append(text[position:end].encode("utf-8", "surrogateescape"))
        position = end
    return parts


def head_of(path: Path) -> bytes:
    """The first unpacked bytes of a file; what could be read of a damaged one."""
    with path.open("rb", buffering=0) as stream:
        head = stream.read(HEAD)
    if not is_packed(head):
        return head
    try:
        return next(unpacked(io.BytesIO(head)), b"")[:HEAD]
    except CutShort:
        return b""
