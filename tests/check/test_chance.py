"""How often the gate is right: power, false alarms and what it says it could have seen."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, sqrt
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

from tokman.check import chance

Floats: TypeAlias = npt.NDArray[np.float64]
Sides: TypeAlias = tuple[tuple[Floats, Floats], tuple[Floats, Floats]]

ALPHA, ALLOWED = 0.05, 0.05


def each_one(costs: Floats) -> tuple[Floats, Floats]:
    """Clusters of one unit."""
    return costs, np.ones(len(costs))


def usual(dice: np.random.Generator, count: int, spread: float = 1.0) -> Floats:
    """Costs of requests: lognormal."""
    return dice.lognormal(0, spread, count)


def failing(
    name: str, runs: int, sides: Callable[[np.random.Generator], Sides], draws: int = 99
) -> float:
    """The share of runs in which now is dearer than allowed, and beyond chance."""
    dice = chance.generator(name)
    failed = 0
    for _ in range(runs):
        before, now = sides(dice)
        test = chance.tested(chance.shuffled(before, now, dice, draws), ALPHA)
        rise = (now[0].sum() / now[1].sum()) / (before[0].sum() / before[1].sum())
        failed += bool(test.p_value <= ALPHA and rise > 1 + ALLOWED)
    return failed / runs


def nothing_changed(dice: np.random.Generator) -> Sides:
    return each_one(usual(dice, 400)), each_one(usual(dice, 400))


def runaways(dice: np.random.Generator) -> Sides:
    """2 % of the requests cost 25 times the mean on top."""
    now = usual(dice, 400) + (dice.random(400) < 0.02) * 25 * exp(0.5)
    return each_one(usual(dice, 400)), each_one(now)


def three_times_the_traffic(dice: np.random.Generator) -> Sides:
    return each_one(usual(dice, 200)), each_one(usual(dice, 600))


def one_spreads_more(dice: np.random.Generator) -> Sides:
    """Both cost the same, one is much more even and has ten times the requests."""
    return each_one(usual(dice, 1000, 0.5) * exp(0.375)), each_one(usual(dice, 100))


def conversations(dice: np.random.Generator) -> Sides:
    """Calls of a conversation are alike: few of them say little, however many calls they have."""
    sides = []
    for _ in range(2):
        calls = dice.integers(1, 20, 60).astype(float)
        sides.append((calls * usual(dice, 60), calls))
    return sides[0], sides[1]


def test_runaways_are_caught() -> None:
    assert failing("runaways", 600, runaways, 199) >= 0.85


def test_false_alarms_are_as_rare_as_stated() -> None:
    assert failing("nothing changed", 2000, nothing_changed) <= ALPHA


@pytest.mark.parametrize("sides", [three_times_the_traffic, one_spreads_more, conversations])
def test_no_more_alarms_where_sides_differ_in_what_is_no_cost(
    sides: Callable[[np.random.Generator], Sides],
) -> None:
    # Of 400 runs with alarms in 5 % of them, 1 in 100 has more than 7.6 %.
    assert failing(sides.__name__, 400, sides) <= 0.076


def paired_failing(rise: float, runs: int) -> float:
    """The share of runs of a suite of 60 cases that fail, each run 20 % off its case's mean."""
    dice = chance.generator(f"suite {rise}")
    failed = 0
    for _ in range(runs):
        cases = usual(dice, 60)
        before, now = (
            cases * factor * dice.lognormal(-0.02, 0.2, 60) for factor in (1.0, 1 + rise)
        )
        test = chance.paired(before, now, dice, ALPHA)
        failed += bool(test.p_value <= ALPHA and now.sum() > before.sum() * (1 + ALLOWED))
    return failed / runs


def test_a_suite_catches_a_fifth_more() -> None:
    assert paired_failing(0.2, 400) >= 0.9


def test_a_suite_that_did_not_change() -> None:
    assert paired_failing(0.0, 1000) <= ALPHA


@pytest.mark.parametrize(("count", "rise"), [(200, 0.28), (1000, 0.12), (5000, 0.05)])
def test_what_could_have_been_seen(count: int, rise: float) -> None:
    """Of costs that spread as much as their mean: the table of Blackwelder's formula."""
    found = chance.detectable(sqrt(2 / count), ALPHA)
    assert found == pytest.approx(rise, abs=0.005)
    dice = chance.generator("spread")
    costs = np.tile(dice.exponential(1, 200), count // 200)
    costs = 1 + (costs - costs.mean()) / costs.std()
    error = chance.relative_error(each_one(costs), count)
    assert error == pytest.approx(sqrt(2 / count), rel=0.01)


def test_what_could_have_been_seen_is_seen_four_times_in_five() -> None:
    error = chance.relative_error(each_one(usual(chance.generator("e"), 100_000, 0.5)), 100_000)
    rise = chance.detectable(error * sqrt(100_000 / 300), ALPHA)
    assert rise is not None
    dice = chance.generator("detectable")
    caught = 0
    for _ in range(400):
        before, now = (each_one(usual(dice, 300, 0.5) * (1 + up)) for up in (0, rise))
        caught += chance.tested(chance.shuffled(before, now, dice, 99), ALPHA).p_value <= ALPHA
    assert caught / 400 == pytest.approx(chance.POWER, abs=0.06)


def test_limits_agree_with_the_test() -> None:
    """What is shown to be dearer has a lower limit above nothing, and the other way round."""
    dice = chance.generator("limits")
    for _ in range(100):
        before, now = each_one(usual(dice, 50)), each_one(usual(dice, 40) * 1.3)
        test = chance.tested(chance.shuffled(before, now, dice, 199), ALPHA)
        change = now[0].mean() / before[0].mean() - 1
        assert test.low <= change <= test.high
        assert (test.low > 0) == (test.p_value <= ALPHA)


@pytest.mark.parametrize(
    ("before", "now", "p_value"),
    [
        ([1.0] * 60, [1.0] * 60, 1.0),
        ([1.0] * 60, [1.1] * 60, 0.0005),
        ([0.0] * 60, [0.0] * 60, 1.0),
        ([0.0] * 60, [1.0] * 60, 0.0005),
        ([1.0] * 60, [0.0] * 60, 1.0),
        ([1.0], [100.0], 0.5),
        ([1.0] * 3, [100.0] * 3, 0.05),
        ([1e-12] * 60, [2e-12] * 60, 0.0005),
        ([1e12] * 60, [2e12] * 60, 0.0005),
    ],
)
def test_without_any_spread(before: list[float], now: list[float], p_value: float) -> None:
    sides = each_one(np.array(before)), each_one(np.array(now))
    test = chance.tested(chance.shuffled(*sides, chance.generator("plain")), ALPHA)
    assert test.p_value == pytest.approx(p_value, rel=0.25)
    pair = chance.paired(sides[0][0], sides[1][0], chance.generator("pairs"), ALPHA)
    assert pair.p_value <= max(p_value * 1.25, 0.6)


def test_the_same_every_time() -> None:
    before, now = nothing_changed(chance.generator("data"))
    tests = [
        chance.tested(chance.shuffled(before, now, chance.generator("w")), ALPHA) for _ in range(2)
    ]
    assert tests[0] == tests[1]


def test_many_clusters_are_added_up_in_blocks() -> None:
    dice = chance.generator("many")
    before, now = each_one(usual(dice, 50_000)), each_one(usual(dice, 20_000) * 1.03)
    draw = chance.shuffled(before, now, dice, 199)
    error = sqrt(float(draw.now_variance[0])) / draw.now[0]
    assert error == pytest.approx(now[0].std() / now[0].mean() / sqrt(20_000), rel=0.1)
    assert chance.tested(draw, ALPHA).p_value == 1 / 200


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([], []),
        ([0.04], [0.04]),
        ([0.01, 0.02, 0.03, 0.04], [0.04, 0.04, 0.04, 0.04]),
        ([0.005, 0.5, 0.9], [0.015, 0.75, 0.9]),
        ([0.9, 0.005, 0.5], [0.9, 0.015, 0.75]),
        # The example of Benjamini and Hochberg (1995), 15 hypotheses: four are rejected at 5 %.
        (
            [
                *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
                *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0),
            ],
            [0.0015, 0.003, 0.0095, 0.035625],
        ),
    ],
)
def test_many_at_once(p_values: list[float], adjusted: list[float]) -> None:
    found = chance.adjusted(p_values)
    assert found[: len(adjusted)] == pytest.approx(adjusted)
    if len(p_values) == 15:
        assert sum(p_value <= ALPHA for p_value in found) == 4
