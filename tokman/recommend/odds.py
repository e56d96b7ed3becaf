"""How much of a saving to expect: days drawn again, times how often such advice becomes real."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

from tokman.recommend.waterfall import Saving, pico

DRAWS = 400
SEED = 20261123
"""Fixed, so that the same ledger always gives the same plan."""


class Range(NamedTuple):
    """Pico-dollars: of ten outcomes one is below `low`, one above `high`, half below `middle`."""

    low: int
    middle: int
    high: int


Key = tuple[str, int]
"""(lever, cell)."""


def ranges(
    savings: list[Saving], by_day: list[dict[str, Any]], start: date, days: int
) -> tuple[dict[Key, Range], Range]:
    """P10, P50 and P90 of each cell's saving and of their sum, none above what was identified.

    Days of the window are drawn again with replacement, within their weekday where there are two
    full weeks (Efron and Tibshirani 1993, §8.6, clusters as units); each draw is multiplied by a
    share realised, drawn from the Beta distribution of the cell's evidence.
    """
    amounts: dict[Key, dict[int, int]] = defaultdict(dict)
    for row in by_day:
        offset = (row["day"] - start).days if row["day"] else 0
        cell = amounts[row["lever"], row["cell"]]
        cell[offset] = cell.get(offset, 0) + pico(row["saved"])
    random = Random(SEED)
    strata = _strata(start, days)
    drawn: dict[Key, list[int]] = {(saving.lever, saving.cell): [] for saving in savings}
    totals = []
    for _ in range(DRAWS):
        weights = [0] * days
        for stratum in strata:
            for day in random.choices(stratum, k=len(stratum)):
                weights[day] += 1
        sum_of_draw = 0
        for saving in savings:
            key = (saving.lever, saving.cell)
            again = sum(amount * weights[day] for day, amount in amounts[key].items())
            realised = random.betavariate(*saving.about.evidence.realisation)
            value = max(0, min(int(again * realised), saving.saved))
            drawn[key].append(value)
            sum_of_draw += value
        totals.append(sum_of_draw)
    return {key: _range(values) for key, values in drawn.items()}, _range(totals)


def expected(saving: Saving) -> int:
    """The mean: the amount times the mean share realised, rounded down."""
    a, b = saving.about.evidence.realisation
    return saving.saved * a // (a + b)


def _strata(start: date, days: int) -> list[list[int]]:
    if days < 14:
        return [list(range(days))]
    weekdays: dict[int, list[int]] = defaultdict(list)
    for day in range(days):
        weekdays[(start + timedelta(days=day)).weekday()].append(day)
    return list(weekdays.values())


def _range(values: list[int]) -> Range:
    ordered = sorted(values)
    last = len(ordered) - 1
    low, middle, high = (ordered[round(last * share)] for share in (0.1, 0.5, 0.9))
    return Range(low, middle, high)
