"""The columns of a FOCUS bill, by their names in every version."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tokman.sources.statements import bigquery

Cell = Any
"""A text in CSV and JSON, a typed value in Parquet."""


class Line(msgspec.Struct, rename="pascal", gc=False):
    """The columns that are read, or a whole answer of BigQuery in `schema` and `rows`."""

    availability_zone: Cell = None
    billed_cost: Decimal | None = None
    billing_account_id: Cell = None
    billing_currency: Cell = None
    billing_period_end: Cell = None
    billing_period_start: Cell = None
    charge_category: Cell = None
    charge_class: Cell = None
    charge_description: Cell = None
    charge_frequency: Cell = None
    charge_period_end: Cell = None
    charge_period_start: Cell = None
    commitment_discount_id: Cell = None
    commitment_discount_status: Cell = None
    consumed_quantity: Decimal | None = None
    consumed_unit: Cell = None
    contracted_cost: Decimal | None = None
    effective_cost: Decimal | None = None
    host_provider_name: Cell = None
    invoice_issuer_name: Cell = None
    list_cost: Decimal | None = None
    pricing_category: Cell = None
    pricing_quantity: Decimal | None = None
    pricing_unit: Cell = None
    provider_name: Cell = None
    publisher_name: Cell = None
    region_id: Cell = None
    resource_id: Cell = None
    service_category: Cell = None
    service_name: Cell = None
    service_provider_name: Cell = None
    service_subcategory: Cell = None
    sku_id: Cell = None
    sku_meter: Cell = None
    sku_price_details: Cell = None
    sku_price_id: Cell = None
    sub_account_id: Cell = None
    tags: Cell = None
    x_service_code: Cell = msgspec.field(default=None, name="x_ServiceCode")
    """The service's id at AWS."""
    x_service_id: Cell = msgspec.field(default=None, name="x_ServiceId")
    """The service's id at Google."""
    x_sku_meter_subcategory: Cell = msgspec.field(default=None, name="x_SkuMeterSubcategory")
    """The part of the service at Azure."""
    x_export_time: Cell = msgspec.field(default=None, name="x_ExportTime")
    x_model: Cell = msgspec.field(default=None, name="x_Model")
    x_token_type: Cell = msgspec.field(default=None, name="x_TokenType")
    x_service_tier: Cell = msgspec.field(default=None, name="x_ServiceTier")
    x_ledger_provider: Cell = msgspec.field(default=None, name="x_LedgerProvider")
    """The four that `tokman export focus` adds."""
    schema: bigquery.Schema | None = msgspec.field(default=None, name="schema")
    rows: list[Any] | None = msgspec.field(default=None, name="rows")


_FIELDS = {
    each.encode_name: each.name
    for each in msgspec.structs.fields(Line)
    if each.name not in ("schema", "rows")
}

DIMENSIONS = (
    *("charge_class", "charge_description", "charge_frequency"),
    *("service_name", "region_id", "availability_zone", "resource_id", "sku_id", "sku_meter"),
    *("sku_price_id", "sku_price_details", "pricing_category", "pricing_unit", "consumed_unit"),
    *("commitment_discount_id", "commitment_discount_status", "tags"),
)
"""What tells lines of a period apart, and stays when a line is stated again: an invoice's number
is given later, unit prices are amounts, names change."""


def from_row(row: dict[str, Any]) -> Line:
    """A row of a table as a record."""
    return Line(**{_FIELDS[name]: cell for name, cell in row.items() if name in _FIELDS})
