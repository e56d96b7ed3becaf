"""JUnit XML: as a reader takes it, and no element or attribute that Jenkins refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import pytest
from hypothesis import given, settings
from junitparser import Failure, JUnitXml, Skipped, SystemOut, TestSuite

from tests.ci.verdicts import EVERYTHING, HOSTILE, VERDICTS, named, verdict
from tokman.check.verdict import Verdict
from tokman.screens.ci import rendered

ALLOWED = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "time", "skipped"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": (
        {"name", "time", "classname"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}
"""Attributes and children by https://github.com/jenkinsci/xunit-plugin, junit-10.xsd."""

NEEDED = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name"}}


def read(of: Verdict) -> list[TestSuite]:
    """The suites as junitparser reads them, after a look at the names."""
    text = rendered("junit", of, Path.cwd())
    for element in xml.fromstring(text.encode()).iter():
        attributes, children = ALLOWED[element.tag]
        assert set(element.keys()) <= attributes
        assert set(element.keys()) >= NEEDED.get(element.tag, set())
        assert {child.tag for child in element} <= children
    return list(JUnitXml.fromstring(text.encode()))


def test_golden(golden: Callable[[str, str], None]) -> None:
    golden("ci/everything.junit", rendered("junit", EVERYTHING, Path.cwd()))


def test_a_suite_for_each_rule_and_a_case_for_each_workflow() -> None:
    cost, quality, budget = read(EVERYTHING)
    assert (cost.name, cost.tests, cost.failures, cost.errors, cost.skipped) == (
        "cost per call",
        *(9, 2, 0, 4),
    )
    assert (quality.name, quality.tests, quality.failures) == ("share of successes", 1, 1)
    assert (budget.name, budget.tests, budget.failures) == ("budget per case", 1, 1)
    total, support, *_ = cost
    assert (total.name, support.name) == ("all workflows", "support-assistant")
    (failure,) = support.result
    assert isinstance(failure, Failure)
    assert failure.message.startswith("+17.4% per call")
    assert "before: $0.005834 per call, 1,200 calls" in failure.text
    assert "at evals/baseline.json:5" in failure.text
    kinds = {case.name: [type(result) for result in case.result] for case in cost}
    assert kinds["drafts"] == kinds["labels"] == []
    assert kinds["rare"] == kinds["triage"] == kinds["newcomer"] == [Skipped]


def test_why_the_spend_moved() -> None:
    suite: Any = read(EVERYTHING)[0]
    properties = {one.name: one.value for one in suite.properties()}
    assert properties["spend_moved_by.input per call"] == "1.33358"
    assert properties["spend_before"] == "7.0008"
    assert [type(child) for child in suite.iterchildren(SystemOut)] == [SystemOut]
    assert "Spend rose $1.98: " in next(suite.iterchildren(SystemOut)).text


@pytest.mark.parametrize(
    ("more", "failures"),
    [
        ({"informational": True, "exit_code": 0}, 0),
        ({"outcome": "inconclusive", "exit_code": 4}, 5),
    ],
)
def test_what_fails_is_what_fails_the_build(more: dict[str, object], failures: int) -> None:
    suites = read(verdict(EVERYTHING.findings, **more))
    assert sum(suite.failures for suite in suites) == failures


def test_no_finding() -> None:
    assert read(verdict([], outcome="pass", exit_code=0)) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    suites = read(named(name))
    assert [case.name for suite in suites for case in suite]
    assert sum(suite.tests for suite in suites) == 5


@settings(max_examples=100, deadline=None)
@given(VERDICTS)
def test_any_verdict(of: Verdict) -> None:
    suites = read(of)
    assert sum(suite.tests for suite in suites) == len(of.findings)
    for suite in suites:
        cases = list(suite)
        found = [result for case in cases for result in case.result]
        assert suite.tests == len(cases)
        assert suite.failures == sum(isinstance(each, Failure) for each in found)
        assert suite.skipped == sum(isinstance(each, Skipped) for each in found)
