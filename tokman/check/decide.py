"""From what was seen to what is said of it: one finding for each rule and workflow."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tokman.check import chance
from tokman.check.compare import Compared, decimal
from tokman.check.quality import Bound, Quality, held
from tokman.check.settings import Held, Settings
from tokman.check.verdict import Finding, Mode, Outcome, Side, Unit
from tokman.render.cells import dollars, percent, signed

if TYPE_CHECKING:
    from tokman.check.side import Work

LEAST = {"suite": 30, "traffic": 100}
"""Fewer pairs, or clusters a side, tell nothing that is absent (own judgement: below it the
distribution of means of usual costs is far from normal)."""

BLIND = 0.5
"""Data that could not have shown a rise by this much say nothing by showing none."""


class Terms(NamedTuple):
    """What findings of one run share."""

    mode: Mode
    unit: Unit
    settings: Settings
    today: date
    pace: Decimal | None
    """Times that the period of now goes into 30 days; None: it has no pace."""


def cost(seen: Compared, adjusted_p: float, rule: Held, terms: Terms) -> Finding:
    """Whether a unit of work became dearer than it is let."""
    alpha, how = terms.settings.alpha, terms.settings.strictness
    change = None if seen.rise is None else float(seen.rise) - 1
    dearer = (
        seen.rise > 1 + Fraction(str(rule.max_increase))
        if seen.rise is not None
        else seen.spent > 0
    )
    per_unit = [decimal(amount) for amount in seen.per_unit]
    scale = terms.pace if terms.pace is not None else Decimal(1)
    impact, spend = seen.rise_of_now * scale, seen.spent * scale
    detectable = chance.detectable(seen.error, alpha)
    blind = (
        min(seen.samples) < LEAST[terms.mode] or detectable is None or detectable > BLIND
    ) and not (detectable is not None and Decimal(detectable) * spend < rule.min_impact)
    rose = f"{_changed(change)} per {terms.unit}"
    outcome: Outcome
    if dearer and impact < rule.min_impact:
        outcome, why = "pass", f"{rose}, but {dollars(impact, 2)} is below the minimum impact"
    elif dearer and (how == "strict" or adjusted_p <= alpha):
        outcome = "regression"
        proof = "" if how == "strict" else f", {_odds(adjusted_p)}"
        why = f"{rose}, more than {signed(rule.max_increase)}{proof}"
    elif blind and how != "strict":
        least = "none" if detectable is None else f"{signed(detectable)} or more"
        outcome = "inconclusive"
        why = f"{rose}; from {min(seen.samples):,} {_pieces(terms)} a rise is seen if it is {least}"
    elif dearer:
        outcome, why = "warn", f"{rose}, which chance alone gives: {_odds(adjusted_p)}"
    else:
        outcome, why = "pass", f"{rose}, at most {signed(rule.max_increase)} is allowed"
    return _ruled(
        Finding(
            id="cost" if seen.total else f"cost/{name_of(seen.workflow)}",
            rule="cost",
            total=seen.total,
            workflow=seen.workflow,
            outcome=outcome,
            level=rule.level,
            why=why,
            unit=terms.unit,
            base=Side(units=seen.units[0], samples=seen.samples[0], cost_per_unit=per_unit[0]),
            now=Side(units=seen.units[1], samples=seen.samples[1], cost_per_unit=per_unit[1]),
            change=change,
            low=seen.test.low if change is not None else None,
            high=seen.test.high if change is not None else None,
            allowed=rule.max_increase,
            p_value=seen.test.p_value,
            adjusted_p=adjusted_p,
            detectable=detectable,
            impact=impact,
        ),
        rule,
    )


def quality(seen: Quality, loss: Bound, adjusted_p: float, rule: Held, terms: Terms) -> Finding:
    """Whether the share of outcomes that are a success is held."""
    how = terms.settings.strictness
    kept = held(seen, loss, adjusted_p, terms.settings.alpha, how)
    shares = [right / of for right, of in zip(seen.successes, seen.judged, strict=True)]
    seen_as = f"{percent(shares[0])} of outcomes were a success before, {percent(shares[1])} now"
    allowed = f"{loss.allowed * 100:.2f} points may be lost"
    if loss.cut:
        allowed = f"the cost was cut, and {allowed} for that"
    outcome: Outcome = "pass" if kept else "inconclusive" if kept is None else "regression"
    unproven = ": from so few it cannot be told" if kept is None else ""
    return _ruled(
        Finding(
            id=f"quality/{name_of(seen.workflow)}",
            rule="quality",
            workflow=seen.workflow,
            outcome=outcome,
            level=rule.level,
            why=f"{seen_as}; {allowed}{unproven}",
            unit="case" if seen.paired else "outcome",
            base=_judged(seen, 0),
            now=_judged(seen, 1),
            change=seen.gap.gap,
            low=seen.gap.low,
            high=seen.gap.high,
            allowed=loss.allowed,
            p_value=seen.p_value,
            adjusted_p=adjusted_p,
        ),
        rule,
    )


def apart(
    workflow: str | None,
    before: Work | None,
    now: Work | None,
    rule: Held,
    terms: Terms,
    why: str,
) -> Finding:
    """What cannot be compared, and why not."""
    return Finding(
        id=f"cost/{name_of(workflow)}",
        rule="cost",
        workflow=workflow,
        outcome="not judged",
        level=rule.level,
        why=why,
        unit=terms.unit,
        base=_alone(before, terms.unit),
        now=_alone(now, terms.unit),
    )


def name_of(workflow: str | None) -> str:
    """A workflow's name in an id and a sentence."""
    return "(unattributed)" if workflow is None else workflow


def _ruled(finding: Finding, rule: Held) -> Finding:
    """The finding as the rule wants it: a regression that only warns, one that is ignored."""
    finding.ignored = rule.ignored
    if finding.outcome == "regression" and finding.level == "warn":
        finding.outcome = "warn"
    if rule.ignored is not None and finding.outcome not in ("pass", "not judged"):
        reason = f"{rule.ignored.reason}, until {rule.ignored.until}"
        if rule.ignored.expired:
            finding.why += f" (no longer ignored: {reason})"
        else:
            finding.outcome = "ignored"
            finding.why += f" (ignored: {reason})"
    return finding


def _judged(seen: Quality, at: int) -> Side:
    judged, right = seen.judged[at], seen.successes[at]
    return Side(units=judged, samples=judged, judged=judged, successes=right)


def _alone(work: Work | None, unit: str) -> Side | None:
    if work is None:
        return None
    units = work.units(unit)
    per_unit = work.cost / units if work.cost is not None and units else None
    return Side(units=units, samples=int(work.stands_for.sum()), cost_per_unit=per_unit)


def _changed(change: float | None) -> str:
    return "from nothing" if change is None else signed(change)


def _odds(p_value: float) -> str:
    """A p-value as a person says it."""
    if p_value > 0.5:
        return "more often than not"
    return f"by chance once in {round(1 / p_value):,} times"


def _pieces(terms: Terms) -> str:
    return "cases" if terms.mode == "suite" else "conversations"
