"""One side of a comparison: how many calls there were, and what was bought for them."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from tokman.usage import FEES, INPUT_CLASSES, OUTPUT_CLASSES

Group = tuple[str | None, ...]
"""Values of the dimensions of a comparison, in their order."""

UNSPLIT = "tokens"
"""All tokens of calls whose price per class is not known."""

FAMILIES = {
    **dict.fromkeys(INPUT_CLASSES, "input"),
    "audio_input_tokens": "audio_input",
    "cache_read_audio_input_tokens": "audio_input",
    "image_input_tokens": "image_input",
    **{name: name for name in OUTPUT_CLASSES},
    "reasoning_output_tokens": "reasoning",
    **{name: name for name in FEES},
    "per_request": "per_request",
    UNSPLIT: UNSPLIT,
}
"""What is bought, and the family it is a share of: a token that is read from a cache would
otherwise have been plain input. `output_tokens` are without reasoning here."""


class Line(NamedTuple):
    """What a cost is for: calls of a group, one class of tokens or fees, and at which terms."""

    group: Group
    bought: str
    """A key of FAMILIES."""
    tier: str = "standard"
    """Seller, service tier, speed, place or hours: whatever a price is agreed for."""
    prompt: str = ""
    """The band of prompt lengths, where a model has a price of its own for long ones."""


class Calls(NamedTuple):
    """Calls of a group, and those of them that bought something."""

    made: int
    paid: int
    """The others were answered by a response cache, or failed before anything was used."""


class Amount(NamedTuple):
    """What a line comes to: tokens or requests, and pico-dollars."""

    units: int
    list_cost: int
    cost: int
    """After negotiated discounts."""


class Side(msgspec.Struct):
    """Calls by group, and amounts by line; calls without a price are in neither."""

    length: int = 1
    """How long the period is, in a unit that both sides share; 1 on both where it is not to
    count."""
    calls: dict[Group, Calls] = {}
    lines: dict[Line, Amount] = {}

    def add_calls(self, group: Group, made: int, paid: int | None = None) -> None:
        """So many more calls of the group; all of them bought something unless `paid` says how
        many did."""
        paid = made if paid is None else paid
        if not 0 <= paid <= made:
            raise ValueError(f"{paid} of {made} calls cannot have bought something")
        before = self.calls.get(group, Calls(0, 0))
        self.calls[group] = Calls(before.made + made, before.paid + paid)

    def add(self, line: Line, units: int, list_cost: int, cost: int | None = None) -> None:
        """So much more on a line, in pico-dollars; `cost` is the list cost unless it is given."""
        cost = list_cost if cost is None else cost
        if line.bought not in FAMILIES:
            raise ValueError(f"nothing is bought that is called {line.bought!r}")
        if units < 0 or (not units and (list_cost or cost)) or (cost and not list_cost):
            raise ValueError(f"{units} {line.bought} cannot cost {list_cost}, paid as {cost}")
        before = self.lines.get(line, Amount(0, 0, 0))
        self.lines[line] = Amount(
            before.units + units, before.list_cost + list_cost, before.cost + cost
        )

    def times(self, number: int) -> Side:
        """The side as often as that, in a period of length 1."""
        return Side(
            calls={group: Calls(*(number * each for each in c)) for group, c in self.calls.items()},
            lines={line: Amount(*(number * each for each in a)) for line, a in self.lines.items()},
        )

    @property
    def cost(self) -> int:
        """What everything cost, in pico-dollars."""
        return sum(amount.cost for amount in self.lines.values())

    @property
    def made(self) -> int:
        """All calls with a price."""
        return sum(calls.made for calls in self.calls.values())
