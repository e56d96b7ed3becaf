"""Times as bills write them: ISO with or without Z, typed cells, American dates."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from tokman.errors import BadRecord
from tokman.sources.base import EPOCH, MICROSECOND
from tokman.sources.facts import time_us

_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d\d)(?: 0?0:00(?::00)?)?")


def moment(value: Any, field: str, *, month_first: bool = False) -> int | None:
    """Microseconds since 1970 UTC of a time on a bill; None for none.

    `4/1/25` is April 1st where `month_first`, else it is refused: nobody can tell what it means.
    """
    if value is None or value == "":
        return None
    if isinstance(value, date):
        return _typed(value)
    if isinstance(value, str):
        return _text(value, field, month_first)
    return time_us(value, field)


def _typed(value: date) -> int:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return (value.replace(tzinfo=value.tzinfo or UTC) - EPOCH) // MICROSECOND


@lru_cache(4096)
def _text(value: str, field: str, month_first: bool) -> int | None:
    day = american(value)
    if day is None:
        return time_us(value.strip().removesuffix(" UTC"), field)
    if not month_first:
        raise BadRecord(f"{field}: month and day of such a date cannot be told apart")
    return _typed(day)


@lru_cache(4096)
def american(value: str) -> date | None:
    """The date, read with the month first; None for another spelling or no date."""
    found = _SLASHED.fullmatch(value.strip())
    if not found:
        return None
    year = int(found[3]) + (2000 if len(found[3]) == 2 else 0)
    try:
        return date(year, int(found[1]), int(found[2]))
    except ValueError:
        return None


def proves_month_first(start: Any, end: Any) -> bool:
    """True if a billing period is whole months with the month first, which no period is when read
    the other way round: then the file writes its months first."""
    return isinstance(start, str) and isinstance(end, str) and _whole_months(start, end)


@lru_cache(1024)
def _whole_months(start: str, end: str) -> bool:
    first, last = american(start), american(end)
    if first is None or last is None or first.day != 1 or last <= first:
        return False
    return last.day == 1 or last.day >= 28
