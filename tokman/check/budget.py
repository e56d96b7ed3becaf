"""Budgets: what a unit of work may cost, whatever it cost before."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tokman.check.decide import name_of
from tokman.check.settings import Limit, like
from tokman.check.verdict import Finding, Outcome, Side
from tokman.render.cells import dollars

if TYPE_CHECKING:
    from tokman.check.side import Work


def findings(work: list[Work], limits: list[Limit]) -> list[Finding]:
    """Each limit on each workflow that it is about, where there is a unit to judge."""
    return [
        found
        for limit in limits
        for each in work
        if like(each.workflow, limit.workflow) and (found := _of(each, limit)) is not None
    ]


def _of(work: Work, limit: Limit) -> Finding | None:
    if work.cost is None:
        return None
    case: str | None = None
    if limit.per == "workflow":
        units, cost, what = 1, work.cost, "in all"
    elif limit.per == "case":
        paid = _cases(work)
        if not paid:
            return None
        case = max(paid, key=lambda name: (paid[name], name))
        units, cost, what = len(paid), paid[case], f"for case {case}"
    else:
        units = work.units(limit.per)
        if not units:
            return None
        cost, what = work.cost / units, f"per {limit.per}"
    over = cost > limit.most
    outcome: Outcome = ("regression" if limit.level == "error" else "warn") if over else "pass"
    name = name_of(work.workflow)
    return Finding(
        id=f"budget/{limit.per}/{name}",
        rule="budget",
        workflow=work.workflow,
        case=case,
        outcome=outcome,
        level=limit.level,
        why=f"{dollars(cost)} {what}, {'more than' if over else 'within'} {dollars(limit.most)}",
        unit=limit.per,
        base=None,
        now=Side(units=units, samples=int(work.stands_for.sum()), cost_per_unit=cost),
        limit=limit.most,
    )


def _cases(work: Work) -> dict[str, Decimal]:
    """USD of one run of each case."""
    runs: dict[str, int] = {}
    paid: dict[str, float] = {}
    for case, cost in zip(work.cases, work.costs, strict=True):
        if case is not None:
            runs[case] = runs.get(case, 0) + 1
            paid[case] = paid.get(case, 0.0) + float(cost)
    return {
        case: Decimal(cost / runs[case]).quantize(Decimal("1e-12")) for case, cost in paid.items()
    }
