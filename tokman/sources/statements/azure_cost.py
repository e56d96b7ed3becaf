"""Azure cost exports: actual and amortized cost, of Enterprise and Customer Agreements, as CSV.

https://learn.microsoft.com/azure/cost-management-billing/dataset-schema/cost-usage-details-ea —
columns are read by name whatever their case: agreements and versions spell them differently. The
two exports state the same charges but those of reservations and savings plans, which the actual one
bills when they are bought and the amortized one spreads over what they covered; such a spread cost
is an effective amount, never a billed one, so that both exports together count nothing twice.

Verified on an export of an Enterprise Agreement that has no models; their meters' names are from
Microsoft's price list. No model is told: a meter's name for one, `5.4 mini`, is no model's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, ClassVar

from tokman.errors import BadRecord
from tokman.sources.base import Record
from tokman.sources.facts import amount, short
from tokman.sources.statements.bill import DAY, Bill, currency, line_of, told
from tokman.sources.statements.meters import read
from tokman.sources.statements.moments import moment, proves_month_first
from tokman.sources.statements.services import sold_by
from tokman.statement import ChargeCategory, Statement

REQUIRED = frozenset("chargetype date metercategory metername quantity unitofmeasure".split())

CATEGORIES: dict[str, ChargeCategory] = {
    "usage": "usage",
    "unusedreservation": "usage",
    "unusedsavingsplan": "usage",
    "purchase": "purchase",
    "tax": "tax",
    "credit": "credit",
    "refund": "adjustment",
    "adjustment": "adjustment",
    "roundingadjustment": "adjustment",
}

COMMITTED = ("reservation", "savingsplan")
"""Pricing models whose cost the amortized export spreads."""

_DIMENSIONS = (
    *("chargetype", "frequency", "pricingmodel", "meterid", "metername", "partnumber", "product"),
    *("productname", "resourceid", "resourcelocation", "unitofmeasure", "reservationid"),
    *("benefitid", "publishername", "term", "costcenter", "tags", "additionalinfo"),
)

_THOUSANDS = {"1": 1, "1K": 10**3, "10K": 10**4, "100K": 10**5, "1M": 10**6}


class AzureCost(Bill):
    """Reads a cost export."""

    name: ClassVar[str] = "azure-cost"
    title: ClassVar[str] = "Azure cost exports, actual and amortized (statements)"
    locations: ClassVar[tuple[str, ...]] = ()
    record_type: ClassVar[Any] = dict[str, Any]
    from_row: ClassVar[Callable[[dict[str, Any]], Any] | None] = dict

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """A row of either agreement."""
        names = {name.lower() for name in record}
        return names >= REQUIRED and bool(names & {"cost", "costinbillingcurrency"})

    def parse(self, record: dict[str, Any], line: int) -> Iterable[Record]:
        """The row of a line of inference; other lines are kept for `finish`."""
        record = {name.lower(): cell for name, cell in record.items()}
        start, end = record.get("billingperiodstartdate"), record.get("billingperiodenddate")
        american = proves_month_first(start, end)
        day = moment(record.get("date"), "Date", month_first=american)
        if day is None:
            raise BadRecord("Date: missing")
        billed_in = moment(start, "BillingPeriodStartDate", month_first=american)
        statement = line_of(day, day + DAY, line)
        statement.account_id = short(record.get("billingaccountid"))
        statement.project = short(record.get("subscriptionid"))
        code = record.get("billingcurrency") or record.get("billingcurrencycode")
        statement.currency = currency(code, "BillingCurrency")
        spread = _amounts(statement, record)
        _kind(statement, record)
        return self.line(statement, billed_in, spread, *map(record.get, _DIMENSIONS))


def _amounts(statement: Statement, record: dict[str, Any]) -> bool:
    """Set category and amounts; True for a cost that the amortized export spreads."""
    kind = _letters(record.get("chargetype"))
    if kind not in CATEGORIES:
        raise BadRecord("ChargeType: not one tokman knows")
    statement.charge_category = CATEGORIES[kind]
    cost = amount(_cost(record), "Cost")
    if cost is None:
        raise BadRecord("Cost: missing")
    committed = _letters(record.get("pricingmodel")) in COMMITTED
    spread = kind.startswith("unused") or (committed and kind == "usage" and cost != 0)
    if not spread:
        statement.billed_amount = cost
    if not (committed and kind == "purchase"):
        statement.effective_amount = cost
    listed = record.get("paygcostinbillingcurrency")
    statement.list_amount = amount(listed, "paygCostInBillingCurrency")
    return spread


def _kind(statement: Statement, record: dict[str, Any]) -> None:
    """Of which service the line is, and what it says of model and tokens."""
    category, part = short(record.get("metercategory")), short(record.get("metersubcategory"))
    product = short(record.get("product")) or short(record.get("productname"))
    publisher = short(record.get("publishername"))
    statement.inference, statement.provider_name = sold_by(
        category, None, " ".join(filter(None, (part, product))), publisher, "Microsoft"
    )
    if not statement.inference:
        return
    meter = short(record.get("metername"))
    statement.service_name = part or category
    statement.line_item = meter
    statement.quantity = amount(record.get("quantity"), "Quantity")
    statement.unit = short(record.get("unitofmeasure"))
    of_tokens = "token" in (meter or "").lower()
    told(statement, read(meter), one=_THOUSANDS.get(statement.unit or "") if of_tokens else None)
    if statement.billed_amount is not None:
        statement.stated_amount = short(str(_cost(record)))


def _cost(record: dict[str, Any]) -> Any:
    """The cost as stated: an agreement of several currencies has it in that of the bill too."""
    stated = record.get("costinbillingcurrency")
    return record.get("cost") if stated is None else stated


def _letters(cell: Any) -> str:
    return _only_letters(cell) if isinstance(cell, str) else ""


@lru_cache(1024)
def _only_letters(cell: str) -> str:
    return "".join(filter(str.isalpha, cell)).lower()
