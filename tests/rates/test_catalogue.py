"""Over the whole catalogue, the card charges what genai-prices' own `calc_price` does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from genai_prices.data_snapshot import _bundled_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider, Usage

from tests.rates.conftest import overlapping, price_all
from tokman.rates import Card
from tokman.rates.cache import Names
from tokman.rates.compile import CONTEXTS
from tokman.rates.match import Match
from tokman.rates.rules import BACK_FILL, PEAK_SINCE
from tokman.usage import INPUT_CLASSES, OUTPUT_CLASSES

PICO = Decimal(10) ** 12

EXPLAINED = {
    "same": "equal to the pico-dollar",
    "rounded": "a catalogue price has more digits than a pico-dollar per unit (prices by the hour, "
    "float noise in Hugging Face's, 1/12 USD in OpenRouter's): half a pico-dollar a unit at most",
    "back-filled": "the tier was sold before the catalogue recorded it; calc_price falls back to "
    "the standard price, the card applies the tier's first recorded ratio",
    "not back-filled": "as above, but no published rule says the price: unpriced",
    "not sold by the token": "the catalogue has no price for these tokens (sold by the hour, page "
    "or character) and calc_price charges nothing: unpriced",
    "before peak hours": "the catalogue applies DeepSeek's peak hours before they began, and says "
    "so in a comment",
}
"""Every way in which a case may differ from `calc_price`, and why."""

USAGES: tuple[dict[str, int], ...] = (
    {"uncached_input_tokens": 1_000_003, "output_tokens": 77_777},
    {"uncached_input_tokens": 7, "cache_read_input_tokens": 199_992, "output_tokens": 1},
    {"uncached_input_tokens": 7, "cache_read_input_tokens": 199_993, "output_tokens": 999},
    {"uncached_input_tokens": 9, "cache_write_1h_input_tokens": 199_992, "output_tokens": 3},
    {"uncached_input_tokens": 271_999, "cache_write_5m_input_tokens": 1, "output_tokens": 3},
    {"uncached_input_tokens": 272_000, "cache_write_5m_input_tokens": 1, "output_tokens": 3},
    {"uncached_input_tokens": 128_001, "output_tokens": 3, "reasoning_output_tokens": 2},
    {
        "uncached_input_tokens": 1_234,
        "cache_read_input_tokens": 5_678,
        "cache_write_5m_input_tokens": 91,
        "cache_write_1h_input_tokens": 23,
        "audio_input_tokens": 45,
        "cache_read_audio_input_tokens": 67,
        "image_input_tokens": 89,
        "output_tokens": 1_011,
        "reasoning_output_tokens": 501,
        "audio_output_tokens": 12,
        "image_output_tokens": 13,
        "web_search_requests": 3,
        "file_search_requests": 2,
    },
    {"web_search_requests": 1},
)


class Case(NamedTuple):
    provider: Provider
    model: ModelInfo
    key: tuple[str, str]
    context: dict[str, str]
    at: datetime
    usage: dict[str, int]

    def row(self) -> dict[str, Any]:
        tier, speed = self.key
        return {
            "provider_name": self.provider.id,
            "request_model": self.model.id,
            "service_tier": tier,
            "speed": speed,
            "started_at": self.at.replace(tzinfo=None),
            **self.usage,
        }

    def expected(self) -> Decimal:
        count = Counter(self.usage)
        usage = Usage(
            input_tokens=sum(count[name] for name in INPUT_CLASSES),
            cache_read_tokens=count["cache_read_input_tokens"]
            + count["cache_read_audio_input_tokens"],
            cache_write_tokens=count["cache_write_5m_input_tokens"]
            + count["cache_write_1h_input_tokens"],
            cache_write_5m_tokens=count["cache_write_5m_input_tokens"],
            cache_write_1h_tokens=count["cache_write_1h_input_tokens"],
            input_audio_tokens=count["audio_input_tokens"] + count["cache_read_audio_input_tokens"],
            cache_audio_read_tokens=count["cache_read_audio_input_tokens"],
            input_image_tokens=count["image_input_tokens"],
            output_tokens=sum(count[name] for name in OUTPUT_CLASSES),
            output_reasoning_tokens=count["reasoning_output_tokens"],
            output_audio_tokens=count["audio_output_tokens"],
            output_image_tokens=count["image_output_tokens"],
            web_searches=count["web_search_requests"],
            storage_searches=count["file_search_requests"],
            # Asked for where a model has prices for images and for cached tokens.
            cache_image_read_tokens=0,
        )
        price = self.model.calc_price(
            usage,
            self.provider,
            genai_request_timestamp=self.at,
            price_context=self.context,
        )
        return price.total_price * PICO


def instants(model: ModelInfo) -> Iterator[datetime]:
    """Just before and at every start of a price, and at the edges of every daily window."""
    conditional = model.prices if isinstance(model.prices, list) else []
    constraints: list[Any] = [price.constraint for price in conditional]
    constraints += [variant.constraint for variant in model.price_variants or ()]
    usual = datetime(2026, 11, 1, 12, tzinfo=UTC)
    yield usual
    for day in {c.start_date for c in constraints if hasattr(c, "start_date")}:
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        yield from (start - timedelta(microseconds=1), start)
    for window in constraints:
        for edge in (getattr(window, "start_time", None), getattr(window, "end_time", None)):
            if edge is not None:
                for day in (usual, datetime(2026, 8, 16, tzinfo=UTC)):
                    at = datetime.combine(day.date(), edge)
                    yield from (at - timedelta(microseconds=1), at)


def at_thresholds(model: ModelInfo) -> Iterator[dict[str, int]]:
    """A prompt at, and one token over, every length from which this model has other prices."""
    conditional = model.prices if isinstance(model.prices, list) else []
    every = [model.prices] if isinstance(model.prices, ModelPrice) else []
    every += [price.prices for price in conditional]
    every += [variant.prices for variant in model.price_variants or ()]
    tiers = [t for price in every for v in price.__dict__.values() for t in getattr(v, "tiers", ())]
    for start in sorted({tier.start for tier in tiers}):
        for prompt in (start, start + 1):
            yield {"uncached_input_tokens": prompt - 7, "cache_read_input_tokens": 7}


def cases() -> Iterator[Case]:
    for provider in _bundled_snapshot().providers:
        for model in provider.models:
            recorded = [variant.when for variant in model.price_variants or ()]
            contexts: list[tuple[tuple[str, str], dict[str, str]]] = [
                (("standard", "standard"), {})
            ]
            for key, options in CONTEXTS.items():
                contexts += [(key, when) for when in options if when in recorded]
            for at in dict.fromkeys(instants(model)):
                for key, context in contexts:
                    for usage in (*USAGES, *at_thresholds(model)):
                        yield Case(provider, model, key, context, at, usage)


class AsWritten(Names):
    """Every name is the catalogue's own id: matching is tested elsewhere."""

    def find(self, provider: str | None, model: str | None) -> Match | None:
        return Match(provider or "", model or "", provider or "")

    def save(self) -> None:
        pass


def is_odd(price: ModelPrice) -> bool:
    """Whether some price is no whole number of pico-dollars."""
    stated = [value for value in price.__dict__.values() if value is not None]
    single = [getattr(value, "base", value) for value in stated]
    single += [tier.price for value in stated for tier in getattr(value, "tiers", ())]
    return any(value * 10**6 % 1 for value in single)


def judge(case: Case, expected: Decimal, row: dict[str, Any]) -> str:
    """Which explained class a case belongs to, or `unexplained`."""
    cost: Decimal | None = row["list_cost"]
    if cost is not None and cost * PICO == expected:
        return "same"
    prices = case.model.get_prices(case.at, case.context)
    if cost is None and row["unpriced_reason"].startswith("no price for "):
        unit = row["unpriced_reason"].removeprefix("no price for ")
        keys = ("input_mtok",) if "input" in unit else ("output_mtok",)
        if all(getattr(prices, key) is None for key in keys):
            return "not sold by the token"
    if case.key != ("standard", "standard"):
        variants = [v for v in case.model.price_variants or () if v.when == case.context]
        early = all(v.constraint and not v.constraint.active(case.at) for v in variants)
        ruled = (case.provider.id, case.key[0]) in BACK_FILL
        if early and ruled and row["price_basis"] == "published rule":
            return "back-filled"
        if early and not ruled and cost is None:
            return "not back-filled"
    peak = PEAK_SINCE.get((case.provider.id, case.model.id))
    if peak and case.at.date() < peak and case.at.hour in (1, 2, 3, 6, 7, 8, 9):
        return "before peak hours"
    units = sum(case.usage.values())
    if cost is not None and is_odd(prices) and abs(cost * PICO - expected) <= units / 2:
        return "rounded"
    return "unexplained"


def test_card_agrees_with_calc_price(card: Card) -> None:
    every = list(cases())
    rows = price_all(replace(card, names=AsWritten()), [case.row() for case in every])
    assert len(rows) == len(every)
    classes: dict[str, list[Case]] = {}
    for case, row in zip(every, rows, strict=True):
        classes.setdefault(judge(case, case.expected(), row), []).append(case)
    counts = {name: len(found) for name, found in classes.items()}
    print(f"{len(every)} cases:", counts)
    strange = [(c.provider.id, c.model.id, *c[2:]) for c in classes.get("unexplained", [])]
    assert not strange[:5]
    assert set(counts) <= set(EXPLAINED)
    assert counts["same"] > 0.8 * len(every)
    assert counts["rounded"] < 0.01 * len(every)


def test_rows_of_the_card_never_overlap_and_have_unique_names(card: Card) -> None:
    assert overlapping(card) == []
    assert len(set(card.table.column("rate_id").to_pylist())) == card.table.num_rows


def test_openai_sells_fast_and_priority_at_one_price() -> None:
    for provider in _bundled_snapshot().providers:
        for model in provider.models:
            sold = {
                tuple(v.when.values()): v.prices
                for v in model.price_variants or ()
                if v.when in ({"service_tier": "fast"}, {"service_tier": "priority"})
            }
            if ("fast",) in sold:
                assert sold["fast",] == sold["priority",]
