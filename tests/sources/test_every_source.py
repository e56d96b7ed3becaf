"""What every source must do alike: bad input is named and costs nothing that is beside it."""

from __future__ import annotations

import copy
import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conftest import SHARED
from tests.sources.records import LOGS, Json, lines, read, read_file, read_in_parts, sound
from tokman import files, tables
from tokman.columns import plausible
from tokman.sources import claimants, record_paths, sources
from tokman.usage import Usage

NAMES = [source.name for source in sources()]
ALONE = [source.name for source in sources() if source.splittable]

DEEP = b"[" * 5000 + b"]" * 5000


def test_every_source_has_records_that_are_read() -> None:
    """A new source needs a log of its own here, or at least one in tests/test_privacy.py."""
    assert set(LOGS) == set(NAMES)
    assert [name for name in NAMES if not sound(name)] == []


@pytest.mark.parametrize("name", NAMES)
def test_its_records_are_claimed_by_it_alone(name: str) -> None:
    for log in LOGS[name]:
        for record in log:
            assert {claim.name for claim in claimants(record)} <= {name}, record
        assert any(claimants(record) for record in log)


BETWEEN: dict[str, tuple[Callable[[bytes], bytes], str | None]] = {
    # name: (a line made of a good one, the reason it is refused; None: nothing to refuse)
    "torn": (lambda good: good[: len(good) // 2], "not JSON"),
    "blank": (lambda good: b"  \t ", None),
    "NUL bytes": (lambda good: b"\0" * 200, "not JSON"),
    "NUL in a text": (lambda good: b'{"a":"b\0",' + good[1:], "not JSON"),
    "invalid UTF-8": (lambda good: b"\xff\xfe" + good, "not JSON"),
    "an array": (lambda good: b"[1, 2]", "not a JSON object"),
    "a number": (lambda good: b"12", "not a JSON object"),
    "nested 5,000 deep": (lambda good: b'{"a":' + DEEP + b"}", "nested too deeply"),
    "deep inside a record": (lambda good: b'{"a":' + DEEP + b"," + good[1:], "nested too deeply"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", BETWEEN)
def test_a_bad_line_between_good_ones(case: str, name: str) -> None:
    damage, reason = BETWEEN[case]
    for log in sound(name)[:2]:
        *before, last = lines(log).splitlines()
        whole = [*before, last, *before, last]
        bad = [*before, last, damage(last), *before, last]
        found = read(b"\n".join(bad) + b"\n")
        assert found.facts() == read(b"\n".join(whole) + b"\n").facts()
        assert found.facts()
        if reason is None:
            assert found.outcome.rejects == []
        else:
            [reject] = found.outcome.rejects
            assert reject.line == len(log) + 1
            assert reason in reject.reason


FORMS: dict[str, tuple[Callable[[list[bytes]], bytes], str | None]] = {
    # name: (a file made of good lines, the reason of its one reject)
    "BOM": (lambda good: files.BOM + b"\n".join(good) + b"\n", None),
    "CRLF": (lambda good: b"".join(line + b"\r\n" for line in good), None),
    "blank lines": (lambda good: b"\n" + b"\n\n \n".join(good) + b"\n\n", None),
    "objects on one line": (lambda good: b"".join(good), None),
    "objects on one line, spaced": (lambda good: b"  ".join(good) + b" \n", None),
    "no line end": (lambda good: b"\n".join(good), None),
    "pretty-printed": (
        lambda good: b"\n".join(json.dumps(json.loads(line), indent=2).encode() for line in good),
        None,
    ),
    "an array": (lambda good: b"[" + b",\n".join(good) + b"]", None),
    "a huge line": (
        lambda good: b"\n".join(
            [*good[:-1], b'{"padding":"' + b"y" * 2**21 + b'",' + good[-1][1:]]
        ),
        None,
    ),
    "a torn last line": (lambda good: b"\n".join([*good, good[-1][:-9]]), "the last line is cut"),
    "gzip": (lambda good: gzip.compress(b"\n".join(good)), None),
    "gzip cut short": (lambda good: gzip.compress(b"\n".join(good) + b"\n")[:-4], "ends early"),
    "junk behind gzip": (lambda good: gzip.compress(b"\n".join(good) + b"\n") + b"junk", "follow"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_line_reads_the_same_beside_a_bad_one(name: str) -> None:
    """Bytes that are no UTF-8, in a text its source does not look at or does."""
    for log in sound(name)[:2]:
        *before, last = lines(log).splitlines()
        dirty = b"\n".join([*before, b'{"zzz":"\xff\xfe",' + last[1:]]) + b"\n"
        good = lines(log)
        beside = read(good + dirty + b"oops\n")
        alone = read(good + dirty)
        assert beside.facts() == alone.facts()
        assert beside.reasons[:-1] == alone.reasons
        assert alone.rows


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_a_file_changes_no_row(form: str, name: str, tmp_path: Path) -> None:
    shape, reason = FORMS[form]
    for log in sound(name)[:2]:
        good = lines(log).splitlines()
        found = read_file(tmp_path / "log.jsonl", shape(good))
        assert found.facts(*HASHED) == read(lines(log)).facts(*HASHED)
        if reason is None:
            assert found.outcome.rejects == []
        else:
            [reject] = found.outcome.rejects
            assert reason in reject.reason


@pytest.mark.parametrize("name", NAMES)
def test_where_a_file_is_cut_changes_no_row(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = [record for log in sound(name) for record in log]
    whole = read_file(tmp_path / "a.jsonl", lines(log))
    for size in (1, 300, 4000):
        parts = read_in_parts(tmp_path / "a.jsonl", lines(log), size, monkeypatch)
        assert parts.facts() == whole.facts(), size
        assert parts.outcome.lines == len(log)


HASHED = ("call_id", "request_hash")
"""What may be a hash of a whole record, its padding included."""

# Numbers and times, wherever they stand in a record.

COUNT = re.compile(
    r"token|input|output|prompt|completion|_units|cache|thought|intValue", re.IGNORECASE
)
NO_COUNT = re.compile(
    r"cost|price|time|rate|hash|spend|_id$|id$|index|cents|latency|ms$", re.IGNORECASE
)
TIME = re.compile(r"20[12]\d-\d\d-\d\d[T ]\d\d:\d\d.*")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every leaf of a record with where it stands."""
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from places(part, (*path, key))
    else:
        yield path, value


def put(record: Json, path: tuple[Any, ...], value: Any) -> Json:
    """A copy of the record with another value there."""
    changed = copy.deepcopy(record)
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def is_count(path: tuple[Any, ...], value: Any) -> bool:
    names = [key for key in path if isinstance(key, str)]
    return (
        re.fullmatch(r"\d+", str(value)) is not None
        and any(COUNT.search(key) for key in names)
        and not NO_COUNT.search(names[-1])
    )


NUMBERS: dict[str, Callable[[int], Any]] = {
    "beyond 64 bits": lambda count: 2**70 + count,
    "beyond a signed 64-bit integer": lambda count: 2**63,
    "negative": lambda count: -count - 1,
    "fractional": lambda count: count + 0.5,
    "a text": lambda count: "many",
    "an object": lambda count: {"a": count},
    "a list": lambda count: [count],
    "a truth value": lambda count: True,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", NUMBERS)
def test_a_wrong_count_is_refused_or_changes_nothing(kind: str, name: str) -> None:
    """Never another amount in silence: the row is as it was, or the record is named."""
    tried = 0
    if not any(isinstance(row, Usage) for log in LOGS[name] for row in read(lines(log)).rows):
        pytest.skip("statements: an amount may be of any sign and size")
    for log in sound(name)[:12]:
        expected = read(lines(log)).facts()
        for path, value in places(log[-1]):
            if is_count(path, value):
                tried += 1
                other = NUMBERS[kind](int(value))
                wrong = put(log[-1], path, str(other) if isinstance(value, str) else other)
                found = read(lines([*log[:-1], wrong]))
                assert found.facts() == expected or found.outcome.rejects, (path, wrong)
    assert tried


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("year", [1970, 2099])
def test_a_time_out_of_the_question_is_refused(year: int, name: str) -> None:
    for log in sound(name)[:12]:
        shifted: list[Json] = []
        for record in log:
            moved = record
            for path, value in places(record):
                if (other := in_year(value, path, year)) is not None:
                    moved = put(moved, path, other)
            shifted.append(moved)
        if shifted == log:
            continue
        found = read(lines(shifted))
        expected = read(lines(log))
        told = found.outcome.rejects or all(
            getattr(row, "time_basis", "log") == "file" for row in found.rows
        )
        assert told or found.facts() == expected.facts(), (shifted, found.rows)
        assert all(plausible(row.started_at) for row in found.rows if hasattr(row, "started_at"))


def in_year(value: Any, path: tuple[Any, ...], year: int) -> Any:
    """The same moment of another year, None for what is no time."""
    if isinstance(value, str) and TIME.fullmatch(value):
        return f"{year}{value[4:]}"
    named = isinstance(path[-1], str) and not COUNT.search(path[-1])
    if named and str(value).isdigit() and str(value)[:2] in ("17", "18"):
        size = len(str(value))
        if size in (10, 13, 16, 19):
            moved = {1970: 86_400, 2099: 4_070_908_800}[year] * 10 ** (size - 10)
            return type(value)(moved)
    return None


@pytest.mark.parametrize("name", ALONE)
def test_a_refused_record_costs_its_neighbours_nothing(name: str) -> None:
    for log in sound(name)[:6]:
        for path, value in places(log[-1]):
            if is_count(path, value):
                wrong = put(log[-1], path, 2**70)
                alone = read(lines([wrong]))
                if alone.outcome.rejects and not alone.rows:
                    found = read(lines([*log, wrong, *log]))
                    assert len(found.outcome.rejects) == len(alone.outcome.rejects)
                    assert found.outcome.rejects[0].line == len(log) + 1
                    assert found.facts() == read(lines([*log, *log])).facts()


# Tables.


def flat(name: str) -> list[Json]:
    """Records of a source that are rows of a table: single values only."""
    records = [log[0] for log in sound(name) if len(log) == 1]
    rows = [record for record in records if all(map(is_cell, record.values()))]
    return [row for row in rows if not read(table(row)).reasons]


def is_cell(value: Any) -> bool:
    return value is not None and not isinstance(value, dict | list | bool)


def table(*rows: Json, end: str = "\n") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


TABLES = [each.name for each in sources() if each.from_row is not None and flat(each.name)]


SHAPES: dict[str, Callable[[Json], bytes]] = {
    "BOM": lambda row: files.BOM + table(row),
    "CRLF": lambda row: table(row, end="\r\n"),
    "no line end": lambda row: table(row).rstrip(),
    "blank lines": lambda row: b"\n" + table(row).replace(b"\n", b"\n\n"),
    "columns that nobody knows": lambda row: table(row | {"zzz": 'a "quoted",\ntext'}),
    "columns in another order": lambda row: table(dict(reversed(row.items()))),
    "gzip": lambda row: gzip.compress(table(row)),
}


def test_there_are_tables() -> None:
    assert len(TABLES) > 5


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_form_of_a_table_changes_no_row(shape: str, name: str, tmp_path: Path) -> None:
    for row in flat(name)[:2]:
        expected = read(table(row))
        found = read_file(tmp_path / "log.csv", SHAPES[shape](row))
        assert expected.rows and not found.reasons, (table(row), expected.reasons, found.reasons)
        assert found.facts(*HASHED) == expected.facts(*HASHED)


@pytest.mark.parametrize("name", TABLES)
def test_a_bad_row_between_good_ones(name: str) -> None:
    """A cell that is no number is named with its line, or was not looked at."""
    row, named = flat(name)[0], 0
    for column, value in row.items():
        if re.fullmatch(r"[\d.]+", str(value)):
            found = read(table(row, row | {column: "many"}, row))
            good = read(table(row, row)).facts(*HASHED)
            refused = [reject.line for reject in found.outcome.rejects]
            assert refused in ([], [3])
            named += len(refused)
            if refused:
                assert found.facts(*HASHED) == good, column
    if not named:
        pytest.skip("its numbers are inside cells of JSON")


# Nothing in the real files is claimed twice.


def records_in(path: Path) -> Iterator[Any]:
    """Every record of a file, those of pages and tables included."""
    content = b"".join(files.unpacked(path.open("rb")))
    kind = files.kind_of(content[: files.HEAD])
    if kind == "table":
        table = tables.Csv(iter([content]))
        yield table.sample
        yield from (dict.fromkeys(table.names, "") | row for _, row in table.rows())
        return
    try:
        texts = content.splitlines() if kind == "lines" else list(files.documents(content))
    except ValueError:
        return
    for text in texts:
        for part in [text, *files.page(text, record_paths())]:
            try:
                yield msgspec.json.decode(part)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
                continue


@pytest.mark.skipif(not SHARED.exists(), reason="real logs are not here")
def test_no_real_record_is_claimed_twice() -> None:
    twice = {
        (path.relative_to(SHARED).as_posix(), *(claim.name for claim in claims))
        for path in sorted(SHARED.rglob("*.*"))
        if path.is_file()
        for record in records_in(path)
        if len(claims := claimants(record)) > 1
    }
    assert twice == set()
