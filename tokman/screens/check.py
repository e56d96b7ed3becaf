"""The gate's answer, the verdict first."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from tokman import render
from tokman.check.verdict import MARKER
from tokman.render.cells import Column, dollars, exact, harmless, percent, signed

if TYPE_CHECKING:
    from tokman.check.verdict import Finding, Verdict

TITLES = {"call": "Calls", "conversation": "Conversations", "case": "Cases", "outcome": "Successes"}

SHOWN = ("regression", "warn", "inconclusive", "ignored")
"""Outcomes whose reason is said in a sentence; the table has all."""


def show(answer: Verdict, form: str, to: TextIO) -> None:
    """The gate's answer, the verdict first."""
    if form == "json":
        from tokman.render.machine import json_text

        to.write(json_text(exact(msgspec.to_builtins(answer, builtin_types=(Decimal, date)))))
        return
    page = form == "markdown"
    verdict = headline(answer)
    if page:
        from tokman.render.markdown import escaped

        to.write(f"{MARKER}\n### tokman check: {escaped(verdict)}\n\n")
        for finding in _told(answer):
            to.write(f"- {escaped(sentence(finding))}\n")
        to.write("\n" if _told(answer) else "")
    else:
        to.write(harmless(verdict) + "\n")
        for finding in _told(answer):
            to.write(harmless(f"  {sentence(finding)}") + "\n")
    rows = [_row(finding) for finding in answer.findings]
    render.show(rows, _columns(answer), "markdown" if page else "table", to, notes=_notes(answer))


def headline(answer: Verdict) -> str:
    """The outcome in one sentence."""
    worst = [each for each in answer.findings if each.outcome == answer.outcome]
    if answer.outcome == "pass" or not worst:
        change = f", {signed(answer.change)} per {answer.unit}" if answer.change is not None else ""
        if answer.mode == "static":
            return "pass: all of it is within its budgets"
        return f"pass: nothing is dearer than allowed{change}"
    named = next((each for each in worst if not each.total), worst[0])
    others = len([each for each in worst if not each.total]) - 1
    more = f", and {others} more" if others > 0 else ""
    return f"{answer.outcome}: {sentence(named)}{more}"


def sentence(finding: Finding) -> str:
    """What a finding says, with what it is about."""
    return f"{about(finding)}: {finding.why}"


def about(finding: Finding) -> str:
    """The workflow, or all of them."""
    if finding.total:
        return "all workflows"
    name = "(unattributed)" if finding.workflow is None else finding.workflow
    return f"{name}, quality" if finding.rule == "quality" else name


def _told(answer: Verdict) -> list[Finding]:
    return [each for each in answer.findings if each.outcome in SHOWN]


def _row(finding: Finding) -> dict[str, Any]:
    quality = finding.rule == "quality"
    sides = (finding.base, finding.now)
    before, now = (
        None
        if side is None
        else (percent(side.successes / side.judged) if quality else side.cost_per_unit)
        for side in sides
    )
    counts = " → ".join("–" if side is None else f"{side.units:,}" for side in sides)
    if finding.rule == "budget":
        before, counts = finding.limit, f"{finding.now.units:,}" if finding.now else "–"
    change = finding.change
    points = f"{change * 100:+.1f} points" if change is not None and quality else None
    return {
        "about": f"{about(finding)}, per {finding.unit}"
        if finding.rule == "budget"
        else about(finding),
        "units": counts,
        "before": before if isinstance(before, str) or before is None else dollars(before),
        "now": now if isinstance(now, str) or now is None else dollars(now),
        "change": points or (None if change is None else signed(change)),
        "range": _range(finding),
        "could_show": None if finding.detectable is None else signed(finding.detectable),
        "outcome": finding.outcome,
    }


def _range(finding: Finding) -> str | None:
    """Where the change lies."""
    if finding.low is None or finding.high is None or finding.change is None:
        return None
    if finding.rule == "quality":
        return f"{finding.low * 100:+.1f} to {finding.high * 100:+.1f}"
    return f"{signed(finding.low)} to {signed(finding.high)}"


def _columns(answer: Verdict) -> list[Column]:
    static = answer.mode == "static"
    return [
        Column("about", "Workflow"),
        Column("units", TITLES[answer.unit] if not static else "Units", "plain"),
        Column("before", "Budget" if static else "Before", "plain"),
        Column("now", "Now", "plain"),
        *([] if static else [Column("change", "Change", "plain")]),
        *([] if static else [Column("range", "Lies in", "plain", keep=3)]),
        *([] if static else [Column("could_show", "Could show", "plain", keep=5)]),
        Column("outcome", "Verdict"),
    ]


def _notes(answer: Verdict) -> list[str]:
    notes = [answer.moved.sentence] if answer.moved is not None else []
    notes += answer.notes
    if answer.mode != "static":
        least = (
            "nothing: too little data"
            if answer.detectable is None
            else f"{signed(answer.detectable)} per {answer.unit}"
        )
        notes.append(f"The least rise that this much data shows four times in five: {least}")
    prices = f"prices of {answer.priced_at:%Y-%m-%d}, rate card {answer.rate_card}"
    if answer.mode == "static":
        return [*notes, f"At the {prices}"]
    impact = f", {dollars(answer.min_impact, 2)} at least" if answer.min_impact else ""
    return [
        *notes,
        f"{answer.mode.capitalize()} against {answer.base}, both at the {prices}; allowed: "
        f"{signed(answer.max_increase)}{impact}; {answer.strictness}, at most "
        f"{percent(answer.alpha)} of unchanged builds fail",
    ]
