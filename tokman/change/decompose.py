"""The change between two sides, line by line and factor by factor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from tokman.change.lmdi import effects
from tokman.change.side import FAMILIES, UNSPLIT, Calls, Group, Line, Side
from tokman.errors import TokmanError

INTENSITIES = {
    "input": "input_per_call",
    "audio_input": "input_per_call",
    "image_input": "input_per_call",
    "output_tokens": "output_per_call",
    "audio_output_tokens": "output_per_call",
    "image_output_tokens": "output_per_call",
    "reasoning": "reasoning_per_call",
    "web_search_requests": "requests_per_call",
    "file_search_requests": "requests_per_call",
    "per_request": "requests_per_call",
    UNSPLIT: "tokens_per_call",
}
"""A family, and the name of the factor that is how much of it a call buys."""

LAST = ("caching", "tier", "prompt_length", "price", "discount")
"""The factors beneath: shares of a family, of a class at terms, of terms at a prompt length; the
list price of a unit; and what is paid of the list price."""

DETAILS = ("bought", "tier", "prompt")
"""What a change can be seen by beside its own dimensions."""


class Leaf(msgspec.Struct, frozen=True):
    """One line on both sides, pico-dollars; the effects add up to after − before."""

    line: Line
    before: int
    after: int
    effects: dict[str, int]
    """By factor; those that did nothing are left out."""


class Moved(msgspec.Struct, frozen=True):
    """Lines added up that have the same values in some dimensions."""

    values: tuple[str | None, ...]
    before: int
    after: int
    parts: dict[str, int]
    presence: Literal["both", "new", "gone"]

    @property
    def amount(self) -> int:
        """By how much it moved, pico-dollars."""
        return self.after - self.before


class Change(msgspec.Struct, frozen=True):
    """Why spend moved from one side to the other; every amount in whole pico-dollars."""

    dimensions: tuple[str, ...]
    factors: tuple[str, ...]
    """In the order in which spend is their product."""
    leaves: list[Leaf]
    before: Side
    after: Side

    @property
    def amount(self) -> int:
        """Spend after less spend before."""
        return sum(leaf.after - leaf.before for leaf in self.leaves)

    @property
    def parts(self) -> dict[str, int]:
        """What each factor did; they add up to `amount`."""
        return _added(self.factors, (leaf.effects for leaf in self.leaves))

    def by(self, *names: str) -> list[Moved]:
        """The change seen by dimensions or DETAILS, what moved most first; the rows add up to the
        whole, and their parts to its parts."""
        places = [self._place(name) for name in names]
        found: dict[tuple[str | None, ...], list[Leaf]] = {}
        for leaf in self.leaves:
            every = (*leaf.line.group, *leaf.line[1:])
            found.setdefault(tuple(every[place] for place in places), []).append(leaf)
        rows = [self._moved(values, leaves) for values, leaves in found.items()]
        rows.sort(key=lambda row: (-abs(row.amount), [(v is None, v or "") for v in row.values]))
        return rows

    def _place(self, name: str) -> int:
        every = (*self.dimensions, *DETAILS)
        if name not in every:
            raise TokmanError(f"the change has no {name!r}", f"choose from {', '.join(every)}")
        return every.index(name)

    def _moved(self, values: tuple[str | None, ...], leaves: list[Leaf]) -> Moved:
        before, after = (
            sum(getattr(leaf, side) for leaf in leaves) for side in ("before", "after")
        )
        here = any(leaf.line in self.before.lines for leaf in leaves)
        there = any(leaf.line in self.after.lines for leaf in leaves)
        return Moved(
            values,
            before,
            after,
            _added(self.factors, (leaf.effects for leaf in leaves)),
            "both" if here and there else "new" if there else "gone",
        )


def decompose(
    before: Side, after: Side, dimensions: Sequence[str] = ("workflow", "model")
) -> Change:
    """Split the change in cost from `before` to `after` among the factors that spend is made of.

    Cost of a line = period length · calls a period · share of the first dimension · share of the
    next within it, … · share of calls that bought something · units of the family a call · share of
    the class in the family (caching) · share bought at these terms (tier) · share at this prompt
    length · list price of a unit · share of the list price paid (discount).

    `dimensions` name the values of every `Line.group`, outermost first. ValueError where a group
    has another number of values, or a cost without calls.
    """
    factors = (
        "length",
        "volume",
        *(f"{name}_mix" for name in dimensions),
        "paid_share",
        *dict.fromkeys(INTENSITIES.values()),
        *LAST,
    )
    totals = [_Totals(side, len(dimensions)) for side in (before, after)]
    leaves = []
    for line in sorted({*before.lines, *after.lines}, key=_order):
        old, new = (each.chain(line) for each in totals)
        names = (
            *factors[: len(dimensions) + 3],
            INTENSITIES[FAMILIES[line.bought]],
            *LAST,
        )
        done = {name: part for name, part in zip(names, effects(old, new), strict=True) if part}
        leaves.append(Leaf(line, old[-1], new[-1], done))
    return Change(tuple(dimensions), factors, leaves, before, after)


def _order(line: Line) -> tuple[list[tuple[bool, str]], tuple[str, ...]]:
    return [(value is None, value or "") for value in line.group], line[1:]


def _added(factors: Iterable[str], effects: Iterable[dict[str, int]]) -> dict[str, int]:
    """The effects added up by factor, in the order of the factors."""
    total = dict.fromkeys(factors, 0)
    for each in effects:
        for name, part in each.items():
            total[name] += part
    return total


class _Totals:
    """The sums of one side that the chain of a line is made of."""

    def __init__(self, side: Side, depth: int) -> None:
        self._side = side
        self._made: dict[Group, int] = {}
        for group, calls in side.calls.items():
            if len(group) != depth:
                raise ValueError(f"{group} has not {depth} values")
            for upto in range(depth + 1):
                self._made[group[:upto]] = self._made.get(group[:upto], 0) + calls.made
        self._units: dict[tuple[object, ...], int] = {}
        for line, amount in side.lines.items():
            if amount.cost and not side.calls.get(line.group, Calls(0, 0)).paid:
                raise ValueError(f"{line} has a cost and no calls")
            for key in _levels(line):
                self._units[key] = self._units.get(key, 0) + amount.units

    def chain(self, line: Line) -> list[int]:
        """From the length of the period down to the cost; see `tokman.change.lmdi`."""
        side, group = self._side, line.group
        made = [self._made.get(group[:upto], 0) for upto in range(len(group) + 1)]
        paid = side.calls.get(group, Calls(0, 0)).paid
        units = [self._units.get(key, 0) for key in _levels(line)]
        amount = side.lines.get(line)
        costs = (amount.list_cost, amount.cost) if amount else (0, 0)
        return [side.length, *made, paid, *units, *costs]


def _levels(line: Line) -> Iterator[tuple[object, ...]]:
    """What a line's units are counted in: its family, its class, its terms, its prompt length."""
    yield (line.group, FAMILIES[line.bought])
    yield (line.group, FAMILIES[line.bought], line.bought)
    yield (line.group, FAMILIES[line.bought], line.bought, line.tier)
    yield (line.group, FAMILIES[line.bought], line.bought, line.tier, line.prompt)
