"""What each lever is worth: golden games, and games of the chain itself."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

from tests.recommend.books import books, card, nightly
from tests.recommend.test_plan import everything
from tokman.config import Config
from tokman.recommend import recommend, shapley
from tokman.recommend.batch import Batch
from tokman.recommend.downgrade import Downgrade
from tokman.recommend.lever import Lever
from tokman.recommend.prompt_cache import PromptCache
from tokman.recommend.shapley import apportioned, shares

THREE: tuple[Lever, ...] = (Downgrade(), PromptCache(), Batch())


def by_orders(levers: list[str], values: list[int]) -> dict[str, float]:
    """The mean contribution over every order, as Shapley defined it (1953)."""
    sums = dict.fromkeys(levers, 0)
    orders = list(permutations(range(len(levers))))
    for order in orders:
        mask = 0
        for place in order:
            sums[levers[place]] += values[mask | 1 << place] - values[mask]
            mask |= 1 << place
    return {name: total / len(orders) for name, total in sums.items()}


def test_the_glove_game() -> None:
    """Two left gloves and a right one, a pair is worth 6: 1, 1 and 4 (Shapley and Shubik 1969)."""
    pair = {mask: 6 if mask & 4 and mask & 3 else 0 for mask in range(8)}
    fair = shares(["left", "other left", "right"], [pair[mask] for mask in range(8)])
    assert fair == {"left": 1, "other left": 1, "right": 4}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_any_game_is_its_mean_over_orders_to_the_pico_dollar(count: int) -> None:
    random = Random(count)
    levers = [f"lever {place}" for place in range(count)]
    for _ in range(20):
        values = [0] + [random.randrange(10**15) for _ in range(2**count - 1)]
        fair, slow = shares(levers, values), by_orders(levers, values)
        assert sum(fair.values()) == values[-1]
        assert all(abs(fair[name] - slow[name]) <= 1 for name in levers)


def test_a_total_is_apportioned_to_the_pico_dollar() -> None:
    assert apportioned(10, {"a": 1, "b": 1, "c": 1}) == {"a": 4, "b": 3, "c": 3}
    assert apportioned(7, {"a": 0, "b": 5}) == {"a": 0, "b": 7}


def test_levers_on_the_same_calls_share_what_they_save_together() -> None:
    plan = recommend(books(everything()), card(), Config(), levers=THREE)
    downgrade, cache, batch = plan.levers
    assert sum(one.shapley for one in plan.levers) == plan.spend - plan.spend_after
    assert downgrade.shapley < downgrade.incremental
    assert cache.incremental < cache.shapley < cache.standalone
    assert batch.incremental < batch.shapley < batch.standalone
    whole = {
        mask: recommend(
            books(everything()),
            card(),
            Config(),
            levers=[lever for place, lever in enumerate(THREE) if mask >> place & 1],
        )
        for mask in range(1, 8)
    }
    saved = [0, *(plan.spend - plan.spend_after for plan in whole.values())]
    slow = by_orders([lever.lever for lever in plan.levers], saved)
    assert all(abs(one.shapley - slow[one.lever]) <= 3 for one in plan.levers)


def test_what_is_not_costed_is_taken_from_its_like_and_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usages = [
        usage
        for workflow, size in (("labels", 120), ("marks", 180))
        for usage in nightly(
            per_night=size,
            workflow=workflow,
            model="claude-sonnet-4-5",
            output_tokens=3,
            uncached_input_tokens=10_000,
            block_hashes=[1],
            block_sizes=[100],
        )
    ]
    exact = recommend(books(usages), card(), Config(), levers=THREE)
    monkeypatch.setattr(shapley, "MOST", 28 * 180 * (3 + 8))
    near = recommend(books(usages), card(), Config(), levers=THREE)
    assert exact.split_costed == 1 and 0.5 < near.split_costed < 0.7
    assert sum(one.shapley for one in near.levers) == near.spend - near.spend_after
    for one, other in zip(exact.levers, near.levers, strict=True):
        assert one.incremental == other.incremental
        assert other.shapley == pytest.approx(one.shapley, rel=0.02)
        assert other.standalone == pytest.approx(one.standalone, rel=0.02)
    monkeypatch.setattr(shapley, "MOST", 0)
    ordered = recommend(books(usages), card(), Config(), levers=THREE)
    assert ordered.split_costed == 0
    assert all(one.shapley == one.incremental for one in ordered.levers)
