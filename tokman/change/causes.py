"""The causes of a change, largest first: who, what moved there, and by how much."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from tokman.change import figures
from tokman.change.decompose import INTENSITIES, Change
from tokman.change.figures import Effects
from tokman.change.side import Group, Side

Kind = Literal[
    "length", "calls", "new", "gone", "mix", "model", "paid", "input", "output", "reasoning",
    "requests", "tokens", "caching", "tier", "prompt", "price", "discount",
]  # fmt: skip

SHOWN = 4
"""Causes that a sentence has room for."""

TELLING = 0.03
"""A cause below this share of everything that moved is part of the rest."""

ENOUGH = 0.6
"""Where the causes by name explain less of what moved, they are told for all calls at once."""

ALIKE = 0.05
"""Calls of several workflows grew alike where their ratios lie this close together."""

_KINDS: dict[str, Kind] = {
    "length": "length",
    "model_mix": "model",
    "paid_share": "paid",
    "input_per_call": "input",
    "output_per_call": "output",
    "reasoning_per_call": "reasoning",
    "requests_per_call": "requests",
    "tokens_per_call": "tokens",
    "caching": "caching",
    "tier_mix": "tier",
    "prompt_length_mix": "prompt",
    "price": "price",
    "discount": "discount",
}

_OF_ALL = ("length", "discount")
"""Kinds that are nobody's own."""


class Cause(msgspec.Struct, frozen=True):
    """One cause; every leaf's effect is in exactly one, so that they add up to the change."""

    kind: Kind
    who: Group
    """The workflow, within other dimensions if there are any; of a price the model; () is all."""
    amount: int
    """Pico-dollars."""
    growth: float | None = None
    """What moved, after over before; None where it has no such ratio or is no part of a whole."""
    shares: tuple[float, float] | None = None
    """Before and after: of calls paid for, of input read from a cache, of tokens at `to`."""
    origin: str | None = None
    to: str | None = None
    """The model or terms that lost most, and those that gained most."""


def causes(change: Change) -> tuple[list[Cause], list[Cause]]:
    """The causes worth a word, largest first, and all the others. Together they are the change."""
    made = _Made(change)
    found = _found(change, made, named=True)
    told, rest = _telling(found)
    if _size(told) < ENOUGH * _size([*told, *rest]):
        found = _found(change, made, named=False)
        told, rest = _telling(found)
    return [_described(change, made, each, found[each.kind, each.who]) for each in told], rest


class _Made:
    """Calls of each workflow on both sides."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self.sides = [_by_prefix(side) for side in (change.before, change.after)]
        growths = [self.growth(each) for each in self.sides[0] if each and each in self.sides[1]]
        self.alike = len(growths) > 1 and max(growths) <= min(growths) * (1 + ALIKE)
        """Whether all that are on both sides grew by the same ratio."""

    def presence(self, who: Group) -> Kind:
        before, after = (who in side for side in self.sides)
        return "calls" if before and after else "new" if after else "gone"

    def growth(self, who: Group) -> float:
        """Calls a period of the same length, after over before."""
        before, after = self._change.before, self._change.after
        return (self.sides[1][who] * before.length) / (self.sides[0][who] * after.length)


def _by_prefix(side: Side) -> dict[Group, int]:
    """Calls by workflow, and of all as ()."""
    found: dict[Group, int] = {(): side.made} if side.calls else {}
    for group, calls in side.calls.items():
        found[group[:-1]] = found.get(group[:-1], 0) + calls.made
    return found


def _telling(found: dict[tuple[Kind, Group], Effects]) -> tuple[list[Cause], list[Cause]]:
    """The causes that a sentence has room for and that move enough, and the others."""
    every = [Cause(*key, sum(part for _, part in effects)) for key, effects in found.items()]
    every = [cause for cause in every if cause.amount]
    every.sort(key=lambda cause: (-abs(cause.amount), cause.kind, str(cause.who)))
    least = TELLING * _size(every)
    told = [cause for cause in every[:SHOWN] if abs(cause.amount) >= least]
    return told, every[len(told) :]


def _size(every: Iterable[Cause]) -> int:
    return sum(abs(cause.amount) for cause in every)


def _found(change: Change, made: _Made, *, named: bool) -> dict[tuple[Kind, Group], Effects]:
    """Every leaf's effects by cause; `named`: causes are told apart by whose they are."""
    found: dict[tuple[Kind, Group], Effects] = {}
    for leaf in change.leaves:
        prefix, model = leaf.line.group[:-1], leaf.line.group[-1:]
        for factor, part in leaf.effects.items():
            kind, who = _KINDS.get(factor, "calls"), prefix
            if kind == "calls":
                kind = made.presence(prefix) if named else "calls" if factor == "volume" else "mix"
                who = () if kind == "calls" and made.alike else prefix
            elif kind == "price":
                who = model
            key = kind, who if named and kind not in _OF_ALL else ()
            found.setdefault(key, []).append((leaf, part))
    return found


def _described(change: Change, made: _Made, cause: Cause, effects: Effects) -> Cause:
    """The cause with what moved; a figure that does not point where the money went is left out."""
    kind, who, amount = cause.kind, cause.who, cause.amount
    replace = msgspec.structs.replace
    if kind == "length":
        return replace(cause, growth=change.after.length / change.before.length)
    if kind == "calls":
        growth = made.growth(who) if made.presence(who) == "calls" else None
        return replace(cause, growth=_pointing(growth, amount))
    if kind == "price":
        growth = figures.price_growth(change, who, effects)
        return replace(cause, growth=_pointing(growth, amount))
    if families := {name for name, own in INTENSITIES.items() if _KINDS[own] == kind}:
        growth = figures.units_growth(change, who, effects, families)
        return replace(cause, growth=_pointing(growth, amount))
    if kind in ("model", "tier"):
        counted = figures.calls_by_model if kind == "model" else figures.units_by_tier
        origin, to, shares = figures.swapped(change, who, amount, counted)
        return replace(cause, origin=origin, to=to, shares=shares)
    of = {"paid": (figures.paid, 1), "caching": (figures.read, -1), "prompt": (figures.long, 1)}
    if kind in of:
        share, sign = of[kind]
        before, after = share(change.before, who), share(change.after, who)
        if before is not None and after is not None and (after - before) * sign * amount > 0:
            return replace(cause, shares=(before, after))
    return cause


def _pointing(growth: float | None, amount: int) -> float | None:
    return growth if growth is not None and (growth - 1) * amount > 0 else None
