"""The margin from economics and the trial it asks for: golden numbers of science.md §1.5."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.recommend.books import config
from tokman.recommend import trial
from tokman.recommend.experiment import LONGEST, Work, design
from tokman.recommend.margin import Terms, margin, terms

PLAIN = Terms(None, Decimal(20), 1.0, 0.5, 1.0, 0.05, 0.8, 90, Decimal(0))

VERDICTS = [
    # saving and value of an outcome in USD, loss that eats it, margin, calls per arm, verdict
    ("0.02", "6", 0.00333, 0.001667, 327_626, "keep"),
    ("0.10", "2", 0.05, 0.025, 1456, "trial"),
    ("0.02", "0.05", 0.40, 0.20, 23, "just do it"),
]


@pytest.mark.parametrize(("saving", "value", "eats", "allowed", "calls", "verdict"), VERDICTS)
def test_three_verdicts(
    saving: str, value: str, eats: float, allowed: float, calls: int, verdict: str
) -> None:
    held = PLAIN._replace(value=Decimal(value))
    found = margin(Decimal(saving), Decimal(1), held)
    assert found.eats == pytest.approx(eats, abs=1e-5)
    assert found.allowed == pytest.approx(allowed, abs=1e-6)
    assert trial.wald(0.92, 0.92, found.allowed, 0.05, 0.8) == pytest.approx(calls, abs=2)
    cost = Decimal(saving) * 2
    work = Work("calls", 100.0, 0.92, True, cost, cost - Decimal(saving), 1 / 3)
    planned = design(work, found, held)
    assert planned is not None
    if found.obvious:
        assert verdict == "just do it"
    else:
        kept = planned.keep("large", "small")
        assert verdict == ("trial" if kept is None else "keep")
        assert kept is None or "not provable at this volume" in kept


def test_margin_is_never_more_than_the_profile_allows() -> None:
    held = PLAIN._replace(max_loss=0.02)
    assert margin(Decimal("0.10"), Decimal(1), held._replace(value=Decimal(2))).allowed == 0.02
    assert margin(Decimal("-1"), Decimal(1), held).allowed == 0


def test_important_outcomes_may_lose_less() -> None:
    plain = margin(Decimal("0.10"), Decimal(1), PLAIN._replace(value=Decimal(10)))
    vip = margin(Decimal("0.10"), Decimal(1), PLAIN._replace(value=Decimal(10), importance=5.0))
    assert vip.allowed == pytest.approx(plain.allowed / 5)


def test_an_undeclared_value_is_a_multiple_of_the_cost() -> None:
    assert margin(Decimal("0.8"), Decimal(1), PLAIN).eats == pytest.approx(0.04)


def test_terms_are_those_of_the_workflow_and_of_the_business() -> None:
    found = terms(config(work={"value": "6", "importance": 2}), "work")
    assert (found.value, found.importance, found.max_loss) == (Decimal(6), 2.0, 0.02)


def test_a_replay_judges_only_answers_that_differ_and_a_split_all() -> None:
    held = margin(Decimal("0.008"), Decimal("0.01"), PLAIN)
    cheap = Work("calls", 200.0, 0.95, False, Decimal("0.01"), Decimal("0.002"), 1 / 3)
    planned = design(cheap, held, PLAIN._replace(max_loss=0.02))
    assert planned is not None
    pairs = trial.paired(0.095, 0.02, 0.05, 0.8)
    assert (planned.replay.units, planned.split.units) == (pairs, 1500)
    assert (planned.replay.days, planned.split.days) == (-(-pairs // 200), 15)
    assert planned.split.cost == 2 * 1500 * Decimal("0.01")
    assert planned.replay.cost < planned.split.cost
    assert planned.best is planned.replay
    logged = design(cheap._replace(known=True), held, PLAIN)
    assert logged is not None and logged.split.cost == 0 and logged.best is logged.split


def test_a_trial_that_costs_more_than_it_brings() -> None:
    held = margin(Decimal("0.008"), Decimal("0.01"), PLAIN)
    work = Work("calls", 40.0, 0.95, False, Decimal("0.01"), Decimal("0.002"), 1 / 3)
    dear = design(work, held, PLAIN._replace(day_rate=Decimal(500)))
    assert dear is not None and dear.best is not None and dear.best.days <= LONGEST
    assert "costs more than it is likely to bring in 90 days" in (dear.keep("a", "b") or "")
