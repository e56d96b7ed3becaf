"""How many calls a trial needs, and what a finished one shows about a loss of quality."""

from __future__ import annotations

from collections.abc import Callable
from math import acos, ceil, cos, pi, sqrt
from statistics import NormalDist
from typing import NamedTuple

Score = Callable[[float], float]
"""How far, in standard errors, what was seen lies above a supposed difference."""


class Difference(NamedTuple):
    """Share done right by the new way less that by today's, with one-sided limits."""

    gap: float
    low: float
    high: float


def wald(now: float, then: float, margin: float, alpha: float, power: float) -> int:
    """Calls per arm by Blackwelder (1982): variance under the alternative."""
    z = quantile(1 - alpha) + quantile(power)
    return ceil(z**2 * (now * (1 - now) + then * (1 - then)) / (then - now + margin) ** 2)


def farrington_manning(now: float, then: float, margin: float, alpha: float, power: float) -> int:
    """Calls per arm by Farrington and Manning (1990): variance under the null hypothesis.

    `now` and `then` are the shares of calls done right by today's and by the cheaper model.
    """
    null_then, null_now = _restricted(then, now, -margin)
    null = sqrt(null_then * (1 - null_then) + null_now * (1 - null_now))
    other = sqrt(then * (1 - then) + now * (1 - now))
    z = quantile(1 - alpha) * null + quantile(power) * other
    return ceil((z / (then - now + margin)) ** 2)


def paired(
    discordant: float, margin: float, alpha: float, power: float, difference: float = 0.0
) -> int:
    """Calls replayed on both models; `discordant` is the share on which they differ."""
    spread = sqrt(discordant - difference**2)
    z = quantile(1 - alpha) * sqrt(discordant) + quantile(power) * spread
    return ceil((z / (margin + difference)) ** 2)


def difference(
    bad_new: int, new: int, bad_old: int, old: int, alpha: float = 0.05
) -> tuple[float, float, float]:
    """Difference in shares and its 1 − 2α interval by Newcombe (1998), new − old."""
    share_new, low_new, high_new = _wilson(bad_new, new, alpha)
    share_old, low_old, high_old = _wilson(bad_old, old, alpha)
    gap = share_new - share_old
    low = gap - sqrt((share_new - low_new) ** 2 + (high_old - share_old) ** 2)
    high = gap + sqrt((high_new - share_new) ** 2 + (share_old - low_old) ** 2)
    return gap, low, high


def replayed(calls: int, lost: int, gained: int, alpha: float) -> Difference:
    """What a replay of the same calls on both models shows, by Tango's score interval (1998).

    `lost` calls were right today and wrong then, `gained` the other way round.
    """

    def score(gap: float) -> float:
        b = -gained - lost + (2 * calls - gained + lost) * gap
        c = -lost * gap * (1 - gap)
        share = (sqrt(max(0.0, b * b - 8 * calls * c)) - b) / (4 * calls)
        variance = calls * (2 * share + gap * (1 - gap))
        distance = gained - lost - calls * gap
        return distance / sqrt(variance) if variance > 0 else _sign(distance)

    return _limits(score, (gained - lost) / calls, alpha)


def split(bad_new: int, new: int, bad_old: int, old: int, alpha: float) -> Difference:
    """What calls divided by chance show, by the score interval of Farrington and Manning (1990)."""
    right_new, right_old = 1 - bad_new / new, 1 - bad_old / old

    def score(gap: float) -> float:
        null_new, null_old = _restricted(right_new, right_old, gap, old / new)
        variance = null_new * (1 - null_new) / new + null_old * (1 - null_old) / old
        distance = right_new - right_old - gap
        return distance / sqrt(variance) if variance > 1e-15 else _sign(distance)

    return _limits(score, right_new - right_old, alpha)


def quantile(share: float) -> float:
    """Of the standard normal distribution."""
    return NormalDist().inv_cdf(share)


def _limits(score: Score, gap: float, alpha: float) -> Difference:
    """Where a score that falls with the gap is ± the normal quantile, by halving."""
    limits = []
    for side, edge in ((1, -1.0), (-1, 1.0)):
        inside, outside = gap, edge
        for _ in range(60):
            middle = (inside + outside) / 2
            if side * score(middle) > quantile(1 - alpha):
                outside = middle
            else:
                inside = middle
        limits.append(inside)
    return Difference(gap, *limits)


def _wilson(count: int, of: int, alpha: float) -> tuple[float, float, float]:
    z = quantile(1 - alpha)
    share = count / of
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z / (1 + z**2 / of) * sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    return share, middle - half, middle + half


def _restricted(first: float, second: float, gap: float, sizes: float = 1.0) -> tuple[float, float]:
    """The likeliest two shares that differ by exactly `gap`; `sizes` is arm two over arm one.

    The cubic's closed form of Farrington and Manning (1990), appendix.
    """
    a = 1 + sizes
    b = -(1 + sizes + first + sizes * second + gap * (sizes + 2))
    c = gap**2 + gap * (2 * first + sizes + 1) + first + sizes * second
    d = -first * gap * (1 + gap)
    v = b**3 / (3 * a) ** 3 - b * c / (6 * a**2) + d / (2 * a)
    u = sqrt(max(0.0, b**2 / (3 * a) ** 2 - c / (3 * a))) * (1 if v > 0 else -1)
    w = (pi + acos(max(-1.0, min(1.0, v / u**3 if u else 0.0)))) / 3
    null_first = min(1.0, max(0.0, 2 * u * cos(w) - b / (3 * a)))
    return null_first, min(1.0, max(0.0, null_first - gap))


def _sign(distance: float) -> float:
    return 0.0 if abs(distance) < 1e-12 else 1e9 if distance > 0 else -1e9
