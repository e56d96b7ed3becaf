"""GitLab's code quality report: the documented fields, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from tests.ci.verdicts import EVERYTHING, HOSTILE, VERDICTS, finding, named, verdict
from tokman.check.verdict import Verdict
from tokman.screens.ci import rendered

TEXT = {"type": "string", "minLength": 1}

ISSUES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "type": {"const": "issue"},
            "description": TEXT,
            "check_name": {"enum": ["tokman/cost", "tokman/quality", "tokman/budget"]},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "categories": {"const": ["Performance"]},
            "content": {
                "type": "object",
                "required": ["body"],
                "properties": {"body": {"type": "string"}},
            },
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format, and `type`,
`categories` and `content` of https://github.com/codeclimate/platform/blob/master/spec/analyzers/SPEC.md"""


def read(of: Verdict) -> Any:
    text = rendered("gitlab", of, Path.cwd())
    assert all(char.isprintable() or char == "\n" for char in text)
    issues = json.loads(text)
    Draft202012Validator(ISSUES).validate(issues)
    return issues


def test_golden(golden: Callable[[str, str], None]) -> None:
    golden("ci/everything.gitlab", rendered("gitlab", EVERYTHING, Path.cwd()))


def test_issues_are_what_must_be_looked_at() -> None:
    issues = read(EVERYTHING)
    assert [(one["severity"], one["location"]["lines"]["begin"]) for one in issues] == [
        *(("critical", line) for line in (3, 5, 1, 12)),
        ("minor", 1),
        ("info", 1),
    ]
    assert issues[1]["location"]["path"] == "evals/baseline.json"
    assert ["Spend rose $1.98" in one["description"] for one in issues] == [True] + 5 * [False]
    assert "    input per call: +$1.33358" in issues[1]["content"]["body"].split("\n")
    assert len({one["fingerprint"] for one in issues}) == len(issues)


def test_a_pass_is_an_empty_report() -> None:
    assert read(verdict([finding("a", "pass")])) == []


def test_the_same_finding_is_the_same_issue() -> None:
    def printed(why: str, name: str = "a") -> str:
        (issue,) = read(verdict([finding(name, "regression", why=why)]))
        return str(issue["fingerprint"])

    assert printed("+10%") == printed("+20%")
    assert printed("+10%") != printed("+10%", "b")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    assert len(read(named(name))) == 3


@settings(max_examples=100, deadline=None)
@given(VERDICTS)
def test_any_verdict(of: Verdict) -> None:
    read(of)
