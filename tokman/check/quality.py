"""Success rate beside cost: a cut that loses quality is no saving."""

from __future__ import annotations

from decimal import Decimal
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from tokman.check.side import Work
from tokman.recommend import margin, trial

if TYPE_CHECKING:
    from tokman.check.settings import Strictness
    from tokman.config import Config
    from tokman.recommend.trial import Difference


class Quality(NamedTuple):
    """What came of a workflow's work, before and now."""

    workflow: str | None
    judged: tuple[int, int]
    successes: tuple[int, int]
    gap: Difference
    """Share of successes now less before."""
    p_value: float
    """How often chance alone gives so large a loss."""
    paired: bool


class Bound(NamedTuple):
    """The loss of successes that is let pass."""

    allowed: float
    cut: bool
    """The work became cheaper, so that it must be shown that no more was lost; else only a loss
    that is shown counts."""


def of_traffic(before: Work, now: Work, alpha: float) -> Quality | None:
    """All outcomes of both sides; None where a side has none."""
    judged = (before.counts["judged"], now.counts["judged"])
    right = (before.counts["successes"], now.counts["successes"])
    if not all(judged):
        return None
    gap = trial.split(judged[1] - right[1], judged[1], judged[0] - right[0], judged[0], alpha)
    pooled = sum(right) / sum(judged)
    error = sqrt(pooled * (1 - pooled) * (1 / judged[0] + 1 / judged[1]))
    return Quality(now.workflow, judged, right, gap, _chance(gap.gap, error), False)


def of_suite(before: Work, now: Work, alpha: float) -> Quality | None:
    """The cases whose outcome both sides know; None where there is none."""
    sides = [_by_case(work) for work in (before, now)]
    cases = sides[0].keys() & sides[1].keys()
    if not cases:
        return None
    lost = sum(sides[0][case] and not sides[1][case] for case in cases)
    gained = sum(sides[1][case] and not sides[0][case] for case in cases)
    gap = trial.replayed(len(cases), lost, gained, alpha)
    right = (sum(sides[0][case] for case in cases), sum(sides[1][case] for case in cases))
    error = sqrt(lost + gained) / len(cases)
    return Quality(
        now.workflow, (len(cases), len(cases)), right, gap, _chance(gap.gap, error), True
    )


def bound(
    seen: Quality, cost: tuple[Decimal, Decimal], stated: float | None, least: float, config: Config
) -> Bound:
    """The loss that a workflow is held to: as tokman.toml states, else what the saving can bear
    where a unit became cheaper by more than `least`, else the most that is ever let pass."""
    terms = margin.terms(config, seen.workflow)
    before, now = cost
    cut = float(before - now) > least * float(before) > 0
    if stated is not None:
        return Bound(stated, cut)
    if not cut:
        return Bound(terms.max_loss, False)
    return Bound(margin.margin(before - now, before, terms).allowed, True)


def held(
    seen: Quality, loss: Bound, adjusted_p: float, alpha: float, how: Strictness
) -> bool | None:
    """True: no more was lost than allowed; False: more was; None: that cannot be told."""
    within = seen.gap.low > -loss.allowed
    beyond = seen.gap.gap < -loss.allowed
    if how == "strict":
        return within if loss.cut else not beyond
    shown = seen.gap.high < -loss.allowed if how == "lenient" else beyond and adjusted_p <= alpha
    if shown:
        return False
    return True if within or not loss.cut else None


def _by_case(work: Work) -> dict[str, bool]:
    """Whether every outcome of a case is a success; cases without a known outcome are left out."""
    found: dict[str, bool] = {}
    counted = work.counted
    rows = zip(work.cases, counted["judged"], counted["successes"], strict=True)
    for case, judged, successes in rows:
        if case is not None and judged:
            found[case] = found.get(case, True) and bool(successes == judged)
    return found


def _chance(gap: float, error: float) -> float:
    """One-sided p-value of a loss."""
    return NormalDist().cdf(gap / error) if error else (1.0 if gap >= 0 else 0.0)
