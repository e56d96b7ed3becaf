"""The body of one HTTP request: read in full or refused, never more of it than allowed."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import Protocol

LARGEST = 64 << 20
"""Bytes of one body, unpacked; OpenTelemetry's Collector takes 20 MB."""

TOGETHER = 256 << 20
"""Bytes of all the bodies that are in memory at the same time."""

STEP = 64 << 10

WBITS = {"gzip": 31, "deflate": 15}
"""Of zlib, by Content-Encoding."""


class Readable(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes."""
        ...

    def readline(self, size: int, /) -> bytes:
        """A line, or so much of it."""
        ...


class Refusal(Exception):
    """Why a request is not taken, and the HTTP status that says so."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Budget:
    """Memory that the requests share."""

    def __init__(self, size: int) -> None:
        self.left = size
        self._lock = threading.Lock()

    @contextmanager
    def share(self) -> Iterator[Share]:
        """What one request takes of it, given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.take(-share.size)

    def take(self, size: int) -> None:
        """Refusal, and nothing taken, where there is not that much; the client tries again."""
        with self._lock:
            if size > self.left:
                raise Refusal(503, "busy with other requests")
            self.left -= size


class Share:
    """The bytes one request holds."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.size = 0

    def grow(self, size: int) -> None:
        """Hold so many bytes more."""
        self._budget.take(size)
        self.size += size


def body_of(headers: Message, stream: Readable, share: Share) -> bytes:
    """The unpacked body that the headers announce; Refusal where it is none, or too large."""
    encoding = (headers.get("Content-Encoding") or "identity").strip().lower()
    if encoding != "identity" and encoding not in WBITS:
        raise Refusal(415, "Content-Encoding is not gzip, deflate or identity")
    pieces = _pieces(headers, stream)
    if encoding != "identity":
        pieces = _unpacked(pieces, WBITS[encoding])
    held, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > LARGEST:
            raise Refusal(413, f"a body of more than {LARGEST >> 20} MB")
        share.grow(len(piece))
        held.append(piece)
    share.grow(size)
    return b"".join(held)


def _pieces(headers: Message, stream: Readable) -> Iterator[bytes]:
    """The body as it was sent: of a stated length, or in chunks
    (https://www.rfc-editor.org/rfc/rfc9112#section-6)."""
    transfer, lengths = headers.get("Transfer-Encoding"), headers.get_all("Content-Length", [])
    if transfer is not None:
        if lengths or transfer.strip().lower() != "chunked":
            raise Refusal(400, "Transfer-Encoding is not chunked alone")
        return _chunks(stream)
    if not lengths:
        raise Refusal(411, "neither Content-Length nor chunks")
    length = lengths[0].strip()
    if len(lengths) > 1 or not length.isascii() or not length.isdigit() or len(length) > 18:
        raise Refusal(400, "Content-Length is no length")
    if int(length) > LARGEST:
        raise Refusal(413, f"a body of more than {LARGEST >> 20} MB")
    return _exactly(stream, int(length))


def _exactly(stream: Readable, length: int) -> Iterator[bytes]:
    while length:
        piece = stream.read(min(STEP, length))
        if not piece:
            raise Refusal(400, "the body ends early")
        length -= len(piece)
        yield piece


def _chunks(stream: Readable) -> Iterator[bytes]:
    while size := _chunk_size(stream):
        yield from _exactly(stream, size)
        if stream.readline(3) not in (b"\r\n", b"\n"):
            raise Refusal(400, "a chunk is longer than it says")
    for _ in range(100):
        if stream.readline(STEP) in (b"\r\n", b"\n", b""):
            return
    raise Refusal(400, "too many trailers")


def _chunk_size(stream: Readable) -> int:
    digits = stream.readline(1024).partition(b";")[0].strip()
    try:
        if not digits.isalnum() or len(digits) > 15:
            raise ValueError
        size = int(digits, 16)
    except ValueError:
        raise Refusal(400, "a chunk without its size") from None
    if size > LARGEST:
        raise Refusal(413, f"a body of more than {LARGEST >> 20} MB")
    return size


def _unpacked(pieces: Iterator[bytes], wbits: int) -> Iterator[bytes]:
    """The pieces decompressed in steps, so that a bomb is refused before it is large."""
    decoder = zlib.decompressobj(wbits)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if decoder.eof:
                    decoder = zlib.decompressobj(wbits)
                yield decoder.decompress(rest, STEP)
                rest = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    except zlib.error as error:
        raise Refusal(400, f"not compressed as it says: {error}") from None
    if not decoder.eof:
        raise Refusal(400, "the compressed body ends early")
