"""Sides of calls: every cause is named as what it is, whatever enters, leaves or turns around."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokman.change import Change, Line, Side, decompose
from tokman.change.side import FAMILIES, UNSPLIT
from tokman.errors import TokmanError

READ, PLAIN, OUT = "cache_read_input_tokens", "uncached_input_tokens", "output_tokens"


def side(*rows: tuple[Any, ...], length: int = 1) -> Side:
    """A side of rows (workflow, model, calls, {bought: (units, price)}[, tier[, prompt]])."""
    made = Side(length=length)
    for workflow, model, calls, bought, *terms in rows:
        made.add_calls((workflow, model), calls)
        for name, (units, price) in bought.items():
            made.add(Line((workflow, model), name, *terms), units, units * price)
    return made


def moved(change: Change) -> dict[str, int]:
    """The parts that are not zero."""
    assert sum(change.parts.values()) == change.amount == change.after.cost - change.before.cost
    return {name: part for name, part in change.parts.items() if part}


BASE = [
    ("support", "big", 100, {PLAIN: (10_000, 50), OUT: (2_000, 250)}),
    ("labels", "small", 300, {PLAIN: (30_000, 10), OUT: (600, 40)}),
]


def test_twice_the_traffic_is_all_volume() -> None:
    twice = [
        (w, m, 2 * n, {k: (2 * units, price) for k, (units, price) in bought.items()})
        for w, m, n, bought in BASE
    ]
    change = decompose(side(*BASE), side(*twice))
    assert moved(change) == {"volume": side(*BASE).cost}


def test_a_vendors_new_price_is_all_price() -> None:
    cheaper = [
        (w, m, n, {k: (units, price * 8 // 10) for k, (units, price) in bought.items()})
        for w, m, n, bought in BASE
    ]
    change = decompose(side(*BASE), side(*cheaper))
    assert moved(change) == {"price": -side(*BASE).cost // 5}


def test_a_longer_period_is_its_length() -> None:
    twice = [
        (w, m, 2 * n, {k: (2 * units, price) for k, (units, price) in bought.items()})
        for w, m, n, bought in BASE
    ]
    change = decompose(side(*BASE, length=15), side(*twice, length=30))
    assert moved(change) == {"length": side(*BASE).cost}


def test_a_workflow_that_ends_is_workflow_mix_and_never_volume() -> None:
    """Factors that are all zero for what is gone would make an exit look like less traffic."""
    change = decompose(side(*BASE), side(BASE[0], ("other", "small", 300, {OUT: (1, 1)})))
    labels = next(row for row in change.by("workflow") if row.values == ("labels",))
    assert labels.presence == "gone"
    assert {k: v for k, v in labels.parts.items() if v} == {"workflow_mix": -324_000}
    assert change.parts["volume"] == 0


def test_a_swap_of_models_is_model_mix() -> None:
    now = ("support", "small", 100, {PLAIN: (10_000, 10), OUT: (2_000, 40)})
    change = decompose(side(*BASE), side(now, BASE[1]))
    assert moved(change) == {"model_mix": 180_000 - 1_000_000}


def test_a_cache_switched_on_is_caching() -> None:
    bought = {PLAIN: (1_000, 50), READ: (9_000, 5), OUT: (2_000, 250)}
    change = decompose(side(*BASE), side(("support", "big", 100, bought), BASE[1]))
    assert moved(change) == {"caching": 9_000 * (5 - 50)}


def test_a_longer_context_is_input_and_leaves_the_output_alone() -> None:
    bought = {PLAIN: (14_000, 50), OUT: (2_000, 250)}
    change = decompose(side(*BASE), side(("support", "big", 100, bought), BASE[1]))
    assert moved(change) == {"input_per_call": 4_000 * 50}


def test_reasoning_that_begins_is_reasoning() -> None:
    bought = {PLAIN: (10_000, 50), OUT: (2_000, 250), "reasoning_output_tokens": (500, 250)}
    change = decompose(side(*BASE), side(("support", "big", 100, bought), BASE[1]))
    assert moved(change) == {"reasoning_per_call": 500 * 250}


def test_a_move_to_batch_is_tier_and_no_price() -> None:
    full = ("labels", "small", 300, {OUT: (600, 40)})
    half = ("labels", "small", 150, {OUT: (300, 40)})
    batch = ("labels", "small", 150, {OUT: (300, 20)}, "batch")
    assert moved(decompose(side(full), side(half, batch))) == {"tier_mix": -300 * 20}


def test_prompts_past_the_edge_pay_the_surcharge_only() -> None:
    short = ("agent", "big", 10, {PLAIN: (1_000, 50)})
    now = [
        ("agent", "big", 5, {PLAIN: (500, 50)}),
        ("agent", "big", 5, {PLAIN: (500, 100)}, "standard", ">200000"),
    ]
    assert moved(decompose(side(short), side(*now))) == {"prompt_length_mix": 500 * 50}


def test_searches_are_requests() -> None:
    some = ("agent", "big", 10, {PLAIN: (1_000, 50), "web_search_requests": (3, 10_000)})
    many = ("agent", "big", 10, {PLAIN: (1_000, 50), "web_search_requests": (9, 10_000)})
    assert moved(decompose(side(some), side(many))) == {"requests_per_call": 60_000}


def test_answers_of_a_response_cache_are_the_share_paid_for() -> None:
    before = side(("faq", "big", 100, {OUT: (1_000, 10)}))
    after = Side()
    after.add_calls(("faq", "big"), 100, paid=25)
    after.add(Line(("faq", "big"), OUT), 250, 2_500)
    assert moved(decompose(before, after)) == {"paid_share": -7_500}
    nothing_bought = Side()
    nothing_bought.add_calls(("faq", "big"), 100, paid=0)
    assert moved(decompose(before, nothing_bought)) == {"paid_share": -10_000}


def test_a_discount_is_not_the_vendors_price() -> None:
    line, paid = Line(("faq", "big"), OUT), Side()
    paid.add_calls(line.group, 10)
    paid.add(line, 1_000, 10_000, cost=9_000)
    assert moved(decompose(side(("faq", "big", 10, {OUT: (1_000, 10)})), paid)) == {
        "discount": -1_000
    }


def test_a_model_that_was_free_is_price() -> None:
    free = side(("faq", "big", 10, {OUT: (1_000, 0)}))
    paid = side(("faq", "big", 20, {OUT: (2_000, 7)}))
    assert moved(decompose(free, paid)) == {"price": 14_000}


def test_from_nothing_and_to_nothing_is_volume() -> None:
    assert moved(decompose(Side(), side(*BASE))) == {"volume": side(*BASE).cost}
    assert moved(decompose(side(*BASE), Side())) == {"volume": -side(*BASE).cost}
    assert moved(decompose(Side(), Side())) == {}


def test_what_cannot_be_is_refused() -> None:
    broken = Side()
    with pytest.raises(ValueError, match="nothing is bought"):
        broken.add(Line(("a", "b"), "dreams"), 1, 1)
    with pytest.raises(ValueError, match="cannot cost"):
        broken.add(Line(("a", "b"), OUT), 0, 1)
    with pytest.raises(ValueError, match="cannot have bought"):
        broken.add_calls(("a", "b"), 1, paid=2)
    broken.add(Line(("a", "b"), OUT), 1, 1)
    with pytest.raises(ValueError, match="no calls"):
        decompose(broken, Side())
    with pytest.raises(ValueError, match="has not 1 values"):
        decompose(side(*BASE), Side(), ("workflow",))
    with pytest.raises(TokmanError, match="no 'colour'"):
        decompose(Side(), Side()).by("colour")


def random_sides(seed: int) -> tuple[Side, Side]:
    """Two sides with everything that may happen: entries, exits, free calls, discounts, zeros."""
    draw = random.Random(seed)
    names = [name for name in FAMILIES if name != UNSPLIT]
    scale = 10 ** draw.randint(0, 9)
    sides = []
    for _ in range(2):
        made = Side(length=draw.randint(1, 31))
        for workflow in draw.sample(["a", "b", "c", None], draw.randint(0, 4)):
            for model in draw.sample(["x", "y", None], draw.randint(1, 3)):
                calls = draw.randint(1, 1000)
                paid = draw.choice([calls, draw.randint(0, calls)])
                made.add_calls((workflow, model), calls, paid)
                for bought in draw.sample(names, draw.randint(1, 5)) if paid else ():
                    tier, prompt = draw.choice(["standard", "batch"]), draw.choice(["", ">200000"])
                    units = draw.randint(1, 10**6)
                    listed = units * draw.choice([0, 1, draw.randint(1, scale)])
                    cost = draw.choice([listed, listed * 9 // 10])
                    made.add(Line((workflow, model), bought, tier, prompt), units, listed, cost)
        sides.append(made)
    return sides[0], sides[1]


def by_formula(before: Side, after: Side) -> dict[str, float]:
    """The effects of whole categories from the top down, Σ weight · L(z¹, z⁰) · ln(share¹/share⁰),
    each count and cost summed anew from the plain rows, no line ever looked at but at the leaves
    and where a category has no cost on a side."""
    parts: dict[str, float] = defaultdict(float)
    sides = before, after
    names = "workflow_mix model_mix paid_share intensity caching tier_mix prompt_length_mix".split()

    def own(line: Line, level: int) -> tuple[Any, ...]:
        steps = (*line.group, "", FAMILIES[line.bought], *line[1:])
        return tuple(map(str, steps[:level]))

    def cost(side: Side, key: tuple[Any, ...]) -> int:
        return sum(a.cost for x, a in side.lines.items() if own(x, len(key)) == key)

    def count(side: Side, key: tuple[Any, ...]) -> int:
        if len(key) > 3:
            return sum(a.units for x, a in side.lines.items() if own(x, len(key)) == key)
        calls = [c for g, c in side.calls.items() if tuple(map(str, (*g, "")))[: len(key)] == key]
        return sum(c.paid if len(key) == 3 else c.made for c in calls)

    def mean(a: float, b: float) -> float:
        near = math.isclose(a, b, rel_tol=1e-14)
        return a if near else float((a - b) / math.log(a / b))

    def leaf(key: tuple[Any, ...], weight: float) -> None:
        (old, new) = (
            next(a for x, a in side.lines.items() if own(x, len(key)) == key) for side in sides
        )
        weight *= mean(new.cost / new.units, old.cost / old.units)
        listed = new.list_cost / new.units / (old.list_cost / old.units)
        parts["price"] += weight * math.log(listed)
        paid = new.cost / new.list_cost / (old.cost / old.list_cost)
        parts["discount"] += weight * math.log(paid)

    def vanished(key: tuple[Any, ...], weight: float, wholes: list[float]) -> None:
        for line in {*before.lines, *after.lines}:
            if own(line, len(key)) != key:
                continue
            amounts = [side.lines.get(line) for side in sides]
            values = [a.cost if a else 0 for a in amounts]
            if not any(values):
                continue
            empty = values.index(0)
            moved = weight * (values[1] / (wholes[1] or 1) - values[0] / (wholes[0] or 1))
            if not sides[empty].calls:
                parts["volume"] += moved
                continue
            for level in range(len(key), 8):
                if not count(sides[empty], own(line, level)):
                    parts[names[level - 1]] += moved
                    break
            else:
                gone = amounts[empty]
                assert gone is not None
                parts["discount" if gone.list_cost else "price"] += moved

    def down(key: tuple[Any, ...], weight: float) -> None:
        if len(key) == 7:
            return leaf(key, weight)
        wholes = [1.0 if not key else float(count(side, key)) for side in sides]
        every = {*before.lines, *after.lines}
        for child in {own(x, len(key) + 1) for x in every if own(x, len(key)) == key}:
            costs = [cost(side, child) for side in sides]
            if not all(costs):
                vanished(child, weight, wholes)
                continue
            counts = [count(side, child) for side in sides]
            gave = [c / w for c, w in zip(costs, wholes, strict=True)]
            each = [c / n for c, n in zip(costs, counts, strict=True)]
            effect = weight * mean(gave[1], gave[0])
            if key:
                share = counts[1] / wholes[1] / (counts[0] / wholes[0])
                parts[names[len(key)]] += effect * math.log(share)
            else:
                made = [sum(c.made for c in side.calls.values()) for side in sides]
                parts["length"] += effect * math.log(after.length / before.length)
                a_period = made[1] / after.length / (made[0] / before.length)
                parts["volume"] += effect * math.log(a_period)
                share = counts[1] / made[1] / (counts[0] / made[0])
                parts["workflow_mix"] += effect * math.log(share)
            down(child, effect / mean(each[1], each[0]))
        return None

    down((), 1.0)
    return parts


INTENSITY = ("input", "output", "reasoning", "requests", "tokens")


@pytest.mark.parametrize("first", range(0, 5000, 1000))
def test_random_cases(first: int) -> None:
    for seed in range(first, first + 1000):
        before, after = random_sides(seed)
        change = decompose(before, after)
        spend = max(before.cost, after.cost, 1)
        forward = moved(change)
        back = decompose(after, before)
        assert moved(back) == {name: -part for name, part in forward.items()}, seed
        for leaf, turned in zip(change.leaves, back.leaves, strict=True):
            assert leaf.effects == {name: -part for name, part in turned.effects.items()}, seed
        if seed % 5:
            continue
        for names in (("workflow",), ("model", "bought"), ("tier", "prompt"), ()):
            rows = change.by(*names)
            assert sum(row.amount for row in rows) == change.amount
            for factor, part in change.parts.items():
                assert sum(row.parts[factor] for row in rows) == part, seed
        if seed % 10:
            continue
        expected = by_formula(before, after)
        assert math.isclose(sum(expected.values()), change.amount, abs_tol=1e-9 * spend)
        got = {name: part for name, part in change.parts.items() if not name.endswith("_per_call")}
        got["intensity"] = sum(change.parts[f"{name}_per_call"] for name in INTENSITY)
        for name, part in got.items():
            near = len(change.leaves) + 1e-9 * spend
            assert math.isclose(part, expected[name], rel_tol=1e-9, abs_tol=near), (seed, name)


def test_calls_that_double_while_their_model_is_replaced() -> None:
    """The new model is the old one's price, so that all of it is twice the calls."""
    change = decompose(
        side(("faq", "old", 100, {OUT: (1_000, 10)})), side(("faq", "new", 200, {OUT: (2_000, 10)}))
    )
    assert moved(change) == {"volume": 10_000}
    dearer = decompose(
        side(("faq", "old", 100, {OUT: (1_000, 10)})), side(("faq", "new", 200, {OUT: (2_000, 20)}))
    )
    growth = 30_000 / math.log(4)
    assert moved(dearer) == {
        "volume": round(growth * math.log(2)),
        "model_mix": round(growth * math.log(2)),
    }


def shapley(before: dict[str, list[float]], after: dict[str, list[float]]) -> dict[str, float]:
    """Each factor's mean effect over all orders in which they could have changed one by one:
    another method altogether, with which LMDI agrees where changes are small."""
    names = list(before)

    def worth(changed: frozenset[str]) -> float:
        every = [(after if name in changed else before)[name] for name in names]
        return math.fsum(math.prod(values) for values in zip(*every, strict=True))

    parts = {}
    for name in names:
        others = [other for other in names if other != name]
        total = 0.0
        for size in range(len(names)):
            for chosen in combinations(others, size):
                ways = math.factorial(size) * math.factorial(len(others) - size)
                gain = worth(frozenset((*chosen, name))) - worth(frozenset(chosen))
                total += ways / math.factorial(len(names)) * gain
        parts[name] = total
    return parts


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9))
def test_small_changes_agree_with_shapley(seed: int) -> None:
    draw = random.Random(seed)
    sides, factors = [], []
    base = [[draw.randint(10_000, 100_000) for _ in range(4)] for _ in range(6)]
    for _ in range(2):
        made, leaves = Side(), []
        for place, numbers in enumerate(base):
            calls, plain, read, out = (round(n * draw.uniform(0.99, 1.01)) for n in numbers)
            group = ("ab"[place % 2], "xyz"[place // 2])
            made.add_calls(group, calls)
            for bought, units in ((PLAIN, plain * 10), (READ, read * 10), (OUT, out)):
                price = draw.randint(9_900, 10_100)
                made.add(Line(group, bought), units, units * price)
                leaves.append((group, bought, calls, units, price))
        sides.append(made)
        workflow = {w: sum(c.made for g, c in made.calls.items() if g[0] == w) for w in "ab"}
        family = {
            (g, FAMILIES[b]): sum(
                u for h, o, _, u, _ in leaves if (h, FAMILIES[o]) == (g, FAMILIES[b])
            )
            for g, b, *_ in leaves
        }
        factors.append(
            {
                "volume": [float(made.made) for _ in leaves],
                "workflow_mix": [workflow[g[0]] / made.made for g, *_ in leaves],
                "model_mix": [n / workflow[g[0]] for g, _, n, *_ in leaves],
                "intensity": [family[g, FAMILIES[b]] / n for g, b, n, *_ in leaves],
                "caching": [u / family[g, FAMILIES[b]] for g, b, _, u, _ in leaves],
                "price": [float(p) for *_, p in leaves],
            }
        )
    change = decompose(sides[0], sides[1])
    got = {name: float(part) for name, part in change.parts.items()}
    got["intensity"] = sum(got[f"{name}_per_call"] for name in INTENSITY)
    for name, part in shapley(*factors).items():
        assert math.isclose(got[name], part, abs_tol=1e-5 * change.spent_before), name


def test_dimensions_are_the_callers() -> None:
    before, after = Side(), Side()
    for made, team in ((before, "red"), (after, "blue")):
        made.add_calls((team, "support", "big"), 10)
        made.add(Line((team, "support", "big"), OUT), 10, 100)
    change = decompose(before, after, ("team", "workflow", "model"))
    assert {row.values: row.parts["team_mix"] for row in change.by("team")} == {
        ("blue",): 100,
        ("red",): -100,
    }
