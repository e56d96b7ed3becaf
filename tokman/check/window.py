"""The window of a ledger that now is compared with: 2026-10, last-month, 7d, FROM..TO."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from tokman import when
from tokman.errors import TokmanError

HINT = "write last-week, last-month, 7d, 2026-10, 2026-10-05 or 2026-10-01..2026-10-15"


class Windows(NamedTuple):
    """Two windows, naive UTC; each from its first instant to before its last."""

    base: tuple[datetime, datetime]
    since: datetime | None
    """None: from the first call on."""


def windows(
    against: str,
    tz: tzinfo,
    since: str | None,
    until: str | None,
    *,
    apart: bool = False,
    moment: datetime | None = None,
) -> Windows:
    """What `against` names, and now: from `since` on, else what follows it.

    `7d` is the 7 days before `since`, else those before the last 7 days. TokmanError where the two
    overlap; in two ledgers (`apart`) they may, and now is all there is.
    """
    moment = moment or datetime.now(UTC)
    begin = None if since is None else when.instant(since, tz, now=moment)
    end = None if until is None else when.instant(until, tz, now=moment)
    base = _named(against.strip(), tz, moment, begin)
    if apart:
        return Windows(base, begin)
    begin = base[1] if begin is None else begin
    if begin < base[1] and (end is None or base[0] < end):
        raise TokmanError(
            f"--against {against}: it overlaps what is judged",
            "say from when on to judge: --since 2026-11-01",
        )
    return Windows(base, begin)


def _named(
    text: str, tz: tzinfo, moment: datetime, begin: datetime | None
) -> tuple[datetime, datetime]:
    if ago := re.fullmatch(r"(\d{1,5})([hdw])", text):
        length = int(ago[1]) * when.UNITS[ago[2]]
        end = begin if begin is not None else _utc(moment) - length
        return end - length, end
    start = moment.astimezone(tz).replace(hour=0, minute=0, second=0, microsecond=0)
    if begin is not None:
        start = when.local(begin, tz).replace(hour=0, minute=0, second=0, microsecond=0)
    if text == "last-month":
        month = start.replace(day=1)
        return _utc((month - timedelta(days=1)).replace(day=1)), _utc(month)
    if text == "last-week":
        monday = start - timedelta(days=start.weekday())
        return _utc(monday - timedelta(days=7)), _utc(monday)
    first, dots, last = text.partition("..")
    if dots:
        span = when.instant(first, tz, now=moment), when.instant(last, tz, now=moment)
    elif re.fullmatch(r"\d{4}-\d\d(-\d\d)?", text):
        begins = when.instant(text, tz, now=moment)
        local = when.local(begins, tz)
        following = local + timedelta(days=1 if len(text) > 7 else 32)
        span = begins, _utc(following if len(text) > 7 else following.replace(day=1))
    else:
        raise TokmanError(f"--against {text!r} is no window", HINT)
    if span[0] >= span[1]:
        raise TokmanError(f"--against {text!r} ends before it begins", HINT)
    return span


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def text(moment: datetime) -> str:
    """The instant (naive UTC) as `tokman.when` reads it in any time zone."""
    return f"{moment.isoformat()}+00:00"
