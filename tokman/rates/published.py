"""Fills what the catalogue leaves open for a model, by the rules in `rules.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from tokman.rates.columns import PRICED, TOKENS, Prices, Rate
from tokman.rates.rules import BACK_FILL, GEO_RATIO, GEO_SOURCE, RATIOS, geo_surcharge
from tokman.rates.spans import Band, Span, Timelines, bands_at, flatten, prices_at


def extend(provider_id: str, model_id: str, lines: Timelines) -> list[Rate]:
    """Every row of a model: the catalogue's, the time before it, the missing tiers, the places."""
    standard = lines["standard", "standard"]
    rates: list[Rate] = []
    complete: Timelines = dict(lines)
    for key, spans in lines.items():
        rates += flatten(provider_id, model_id, key, spans)
        source = BACK_FILL.get((provider_id, key[0]))
        if source and key[0] != "standard" and spans[0].start is not None:
            earlier = _before(standard, spans)
            complete[key] = earlier + spans
            rates += _by_rule(flatten(provider_id, model_id, key, earlier), source)
    for rule in RATIOS:
        key = (rule.tier, rule.speed)
        whole = complete.get((rule.of, "standard"))
        matches = rule.provider == provider_id and re.fullmatch(rule.model, model_id)
        if matches and key not in complete and whole and _any_price(whole):
            spans = _joined([_scaled(span, rule.ratio, rule.only) for span in whole])
            complete[key] = spans
            rates += _by_rule(flatten(provider_id, model_id, key, spans), rule.source)
    geo = geo_surcharge(provider_id, model_id)
    if geo:
        local = [
            rate._replace(geo=geo, prices=_times(rate.prices, GEO_RATIO, TOKENS)) for rate in rates
        ]
        rates += _by_rule(local, GEO_SOURCE)
    return rates


def _by_rule(rates: Iterable[Rate], source: str) -> list[Rate]:
    return [rate._replace(basis="published rule", source=source) for rate in rates]


def _any_price(spans: list[Span]) -> bool:
    return any(
        price for span in spans for band in span.bands for price in band.prices[: len(TOKENS)]
    )


def _times(prices: Prices, ratio: Fraction, only: tuple[str, ...]) -> Prices:
    """Token prices in `only` times the ratio; other tokens unknown; fees as they are."""

    def one(name: str, price: int | None) -> int | None:
        if name in only:
            return None if price is None else round(price * ratio)
        return None if name in TOKENS else price

    return tuple(one(name, price) for name, price in zip(PRICED, prices, strict=True))


def _scaled(span: Span, ratio: Fraction, only: tuple[str, ...]) -> Span:
    bands = tuple(band._replace(prices=_times(band.prices, ratio, only)) for band in span.bands)
    return span._replace(bands=bands)


def _joined(spans: list[Span]) -> list[Span]:
    """Spans that follow each other at the same prices as one."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1]._replace(start=span.start, end=span.end) == span:
            joined[-1] = joined[-1]._replace(end=span.end)
        else:
            joined.append(span)
    return joined


def _before(standard: list[Span], variant: list[Span]) -> list[Span]:
    """The variant's spans before it was recorded: its first ratio to the standard price.

    The ratio is taken price by price and band by band on the variant's first day and applied to
    the standard price in force then: exact where the standard price has not changed since.
    """
    first = variant[0].start
    assert first is not None
    earlier = []
    for span in standard:
        if span.start is not None and span.start >= first:
            continue
        recorded = bands_at(variant, first, span.tod_from)
        beside = bands_at(standard, first, span.tod_from)
        if recorded is None or beside is None:
            continue
        end = first if span.end is None or span.end > first else span.end
        earlier.append(span._replace(end=end, bands=_ratio_bands(span.bands, recorded, beside)))
    return earlier


def _ratio_bands(
    then: tuple[Band, ...], recorded: tuple[Band, ...], beside: tuple[Band, ...]
) -> tuple[Band, ...]:
    starts = {band.gt for bands in (then, recorded, beside) for band in bands} - {None}
    edges: list[int | None] = [None, *sorted(start for start in starts if start is not None), None]
    bands: list[Band] = []
    for gt, le in zip(edges, edges[1:], strict=False):
        prompt = 0 if gt is None else gt + 1
        old, new, base = (prices_at(side, prompt) for side in (then, recorded, beside))
        prices = tuple(_ratio(*three) for three in zip(old, new, base, strict=True))
        if bands and bands[-1].prices == prices:
            bands[-1] = bands[-1]._replace(le=le)
        else:
            bands.append(Band(gt, le, prices))
    return tuple(bands)


def _ratio(old: int | None, new: int | None, base: int | None) -> int | None:
    """`old × new / base`, half-even; without a ratio to take, the old price."""
    if old is None or new is None or not base:
        return old
    return round(Fraction(old * new, base))
