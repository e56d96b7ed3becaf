"""How often a rule is right, by what people judged of its hits."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tokman.recommend.decisions import Judgement

ENOUGH = 10
"""Hits judged: fewer say nothing for or against a rule; own judgement."""

GOOD = 0.8
"""Least precision, at its lower bound, at which a rule's dollars are expected (science.md §5)."""

Z = 1.2815515655446004
"""Standard normal quantile of .90."""


class Precision(NamedTuple):
    """The judgements of one rule."""

    judged: int
    right: int
    low: float
    """Nine in ten such samples have a true share above: Wilson's lower bound at 90 %, one-sided."""

    @property
    def enough(self) -> bool:
        """Enough was judged to decide by."""
        return self.judged >= ENOUGH

    @property
    def refuted(self) -> bool:
        """Judged, and not shown to be right often enough: its dollars are not expected."""
        return self.enough and self.low < GOOD


def by_rule(judgements: Iterable[Judgement]) -> dict[tuple[str, str], Precision]:
    """(lever, rule) → how often it was right."""
    counts: dict[tuple[str, str], list[int]] = {}
    for one in judgements:
        count = counts.setdefault((one.lever, one.rule), [0, 0])
        count[0] += 1
        count[1] += one.right
    return {key: Precision(n, right, wilson(right, n)) for key, (n, right) in counts.items()}


def wilson(right: int, judged: int, z: float = Z) -> float:
    """Lower end of Wilson's score interval (Wilson 1927, JASA 22:209)."""
    if judged == 0:
        return 0.0
    share, square = right / judged, z * z
    middle = share + square / (2 * judged)
    spread = z * sqrt(share * (1 - share) / judged + square / (4 * judged * judged))
    return max(0.0, (middle - spread) / (1 + square / judged))
