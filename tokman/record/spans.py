"""Spans received while a command runs, as rows: what was asked and answered is never on disk."""

from __future__ import annotations

import time
from pathlib import Path

from tokman.jobs import Job
from tokman.pieces import Outcome, Piece
from tokman.reading.sink import Sink
from tokman.rows import Rows, Written
from tokman.sources.traces.record import Line

OTLP = "<otlp>"
"""Where calls were read that no file keeps."""


class Spans(Sink):
    """Reads one request after another, as lines of a file that is not there."""

    def __init__(self, key: bytes, folder: Path) -> None:
        piece = Piece(path=OTLP, source="otel", mtime=time.time_ns() // 1000)
        super().__init__(piece, key, Rows(folder))
        self.written: Written | None = None

    def put(self, line: Line) -> None:
        """Read a request; what is wrong with a span in it is a reject."""
        assert self.source is not None
        self.outcome.lines += 1
        number = self.outcome.lines
        try:
            self.take(self.source.parse(line, number), number, self.source.name)
        except RecursionError:
            self.reject(number, "nested too deeply")

    def close(self) -> tuple[Job, Outcome, Written]:
        """The calls of every trace."""
        assert self.source is not None
        try:
            self.take(self.source.finish(), 0, self.source.name)
        finally:
            self.written = self.out.close()
        return Job([self.piece], [None]), self.outcome, self.written

    def discard(self) -> None:
        """Leave nothing of it on disk."""
        self.written = self.written or self.out.close()
        if self.written.usage:
            Path(self.written.usage).unlink(missing_ok=True)
