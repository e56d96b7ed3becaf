"""Ranges: clusters drawn again, parameters drawn with them; held against sums done by hand."""

from __future__ import annotations

import random
from datetime import timedelta
from math import sqrt

import pytest

from tests.recommend.books import MONDAY, books, call, card, config, nightly
from tokman.config import Config
from tokman.recommend import Plan, recommend
from tokman.usage import PICO, Usage

WAITS = config(digest={"interactive": False})


def conversations(sizes: list[int], turns: int = 4) -> list[Usage]:
    """A declared workflow, a conversation a size: each of its calls writes that many tokens."""
    return [
        call(
            number * turns + turn,
            MONDAY + timedelta(hours=number % 28 * 24 + number % 10, minutes=turn + number // 28),
            workflow="digest",
            conversation_id=f"c{number}",
            output_tokens=size,
        )
        for number, size in enumerate(sizes)
        for turn in range(turns)
    ]


def planned(usages: list[Usage]) -> Plan:
    return recommend(books(usages), card(), WAITS)


def test_a_range_is_that_of_conversations_not_of_calls() -> None:
    """The spread of a bootstrap of sums is known: within each weekday, sqrt(sum((x - mean)^2))."""
    sizes = [random.Random(number).choice([100, 100, 100, 5000]) for number in range(280)]
    plan = planned(conversations(sizes))
    (one,) = plan.recommendations
    weekdays: dict[int, list[float]] = {}
    for number, size in enumerate(sizes):
        saved = 4 * (600 * 5 + size * 30) / 2 / 10**6
        weekdays.setdefault(number % 28 % 7, []).append(saved)
    variance = sum(sum((x - sum(day) / len(day)) ** 2 for x in day) for day in weekdays.values())
    share = 48 / 50
    beta = share * (1 - share) / 51
    saved = one.window.identified / PICO
    deviation = sqrt(share**2 * variance + saved**2 * beta + variance * beta)
    below = (one.window.middle - one.window.low) / PICO
    assert below == pytest.approx(1.2816 * deviation, rel=0.2)
    calls_alone = sqrt(share**2 * variance / 4 + saved**2 * beta)
    assert below > 1.2816 * calls_alone * 1.2


def test_equal_conversations_leave_only_the_doubt_of_the_advice() -> None:
    (one,) = planned(conversations([500] * 280)).recommendations
    whole = one.window.identified
    # 5 % and 95 % quantiles of Beta(48, 2) are .900 and .993; 10 % and 90 % are .923 and .989.
    assert one.window.low / whole == pytest.approx(0.923, abs=0.01)
    assert one.window.high / whole == pytest.approx(0.989, abs=0.01)


def test_few_conversations_that_hold_most_are_named() -> None:
    (one,) = planned(conversations([1_000_000, 900_000] + [100] * 254)).recommendations
    (fact,) = [fact for fact in one.facts if fact.startswith("driven by few sessions")]
    assert "2 of 256 conversations" in fact
    (even,) = planned(conversations([500] * 256)).recommendations
    assert not any("few sessions" in fact for fact in even.facts)


def test_advice_of_one_lever_fails_together() -> None:
    """Ten workflows of one lever are as doubtful as one: their sum is not surer than the parts."""
    usages = [
        usage
        for number in range(10)
        for usage in nightly(per_night=30, workflow=f"digest-{number}")
    ]
    plan = recommend(books(usages), card(), Config())
    assert len(plan.recommendations) == 10
    spread = (plan.window.high - plan.window.low) / plan.window.middle
    for one in plan.recommendations:
        assert (one.window.high - one.window.low) / one.window.middle == pytest.approx(
            spread, rel=0.01
        )


def test_horizons() -> None:
    horizons = ((10, 10, False, False), (20, 30, True, False), (28, 90, True, True))
    for days, lead, month, year in horizons:
        plan = recommend(books(nightly(nights=days, workflow="digest")), card(), WAITS)
        assert (plan.days, plan.lead) == (days, lead)
        assert (plan.month is not None, plan.run_rate is not None) == (month, year)
        (one,) = plan.recommendations
        assert one.amounts.identified == one.window.identified * lead // days


def test_bankable_is_what_is_expected_with_evidence() -> None:
    usages = nightly(workflow="digest") + nightly(workflow="other", per_night=50)
    plan = recommend(books(usages), card(), WAITS)
    bankable = {one.workflow: one.window.bankable for one in plan.recommendations}
    expected = {one.workflow: one.window.expected for one in plan.recommendations}
    assert bankable == {"digest": expected["digest"], "other": 0}
    assert plan.window.bankable == expected["digest"] < plan.window.expected
