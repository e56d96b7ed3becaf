"""The custom format of github-action-benchmark, tool `customSmallerIsBetter`:
https://github.com/benchmark-action/github-action-benchmark"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokman.render.cells import cents, dollars, exact, harmless, plural
from tokman.render.machine import json_text
from tokman.screens.ci.words import reasons, subject, title

if TYPE_CHECKING:
    from tokman.check.verdict import Finding, Verdict


def benchmark(verdict: Verdict, root: Path) -> str:
    """A JSON array with a point for each chart: USD per unit of work, and the share of outcomes
    that were no success. What has no price has no point."""
    points = [point for each in verdict.findings if (point := _point(each, verdict))]
    return json_text(exact(points))


def _point(finding: Finding, verdict: Verdict) -> dict[str, Any] | None:
    now = finding.now
    if now is None:
        return None
    extra = [harmless(finding.why), plural(now.units, finding.unit)]
    if finding.rule == "quality":
        if not now.judged:
            return None
        return {
            "name": f"{subject(finding)}: share of outcomes that were no success",
            "unit": "%",
            "value": round(100 * (now.judged - now.successes) / now.judged, 6),
            "extra": "\n".join([*extra, f"{now.judged:,} of known outcome"]),
        }
    if now.cost_per_unit is None:
        return None
    if finding.total and verdict.moved:
        extra += reasons(verdict.moved)
    point = {
        "name": title(finding),
        "unit": f"USD per {finding.unit}",
        "value": round(now.cost_per_unit, 12),
        "extra": "\n".join(extra),
    }
    if spread := _spread(finding):
        point["range"] = spread
    return point


def _spread(finding: Finding) -> str | None:
    """Where the cost lies by the bounds of its change."""
    base, low, high = finding.base, finding.low, finding.high
    if base is None or base.cost_per_unit is None or low is None or high is None:
        return None
    if not (isfinite(low) and isfinite(high)):
        return None
    ends = [base.cost_per_unit * (1 + Decimal(repr(bound))) for bound in (low, high)]
    digits = cents(ends)
    return " – ".join(dollars(end, digits) for end in ends)
