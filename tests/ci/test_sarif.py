"""SARIF: by the schema of OASIS, and by what code scanning asks beyond it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from sarif_kit.validate import validation_errors

from tests.ci.verdicts import EVERYTHING, HOSTILE, VERDICTS, finding, named, verdict
from tokman.check.verdict import Place, Verdict
from tokman.screens.ci import rendered


def read(of: Verdict) -> Any:
    """The one run, after a look by the schema."""
    text = rendered("sarif", of, Path.cwd())
    assert all(char.isprintable() or char == "\n" for char in text)
    log = json.loads(text)
    assert validation_errors(log) == []
    (run,) = log["runs"]
    return run


def test_the_schema_refuses_what_is_wrong() -> None:
    log = json.loads(rendered("sarif", EVERYTHING, Path.cwd()))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert len(validation_errors(log)) == 1


def test_golden(golden: Callable[[str, str], None]) -> None:
    golden("ci/everything.sarif", rendered("sarif", EVERYTHING, Path.cwd()))


def test_results_are_errors_and_warnings() -> None:
    run = read(EVERYTHING)
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        ("tokman/cost", "error"),
        ("tokman/cost", "error"),
        ("tokman/quality", "error"),
        ("tokman/budget", "error"),
        ("tokman/cost", "warning"),
    ]
    (place,) = run["results"][1]["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "evals/baseline.json"},
        "region": {"startLine": 5},
    }
    assert "input per call: +$1.33358" in run["results"][0]["message"]["text"]
    assert "input per call" not in run["results"][3]["message"]["text"]
    assert run["properties"]["moved"]["parts"][0] == {"factor": "volume", "amount": 0.64174}


def test_the_rest_is_told() -> None:
    (invocation,) = read(EVERYTHING)["invocations"]
    texts = [one["message"]["text"] for one in invocation["toolExecutionNotifications"]]
    assert invocation["exitCode"] == 1
    assert [text.split(":")[0] for text in texts] == [
        "regression",
        "3 calls without a price are in no cost",
        *("rare", "triage", "newcomer", "leaver"),
    ]


def test_what_code_scanning_needs() -> None:
    """https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning"""
    run = read(EVERYTHING)
    for rule in run["tool"]["driver"]["rules"]:
        assert all(rule[name]["text"] for name in ("shortDescription", "fullDescription", "help"))
        assert len(rule["shortDescription"]["text"]) <= 1024
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert len(result["locations"]) == 1
    assert run["automationDetails"]["id"] == "tokman check/evals/baseline.json/"


def test_the_same_finding_is_the_same_alert() -> None:
    def prints(why: str, line: int, name: str = "a") -> Any:
        place = Place(path="b.json", line=line)
        one = finding(name, "regression", why=why, place=place)
        return read(verdict([one]))["results"][0]["partialFingerprints"]

    assert prints("+10%", 3) == prints("+20%", 9)
    assert prints("+10%", 3) != prints("+10%", 3, "b")


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("b.json", "b.json"),
        ("./evals/b.json", "evals/b.json"),
        ("a:b c#%.json", "a%3Ab%20c%23%25.json"),
        ("../outside.json", "tokman.toml"),
        ("/etc/passwd", "tokman.toml"),
        ("", "tokman.toml"),
    ],
)
def test_paths_are_of_the_repository(path: str, uri: str) -> None:
    one = finding("a", "regression", place=Place(path=path, line=4))
    (place,) = read(verdict([one]))["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_paths_are_from_the_folder_with_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tokman.screens.ci.words import repository

    (tmp_path / ".git").mkdir()
    (tmp_path / "service").mkdir()
    monkeypatch.chdir(tmp_path / "service")
    one = finding("a", "regression", place=Place(path="b.json", line=4))
    run = json.loads(rendered("sarif", verdict([one]), repository()))["runs"][0]
    (place,) = run["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "service/b.json"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    run = read(named(name))
    texts = [one["message"]["text"] for one in run["results"]]
    texts += [one["message"]["text"] for one in run["invocations"][0]["toolExecutionNotifications"]]
    for text in texts:
        rest = text.replace("\\\\", "").replace("\\[", "").replace("\\]", "")
        assert "[" not in rest
        assert "{" not in rest.replace("{{", "")
        assert "}" not in rest.replace("}}", "")
    assert len(texts) == 2 + 4


@settings(max_examples=100, deadline=None)
@given(VERDICTS)
def test_any_verdict(of: Verdict) -> None:
    for result in read(of)["results"]:
        path = unquote(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        assert not path.startswith("/")
        assert ".." not in path.split("/")
