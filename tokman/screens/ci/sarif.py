"""SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/

With what GitHub's code scanning needs of it:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import tokman
from tokman.render.cells import exact, harmless
from tokman.render.machine import json_text
from tokman.screens.ci.words import (
    NOWHERE,
    Weight,
    answer,
    figures,
    fingerprint,
    place,
    reasons,
    short,
    title,
    weighed,
    weight,
)

if TYPE_CHECKING:
    from tokman.check.verdict import Finding, Verdict

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

RULES = {
    "cost": (
        "A unit of work costs more than before",
        "Cost per unit of work is compared with the baseline, both at the same prices: neither "
        "growth nor a vendor's new price is a regression.",
        "See what moved in the message. Undo it, or, if it is meant, save the baseline anew on the "
        "main branch with `tokman check --save`, or state in tokman.toml what is allowed.",
    ),
    "quality": (
        "Fewer outcomes are a success than before",
        "The share of outcomes that were a success is held against the baseline: a cut in cost may "
        "not lose more of them than its saving can bear.",
        "Look at the outcomes that failed, or state in tokman.toml what may be lost.",
    ),
    "budget": (
        "A unit of work costs more than its budget",
        "tokman.toml or --budget states what a call, a conversation, a case, an outcome or a whole "
        "workflow may cost.",
        "Make the work cheaper, or raise the budget where it is stated.",
    ),
}
"""What each rule finds, how, and what to do about it."""


def sarif(verdict: Verdict, root: Path) -> str:
    """One run. Its results are errors and warnings; what is inconclusive, let pass or not judged is
    a notification, for code scanning makes an alert of every result."""
    found = [(heft, each) for heft, each in weighed(verdict) if heft != "note"]
    run = {
        "tool": {
            "driver": {
                "name": "tokman check",
                "version": tokman.__version__,
                "rules": [_rule(name) for name in RULES],
            }
        },
        "automationDetails": {"id": f"tokman check/{_named(verdict)}"},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "exitCode": verdict.exit_code,
                "toolExecutionNotifications": _notifications(verdict),
            }
        ],
        "results": [_result(heft, each, verdict, root) for heft, each in found],
        "properties": _about(verdict),
    }
    return json_text(exact({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}))


def _named(verdict: Verdict) -> str:
    """So that the gates of two suites do not replace each other's alerts."""
    return "" if verdict.base is None else f"{short(verdict.base)}/"


def _rule(name: str) -> dict[str, Any]:
    what, how, help_ = RULES[name]
    return {
        "id": f"tokman/{name}",
        "name": f"{name.capitalize()}Regression",
        "shortDescription": {"text": what},
        "fullDescription": {"text": how},
        "help": {"text": help_.replace("`", ""), "markdown": help_},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["cost"]},
    }


def _result(heft: Weight, finding: Finding, verdict: Verdict, root: Path) -> dict[str, Any]:
    path, line = place(finding, root) or NOWHERE
    print_ = fingerprint(finding)
    lines = [f"{title(finding)}: {finding.why}", *figures(finding, verdict)]
    if finding.rule == "cost" and verdict.moved:
        lines += ["", *reasons(verdict.moved)]
    return {
        "ruleId": f"tokman/{finding.rule}",
        "ruleIndex": list(RULES).index(finding.rule),
        "level": heft,
        "message": {"text": "\n".join(map(_plain, lines))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(path)},
                    "region": {"startLine": line},
                }
            }
        ],
        # Code scanning tells alerts apart by the first, which else it makes of the line's text,
        # and a baseline's line changes whenever it is saved.
        "partialFingerprints": {"primaryLocationLineHash": f"{print_}:1", "finding/v1": print_},
        "properties": {
            name: getattr(finding, name)
            for name in "outcome change low high allowed p_value detectable limit impact".split()
        },
    }


def _plain(text: str) -> str:
    """Without what a message takes for a link or a placeholder (SARIF 3.11.5 and 3.11.6)."""
    shown = harmless(text).replace("{", "{{").replace("}", "}}")
    return shown.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _notifications(verdict: Verdict) -> list[dict[str, Any]]:
    """The answer, what the reader must know, and what is not among the results."""
    rest = [
        f"{title(each)}: {each.outcome}: {each.why}"
        for each in verdict.findings
        if weight(each, verdict) in (None, "note") and each.outcome != "pass"
    ]
    said = [answer(verdict), *verdict.notes, *rest]
    return [{"level": "note", "message": {"text": _plain(text)}} for text in said]


def _about(verdict: Verdict) -> dict[str, Any]:
    """The answer's figures, and what moved the spend, for programs."""
    names = "outcome mode unit change detectable rate_card priced_at".split()
    about = {name: getattr(verdict, name) for name in names}
    moved = verdict.moved
    about["moved"] = moved and {
        "before": moved.before,
        "now": moved.now,
        "parts": [{"factor": part.factor, "amount": part.amount} for part in moved.parts],
        "sentence": moved.sentence,
    }
    return about
