"""The index taken level by level down the tree of calls, workflows, models, classes and terms.

A node is a category: a workflow, a model in it, …, a class of tokens at its terms. It has a count,
a cost, and so a cost per unit. A workflow's cost is its count times its cost per unit, which is the
sum over its models of share × cost per unit, and so on down. At every level LMDI-I splits a node's
contribution z to its parent's cost per unit, z = share × u: the share's effect is
L(z¹, z⁰) · ln(share¹/share⁰), the rest is M · Δu with M = L(z¹, z⁰) / L(u¹, u⁰), and goes down.
With one category at each level this is LMDI-I over all factors.

Where a category is new or gone, z begins or ends at zero, and the effect is at its limit: the whole
of Δz is the share's (B. W. Ang and N. Liu, "Handling zero values in the logarithmic mean Divisia
index decomposition approach", Energy Policy 35, 2007). The levels above keep what is theirs: a
model that takes another's place while calls double is a change of models at mean calls, and
twice the calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tokman.change.lmdi import log_ratio, logarithmic_mean, whole
from tokman.change.side import FAMILIES, Amount, Calls, Line, Side

Key = tuple[object, ...]

Pair = tuple[int, int]
"""Before and after."""

NOTHING = Amount(0, 0, 0)


class Node(NamedTuple):
    """A category on both sides."""

    counts: Pair
    """Calls, or units of what is bought."""
    shares_equal: bool
    """Its share of its parent is the same on both sides."""
    weight: float | None
    """What its cost per unit weighs in the whole: the product of M down to here; None where it
    costs nothing on a side."""


class Tree:
    """Two sides as one tree."""

    def __init__(self, before: Side, after: Side, depth: int) -> None:
        self._sides = before, after
        self._lengths = before.length, after.length
        self._sums = [_sums(side, depth) for side in self._sides]
        self._nodes: dict[Key, Node] = {}

    def effects(self, line: Line, names: Sequence[str]) -> dict[str, int]:
        """What each factor did to the cost of a line, in whole pico-dollars that add up to its
        change; those that did nothing are left out.

        `names` are those of the length of the period, the calls in it, the share at each level of
        the tree, the price and the discount.
        """
        old, new = (side.lines.get(line, NOTHING) for side in self._sides)
        change = new.cost - old.cost
        if not change and not old.cost:
            return {}
        parts = [0.0] * len(names)
        carried, weight = float(change), 1.0
        parent: Key | None = None
        for level, key in enumerate(levels(line)):
            node = self._node(key, parent, weight)
            place = level + 2
            if node.weight is None:
                parts[self._first_zero(line, place, names)] += carried
                return _whole(names, parts, change)
            weight, parent = node.weight, key
            below = carried
            if not node.shares_equal:
                each = new.cost / node.counts[1] - old.cost / node.counts[0]
                below = weight * each
            if level:
                parts[place] = carried - below
            else:
                own = (old.cost + new.cost) / sum(self._costs(key))
                parts[:3] = self._calls(key, own, carried - below)
            carried = below
        parts[-2:] = _prices(old, new, carried, weight)
        return _whole(names, parts, change)

    def _costs(self, key: Key) -> Pair:
        one, other = (sums.costs.get(key, 0) for sums in self._sums)
        return one, other

    def _counts(self, key: Key) -> Pair:
        one, other = (sums.counts.get(key, 0) for sums in self._sums)
        return one, other

    def _node(self, key: Key, parent: Key | None, above: float) -> Node:
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = self._made(key, parent, above)
        return found

    def _made(self, key: Key, parent: Key | None, above: float) -> Node:
        counts, costs = self._counts(key), self._costs(key)
        if costs[0] * costs[1] <= 0:
            return Node(counts, False, None)
        wholes = (1, 1) if parent is None else self._counts(parent)
        contributed = [cost / whole for cost, whole in zip(costs, wholes, strict=True)]
        each = [cost / count for cost, count in zip(costs, counts, strict=True)]
        weight = above * logarithmic_mean(*contributed) / logarithmic_mean(*each)
        return Node(counts, counts[1] * wholes[0] == counts[0] * wholes[1], weight)

    def _first_zero(self, line: Line, place: int, names: Sequence[str]) -> int:
        """The factor that is zero where the line costs nothing: the highest from `place` down."""
        for sums, side in zip(self._sums, self._sides, strict=True):
            amount = side.lines.get(line, NOTHING)
            if amount.cost:
                continue
            if not sums.counts.get(()):
                return 1
            for level, key in enumerate(levels(line)):
                if level + 2 >= place and not sums.counts.get(key):
                    return level + 2
            return len(names) - (1 if amount.list_cost else 2)
        return len(names) - 2  # a price that changed its sign

    def _calls(self, key: Key, own: float, total: float) -> list[float]:
        """A line's part of the effects of length, calls in it and first share; `own` is its share
        of the costs of its first category. They add up to `total`."""
        made, first, lengths = self._counts(()), self._counts(key), self._lengths
        logs = [
            log_ratio(lengths[1], lengths[0]),
            log_ratio(made[1] * lengths[0], made[0] * lengths[1]),
            log_ratio(first[1] * made[0], first[0] * made[1]),
        ]
        mean = own * logarithmic_mean(*self._costs(key))
        parts = [mean * log for log in logs]
        size = sum(map(abs, logs))
        off = total - sum(parts)
        return [part + off * abs(log) / (size or 1) for part, log in zip(parts, logs, strict=True)]


def levels(line: Line) -> list[Key]:
    """The nodes above a line and its own: each dimension, calls that bought something, the family
    of what was bought, the class in it, its terms, its prompt length."""
    group, family = line.group, FAMILIES[line.bought]
    return [
        *(group[: depth + 1] for depth in range(len(group))),
        ("paid", group),
        (family, group),
        (family, group, line.bought),
        (family, group, line.bought, line.tier),
        (family, group, line.bought, line.tier, line.prompt),
    ]


class _Sums(NamedTuple):
    counts: dict[Key, int]
    costs: dict[Key, int]


def _sums(side: Side, depth: int) -> _Sums:
    """Counts and costs of every node of a side; () is the whole."""
    counts: dict[Key, int] = {}
    costs: dict[Key, int] = {}
    for group, calls in side.calls.items():
        if len(group) != depth:
            raise ValueError(f"{group} has not {depth} values")
        for upto in range(depth + 1):
            counts[group[:upto]] = counts.get(group[:upto], 0) + calls.made
        counts["paid", group] = calls.paid
    for line, amount in side.lines.items():
        if amount.cost and not side.calls.get(line.group, Calls(0, 0)).paid:
            raise ValueError(f"{line} has a cost and no calls")
        for place, key in enumerate(levels(line)):
            costs[key] = costs.get(key, 0) + amount.cost
            if place > depth:
                counts[key] = counts.get(key, 0) + amount.units
    return _Sums(counts, costs)


def _prices(old: Amount, new: Amount, carried: float, weight: float) -> tuple[float, float]:
    """The parts of list price and discount, which add up to what is carried down to them."""
    if new.cost * old.list_cost == old.cost * new.list_cost:
        return carried, 0.0
    if new.list_cost * old.units == old.list_cost * new.units:
        return 0.0, carried
    mean = weight * logarithmic_mean(old.cost / old.units, new.cost / new.units)
    price = mean * log_ratio(new.list_cost / new.units, old.list_cost / old.units)
    return price, carried - price


def _whole(names: Sequence[str], parts: Sequence[float], change: int) -> dict[str, int]:
    """The parts in whole units; what did nothing is given none."""
    moved = {name: part for name, part in zip(names, parts, strict=True) if part}
    units = whole(list(moved.values()), change)
    return {name: unit for name, unit in zip(moved, units, strict=True) if unit}
