"""The gate's answer: what every output of `tokman check` is drawn from."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

Rule = Literal["cost", "quality", "budget"]
"""cost: USD per unit of work, now over before. quality: share of outcomes that were a success, now
less before. budget: USD against a limit that tokman.toml states."""

Outcome = Literal["pass", "warn", "regression", "inconclusive", "ignored", "not judged"]
"""warn: dearer than allowed, but not beyond chance, or of a rule whose level is warn.
inconclusive: neither a rise nor its absence can be told from this much data.
ignored: would be warn, regression or inconclusive, and tokman.toml says to let it pass.
not judged: on one side only, or without a price."""

Mode = Literal["suite", "traffic", "static"]
"""suite: the same cases on both sides, paired. traffic: different work, by workflow. static: one
side only, against budgets."""

Unit = Literal["call", "conversation", "case", "outcome"]
"""A unit of work. outcome: one that was a success. case: one case of a suite, run once."""

MARKER = "<!-- tokman check -->"
"""First line of the markdown, by which a comment is found and updated in place."""


class Place(msgspec.Struct, kw_only=True):
    """Where a person would look: the line of the baseline file or of tokman.toml."""

    path: str
    line: int
    """From 1."""


class Side(msgspec.Struct, kw_only=True):
    """One side of a finding."""

    units: int
    samples: int
    """Independent pieces that the units fall into: conversations, outcomes or cases."""
    cost_per_unit: Decimal | None = None
    """USD at the prices of `Verdict.priced_at`; None: no unit, or no call has a price."""
    judged: int = 0
    """Samples whose outcome is known."""
    successes: int = 0
    """Of those `judged`."""


class Ignored(msgspec.Struct, kw_only=True):
    """What tokman.toml says about letting a workflow pass."""

    reason: str
    until: date
    """The last day (UTC) that it holds."""
    expired: bool


class Finding(msgspec.Struct, kw_only=True):
    """What one rule says of one workflow, or of all workflows together."""

    id: str
    """`cost/support-assistant`, `cost` for the total, `budget/case/NAME/…`: the same in every run
    that judges the same thing, for it holds no figure. It may hold text of a log."""
    rule: Rule
    total: bool = False
    """True: of all workflows that are on both sides, in the mix of before."""
    workflow: str | None = None
    """None: the total, or calls of no workflow."""
    case: str | None = None
    """Of a budget per case, the dearest case."""
    outcome: Outcome
    level: Literal["error", "warn"]
    """warn: a regression does not fail the build; its outcome is then warn."""
    why: str
    """One sentence with the figures that decided. It may hold text of a log."""
    unit: Unit | Literal["workflow"]
    base: Side | None
    """None: the workflow is new, or the mode is static."""
    now: Side | None
    """None: the workflow is gone."""
    change: float | None = None
    """cost: now over before, less 1. quality: share of successes now less before."""
    low: float | None = None
    """The change is above this with confidence 1 - `Verdict.alpha`, one-sided."""
    high: float | None = None
    """The change is below this with confidence 1 - `Verdict.alpha`, one-sided."""
    allowed: float | None = None
    """cost: the rise that is let pass. quality: the loss of successes that is let pass."""
    p_value: float | None = None
    """How often chance alone gives so large a rise; None where nothing had to be tested."""
    adjusted_p: float | None = None
    """The same after Benjamini and Hochberg over everything tested."""
    detectable: float | None = None
    """The least rise that so much data shows four times in five; None: fewer than two samples."""
    limit: Decimal | None = None
    """USD: the budget."""
    impact: Decimal | None = None
    """USD that the change adds in 30 days at the pace of now (traffic), or to a run (suite)."""
    ignored: Ignored | None = None
    place: Place | None = None


class Part(msgspec.Struct, kw_only=True):
    """One reason why the spend is another."""

    factor: str
    """`volume`, `workflow mix`, `tokens per call`, …"""
    amount: Decimal
    """USD; the parts add up to the change exactly."""


class Moved(msgspec.Struct, kw_only=True):
    """Why the spend of now is not the spend of before, both at the same prices."""

    before: Decimal
    now: Decimal
    """USD."""
    parts: list[Part]
    sentence: str
    """The same in words. It may hold text of a log."""


class Verdict(msgspec.Struct, kw_only=True):
    """The gate's answer."""

    outcome: Literal["pass", "warn", "regression", "inconclusive"]
    """The worst of the findings that count."""
    exit_code: int
    """0, 1 for a regression, 4 where inconclusive fails; 0 if only informational."""
    informational: bool
    mode: Mode
    unit: Unit
    base: str | None
    """What now is compared with, as the user named it; None: only with budgets."""
    findings: list[Finding]
    """The total first, then regressions, warnings, inconclusive ones, the rest; each by impact."""
    change: float | None
    """Of the total's cost per unit."""
    detectable: float | None
    """Of the total: the least rise that so much data shows four times in five."""
    moved: Moved | None
    alpha: float
    """At most this share of builds in which nothing changed fails."""
    max_increase: float
    min_impact: Decimal
    """USD."""
    strictness: Literal["strict", "balanced", "lenient"]
    base_unpriced_calls: int
    unpriced_calls: int
    """Let through by `max_unpriced`; they are in no cost."""
    rate_card: str
    priced_at: date
    """Both sides cost what they would on that day, so that a vendor's new price fails no build."""
    notes: list[str] = []
    """What the reader must know about the comparison itself. They may hold text of a log."""
