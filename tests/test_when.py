"""Instants as a person writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tokman.errors import TokmanError
from tokman.when import instant, local, zone

NOW = datetime(2026, 11, 4, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "tz", "utc"),
    [
        ("2026-11-01", "UTC", "2026-11-01 00:00"),
        (" 2026-11-01 ", "UTC", "2026-11-01 00:00"),
        ("2026-11", "UTC", "2026-11-01 00:00"),
        ("2026-11-01T12:30", "UTC", "2026-11-01 12:30"),
        ("2026-11-01 12:30", "UTC", "2026-11-01 12:30"),
        ("2026-11-01T12:30Z", "Asia/Tokyo", "2026-11-01 12:30"),
        ("2026-11-01T12:30+02:00", "Asia/Tokyo", "2026-11-01 10:30"),
        ("2026-11-01", "Asia/Kolkata", "2026-10-31 18:30"),
        ("2026-11-01", "Asia/Kathmandu", "2026-10-31 18:15"),
        ("2026-11", "America/New_York", "2026-11-01 04:00"),
        # Winter time begins at 3:00 on October 25 there, summer time at 2:00 on March 29.
        ("2026-10-25", "Europe/Berlin", "2026-10-24 22:00"),
        ("2026-10-26", "Europe/Berlin", "2026-10-25 23:00"),
        ("2026-03-29", "Europe/Berlin", "2026-03-28 23:00"),
        ("2026-03-30", "Europe/Berlin", "2026-03-29 22:00"),
        # No midnight that day: its first instant is 1:00.
        ("2026-09-06", "America/Santiago", "2026-09-06 04:00"),
        ("today", "UTC", "2026-11-04 00:00"),
        ("today", "America/New_York", "2026-11-03 05:00"),
        ("yesterday", "UTC", "2026-11-03 00:00"),
        ("7d", "UTC", "2026-10-28 01:30"),
        ("24h", "Asia/Tokyo", "2026-11-03 01:30"),
        ("2w", "UTC", "2026-10-21 01:30"),
        ("0d", "UTC", "2026-11-04 01:30"),
        ("2024-02-29", "UTC", "2024-02-29 00:00"),
    ],
)
def test_instant(text: str, tz: str, utc: str) -> None:
    assert f"{instant(text, zone(tz), now=NOW):%Y-%m-%d %H:%M}" == utc


def test_yesterday_has_its_own_length() -> None:
    after = datetime(2026, 10, 26, 12, tzinfo=UTC)
    berlin = zone("Europe/Berlin")
    assert instant("yesterday", berlin, now=after) == datetime(2026, 10, 24, 22)
    assert instant("today", berlin, now=after) == datetime(2026, 10, 25, 23)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026",
        "2026-13",
        "2026-02-29",
        "2026-11-31",
        "01.11.2026",
        "11/01/2026",
        "7",
        "d",
        "-7d",
        "7 days",
        "999999w",
        "0001-01-01T00:00+14:00",
        "9999-12-31T23:59-14:00",
        "2026-11-01' or 1=1 --",
        "12:30",
        "2026-11-01T25:00",
        "\0",
        "\udcff",
    ],
)
def test_not_a_date(text: str) -> None:
    with pytest.raises(TokmanError, match="not a date") as refused:
        instant(text, zone("UTC"), now=NOW)
    assert refused.value.hint


@pytest.mark.parametrize(
    "name", ["", "Mars", "utc+2", "../../etc/passwd", "/etc/passwd", "Europe", "a\0b", "'; --", "Ü"]
)
def test_unknown_zone(name: str) -> None:
    with pytest.raises(TokmanError, match="unknown time zone"):
        zone(name)


@pytest.mark.parametrize("name", ["UTC", "utc", "Etc/UTC", "Europe/Berlin", "Asia/Kolkata"])
def test_zone(name: str) -> None:
    assert datetime(2026, 11, 1, tzinfo=zone(name)).utcoffset() is not None


def test_local() -> None:
    assert local(datetime(2026, 11, 1, 18, 30), zone("Asia/Kolkata")).isoformat() == (
        "2026-11-02T00:00:00+05:30"
    )
