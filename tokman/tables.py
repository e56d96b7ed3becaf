"""Tables: CSV and Parquet, read by row, or by column as lists under the columns' names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tokman import files

ROWS = 10_000
"""Rows of a batch that is read row by row."""

LONGEST = 1 << 20
"""Bytes of a row that is read by column."""

_CELL = rb'"[^"]*+(?:""[^"]*+)*+"|[^",\r\n]*+'
"""A cell of plain CSV, https://www.rfc-editor.org/rfc/rfc4180: quoted whole, or free of quotes."""

_LONE_RETURN = re.compile(rb"\r(?!\n)")


class Batch(NamedTuple):
    """Some rows of a table, by column; None for an empty cell."""

    lines: Sequence[int]
    """The line each row ends on."""
    columns: dict[str, list[Any]]


class Table(Protocol):
    """A table, read once: by row or by column."""

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        ...

    @property
    def sample(self) -> dict[str, Any]:
        """Every name, with what the first row has under it."""
        ...

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each row by name, without its empty cells, and its line or number."""
        ...

    def batches(self, wanted: Sequence[str]) -> Iterator[Batch]:
        """The wanted columns of many rows at a time; those it lacks are left out."""
        ...


class Parquet:
    """A Parquet file, its rows numbered from 1; Damaged where it cannot be read, or read on."""

    def __init__(self, content: Path | bytes) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._broken = (pa.ArrowException, OSError)
        try:
            self._file = pq.ParquetFile(
                pa.BufferReader(content) if isinstance(content, bytes) else content
            )
        except self._broken as error:
            raise _damaged(error) from error

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return list(self._file.schema_arrow.names)

    @property
    def sample(self) -> dict[str, Any]:
        """Every name, with what the first row has under it."""
        first = next(self._batches(1, None), None)
        row = first.slice(0, 1).to_pylist()[0] if first is not None and first.num_rows else {}
        return dict.fromkeys(self.names, "") | {k: v for k, v in row.items() if v is not None}

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each row by name, without its empty cells, and its number."""
        number = 0
        for batch in self._batches(ROWS, None):
            for row in batch.to_pylist(maps_as_pydicts="lossy"):
                number += 1
                yield number, {key: cell for key, cell in row.items() if cell not in (None, "")}

    def batches(self, wanted: Sequence[str]) -> Iterator[Batch]:
        """The wanted columns of many rows at a time; no other column is read from the file."""
        names = [name for name in dict.fromkeys(wanted) if name in self.names]
        number = 0
        for batch in self._batches(ROWS, names):
            columns = {n: batch[n].to_pylist(maps_as_pydicts="lossy") for n in names}
            yield Batch(range(number + 1, number + batch.num_rows + 1), columns)
            number += batch.num_rows

    def _batches(self, rows: int, names: list[str] | None) -> Iterator[Any]:
        try:
            yield from self._file.iter_batches(rows, columns=names)
        except self._broken as error:
            raise _damaged(error) from error


def _damaged(error: Exception) -> files.Damaged:
    return files.Damaged(f"not readable as Parquet: {str(error).splitlines()[0]}")


class Csv:
    """A CSV with a header, read once: by row or by column."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        csv.field_size_limit(1 << 30)
        blocks = files.joined(files.blocks(pieces), lambda: files.WIDE)
        first = next(blocks, b"").removeprefix(files.BOM)
        reader = csv.reader(_lines([first]))
        self.header = next((row for row in reader if row), [])
        self._line = reader.line_num
        """Lines before the first row."""
        rest = [part for part in first.split(b"\n", self._line)[self._line :] if part]
        rest = rest or list(islice(blocks, 1))  # a single row without a line end
        self._blocks: Iterator[bytes] = chain(rest, blocks)
        self._peeked = next(_rows(rest, self.header, self._line), None)

    @property
    def names(self) -> list[str]:
        """The header's names."""
        return [name for name in self.header if name]

    @property
    def sample(self) -> dict[str, str]:
        """Every name of the header, with what the first row has under it."""
        return dict.fromkeys(self.names, "") | (self._peeked[1] if self._peeked else {})

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Each row by name, without its empty cells, and the line it ends on."""
        return _rows(self._blocks, self.header, self._line)

    def batches(self, wanted: Sequence[str]) -> Iterator[Batch]:
        """The wanted columns of many rows at a time; those the header lacks are left out.

        Plain CSV is cut by Arrow while every line is a row, and by a pattern from where one is
        not, neither of which makes texts of the other columns; from the first row that is anything
        else, Python's own reader goes on.
        """
        names = [name for name in dict.fromkeys(wanted) if name in self.header]
        line, blocks = self._line, self._blocks
        if len(set(self.header)) == len(self.header):
            line, blocks = yield from self._plain(blocks, names)
        places = [(name, _last(self.header, name)) for name in names]
        width = max((place for _, place in places), default=-1) + 1
        rows = _cells(blocks, line)
        cut: files.CutShort | None = None
        while cut is None:
            lines, full = [], []
            try:
                for number, row in islice(rows, ROWS):
                    lines.append(number)
                    full.append(row if len(row) >= width else row + [""] * (width - len(row)))
            except files.CutShort as error:
                cut = error
            if lines:
                yield Batch(lines, {name: [row[at] or None for row in full] for name, at in places})
            elif cut is None:
                return
        raise cut

    def _plain(
        self, blocks: Iterator[bytes], names: list[str]
    ) -> Generator[Batch, None, tuple[int, Iterator[bytes]]]:
        """The rows of plain CSV; the line before the first that is not, and what is left."""
        line, held, cut = self._line, b"", _Pattern(self.header, names)
        every_line = True
        try:
            for block in blocks:
                data, held = held + block, b""
                if every_line:
                    lines: Sequence[int] = range(line + 1, line + files.count_lines(data) + 1)
                    columns = _columns(data, self.header, names, len(lines))
                    every_line = columns is not None and not _ends_inside(data)
                if not every_line or columns is None:
                    lines, columns, held = cut.rows(data, line)
                if lines:
                    yield Batch(lines, columns)
                    line = lines[-1]
                if len(held) > LONGEST:
                    return line, chain([held], blocks)
        except files.CutShort as error:
            return line, _broken(held, error)
        return line, iter([held])


class _Pattern:
    """Cuts plain CSV into rows, whatever line breaks stand in its cells."""

    def __init__(self, header: list[str], names: list[str]) -> None:
        cells = [b"(%b)" % _CELL if name in names else b"(?:%b)" % _CELL for name in header]
        self._row = re.compile(b",".join(cells) + rb"\r?\n").match
        self._names = [name for name in header if name in names]

    def rows(self, data: bytes, line: int) -> tuple[list[int], dict[str, list[Any]], bytes]:
        """The line that each row ends on, the columns, and what follows the last whole row."""
        lines, cells, at = [], [], 0
        while row := self._row(data, at):
            line, at = line + _line_ends(row[0]), row.end()
            lines.append(line)
            cells.append(row.groups())
        columns = map(_texts, zip(*cells, strict=True))
        return lines, dict(zip(self._names, columns, strict=False)), data[at:]


def _texts(cells: Iterable[bytes]) -> list[str | None]:
    return [_text(cell) if cell else None for cell in cells]


def _text(cell: bytes) -> str | None:
    if cell[:1] == b'"':
        cell = cell[1:-1].replace(b'""', b'"')
    return cell.decode("utf-8", "replace") or None


def _line_ends(row: bytes) -> int:
    ends = row.count(b"\n") if row.find(b"\n", 0, -1) >= 0 else 1
    return ends + (len(_LONE_RETURN.findall(row)) if row.find(b"\r", 0, -2) >= 0 else 0)


def _broken(held: bytes, error: files.CutShort) -> Iterator[bytes]:
    yield held
    raise error


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    texts = (io.StringIO(block.decode("utf-8", "replace"), newline="") for block in blocks)
    return chain.from_iterable(texts)


def _cells(blocks: Iterable[bytes], before: int) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, and the line each ends on."""
    reader = csv.reader(_lines(blocks))
    try:
        for row in reader:
            if row:
                yield before + reader.line_num, row
    except csv.Error as error:
        raise files.CutShort(f"not CSV: {error}") from error


def _rows(
    blocks: Iterable[bytes], header: list[str], before: int
) -> Iterator[tuple[int, dict[str, str]]]:
    for line, row in _cells(blocks, before):
        cells = zip(header, row, strict=False)
        yield line, {name: cell for name, cell in cells if cell and name}


def _last(header: list[str], name: str) -> int:
    """The place of a name; where the header has it twice, the last one, as by row."""
    return len(header) - 1 - header[::-1].index(name)


def _ends_inside(block: bytes) -> bool:
    """True if the last line leaves a quote open."""
    last = block.rfind(b"\n", 0, len(block) - 1) + 1
    return block[last:].count(b'"') % 2 == 1


def _columns(
    block: bytes, header: list[str], names: list[str], rows: int
) -> dict[str, list[Any]] | None:
    """The columns of a block; None unless it is so many rows, each as wide as the header."""
    if not rows:
        return {}
    table = _parsed(block, header, names)
    if table is None or table.num_rows != rows:
        return None
    return {name: table[name].to_pylist() for name in names}


def _parsed(block: bytes, header: list[str], names: list[str]) -> Any:
    """An Arrow table of the named columns, all texts; None where Arrow cannot read the block."""
    import pyarrow as pa
    import pyarrow.csv

    if _LONE_RETURN.search(block):
        return None
    try:
        return pyarrow.csv.read_csv(
            pa.BufferReader(block),
            pyarrow.csv.ReadOptions(
                column_names=header, use_threads=False, block_size=max(len(block), 1)
            ),
            pyarrow.csv.ParseOptions(newlines_in_values=True),
            pyarrow.csv.ConvertOptions(
                include_columns=names,
                column_types=dict.fromkeys(header, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowException:
        return None
