"""JSON records: line by line in blocks, whole documents, and what is unusual on a line."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from tokman import files
from tokman.reading.sink import Sink, names
from tokman.sources import claimants, record_paths
from tokman.sources.base import Record, Refused, Source

UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class Records(Sink):
    """Reads the records of a piece with the source that claims each."""

    def read_lines(self, pieces: Iterator[bytes]) -> None:
        """JSON lines, block by block."""
        unclaimed = 0
        for block in files.joined(files.blocks(pieces), self.width):
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

    def width(self) -> int:
        """Bytes to read at a time."""
        return files.WIDE if self.in_bulk else files.BLOCK

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
        usages, refused = self.parsed(self.source, records, range(first, first + count))
        self.keep(usages, self.source.name)
        if refused:
            lines = block.split(b"\n")
            for number, reason in refused:
                self.refuse(lines[number - first], number, reason)
        return True

    def parsed(
        self, source: Source, records: list[Any], numbers: Sequence[int]
    ) -> tuple[list[Record], list[tuple[int, str]]]:
        """The rows of the records, and which of them are refused as a whole and why."""
        rows: list[Record] = []
        refused: list[tuple[int, str]] = []
        if self.in_bulk:
            for row in self.in_bulk.parse_records(records, numbers):
                if isinstance(row, Refused):
                    refused.append((row.line, row.reason))
                else:
                    rows.append(row)
            return rows, refused
        parse = source.parse
        for number, record in zip(numbers, records, strict=True):
            try:
                rows.extend(parse(record, number))
            except (ValueError, RecursionError) as error:
                refused.append((number, str(error)))
        return rows, refused

    def refuse(self, line: bytes, number: int, reason: str) -> None:
        """A record its source would not take: another's, or a reject."""
        generic = decoded(line)
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

    def read_document(self, data: bytes) -> None:
        """One JSON text: an object, an array, a page."""
        try:
            records = list(files.documents(data))
        except (ValueError, RecursionError) as error:
            self.reject(0, f"not JSON: {error}")
            return
        if self.source is None and not self.recognise(records):
            return
        self.read_all(records, range(1, len(records) + 1))
        self.outcome.lines = len(records)

    def read_all(self, texts: Sequence[bytes], numbers: Sequence[int]) -> None:
        """Records one by one, or together where their source reads many at a time."""
        if self.source is None or self.in_bulk is None:
            for text, number in zip(texts, numbers, strict=True):
                self.read_record(decoded(text), text, number)
            return
        records, places = [], []
        for place, text in enumerate(texts):
            try:
                records.append(self.decoder.decode(text))
                places.append(place)
            except UNREADABLE:
                self.read_record(decoded(text), text, numbers[place])
        rows, refused = self.parsed(self.source, records, places)
        for row in rows:
            row.line = numbers[row.line]
        self.keep(rows, self.source.name)
        for place, reason in refused:
            self.refuse(texts[place], numbers[place], reason)

    def read_record(self, generic: Any, text: bytes, number: int) -> None:
        """One record with the source that claims it, be it another than the file's."""
        source, decoder = self.source, self.decoder
        if not isinstance(generic, dict):
            self.reject(number, "not a JSON object")
            return
        if source is None or not source.matches(generic):
            claims = claimants(generic)
            if len(claims) > 1:
                self.reject(number, f"claimed by {names(claims)}; choose with --source")
                return
            rows = [] if claims else files.page(text, record_paths())
            if rows:
                self.read_all(rows, [number] * len(rows))
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
                claims = claimants(decoded(rows[0]))
            if len(claims) == 1:
                self.use(claims[0])
            if claims:
                return True
        return False


def decoded(text: bytes) -> Any:
    """The JSON value, None where it is none."""
    try:
        return msgspec.json.decode(text)
    except UNREADABLE:
        return None


def _first(line: bytes) -> Any:
    """The record of a line, the first of them where several follow each other on it."""
    record = decoded(line)
    if record is None and line.startswith(b"{"):
        try:
            return decoded(next(files.documents(line), b""))
        except ValueError:
            return None
    return record
