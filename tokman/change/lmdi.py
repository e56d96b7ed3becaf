"""The logarithmic mean Divisia index (LMDI-I, additive): a change without a residual.

An amount is a product of factors. The effect of a factor x on it is L(V¹, V⁰) · ln(x¹/x⁰), with
L(a, b) = (a − b) / ln(a/b) and L(a, a) = a: the effects add up to V¹ − V⁰.
B. W. Ang, "LMDI decomposition approach: a guide for implementation", Energy Policy 86 (2015).
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def logarithmic_mean(one: float, other: float) -> float:
    """L(one, other) of two numbers that are both above zero, or both below."""
    if one == other:
        return float(one)
    return (other - one) / log_ratio(other, one)


def log_ratio(new: float, old: float) -> float:
    """ln(new / old) of numbers with the same sign, exactly the negative of ln(old / new)."""
    if abs(new) >= abs(old):
        return math.log1p((new - old) / old)
    return -math.log1p((old - new) / new)


def whole(parts: Sequence[float], total: int) -> list[int]:
    """The parts in whole units that add up to the total: rounded, then the units that are still
    missing given to, or taken from, what rounding moved furthest; the first of equals.

    The negative parts of the negative total come out as the same units with the sign turned.
    """
    if not parts:
        return []
    found = [round(part) for part in parts]
    missing = total - sum(found)
    sign = 1 if missing > 0 else -1
    # More units than parts are what a float cannot hold of a large amount.
    rounds, units = divmod(abs(missing), len(found))
    remainders = [sign * (part - own) for part, own in zip(parts, found, strict=True)]
    largest = max(range(len(found)), key=lambda place: abs(parts[place]))
    found[largest] += sign * rounds * len(found)
    for place in sorted(range(len(found)), key=remainders.__getitem__, reverse=True)[:units]:
        found[place] += sign
    return found
