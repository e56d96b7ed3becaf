"""Mutated records give whole rows or reasons: no crash, no half-row, no broken invariant."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import SHARED
from tests.sources.records import LOGS, Json, Log, Read, lines, read
from tokman import columns, files, statement
from tokman.sources import claimants, record_paths
from tokman.usage import QUANTITIES, Usage, arrow_schema

MUTATIONS, PARTS = 20_000, 8
"""Of the real records, in all, and in how many tests."""

HOSTILE: list[Any] = [
    *(None, True, False, 0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 2**80),
    *(0.5, -0.0, 1e300, 1e18, 5e-324, "", " ", "0", "-1", "1e5", "NaN", "Infinity", "1.5", "١٢"),
    *("9" * 40, "x" * 5000, "\x00", "\x1b[2J", "=cmd()", "'; drop table usage; --", "\ud7ff\uffff"),
    *("1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "0000-00-00", "2026-02-30T25:61:61Z"),
    *("2026-01-01T00:00:00+99:99", "9999-12-31T23:59:59Z", "-2026-01-01", "{}", "[1", '{"a":'),
    *([], {}, [[]], [None], [[[[1]]]], {"": {}}, {"a": [{"b": None}]}, ["x"] * 50, [2**70, -1]),
]


def spots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a record."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from spots(value[key])


def mutate(record: Json, chance: random.Random) -> None:
    """Change one to three places of a record: drop, replace, copy, rename, negate, nest."""
    for _ in range(chance.randint(1, 3)):
        found = list(spots(record))
        if not found:
            return
        holder, key = chance.choice(found)
        value = holder[key]
        act = chance.randrange(8)
        if act == 0:
            del holder[key]
        elif act <= 3:
            holder[key] = copy.deepcopy(chance.choice(HOSTILE))
        elif act == 4:
            holder[key] = copy.deepcopy(chance.choice(found)[0])
        elif act == 5 and isinstance(value, int | float):
            holder[key] = chance.choice([-value, value * 10**9, value + 0.5, str(value), value + 1])
        elif act == 6:
            holder[key] = chance.choice([[value], {"x": value}, [value, copy.deepcopy(value)]])
        elif isinstance(holder, dict):
            name = chance.choice(found)[1]
            holder[name if isinstance(name, str) else "zzz"] = copy.deepcopy(value)


def fault(row: Any) -> str | None:
    """The invariant of the ledger that a row breaks."""
    if not isinstance(row, Usage):
        return columns.statement_fault(row)
    if not row.call_id or row.source == "" or row.file == "":
        return "no id or no place"
    if any(not 0 <= getattr(row, name) <= 10**15 for name in QUANTITIES):
        return "a count out of range"
    if not 0 <= row.reasoning_output_tokens <= row.output_tokens:
        return "more reasoning than output"
    if row.billed_cost is not None and not 0 <= row.billed_cost < 10**18:
        return "a cost out of range"
    if msgspec.convert(msgspec.to_builtins(row), Usage) != row:
        return "a wrong type"
    return columns.fault(row)


def check(found: Read) -> None:
    """Whole rows that can be stored, and a reason for each refusal."""
    for row in found.rows:
        assert fault(row) is None, row
    usages = [row for row in found.rows if isinstance(row, Usage)]
    stated = [row for row in found.rows if not isinstance(row, Usage)]
    if usages:
        assert columns.to_batch(usages, arrow_schema()).num_rows == len(usages)
    if stated:
        assert columns.to_batch(stated, statement.arrow_schema()).num_rows == len(stated)
    assert all(reason for reason in found.reasons)
    refused = {reject.line for reject in found.outcome.rejects} - found.refused_in_part
    assert [row for row in found.rows if row.line in refused] == [], "a refused record left a row"


# Records of every source, mutated by hypothesis.

texts = st.text(max_size=20)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
junk = st.recursive(
    st.sampled_from(HOSTILE) | texts | numbers | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", LOGS)
@QUICK
@given(seed=st.integers(0, 2**32), value=junk, choice=st.randoms(use_true_random=False))
def test_a_mutated_record(name: str, seed: int, value: Any, choice: random.Random) -> None:
    log: Log = msgspec.json.decode(msgspec.json.encode(choice.choice(LOGS[name])))
    record = choice.choice(log)
    mutate(record, random.Random(seed))
    found = list(spots(record))
    if found:
        holder, key = choice.choice(found)
        holder[key] = value
    check(read(lines(log)))
    assert len(claimants(record)) < 2, record


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999", "01", "+1", "0x10"])
def test_a_number_that_json_does_not_know(word: str, name: str) -> None:
    for log in LOGS[name][:3]:
        text = lines(log)
        for digits in {b": 1", b": 2", b": 3", b": 9"}:
            check(read(text.replace(digits, b": " + word.encode(), 1)))


# Real records, mutated at random from one seed.


@cache
def real() -> list[bytes]:
    """Records of the real logs, short enough to try many."""
    found: list[bytes] = []
    for path in sorted(SHARED.rglob("*.json*")):
        content = path.read_bytes()
        try:
            kind = files.kind_of(content[: files.HEAD])
            texts = content.splitlines() if kind == "lines" else list(files.documents(content))
        except ValueError:
            continue
        for text in texts:
            parts = [text, *files.page(text, record_paths())]
            found += [part for part in parts if len(part) < 20_000 and part.startswith(b"{")]
    return [text for text in found if claims(text)]


def claims(text: bytes) -> bool:
    try:
        return bool(claimants(msgspec.json.decode(text)))
    except msgspec.DecodeError:
        return False


@pytest.mark.skipif(not SHARED.exists(), reason="real logs are not here")
@pytest.mark.parametrize("part", range(PARTS))
def test_mutated_real_records(part: int) -> None:
    chance = random.Random(part)
    batch: list[bytes] = []
    rows = refused = 0
    for _ in range(MUTATIONS // PARTS):
        record = msgspec.json.decode(chance.choice(real()))
        mutate(record, chance)
        batch.append(msgspec.json.encode(record))
        if len(batch) == 50:
            found = read(b"\n".join(batch) + b"\n")
            check(found)
            rows, refused = rows + len(found.rows), refused + len(found.reasons)
            batch.clear()
    assert min(rows, refused) > MUTATIONS // PARTS // 20, "most mutations went unnoticed"
