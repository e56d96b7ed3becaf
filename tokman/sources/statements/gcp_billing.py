"""Google Cloud Billing's export to BigQuery, standard and detailed.

https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/standard-usage — as JSON
lines, Parquet, an answer of BigQuery's REST API, or a CSV with dotted names (`sku.description`).
The table only grows: a correction is a further row, so a row's time of export is part of what it
is. `cost` is before credits, which become lines of their own.

Not verified on a real export: the schema is that of the documentation. Tokens are counted where the
unit is `count` or, as some exports have it, `requests`, and the SKU names a class of tokens and a
model that is sold by the token: Gemini 1 was by the character.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Record
from tokman.sources.facts import amount, short
from tokman.sources.statements import bigquery
from tokman.sources.statements.bill import Bill, currency, line_of, required, told
from tokman.sources.statements.meters import Meter, read
from tokman.sources.statements.moments import moment
from tokman.sources.statements.services import sold_by
from tokman.statement import ChargeCategory, Statement

REQUIRED = frozenset("billing_account_id cost currency usage_start_time usage_end_time".split())

CATEGORIES: dict[str, ChargeCategory] = {
    "regular": "usage",
    "tax": "tax",
    "adjustment": "adjustment",
    "rounding_error": "adjustment",
}


class Named(msgspec.Struct, gc=False):
    """A service, SKU, project or resource."""

    id: Any = None
    description: Any = None
    name: Any = None
    global_name: Any = None


class Used(msgspec.Struct, gc=False):
    """How much, in which unit."""

    amount: Decimal | None = None
    unit: Any = None


class Credit(msgspec.Struct, gc=False):
    """Money given back on a line, below zero."""

    name: Any = None
    id: Any = None
    type: Any = None
    amount: Decimal | None = None


class Invoice(msgspec.Struct, gc=False):
    """The month a row is billed in: `202605`."""

    month: Any = None


class Line(msgspec.Struct, gc=False):
    """The columns that are read, or a whole answer of BigQuery in `schema` and `rows`."""

    billing_account_id: Any = None
    service: Named | None = None
    sku: Named | None = None
    usage_start_time: Any = None
    usage_end_time: Any = None
    project: Named | None = None
    labels: Any = None
    system_labels: Any = None
    tags: Any = None
    location: Any = None
    resource: Named | None = None
    export_time: Any = None
    cost: Decimal | None = None
    cost_at_list: Decimal | None = None
    cost_type: Any = None
    currency: Any = None
    usage: Used | None = None
    credits: list[Credit] | None = None
    invoice: Invoice | None = None
    schema: bigquery.Schema | None = None
    rows: list[Any] | None = None


def from_row(row: dict[str, Any]) -> Line:
    """A row of a table as a record; `sku.description` is the description of the SKU."""
    nested: dict[str, Any] = {}
    for name, cell in row.items():
        outer, dot, inner = name.partition(".")
        if dot:
            part = nested.setdefault(outer, {})
            if isinstance(part, dict):
                part[inner] = cell
        else:
            nested[name] = cell
    return msgspec.convert(nested, Line, strict=False)


class GoogleCloud(Bill):
    """Reads an export of Cloud Billing."""

    name: ClassVar[str] = "gcp-billing"
    title: ClassVar[str] = "Google Cloud Billing export, standard and detailed (statements)"
    locations: ClassVar[tuple[str, ...]] = ()
    record_type: ClassVar[Any] = Line
    from_row: ClassVar[Callable[[dict[str, Any]], Any] | None] = from_row

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """A row, or an answer of BigQuery with such columns."""
        return record.keys() >= REQUIRED or bigquery.columns(record) >= REQUIRED

    def parse(self, record: Line, line: int) -> Iterable[Record]:
        """The rows of a line of inference; other lines are kept for `finish`."""
        return bigquery.each(record, line, from_row, self.read)

    def read(self, row: Line, line: int) -> list[Record]:
        """One row of the table: its cost, and each of its credits."""
        charges = [_charge(row, line), *_credits(row, line)]
        billed_in = row.invoice.month if row.invoice else None
        named = [part.id for part in (row.service, row.sku) if part]
        resource = row.resource.global_name or row.resource.name if row.resource else None
        dimensions = (*named, row.cost_type, resource, row.location, row.labels, row.tags)
        exported = moment(row.export_time, "export_time")
        return [
            kept
            for charge in charges
            for kept in self.line(charge, billed_in, *dimensions, charge.line_item, exported)
        ]


def _charge(row: Line, line: int) -> Statement:
    statement = _shell(row, line)
    kind = str(row.cost_type or "regular").lower().replace(" ", "_")
    if kind not in CATEGORIES:
        raise BadRecord("cost_type: not one tokman knows")
    statement.charge_category = CATEGORIES[kind]
    statement.billed_amount = amount(row.cost, "cost")
    statement.list_amount = amount(row.cost_at_list, "cost_at_list")
    if statement.billed_amount is None:
        raise BadRecord("cost: missing")
    if statement.inference:
        described = short(row.sku.description) if row.sku else None
        statement.line_item = described
        statement.stated_amount = short(str(row.cost))
        if row.usage:
            statement.quantity = amount(row.usage.amount, "usage.amount")
            statement.unit = short(row.usage.unit)
        meter = read(described)
        told(statement, meter, one=1 if _by_token(statement.unit, meter) else None)
    return statement


def _by_token(unit: str | None, meter: Meter) -> bool:
    """True where one of the unit is one token."""
    model = meter.model or ""
    return unit in ("count", "requests") and bool(model) and not model.startswith("gemini-1")


def _credits(row: Line, line: int) -> Iterable[Statement]:
    for credit in row.credits or ():
        statement = _shell(row, line)
        statement.charge_category = "credit"
        statement.billed_amount = amount(credit.amount, "credits.amount")
        if statement.billed_amount is None:
            raise BadRecord("credits.amount: missing")
        if statement.inference:
            statement.line_item = short(credit.name) or short(credit.id) or short(credit.type)
            statement.stated_amount = short(str(credit.amount))
        yield statement


def _shell(row: Line, line: int) -> Statement:
    """What a row's cost and its credits have in common."""
    start = required(row.usage_start_time, "usage_start_time")
    statement = line_of(start, required(row.usage_end_time, "usage_end_time"), line)
    statement.issued_at = moment(row.export_time, "export_time") or 0
    statement.account_id = short(row.billing_account_id)
    statement.project = short(row.project.id) if row.project else None
    statement.currency = currency(row.currency, "currency")
    service = row.service or Named()
    described = short(service.description)
    statement.inference, statement.provider_name = sold_by(
        described, short(service.id), None, "Google Cloud"
    )
    if statement.inference:
        statement.service_name = described
    return statement
