"""The card in force for a run: the compiled catalogue with the user's prices on top."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from tokman.config import Rates
from tokman.rates import cache
from tokman.rates.cache import Names
from tokman.rates.match import Match
from tokman.rates.overrides import Named, check, lay_over

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Card:
    """Every list price with its time. `table` has one row per model, tier, time and band:
    see `tokman.rates.columns`; prices in pico-USD (1e-12 USD) per unit."""

    version: str
    """`genai-prices 0.2.3 (5e6f7a8b)`: the catalogue, and what tokman makes of it by the rules that
    providers publish; and `+ 1a2b3c4d` where the user's overrides change it."""
    table: pa.Table = field(repr=False)
    rates: Rates = field(default_factory=Rates)
    names: Names = field(default_factory=Names, repr=False)
    named: dict[str, list[Named]] = field(default_factory=dict, repr=False)

    def find(self, provider: str | None, model: str | None) -> Match | None:
        """The model meant by a log: the user's aliases and names first, then the catalogue's."""
        if not model:
            return None
        alias = self._aliases.get(model.lower())
        if alias is None and provider:
            alias = self._aliases.get(f"{provider}/{model}".lower())
        if alias is None:
            return self._find(provider, model)
        head, slash, rest = alias.partition("/")
        if slash and (head.lower() in self._providers or self._find(head, rest)):
            return self._find(head, rest)
        return self._find(provider, alias) or self._find(None, alias)

    def has(self, match: Match, tier: str, speed: str, geo: str | None) -> bool:
        """Whether there is a price, at whatever time, for a model served like this."""
        return (match.provider_id, match.model_id, tier, speed, geo) in self._kinds

    def _find(self, provider: str | None, model: str) -> Match | None:
        found = self.names.find(provider, model)
        for name in (model, found.model_id if found else model):
            for own in self.named.get(name.lower(), ()):
                if own.provider is None or self._sells(own.provider, provider, found):
                    return own.match
        return found

    def _sells(self, stated: str, provider: str | None, found: Match | None) -> bool:
        """Whether the provider that a user states is the one of a call."""
        sellers = {self.names.seller(provider), found.seller if found else None} - {None}
        same = stated.lower() == (provider or "").lower()
        return same or stated.lower() in sellers or self.names.seller(stated) in sellers

    @cached_property
    def _aliases(self) -> dict[str, str]:
        return {name.lower(): target for name, target in self.rates.aliases.items()}

    @cached_property
    def _providers(self) -> set[str]:
        return set(self.table.column("provider_id").unique().to_pylist())

    @cached_property
    def _kinds(self) -> set[tuple[str | None, ...]]:
        names = ("provider_id", "model_id", "tier", "speed", "geo")
        return set(zip(*(self.table.column(name).to_pylist() for name in names), strict=True))


def load(config: Rates | None = None) -> Card:
    """The rate card: the cached catalogue (compiled if need be) under the user's overrides."""
    rates = config or Rates()
    check(rates.discounts)
    names = Names()
    catalogue = cache.catalogue()
    table, named = lay_over(catalogue, rates, names)
    names.save()
    version = cache.version(catalogue)
    if rates != Rates():
        stated = msgspec.json.encode([cache.FORMAT, msgspec.to_builtins(rates)], order="sorted")
        version += f" + {hashlib.blake2b(stated, digest_size=4).hexdigest()}"
    return Card(version, table, rates, names, named)
