"""What calls of one rate cost, told apart by what was bought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tokman.change.side import UNSPLIT
from tokman.rates.columns import PRICED, Rate
from tokman.usage import FEES, INPUT_CLASSES, OUTPUT_CLASSES, QUANTITIES

Prices = dict[str, int]
"""Pico-dollars for one unit of what a rate prices."""


class Bought(NamedTuple):
    """One thing that calls bought: units, and pico-dollars before and after discounts."""

    name: str
    units: int
    list_cost: int
    cost: int


def prices_of(rate: Rate) -> Prices:
    """What one unit costs at a rate; a reasoning token is an output token and what it costs
    beyond. Fees without a price are no charge."""
    prices = {name: price or 0 for name, price in zip(PRICED, rate.prices, strict=True)}
    prices["reasoning_output_tokens"] += prices["output_tokens"]
    return prices


def split(row: dict[str, Any], prices: Prices) -> tuple[list[Bought], bool] | None:
    """What a group of calls bought, adding up to the `list_cost` and `cost` (pico-dollars) of the
    row, and whether the prices give that list cost exactly.

    Where they do not, for the calls were priced by another card, the list cost is shared in
    proportion to these prices; None where they say nothing about it.
    """
    units = {name: int(row[name]) for name in (*QUANTITIES, "reasoning_output_tokens")}
    units["output_tokens"] -= units["reasoning_output_tokens"]
    if prices["per_request"]:
        units["per_request"] = int(row["calls"])
    names = [name for name, count in units.items() if count]
    worth = [units[name] * prices[name] for name in names]
    whole = row["list_cost"]
    if whole and not sum(worth):
        return None
    listed = worth if sum(worth) == whole else shared(whole, worth)
    paid = listed if row["cost"] == whole else shared(row["cost"], listed)
    every = zip(names, listed, paid, strict=True)
    return [Bought(name, units[name], *costs) for name, *costs in every], listed is worth


def unsplit(row: dict[str, Any]) -> Bought:
    """The same group as one thing: all its tokens together."""
    tokens = sum(int(row[name]) for name in (*INPUT_CLASSES, *OUTPUT_CLASSES))
    if tokens:
        return Bought(UNSPLIT, tokens, row["list_cost"], row["cost"])
    requests = sum(int(row[name]) for name in FEES) or int(row["calls"])
    return Bought("per_request", requests, row["list_cost"], row["cost"])


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """The total in proportion to the weights (≥ 0, not all 0), in whole units that add up to it:
    what is left after cutting goes to the largest remainders."""
    whole = sum(weights)
    if not whole:
        return [0 for _ in weights]
    cut = [divmod(total * weight, whole) for weight in weights]
    parts = [quotient for quotient, _ in cut]
    order = sorted(range(len(cut)), key=lambda place: cut[place][1], reverse=True)
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return parts
