"""From the catalogue of genai-prices to a flat table with one price per disjoint quantity."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tokman.rates.columns import DAY, PRICED, Prices, Rate, table
from tokman.rates.published import extend
from tokman.rates.rules import PEAK_SINCE
from tokman.rates.spans import Band, Span, Timelines
from tokman.usage import PICO, QUANTITIES

if TYPE_CHECKING:
    import pyarrow as pa
    from genai_prices.types import ModelInfo, ModelPrice

# Most specific price first: what an unpriced token costs is what its kind costs.
CHAINS: dict[str, tuple[str, ...]] = {
    "uncached_input_tokens": ("input_mtok",),
    "cache_read_input_tokens": ("cache_read_mtok", "input_mtok"),
    "cache_write_5m_input_tokens": ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
    "cache_write_1h_input_tokens": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "audio_input_tokens": ("input_audio_mtok", "input_mtok"),
    "cache_read_audio_input_tokens": (
        "cache_audio_read_mtok",
        "cache_read_mtok",
        "input_audio_mtok",
        "input_mtok",
    ),
    "image_input_tokens": ("input_image_mtok", "input_mtok"),
    "output_tokens": ("output_mtok",),
    "audio_output_tokens": ("output_audio_mtok", "output_mtok"),
    "image_output_tokens": ("output_image_mtok", "output_mtok"),
    "web_search_requests": ("web_searches_kcount",),
    "file_search_requests": ("storage_searches_kcount",),
    "reasoning_output_tokens": ("output_reasoning_mtok", "output_mtok"),
    "per_request": ("requests_kcount",),
}
CONTEXTS: dict[tuple[str, str], tuple[dict[str, str], ...]] = {
    ("batch", "standard"): ({"processing": "batch"},),
    ("flex", "standard"): ({"service_tier": "flex"},),
    # OpenAI answers `fast` for what it sells as priority, at the same price.
    ("priority", "standard"): ({"service_tier": "priority"}, {"service_tier": "fast"}),
    ("standard", "fast"): ({"speed": "fast"},),
}
"""Tier and speed as tokman names them → the catalogue's request contexts that mean it."""


def build() -> pa.Table:
    """The bundled catalogue and the published rules as the rate card's table."""
    from genai_prices.data import providers

    rates: list[Rate] = []
    for provider in providers:
        for model in provider.models:
            rates += extend(provider.id, model.id, catalogue(provider.id, model))
    return table(rates)


def catalogue(provider_id: str, model: ModelInfo) -> Timelines:
    """What the catalogue itself says of a model, each span as `calc_price` would price it."""
    peak = PEAK_SINCE.get((provider_id, model.id))
    lines: Timelines = {("standard", "standard"): _spans(model, None, None, peak)}
    for key, contexts in CONTEXTS.items():
        for context in contexts:
            variants = [v for v in model.price_variants or () if v.when == context]
            if variants:
                starts = [_start_date(variant.constraint) for variant in variants]
                since = None if None in starts else min(start for start in starts if start)
                lines[key] = _spans(model, context, since, peak)
                break
    return lines


def prices_of(price: ModelPrice, prompt: int) -> Prices:
    """Pico-USD per unit for a request of `prompt` tokens, rounded half-even where it must be."""
    units = {name: _unit_price(price, CHAINS[name], prompt) for name in PRICED}
    reasoning, output = units["reasoning_output_tokens"], units["output_tokens"]
    units["reasoning_output_tokens"] = (reasoning or 0) - (output or 0)
    return tuple(units[name] for name in PRICED)


def _unit_price(price: ModelPrice, chain: tuple[str, ...], prompt: int) -> int | None:
    for key in chain:
        stated: Any = getattr(price, key)
        if stated is None:
            continue
        if hasattr(stated, "tiers"):
            over = [tier.price for tier in stated.tiers if prompt > tier.start]
            stated = over[-1] if over else stated.base
        per = 1_000_000 if key.endswith("_mtok") else 1_000
        return round(Fraction(stated) * PICO / per)
    return None


def _bands(price: ModelPrice) -> tuple[Band, ...]:
    tiered = [value for value in price.__dict__.values() if hasattr(value, "tiers")]
    starts = sorted({tier.start for value in tiered for tier in value.tiers})
    edges: list[int | None] = [None, *starts, None]
    bands: list[Band] = []
    for gt, le in zip(edges, edges[1:], strict=False):
        prices = prices_of(price, 0 if gt is None else gt + 1)
        if bands and bands[-1].prices == prices:
            bands[-1] = bands[-1]._replace(le=le)
        else:
            bands.append(Band(gt, le, prices))
    return tuple(bands)


def _spans(
    model: ModelInfo, context: dict[str, str] | None, since: date | None, peak: date | None
) -> list[Span]:
    constraints = [p.constraint for p in model.prices] if isinstance(model.prices, list) else []
    constraints += [variant.constraint for variant in model.price_variants or () if context]
    starts = {start for c in constraints if (start := _start_date(c))} | ({peak} if peak else set())
    if since:
        starts = {start for start in starts if start >= since}
    edges: list[date | None] = [since, *sorted(starts - {since}), None]
    days: list[tuple[date | None, date | None, list[Window]]] = []
    for start, end in zip(edges, edges[1:], strict=False):
        day = start or (end - timedelta(days=1) if end else date(2026, 1, 1))
        windows = _windows(constraints)
        if peak and day < peak:
            # Any moment outside the windows: peak hours did not exist yet.
            windows = [(0, DAY, _off_peak(constraints))]
        parts = _merged_windows(
            (tod_from, tod_to, _bands(model.get_prices(_moment(day, at), context)))
            for tod_from, tod_to, at in windows
        )
        if days and days[-1][2] == parts:
            days[-1] = (days[-1][0], end, parts)
        else:
            days.append((start, end, parts))
    return [Span(start, end, *part) for start, end, parts in days for part in parts]


Window = tuple[int, int, tuple[Band, ...]]
"""From and to (exclusive) in microseconds since midnight, and the bands in force between."""


def _merged_windows(windows: Iterable[Window]) -> list[Window]:
    merged: list[Window] = []
    for tod_from, tod_to, bands in windows:
        if merged and merged[-1][2] == bands:
            merged[-1] = (merged[-1][0], tod_to, bands)
        else:
            merged.append((tod_from, tod_to, bands))
    return merged


def _windows(constraints: list[Any]) -> list[tuple[int, int, int]]:
    """The day cut at every edge of a window: (from, to, a moment inside), none wraps midnight."""
    edges = {0, DAY}
    for constraint in constraints:
        if hasattr(constraint, "start_time"):
            edges |= {_since_midnight(constraint.start_time), _since_midnight(constraint.end_time)}
    cuts = sorted(edges)
    return [(start, end, start) for start, end in zip(cuts, cuts[1:], strict=False)]


def _off_peak(constraints: list[Any]) -> int:
    peaks = [c for c in constraints if hasattr(c, "start_time")]
    for _, _, at in _windows(constraints):
        moment = _moment(date(2026, 1, 1), at)
        if not any(peak.active(moment) for peak in peaks):
            return at
    return 0


def _since_midnight(clock: time) -> int:
    if clock.tzinfo is not None:
        clock = datetime.combine(date(2026, 1, 1), clock).astimezone(UTC).time()
    return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * 1_000_000 + clock.microsecond


def _moment(day: date, since_midnight: int) -> datetime:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return midnight + timedelta(microseconds=since_midnight)


def _start_date(constraint: Any) -> date | None:
    return getattr(constraint, "start_date", None)


assert set(CHAINS) == {*QUANTITIES, "reasoning_output_tokens", "per_request"}
