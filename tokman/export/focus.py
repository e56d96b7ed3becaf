"""Token spend as FOCUS rows: one for each day, model, tier, token class and whom it was for.

Every amount is exact. `ListCost` is quantity × list price, to the pico-dollar what the ledger says;
`ContractedCost` is the ledger's too, split among the token classes of a group by their list cost.
`BilledCost` and `EffectiveCost` equal it: tokens are paid for as they are used, and no invoice is
known. There is no unit price under contract, for calls are discounted and rounded one by one.
Calls without a price have no row, since FOCUS has no row without a cost: they are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Context as Arithmetic
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tokman import when
from tokman.export.focus_columns import METERS, SELLERS_BY_VERSION, service
from tokman.query import run
from tokman.rates.columns import PRICED
from tokman.rates.columns import rows as rates_of
from tokman.usage import FEES, QUANTITIES

if TYPE_CHECKING:
    import duckdb

    from tokman.rates import Card

Row = dict[str, Any]

_EXACT = Arithmetic(prec=60)
_PICO_PLACES = 12
_TAGS = ("workflow", "team", "user", "environment")
_REQUESTS = frozenset((*FEES, "per_request"))


class Part(msgspec.Struct):
    """What a group used of one thing that has a price, amounts in pico-dollars."""

    name: str
    quantity: int
    price: int
    """For one token or request."""
    list_cost: int
    contracted_cost: int = 0


class Priced(msgspec.Struct):
    """The unit prices of a rate, in pico-dollars, and what it is for."""

    sku: str = ""
    prices: dict[str, int] = {}


class Export(msgspec.Struct, kw_only=True):
    """The rows of an export, and what is not in them."""

    rows: list[Row]
    calls: int = 0
    list_cost: Decimal = Decimal(0)
    contracted_cost: Decimal = Decimal(0)
    adjusted: int = 0
    """Rows for amounts that today's rate card does not split."""
    unpriced_calls: int = 0
    unpriced_tokens: int = 0
    free_calls: int = 0
    """Calls that cost nothing: answered by a gateway's cache, or nothing was used."""


def export(
    connection: duckdb.DuckDBPyConnection,
    card: Card,
    *,
    version: str,
    tz: str = "UTC",
    account: str | None = None,
) -> Export:
    """What `scope` holds (see `report.scope`), as FOCUS rows of that version in order of time.

    `account` is the id of the billing account; by default each provider's is its name.
    """
    place = when.zone(tz)
    known = _priced(card)
    done = Export(rows=[], **run(connection, "focus_left_out")[0])
    for group in run(connection, "focus", quantities=list(QUANTITIES)):
        done.calls += group["calls"]
        done.list_cost = _EXACT.add(done.list_cost, group["list_cost"])
        done.contracted_cost = _EXACT.add(done.contracted_cost, group["contracted_cost"])
        seller = group["provider"] or group["rate_id"].removeprefix("user:").split("/")[0]
        common = _common(group, seller, version, place, account)
        priced = known.get(group["rate_id"], Priced())
        for part in _parts(group, priced.prices):
            done.adjusted += part.name == ""
            done.rows.append(common | _charge(group, priced.sku, part))
    return done


def _priced(card: Card) -> dict[str, Priced]:
    """Prices by the readable name of a rate; a name that two rates share has none."""
    found: dict[str, Priced] = {}
    for rate in rates_of(card.table):
        stated = zip(PRICED, rate.prices, strict=True)
        prices = {name: price for name, price in stated if price is not None}
        priced = Priced(f"{rate.provider_id}/{rate.model_id}", prices)
        if found.setdefault(rate.rate_id, priced) != priced:
            found[rate.rate_id] = Priced()
    return found


def _parts(group: Row, prices: dict[str, int]) -> list[Part]:
    """What a group's calls cost by token class, and what is left over where the rate card has
    changed since they were priced; their costs are those of the group."""
    parts = [
        Part(name, quantity, price, quantity * price)
        for name, quantity, price in _quantities(group, prices)
        if quantity
    ]
    whole, paid = _pico(group["list_cost"]), _pico(group["contracted_cost"])
    left = whole - sum(part.list_cost for part in parts)
    if left:
        parts.append(Part("", 0, 0, left))
    if parts and whole:
        for part in parts:
            part.contracted_cost = part.list_cost * paid // whole
        largest = max(parts, key=lambda part: part.list_cost)
        largest.contracted_cost += paid - sum(part.contracted_cost for part in parts)
    return parts


def _quantities(group: Row, prices: dict[str, int]) -> Iterator[tuple[str, int, int]]:
    """What the group used, and the price of one; reasoning apart from other output where it has a
    price of its own."""
    extra = prices.get("reasoning_output_tokens", 0)
    reasoning = int(group["reasoning_output_tokens"]) if extra else 0
    for name in QUANTITIES:
        if name in prices:
            apart = reasoning if name == "output_tokens" else 0
            yield name, int(group[name]) - apart, prices[name]
    if reasoning:
        yield "reasoning_output_tokens", reasoning, prices.get("output_tokens", 0) + extra
    if each := prices.get("per_request"):
        yield "per_request", int(group["calls"]), each


def _common(group: Row, seller: str, version: str, place: tzinfo, account: str | None) -> Row:
    """What the rows of a group have in common."""
    company, name = service(seller)
    day: date = group["day"]
    month = day.replace(day=1)
    tags = {tag: group[tag] for tag in _TAGS if group[tag] is not None}
    return {
        "BillingAccountId": account or seller,
        "BillingCurrency": "USD",
        "BillingPeriodStart": _midnight(month, place),
        "BillingPeriodEnd": _midnight((month + timedelta(days=32)).replace(day=1), place),
        "ChargePeriodStart": _midnight(day, place),
        "ChargePeriodEnd": _midnight(day + timedelta(days=1), place),
        "InvoiceIssuerName": company,
        **dict.fromkeys(SELLERS_BY_VERSION[version], company),
        "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Generative AI",
        "ServiceName": name,
        "SubAccountId": group["project"],
        "SubAccountName": group["project"],
        "Tags": _json(tags),
        "x_LedgerProvider": seller,
        "x_Model": group["model"],
        "x_ServiceTier": group["service_tier"],
    }


def _charge(group: Row, sku: str, part: Part) -> Row:
    """What is the row's own."""
    costs = {
        "ListCost": _dollars(part.list_cost),
        **dict.fromkeys(
            ("ContractedCost", "BilledCost", "EffectiveCost"), _dollars(part.contracted_cost)
        ),
    }
    model = group["model"]
    if not part.name:
        return costs | {
            "ChargeCategory": "Adjustment",
            "ChargeDescription": f"{model}: priced by an earlier rate card",
        }
    by_request = part.name in _REQUESTS
    unit, places = ("Requests", 3) if by_request else ("Tokens", 6)
    details = {"x_Model": model, "x_TokenType": part.name, "x_ServiceTier": group["service_tier"]}
    return costs | {
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{model}: {METERS[part.name]}",
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": Decimal(part.quantity),
        "ConsumedUnit": unit,
        "ListUnitPrice": _scaled(part.price, places - _PICO_PLACES),
        "PricingCategory": "Standard",
        "PricingQuantity": _scaled(part.quantity, -places),
        "PricingUnit": f"{10**places} {unit}",
        "SkuId": f"{sku}/{part.name}",
        "SkuMeter": METERS[part.name],
        "SkuPriceDetails": _json(details),
        "SkuPriceId": f"{group['rate_id']}/{part.name}",
        "x_TokenType": part.name,
    }


def _midnight(day: date, place: tzinfo) -> datetime:
    """The beginning of the day there, as an instant in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=place).astimezone(UTC)


def _pico(amount: Decimal) -> int:
    return int(_EXACT.scaleb(amount, _PICO_PLACES))


def _dollars(pico: int) -> Decimal:
    return _scaled(pico, -_PICO_PLACES)


def _scaled(number: int, places: int) -> Decimal:
    return _EXACT.scaleb(Decimal(number), places)


def _json(values: Row) -> str:
    return msgspec.json.encode(values).decode()
