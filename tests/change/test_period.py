"""Periods as a person writes them, in any zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tokman.change.period import DAY, one_before, period
from tokman.errors import TokmanError
from tokman.when import zone

NOW = datetime(2026, 11, 4, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "tz", "start", "end"),
    [
        ("2026-10", "UTC", "2026-10-01 00:00", "2026-11-01 00:00"),
        (" 2026-12 ", "UTC", "2026-12-01 00:00", "2027-01-01 00:00"),
        ("2026-10", "Europe/Berlin", "2026-09-30 22:00", "2026-10-31 23:00"),
        ("2026-10-05", "UTC", "2026-10-05 00:00", "2026-10-06 00:00"),
        ("2026-W01", "UTC", "2025-12-29 00:00", "2026-01-05 00:00"),
        ("2026w53", "UTC", "2026-12-28 00:00", "2027-01-04 00:00"),
        ("2026", "UTC", "2026-01-01 00:00", "2027-01-01 00:00"),
        ("2026-Q4", "UTC", "2026-10-01 00:00", "2027-01-01 00:00"),
        ("yesterday", "America/New_York", "2026-11-02 05:00", "2026-11-03 05:00"),
        ("7d", "UTC", "2026-10-28 01:30", "2026-11-04 01:30"),
        ("2026-09..2026-10", "UTC", "2026-09-01 00:00", "2026-11-01 00:00"),
        ("2026-10-01 .. 2026-10-15", "UTC", "2026-10-01 00:00", "2026-10-16 00:00"),
        ("2026-10-01..2026-W42", "UTC", "2026-10-01 00:00", "2026-10-19 00:00"),
        ("2026-10-01T06:00..2026-10-01T12:30", "UTC", "2026-10-01 06:00", "2026-10-01 12:30"),
        ("2026-10-01T06:00..2026-10-01", "UTC", "2026-10-01 06:00", "2026-10-02 00:00"),
        ("2026-10..", "UTC", "2026-10-01 00:00", None),
        ("..2026-10", "UTC", None, "2026-11-01 00:00"),
    ],
)
def test_periods(text: str, tz: str, start: str | None, end: str | None) -> None:
    found = period(text, zone(tz), now=NOW)
    stated = [None if edge is None else datetime.fromisoformat(edge) for edge in (start, end)]
    assert [found.start, found.end] == stated
    assert found.text == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        *"october 2026-13 2026-W54 2026-02-30 2026-10-02..2026-10-01 .. a..b 1..2..3".split(),
        *"2026-Q5 0000 9999-12 2026-1 '; 2026-10-01T25:00.. 99999999d".split(),
        "",
        " ",
    ],
)
def test_what_is_no_period_is_one_line_and_a_hint(text: str) -> None:
    with pytest.raises(TokmanError, match="period") as refused:
        period(text, UTC, now=NOW)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("2026-10", "2026-09"),
        ("2026-01", "2025-12"),
        ("2026-Q1", "2025-10-01..2025-12-31"),
        ("2026-W01", "2025-W52"),
        ("2026-10-05", "2026-10-04"),
        ("2026-10-06..2026-10-15", "2026-09-26..2026-10-05"),
        ("2025-03..2025-04", "2025-01-01..2025-02-28"),
    ],
)
def test_the_period_before(text: str, before: str) -> None:
    place = zone("Europe/Berlin")
    named = period(text, place)
    earlier = one_before(named, place)
    assert earlier.text == before
    assert earlier.end == named.start
    assert earlier == period(before, place)


def test_the_hours_before_and_no_period_before() -> None:
    hours = period("2026-10-01T06:00..2026-10-01T12:30", UTC)
    earlier = one_before(hours, UTC)
    assert earlier.text == "2026-09-30T23:30..2026-10-01T06:00"
    assert earlier == period(earlier.text, UTC)
    with pytest.raises(TokmanError, match="no period before"):
        one_before(period("..2026-10", UTC), UTC)


def test_a_day_is_a_day_also_when_the_clock_changes() -> None:
    place = zone("Europe/Berlin")
    assert period("2026-10", place).seconds(place) == 31 * DAY
    assert period("2026-10-25", place).seconds(place) == DAY
    assert period("2026-10-01T06:00..2026-10-01T12:30", place).seconds(place) == 6.5 * 3600
