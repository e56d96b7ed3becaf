"""Verdicts to render: one of everything, one with hostile names, and any."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.render.test_formats import HOSTILE as CELLS
from tokman.check.verdict import Finding, Ignored, Moved, Part, Place, Side, Verdict

HOSTILE = (
    *CELLS,
    "::error file=x::pwned",
    "a\n::stop-commands::x",
    "##[add-mask]a",
    "%0A::set-output name=x::y %25",
    "a,b:c=d",
    "]]><script>alert(1)</script>",
    "--> <!-- <![CDATA[",
    "{0} {{1}} [a](1) \\[b\\]",
    "../../etc/passwd",
    "\ufffe\uffff\x7f",
)


def side(units: int, cost: str | None, **more: Any) -> Side:
    amount = None if cost is None else Decimal(cost)
    return Side(units=units, samples=units, cost_per_unit=amount, **more)


def finding(name: str | None, outcome: Any, **more: Any) -> Finding:
    rule = more.pop("rule", "cost")
    usual: dict[str, Any] = {
        "id": f"{rule}/{name}",
        "rule": rule,
        "workflow": name,
        "level": "error",
        "why": f"{name} moved",
        "unit": "call",
        "base": side(1200, "0.005834"),
        "now": side(1310, "0.006852"),
    }
    return Finding(**(usual | more), outcome=outcome)


def verdict(findings: list[Finding], **more: Any) -> Verdict:
    usual: dict[str, Any] = {
        "outcome": "regression",
        "exit_code": 1,
        "informational": False,
        "mode": "traffic",
        "unit": "call",
        "base": "evals/baseline.json",
        "change": 0.174,
        "detectable": 0.05,
        "moved": None,
        "alpha": 0.05,
        "max_increase": 0.05,
        "min_impact": Decimal(0),
        "strictness": "balanced",
        "base_unpriced_calls": 0,
        "unpriced_calls": 3,
        "rate_card": "genai-prices 0.2.3 (8f78ecac)",
        "priced_at": date(2026, 11, 23),
    }
    return Verdict(**(usual | more), findings=findings)


MOVED = Moved(
    before=Decimal("7.0008"),
    now=Decimal("8.97612"),
    parts=[
        Part(factor="volume", amount=Decimal("0.641740")),
        Part(factor="workflow mix", amount=Decimal(0)),
        Part(factor="input per call", amount=Decimal("1.333580")),
    ],
    sentence="Spend rose $1.98: $1.33 because support's prompts grew, $0.64 because of volume.",
)

EVERYTHING = verdict(
    [
        finding(
            None,
            "regression",
            id="cost",
            total=True,
            why="+17.4% per call, more than +5.0%, by chance once in 2,000 times",
            change=0.174,
            low=0.121,
            high=0.229,
            allowed=0.05,
            p_value=0.0005,
            adjusted_p=0.0005,
            detectable=0.051,
            impact=Decimal("1.333580"),
            place=Place(path="evals/baseline.json", line=3),
        ),
        finding(
            "support-assistant",
            "regression",
            why="+17.4% per call, more than +5.0%, by chance once in 2,000 times",
            change=0.174,
            low=0.121,
            high=0.229,
            allowed=0.05,
            detectable=0.051,
            impact=Decimal("1.333580"),
            place=Place(path="evals/baseline.json", line=5),
        ),
        finding(
            "support-assistant",
            "regression",
            rule="quality",
            why="97% of outcomes were a success before, 91% now; 1.20 points may be lost",
            unit="outcome",
            base=side(400, None, judged=400, successes=388),
            now=side(410, None, judged=410, successes=373),
            change=-0.06,
            low=-0.09,
            high=-0.03,
            allowed=0.012,
        ),
        finding(
            "docs-qa",
            "regression",
            rule="budget",
            id="budget/case/docs-qa",
            why="case refund-17 cost $0.31, its budget is $0.20",
            unit="case",
            case="refund-17",
            base=None,
            now=side(1, "0.31"),
            limit=Decimal("0.20"),
            place=Place(path="tokman.toml", line=12),
        ),
        finding("drafts", "warn", why="+9.0% per call, which chance alone gives", change=0.09),
        finding("rare", "inconclusive", why="+3.0%; from 12 a rise is seen if it is none"),
        finding(
            "triage",
            "ignored",
            why="+40.0% per call (ignored: new model on trial, until 2026-12-31)",
            ignored=Ignored(reason="new model on trial", until=date(2026, 12, 31), expired=False),
        ),
        finding("labels", "pass", why="+0.4% per call, at most +5.0% is allowed", change=0.004),
        finding(None, "pass", why="+0.0% per call, at most +5.0% is allowed", change=0.0),
        finding("newcomer", "not judged", why="new: nothing to compare with", base=None),
        finding("leaver", "not judged", why="gone: no call now", now=None),
    ],
    moved=MOVED,
    notes=["3 calls without a price are in no cost"],
)


def named(name: str) -> Verdict:
    """A verdict with the name wherever a log's text may be."""
    reason = Ignored(reason=name, until=date(2026, 12, 31), expired=False)
    return verdict(
        [
            finding(name, "regression", id=f"cost/{name}", why=f"{name}: dearer", case=name),
            finding(name, "warn", id=f"budget/{name}", rule="budget", why=name, limit=Decimal(1)),
            finding(name, "inconclusive", id=f"x/{name}", why=name),
            finding(name, "ignored", id=f"y/{name}", why=name, ignored=reason),
            finding(name, "pass", id=f"z/{name}", why=name),
        ],
        moved=Moved(
            before=Decimal(1),
            now=Decimal(2),
            parts=[Part(factor=name, amount=Decimal(1))],
            sentence=f"Spend rose because of {name}",
        ),
        base=name,
        notes=[name],
    )


NAMES = st.text(max_size=30) | st.sampled_from(HOSTILE)

OUTCOMES = st.sampled_from(["pass", "warn", "regression", "inconclusive", "ignored", "not judged"])

COSTS = st.none() | st.decimals(0, 1000, places=12)

SIDES = st.none() | st.builds(
    Side,
    units=st.integers(0, 10**9),
    samples=st.integers(0, 10**9),
    cost_per_unit=COSTS,
    judged=st.just(10),
    successes=st.integers(0, 10),
)

SHARES = st.none() | st.floats(-1, 1e6) | st.just(float("inf"))

FINDINGS = st.builds(
    Finding,
    id=NAMES,
    rule=st.sampled_from(["cost", "quality", "budget"]),
    total=st.booleans(),
    workflow=st.none() | NAMES,
    case=st.none() | NAMES,
    outcome=OUTCOMES,
    level=st.sampled_from(["error", "warn"]),
    why=NAMES,
    unit=st.sampled_from(["call", "conversation", "case", "outcome", "workflow"]),
    base=SIDES,
    now=SIDES,
    change=SHARES,
    low=SHARES,
    high=SHARES,
    allowed=SHARES,
    detectable=SHARES,
    limit=COSTS,
    impact=COSTS,
    place=st.none() | st.builds(Place, path=NAMES, line=st.integers(0, 99)),
)

VERDICTS = st.builds(
    verdict,
    st.lists(FINDINGS, max_size=30),
    exit_code=st.sampled_from([0, 1, 4]),
    informational=st.booleans(),
    base=st.none() | NAMES,
    moved=st.none() | st.just(MOVED),
    notes=st.lists(NAMES, max_size=2),
)
