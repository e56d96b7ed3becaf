"""Rows of Usage into Arrow columns, after the checks every row must pass."""

from __future__ import annotations

import time
from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from tokman.usage import Usage, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

EARLIEST = 1_514_764_800_000_000
"""2018-01-01: before it nobody sold tokens, so an earlier time is a unit mistaken for another."""

YEAR = 366 * 86_400_000_000

_FIELDS = Usage.__struct_fields__
_values = attrgetter(*_FIELDS)


def fault(usage: Usage) -> str | None:
    """Why a row must be refused, None if it holds together."""
    if usage.reasoning_output_tokens > usage.output_tokens:
        return (
            f"reasoning_output_tokens ({usage.reasoning_output_tokens}) exceed "
            f"output_tokens ({usage.output_tokens})"
        )
    if usage.started_at is not None and not (
        EARLIEST <= usage.started_at <= time.time_ns() // 1000 + YEAR
    ):
        return f"the time is not plausible: {_date(usage.started_at)}"
    if not usage.call_id:
        return "no id"
    return None


def _date(micros: int) -> str:
    from datetime import UTC, datetime, timedelta

    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).isoformat()
    except OverflowError:
        return f"{micros} µs since 1970"


def to_batch(usages: Sequence[Usage]) -> pa.RecordBatch:
    """The rows as one record batch in the order of `arrow_schema()`; rows must have no fault."""
    import pyarrow as pa

    schema = arrow_schema()
    columns = zip(*map(_values, usages), strict=True)
    arrays = [_array(column, field) for column, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(column: Sequence[Any], field: pa.Field) -> pa.Array:
    import pyarrow as pa

    if column.count(None) == len(column):
        return pa.nulls(len(column), field.type)
    if pa.types.is_decimal(field.type):
        return money(pa.array(column, pa.int64()))
    return pa.array(column, field.type)


def money(pico: pa.Array) -> pa.Array:
    """Whole pico-dollars as DECIMAL(18,12): the same integers, read with the point twelve left."""
    import pyarrow as pa

    wide = pico.cast(pa.decimal128(19, 0))
    return pa.Array.from_buffers(
        pa.decimal128(18, 12), len(wide), wide.buffers(), wide.null_count, wide.offset
    )
