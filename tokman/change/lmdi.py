"""The logarithmic mean Divisia index (LMDI-I, additive) of one amount: a change without a residual.

An amount is a product of factors, each the ratio of two neighbours in a chain of numbers that
begins at 1 and ends at the amount: calls, calls of the workflow, their tokens, …, cost. The effect
of a factor x is L(V¹, V⁰) · ln(x¹/x⁰), with L(a, b) = (a − b) / ln(a/b) and L(a, a) = a.
B. W. Ang, "LMDI decomposition approach: a guide for implementation", Energy Policy 86 (2015).

Where an amount begins or ends at zero the effects are taken at their limit: the whole change is
that of the first factor of the chain that is zero (B. W. Ang and N. Liu, Energy Policy 35, 2007).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Chain = Sequence[int]
"""Numbers of which each is a part of, or paid for, the one before; the last is the amount."""


def effects(before: Chain, after: Chain) -> list[int]:
    """What each factor did to the amount, in whole units that add up to its change.

    The same backwards with every sign turned, to the last unit.
    """
    change = after[-1] - before[-1]
    parts = [0] * len(before)
    if not change and not before[-1]:
        return parts
    pairs = list(zip(before, after, strict=True))
    at = next((place for place, (old, new) in enumerate(pairs) if _apart(old, new)), None)
    if at is not None:
        parts[at] = change
        return parts
    return whole(exact(before, after), change)


def exact(before: Chain, after: Chain) -> list[float]:
    """The effects before rounding, where no factor is zero on either side."""
    ratios = [_log_ratio(abs(new), abs(old)) for old, new in zip(before, after, strict=True)]
    change = after[-1] - before[-1]
    mean = change / ratios[-1] if change else float(before[-1])
    return [mean * (own - above) for own, above in zip(ratios, [0.0, *ratios], strict=False)]


def whole(parts: Sequence[float], total: int) -> list[int]:
    """The parts in whole units that add up to the total: cut toward zero, the units that are
    missing given to the largest remainders, the first of equals."""
    cut = [math.trunc(part) for part in parts]
    missing = total - sum(cut)
    sign = 1 if missing > 0 else -1
    # More units than parts are what a float cannot hold of a large amount.
    rounds, units = divmod(abs(missing), len(cut))
    largest = max(range(len(cut)), key=lambda place: abs(parts[place]))
    cut[largest] += sign * rounds * len(cut)
    remainders = [sign * (part - math.trunc(part)) for part in parts]
    order = sorted(range(len(cut)), key=remainders.__getitem__, reverse=True)
    for place in order[:units]:
        cut[place] += sign
    return cut


def _apart(old: int, new: int) -> bool:
    """True where no ratio of the two has a logarithm."""
    return not old or not new or (old < 0) != (new < 0)


def _log_ratio(new: int, old: int) -> float:
    """ln(new / old) of positive numbers, exactly the negative of ln(old / new)."""
    return math.log1p((new - old) / old) if new >= old else -math.log1p((old - new) / new)
