"""Costs told apart by what was bought add up to what was paid."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tokman.change.side import UNSPLIT
from tokman.change.split import Bought, shared, split, unsplit
from tokman.rates.columns import PRICED
from tokman.usage import QUANTITIES

UNITS = st.integers(0, 10**9)


def row(units: dict[str, int], list_cost: int, cost: int | None = None) -> dict[str, Any]:
    made = dict.fromkeys((*QUANTITIES, "reasoning_output_tokens"), 0) | units
    cost = list_cost if cost is None else cost
    return made | {"calls": 7, "list_cost": list_cost, "cost": cost}


def prices(**stated: int) -> dict[str, int]:
    return dict.fromkeys(PRICED, 0) | stated


@given(
    st.fixed_dictionaries(dict.fromkeys(QUANTITIES, UNITS)),
    st.fixed_dictionaries({name: st.integers(0, 10**8) for name in PRICED}),
    st.integers(0, 100),
    st.sampled_from([0, 1, -1]),
)
def test_classes_add_up_whatever_the_prices(
    units: dict[str, int], each: dict[str, int], paid: int, off: int
) -> None:
    units = units | {"reasoning_output_tokens": units["output_tokens"] // 3}
    plain = units["output_tokens"] - units["reasoning_output_tokens"]
    exact = sum(
        each[name] * (plain if name == "output_tokens" else units[name])
        for name in (*QUANTITIES, "reasoning_output_tokens")
    )
    exact += 7 * each["per_request"]
    whole = max(0, exact + off)
    found = split(row(units, whole, whole * paid // 100), each)
    if found is None:
        assert not exact
        return
    bought, fits = found
    assert fits == (whole == exact)
    assert sum(one.list_cost for one in bought) == whole
    assert sum(one.cost for one in bought) == whole * paid // 100
    assert sum(one.units for one in bought if one.name != "per_request") == sum(
        units[name] for name in QUANTITIES
    )
    assert all(one.cost >= 0 for one in bought)


def test_reasoning_is_apart_from_the_rest_of_the_output() -> None:
    units = {"output_tokens": 100, "reasoning_output_tokens": 60}
    each = prices(output_tokens=2, reasoning_output_tokens=2)
    assert split(row(units, 200), each) == (
        [Bought("output_tokens", 40, 80, 80), Bought("reasoning_output_tokens", 60, 120, 120)],
        True,
    )


def test_another_cards_cost_is_shared_in_proportion() -> None:
    units = {"uncached_input_tokens": 10, "output_tokens": 10}
    each = prices(uncached_input_tokens=1, output_tokens=3)
    assert split(row(units, 80, 8), each) == (
        [Bought("uncached_input_tokens", 10, 20, 2), Bought("output_tokens", 10, 60, 6)],
        False,
    )
    assert split(row(units, 80), prices()) is None


def test_what_cannot_be_told_apart_is_one_lump() -> None:
    tokens = row({"uncached_input_tokens": 10, "output_tokens": 5, "web_search_requests": 1}, 80)
    assert unsplit(tokens) == Bought(UNSPLIT, 15, 80, 80)
    assert unsplit(row({"web_search_requests": 2}, 80)) == Bought("per_request", 2, 80, 80)
    assert unsplit(row({}, 80)) == Bought("per_request", 7, 80, 80)


@given(st.integers(0, 10**24), st.lists(st.integers(0, 10**18), max_size=9))
def test_shares_add_up(total: int, weights: list[int]) -> None:
    parts = shared(total, weights)
    assert sum(parts) == (total if sum(weights) else 0)
    for part, weight in zip(parts, weights, strict=True):
        assert not sum(weights) or abs(part - total * weight // sum(weights)) <= 1
