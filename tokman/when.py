"""Instants as a person writes them: 2026-11-01, 2026-11, 7d, today, 2026-11-01T12:00."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from tokman.errors import TokmanError

UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def zone(name: str) -> tzinfo:
    """The time zone of that IANA name; UTC needs no list of zones on the machine."""
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise TokmanError(
            f"unknown time zone {name!r}", "use an IANA name such as Europe/Berlin"
        ) from error


def instant(text: str, tz: tzinfo, *, now: datetime | None = None) -> datetime:
    """The instant as naive UTC. A date or a month is its beginning in `tz`; `7d` is 7 days ago."""
    try:
        return _instant(text.strip(), tz, now or datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise TokmanError(
            f"not a date: {text!r}", "write 2026-11-01, 2026-11, 7d, 24h or today"
        ) from error


def local(moment: datetime, tz: tzinfo) -> datetime:
    """The wall clock of `tz` at an instant in naive UTC."""
    return moment.replace(tzinfo=UTC).astimezone(tz)


def _instant(text: str, tz: tzinfo, now: datetime) -> datetime:
    if ago := re.fullmatch(r"(\d{1,5})([hdw])", text):
        return _utc(now - int(ago[1]) * UNITS[ago[2]])
    today = now.astimezone(tz).replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("today", "yesterday"):
        return _utc(today - timedelta(days=text == "yesterday"))
    if re.fullmatch(r"\d{4}-\d\d", text):
        text += "-01"
    stated = datetime.fromisoformat(text)
    return _utc(stated if stated.tzinfo else stated.replace(tzinfo=tz))


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
