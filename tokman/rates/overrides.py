"""The user's own prices, laid over the catalogue, and the discounts they have negotiated.

`since` is the first day of a price or a discount, `until` the first day without it, both UTC.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tokman.config import Discount, Model, Rates
from tokman.errors import TokmanError
from tokman.rates import columns
from tokman.rates.columns import DAY, PRICED, Prices, Rate
from tokman.rates.match import Match
from tokman.usage import FEES, PICO

if TYPE_CHECKING:
    import pyarrow as pa

    from tokman.rates.cache import Names

HINT = "see [rates] in tokman.toml"
STANDARD = ("standard", "default", "auto", "on_demand", "on-demand", "scale", "unspecified")
"""Names that providers give their ordinary tier; `scale` is paid for apart from the tokens."""

_TIERS = {
    "fast": "priority",
    "batches": "batch",
    # Vertex AI's traffic types: https://cloud.google.com/vertex-ai/generative-ai/docs/flex-paygo
    "on_demand_flex": "flex",
    "on_demand_priority": "priority",
}
_FIELDS: dict[str, tuple[str, ...]] = {
    "cache_read_input_tokens": ("cache_read",),
    "cache_write_5m_input_tokens": ("cache_write_5m",),
    "cache_write_1h_input_tokens": ("cache_write_1h", "cache_write_5m"),
    "cache_read_audio_input_tokens": ("cache_read",),
}


class Named(NamedTuple):
    """A model name that the user prices: whose calls it is for, and where its rows are."""

    provider: str | None
    match: Match


def tier_of(stated: str | None) -> str:
    """The tier served as the card names it; OpenAI's `fast` is what it sells as priority.

    https://platform.openai.com/docs/guides/priority-processing
    """
    plain = (stated or "standard").strip().lower().removeprefix("service_tier_")
    if plain in STANDARD:
        return "standard"
    return _TIERS.get(plain, plain)


def lay_over(
    table: pa.Table, rates: Rates, names: Names
) -> tuple[pa.Table, dict[str, list[Named]]]:
    """The card with the user's prices on top, and the names they are found under."""
    named: dict[str, list[Named]] = {}
    if not rates.models:
        return table, named
    rows = columns.rows(table)
    for name, entries in rates.models.items():
        for entry in entries if isinstance(entries, list) else [entries]:
            rows = _lay_one(rows, name, entry, names, named)
    return columns.table(rows), named


def _lay_one(
    rows: list[Rate], name: str, entry: Model, names: Names, named: dict[str, list[Named]]
) -> list[Rate]:
    plain = name.lower()
    owners = {row.provider_id for row in rows if row.model_id.lower() == plain}
    if entry.provider:
        base = names.find(entry.provider, name)
        owners &= {entry.provider.lower(), base.seller if base else ""}
    targets = [(owner, own_id) for owner in sorted(owners) for own_id in _ids(rows, owner, plain)]
    if not targets:
        # A name of the user's own, or a snapshot of a model: its rows start as the catalogue's.
        base = names.find(entry.provider, name)
        owner = entry.provider or (base.provider_id if base else "user")
        own = Match(owner, name, base.seller if base else owner)
        if not any(row.provider_id == owner and row.model_id == name for row in rows):
            known = [r for r in rows if base and (r.provider_id, r.model_id) == base[:2]]
            rows = rows + [r._replace(provider_id=owner, model_id=name) for r in known]
        named.setdefault(plain, []).append(Named(entry.provider, own))
        targets = [(owner, name)]
    for owner, model_id in targets:
        rows = _overlay(rows, owner, model_id, name, entry)
    return rows


def _ids(rows: list[Rate], owner: str, plain: str) -> list[str]:
    found = {r.model_id for r in rows if r.provider_id == owner and r.model_id.lower() == plain}
    return sorted(found)


def _overlay(rows: list[Rate], owner: str, model_id: str, name: str, entry: Model) -> list[Rate]:
    """The entry's row in, and what it covers cut out of the rows of the same tier."""
    tier, start, end = tier_of(entry.tier), _midnight(entry.since), _midnight(entry.until)
    if start and end and start >= end:
        raise TokmanError(f'the price of "{name}" ends before it starts', HINT)
    kept: list[Rate] = []
    under: list[Rate] = []
    for row in rows:
        same = (row.provider_id, row.model_id, row.tier) == (owner, model_id, tier)
        if not same or row.speed != "standard":
            kept.append(row)
            continue
        under.append(row)
        if start and (row.valid_from is None or row.valid_from < start):
            kept.append(row._replace(valid_to=min(row.valid_to or start, start)))
        if end and (row.valid_to is None or row.valid_to > end):
            kept.append(row._replace(valid_from=max(row.valid_from or end, end)))
    fees = under[-1].prices if under else (None,) * len(PRICED)
    prices = _stated(name, entry, fees)
    for geo in sorted({row.geo for row in under} | {None}, key=str):
        kept.append(
            Rate(
                owner,
                model_id,
                tier,
                "standard",
                geo,
                start,
                end,
                0,
                DAY,
                None,
                None,
                prices,
                "user",
                "tokman.toml",
            )
        )
    return kept


def _stated(name: str, entry: Model, under: Prices) -> Prices:
    """The entry's prices in pico-USD per unit; a fee it does not state stays the catalogue's."""

    def pico(field: str, per: int) -> int:
        value = _decimal(getattr(entry, field), f'the {field} price of "{name}"')
        if value > 1_000_000:
            raise TokmanError(f'the {field} price of "{name}" is above $1,000,000', HINT)
        return round(Fraction(value) * PICO / per)

    def one(priced: str, fallback: int | None) -> int | None:
        if priced in FEES:
            return fallback
        if priced == "reasoning_output_tokens":
            return 0
        if priced == "per_request":
            return fallback if entry.per_request is None else pico("per_request", 1)
        if priced in ("output_tokens", "audio_output_tokens", "image_output_tokens"):
            return pico("output", 1_000_000)
        fields = (*_FIELDS.get(priced, ()), "input")
        field = next(field for field in fields if getattr(entry, field) is not None)
        return pico(field, 1_000_000)

    return tuple(one(priced, fee) for priced, fee in zip(PRICED, under, strict=True))


class Share(NamedTuple):
    """From a moment on, what remains to be paid of the list price: numerator / denominator."""

    start: datetime | None
    end: datetime | None
    numerator: int
    denominator: int


def shares(discounts: list[Discount], providers: set[str], models: set[str]) -> list[Share]:
    """What is paid of the list price over time; the first discount of the list that fits wins."""
    fitting = [
        (_midnight(d.since), _midnight(d.until), _remaining(d))
        for d in discounts
        if _fits(d.provider, providers) and _fits(d.model, models)
    ]
    edges = sorted({edge for start, end, _ in fitting for edge in (start, end) if edge})
    bounds: list[datetime | None] = [None, *edges, None]
    result = []
    for start, end in zip(bounds, bounds[1:], strict=False):
        at = start or datetime.min
        paid = next(
            (p for since, until, p in fitting if (since or at) <= at and (not until or at < until)),
            Fraction(1),
        )
        result.append(Share(start, end, paid.numerator, paid.denominator))
    return result


def check(discounts: list[Discount]) -> None:
    """Refuse a discount that cannot be, before any call is priced with it."""
    for discount in discounts:
        _remaining(discount)


def _fits(glob: str, names: set[str]) -> bool:
    return any(fnmatchcase(name.lower(), glob.lower()) for name in names) or glob == "*"


def _remaining(discount: Discount) -> Fraction:
    percent = _decimal(discount.percent, "a discount's percent")
    if percent > 100:
        raise TokmanError(f"a discount of {percent} % leaves nothing to pay", HINT)
    remaining = (100 - Fraction(percent)) / 100
    if remaining.denominator > 10**12:
        raise TokmanError(f"a discount of {percent} % has too many digits", HINT)
    return remaining


def _decimal(value: str | float | int, what: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise TokmanError(f"{what} is no number: {value!r}", HINT) from None
    if not number.is_finite() or number < 0:
        raise TokmanError(f"{what} must not be negative: {value!r}", HINT)
    return number


def _midnight(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day) if day else None
