"""Where the rows of a piece go: stamped, checked, handed on, or refused with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tokman import columns
from tokman.pieces import Outcome, Piece, Reject
from tokman.rows import BATCH, Rows
from tokman.sources import by_name
from tokman.sources.base import ByTrace, Context, InBulk, Record, Refused, Source
from tokman.statement import Statement


class Sink:
    """One piece being read, and the source that reads it."""

    def __init__(self, piece: Piece, key: bytes, out: Rows) -> None:
        self.piece = piece
        self.context = Context(piece.path, key, piece.share)
        self.is_last = piece.share[0] == piece.share[1] - 1
        """It tells what all readers of the same bytes find alike."""
        self.out = out
        self.outcome = Outcome(path=piece.path)
        self.source: Source | None = None
        self.in_bulk: InBulk | None = None
        """The source, if it reads many records at a time."""
        self.decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
        self.others: dict[str, Source] = {}
        if piece.source:
            self.use(by_name(piece.source))

    def use(self, source: type[Source]) -> None:
        """Read with `source` from here on."""
        self.source = source(self.context)
        self.in_bulk = self.source if isinstance(self.source, InBulk) else None
        self.decoder = msgspec.json.Decoder(source.record_type)
        self.outcome.source = source.name
        if self.piece.state:
            self.source.resume(self.piece.state)

    def take(self, records: Iterable[Record], number: int, source: str) -> None:
        """Add a record's rows; a source that gives up in the middle of it is a reject."""
        try:
            self.keep(records, source)
        except ValueError as error:
            self.reject(number, str(error))

    def keep(self, records: Iterable[Record], source: str) -> None:
        """Stamp rows with where they were read, check them, hand them on; where several read the
        same bytes, the last hands on what they do not share."""
        if not self.is_last and not issubclass(by_name(source), ByTrace):
            return
        path, mtime = self.piece.path, self.piece.mtime
        held, stated = self.out.held, self.out.stated
        before, stated_before = len(held), len(stated)
        for record in records:
            if isinstance(record, Refused):
                self._note(record.line, record.reason)
                continue
            record.file, record.source = path, source
            if isinstance(record, Statement):
                record.issued_at = record.issued_at or mtime
                if reason := columns.statement_fault(record):
                    self._note(record.line, reason)
                else:
                    stated.append(record)
                continue
            if record.started_at is None:
                record.started_at, record.time_basis = mtime, "file"
            if reason := columns.fault(record):
                self._note(record.line, reason)
            else:
                held.append(record)
        self.outcome.rows += len(held) - before
        self.outcome.statements += len(stated) - stated_before
        if len(held) >= BATCH or len(stated) >= BATCH:
            self.out.flush()

    def reject(self, line: int, reason: str) -> None:
        """Name a line that every reader of it refuses."""
        if self.is_last:
            self._note(line, reason)

    def _note(self, line: int, reason: str) -> None:
        self.outcome.rejects.append(Reject(self.piece.path, line, reason[:500]))


def names(claims: list[type[Source]]) -> str:
    """Several sources, for a person."""
    return " and ".join(claim.name for claim in claims)
