"""A model's prices over time, over the day and over lengths of prompt, before they are rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import NamedTuple

from tokman.rates.columns import Prices, Rate


class Band(NamedTuple):
    """Prices for prompts longer than `gt` and up to `le` tokens (None: open)."""

    gt: int | None
    le: int | None
    prices: Prices


class Span(NamedTuple):
    """Bands in force from `start` (None: always) to `end` (exclusive), in a window of each day."""

    start: date | None
    end: date | None
    tod_from: int
    tod_to: int
    bands: tuple[Band, ...]


Timelines = dict[tuple[str, str], list[Span]]
"""The spans of a model by (tier, speed)."""


def bands_at(spans: list[Span], day: date, tod: int) -> tuple[Band, ...] | None:
    """The bands in force on a day at a time of day; None where there are none."""
    for span in spans:
        after = span.start is None or span.start <= day
        before = span.end is None or day < span.end
        if after and before and span.tod_from <= tod < span.tod_to:
            return span.bands
    return None


def prices_at(bands: tuple[Band, ...], prompt: int) -> Prices:
    """The prices of the band that a prompt of this length falls in."""
    return next(
        band.prices
        for band in bands
        if (band.gt is None or prompt > band.gt) and (band.le is None or prompt <= band.le)
    )


def flatten(
    provider_id: str, model_id: str, key: tuple[str, str], spans: Iterable[Span]
) -> Iterator[Rate]:
    """Spans as rows of the card, on the catalogue's authority."""
    for span in spans:
        for band in span.bands:
            yield Rate(
                provider_id,
                model_id,
                *key,
                None,
                _midnight(span.start),
                _midnight(span.end),
                span.tod_from,
                span.tod_to,
                band.gt,
                band.le,
                band.prices,
                "catalogue",
                "genai-prices",
            )


def _midnight(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day) if day else None
