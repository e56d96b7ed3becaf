"""A rule of the lever: what its cells say. What it finds is in `sql/recommend/stop/`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from tokman.recommend.lever import Evidence

LONGEST = 64
"""Characters of a name from the log that a sentence carries."""


class Episode(NamedTuple):
    """One place where a rule found something; its first call is where to look."""

    conversation: str | None
    where: str
    """file:line of the log."""
    calls: int
    cost: Decimal
    tools: list[str]

    @property
    def name(self) -> str:
        """The conversation if there is one, and the line of the log that begins it."""
        line = shown(self.where, from_end=True)
        return f"{shown(self.conversation)} ({line})" if self.conversation else line


class Found(NamedTuple):
    """What a rule found in one workflow."""

    place: str
    """The workflow, as a sentence calls it."""
    row: dict[str, Any]
    """A row of `cells.sql`."""
    worst: list[Episode]
    """The three dearest, dearest first."""


class Words(NamedTuple):
    """What a cell says about what was found."""

    title: str
    change: str
    facts: list[str]
    risks: list[str]
    proof: str


class Rule(NamedTuple):
    """A kind of waste; `evidence` holds until your own labels tell how often the rule is right."""

    name: str
    evidence: Evidence
    effort: float
    words: Callable[[Found], Words]


def shown(text: str, from_end: bool = False) -> str:
    """A name from the log, cut to the length that a sentence can carry."""
    if len(text) <= LONGEST:
        return text
    return f"…{text[1 - LONGEST :]}" if from_end else f"{text[: LONGEST - 1]}…"


def plural(count: int, noun: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def dollars(amount: Decimal | float) -> str:
    """USD to the cent."""
    return f"${amount:,.2f}"


def span(seconds: float) -> str:
    """A length of time in the largest unit that tells it."""
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds / size
            whole = round(number)
            close = abs(number - whole) < 0.05
            return plural(whole, name) if close else f"{number:.1f} {name}s"
    return f"{seconds:.0f} seconds"


def dearest(found: Found, what: str) -> str:
    """The few places to look at first."""
    listed = "; ".join(f"{one.name}, {dollars(one.cost)}" for one in found.worst)
    return f"dearest {what}: {listed}"
