"""What the outputs for CI have in common: a finding's name, its weight, its place, its figures."""

from __future__ import annotations

import hashlib
import os
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tokman.render.cells import cents, dollars, harmless, plural, signed
from tokman.screens.check import headline

if TYPE_CHECKING:
    from tokman.check.verdict import Finding, Moved, Verdict

Weight = Literal["error", "warning", "note"]

LONGEST = 200
"""A name of a log is cut there."""

NOWHERE = ("tokman.toml", 1)
"""Where a report that must name a file says of what has no place in the repository."""


def weight(finding: Finding, verdict: Verdict) -> Weight | None:
    """How much a person must look at it; None: not at all. error: it fails the build."""
    if finding.outcome == "regression":
        return "warning" if verdict.informational else "error"
    if finding.outcome == "warn":
        return "warning"
    if finding.outcome == "inconclusive":
        return "error" if verdict.exit_code == 4 else "note"
    return None


def weighed(verdict: Verdict) -> list[tuple[Weight, Finding]]:
    """What a person must look at, the worst first."""
    found = [(weight(each, verdict), each) for each in verdict.findings]
    heavy: list[tuple[Weight, Finding]] = [(heft, each) for heft, each in found if heft]
    return sorted(heavy, key=lambda one: ("error", "warning", "note").index(one[0]))


def short(text: str) -> str:
    """The text of a log on one line that no terminal obeys, its end cut off."""
    shown = harmless(text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def subject(finding: Finding) -> str:
    """What it is about: `support-assistant`, `all workflows`."""
    if finding.total:
        name = "all workflows"
    else:
        name = "(unattributed)" if finding.workflow is None else short(finding.workflow)
    return name if finding.case is None else f"{name}, case {short(finding.case)}"


def measure(finding: Finding) -> str:
    """What of it is judged: `cost per call`."""
    if finding.rule == "quality":
        return "share of successes"
    if finding.unit == "workflow":
        return "budget"
    return f"{finding.rule} per {finding.unit}"


def title(finding: Finding) -> str:
    """Both, without a figure."""
    return f"{subject(finding)}: {measure(finding)}"


def fingerprint(finding: Finding) -> str:
    """32 hexadecimal digits that are the same in every run that judges the same thing."""
    return hashlib.sha256(finding.id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def repository() -> Path:
    """The nearest folder upwards with a `.git`, else the folder that tokman runs in."""
    here = Path.cwd()
    return next((each for each in (here, *here.parents) if (each / ".git").exists()), here)


def place(finding: Finding, root: Path) -> tuple[str, int] | None:
    """Path from the repository's root with slashes, and line from 1, of what a person would change:
    the line of the baseline or the rule in tokman.toml; None outside of the repository."""
    if finding.place is None:
        return None
    full = Path(os.path.abspath(finding.place.path))
    if full == root or not full.is_relative_to(root):
        return None
    return harmless(full.relative_to(root).as_posix()), max(1, finding.place.line)


def figures(finding: Finding, verdict: Verdict) -> list[str]:
    """The numbers behind the sentence, one a line."""
    sides = [side for side in (finding.base, finding.now) if side is not None]
    digits = cents([side.cost_per_unit for side in sides])
    lines = []
    for name, side in (("before", finding.base), ("now", finding.now)):
        if side is None:
            continue
        if finding.rule == "quality":
            lines.append(f"{name}: {side.successes:,} of {side.judged:,} a success")
            continue
        cost = "no price" if side.cost_per_unit is None else dollars(side.cost_per_unit, digits)
        lines.append(f"{name}: {cost} per {finding.unit}, {plural(side.units, finding.unit)}")
    if finding.change is not None:
        bounds = " and ".join(
            f"{word} {_moved_by(bound, finding)}"
            for word, bound in (("above", finding.low), ("below", finding.high))
            if bound is not None and isfinite(bound)
        )
        sure = f", each with {100 * (1 - verdict.alpha):g}% confidence"
        told = f", {bounds}{sure if ' and ' in bounds else sure.replace('each ', '')}"
        lines.append(f"change: {_moved_by(finding.change, finding)}{told if bounds else ''}")
    if finding.allowed is not None:
        sign = -1 if finding.rule == "quality" else 1
        lines.append(f"allowed: {_moved_by(sign * finding.allowed, finding)}")
    if finding.limit is not None:
        lines.append(f"budget: {dollars(finding.limit)} per {finding.unit}")
    if finding.impact is not None:
        time = "a run" if verdict.mode == "suite" else "30 days"
        lines.append(f"impact: {added(finding.impact)} in {time}")
    if finding.detectable is not None:
        lines.append(f"least rise that this much data shows: {signed(finding.detectable)}")
    if finding.ignored is not None:
        until = f"ignored until {finding.ignored.until:%Y-%m-%d}"
        lines.append(f"{until}: {short(finding.ignored.reason)}")
    return lines


def _moved_by(change: float, finding: Finding) -> str:
    """A rise in cost in percent, a rise in the share of successes in points of it."""
    if finding.rule == "quality":
        return f"{round(change * 100, 1) + 0.0:+.1f} points"
    return signed(change)


def added(amount: Decimal, digits: int | None = None) -> str:
    """An amount with its sign: +$1.20."""
    return ("+" if amount > 0 else "") + dollars(amount, digits)


def reasons(moved: Moved) -> list[str]:
    """Why the spend moved: the sentence, then each part with its amount."""
    digits = min(12, cents([moved.before, moved.now]) + 2)  # small parts seldom round away
    return [
        harmless(moved.sentence),
        f"spend before: {dollars(moved.before, digits)}",
        *(
            f"{harmless(part.factor)}: {added(part.amount, digits)}"
            for part in moved.parts
            if part.amount
        ),
        f"spend now: {dollars(moved.now, digits)}",
    ]


def answer(verdict: Verdict) -> str:
    """The answer in one line."""
    only = " (informational: it fails no build)" if verdict.informational else ""
    return harmless(headline(verdict)) + only
