"""One piece of a log into rows and rejects: what a worker process does."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from tokman import columns, databases, files, tables
from tokman.pieces import Outcome, Piece, Reject
from tokman.rows import BATCH, Rows, Written
from tokman.sources import by_name, claimants, record_paths, sources
from tokman.sources.base import ByColumn, Context, FromTables, Record, Refused, Source
from tokman.statement import Statement

UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class Reader:
    """Reads one piece with the source that claims its records."""

    def __init__(self, piece: Piece, key: bytes, out: Rows) -> None:
        self.piece = piece
        self.context = Context(piece.path, key)
        self.out = out
        self.outcome = Outcome(path=piece.path)
        self.source: Source | None = None
        self.decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
        self.others: dict[str, Source] = {}
        if piece.source:
            self.use(by_name(piece.source))

    def use(self, source: type[Source]) -> None:
        """Read with `source` from here on."""
        self.source = source(self.context)
        self.decoder = msgspec.json.Decoder(source.record_type)
        self.outcome.source = source.name
        if self.piece.state:
            self.source.resume(self.piece.state)

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
        return self.outcome

    def read_file(self, path: Path) -> None:
        """The stretch of the file that the piece names."""
        head = files.head_of(path) if self.piece.start == 0 else b"{}"
        if head.startswith(files.PARQUET):
            self.read_table(tables.Parquet(path))
            self.outcome.unknown = self.source is None and not self.outcome.rejects
            return
        if head.startswith(files.DATABASE) and databases.is_one(path):
            self.read_database(path)
            return
        with path.open("rb", buffering=0) as stream:
            stream.seek(self.piece.start)
            if self.piece.end is None:
                packed = self.piece.start == 0 and files.is_packed(stream.read(4))
                stream.seek(self.piece.start)
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
                self.read_table(tables.Csv(pieces))
            elif kind == "parquet":
                self.read_table(tables.Parquet(b"".join(pieces)))
            else:
                self.outcome.unknown = True
        except files.CutShort as error:
            self.reject(self.piece.line + self.outcome.lines, str(error))
        if self.source is None and not self.outcome.rejects:
            self.outcome.unknown = bool(head.strip())

    def read_lines(self, pieces: Iterator[bytes]) -> None:
        """JSON lines, block by block."""
        unclaimed = 0
        for block in files.blocks(pieces):
            text = block.removeprefix(files.BOM) if self.outcome.consumed == 0 else block
            count = files.count_lines(block)
            torn = 0
            if self.source is None and not self.recognise(io.BytesIO(text)):
                unclaimed += count
            elif not self.read_block(text, count):
                torn = self.read_singly(text)
            self.outcome.lines += count - bool(torn)
            self.outcome.consumed += len(block) - torn
        if unclaimed and self.source is not None:
            self.reject(1, f"the first {unclaimed:,} lines are in no format tokman knows")

    def read_block(self, block: bytes, count: int) -> bool:
        """The quick way: all lines in one call. False if any of them needs a closer look."""
        if self.source is None:
            return False
        try:
            records = self.decoder.decode_lines(block)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return False
        if len(records) != count:
            return False
        first = self.piece.line + self.outcome.lines
        parse = self.source.parse
        refused: list[tuple[int, str]] = []
        usages: list[Record] = []
        for number, record in enumerate(records, first):
            try:
                usages.extend(parse(record, number))
            except (ValueError, RecursionError) as error:
                refused.append((number, str(error)))
        self.keep(usages, self.source.name)
        if refused:
            lines = block.split(b"\n")
            for number, reason in refused:
                self.refuse(lines[number - first], number, reason)
        return True

    def refuse(self, line: bytes, number: int, reason: str) -> None:
        """A record its source would not take: another's, or a reject."""
        generic = _decoded(line)
        assert self.source is not None
        if isinstance(generic, dict) and self.source.matches(generic):
            self.reject(number, reason)
        else:
            self.read_record(generic, line, number)

    def read_singly(self, block: bytes) -> int:
        """Line by line, each bad one named. Returns the bytes of a torn last line."""
        first = self.piece.line + self.outcome.lines
        lines = block.split(b"\n")
        for index, line in enumerate(lines[:-1]):
            self.read_line(line, first + index)
        last = lines[-1]
        if not last.strip():
            return 0
        return 0 if self.read_line(last, first + len(lines) - 1, torn=True) else len(last)

    def read_line(self, line: bytes, number: int, torn: bool = False) -> bool:
        """One line on its own; False if it was cut off in writing."""
        text = line.strip()
        if not text:
            return True
        try:
            generic = msgspec.json.decode(text)
        except UNREADABLE as error:
            return self.read_passing(text, number) or self.read_unusual(text, number, error, torn)
        self.read_record(generic, text, number)
        return True

    def read_passing(self, text: bytes, number: int) -> bool:
        """A line broken only where its source does not look is read, as it is in a block."""
        if self.source is None:
            return False
        try:
            record = self.decoder.decode(text)
        except UNREADABLE:
            return False
        try:
            rows = self.source.parse(record, number)
        except (ValueError, RecursionError) as error:
            self.reject(number, str(error))
        else:
            self.take(rows, number, self.source.name)
        return True

    def read_unusual(self, text: bytes, number: int, error: Exception, torn: bool) -> bool:
        """Several objects on one line are read; anything else is refused."""
        if not isinstance(error, RecursionError):
            try:
                parts = list(files.documents(text))
            except (ValueError, RecursionError):
                parts = []
            if len(parts) > 1:
                for part in parts:
                    self.read_record(msgspec.json.decode(part), part, number)
                return True
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        cut = torn and not isinstance(error, RecursionError)
        self.reject(number, "the last line is cut off" if cut else f"not JSON: {reason}")
        return not cut

    def read_record(self, generic: Any, text: bytes, number: int) -> None:
        """One record with the source that claims it, be it another than the file's."""
        source, decoder = self.source, self.decoder
        if not isinstance(generic, dict):
            self.reject(number, "not a JSON object")
            return
        if source is None or not source.matches(generic):
            claims = claimants(generic)
            if len(claims) > 1:
                self.reject(number, f"claimed by {_and(claims)}; choose with --source")
                return
            rows = [] if claims else files.page(text, record_paths())
            if rows:
                for row in rows:
                    self.read_record(_decoded(row), row, number)
                return
            if claims and not (self.piece.source and source is not None):
                source = self.other(claims[0])
                decoder = msgspec.json.Decoder(claims[0].record_type)
        if source is None:
            self.reject(number, "no format tokman knows")
            return
        try:
            usages = source.parse(decoder.decode(text), number)
        except (ValueError, RecursionError) as error:
            self.reject(number, str(error))
            return
        self.take(usages, number, source.name)

    def other(self, source: type[Source]) -> Source:
        """The reader for records of another format in the same file."""
        if self.source is not None and self.source.name == source.name:
            return self.source
        if source.name not in self.others:
            self.others[source.name] = source(self.context)
        return self.others[source.name]

    def recognise(self, lines: Iterable[bytes]) -> bool:
        """Find the source of the first record that any claims; False if none claims one."""
        for line in lines:
            claims = claimants(_first(line))
            if not claims and (rows := files.page(line, record_paths())):
                claims = claimants(_decoded(rows[0]))
            if len(claims) == 1:
                self.use(claims[0])
            if claims:
                return True
        return False

    def read_document(self, data: bytes) -> None:
        """One JSON text: an object, an array, a page."""
        try:
            records = list(files.documents(data))
        except (ValueError, RecursionError) as error:
            self.reject(0, f"not JSON: {error}")
            return
        if self.source is None and not self.recognise(records):
            return
        for number, text in enumerate(records, 1):
            self.read_record(_decoded(text), text, number)
        self.outcome.lines = len(records)

    def read_table(self, table: tables.Table) -> None:
        """A table, told by the names of its columns: by column where its source can."""
        if self.source is None:
            claims = [claim for claim in claimants(table.sample) if claim.from_row is not None]
            if len(claims) > 1:
                self.reject(0, f"claimed by {_and(claims)}; choose with --source")
            if len(claims) != 1:
                return
            self.use(claims[0])
        assert self.source is not None
        if isinstance(self.source, ByColumn):
            for batch in table.batches(self.source.columns):
                self.keep(self.source.parse_columns(batch.columns, batch.lines), self.source.name)
                self.outcome.lines = batch.lines[-1]
            return
        convert = type(self.source).from_row
        if convert is None:
            self.reject(0, f"{self.source.name} is not read from tables")
            return
        for number, row in table.rows():
            try:
                self.take(self.source.parse(convert(row), number), number, self.source.name)
            except ValueError as error:
                self.reject(number, str(error))
            self.outcome.lines = number

    def read_database(self, path: Path) -> None:
        """The tables of an SQLite database that a source asks for, row by row."""
        try:
            found = databases.tables(path)
            for source in [type(self.source)] if self.source else sources():
                wanted = databases.wanted(found, getattr(source, "tables", {}))
                if wanted:
                    with databases.opened(path) as connection:
                        self.read_rows(connection, source, wanted)
        except sqlite3.Error as error:
            self.reject(0, f"not a readable database: {error}")
        self.outcome.unknown = self.source is None and not self.outcome.rejects

    def read_rows(
        self, connection: sqlite3.Connection, source: type[Source], tables: databases.Tables
    ) -> None:
        """The rows of these tables, if `source` claims the first of them."""
        assert issubclass(source, FromTables)
        number = 0
        for table, names in tables.items():
            for row in databases.rows(connection, table, names):
                number += 1
                try:
                    text = source.from_table(table, row)
                    if self.source is None:
                        if not source.matches(_decoded(text) or {}):
                            return
                        self.use(source)
                    assert self.source is not None
                    record = self.decoder.decode(text)
                    self.take(self.source.parse(record, number), number, source.name)
                except (ValueError, RecursionError) as error:
                    self.reject(number, str(error))
        self.outcome.lines = number

    def take(self, records: Iterable[Record], number: int, source: str) -> None:
        """Add a record's rows; a source that gives up in the middle of it is a reject."""
        try:
            self.keep(records, source)
        except ValueError as error:
            self.reject(number, str(error))

    def keep(self, records: Iterable[Record], source: str) -> None:
        """Stamp rows with where they were read, check them, hand them on."""
        path, mtime = self.piece.path, self.piece.mtime
        held, stated = self.out.held, self.out.stated
        before, stated_before = len(held), len(stated)
        for record in records:
            if isinstance(record, Refused):
                self.reject(record.line, record.reason)
                continue
            record.file, record.source = path, source
            if isinstance(record, Statement):
                record.issued_at = record.issued_at or mtime
                if reason := columns.statement_fault(record):
                    self.reject(record.line, reason)
                else:
                    stated.append(record)
                continue
            if record.started_at is None:
                record.started_at, record.time_basis = mtime, "file"
            if reason := columns.fault(record):
                self.reject(record.line, reason)
            else:
                held.append(record)
        self.outcome.rows += len(held) - before
        self.outcome.statements += len(stated) - stated_before
        if len(held) >= BATCH or len(stated) >= BATCH:
            self.out.flush()

    def reject(self, line: int, reason: str) -> None:
        """Name a line that was refused."""
        self.outcome.rejects.append(Reject(self.piece.path, line, reason[:500]))


def read_pieces(pieces: list[Piece], key: bytes, folder: Path) -> tuple[list[Outcome], Written]:
    """Read the pieces in order; their rows are in the Arrow stream files returned."""
    rows = Rows(folder)
    outcomes = [Reader(piece, key, rows).run() for piece in pieces]
    return outcomes, rows.close()


def _and(claims: list[type[Source]]) -> str:
    return " and ".join(claim.name for claim in claims)


def _decoded(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except UNREADABLE:
        return None


def _first(line: bytes) -> Any:
    """The record of a line, the first of them where several follow each other on it."""
    record = _decoded(line)
    if record is None and line.startswith(b"{"):
        try:
            return _decoded(next(files.documents(line), b""))
        except ValueError:
            return None
    return record


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
        claims = claimants(_decoded(line))
        if claims:
            return claims[0].name if len(claims) == 1 else None
    return None
