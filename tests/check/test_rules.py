"""What follows from what was seen: rules, budgets, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Run
from tests.ledgers import call, made
from tokman.check.judge import Given, judge
from tokman.check.settings import Flags, settings
from tokman.check.side import COUNTS, Side, Work
from tokman.check.verdict import Finding, Verdict
from tokman.config import Config
from tokman.errors import NothingToJudge, TokmanError

GIVEN = Given(base="b.json", days=30.0, rate_card="card", today=date(2026, 11, 23))


def work(name: str | None, costs: Any, cases: list[str | None] | None = None) -> Work:
    """Conversations of one call that cost so many USD."""
    values = np.asarray(costs, float)
    ones = np.ones(len(values))
    counts = {"calls": len(values), "conversations": len(values), "judged": 0, "successes": 0}
    return Work(
        workflow=name,
        cost=sum((round(Decimal(float(each)), 12) for each in values), Decimal(0)),
        counts=counts,
        costs=values,
        counted={each: ones * (counts[each] > 0) for each in COUNTS},
        stands_for=np.ones(len(values), np.int64),
        cases=cases or [None] * len(values),
    )


def side(*each: Work) -> Side:
    calls = sum(one.counts["calls"] for one in each)
    return Side(work={one.workflow: one for one in each}, calls=calls, unpriced=0, models=[])


def usual(seed: int, count: int, mean: float = 1.0) -> Any:
    return np.random.default_rng(seed).lognormal(0, 0.5, count) * mean


def verdict(
    before: Side | None, now: Side, flags: Flags = Flags(), toml: Config | None = None, **given: Any
) -> Verdict:
    config = toml or Config()
    return judge(before, now, settings(config, flags), config, GIVEN._replace(**given))


def of(answer: Verdict, workflow: str) -> Finding:
    return next(each for each in answer.findings if each.workflow == workflow and not each.total)


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Config]:
    from tokman.config import load

    def stated(text: str) -> Config:
        (tmp_path / "tokman.toml").write_text(text)
        return load(tmp_path / "tokman.toml")

    return stated


def test_a_regression_is_found_where_it_is() -> None:
    base = side(work("a", usual(1, 500)), work("b", usual(2, 500)), work("c", usual(3, 500)))
    now = side(work("a", usual(4, 500)), work("b", usual(5, 500, 1.4)), work("c", usual(6, 500)))
    answer = verdict(base, now)
    assert (answer.outcome, answer.exit_code, answer.mode) == ("regression", 1, "traffic")
    assert [each.workflow for each in answer.findings if each.outcome == "regression"] == [
        None,
        "b",
    ]
    assert answer.findings[0].total
    assert of(answer, "b").impact == pytest.approx(
        Decimal(500) * Decimal("0.45"), rel=Decimal("0.2")
    )


@pytest.mark.parametrize("strictness", ["strict", "balanced", "lenient"])
@pytest.mark.parametrize("seed", range(10))
def test_what_never_fails(seed: int, strictness: str) -> None:
    """Growth, another mix of workflows, and another price on both sides."""
    a, b = usual(seed, 300, 5.0), usual(seed + 100, 300)
    base = side(work("a", a), work("b", b))
    grown = side(work("a", np.tile(a, 3)), work("b", np.tile(b, 3)))
    mixed = side(work("a", np.tile(a, 9)), work("b", b))
    flags = Flags(max_increase="0%", strictness=strictness)
    for now in (grown, mixed):
        answer = verdict(base, now, flags)
        assert answer.exit_code == 0
        assert answer.change == pytest.approx(0, abs=1e-12)
        assert "regression" not in {each.outcome for each in answer.findings}


@pytest.mark.parametrize("factor", [0.2, 1.8])
@pytest.mark.parametrize("seed", range(5))
def test_another_price_changes_no_verdict(factor: float, seed: int) -> None:
    sides = [(usual(seed, 200), usual(seed + 50, 200, 1.1)) for _ in range(2)]
    answers = [
        verdict(side(work("w", b * scale)), side(work("w", n * scale)))
        for (b, n), scale in zip(sides, (1.0, factor), strict=True)
    ]
    assert answers[0].outcome == answers[1].outcome
    assert answers[0].findings[0].p_value == answers[1].findings[0].p_value


def test_many_workflows_give_no_more_alarms_and_one_of_them_is_found() -> None:
    names = [f"w{number}" for number in range(150)]
    base = side(*(work(name, usual(at, 60)) for at, name in enumerate(names)))
    same = [work(name, usual(at + 1000, 60)) for at, name in enumerate(names)]
    assert verdict(base, side(*same)).exit_code == 0
    answer = verdict(base, side(*same[1:], work("w0", usual(7777, 60, 2.0))))
    assert [each.workflow for each in answer.findings if each.outcome == "regression"] == ["w0"]


def test_chance_depends_on_nothing_else_that_is_judged() -> None:
    one = side(work("a", usual(1, 100))), side(work("a", usual(2, 100, 1.1)))
    more = (
        side(*one[0].work.values(), work("b", usual(3, 100))),
        side(*one[1].work.values(), work("b", usual(4, 100))),
    )
    assert of(verdict(*one), "a").p_value == of(verdict(*more), "a").p_value


def test_a_small_rise_of_little_money_passes() -> None:
    base, now = side(work("w", [1.0] * 200)), side(work("w", [1.2] * 200))
    assert verdict(base, now, Flags(min_impact="39.99")).exit_code == 1
    answer = verdict(base, now, Flags(min_impact="40.01"))
    assert (answer.exit_code, answer.outcome) == (0, "pass")
    assert "below the minimum impact" in of(answer, "w").why
    assert of(answer, "w").impact == pytest.approx(Decimal(40))
    half = verdict(base, now, Flags(min_impact="79.99"), days=15.0)
    assert of(half, "w").impact == pytest.approx(Decimal(80))
    assert half.exit_code == 1


def test_a_rise_within_chance_warns() -> None:
    base, now = usual(1, 120, 1.0), usual(2, 120, 1.0)
    now *= 1.07 * base.mean() / now.mean()
    answer = verdict(side(work("w", base)), side(work("w", now)))
    assert (answer.outcome, answer.exit_code) == ("warn", 0)
    assert (
        verdict(side(work("w", base)), side(work("w", now)), Flags(strictness="strict")).exit_code
        == 1
    )


def test_lenient_fails_only_what_is_shown_to_be_above_the_allowed() -> None:
    base, now = usual(1, 2000), usual(2, 2000)
    now *= 1.10 * base.mean() / now.mean()
    sides = side(work("w", base)), side(work("w", now))
    for allowed, codes in (("8.5%", (1, 0)), ("5%", (1, 1))):
        got = [
            verdict(*sides, Flags(max_increase=allowed, strictness=how)).exit_code
            for how in ("balanced", "lenient")
        ]
        assert tuple(got) == codes, allowed


def test_too_little_data() -> None:
    base, now = side(work("w", [1.0, 1.2])), side(work("w", [1.0, 1.1]))
    assert (verdict(base, now).outcome, verdict(base, now).exit_code) == ("inconclusive", 0)
    answer = verdict(base, now, Flags(inconclusive="fail"))
    assert (answer.outcome, answer.exit_code) == ("inconclusive", 4)
    assert verdict(base, now, Flags(inconclusive="fail"), informational=True).exit_code == 0
    assert verdict(base, now, Flags(inconclusive="pass")).outcome == "pass"


def test_nothing_that_matters_can_hide_in_so_little_money() -> None:
    few = np.linspace(0.9, 1.1, 20)
    base, now = side(work("w", few)), side(work("w", few))
    assert verdict(base, now).outcome == "inconclusive"
    assert verdict(base, now, Flags(min_impact="10")).outcome == "pass"


def test_informational() -> None:
    base, now = side(work("w", [1.0] * 200)), side(work("w", [2.0] * 200))
    answer = verdict(base, now, informational=True)
    assert (answer.outcome, answer.exit_code) == ("regression", 0)


@pytest.mark.parametrize(
    ("rule", "outcome", "code"),
    [
        ("", "regression", 1),
        ('max_increase = "300%"', "pass", 0),
        ("min_impact = 1000000", "pass", 0),
        ('level = "warn"', "warn", 0),
        ('ignore = {reason = "moves", until = 2026-11-23}', "ignored", 0),
        ('ignore = {reason = "moves", until = 2026-11-22}', "regression", 1),
    ],
)
def test_a_rule_of_one_workflow(
    rule: str, outcome: str, code: int, config: Callable[[str], Config]
) -> None:
    base, now = side(work("w", [1.0] * 200)), side(work("w", [2.0] * 200))
    answer = verdict(base, now, toml=config(f"[check.workflows.w]\n{rule}\n"))
    assert (of(answer, "w").outcome, answer.exit_code) == (outcome, code)
    if "ignore" in rule:
        assert "moves" in of(answer, "w").why


def test_runaways_in_one_call_of_fifty() -> None:
    base, now = usual(1, 400), usual(2, 400)
    now[::50] += 25 * now.mean()
    answer = verdict(side(work("w", base)), side(work("w", now)))
    assert answer.exit_code == 1


NAMES: list[str | None] = [f"case {number:02}" for number in range(60)]


def test_a_suite_is_compared_case_by_case() -> None:
    costs = usual(1, 60, 10.0)
    base = side(work("w", costs, NAMES))
    now = side(work("w", costs * 1.08 * usual(2, 60) ** 0.05, NAMES))
    answer = verdict(base, now)
    assert (answer.mode, answer.unit, answer.exit_code) == ("suite", "case", 1)
    assert verdict(base, now, Flags(mode="traffic")).exit_code == 0


def test_cases_of_one_side_are_not_compared() -> None:
    costs = usual(1, 60)
    base = side(work("w", costs, NAMES))
    now = side(work("w", [*costs[:-1], 500.0], [*NAMES[:-1], "new"]))
    answer = verdict(base, now)
    assert answer.exit_code == 0
    assert answer.notes == ["Cases on one side only, not compared: 2"]


def test_a_suite_that_ran_three_times_is_the_same_suite() -> None:
    costs = usual(1, 60)
    base = side(work("w", costs, NAMES))
    now = side(work("w", np.tile(costs, 3), NAMES * 3))
    answer = verdict(base, now, Flags(max_increase="0%", strictness="strict"))
    assert (answer.mode, answer.exit_code) == ("suite", 0)
    assert answer.change == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("budget", "code"),
    [
        ("call=1.51", 0),
        ("call=1.49", 1),
        ("conversation=1.49", 1),
        ("workflow=150.1", 0),
        ("workflow=149.9", 1),
        ("x/call=0.1", 3),
        ("w/call=0.1", 1),
        ("w*/call=0.1", 1),
        ("case=1", 3),
        ("outcome=1", 3),
    ],
)
def test_budgets(budget: str, code: int) -> None:
    now = side(work("w", [1.0] * 50 + [2.0] * 50))
    try:
        answer = verdict(None, now, Flags(budgets=(budget,)))
    except NothingToJudge as nothing:
        assert nothing.exit_code == code
    else:
        assert (answer.mode, answer.exit_code) == ("static", code)


def test_the_dearest_case_is_named() -> None:
    now = side(work("w", [1.0, 5.0, 1.0], ["a", "b", "a"]))
    answer = verdict(None, now, Flags(budgets=("case=4",)))
    assert (answer.findings[0].case, answer.exit_code) == ("b", 1)
    assert answer.findings[0].id == "budget/case/w"


def test_a_budget_beside_a_comparison() -> None:
    same = side(work("w", [1.0] * 200))
    answer = verdict(same, same, Flags(budgets=("call=0.5",)))
    assert {each.rule: each.outcome for each in answer.findings} == {
        "cost": "pass",
        "budget": "regression",
    }


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (Flags(unit="case"), "a case is a unit of a suite"),
        (Flags(mode="suite", unit="outcome"), "a suite is paired by case"),
    ],
)
def test_units_that_do_not_fit(flags: Flags, error: str) -> None:
    same = side(work("w", [1.0] * 200))
    with pytest.raises(TokmanError, match=error):
        verdict(same, same, flags)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A workflow whose conversations cost half as much again from November on."""
    calls = [
        call(
            100 * month + n,
            f"2026-{month}-{1 + n % 20:02} 10:00:00",
            workflow="w",
            prompt=(1000 if month == 10 else 1800) + n,
        )
        for month in (10, 11)
        for n in range(100)
    ]
    return made(tmp_path / "ledger", calls)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--against", "2026-10"), 1),
        (("--against", "2026-10-01..2026-11-01", "--since", "2026-11-01"), 1),
        (("--against", "2026-11", "--since", "2026-10-01", "--until", "2026-11-01"), 0),
        (("--against", "2026-09"), 3),
        (("--against", "2026-10", "--since", "2027-01"), 3),
        (("--against", "2026-09", "--informational"), 0),
        (("--against", "2026-10", "--informational"), 0),
        (("--against", "2026-10", "--informational", "--format", "json"), 0),
        (("--against-ledger", "ledger"), 0),
        (("--against-ledger", "ledger", "--against", "2026-10", "--since", "2026-11"), 1),
        (("--against", "2026-10", "--budget", "call=0.0001", "--max-increase", "900%"), 1),
    ],
)
def test_windows_and_other_ledgers(
    options: tuple[str, ...], code: int, tokman: Run, ledger: Path
) -> None:
    done = tokman("check", "--ledger", ledger, *options)
    assert done.code == code, done
    assert len(done.err.splitlines()) == (2 if "2026-09" in options or code == 3 else 0)


@pytest.mark.parametrize(
    "options", [("--baseline", "none.json"), ("--max-increase", "much"), ("--format", "tea")]
)
def test_wrong_use_is_told_but_fails_no_informational_build(
    options: tuple[str, ...], tokman: Run, ledger: Path
) -> None:
    codes = []
    for asked in ((), ("--informational",)):
        done = tokman("check", "--ledger", ledger, *options, *asked)
        codes.append(done.code)
        assert done.err.startswith("error: ")
    assert codes == [2, 0]


def test_where_to_look(tokman: Run, ledger: Path) -> None:
    tokman("check", "--ledger", ledger, "--save", "b.json", "--until", "2026-11")
    Path("tokman.toml").write_text('[check]\n\n[[check.budgets]]\nper = "call"\nmax = 9\n')
    judged = ("check", "--ledger", ledger, "--since", "2026-11", "-f", "json")
    answer = json.loads(tokman(*judged, "--baseline", "b.json").out)
    places = {each["rule"]: each["place"] for each in answer["findings"]}
    assert places == {
        "cost": {"path": "b.json", "line": 2},
        "budget": {"path": "tokman.toml", "line": 3},
    }
