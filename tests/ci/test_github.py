"""Annotations, read back as the runner reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings

from tests.ci.verdicts import EVERYTHING, HOSTILE, VERDICTS, finding, named, verdict
from tokman.check.verdict import Verdict
from tokman.screens.ci import rendered


class Command(NamedTuple):
    """What the runner makes of a line."""

    name: str
    properties: dict[str, str]
    message: str


def commands(text: str) -> Iterator[Command]:
    """Every line as a command, by https://docs.github.com/actions/reference/workflow-commands and
    the order of https://github.com/actions/toolkit: `::name key=value,key=value::message`."""

    def back(value: str, names: str) -> str:
        for char in names:
            value = value.replace(f"%{ord(char):02X}", char)
        return value

    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        assert "\r" not in line
        _, about, message = line.split("::", 2)
        name, _, pairs = about.partition(" ")
        assert name in ("error", "warning", "notice")
        split = [pair.split("=", 1) for pair in pairs.split(",")]
        properties = {key: back(value, "\r\n:,%") for key, value in split}
        assert set(properties) <= {"file", "line", "title"}
        yield Command(name, properties, back(message, "\r\n%"))


def read(of: Verdict) -> list[Command]:
    return list(commands(rendered("github", of, Path.cwd())))


def test_golden(golden: Callable[[str, str], None]) -> None:
    golden("ci/everything.github", rendered("github", EVERYTHING, Path.cwd()))


def test_the_answer_then_the_findings() -> None:
    first, *rest = read(EVERYTHING)
    assert (first.name, first.properties) == ("notice", {"title": "tokman check"})
    assert first.message.startswith("regression: support-assistant: +17.4% per call, more than")
    assert "\ninput per call: +$1.33358\n" in first.message
    assert Counter(each.name for each in rest) == {"error": 4, "warning": 1, "notice": 1}
    assert rest[1].properties == {
        "file": "evals/baseline.json",
        "line": "5",
        "title": "support-assistant: cost per call",
    }
    assert rest[1].message.startswith("+17.4% per call, more than +5.0%")


def test_no_more_of_a_kind_than_are_shown() -> None:
    many = [finding(f"w{number}", "regression") for number in range(50)]
    some = [finding(f"n{number}", "inconclusive") for number in range(50)]
    found = read(verdict([*many, *some]))
    assert Counter(each.name for each in found) == {"error": 10, "notice": 10}
    errors = [each for each in found if each.name == "error"]
    assert [each.properties["title"].split(":")[0] for each in errors] == [
        *(f"w{number}" for number in range(9)),
        "41 more",
    ]
    assert errors[-1].message.startswith("w9: cost per call, w10")


def test_informational_is_no_error() -> None:
    found = read(verdict(EVERYTHING.findings, informational=True, exit_code=0))
    assert {each.name for each in found} == {"warning", "notice"}


def test_a_pass_is_one_notice() -> None:
    one = verdict([finding("a", "pass")], outcome="pass", exit_code=0, change=0.0)
    (notice,) = read(one)
    assert notice.message == "pass: nothing is dearer than allowed, +0.0% per call"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    found = read(named(name))
    assert [each.name for each in found] == ["notice", "error", "warning", "notice"]
    text = rendered("github", named(name), Path.cwd())
    assert all(char.isprintable() or char == "\n" for char in text)


@settings(max_examples=100, deadline=None)
@given(VERDICTS)
def test_any_verdict(of: Verdict) -> None:
    found = read(of)
    assert max(Counter(each.name for each in found).values()) <= 10
    text = rendered("github", of, Path.cwd())
    assert all(char.isprintable() or char == "\n" for char in text)
