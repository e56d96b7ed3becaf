"""Tables: CSV and Parquet, read by row, or by column as lists under the columns' names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tokman import files

ROWS = 10_000
"""Rows of a batch that is read row by row."""


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
        blocks = files.blocks(pieces)
        first = next(blocks, b"").removeprefix(files.BOM)
        reader = csv.reader(_lines([first]))
        self.header = next((row for row in reader if row), [])
        self._line = reader.line_num
        """Lines before the first row."""
        rest = [part for part in first.split(b"\n", self._line)[self._line :] if part]
        rest = rest or list(islice(blocks, 1))  # a single row without a line end
        self._blocks = chain(rest, blocks)
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

        Blocks in which every line is a row are cut by Arrow, which never makes texts of the
        other columns; from the first block that is different, Python's own reader goes on.
        """
        names = [name for name in dict.fromkeys(wanted) if name in self.header]
        line, blocks = self._line, iter(self._blocks)
        if len(set(self.header)) == len(self.header):
            for block in blocks:
                columns = _by_arrow(block, self.header, names)
                if columns is None:
                    blocks = chain([block], blocks)
                    break
                size = files.count_lines(block)
                yield Batch(range(line + 1, line + size + 1), columns)
                line += size
            else:
                return
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


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    for block in blocks:
        yield from io.StringIO(block.decode("utf-8", "replace"), newline="")


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
        yield line, {name: cell for name, cell in cells if name and cell}


def _last(header: list[str], name: str) -> int:
    """The place of a name; where the header has it twice, the last one, as by row."""
    return len(header) - 1 - header[::-1].index(name)


def _by_arrow(block: bytes, header: list[str], names: list[str]) -> dict[str, list[Any]] | None:
    """The columns of a block; None unless each of its lines is a row as wide as the header."""
    table = _parsed(block, header, names)
    last = block.rfind(b"\n", 0, len(block) - 1) + 1
    open_ended = block[last:].count(b'"') % 2
    if table is None or table.num_rows != files.count_lines(block) or open_ended:
        return None
    return {name: table[name].to_pylist() for name in names}


def _parsed(block: bytes, header: list[str], names: list[str]) -> Any:
    """An Arrow table of the named columns, all texts; None where Arrow cannot read the block."""
    import pyarrow as pa
    import pyarrow.csv

    if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
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
