"""The index itself: a worked example, a second method, rounding that adds up."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tokman.change import Line, Side, decompose
from tokman.change.lmdi import log_ratio, logarithmic_mean, whole

OUT = "output_tokens"
SCALE = 10**9
"""So that rounding to whole units is far below what is compared."""


def one_line(length: int, calls: int, paid: int, units: int, listed: int, cost: int) -> Side:
    side = Side(length=length)
    side.add_calls(("w", "m"), calls, paid)
    side.add(Line(("w", "m"), OUT), units, listed, cost)
    return side


def test_two_sectors_by_the_published_formula() -> None:
    """Energy = output × share × intensity of two sectors in two years, the case that guides to
    LMDI teach with: output 50 → 80, sector 1 makes 10 → 40 with energy 30 → 80, sector 2 makes
    40 → 40 with 20 → 16. Each effect is Σ L(E¹, E⁰) · ln(x¹/x⁰), worked out to one decimal."""
    sides = []
    for sectors in (((10, 30), (40, 20)), ((40, 80), (40, 16))):
        side = Side()
        for name, (output, energy) in zip("12", sectors, strict=True):
            side.add_calls((name,), output)
            side.add(Line((name,), OUT), energy * SCALE, energy * SCALE)
        sides.append(side)
    change = decompose(sides[0], sides[1], ("sector",))
    assert {name: round(part / SCALE, 1) for name, part in change.parts.items() if part} == {
        "volume": 32.4,
        "sector_mix": 38.3,
        "output_per_call": -24.7,
    }
    assert change.amount == (96 - 50) * SCALE


def along_the_path(before: list[float], after: list[float], steps: int = 2000) -> list[float]:
    """∫ V(t) · d ln x(t) for each factor x, all growing evenly: the Divisia integral summed by
    Simpson's rule, without a logarithmic mean anywhere."""
    rates = [math.log(new / old) for old, new in zip(before, after, strict=True)]
    total = 0.0
    for step in range(steps + 1):
        value = math.prod(
            old * math.exp(rate * step / steps) for old, rate in zip(before, rates, strict=True)
        )
        total += value * (1 if step in (0, steps) else 4 if step % 2 else 2)
    return [total / (3 * steps) * rate for rate in rates]


NUMBERS = st.tuples(
    st.integers(1, 31),
    st.integers(1, 10**6),
    st.integers(1, 100),
    st.integers(1, 10**9),
    st.integers(1, 10**6),
    st.integers(1, 100),
)
"""Length, calls, paid in a hundred, units, price of one, paid in a hundred of the price."""


@settings(max_examples=200, deadline=None)
@given(NUMBERS, NUMBERS)
def test_the_effects_are_the_integral_along_even_growth(
    one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    sides, factors = [], []
    for length, calls, paid, units, price, share in (one, other):
        listed = units * price * 100
        made = one_line(length, calls * 100, calls * paid, units, listed, listed * share // 100)
        sides.append(made)
        factors.append(
            [length, calls * 100 / length, paid / 100, units / (calls * paid), price * share]
        )
    parts = decompose(sides[0], sides[1]).parts
    integral = along_the_path(factors[0], factors[1])
    got = [parts["length"], parts["volume"], parts["paid_share"], parts["output_per_call"]]
    got.append(parts["price"] + parts["discount"])
    size = max(side.cost for side in sides)
    for part, expected in zip(got, integral, strict=True):
        assert part == pytest.approx(expected, rel=1e-6, abs=1e-6 * size + 5)


def test_the_limit_is_that_of_ever_smaller_amounts() -> None:
    """A workflow that grows from less and less: its mix comes to the whole of it, though slowly,
    which is why no small number may stand in for zero."""
    big = 10**30
    shares = []
    for small in (10**6, 10**12, 10**24, 0):
        sides = []
        for calls, units in (
            (big // small if small else 0, big // small if small else 0),
            (big,) * 2,
        ):
            side = Side()
            side.add_calls(("old",), 2 * big - calls)
            side.add_calls(("new",), calls)
            if units:
                side.add(Line(("new",), OUT), units, units)
            sides.append(side)
        shares.append(decompose(sides[0], sides[1], ("workflow",)).parts["workflow_mix"] / big)
    assert shares == sorted(shares)
    assert shares[-1] == 1


MONEY = st.integers(1, 10**18)


@given(MONEY, MONEY)
@example(10**18, 10**18 + 1)
def test_the_mean_lies_between_and_does_not_know_before_from_after(one: int, other: int) -> None:
    mean = logarithmic_mean(one, other)
    assert min(one, other) * (1 - 1e-12) <= mean <= max(one, other) * (1 + 1e-12)
    assert logarithmic_mean(other, one) == mean
    assert log_ratio(one, other) == -log_ratio(other, one)
    assert logarithmic_mean(-one, -other) == -mean


@settings(max_examples=1000)
@given(st.lists(st.floats(-1e15, 1e15), max_size=8), st.integers(-20, 20))
def test_rounded_parts_add_up_and_turn(parts: list[float], off: int) -> None:
    total = round(math.fsum(parts)) + (off if parts else 0)
    if parts:
        found = whole(parts, total)
        assert sum(found) == total
        assert whole([-part for part in parts], -total) == [-unit for unit in found]
        if abs(off) < 2:
            assert all(abs(a - b) <= 2 for a, b in zip(parts, found, strict=True))


def test_largest_remainders() -> None:
    assert whole([1 / 3, 1 / 3, 1 / 3], 1) == [1, 0, 0]
    assert whole([-1 / 3, -1 / 3, -1 / 3], -1) == [-1, 0, 0]
    assert whole([1.75, -0.5, 0.75], 2) == [2, -1, 1]
    assert whole([0.7, -0.7], 0) == [1, -1]
    assert whole([2.0**70, -(2.0**69)], 2**69 + 5) == [2**70 + 5, -(2**69)]
    assert whole([], 0) == []
