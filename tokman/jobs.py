"""Which bytes are new, cut into pieces that workers read side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from tokman import discover, files
from tokman.bookmarks import Bookmark, outdated, probe
from tokman.pieces import Piece
from tokman.reading import recognise
from tokman.sources import by_name
from tokman.sources.base import ByTrace

SPLIT = 24 << 20
"""Bytes of a file one worker reads at a time."""

PACKED = 2 << 20
"""Bytes from which a packed file is unpacked here, so that several workers read it."""

STREAMED = 8 << 20
"""Bytes of a stream one worker reads at a time; they wait in memory, so they are fewer."""

TOGETHER = 8 << 20
"""Bytes of small files one worker reads in one go."""

SHARES = min(os.cpu_count() or 1, 8)
"""Workers among which the traces of a large file are shared; each of them has to decode it all."""


class Job(msgspec.Struct):
    """Pieces one worker reads in one go, and the file each belongs to."""

    pieces: list[Piece]
    found: list[discover.Found | None]
    last: bool = True
    """The pieces end their files; False for all but the last part of a split file."""


def of_files(
    todo: list[tuple[discover.Found, Bookmark | None]], source: str | None
) -> Iterator[Job]:
    """Small files together, large ones in parts."""
    batch = Job([], [])
    size = 0
    for found, mark in todo:
        piece = _piece(found, mark, source)
        if found.size - piece.start > PACKED and piece.start == 0 and _is_packed(found.path):
            with Path(found.path).open("rb") as stream:
                yield from of_stream(stream, piece, found)
            continue
        if found.size - piece.start > SPLIT and (parts := _parts(found, piece)):
            yield from parts
            continue
        batch.pieces.append(piece)
        batch.found.append(found)
        size += found.size - piece.start
        if size >= TOGETHER or len(batch.pieces) >= 500:
            yield batch
            batch, size = Job([], []), 0
    if batch.pieces:
        yield batch


def _piece(found: discover.Found, mark: Bookmark | None, source: str | None) -> Piece:
    """The new bytes of a file that only grew, the whole of any other."""
    piece = Piece(path=found.path, source=source, mtime=found.mtime_ns // 1000)
    if (
        mark is not None
        and mark.source is not None
        and not outdated(mark)
        and source in (None, mark.source)
        and 0 < mark.consumed <= found.size
        and probe(found.path, mark.consumed) == mark.probe
    ):
        piece.start, piece.line = mark.consumed, mark.lines + 1
        piece.source, piece.state = mark.source, mark.state
    return piece


def _parts(found: discover.Found, piece: Piece) -> list[Job]:
    """A large file of lines that stand on their own, cut at line ends, or for several to share its
    traces; [] if only one can read it."""
    try:
        head = files.head_of(Path(found.path))
        with Path(found.path).open("rb") as stream:
            packed = files.is_packed(stream.read(4))
            name = piece.source or recognise(head)
            if packed or name is None or files.kind_of(head) != "lines":
                return []
            if issubclass(by_name(name), ByTrace) and SHARES > 1:
                return _shares(found, piece)
            if not by_name(name).splittable:
                return []
            jobs, start = [], piece.start
            while start < found.size:
                end = _line_end(stream, start + SPLIT, found.size)
                part = msgspec.structs.replace(piece, start=start, end=end, line=1, source=name)
                if start > piece.start:
                    part.state = b""
                jobs.append(Job([part], [found], last=end >= found.size))
                start = end
    except OSError:
        return []
    jobs[0].pieces[0].line = piece.line
    return jobs


def _shares(found: discover.Found, piece: Piece) -> list[Job]:
    """The same bytes for several workers, each with a part of the traces."""
    piece = msgspec.structs.replace(piece, end=found.size)
    jobs = []
    for number in range(SHARES):
        part = msgspec.structs.replace(piece, share=(number, SHARES))
        part.line = 1 if number else piece.line
        jobs.append(Job([part], [found], last=number == SHARES - 1))
    return jobs


def _line_end(stream: BinaryIO, position: int, size: int) -> int:
    """Just behind the first line end at or after `position`."""
    stream.seek(position)
    while position < size:
        block = stream.read(1 << 20)
        if not block:
            break
        index = block.find(b"\n")
        if index >= 0:
            return position + index + 1
        position += len(block)
    return size


def _is_packed(path: str) -> bool:
    try:
        return files.is_packed_file(Path(path))
    except OSError:
        return False


def of_stream(stream: BinaryIO, piece: Piece, found: discover.Found | None) -> Iterator[Job]:
    """A stream, unpacked, in parts if its lines stand on their own, else whole; a file that is not
    cut is left to the worker to unpack."""
    held: list[bytes] = []
    size, whole, source, broken = 0, False, piece.source, None
    blocks = files.blocks(files.unpacked(stream))
    try:
        for number, block in enumerate(blocks):
            if number == 0:
                source = source or recognise(block)
                whole = not source or not by_name(source).splittable
                whole = whole or files.kind_of(block[: files.HEAD]) != "lines"
                if whole and found is not None:
                    yield Job([piece], [found])
                    return
            if held and size >= STREAMED and not whole:
                yield _part(piece, held, source, None, found, last=False)
                held, size = [], 0
            held.append(block)
            size += len(block)
    except files.CutShort as error:
        broken = str(error)
    yield _part(piece, held, source, broken, found, last=True)


def _part(
    piece: Piece,
    held: list[bytes],
    source: str | None,
    broken: str | None,
    found: discover.Found | None,
    *,
    last: bool,
) -> Job:
    part = msgspec.structs.replace(piece, data=b"".join(held), source=source, broken=broken)
    return Job([part], [found], last)
