"""AWS Cost and Usage Reports: CUR 2.0 of Data Exports, and the older CUR.

https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html — CSV and Parquet. The
older CSV spells `lineItem/UsageAmount` what the others spell `line_item_usage_amount`. A line's
billed amount is its unblended cost; discounts, credits, refunds and taxes are lines of their own
and stay so. The report's own line ids change from one delivery to the next, so they are not used.

Not verified on a real report: that of the models sold through the AWS Marketplace, Anthropic's
among them, every line has `(Amazon Bedrock Edition)` in its product's name, as in the price list,
whose unit for them, `Units`, is a million tokens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Record
from tokman.sources.facts import amount, short
from tokman.sources.statements.bill import Bill, currency, line_of, required, told
from tokman.sources.statements.meters import read
from tokman.sources.statements.moments import moment
from tokman.sources.statements.services import sold_by

REQUIRED = frozenset(
    "line_item_line_item_type line_item_unblended_cost line_item_usage_start_date "
    "line_item_usage_type".split()
)

CATEGORIES = {
    "Usage": "usage",
    "DiscountedUsage": "usage",
    "SavingsPlanCoveredUsage": "usage",
    "Fee": "purchase",
    "RIFee": "purchase",
    "SavingsPlanUpfrontFee": "purchase",
    "SavingsPlanRecurringFee": "purchase",
    "Tax": "tax",
    "Credit": "credit",
    "Refund": "adjustment",
    "SavingsPlanNegation": "adjustment",
}
"""`line_item_line_item_type`; whatever ends in Discount is an adjustment too."""


class Line(msgspec.Struct, gc=False):
    """The columns that are read."""

    bill_bill_type: Any = None
    bill_billing_period_start_date: Any = None
    bill_payer_account_id: Any = None
    line_item_availability_zone: Any = None
    line_item_currency_code: Any = None
    line_item_legal_entity: Any = None
    line_item_line_item_description: Any = None
    line_item_line_item_type: Any = None
    line_item_operation: Any = None
    line_item_product_code: Any = None
    line_item_resource_id: Any = None
    line_item_tax_type: Any = None
    line_item_unblended_cost: Decimal | None = None
    line_item_usage_account_id: Any = None
    line_item_usage_amount: Decimal | None = None
    line_item_usage_end_date: Any = None
    line_item_usage_start_date: Any = None
    line_item_usage_type: Any = None
    pricing_public_on_demand_cost: Decimal | None = None
    pricing_rate_code: Any = None
    pricing_term: Any = None
    pricing_unit: Any = None
    product: Any = None
    product_product_name: Any = None
    resource_tags: Any = None


_DIMENSIONS = (
    *("bill_bill_type", "line_item_line_item_type", "line_item_tax_type"),
    *("line_item_legal_entity", "line_item_product_code", "line_item_usage_type"),
    *("line_item_operation", "line_item_resource_id", "line_item_availability_zone"),
    *("line_item_line_item_description", "pricing_rate_code", "pricing_term", "pricing_unit"),
    "resource_tags",
)
_dimensions = attrgetter(*_DIMENSIONS)
_FIELDS = frozenset(Line.__struct_fields__)


@lru_cache(1024)
def plain_name(name: str) -> str:
    """`line_item_usage_amount` for `lineItem/UsageAmount`; other names as they are."""
    section, slash, column = name.partition("/")
    if not slash or section == "resourceTags":
        return name
    return "_".join(_snake(word) for word in (section, column))


def _snake(words: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words).lower()


def from_row(row: dict[str, Any]) -> Line:
    """A row of a table as a record; tags that have columns of their own in one place."""
    named: dict[str, Any] = {}
    tags: dict[str, Any] = {}
    for name, cell in row.items():
        plain = plain_name(name)
        if plain in _FIELDS:
            named[plain] = cell
        elif plain.startswith(("resourceTags/", "resource_tags_")):
            tags[plain] = cell
    line = Line(**named)
    if tags and line.resource_tags is None:
        line.resource_tags = tags
    return line


class AWS(Bill):
    """Reads a Cost and Usage Report."""

    name: ClassVar[str] = "aws-cur"
    title: ClassVar[str] = "AWS Cost and Usage Reports: CUR 2.0, Data Exports, legacy (statements)"
    locations: ClassVar[tuple[str, ...]] = ()
    record_type: ClassVar[Any] = Line
    from_row: ClassVar[Callable[[dict[str, Any]], Any] | None] = from_row

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """A row of either spelling."""
        if "lineItem/LineItemType" in record:
            return {plain_name(name) for name in record} >= REQUIRED
        return record.keys() >= REQUIRED

    def parse(self, record: Line, line: int) -> Iterable[Record]:
        """The row of a line of inference; other lines are kept for `finish`."""
        start = required(record.line_item_usage_start_date, "line_item_usage_start_date")
        end = required(record.line_item_usage_end_date, "line_item_usage_end_date")
        statement = line_of(start, end, line)
        statement.account_id = short(record.bill_payer_account_id)
        statement.project = short(record.line_item_usage_account_id)
        statement.charge_category = _category(record.line_item_line_item_type)
        statement.currency = currency(record.line_item_currency_code, "line_item_currency_code")
        statement.billed_amount = amount(
            record.line_item_unblended_cost, "line_item_unblended_cost"
        )
        if statement.billed_amount is None:
            raise BadRecord("line_item_unblended_cost: missing")
        statement.list_amount = amount(
            record.pricing_public_on_demand_cost, "pricing_public_on_demand_cost"
        )
        billed_in = moment(record.bill_billing_period_start_date, "bill_billing_period_start_date")
        product, code = _product(record), short(record.line_item_product_code)
        statement.inference, statement.provider_name = sold_by(
            product, code, None, short(record.line_item_legal_entity), "AWS"
        )
        if statement.inference:
            statement.service_name = product or code
            usage_type = short(record.line_item_usage_type)
            statement.line_item = usage_type
            statement.stated_amount = short(str(record.line_item_unblended_cost))
            statement.quantity = amount(record.line_item_usage_amount, "line_item_usage_amount")
            statement.unit = short(record.pricing_unit)
            described = short(record.line_item_line_item_description)
            million = statement.unit == "Units" and "-MP:" in (usage_type or "")
            told(statement, read(usage_type, described, product), one=10**6 if million else None)
        return self.line(statement, billed_in, *_dimensions(record))


def _category(stated: Any) -> Any:
    kind = stated if isinstance(stated, str) else ""
    category = "adjustment" if kind.endswith("Discount") else CATEGORIES.get(kind)
    if category is None:
        raise BadRecord("line_item_line_item_type: not one tokman knows")
    return category


def _product(record: Line) -> str | None:
    """The product's name: a column in the older report, in CUR 2.0 a property."""
    if named := short(record.product_product_name):
        return named
    product = record.product
    if isinstance(product, str):
        try:
            product = msgspec.json.decode(product)
        except (msgspec.DecodeError, RecursionError):
            return None
    if isinstance(product, list):
        product = dict(pair for pair in product if isinstance(pair, tuple) and len(pair) == 2)
    return short(product.get("product_name")) if isinstance(product, dict) else None
