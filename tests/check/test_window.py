"""The windows that now is compared with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tokman.check.window import windows
from tokman.errors import TokmanError
from tokman.when import zone

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def told(against: str, since: str | None = None, until: str | None = None, **more: bool) -> str:
    found = windows(against, zone("UTC"), since, until, moment=NOW, **more)
    ends = (*found.base, found.since)
    return " ".join("–" if end is None else end.isoformat(timespec="hours") for end in ends)


@pytest.mark.parametrize(
    ("against", "since", "expected"),
    [
        ("last-month", None, "2026-10-01T00 2026-11-01T00 2026-11-01T00"),
        ("last-week", None, "2026-11-16T00 2026-11-23T00 2026-11-23T00"),
        ("last-month", "2026-03-10", "2026-02-01T00 2026-03-01T00 2026-03-10T00"),
        ("last-week", "2026-11-19", "2026-11-09T00 2026-11-16T00 2026-11-19T00"),
        ("7d", None, "2026-11-09T12 2026-11-16T12 2026-11-16T12"),
        ("7d", "2026-11-20", "2026-11-13T00 2026-11-20T00 2026-11-20T00"),
        ("2w", None, "2026-10-26T12 2026-11-09T12 2026-11-09T12"),
        ("2026-10", None, "2026-10-01T00 2026-11-01T00 2026-11-01T00"),
        ("2026-02", "2026-04-01", "2026-02-01T00 2026-03-01T00 2026-04-01T00"),
        ("2025-12", None, "2025-12-01T00 2026-01-01T00 2026-01-01T00"),
        ("2026-10-05", None, "2026-10-05T00 2026-10-06T00 2026-10-06T00"),
        ("2026-10-01..2026-10-15", None, "2026-10-01T00 2026-10-15T00 2026-10-15T00"),
        ("2026-10-01T06:00..today", None, "2026-10-01T06 2026-11-23T00 2026-11-23T00"),
    ],
)
def test_windows(against: str, since: str | None, expected: str) -> None:
    assert told(against, since) == expected


def test_days_are_those_of_the_time_zone() -> None:
    found = windows("2026-10", zone("Europe/Berlin"), None, None, moment=NOW)
    # Summer time ends on 25 October: the month has 31 days and an hour.
    assert found.base == (datetime(2026, 9, 30, 22), datetime(2026, 10, 31, 23))


def test_before_what_is_judged() -> None:
    assert told("2026-11", "2026-10-01", "2026-11-01").startswith("2026-11-01T00 2026-12-01T00")


def test_windows_of_two_ledgers_may_be_the_same() -> None:
    assert told("2026-10", "2026-10-01", apart=True).endswith("2026-10-01T00")
    assert told("2026-10", apart=True).endswith("–")


@pytest.mark.parametrize(
    ("against", "since", "error"),
    [
        ("then", None, "no window"),
        ("", None, "no window"),
        ("2026", None, "no window"),
        ("last month", None, "no window"),
        ("2026-13", None, "not a date"),
        ("2026-10-15..2026-10-01", None, "ends before it begins"),
        ("2026-10-15..2026-10-15", None, "ends before it begins"),
        ("..2026-10-15", None, "not a date"),
        ("2026-10", "2026-10-20", "overlaps"),
        ("2026-10", "2026-09-20", "overlaps"),
    ],
)
def test_no_window(against: str, since: str | None, error: str) -> None:
    with pytest.raises(TokmanError, match=error):
        told(against, since)
