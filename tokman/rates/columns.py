"""The columns of the rate card, and the readable name of one of its rows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tokman.usage import FEES, QUANTITIES

if TYPE_CHECKING:
    import pyarrow as pa

DAY = 86_400_000_000
"""Microseconds in a day."""

PRICED = (*QUANTITIES, "reasoning_output_tokens", "per_request")
"""What has a price: every disjoint quantity; what a reasoning token costs *beyond* an output token
(nearly always 0); and the request itself."""

PRICES = tuple(f"price_{name}" for name in PRICED)

TOKENS = tuple(name for name in PRICED if name not in (*FEES, "per_request"))

Prices = tuple[int | None, ...]
"""Pico-USD per unit, in the order of PRICED; None where nothing is known."""


class Rate(NamedTuple):
    """One row of the card: what one unit costs for a model, a tier, a time and a prompt length."""

    provider_id: str
    model_id: str
    tier: str
    """standard, batch, flex, priority."""
    speed: str
    """standard, fast."""
    geo: str | None
    """Only for calls run there (`us`); None: anywhere else."""
    valid_from: datetime | None
    """Naive UTC, inclusive; None: always before."""
    valid_to: datetime | None
    """Naive UTC, exclusive; None: still in force."""
    tod_from: int
    """Microseconds since midnight UTC, inclusive."""
    tod_to: int
    """Microseconds since midnight UTC, exclusive; never before `tod_from`."""
    prompt_gt: int | None
    """Only for prompts of more tokens than this, cached ones included; None: from none on."""
    prompt_le: int | None
    """Only for prompts of at most this many tokens; None: any length."""
    prices: Prices
    basis: str
    """catalogue, published rule, user."""
    source: str
    """genai-prices, the URL of the rule, or tokman.toml."""

    @property
    def rate_id(self) -> str:
        """`anthropic/claude-opus-4-8/batch@2026-10-14`, with more parts where they matter."""
        parts = [f"{self.provider_id}/{self.model_id}/{self.tier}"]
        parts += ["+fast"] if self.speed == "fast" else []
        parts += [f"+{self.geo}"] if self.geo else []
        parts += [f"@{self.valid_from:%Y-%m-%d}"] if self.valid_from else []
        if (self.tod_from, self.tod_to) != (0, DAY):
            parts += [f"[{_clock(self.tod_from)}-{_clock(self.tod_to)}]"]
        parts += [f">{self.prompt_gt}"] if self.prompt_gt is not None else []
        return ("user:" if self.basis == "user" else "") + "".join(parts)


def _clock(microseconds: int) -> str:
    minutes = microseconds // 60_000_000
    return f"{minutes // 60:02}:{minutes % 60:02}"


def schema() -> pa.Schema:
    """The card's columns: names, then `price_*` in pico-USD per unit, then where they come from."""
    import pyarrow as pa

    text, count, moment = pa.string(), pa.int64(), pa.timestamp("us")
    types = dict.fromkeys(Rate._fields, text)
    types |= {"valid_from": moment, "valid_to": moment}
    types |= dict.fromkeys(("tod_from", "tod_to", "prompt_gt", "prompt_le"), count)
    before = [name for name in Rate._fields if name not in ("prices", "basis", "source")]
    return pa.schema(
        [("rate_id", text), *((name, types[name]) for name in before)]
        + [(name, count) for name in PRICES]
        + [("basis", text), ("source", text)]
    )


def table(rates: list[Rate]) -> pa.Table:
    """The rates as one flat table."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {"rate_id": [rate.rate_id for rate in rates]}
    for position, name in enumerate(Rate._fields):
        if name == "prices":
            for index, price in enumerate(PRICES):
                columns[price] = [rate.prices[index] for rate in rates]
        else:
            columns[name] = [rate[position] for rate in rates]
    return pa.table(columns, schema=schema())


def rows(card: pa.Table) -> list[Rate]:
    """The table's rows back as rates."""
    names = [name for name in Rate._fields if name != "prices"]
    plain = card.select(names).to_pylist()
    prices = zip(*(card.column(name).to_pylist() for name in PRICES), strict=True)
    return [Rate(prices=price, **row) for row, price in zip(plain, prices, strict=True)]
