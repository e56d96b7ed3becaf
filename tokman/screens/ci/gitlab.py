"""GitLab's code quality report:
https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokman.render.cells import exact, harmless
from tokman.render.machine import json_text
from tokman.screens.ci.words import (
    NOWHERE,
    Weight,
    figures,
    fingerprint,
    place,
    reasons,
    title,
    weighed,
)

if TYPE_CHECKING:
    from tokman.check.verdict import Finding, Verdict

SEVERITIES: dict[Weight, str] = {"error": "critical", "warning": "minor", "note": "info"}


def gitlab(verdict: Verdict, root: Path) -> str:
    """A JSON array, empty where nothing must be looked at."""
    issues = [_issue(heft, each, verdict, root) for heft, each in weighed(verdict)]
    if verdict.moved:
        _explain(issues, reasons(verdict.moved))
    return json_text(exact(issues))


def _explain(issues: list[dict[str, Any]], why: list[str]) -> None:
    """Why the spend moved: in full in each issue about a cost, in a sentence in the first."""
    costs = [issue for issue in issues if issue["check_name"] == "tokman/cost"]
    for issue in costs:
        issue["content"]["body"] += "\n\n" + _block(why)
    for issue in costs[:1]:
        issue["description"] += f". {why[0]}"


def _block(lines: list[str]) -> str:
    """A block of code in markdown, where no text of a log is markup."""
    return "\n".join(f"    {line}" for line in lines)


def _issue(heft: Weight, finding: Finding, verdict: Verdict, root: Path) -> dict[str, Any]:
    path, line = place(finding, root) or NOWHERE
    return {
        "type": "issue",
        "check_name": f"tokman/{finding.rule}",
        "description": f"{title(finding)}: {harmless(finding.why)}",
        "content": {"body": _block(figures(finding, verdict))},
        "categories": ["Performance"],
        "severity": SEVERITIES[heft],
        # Without a figure, so that the same finding in two pipelines is one.
        "fingerprint": fingerprint(finding),
        "location": {"path": path, "lines": {"begin": line}},
    }
