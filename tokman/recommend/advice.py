"""What the recommender says: a plan, its recommendations, and their amounts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tokman.recommend.decisions import Decision
from tokman.recommend.net import Net
from tokman.usage import PICO

if TYPE_CHECKING:
    from collections.abc import Collection
    from decimal import Decimal

    import polars as pl

MONTH, QUARTER, YEAR = 30, 90, 365
"""Days that amounts are given for."""

SHORTEST = 14
"""Days: a shorter window says nothing about a month."""

ENOUGH = 28
"""Days: a shorter window says nothing about 90 days, or about the rate of a year."""

BANKABLE = "E2"
"""The evidence from which on an expected saving may be put into a budget (science.md §0.3): seen in
one's own logs or tested where quality is touched, declared or exact where it is not."""


def leading(days: int) -> int:
    """The days that the amounts of a plan stand for, given those it was made from."""
    return QUARTER if days >= ENOUGH else MONTH if days >= SHORTEST else days


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Pico-dollars over one span of time."""

    spend: int
    """What the calls cost before any lever."""
    identified: int
    """The arithmetical maximum, if the advice is followed and works for every call."""
    expected: int
    """What is likely to become real: the mean."""
    bankable: int
    """The part of `expected` whose evidence is E2 or better."""
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


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What people judged of the hits of a recommendation's rule (`tokman label`)."""

    judged: int
    right: int
    low: float
    """Lower bound (90 %) of the share that is right."""
    enough: bool
    """False: too few are judged to say anything."""
    counts: bool
    """False: judged, and not shown to be right often enough to be expected to save anything."""


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """One place to spend less, in words for the person who decides."""

    rank: int
    id: str
    """Short name, the same from run to run; longer where two in a plan begin alike."""
    name: str
    """The whole of it."""
    lever: str
    rule: str
    """Which of the lever's rules found it; empty where it has one."""
    cell: int
    """With the lever, the key of its calls in the table `savings`."""
    title: str
    workflow: str | None
    provider: str
    model: str
    owner: str | None
    """Who decides, as tokman.toml says of the workflow."""
    calls: int
    window: Estimate
    """Over the window, exactly."""
    amounts: Estimate
    """Over the days that lead (`Plan.lead`)."""
    evidence_level: str
    evidence: str
    """candidate, upper bound, measured prefix, exact, likely, declared."""
    evidence_words: str
    facts: list[str]
    judged: Judged | None
    """None where nobody has judged a hit of its rule."""
    change: str
    effort: float
    """Days of one engineer."""
    risks: list[str]
    proof: str
    """What would raise the evidence."""
    net: Net
    """What it is worth to the business, by which recommendations are ranked."""
    experiment: list[str] = []
    """The trial that would prove it, step by step."""
    accepted: bool = False
    """Somebody has decided to do it."""


class LeverTotal(msgspec.Struct, frozen=True, kw_only=True):
    """Pico-dollars over the window that one lever identifies."""

    lever: str
    standalone: int
    """If it were the only lever."""
    incremental: int
    """On what the levers before it leave: these add up to the whole."""
    shapley: int
    """On the mean of all orders of levers: these add up to the whole, too."""


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
    profile: str
    """The kind of business that net values are reckoned for."""
    split_costed: float
    """Share of the saving of which `standalone` and `shapley` were costed workflow by workflow; of
    the rest they are taken from workflows with the same levers."""
    window: Estimate
    """All recommendations together, over the window."""
    left: list[Left]
    hidden: int = 0
    """Recommendations that are part of the amounts and were not asked to be shown."""
    decisions: list[Decision] = []
    """In force: what was accepted, and what was dismissed and is in no recommendation."""

    @property
    def lead(self) -> int:
        """Days that `amounts` stand for: 90 from four weeks of calls on, 30 from two weeks on."""
        return leading(self.days)

    @property
    def per(self) -> str:
        """What `amounts` and those of `frame` stand for: `90 days`."""
        return f"{self.lead} days"

    @property
    def amounts(self) -> Estimate:
        """All recommendations together, over the days that lead."""
        return self.window.over(self.lead, self.days)

    @property
    def month(self) -> Estimate | None:
        """The same per 30 days; None where the window is shorter than 14 days."""
        return self.window.over(MONTH, self.days) if self.days >= SHORTEST else None

    @property
    def run_rate(self) -> Estimate | None:
        """The same per 365 days, if all went on as in the window; None below 28 days."""
        return self.window.over(YEAR, self.days) if self.days >= ENOUGH else None

    def showing(
        self,
        levers: Collection[str] | None = None,
        workflows: Collection[str] | None = None,
        least: float = 0,
    ) -> Plan:
        """The same plan with only the recommendations asked for; its amounts stay those of all.

        `least`: USD expected in the days that lead.
        """
        shown = [
            one
            for one in self.recommendations
            if (not levers or one.lever in levers)
            and (not workflows or (one.workflow or "") in workflows)
            and one.amounts.expected >= least * PICO
        ]
        hidden = self.hidden + len(self.recommendations) - len(shown)
        return msgspec.structs.replace(self, recommendations=shown, hidden=hidden)

    def frame(self) -> pl.DataFrame:
        """One row a recommendation, best first; money as exact Decimal USD for the span `per`."""
        import polars as pl

        money = (
            "spend identified_saving expected_saving bankable_saving expected_low expected_high"
        ).split()
        schema: dict[str, pl.DataType] = {
            "rank": pl.Int64(),
            "id": pl.String(),
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
                "id": one.id,
                "lever": one.lever,
                "workflow": one.workflow,
                "model": one.model,
                "change": one.title,
                "calls": one.calls,
                "spend": usd(one.amounts.spend),
                "identified_saving": usd(one.amounts.identified),
                "expected_saving": usd(one.amounts.expected),
                "bankable_saving": usd(one.amounts.bankable),
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
