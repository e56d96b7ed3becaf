"""The change between two sides, line by line and factor by factor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal

import msgspec

from tokman.change.lmdi import whole
from tokman.change.side import FAMILIES, UNSPLIT, Line, Side
from tokman.change.tree import NOTHING, Tree
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

LAST = ("caching", "tier_mix", "prompt_length_mix", "price", "discount")
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
    def spent_before(self) -> int:
        """What the side before cost."""
        return sum(leaf.before for leaf in self.leaves)

    @property
    def spent_after(self) -> int:
        """What the side after cost."""
        return sum(leaf.after for leaf in self.leaves)

    @property
    def amount(self) -> int:
        """Spend after less spend before."""
        return self.spent_after - self.spent_before

    @property
    def parts(self) -> dict[str, int]:
        """What each factor did; they add up to `amount`."""
        return _added(self.factors, (leaf.effects for leaf in self.leaves))

    def divided(self, by: Fraction) -> Change:
        """The same change for a part of both sides, such as a day of each, again in whole
        pico-dollars that add up; what did nothing still does nothing."""
        leaves = []
        for leaf in self.leaves:
            before, after = round(leaf.before / by), round(leaf.after / by)
            names = list(leaf.effects)
            parts = whole([float(leaf.effects[name] / by) for name in names], after - before)
            leaves.append(Leaf(leaf.line, before, after, dict(zip(names, parts, strict=True))))
        return msgspec.structs.replace(self, leaves=leaves)

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

    def folded(self, rows: list[Moved], top: int) -> list[Moved]:
        """The first `top` rows of `by`, the others added up as one."""
        rest = rows[top:]
        if len(rest) < 2:
            return rows
        names = (f"{len(rest)} more", *("" for _ in rest[0].values[1:]))
        parts = _added(self.factors, (row.parts for row in rest))
        before, after = (sum(getattr(row, side) for row in rest) for side in ("before", "after"))
        return [*rows[:top], Moved(names, before, after, parts, "both")]

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
    length · list price of a unit · share of the list price paid (discount). How the change is split
    among them: `tokman.change.tree`.

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
    tree = Tree(before, after, len(dimensions))
    leaves = []
    for line in sorted({*before.lines, *after.lines}, key=_order):
        names = (
            *factors[: len(dimensions) + 3],
            INTENSITIES[FAMILIES[line.bought]],
            *LAST,
        )
        old, new = (side.lines.get(line, NOTHING).cost for side in (before, after))
        leaves.append(Leaf(line, old, new, tree.effects(line, names)))
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
