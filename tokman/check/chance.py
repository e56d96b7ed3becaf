"""What chance alone makes of a cost per unit: permutation tests of means, many at once.

Costs are sums, so means are tested and never logarithms: a few runaways that the typical request
does not show raise the bill all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import ceil, exp, inf, isfinite, isnan, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]

DRAWS = 1999
"""Permutations: the smallest p-value is 1 in 2,000."""

MOST_DRAWS = 20_000
"""Permutations where that is not small enough for so many workflows."""

POWER = 0.8
"""How often the least detectable rise is detected."""

MOST = 500
"""Clusters of a side beyond so many are added up in blocks of equal size, drawn by chance."""

THINNED = 3 * MOST
"""Of a side with more blocks than this, so many are drawn by chance."""


def draws_for(workflows: int, alpha: float) -> int:
    """Permutations after which one workflow of so many can be told from chance."""
    return max(DRAWS, min(MOST_DRAWS, ceil(2 * (workflows + 1) / alpha)))


class Draw(NamedTuple):
    """Cost per unit before and now and the variance of each; the first element of each array is
    what was seen, the others what came out when the clusters of both sides were shuffled."""

    before: Floats
    now: Floats
    before_variance: Floats
    now_variance: Floats


class Test(NamedTuple):
    """A rise of cost per unit against chance; the limits are one-sided."""

    p_value: float
    low: float
    high: float


def generator(name: str) -> np.random.Generator:
    """Chance that is the same in every run for the same name."""
    return np.random.default_rng(list(blake2b(name.encode(errors="replace")).digest()))


def shuffled(
    before: tuple[Floats, Floats],
    now: tuple[Floats, Floats],
    chance: np.random.Generator,
    draws: int = DRAWS,
) -> Draw:
    """Cost per unit when clusters, each a cost and a number of units, change sides by chance."""
    size = -(-min(len(before[0]), len(now[0])) // MOST)
    base, head = (_blocks(side, size, chance) for side in (before, now))
    both = np.concatenate([base, head], axis=1)
    scale = both.sum(axis=1, keepdims=True)
    # Costs and units are made to be of the size of 1, so that no sum of squares loses its digits.
    both = both * (both.shape[1] / np.where(scale > 0, scale, 1))
    count, small = both.shape[1], min(base.shape[1], head.shape[1])
    places = np.broadcast_to(np.arange(count, dtype=np.int32), (draws, count))
    drawn = chance.permuted(places, axis=1)[:, :small]
    seen = np.arange(count)[-small:] if head.shape[1] == small else np.arange(small)
    first = _sums(both[:, np.vstack([seen, drawn])])
    rest = _sums(both[:, None, :]) - first
    of_now, of_before = (first, rest) if head.shape[1] == small else (rest, first)
    factor = float((scale[0] / np.where(scale[1] > 0, scale[1], 1))[0])
    counts = (head.shape[1], base.shape[1])
    (now_mean, now_variance), (mean, variance) = (
        _per_unit(sums, many, factor)
        for sums, many in zip((of_now, of_before), counts, strict=True)
    )
    return Draw(mean, now_mean, variance, now_variance)


def together(draws: Sequence[Draw], units: Sequence[float]) -> Draw:
    """Several workflows as one, in a fixed mix: so many units of each."""
    weights = np.array(units)[:, None] / sum(units)
    before, now, before_variance, now_variance = (
        np.stack([draw[at] for draw in draws]) for at in range(4)
    )
    return Draw(
        (weights * before).sum(axis=0),
        (weights * now).sum(axis=0),
        (weights**2 * before_variance).sum(axis=0),
        (weights**2 * now_variance).sum(axis=0),
    )


def tested(draw: Draw, alpha: float) -> Test:
    """Whether the first is dearer than chance makes it: the ratio's logarithm over its standard
    error, so that a side that spreads more is not taken for a dearer one (Janssen 1997)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(
            np.log(draw.now) - np.log(draw.before), nan=0.0, posinf=inf, neginf=-inf
        )
        error = np.sqrt(draw.now_variance / draw.now**2 + draw.before_variance / draw.before**2)
    # Where a side costs nothing there is no logarithm to spread: it is dearer or cheaper at once.
    error = np.where(np.isfinite(error), np.maximum(error, 1e-12), 1.0)
    return _against(ratio / error, float(ratio[0]), float(error[0]), alpha)


def paired(
    before: Floats, now: Floats, chance: np.random.Generator, alpha: float, draws: int = DRAWS
) -> Test:
    """Pairs of costs of the same cases, where chance may swap the two of any pair."""
    gains = now - before
    total = float(before.sum() + now.sum())
    signs = chance.integers(0, 2, (draws, len(gains)), dtype=np.int8) * 2 - 1
    moved = np.concatenate([[gains.sum()], signs @ gains])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log((total + moved) / (total - moved))
    ratio = np.where(np.isnan(ratio), 0.0, ratio)
    return _against(ratio, float(ratio[0]), 1.0, alpha)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """The p-values by Benjamini and Hochberg (1995): all at most α are wrong in a share α."""
    order = np.argsort(p_values, kind="stable")[::-1]
    count, least, found = len(p_values), 1.0, [1.0] * len(p_values)
    for rank, at in enumerate(order):
        least = min(least, p_values[at] * count / (count - rank))
        found[at] = least
    return found


def detectable(error: float, alpha: float) -> float | None:
    """The least rise found with POWER where log cost per unit has this standard error."""
    normal = NormalDist()
    steps = (normal.inv_cdf(1 - alpha) + normal.inv_cdf(POWER)) * error
    return exp(steps) - 1 if isfinite(steps) and steps < 700 else None


def relative_error(side: tuple[Floats, Floats], now: int) -> float:
    """Standard error of log(now over before) if `now` clusters were like those of `side`."""
    cost, units = side
    count = len(cost)
    if count < 2 or not now or not cost.sum() or not units.sum():
        return inf
    rest = cost / cost.sum() - units / units.sum()
    spread = sqrt(float((rest**2).sum()) * count / (count - 1))
    return spread * sqrt(1 + count / now)


def paired_error(before: Floats, now: Floats) -> float:
    """Standard error of log(now over before) of pairs."""
    count = len(before)
    if count < 2 or not before.sum() or not now.sum():
        return inf
    rest = now / now.sum() - before / before.sum()
    return sqrt(float((rest**2).sum()) * count / (count - 1))


def _against(score: Floats, ratio: float, error: float, alpha: float) -> Test:
    """The first score among all of them; limits of the change by what chance does to the score."""
    seen, drawn = score[0], score[1:]
    slack = 1e-9 * max(1.0, abs(float(seen))) if isfinite(seen) else 0.0
    p_value = (1 + int((drawn >= seen - slack).sum())) / (1 + len(drawn))
    low, high = np.quantile(drawn, [alpha, 1 - alpha], method="inverted_cdf")
    return Test(p_value, _limit(ratio - float(high) * error), _limit(ratio - float(low) * error))


def _limit(log_ratio: float) -> float:
    return -1.0 if isnan(log_ratio) else exp(min(log_ratio, 700.0)) - 1


def _blocks(side: tuple[Floats, Floats], size: int, chance: np.random.Generator) -> Floats:
    """Cost and units of blocks of so many clusters; of far more than THINNED, some."""
    values = np.stack(side)
    if size > 1:
        values = values[:, chance.permutation(values.shape[1])]
        whole = values.shape[1] // size * size
        values = values[:, :whole].reshape(2, -1, size).sum(axis=2)
    if values.shape[1] > THINNED:
        values = values[:, chance.choice(values.shape[1], THINNED, replace=False)]
    return values


def _sums(drawn: Floats) -> Floats:
    """Of cost c and units u: sums of c, u, c·c, c·u and u·u."""
    cost, units = drawn
    return np.stack(
        [
            cost.sum(axis=1),
            units.sum(axis=1),
            (cost * cost).sum(axis=1),
            (cost * units).sum(axis=1),
            (units * units).sum(axis=1),
        ]
    )


def _per_unit(sums: Floats, count: int, factor: float) -> tuple[Floats, Floats]:
    """The ratio of the sums of cost and units, and its variance by linearisation."""
    cost, units, cost2, both, units2 = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = cost / units
        rest = np.maximum(cost2 - 2 * ratio * both + ratio**2 * units2, 0.0)
        variance = rest / units**2 * (count / max(count - 1, 1))
    return ratio * factor, variance * factor**2
