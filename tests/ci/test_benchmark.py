"""Points for github-action-benchmark: the documented fields, exact amounts, nothing as 0."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from tests.ci.verdicts import EVERYTHING, HOSTILE, VERDICTS, finding, named, side, verdict
from tokman.check.verdict import Verdict
from tokman.screens.ci import rendered

TEXT = {"type": "string", "minLength": 1}

POINTS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "unit", "value"],
        "additionalProperties": False,
        "properties": {
            "name": TEXT,
            "unit": TEXT,
            "value": {"type": "number", "minimum": 0},
            "range": TEXT,
            "extra": TEXT,
        },
    },
}
"""https://github.com/benchmark-action/github-action-benchmark, `customSmallerIsBetter`."""


def read(of: Verdict) -> Any:
    text = rendered("benchmark", of, Path.cwd())
    assert all(char.isprintable() or char == "\n" for char in text)
    Draft202012Validator(POINTS).validate(json.loads(text))
    return json.loads(text, parse_float=Decimal)


def test_golden(golden: Callable[[str, str], None]) -> None:
    golden("ci/everything.benchmark", rendered("benchmark", EVERYTHING, Path.cwd()))


def test_points() -> None:
    points = {one["name"]: one for one in read(EVERYTHING)}
    assert len(points) == 10
    support = points["support-assistant: cost per call"]
    assert (support["unit"], support["value"]) == ("USD per call", Decimal("0.006852"))
    assert support["range"] == "$0.006540 – $0.007170"
    failed = points["support-assistant: share of outcomes that were no success"]
    assert (failed["unit"], failed["value"]) == ("%", Decimal("9.02439"))
    total = points["all workflows: cost per call"]["extra"].split("\n")
    assert "input per call: +$1.33358" in total
    assert points["docs-qa, case refund-17: budget per case"]["value"] == Decimal("0.31")


def test_what_has_no_price_has_no_point() -> None:
    unpriced = finding("a", "not judged", now=side(5, None))
    gone = finding("b", "not judged", now=None)
    assert read(verdict([unpriced, gone])) == []


def test_amounts_are_in_full() -> None:
    (point,) = read(verdict([finding("a", "pass", now=side(1, "0.000000000001"))]))
    assert point["value"] == Decimal("0.000000000001")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    assert len(read(named(name))) == 5


@settings(max_examples=100, deadline=None)
@given(VERDICTS)
def test_any_verdict(of: Verdict) -> None:
    read(of)
