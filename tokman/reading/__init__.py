"""One piece of a log into rows and rejects: what a worker process does."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from tokman import databases, files, tables
from tokman.pieces import Outcome, Piece
from tokman.reading import rows as of_rows
from tokman.reading.records import Records, decoded
from tokman.rows import Rows, Written
from tokman.sources import claimants


class Reader(Records):
    """Reads one piece with the source that claims its records."""

    def run(self) -> Outcome:
        """Read the piece to its end; never raises for what the file contains."""
        try:
            if self.piece.data is not None:
                head = self.piece.data[: files.HEAD]
                self.read(files.plain(io.BytesIO(self.piece.data)), head)
                if self.piece.broken:
                    self.reject(self.piece.line + self.outcome.lines, self.piece.broken)
            else:
                self.read_file(Path(self.piece.path))
        except OSError as error:
            self.reject(0, f"cannot be read: {error.strerror or error}")
        except files.Damaged as error:
            self.reject(self.outcome.lines + 1, str(error))
        if self.source is not None:
            self.take(self.source.finish(), 0, self.source.name)
            self.outcome.state = self.source.state()
            for other in self.others.values():
                self.take(other.finish(), 0, other.name)
        if not self.is_last:
            self.outcome.lines = 0
        return self.outcome

    def read_file(self, path: Path) -> None:
        """The stretch of the file that the piece names."""
        head = files.head_of(path) if self.piece.start == 0 else b"{}"
        packed = self.piece.start == 0 and files.is_packed_file(path)
        if head.startswith(files.PARQUET) and not packed:
            of_rows.table(self, tables.Parquet(path))
            self.outcome.unknown = self.source is None and not self.outcome.rejects
            return
        if head.startswith(files.DATABASE) and databases.is_one(path):
            of_rows.database(self, path)
            return
        with path.open("rb", buffering=0) as stream:
            stream.seek(self.piece.start)
            if self.piece.end is None:
                self.read(files.unpacked(stream) if packed else files.plain(stream), head)
                if packed:
                    self.outcome.consumed = 0
            else:
                length = self.piece.end - self.piece.start
                self.read(_limited(stream, length), head)

    def read(self, pieces: Iterator[bytes], head: bytes) -> None:
        """Choose the way to read by what the file is."""
        kind = files.kind_of(head)
        try:
            if kind == "lines":
                self.read_lines(pieces)
            elif kind == "document":
                self.read_document(b"".join(pieces))
            elif kind == "table":
                of_rows.table(self, tables.Csv(pieces))
            elif kind == "parquet":
                of_rows.table(self, tables.Parquet(b"".join(pieces)))
            else:
                self.outcome.unknown = True
        except files.CutShort as error:
            self.reject(self.piece.line + self.outcome.lines, str(error))
        if self.source is None and not self.outcome.rejects:
            self.outcome.unknown = bool(head.strip())


def read_pieces(pieces: list[Piece], key: bytes, folder: Path) -> tuple[list[Outcome], Written]:
    """Read the pieces in order; their rows are in the Arrow stream files returned."""
    rows = Rows(folder)
    outcomes = [Reader(piece, key, rows).run() for piece in pieces]
    return outcomes, rows.close()


def _limited(stream: io.RawIOBase, length: int) -> Iterator[bytes]:
    while length > 0:
        piece = stream.read(min(files.BLOCK, length))
        if not piece:
            return
        length -= len(piece)
        yield piece


def recognise(head: bytes) -> str | None:
    """Name of the one source that claims the first telling line of `head`, else None."""
    for line in head.removeprefix(files.BOM).split(b"\n"):
        claims = claimants(decoded(line))
        if claims:
            return claims[0].name if len(claims) == 1 else None
    return None
