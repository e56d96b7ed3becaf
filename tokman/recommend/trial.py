"""How many calls a trial needs to show that a cheaper model is not worse by more than a margin."""

from __future__ import annotations

from math import acos, ceil, cos, pi, sqrt
from statistics import NormalDist

ALPHA = 0.05
"""One-sided: the chance to accept a model that is worse by the whole margin."""
POWER = 0.8
"""The chance to accept a model that is just as good."""
MARGIN = 0.02
"""Two percentage points of calls done right; own judgement, to be replaced by the user's."""
BASELINE = 0.95
"""Share of calls done right today, where no outcome is logged; own judgement."""
LONGEST = 60
"""Days: a trial that would take longer is not proposed."""


def wald(now: float, then: float, margin: float, alpha: float = ALPHA, power: float = POWER) -> int:
    """Calls per arm by Blackwelder (1982): variance under the alternative."""
    z = _quantile(1 - alpha) + _quantile(power)
    return ceil(z**2 * (now * (1 - now) + then * (1 - then)) / (then - now + margin) ** 2)


def farrington_manning(
    now: float, then: float, margin: float, alpha: float = ALPHA, power: float = POWER
) -> int:
    """Calls per arm by Farrington and Manning (1990): variance under the null hypothesis.

    `now` and `then` are the shares of calls done right by today's and by the cheaper model.
    """
    null_then, null_now = _restricted(then, now, -margin)
    null = sqrt(null_then * (1 - null_then) + null_now * (1 - null_now))
    other = sqrt(then * (1 - then) + now * (1 - now))
    z = _quantile(1 - alpha) * null + _quantile(power) * other
    return ceil((z / (then - now + margin)) ** 2)


def paired(
    discordant: float,
    margin: float,
    difference: float = 0.0,
    alpha: float = ALPHA,
    power: float = POWER,
) -> int:
    """Calls replayed on both models; `discordant` is the share on which they differ."""
    spread = sqrt(discordant - difference**2)
    z = _quantile(1 - alpha) * sqrt(discordant) + _quantile(power) * spread
    return ceil((z / (margin + difference)) ** 2)


def days(per_arm: int, calls_per_day: float) -> int | None:
    """Days a trial takes when all calls are split 50/50; None without calls."""
    return ceil(2 * per_arm / calls_per_day) if calls_per_day > 0 else None


def difference(bad_new: int, new: int, bad_old: int, old: int) -> tuple[float, float, float]:
    """Difference in shares and its 90 % interval by Newcombe (1998), new − old."""
    share_new, low_new, high_new = _wilson(bad_new, new)
    share_old, low_old, high_old = _wilson(bad_old, old)
    gap = share_new - share_old
    low = gap - sqrt((share_new - low_new) ** 2 + (high_old - share_old) ** 2)
    high = gap + sqrt((high_new - share_new) ** 2 + (share_old - low_old) ** 2)
    return gap, low, high


def _wilson(count: int, of: int) -> tuple[float, float, float]:
    z = _quantile(0.95)
    share = count / of
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z / (1 + z**2 / of) * sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    return share, middle - half, middle + half


def _restricted(first: float, second: float, gap: float) -> tuple[float, float]:
    """The likeliest two shares that differ by exactly `gap`, for arms of one size.

    The cubic's closed form of Farrington and Manning (1990), appendix, with equal arms.
    """
    a = 2.0
    b = -(2 + first + second + 3 * gap)
    c = gap**2 + gap * (2 * first + 2) + first + second
    d = -first * gap * (1 + gap)
    v = b**3 / (3 * a) ** 3 - b * c / (6 * a**2) + d / (2 * a)
    u = sqrt(max(0.0, b**2 / (3 * a) ** 2 - c / (3 * a))) * (1 if v > 0 else -1)
    w = (pi + acos(max(-1.0, min(1.0, v / u**3 if u else 0.0)))) / 3
    null_first = 2 * u * cos(w) - b / (3 * a)
    return null_first, null_first - gap


def _quantile(share: float) -> float:
    return NormalDist().inv_cdf(share)
