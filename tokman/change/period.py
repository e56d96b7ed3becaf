"""Periods as a person writes them: 2026-09, 2026-W41, 2026-10-05, A..B, 7d."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

import msgspec

from tokman import when
from tokman.errors import TokmanError

HINT = "write 2026-09, 2026-W41, 2026-10-05, 2026-Q3, 2026-10-01..2026-10-15 or 7d"

DAY = 86_400
"""Seconds."""


class Period(msgspec.Struct, frozen=True):
    """From an instant to another, naive UTC; None is open."""

    text: str
    start: datetime | None
    end: datetime | None
    """Exclusive."""

    def clipped(self, first: datetime, last: datetime) -> Period:
        """The part of it that lies between two instants."""
        start = first if self.start is None else max(self.start, first)
        end = last if self.end is None else min(self.end, last)
        return Period(self.text, start, max(start, end))

    def seconds(self, place: tzinfo) -> int:
        """How long it is, a calendar day of `place` always as long as any other."""
        assert self.start is not None and self.end is not None
        edges = [when.local(each, place) for each in (self.start, self.end)]
        if all(edge.time() == datetime.min.time() for edge in edges):
            return (edges[1].date() - edges[0].date()).days * DAY
        return max(1, round((self.end - self.start).total_seconds()))


def period(text: str, place: tzinfo, *, now: datetime | None = None) -> Period:
    """The period that a text names, its days those of `place`; TokmanError for no period.

    A range holds its last day, week or month: 2026-09..2026-10 is two months.
    """
    now = now or datetime.now(UTC)
    start: datetime | None
    end: datetime | None
    parts = [part.strip() for part in text.split("..")]
    try:
        if len(parts) == 1:
            start, end = _named(parts[0], place, now)
        elif len(parts) == 2 and any(parts):
            start = _bound(parts[0], place, now, 0) if parts[0] else None
            end = _bound(parts[1], place, now, 1) if parts[1] else None
        else:
            raise ValueError(text)
    except (ValueError, OverflowError) as error:
        raise TokmanError(f"not a period: {text!r}", HINT) from error
    if start is not None and end is not None and start >= end:
        raise TokmanError(f"the period {text!r} ends before it starts", HINT)
    return Period(text.strip(), start, end)


def one_before(named: Period, place: tzinfo) -> Period:
    """The period of the same kind before one: the month before a month, else as many days."""
    if named.start is None or named.end is None:
        raise TokmanError(f"there is no period before {named.text!r}", "name both: --from and --to")
    try:
        return _one_before(named.start, named.end, place)
    except (ValueError, OverflowError) as error:
        raise TokmanError(f"there is no period before {named.text!r}", HINT) from error


def _one_before(first: datetime, end: datetime, place: tzinfo) -> Period:
    edges = [when.local(each, place) for each in (first, end)]
    days = [edge.date() for edge in edges]
    if any(edge.time() != datetime.min.time() for edge in edges):
        start = first - (end - first)
        spoken = (f"{when.local(each, place):%Y-%m-%dT%H:%M}" for each in (start, first))
        return Period("..".join(spoken), start, first)
    if days[0].day == days[1].day == 1:
        months = (days[1].year - days[0].year) * 12 + days[1].month - days[0].month
        return _spoken(_utc(_month(days[0], -months), place), first, place)
    return _spoken(_utc(days[0] - (days[1] - days[0]), place), first, place)


def days(start: date, end: date, place: tzinfo) -> Period:
    """From one day to before another."""
    return _spoken(_utc(start, place), _utc(end, place), place)


def _spoken(start: datetime, end: datetime, place: tzinfo) -> Period:
    """The same instants under the shortest name that says them."""
    first = when.local(start, place).date()
    last = when.local(end, place).date() - timedelta(days=1)
    year, week, weekday = first.isocalendar()
    if first.day == 1 and _month(first, 1) == last + timedelta(days=1):
        text = f"{first:%Y-%m}"
    elif weekday == 1 and (last - first).days == 6:
        text = f"{year}-W{week:02}"
    else:
        text = f"{first}" if first == last else f"{first}..{last}"
    return Period(text, start, end)


def _named(text: str, place: tzinfo, now: datetime) -> tuple[datetime, datetime]:
    if re.fullmatch(r"\d{1,5}[hdw]", text):
        return when.instant(text, place, now=now), now.astimezone(UTC).replace(tzinfo=None)
    first, after = _dates(text, place, now)
    return _utc(first, place), _utc(after, place)


def _bound(text: str, place: tzinfo, now: datetime, side: int) -> datetime:
    """The beginning (0) or the end (1) of what one side of a range names."""
    try:
        return _utc(_dates(text, place, now)[side], place)
    except ValueError:
        try:
            return when.instant(text, place, now=now)
        except TokmanError as error:
            raise ValueError(text) from error


def _dates(text: str, place: tzinfo, now: datetime) -> tuple[date, date]:
    """The first day of what is named, and the first day after it; ValueError if it is no days."""
    if text in ("today", "yesterday"):
        day = now.astimezone(place).date() - timedelta(days=text == "yesterday")
        return day, day + timedelta(days=1)
    if stated := re.fullmatch(r"(\d{4})", text):
        return date(int(stated[1]), 1, 1), date(int(stated[1]) + 1, 1, 1)
    if stated := re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text):
        first = date(int(stated[1]), 3 * int(stated[2]) - 2, 1)
        return first, _month(first, 3)
    if stated := re.fullmatch(r"(\d{4})-(\d\d)", text):
        first = date(int(stated[1]), int(stated[2]), 1)
        return first, _month(first, 1)
    if stated := re.fullmatch(r"(\d{4})-?[Ww](\d\d)", text):
        first = date.fromisocalendar(int(stated[1]), int(stated[2]), 1)
        return first, first + timedelta(weeks=1)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        first = date.fromisoformat(text)
        return first, first + timedelta(days=1)
    raise ValueError(text)


def _month(day: date, by: int) -> date:
    """The first day of the month so many months away."""
    months = day.year * 12 + day.month - 1 + by
    return date(months // 12, months % 12 + 1, 1)


def _utc(day: date, place: tzinfo) -> datetime:
    """The beginning of the day there, in naive UTC."""
    local = datetime(day.year, day.month, day.day, tzinfo=place)
    return local.astimezone(UTC).replace(tzinfo=None)
