"""What the recommender says: a plan, its recommendations, and their amounts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tokman.usage import PICO

if TYPE_CHECKING:
    from decimal import Decimal

    import polars as pl

MONTH = 30
"""Days that amounts per month stand for."""

SHORTEST = 14
"""Days: a shorter window says nothing about a month."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Pico-dollars over one span of time."""

    spend: int
    """What the calls cost before any lever."""
    identified: int
    """The arithmetical maximum, if the advice is followed and works for every call."""
    expected: int
    """What is likely to become real: the mean."""
    low: int
    """One outcome in ten is below."""
    middle: int
    """Half of the outcomes are below."""
    high: int
    """One outcome in ten is above."""

    def over(self, days: int, of: int) -> Estimate:
        """The same over `days` where this is over `of` days, rounded down."""
        values = msgspec.structs.asdict(self)
        return Estimate(**{name: value * days // of for name, value in values.items()})


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """One place to spend less, in words for the person who decides."""

    rank: int
    lever: str
    cell: int
    """With the lever, the key of its calls in the table `savings`."""
    title: str
    workflow: str | None
    provider: str
    model: str
    calls: int
    window: Estimate
    """Over the window, exactly."""
    month: Estimate | None
    """Per 30 days; None where the window is shorter than 14 days."""
    evidence_level: str
    evidence: str
    """candidate, upper bound, measured prefix, exact, likely, declared."""
    evidence_words: str
    facts: list[str]
    change: str
    risks: list[str]
    proof: str
    """What would raise the evidence."""

    @property
    def amounts(self) -> Estimate:
        """Per month where there is such a figure, else over the window."""
        return self.month or self.window


class LeverTotal(msgspec.Struct, frozen=True, kw_only=True):
    """Pico-dollars over the window that one lever identifies."""

    lever: str
    standalone: int
    """If it were the only lever."""
    incremental: int
    """On what the levers before it leave: these add up to the whole."""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A place that was looked at and is not part of the plan, and why."""

    lever: str
    workflow: str | None
    model: str | None
    why: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All recommendations without overlap: together they save less than is spent."""

    start: datetime
    """First call, naive UTC."""
    end: datetime
    """Last call, naive UTC."""
    days: int
    """Calendar days from the first to the last call, both counted."""
    rate_card: str
    spend: int
    """Contracted cost of the window's priced calls, pico-dollars."""
    spend_after: int
    """The same if everything identified becomes real."""
    recommendations: list[Recommendation]
    levers: list[LeverTotal]
    window: Estimate
    """All recommendations together, over the window."""
    month: Estimate | None
    """The same per 30 days; None where the window is shorter than 14 days."""
    left: list[Left]

    @property
    def per(self) -> str:
        """What the amounts of `frame` stand for: 30 days, or the window's own days."""
        return f"{MONTH} days" if self.month else f"{self.days} days"

    @property
    def amounts(self) -> Estimate:
        """Per month where there is such a figure, else over the window."""
        return self.month or self.window

    def frame(self) -> pl.DataFrame:
        """One row a recommendation, best first; money as exact Decimal USD for the span `per`."""
        import polars as pl

        money = ("spend", "identified_saving", "expected_saving", "expected_low", "expected_high")
        schema: dict[str, pl.DataType] = {
            "rank": pl.Int64(),
            "lever": pl.String(),
            "workflow": pl.String(),
            "model": pl.String(),
            "change": pl.String(),
            "calls": pl.Int64(),
            **{name: pl.Decimal(38, 12) for name in money},
            "evidence": pl.String(),
            "per": pl.String(),
        }
        rows = [
            {
                "rank": one.rank,
                "lever": one.lever,
                "workflow": one.workflow,
                "model": one.model,
                "change": one.title,
                "calls": one.calls,
                "spend": usd(one.amounts.spend),
                "identified_saving": usd(one.amounts.identified),
                "expected_saving": usd(one.amounts.expected),
                "expected_low": usd(one.amounts.low),
                "expected_high": usd(one.amounts.high),
                "evidence": one.evidence,
                "per": self.per,
            }
            for one in self.recommendations
        ]
        return pl.DataFrame(rows, schema=schema)


def usd(amount: int) -> Decimal:
    """Pico-dollars as exact dollars."""
    from decimal import Decimal

    return Decimal(amount).scaleb(-12) if abs(amount) < PICO * 10**12 else Decimal(amount) / PICO
