"""What moved behind a cause: growth and shares, from the sides themselves."""

from __future__ import annotations

import math
from collections.abc import Callable

from tokman.change.decompose import Change, Leaf
from tokman.change.lmdi import log_ratio, logarithmic_mean
from tokman.change.side import FAMILIES, Group, Line, Side

Effects = list[tuple[Leaf, int]]
"""Leaves, and the part of a cause that each is."""

LONE = 0.2
"""A growth is told where what has none moved no more than this share of it."""


def units_growth(change: Change, who: Group, effects: Effects, families: set[str]) -> float | None:
    """By how much units a call grew on the mean of a workflow's models and families, each weighing
    its logarithmic mean cost; None where families that begin or end moved a good part."""
    before, after = (_per_call(side, who, families) for side in (change.before, change.after))
    moved = {key: (before[key], after[key]) for key in before if key in after}
    lone = [p for leaf, p in effects if (leaf.line.group, FAMILIES[leaf.line.bought]) not in moved]
    return _mean_growth(effects, lone, list(moved.values()))


def price_growth(change: Change, who: Group, effects: Effects) -> float | None:
    """By how much list prices grew on the mean of the lines of a model, likewise."""
    before, after = (
        {
            line: (amount.list_cost / amount.units, amount.cost)
            for line, amount in side.lines.items()
            if amount.cost and line.group[len(line.group) - len(who) :] == who
        }
        for side in (change.before, change.after)
    )
    moved = {line: (before[line], after[line]) for line in before if line in after}
    lone = [part for leaf, part in effects if leaf.line not in moved]
    return _mean_growth(effects, lone, list(moved.values()))


Measured = tuple[float, int]
"""What may have grown, and its cost."""


def _mean_growth(
    effects: Effects, lone: list[int], moved: list[tuple[Measured, Measured]]
) -> float | None:
    if not moved or sum(map(abs, lone)) > LONE * abs(sum(part for _, part in effects)):
        return None
    weights = [logarithmic_mean(old[1], new[1]) for old, new in moved]
    logs = [log_ratio(new[0], old[0]) for old, new in moved]
    total = math.fsum(weight * log for weight, log in zip(weights, logs, strict=True))
    return math.exp(total / math.fsum(weights))


def _per_call(side: Side, who: Group, families: set[str]) -> dict[tuple[Group, str], Measured]:
    """Units a call, and cost, of each group and family that costs anything."""
    sums: dict[tuple[Group, str], list[int]] = {}
    for line, amount in side.lines.items():
        family = FAMILIES[line.bought]
        if family in families and line.group[: len(who)] == who:
            own = sums.setdefault((line.group, family), [0, 0])
            own[0] += amount.units
            own[1] += amount.cost
    return {
        key: (units / side.calls[key[0]].paid, cost)
        for key, (units, cost) in sums.items()
        if cost > 0
    }


Counted = dict[str, tuple[int, int]]
"""By name: calls or tokens, and their cost."""


def swapped(
    change: Change, who: Group, amount: int, counted: Callable[[Side, Group], Counted]
) -> tuple[str | None, str | None, tuple[float, float] | None]:
    """Whose share fell most, whose rose most, and that share before and after; nothing where the
    one costs more each than the other and yet the amount went the other way."""
    before, after = (counted(side, who) for side in (change.before, change.after))
    wholes = [sum(count for count, _ in side.values()) for side in (before, after)]
    if not all(wholes):
        return None, None, None
    shares = {
        name: (before.get(name, (0, 0))[0] / wholes[0], after.get(name, (0, 0))[0] / wholes[1])
        for name in sorted({*before, *after})
    }
    gains = {name: new - old for name, (old, new) in shares.items()}
    to, origin = max(gains, key=lambda n: gains[n]), min(gains, key=lambda n: gains[n])
    if gains[to] <= 0 or gains[origin] >= 0:
        return None, None, None
    dearer = after[to][1] / after[to][0] - before[origin][1] / before[origin][0]
    return (origin, to, shares[to]) if dearer * amount > 0 else (None, None, None)


def calls_by_model(side: Side, who: Group) -> Counted:
    """Calls of a workflow that went to each model, and what they cost."""
    found: Counted = {}
    for group, calls in side.calls.items():
        if group[: len(who)] == who and calls.made:
            _add(found, group[-1] or "(none)", calls.made, 0)
    for line, amount in side.lines.items():
        if line.group[: len(who)] == who:
            _add(found, line.group[-1] or "(none)", 0, amount.cost)
    return found


def units_by_tier(side: Side, who: Group) -> Counted:
    """Tokens of a workflow bought at each terms, and what they cost."""
    found: Counted = {}
    for line, units in _lines(side, who):
        if units:
            _add(found, line.tier, units, side.lines[line].cost)
    return found


def _add(found: Counted, name: str, count: int, cost: int) -> None:
    own = found.get(name, (0, 0))
    found[name] = own[0] + count, own[1] + cost


def _lines(side: Side, who: Group) -> list[tuple[Line, int]]:
    return [
        (line, amount.units)
        for line, amount in side.lines.items()
        if line.group[: len(who)] == who and not line.bought.endswith(("_requests", "per_request"))
    ]


def paid(side: Side, who: Group) -> float | None:
    """The share of a workflow's calls that bought something."""
    every = [calls for group, calls in side.calls.items() if group[: len(who)] == who]
    made = sum(calls.made for calls in every)
    return sum(calls.paid for calls in every) / made if made else None


def read(side: Side, who: Group) -> float | None:
    """The share of a workflow's input that was read from a cache."""
    return _share(
        side,
        who,
        lambda line: FAMILIES[line.bought] in ("input", "audio_input"),
        lambda line: line.bought.startswith("cache_read"),
    )


def long(side: Side, who: Group) -> float | None:
    """The share of a workflow's tokens that were of prompts past an edge of their price."""
    return _share(side, who, lambda line: True, lambda line: bool(line.prompt))


def _share(
    side: Side, who: Group, counts: Callable[[Line], bool], has: Callable[[Line], bool]
) -> float | None:
    lines = [(line, units) for line, units in _lines(side, who) if counts(line)]
    whole = sum(units for _, units in lines)
    return sum(units for line, units in lines if has(line)) / whole if whole else None
