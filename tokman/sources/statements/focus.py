"""FOCUS, the open format of cloud bills, 1.0 to 1.4, of any issuer.

https://focus.finops.org/focus-specification/ — CSV, Parquet, JSON lines, or an answer of BigQuery's
REST API. Columns are read by name, so that one reader serves every version: who sells is
`ServiceProviderName` from 1.3 on and `PublisherName` before. Amounts are those of the billing
currency; prices in a virtual currency (1.2: tokens, credits) are not amounts of money and are left.
A purchase of credits is billed when bought, and its use has an effective cost alone.

No public bill with lines of model inference was found: their services and meters are recognised
from the providers' documentation. Google's `x_Credits` are taken to be inside `BilledCost`, as the
specification says of discounts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Record
from tokman.sources.facts import amount, short, word
from tokman.sources.statements import bigquery
from tokman.sources.statements.bill import Bill, currency, line_of, required, told
from tokman.sources.statements.focus_record import DIMENSIONS, Line, from_row
from tokman.sources.statements.meters import Meter, read
from tokman.sources.statements.moments import moment, proves_month_first
from tokman.sources.statements.services import sold_by
from tokman.statement import Statement

REQUIRED = frozenset(("BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodStart"))

_dimensions = attrgetter(*DIMENSIONS)

CATEGORIES = frozenset(("usage", "purchase", "tax", "credit", "adjustment"))


class Focus(Bill):
    """Reads a bill in FOCUS."""

    name: ClassVar[str] = "focus"
    title: ClassVar[str] = "FOCUS 1.0 to 1.4 bills of any cloud (statements)"
    locations: ClassVar[tuple[str, ...]] = ()
    record_type: ClassVar[Any] = Line
    from_row: ClassVar[Callable[[dict[str, Any]], Any] | None] = from_row

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """A row, or an answer of BigQuery with such columns."""
        return record.keys() >= REQUIRED or bigquery.columns(record) >= REQUIRED

    def parse(self, record: Line, line: int) -> Iterable[Record]:
        """The row of a line of inference; other lines are kept for `finish`."""
        return bigquery.each(record, line, from_row, self.read)

    def read(self, charge: Line, line: int) -> Iterable[Record]:
        """One charge."""
        american = proves_month_first(charge.billing_period_start, charge.billing_period_end)
        billed_in = moment(charge.billing_period_start, "BillingPeriodStart", month_first=american)
        statement = line_of(
            required(charge.charge_period_start, "ChargePeriodStart", month_first=american),
            required(charge.charge_period_end, "ChargePeriodEnd", month_first=american),
            line,
        )
        statement.account_id = short(charge.billing_account_id)
        statement.project = short(charge.sub_account_id)
        statement.charge_category = _category(charge.charge_category)
        statement.issued_at = moment(charge.x_export_time, "x_ExportTime") or 0
        _amounts(statement, charge)
        _kind(statement, charge)
        return self.line(statement, billed_in, *_dimensions(charge), statement.issued_at)


def _category(stated: Any) -> Any:
    category = stated.strip().lower() if isinstance(stated, str) else ""
    if category not in CATEGORIES:
        raise BadRecord("ChargeCategory: not one of FOCUS")
    return category


def _amounts(statement: Statement, charge: Line) -> None:
    statement.currency = currency(charge.billing_currency, "BillingCurrency")
    statement.billed_amount = amount(charge.billed_cost, "BilledCost")
    statement.list_amount = amount(charge.list_cost, "ListCost")
    statement.contracted_amount = amount(charge.contracted_cost, "ContractedCost")
    statement.effective_amount = amount(charge.effective_cost, "EffectiveCost")
    if statement.billed_amount is None:
        raise BadRecord("BilledCost: missing")
    statement.quantity = amount(charge.consumed_quantity, "ConsumedQuantity")
    statement.unit = short(charge.consumed_unit)
    if statement.quantity is None:
        statement.quantity = amount(charge.pricing_quantity, "PricingQuantity")
        statement.unit = short(charge.pricing_unit)


def _kind(statement: Statement, charge: Line) -> None:
    """Of which service the line is, and what it says of model and tokens."""
    sellers = (charge.service_provider_name, charge.publisher_name, charge.provider_name)
    names = (*sellers, charge.host_provider_name, charge.invoice_issuer_name)
    service = short(charge.service_name)
    statement.inference, statement.provider_name = sold_by(
        service,
        short(charge.x_service_code) or short(charge.x_service_id),
        short(charge.x_sku_meter_subcategory) or short(charge.service_subcategory),
        *(short(name) for name in names if name),
    )
    if not statement.inference:
        return
    own = word(charge.x_ledger_provider)
    statement.provider_name = own or statement.provider_name
    statement.service_name = service
    statement.line_item = short(charge.charge_description) or short(charge.sku_meter)
    statement.stated_amount = short(str(charge.billed_cost).strip())
    told(statement, _meter(charge))


def _meter(charge: Line) -> Meter:
    """What the line's meter says; what its columns or price details say goes before."""
    named = read(
        short(charge.x_token_type), short(charge.sku_meter), short(charge.charge_description)
    )
    details = _details(charge.sku_price_details)
    stated = {
        "token_class": read(word(details.get("x_TokenType"))).token_class,
        "model": word(charge.x_model) or word(details.get("x_Model")),
        "service_tier": word(charge.x_service_tier) or word(details.get("x_ServiceTier")),
        "context_window": word(details.get("x_ContextWindow")),
    }
    if stated["service_tier"] in ("standard", "default"):
        stated["service_tier"] = None
    return msgspec.structs.replace(named, **{key: each for key, each in stated.items() if each})


def _details(cell: Any) -> dict[str, Any]:
    """The properties of the price: JSON, or a map in Parquet."""
    if isinstance(cell, str):
        try:
            cell = msgspec.json.decode(cell)
        except (msgspec.DecodeError, RecursionError):
            return {}
    if isinstance(cell, list):
        cell = dict(pair for pair in cell if isinstance(pair, tuple) and len(pair) == 2)
    return cell if isinstance(cell, dict) else {}
