"""Cost per unit of work on both sides: what was seen, and what chance alone could have made."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import hypot, inf
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from tokman.check import chance
from tokman.check.chance import Draw, Test
from tokman.check.side import UNITS, Work

MOST = 1_000_000
"""Clusters that a sample is unfolded into."""

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]


class Compared(NamedTuple):
    """One workflow, or several in a fixed mix, before and now."""

    workflow: str | None
    total: bool
    units: tuple[int, int]
    samples: tuple[int, int]
    per_unit: tuple[Fraction, Fraction]
    """USD, exactly."""
    rise: Fraction | None
    """Now over before; None: before cost nothing."""
    test: Test
    error: float
    """Standard error of log(now over before) where nothing changed; inf: not to be told."""
    rise_of_now: Decimal
    """USD that the units of now cost more than at the cost of before."""
    spent: Decimal
    """USD of now."""


class Pairs(NamedTuple):
    """Cost of one run of each case that is on both sides, in USD; one element a case."""

    names: list[str]
    before: Floats
    now: Floats


def traffic(
    before: Work, now: Work, unit: str, beyond: float, alpha: float, draws: int = chance.DRAWS
) -> tuple[Compared, Draw]:
    """A workflow that both sides have units and a price of; tested is a rise beyond `beyond`."""
    assert before.cost is not None and now.cost is not None
    sides = [expanded(work, unit) for work in (before, now)]
    lower = (sides[1][0] / (1 + beyond), sides[1][1])
    draw = chance.shuffled(sides[0], lower, chance.generator(f"{now.workflow!r}"), draws)
    units = (before.units(unit), now.units(unit))
    per_unit = (Fraction(before.cost) / units[0], Fraction(now.cost) / units[1])
    found = Compared(
        workflow=now.workflow,
        total=False,
        units=units,
        samples=(len(sides[0][0]), len(sides[1][0])),
        per_unit=per_unit,
        rise=_ratio(per_unit),
        test=_beyond(chance.tested(draw, alpha), beyond),
        error=chance.relative_error(sides[0], len(sides[1][0])),
        rise_of_now=decimal((per_unit[1] - per_unit[0]) * units[1]),
        spent=now.cost,
    )
    return found, draw


def traffic_in_all(
    each: Sequence[Compared], draws: Sequence[Draw], beyond: float, alpha: float
) -> Compared:
    """Workflows as one, in the mix of units of before."""
    units = [one.units[0] for one in each]
    before, now = (
        sum((one.per_unit[at] * one.units[0] for one in each), Fraction(0)) / sum(units)
        for at in (0, 1)
    )
    spent = [float(one.per_unit[0] * one.units[0]) for one in each]
    errors = [one.error * money if money else 0.0 for one, money in zip(each, spent, strict=True)]
    return Compared(
        workflow=None,
        total=True,
        units=(sum(units), sum(one.units[1] for one in each)),
        samples=_together(each),
        per_unit=(before, now),
        rise=_ratio((before, now)),
        test=_beyond(chance.tested(chance.together(draws, units), alpha), beyond),
        error=hypot(*errors) / sum(spent) if sum(spent) else inf,
        rise_of_now=sum((one.rise_of_now for one in each), Decimal(0)),
        spent=sum((one.spent for one in each), Decimal(0)),
    )


def pairs(before: Work, now: Work, unit: str) -> Pairs:
    """The cases of a workflow that both sides ran, by name."""
    found = [_per_case(work, unit) for work in (before, now)]
    names = sorted(found[0].keys() & found[1].keys())
    return Pairs(names, *(np.array([side[name] for name in names]) for side in found))


def suite(
    workflow: str | None,
    ran: Pairs,
    beyond: float,
    alpha: float,
    draws: int,
    *,
    total: bool = False,
) -> Compared:
    """The same cases on both sides, each once; tested is a rise beyond `beyond`."""
    count = len(ran.names)
    before, now = (Fraction(round(Decimal(float(s.sum())), 12)) for s in (ran.before, ran.now))
    dice = chance.generator(f"{workflow!r} {total}")
    return Compared(
        workflow=workflow,
        total=total,
        units=(count, count),
        samples=(count, count),
        per_unit=(before / count, now / count),
        rise=_ratio((before, now)),
        test=_beyond(chance.paired(ran.before, ran.now / (1 + beyond), dice, alpha, draws), beyond),
        error=chance.paired_error(ran.before, ran.now),
        rise_of_now=decimal(now - before),
        spent=decimal(now),
    )


def suite_in_all(ran: Sequence[Pairs], beyond: float, alpha: float, draws: int) -> Compared:
    """The cases of all workflows as one suite."""
    every = Pairs(
        [name for each in ran for name in each.names],
        np.concatenate([each.before for each in ran]),
        np.concatenate([each.now for each in ran]),
    )
    return suite(None, every, beyond, alpha, draws, total=True)


def _beyond(test: Test, beyond: float) -> Test:
    """The limits of the change itself, where what was tested is what is left of it."""
    low, high = ((1 + limit) * (1 + beyond) - 1 for limit in (test.low, test.high))
    return Test(test.p_value, low, high)


def _together(each: Sequence[Compared]) -> tuple[int, int]:
    return sum(one.samples[0] for one in each), sum(one.samples[1] for one in each)


def expanded(work: Work, unit: str) -> tuple[Floats, Floats]:
    """Cost and units of every cluster, those that a sample stands for among them; of more than
    MOST as many fewer."""
    times = work.stands_for
    if times.sum() > MOST:
        times = np.maximum(1, (times * (MOST / times.sum())).astype(np.int64))
    return np.repeat(work.costs, times), np.repeat(work.counted[UNITS[unit]], times)


def _per_case(work: Work, unit: str) -> dict[str, float]:
    """USD of one unit of each case, or of one run of it."""
    cost: dict[str, float] = {}
    units: dict[str, float] = {}
    counted = np.ones(len(work.cases)) if unit == "case" else work.counted[UNITS[unit]]
    for case, paid, many in zip(work.cases, work.costs, counted, strict=True):
        if case is not None:
            cost[case] = cost.get(case, 0.0) + float(paid)
            units[case] = units.get(case, 0.0) + float(many)
    return {case: paid / units[case] for case, paid in cost.items() if units[case]}


def decimal(amount: Fraction) -> Decimal:
    """USD to the pico-dollar."""
    return round(Decimal(amount.numerator) / amount.denominator, 12)


def _ratio(per_unit: tuple[Fraction, Fraction]) -> Fraction | None:
    before, now = per_unit
    return now / before if before else None
