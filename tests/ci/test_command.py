"""`tokman check` on the cost suite: every format on stdout and in files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ci.conftest import SUITE
from tests.conftest import Run
from tokman.screens.ci import FORMATS

Ledgers = dict[str, Path]

MACHINES = [form for form in FORMATS if form not in ("text", "json")]


@pytest.fixture
def check(tokman: Run, suite: Ledgers) -> Run:
    """The gate on the pull request's ledger, with these options."""
    return lambda *options: tokman(
        *("check", "--ledger", suite["pull_request"], "--baseline", SUITE / "baseline.json"),
        *options,
    )


@pytest.fixture(autouse=True)
def beside_the_suite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A repository with the baseline in it, and no CI around."""
    (tmp_path / ".git").mkdir()
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


@pytest.mark.parametrize("form", MACHINES)
def test_golden(form: str, tokman: Run, suite: Ledgers, golden: Callable[[str, str], None]) -> None:
    Path("baseline.json").write_bytes((SUITE / "baseline.json").read_bytes())
    done = tokman(
        *("check", "--ledger", suite["pull_request"], "--baseline", "baseline.json", "-f", form),
    )
    assert (done.code, done.err) == (1, "")
    golden(f"ci/suite.{form}", done.out)


def test_several_files_at_once_and_the_screen(check: Run) -> None:
    options = [f"--output={form}={form}.out" for form in (*FORMATS, "summary")]
    done = check(*options)
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("regression: ")
    for form in FORMATS:
        assert Path(f"{form}.out").read_text() == check("-f", form).out
    assert Path("summary.out").read_text().startswith("### tokman check: regression")
    assert sorted(os.listdir()) == sorted(
        [".git", *(f"{form}.out" for form in FORMATS), "summary.out"]
    )


def test_the_summary_of_a_step(check: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("step").write_text("what the step said before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "step")
    assert check("--output", "summary", "-o", "junit=report.xml").code == 1
    said = Path("step").read_text()
    assert said.startswith("what the step said before\n### tokman check: regression")
    assert "| support-assistant | 60 → 60 |" in said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--format", "csv"], "no format 'csv'"),
        (["--format", "summary"], "no format 'summary'"),
        (["--output", "report.xml"], "no format 'report.xml'"),
        (["--output", "csv=x"], "no format 'csv'"),
        (["--output", "junit"], "--output junit names no file"),
        (["--output", "junit="], "--output junit= names no file"),
        (["--output", "summary="], "--output summary= names no file"),
        (["--output", "summary"], "GITHUB_STEP_SUMMARY is not set"),
        (["--output", "junit=x", "--output", "sarif=./x"], "two outputs go to x"),
        (["--output", "junit=nowhere/x"], "nowhere: no such folder"),
        (["--output", "\x1b[31m"], "no format '\\x1b[31m'"),
    ],
)
def test_wrong_use(options: list[str], says: str, check: Run) -> None:
    done = check(*options)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {says}")
    assert os.listdir() == [".git"]


def test_a_folder_is_no_file(check: Run) -> None:
    Path("x").mkdir()
    done = check("--output", "junit=x")
    assert done.code == 2
    assert "x is not a file" in done.err


def test_nothing_is_written_where_nothing_is_judged(tokman: Run, suite: Ledgers) -> None:
    saved = tokman(
        "check", "--save", "b.json", "--force", "-o", "junit=x", "--ledger", suite["main"]
    )
    assert saved.code == 2
    none = tokman(
        *("check", "--baseline", SUITE / "baseline.json", "--ledger", suite["main"]),
        *("--until", "2020-01", "-o", "junit=x"),
    )
    assert none.code == 3
    assert os.listdir() == [".git"]


@pytest.mark.parametrize("form", MACHINES)
def test_a_reader_that_had_enough(form: str, suite: Ledgers) -> None:
    arguments = ["check", "--ledger", str(suite["main"]), "--format", form]
    arguments += ["--baseline", str(SUITE / "baseline.json")]
    run = subprocess.Popen(
        [sys.executable, "-m", "tokman", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert run.stdout is not None
    run.stdout.close()
    _, errors = run.communicate()
    assert (run.returncode, errors) == (0, b"")
