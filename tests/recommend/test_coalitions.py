"""Another lever never makes a plan worth less: where levers are in each other's way, the best of
them are used."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recommend.books import books, card, nightly
from tests.recommend.test_plan import SHAPES, stream
from tokman.config import Config
from tokman.recommend import LEVERS, Plan, coalitions, recommend, shapley
from tokman.recommend.batch import Batch
from tokman.recommend.decisions import Decided, Decision
from tokman.recommend.downgrade import Downgrade
from tokman.recommend.lever import Lever
from tokman.recommend.prompt_cache import PromptCache
from tokman.usage import Usage

THREE: tuple[Lever, ...] = (Downgrade(), PromptCache(), Batch())


def night(which: int, **what: Any) -> list[Usage]:
    """Labels every night, in prompts that begin alike."""
    return nightly(
        workflow=f"labels-{which}",
        output_tokens=3,
        block_hashes=[which],
        block_sizes=[100],
        **what,
    )


def too_short_for_the_small_model() -> list[Usage]:
    """Prompts that the large model caches and the small one, which asks for 4,096 tokens, does
    not: cached on the large one they cost less than uncached on the small one."""
    return night(0, per_night=120, model="claude-sonnet-4-5", uncached_input_tokens=2000)


def saved(plan: Plan) -> int:
    return plan.spend - plan.spend_after


def test_a_lever_that_takes_more_than_it_saves_is_left_out() -> None:
    usages = too_short_for_the_small_model()
    cached = recommend(books(usages), card(), Config(), levers=[PromptCache()])
    both = recommend(books(usages), card(), Config(), levers=THREE[:2])
    smaller = recommend(books(usages), card(), Config(), levers=[Downgrade()])
    assert 0 < saved(smaller) < saved(cached) == saved(both)
    assert [one.name for one in both.recommendations] == [
        one.name for one in cached.recommendations
    ]
    (left,) = (one for one in both.left if one.lever == "downgrade")
    more = (saved(cached) - saved(smaller)) / 10**12
    assert left.workflow == "labels-0"
    assert left.why == (
        f"the plan saves ${more:,.2f} more here without it, as it would leave less to prompt cache "
        "than it saves"
    )


def test_every_set_of_levers_is_worth_at_least_its_subsets() -> None:
    usages = too_short_for_the_small_model() + night(
        1, per_night=120, model="claude-sonnet-4-5", uncached_input_tokens=9000
    )
    worths = [
        saved(
            recommend(
                books(usages),
                card(),
                Config(),
                levers=[lever for place, lever in enumerate(THREE) if mask >> place & 1],
            )
        )
        for mask in range(1, 8)
    ]
    worths.insert(0, 0)
    for mask in range(8):
        assert all(worths[mask] >= worths[mask & ~(1 << bit)] for bit in range(3))
    plan = recommend(books(usages), card(), Config(), levers=THREE)
    assert saved(plan) == sum(one.window.identified for one in plan.recommendations)
    used = {(one.lever, one.workflow) for one in plan.recommendations}
    assert ("downgrade", "labels-1") in used and ("downgrade", "labels-0") not in used
    assert saved(plan) == sum(one.shapley for one in plan.levers)
    assert all(0 <= one.shapley <= one.standalone for one in plan.levers)


def test_who_dismisses_the_better_lever_gets_the_other() -> None:
    usages = too_short_for_the_small_model()
    (better,) = recommend(books(usages), card(), Config(), levers=THREE[:2]).recommendations
    decided = Decided((Decision(name=better.name, choice="dismissed", at=datetime(2026, 11, 20)),))
    plan = recommend(books(usages), card(), Config(), levers=THREE[:2], decided=decided)
    assert [one.lever for one in plan.recommendations] == ["downgrade"]


def test_what_is_too_large_to_cost_keeps_all_levers_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shapley, "MOST", 0)
    plan = recommend(books(too_short_for_the_small_model()), card(), Config(), levers=THREE[:2])
    assert [one.lever for one in plan.recommendations] == ["downgrade"]
    assert plan.split_costed == 0


@given(
    st.integers(0, 4).flatmap(lambda n: st.lists(st.integers(0, 9), min_size=2**n, max_size=2**n))
)
def test_the_best_subset_of_each_set(values: list[int]) -> None:
    values[0] = 0
    chosen, reached = coalitions.best(values)
    for mask, (subset, most) in enumerate(zip(chosen, reached, strict=True)):
        within = [each for each in range(len(values)) if each & ~mask == 0]
        assert subset in within and values[subset] == most
        assert most == max(values[each] for each in within)
        assert subset.bit_count() == max(e.bit_count() for e in within if values[e] == most)


NIGHTS = st.builds(
    night,
    st.integers(0, 3),
    per_night=st.sampled_from([20, 110, 150]),
    model=st.sampled_from(["claude-sonnet-4-5", "gpt-5.5"]),
    uncached_input_tokens=st.integers(900, 9000),
)
TORN = st.builds(
    night,
    st.integers(4, 7),
    per_night=st.just(120),
    model=st.just("claude-sonnet-4-5"),
    uncached_input_tokens=st.integers(1100, 3900),
)
"""Too short for the small model to cache."""
ODD = st.builds(stream, st.just(9), SHAPES)
RIVALS = {"downgrade", "prompt cache"}


def orders() -> st.SearchStrategy[list[Lever]]:
    """The levers in any order, of which all but the last are tried: that is none of the rivals."""
    others = [lever for lever in LEVERS if lever.name not in RIVALS]
    return st.sampled_from(others).flatmap(
        lambda last: st.permutations([lever for lever in LEVERS if lever is not last])
    )


def test_adding_a_lever_never_lowers_the_total() -> None:
    """Also where levers are in each other's way, which they are in half the examples or more."""
    torn: list[bool] = []

    @settings(max_examples=6, deadline=None, derandomize=True, database=None)
    @given(
        torn_night=TORN,
        beside=st.one_of(NIGHTS, ODD, st.just([])),
        order=orders(),
    )
    def holds(torn_night: list[Usage], beside: list[Usage], order: list[Lever]) -> None:
        usages = list({usage.call_id: usage for usage in [*torn_night, *beside]}.values())
        before = 0
        for count in (len(order) - 2, len(order)):
            levers = [lever for lever in LEVERS if lever in order[:count]]
            plan = recommend(books(usages), card(), Config(), levers=levers)
            assert before <= saved(plan) <= plan.spend
            assert saved(plan) == sum(one.shapley for one in plan.levers)
            before = saved(plan)
        torn.append(any("as it would leave less" in one.why for one in plan.left))

    holds()
    assert 2 * sum(torn) >= len(torn) >= 6, torn
