"""Rows into Arrow columns, after the checks every row must pass."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tokman.statement import AMOUNTS, Statement
from tokman.usage import QUANTITIES, Usage

if TYPE_CHECKING:
    import pyarrow as pa

EARLIEST = 1_514_764_800_000_000
"""2018-01-01: before it nobody sold tokens, so an earlier time is a unit mistaken for another."""

LATEST = time.time_ns() // 1000 + 366 * 86_400_000_000
"""A year ahead: clocks are wrong by hours, units mistaken for another by centuries."""

LONGEST = 10**12
"""Milliseconds, 31 years: a longer duration is a unit mistaken for another."""


def fault(usage: Usage) -> str | None:
    """Why a row must be refused, None if it holds together."""
    started = usage.started_at
    if started is not None and not plausible(started):
        return f"the time is not plausible: {_date(started)}"
    if usage.reasoning_output_tokens > usage.output_tokens:
        return (
            f"reasoning_output_tokens ({usage.reasoning_output_tokens}) exceed "
            f"output_tokens ({usage.output_tokens})"
        )
    for value in (usage.duration_ms, usage.time_to_first_token_ms, usage.attempt):
        if value is not None and not 0 <= value < LONGEST:
            return f"a duration or number of attempts is not plausible: {value}"[:90]
    return None if usage.call_id else "no id"


def statement_fault(statement: Statement) -> str | None:
    """Why a line of a statement must be refused, None if it holds together."""
    for moment in (statement.period_start, statement.period_end):
        if not plausible(moment):
            return f"the time is not plausible: {_date(moment)}"
    if statement.period_end <= statement.period_start:
        return "the period ends before it starts"
    stated = (getattr(statement, name) for name in (*AMOUNTS, *QUANTITIES, "requests", "quantity"))
    return "neither an amount nor a quantity" if all(each is None for each in stated) else None


def plausible(micros: int) -> bool:
    """True for a time that a log or a bill may state, in µs since 1970."""
    return EARLIEST <= micros <= LATEST


def _date(micros: int) -> str:
    from datetime import UTC, datetime, timedelta

    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).isoformat()
    except OverflowError:
        return f"{micros} µs since 1970"


def to_batch(rows: Sequence[msgspec.Struct], schema: pa.Schema) -> pa.RecordBatch:
    """The rows as one record batch, their fields in the order of `schema`; none has a fault."""
    import pyarrow as pa

    columns = zip(*map(msgspec.structs.astuple, rows), strict=True)
    arrays = [_array(column, field) for column, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(column: Sequence[Any], field: pa.Field) -> pa.Array:
    import pyarrow as pa

    first, size = column[0], len(column)
    one = first == column[-1] and column.count(first) == size
    if one and first is None:
        return pa.nulls(size, field.type)
    if field.type == pa.decimal128(18, 12):
        return _money(column)
    return pa.repeat(pa.scalar(first, field.type), size) if one else pa.array(column, field.type)


def _money(pico: Sequence[int | None]) -> pa.Array:
    """Whole pico-dollars as DECIMAL(18,12): the same integers, read with the point twelve left.

    A decimal of Arrow is 16 bytes, the low half first: the integer, then its sign.
    """
    import pyarrow as pa

    halves = array("q", bytes(16 * len(pico)))
    halves[0::2] = array("q", [value or 0 for value in pico])
    halves[1::2] = array("q", [-1 if value and value < 0 else 0 for value in pico])
    missing = pa.array([value is not None for value in pico]).buffers()[1]
    return pa.Array.from_buffers(pa.decimal128(18, 12), len(pico), [missing, pa.py_buffer(halves)])
