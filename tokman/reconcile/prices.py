"""Why a provider's price differs from ours: the prices of the card that would give its amount."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tokman.rates.columns import PRICED, Rate
from tokman.reconcile.books import TOKENS

if TYPE_CHECKING:
    from tokman.rates import Card

PLACES = {name: index for index, name in enumerate(PRICED) if name in TOKENS}


class Priced(NamedTuple):
    """An amount of the card for given tokens, and what it would mean."""

    amount: Fraction
    why: str


class Prices:
    """The card's rates by model."""

    def __init__(self, card: Card) -> None:
        from tokman.rates import columns

        self.card = card
        self.rates: dict[tuple[str, str], list[Rate]] = {}
        for rate in columns.rows(card.table):
            self.rates.setdefault((rate.provider_id, rate.model_id), []).append(rate)

    def name(self, provider: str | None, model: str | None) -> str | None:
        """One name for a model on both sides: the catalogue's, else its own in small letters."""
        if not model:
            return None
        found = self.card.find(provider, model) or self.card.find(None, _slug(model))
        return found.model_id if found else model.lower()

    def of(self, provider: str | None, model: str | None) -> list[Rate]:
        """Every rate of a model."""
        found = self.card.find(provider, model)
        return self.rates.get((found.provider_id, found.model_id), []) if found else []

    def standard(
        self, provider: str | None, model: str | None, at: datetime
    ) -> dict[str, Fraction]:
        """The list price of a token of each class at a moment, in USD; empty where unknown."""
        for rate in self.of(provider, model):
            if _plain(rate) and _in_force(rate, at):
                return {
                    name: Fraction(price, 10**12)
                    for name, place in PLACES.items()
                    if (price := rate.prices[place]) is not None
                }
        return {}

    def alternatives(
        self, provider: str | None, model: str | None, at: datetime, tokens: dict[str, int]
    ) -> Iterator[Priced]:
        """What the tokens cost at every other rate of the model: tiers, places and speeds now,
        then the standard price of other times."""
        every = self.of(provider, model)
        now = [rate for rate in every if _in_force(rate, at) and not _plain(rate)]
        then = [rate for rate in every if _plain(rate) and not _in_force(rate, at)]
        for rate in (*now, *then):
            amount = _amount(rate, tokens)
            if amount is not None:
                yield Priced(amount, _why(rate))


def _amount(rate: Rate, tokens: dict[str, int]) -> Fraction | None:
    total = 0
    for name, count in tokens.items():
        price = rate.prices[PLACES[name]]
        if price is None and count:
            return None
        total += (price or 0) * count
    return Fraction(total, 10**12)


def _plain(rate: Rate) -> bool:
    kind = (rate.tier, rate.speed, rate.geo, rate.prompt_gt)
    return kind == ("standard", "standard", None, None)


def _in_force(rate: Rate, at: datetime) -> bool:
    begun = rate.valid_from is None or rate.valid_from <= at
    return begun and (rate.valid_to is None or at < rate.valid_to)


def _why(rate: Rate) -> str:
    if not _plain(rate):
        words = [
            f"tier {rate.tier}" if rate.tier != "standard" else "",
            f"speed {rate.speed}" if rate.speed != "standard" else "",
            f"run in {rate.geo}" if rate.geo else "",
            f"prompts over {rate.prompt_gt:,} tokens" if rate.prompt_gt else "",
        ]
        return "priced as " + ", ".join(word for word in words if word)
    since = f"{rate.valid_from:%Y-%m-%d}" if rate.valid_from else "ever"
    until = f" to {rate.valid_to:%Y-%m-%d}" if rate.valid_to else " on"
    return f"the list price of {since}{until}"


def _slug(model: str) -> str:
    """`Claude Haiku 4.5`, as consoles show it, in the way ids are written."""
    return "-".join(model.lower().replace(".", "-").split())
