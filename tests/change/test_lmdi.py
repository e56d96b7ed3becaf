"""The index itself: a published example, a second method, and what must hold for every chain."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokman.change.lmdi import effects, exact, whole

NUMBERS = st.integers(1, 10**6)
MONEY = st.integers(1, 10**18)


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Two sides of one chain, whose numbers may be zero from somewhere on."""
    depth = draw(st.integers(2, 9))

    def one() -> list[int]:
        chain = [draw(NUMBERS) for _ in range(depth)] + [draw(MONEY)]
        gone = draw(st.one_of(st.none(), st.integers(0, depth)))
        return chain if gone is None else chain[:gone] + [0] * (depth + 1 - gone)

    return one(), one()


def _along_the_path(before: list[int], after: list[int], steps: int = 2000) -> list[float]:
    """∫ V(t) · d ln x(t) for each factor x, all growing evenly: the Divisia integral summed by
    Simpson's rule, without a logarithmic mean anywhere."""
    factors = [
        [own / above for own, above in zip(side, [1, *side], strict=False)]
        for side in (before, after)
    ]
    rates = [math.log(new / old) for old, new in zip(*factors, strict=True)]
    total = 0.0
    for step in range(steps + 1):
        value = math.prod(
            old * math.exp(rate * step / steps) for old, rate in zip(factors[0], rates, strict=True)
        )
        total += value * (1 if step in (0, steps) else 4 if step % 2 else 2)
    return [total / (3 * steps) * rate for rate in rates]


def test_two_sectors_by_the_published_formula() -> None:
    """Energy = output × share × intensity of two sectors in two years, the case that guides to
    LMDI teach with: output 50 → 80, sector 1 makes 10 → 40 with energy 30 → 80, sector 2 makes
    40 → 40 with 20 → 16. Each effect is Σ L(E¹, E⁰) · ln(x¹/x⁰), worked out to one decimal."""
    one = exact([50, 10, 30], [80, 40, 80])
    two = exact([50, 40, 20], [80, 40, 16])
    activity, structure, intensity = (a + b for a, b in zip(one, two, strict=True))
    assert [round(part, 1) for part in (activity, structure, intensity)] == [32.4, 38.3, -24.7]
    assert activity + structure + intensity == pytest.approx(96 - 50)


@settings(max_examples=300)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=6))
def test_the_effects_are_the_integral_along_even_growth(pairs: list[tuple[int, int]]) -> None:
    before, after = ([pair[side] for pair in pairs] for side in (0, 1))
    size = max(before[-1], after[-1])
    for got, integral in zip(exact(before, after), _along_the_path(before, after), strict=True):
        assert got == pytest.approx(integral, rel=1e-6, abs=1e-6 * size)


@settings(max_examples=5000, deadline=None)
@given(chains())
def test_parts_add_up_and_turn_with_time(pair: tuple[list[int], list[int]]) -> None:
    before, after = pair
    forward = effects(before, after)
    assert sum(forward) == after[-1] - before[-1]
    assert effects(after, before) == [-part for part in forward]
    if before[-1] and after[-1]:
        found = exact(before, after)
        spend = max(before[-1], after[-1])
        assert abs(math.fsum(found) - (after[-1] - before[-1])) <= 1e-9 * spend
        slack = 2 + len(found) + 1e-12 * spend
        assert all(abs(a - b) <= slack for a, b in zip(found, forward, strict=True))


@settings(max_examples=500)
@given(chains())
def test_an_entry_or_exit_is_of_the_first_factor_that_is_zero(
    pair: tuple[list[int], list[int]],
) -> None:
    before, after = pair
    if bool(before[-1]) == bool(after[-1]):
        return
    zeros = before if not before[-1] else after
    parts = effects(before, after)
    assert parts[zeros.index(0)] == after[-1] - before[-1]
    assert sum(map(abs, parts)) == abs(after[-1] - before[-1])


def test_the_limit_is_that_of_ever_smaller_amounts() -> None:
    """A share that grows from less and less: its effect comes to the whole amount, all other
    effects to nothing, though slowly, which is why no small number may stand in for zero."""
    for_little = [
        exact([10**30, 10**30 // small, 10**30 // small], [2 * 10**30, 10**30, 10**30])
        for small in (10**6, 10**12, 10**24)
    ]
    shares = [parts[1] / 10**30 for parts in for_little]
    assert shares == sorted(shares)
    assert shares[0] < 0.96 < shares[-1] < 1
    assert effects([10**30, 0, 0], [2 * 10**30, 10**30, 10**30]) == [0, 10**30, 0]


def test_a_price_that_changes_its_sign() -> None:
    assert effects([10, 100, -5], [20, 200, 7]) == [0, 0, 12]
    assert effects([10, 100, -50], [20, 200, -100]) == [-50, 0, 0]


def test_equal_amounts_of_different_factors() -> None:
    assert effects([10, 100, 1000], [20, 100, 1000]) == [693, -693, 0]
    assert effects([5, 5], [5, 5]) == [0, 0]


def test_largest_remainders() -> None:
    assert whole([1 / 3, 1 / 3, 1 / 3], 1) == [1, 0, 0]
    assert whole([-1 / 3, -1 / 3, -1 / 3], -1) == [-1, 0, 0]
    assert whole([1.75, -0.5, 0.75], 2) == [2, 0, 0]
    assert whole([1.25, -0.5, 0.75], 2) == [1, 0, 1]
    assert whole([2.0**70, -(2.0**69)], 2**69 + 5) == [2**70 + 5, -(2**69)]
