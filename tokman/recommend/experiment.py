"""The trial that would settle a candidate: how large, how long, what it costs, when it decides."""

from __future__ import annotations

from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from tokman.recommend import trial

if TYPE_CHECKING:
    from tokman.recommend.margin import Margin, Terms

LONGEST = 60
"""Days: a trial that would take longer is not proposed."""
BASELINE = 0.95
"""Share done right today, where no outcome is logged; own judgement."""
SETUP = 1.0
"""Days of one engineer that a trial takes; own judgement."""
JUDGE = 1
"""Answers of today's model that judging one answer costs; own judgement."""


class Work(NamedTuple):
    """What a trial would be made of: the calls, or conversations, of one cell."""

    unit: str
    """calls or conversations."""
    per_day: float
    right: float
    """Share done right today."""
    known: bool
    """It is seen in logged outcomes; else it is BASELINE."""
    cost: Decimal
    """USD of one unit today."""
    then: Decimal
    """USD of one unit in the cheaper way."""
    hope: float
    """Chance that the cheaper way is good enough, before anything is tried."""


class Size(NamedTuple):
    """One way to carry a trial out."""

    units: int
    """On both models, or on each."""
    days: int
    """Calendar days in which so many come."""
    cost: Decimal
    """USD of tokens beyond today's, judging included."""


class Experiment(NamedTuple):
    """A trial for one margin."""

    work: Work
    margin: Margin
    terms: Terms
    replay: Size
    """The same units on both, where the two fail independently of each other."""
    split: Size
    """Units divided by chance (Farrington and Manning 1990); `units` of each half."""

    @property
    def best(self) -> Size | None:
        """The cheaper one of those that end within LONGEST days; None where neither does."""
        inside = [size for size in (self.split, self.replay) if size.days <= LONGEST]
        return min(inside, key=lambda size: size.cost, default=None)

    @property
    def passes(self) -> float:
        """The chance that the trial shows what it is to show."""
        return self.work.hope * self.terms.power

    def worth(self, size: Size) -> Decimal:
        """USD to expect over the horizon: the chance to pass times the saving, less the cost."""
        saving = (self.work.cost - self.work.then) * Decimal(self.work.per_day)
        gain = Decimal(self.passes) * saving * self.terms.horizon
        return gain - size.cost - Decimal(SETUP) * self.terms.day_rate

    def keep(self, model: str, target: str) -> str | None:
        """Why today's model should stay although the other is cheaper; None if a trial pays."""
        if self.best is None:
            return (
                f"a trial that rules out a loss of {self.margin.allowed:.2%} takes "
                f"{self.replay.units:,} {self.work.unit} on both or {2 * self.split.units:,} "
                f"divided by chance, about {self.replay.days:,} or {self.split.days:,} days here: "
                f"keep {model}, not provable at this volume"
            )
        if self.worth(self.best) <= 0:
            return (
                f"a trial of {target} costs more than it is likely to bring in "
                f"{self.terms.horizon} days: keep {model}"
            )
        return None

    def short(self) -> str:
        """In one sentence."""
        unit, replay, split = self.work.unit, self.replay, self.split
        right = f"{self.work.right:.0%}" + ("" if self.work.known else " (assumed)")
        how = (
            f"half of the {unit} on each, {split.units:,} each, about {split.days:,} days"
            if self.best is split
            else f"{replay.units:,} {unit} on both, about {replay.days:,} days"
        )
        return (
            f"a trial: {how} at this volume; it shows a loss of no more than "
            f"{self.margin.allowed:.1%} of those done right, {right} today"
        )

    def lines(self, target: str) -> list[str]:
        """Step by step."""
        unit, terms, least = self.work.unit, self.terms, f"−{self.margin.allowed:.2%}"
        whose = (
            f"${terms.value:,.2f} as declared"
            if terms.value is not None
            else f"{terms.value_per_cost:g} times what it costs, as the profile has it"
        )
        lines = [
            f"margin: an outcome is worth {whose}, so a loss of {self.margin.eats:.2%} of them "
            f"would eat the whole saving; the trial must rule out {self.margin.allowed:.2%}",
            f"if prompts may be sent twice: {self.replay.units:,} {unit} on both models, recorded "
            f"or as they come ({self.replay.days:,} days); judge blind where the answers differ; "
            f"about ${self.replay.cost:,.2f} of tokens; accept if the score interval of the paired "
            f"difference (Tango 1998) stays above {least}",
            f"else: half of the conversations to {target}, chosen by a hash of their id, until "
            f"each half has {self.split.units:,} {unit} ({self.split.days:,} days); about "
            f"${self.split.cost:,.2f} to judge; accept if the score interval (Farrington and "
            f"Manning 1990) stays above {least}",
            f"level {terms.alpha:.3g} one-sided, power {terms.power:.0%}; decide once, at the end; "
            "stop early only for harm",
            "judge by the logged outcome; by a model only after it agrees with people on 100 "
            "answers (kappa 0.6 or more)",
            "write the counts under [[trials]] in tokman.toml",
        ]
        if self.best is not None:
            lines.insert(
                -1,
                f"worth ${self.worth(self.best):,.2f} over {terms.horizon} days, at a chance of "
                f"{self.passes:.0%} to pass",
            )
        return lines


def design(work: Work, margin: Margin, terms: Terms) -> Experiment | None:
    """The trial for a margin; None where nothing is saved or no unit ever comes."""
    if margin.allowed <= 0 or work.cost <= work.then or work.per_day <= 0:
        return None
    right = min(max(work.right, 0.5), 0.995)
    sizes = (margin.allowed, terms.alpha, terms.power)
    differing = 2 * right * (1 - right)
    pairs = trial.paired(differing, *sizes)
    judging = 2 * JUDGE * Decimal(differing) * work.cost
    each = trial.farrington_manning(right, right, *sizes)
    judged = Decimal(0) if work.known else 2 * each * JUDGE * work.cost
    return Experiment(
        work,
        margin,
        terms,
        replay=Size(pairs, ceil(pairs / work.per_day), pairs * (work.then + judging)),
        split=Size(each, ceil(2 * each / work.per_day), judged),
    )
