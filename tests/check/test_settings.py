"""What the work is held to: flags over the file over defaults."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.ledgers import call, made
from tokman.check.settings import Flags, limit, percentage, settings
from tokman.config import Config, load
from tokman.errors import TokmanError

TODAY = date(2026, 11, 23)


def stated(text: str, tmp_path: Path) -> Config:
    (tmp_path / "tokman.toml").write_text(text)
    return load(tmp_path / "tokman.toml")


def test_defaults() -> None:
    held = settings(Config(), Flags())
    assert held[:8] == (None, None, 0.05, Decimal(0), "balanced", 0.05, "warn", 0.0)
    assert held.of("any", TODAY) == (0.05, Decimal(0), None, "error", None)


EVERYTHING = """
[check]
mode = "traffic"
unit = "call"
max_increase = "7%"
min_impact = "20.50"
strictness = "lenient"
alpha = 0.01
inconclusive = "fail"
max_unpriced = "2%"

[check.workflows.support]
max_increase = "10%"
min_impact = 100
max_loss = "1%"
level = "warn"

[check.workflows."sup*".ignore]
reason = "moves"
until = 2026-11-22

[[check.budgets]]
per = "case"
max = 0.04
workflow = "sup*"
level = "warn"
"""


def test_the_file(tmp_path: Path) -> None:
    held = settings(stated(EVERYTHING, tmp_path), Flags())
    assert held[:8] == ("traffic", "call", 0.07, Decimal("20.50"), "lenient", 0.01, "fail", 0.02)
    assert held.of("support", TODAY) == (0.1, Decimal(100), 0.01, "warn", None)
    other = held.of("supper", TODAY)
    assert (other.max_increase, other.level) == (0.07, "error")
    assert other.ignored is not None
    assert (other.ignored.reason, other.ignored.expired) == ("moves", True)
    assert held.of("supper", date(2026, 11, 22)).ignored.expired is False  # type: ignore[union-attr]
    assert held.of(None, TODAY).ignored is None
    assert held.limits == [("sup*", "case", Decimal("0.04"), "warn")]


def test_every_flag_overrides(tmp_path: Path) -> None:
    flags = Flags("suite", "case", "1%", "2", "strict", "3%", "pass", "4%", ("call=0.5",))
    held = settings(stated(EVERYTHING, tmp_path), flags)
    assert held[:8] == ("suite", "case", 0.01, Decimal(2), "strict", 0.03, "pass", 0.04)
    assert held.limits == [("*", "call", Decimal("0.5"), "error")]
    assert held.of("support", TODAY)[:2] == (0.01, Decimal(2))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('max_increase = "much"', "check.max_increase: not a percentage: 'much'"),
        ("max_increase = 5", "Expected `str | null`, got `int`"),
        ("min_impact = nan", "check.min_impact nan is not an amount"),
        ("min_impact = -1", "check.min_impact -1 is not an amount"),
        ("alpha = 1", "check.alpha 1 is not between 0 and 1"),
        ('mode = "guess"', "no mode 'guess'"),
        ('unit = "day"', "no unit 'day'"),
        ('strictness = "very"', "no strictness 'very'"),
        ('inconclusive = "no"', "no inconclusive 'no'"),
        ("colour = 1", "unknown field `colour`"),
        ('workflows.a.max_increase = "x"', "check.workflows.a.max_increase: not a percentage"),
        ('workflows.a.max_loss = "200%"', "check.workflows.a.max_loss '200%' is more than"),
        ('workflows.a.level = "fatal"', "Invalid enum value 'fatal'"),
        ('workflows.a.ignore = {reason = "x"}', "missing required field `until`"),
        (
            'workflows.a.ignore = {reason = " ", until = 2026-12-31}',
            "check.workflows.a.ignore gives no reason",
        ),
        ('budgets = [{per = "day", max = 1}]', "Invalid enum value 'day'"),
        ('budgets = [{per = "call", max = "x"}]', "check.budgets[0].max 'x' is not an amount"),
    ],
)
def test_what_does_not_add_up(text: str, error: str, tokman: Run, tmp_path: Path) -> None:
    ledger = made(tmp_path / "ledger", [call(1, workflow="w")])
    Path("tokman.toml").write_text(f"[check]\n{text}\n")
    done = tokman("check", "--ledger", ledger, "--budget", "call=1")
    assert (done.code, done.out) == (2, "")
    assert error in done.err
    assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [("5%", 0.05), ("0%", 0.0), (" 7.1 % ", 0.071), ("0.5%", 0.005), ("250%", 2.5)],
)
def test_percentage(text: str, value: float) -> None:
    assert percentage(text) == value


@pytest.mark.parametrize(
    "text",
    ["5", "", "%", "-5%", "5%%", "1e9%", "5,5%", "nan%", ".5%", "9" * 400 + "%", "5 percent"],
)
def test_not_a_percentage(text: str) -> None:
    with pytest.raises(TokmanError, match="not a percentage"):
        percentage(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call=0.04", ("*", "call", "0.04")),
        ("support-*/case=$1", ("support-*", "case", "1")),
        ("a/b=c/workflow=3", ("a/b=c", "workflow", "3")),
    ],
)
def test_a_budget_on_the_command_line(text: str, expected: tuple[str, str, str]) -> None:
    found = limit(text)
    assert (found.workflow, found.per, str(found.most)) == expected
