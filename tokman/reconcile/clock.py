"""When a provider counts a call: which of our half hours belong to which of its days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from tokman.reconcile.books import Cell, Ours, Slot, Statements, add


class Clock(NamedTuple):
    """By the start of a call or its end, in UTC or as many hours ahead of it."""

    by_end: bool
    hours: float

    def words(self) -> str:
        """As a person would say it."""
        zone = f" in UTC{self.hours:+g}" if self.hours else ""
        return f"the provider counts a call at its {'end' if self.by_end else 'start'}{zone}"


USUAL = Clock(by_end=False, hours=0)
CLOCKS = (
    USUAL,
    Clock(by_end=True, hours=0),
    *(Clock(by_end=False, hours=step / 2) for step in range(-24, 29) if step),
)
BETTER = 2
"""How many times better than the usual clock another must fit before it is believed."""


def cells(slots: dict[Slot, Ours], stated: Statements, clock: Clock) -> dict[Cell, Ours]:
    """Our calls in the buckets of the statements, read by a clock."""
    shift = timedelta(hours=clock.hours)
    answer: dict[Cell, Ours] = {}
    for (place, started, ended), ours in slots.items():
        moment = (ended if clock.by_end else started) + shift
        if any(start <= moment < end for start, end in stated.spans):
            bucket = f"{moment:%Y-%m-%d}" if stated.daily else "all"
            add(answer.setdefault(place._replace(bucket=bucket), Ours()), ours)
    return answer


def choose(slots: dict[Slot, Ours], stated: Statements) -> Clock:
    """The clock by which the tokens of both sides fit best, the usual one unless another is far
    better: token counts are whole numbers, so that a right clock fits them exactly."""
    if not stated.has_tokens or not slots or not _miss(slots, stated, USUAL):
        return USUAL
    misses = {clock: _miss(slots, stated, clock) for clock in CLOCKS}
    best = min(CLOCKS, key=lambda clock: misses[clock])
    return best if misses[best] * BETTER < misses[USUAL] else USUAL


def _miss(slots: dict[Slot, Ours], stated: Statements, clock: Clock) -> int:
    """Tokens that one side has and the other has not, by a clock."""
    ours, total = cells(slots, stated, clock), 0
    for place in ours.keys() | stated.cells.keys():
        theirs = stated.cells.get(place)
        counted = (theirs.counted() if theirs else None) or {}
        mine = ours[place].as_told(theirs.untold if theirs else ()).tokens if place in ours else {}
        for name in counted.keys() | mine.keys():
            total += abs(counted.get(name, 0) - mine.get(name, 0))
    return total


def moment_of(bucket: str, stated: Statements) -> datetime:
    """Noon of a bucket's day, or of the first day of all."""
    day = stated.start if bucket == "all" else datetime.fromisoformat(bucket)
    return day.replace(hour=12, minute=0, second=0, microsecond=0)
