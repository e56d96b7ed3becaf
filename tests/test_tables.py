"""A CSV by column is the CSV by row, whatever stands in it."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tokman import files, tables

HEADER = "id,text,n"
CASES = {
    "plain": "a,x,1\nb,y,2\n",
    "no end": "a,x,1\nb,y,2",
    "carriage returns": "a,x,1\r\nb,y,2\r\n",
    "quotes": 'a,"x, ""y""",1\nb,"",2\n',
    "lines in quotes": 'a,"x\ny\n",1\nb,y,2\n',
    "a quote inside": 'a,5" pipe,1\nb,y,2\nc,6" pipe,3\n',
    "never closed": 'a,"x,1\nb,y,2\n',
    "short and long rows": "a\nb,y\nc,z,3,4\nd,,4\n",
    "blank lines": "\na,x,1\n\n\nb,y,2\n\n",
    "empty cells": ",,\na,,\n,x,1\n",
    "not UTF-8": "a,\xe9,1\nb,y,2\n",
    "nothing": "",
}


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def by_row(text: str, header: str) -> list[tuple[int, Any, Any]]:
    reader = csv.DictReader(io.StringIO(f"{header}\n{text}", newline=""))
    return [(reader.line_num, row["id"] or None, row["n"] or None) for row in reader]


@pytest.mark.parametrize("size", [3, 7, 1 << 20])
@pytest.mark.parametrize("case", CASES)
def test_by_column_is_by_row(case: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK", size)
    monkeypatch.setattr(files, "WIDE", size)
    encoding = "latin-1" if case == "not UTF-8" else "utf-8"
    data = f"{HEADER}\n{CASES[case]}".encode(encoding)
    expected = by_row(data.decode("utf-8", "replace").partition("\n")[2], HEADER)
    table = tables.Csv(pieces(b"\xef\xbb\xbf" + data, size))
    found = [
        row
        for batch in table.batches(["n", "id", "absent"])
        for row in zip(batch.lines, batch.columns["id"], batch.columns["n"], strict=True)
    ]
    assert found == expected
    rows = list(tables.Csv(pieces(data, size)).rows())
    assert [(line, row.get("id"), row.get("n")) for line, row in rows] == expected


def test_random_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of quotes, line ends, commas and blanks, cut into pieces anywhere."""
    monkeypatch.setattr(files, "WIDE", 1)
    dice = random.Random(7)
    for _ in range(300):
        sink = io.StringIO(newline="")
        writer = csv.writer(sink, lineterminator=dice.choice(["\n", "\r\n"]))
        for _ in range(dice.randrange(6)):
            writer.writerow("".join(dice.choices('ab"\n, \r', k=dice.randrange(5))) for _ in "123")
        text = sink.getvalue()
        table = tables.Csv(pieces(f"{HEADER}\n{text}".encode(), dice.choice([2, 5, 1000])))
        found = [
            row
            for batch in table.batches(["id", "n"])
            for row in zip(batch.lines, batch.columns["id"], batch.columns["n"], strict=True)
        ]
        assert found == by_row(text, HEADER)


def test_line_breaks_in_cells_leave_no_row_to_the_slow_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rows over several lines, cut into blocks anywhere, are all read by column."""
    monkeypatch.setattr(files, "WIDE", 1)
    body = "".join(f'a{n},"x\n""y"",\r\n{n}",{n}\r\n' for n in range(50))
    slow = tables._cells
    seen: list[Any] = []

    def noted(blocks: Iterable[bytes], before: int) -> Iterator[tuple[int, list[str]]]:
        for number, row in slow(blocks, before):
            seen.append(row)
            yield number, row

    table = tables.Csv(pieces(f"{HEADER}\n{body}".encode(), 7))
    monkeypatch.setattr(tables, "_cells", noted)
    batches = list(table.batches(["id", "n"]))
    found = [row for b in batches for row in zip(b.lines, *b.columns.values(), strict=True)]
    assert found == [(4 + 3 * n, f"a{n}", str(n)) for n in range(50)]
    assert not seen


def test_a_row_without_end_is_given_up_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quote that is never closed does not hold the rest of a file in memory."""
    monkeypatch.setattr(files, "WIDE", 1)
    monkeypatch.setattr(tables, "LONGEST", 100)
    body = 'a,"x\n",1\nb,"never closed,2\n' + "c,y,3\n" * 100
    table = tables.Csv(pieces(f"{HEADER}\n{body}".encode(), 10))
    found = [
        row for b in table.batches(["id"]) for row in zip(b.lines, b.columns["id"], strict=True)
    ]
    assert found == [(line, cells or None) for line, cells, _ in by_row(body, HEADER)]


def test_a_header_twice_and_a_header_alone() -> None:
    table = tables.Csv(iter([b"id,n,n\n1,2,3\n"]))
    assert [batch.columns for batch in table.batches(["n"])] == [{"n": ["3"]}]
    alone = tables.Csv(iter([b"id,n\n"]))
    assert alone.sample == {"id": "", "n": ""}
    assert not list(alone.batches(["id"]))
    assert not list(alone.rows())
    assert tables.Csv(iter([])).names == []


@pytest.mark.parametrize("text", ["a,x,1\nb,y,2\n", 'a,"x\n",1\nb,y,2\n'])
def test_what_came_before_a_break_is_read(text: str) -> None:
    def torn() -> Iterator[bytes]:
        yield f"{HEADER}\n{text}".encode()
        raise files.CutShort("the compressed stream ends early")

    found = []
    with pytest.raises(files.CutShort):
        for batch in tables.Csv(torn()).batches(["id"]):
            found += batch.columns["id"]
    assert found == ["a", "b"]


def test_parquet_by_column_is_parquet_by_row(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"id": str(n), "n": n if n % 3 else None, "m": {"a": n}} for n in range(25)]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=10)
    table = tables.Parquet(path)
    assert table.sample == {"id": "0", "n": "", "m": {"a": 0}}
    found = [
        row
        for batch in table.batches(["m", "n", "absent"])
        for row in zip(batch.lines, batch.columns["m"], batch.columns["n"], strict=True)
    ]
    by_row = [(number, row["m"], row.get("n")) for number, row in tables.Parquet(path).rows()]
    assert found == by_row
    assert len(found) == 25
    with pytest.raises(files.Damaged):
        tables.Parquet(path.read_bytes()[:200])


def test_a_single_row_without_a_line_end_is_seen() -> None:
    single = tables.Csv(iter([b"a,b\n1,2"]))
    assert single.sample == {"a": "1", "b": "2"}
    assert list(single.rows()) == [(2, {"a": "1", "b": "2"})]
