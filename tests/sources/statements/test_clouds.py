"""AWS, Google Cloud and Azure in their own formats: what lines become, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.sources.damage import withstand
from tests.sources.statements.bills import FILE_TIME, read, read_lines, total
from tokman.sources import claimants
from tokman.sources.base import Context, Source
from tokman.sources.statements.aws_cur import AWS
from tokman.sources.statements.azure_cost import AzureCost
from tokman.sources.statements.gcp_billing import GoogleCloud
from tokman.statement import Statement

MAY = 1_777_593_600_000_000
HOUR = 3_600_000_000


def aws(**columns: Any) -> dict[str, Any]:
    """A line of CUR 2.0, its usage type one of AWS's own examples:
    https://docs.aws.amazon.com/bedrock/latest/userguide/cost-mgmt-understanding-cur-data.html"""
    return {
        "bill_billing_period_start_date": "2026-05-01T00:00:00.000Z",
        "bill_payer_account_id": "999999999999",
        "line_item_usage_account_id": "111111111111",
        "line_item_usage_start_date": "2026-05-01T00:00:00.000Z",
        "line_item_usage_end_date": "2026-05-01T01:00:00.000Z",
        "line_item_product_code": "AmazonBedrock",
        "line_item_usage_type": "USE1-Claude4.6Sonnet-cache-read-input-token-count",
        "line_item_line_item_type": "Usage",
        "line_item_usage_amount": 500,
        "line_item_unblended_cost": 0.15,
        "pricing_public_on_demand_cost": 0.3,
        "pricing_unit": "1K tokens",
        "line_item_currency_code": "USD",
        **columns,
    }


def google(**columns: Any) -> dict[str, Any]:
    """A row of the detailed export; the SKU's name as in Google's list."""
    return {
        "billing_account_id": "010101-F0FFF0-61C528",
        "service": {"id": "C7E2-9256-1C43", "description": "Vertex AI"},
        "sku": {"id": "A", "description": "Gemini 2.5 Flash GA Text Input - Predictions"},
        "usage_start_time": "2026-05-01 00:00:00 UTC",
        "usage_end_time": "2026-05-01 01:00:00 UTC",
        "project": {"id": "acme-prod", "number": "12"},
        "export_time": "2026-05-01 09:00:00 UTC",
        "cost": 0.15,
        "cost_at_list": 0.3,
        "currency": "USD",
        "usage": {"amount": 500000, "unit": "count"},
        "credits": [],
        "invoice": {"month": "202605"},
        "cost_type": "regular",
        **columns,
    }


def azure(**columns: Any) -> dict[str, Any]:
    """A line of a Customer Agreement's export, its meter as in Microsoft's price list."""
    return {
        "billingAccountId": "8611537",
        "billingPeriodStartDate": "05/01/2026",
        "billingPeriodEndDate": "05/31/2026",
        "SubscriptionId": "1caaa5a3",
        "date": "05/01/2026",
        "meterCategory": "Cognitive Services",
        "meterSubCategory": "Azure OpenAI",
        "meterName": "gpt 4o 0806 cached Inp glbl Tokens",
        "quantity": "500",
        "unitOfMeasure": "1K",
        "chargeType": "Usage",
        "pricingModel": "OnDemand",
        "costInBillingCurrency": "0.15",
        "paygCostInBillingCurrency": "0.3",
        "billingCurrency": "USD",
        **columns,
    }


READ, UNCACHED = "cache_read_input_tokens", "uncached_input_tokens"
WHOLE = {"billed_amount": Decimal("0.15"), "list_amount": Decimal("0.3"), "inference": True}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "AWS": (
        aws(),
        {"provider_name": "aws.bedrock", "model": "claude-sonnet-4-6", READ: 500_000, **WHOLE}
        | {"period_start": MAY, "period_end": MAY + HOUR, "project": "111111111111"}
        | {"issued_at": FILE_TIME, "charge_category": "usage", "source": "aws-cur"},
    ),
    "AWS, a product of its Marketplace": (
        aws(
            line_item_product_code="a1b2c3",
            product={"product_name": "Claude Opus 4 (Amazon Bedrock Edition)"},
            line_item_usage_type="USE1-MP:USE1_InputTokenCount-Units",
            line_item_usage_amount="0.0005",
            pricing_unit="Units",
        ),
        {"provider_name": "aws.bedrock", "model": "claude-opus-4", UNCACHED: 500}
        | {"quantity": Decimal("0.0005"), "unit": "Units"},
    ),
    "AWS, tax": (
        aws(line_item_line_item_type="Tax"),
        {"charge_category": "tax", READ: None, "inference": True},
    ),
    "AWS, a discount": (
        aws(line_item_line_item_type="PrivateRateDiscount", line_item_unblended_cost=-0.01),
        {"charge_category": "adjustment", "billed_amount": Decimal("-0.01")},
    ),
    "AWS, batch": (
        aws(line_item_usage_type="USE1-Claude3.5Haiku-output-tokens-batch"),
        {"service_tier": "batch", "output_tokens": 500_000, "model": "claude-3-5-haiku"},
    ),
    "Google": (
        google(),
        {"provider_name": "gcp.vertex_ai", "model": "gemini-2.5-flash", UNCACHED: 500_000, **WHOLE}
        | {"project": "acme-prod", "account_id": "010101-F0FFF0-61C528"}
        | {"issued_at": MAY + 9 * HOUR, "source": "gcp-billing"},
    ),
    "Google, by the character": (
        google(sku={"description": "Gemini 1.5 Flash Text Input - Predictions"}),
        {"token_class": UNCACHED, UNCACHED: None, "quantity": Decimal(500_000)},
    ),
    "Google, in a unit it also uses": (
        google(usage={"amount": 1065040.0, "unit": "requests"}),
        {UNCACHED: 1_065_040},
    ),
    "Google, an exact cost": (
        google(cost="1.123456789012345678", cost_type="rounding error"),
        {"billed_amount": Decimal("1.123456789012345678"), "charge_category": "adjustment"},
    ),
    "Azure": (
        azure(),
        {"provider_name": "azure.ai.openai", READ: 500_000, "model": None, **WHOLE}
        | {"period_start": MAY, "period_end": MAY + 24 * HOUR, "source": "azure-cost"}
        | {"effective_amount": Decimal("0.15"), "stated_amount": "0.15"},
    ),
    "Azure, reserved throughput when bought": (
        azure(chargeType="Purchase", pricingModel="Reservation"),
        {"billed_amount": Decimal("0.15"), "effective_amount": None},
    ),
    "Azure, reserved throughput spread": (
        azure(pricingModel="Reservation"),
        {"billed_amount": None, "effective_amount": Decimal("0.15")},
    ),
    "Azure, reserved throughput unused": (
        azure(pricingModel="Reservation", chargeType="UnusedReservation"),
        {"billed_amount": None, "effective_amount": Decimal("0.15")},
    ),
    "Azure, an older spelling": (
        {k: v for k, v in azure(Cost="0.15").items() if k != "costInBillingCurrency"},
        {"billed_amount": Decimal("0.15")},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_lines(name: str, tmp_path: Path) -> None:
    record, expected = CASES[name]
    [row], outcome = read_lines(tmp_path, record)
    assert not outcome.rejects
    assert {each: getattr(row, each) for each in expected} == expected


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "AWS, an unknown type": (aws(line_item_line_item_type="Gift"), "line_item_line_item_type"),
    "AWS, no cost": (aws(line_item_unblended_cost=None), "line_item_unblended_cost: missing"),
    "AWS, no end": (aws(line_item_usage_end_date=None), "line_item_usage_end_date: missing"),
    "Google, an unknown type": (google(cost_type="gift"), "cost_type"),
    "Google, no cost": (google(cost=None), "cost: missing"),
    "Google, a credit of nothing": (google(credits=[{"name": "x"}]), "credits.amount: missing"),
    "Azure, an unknown type": (azure(chargeType="Gift"), "ChargeType"),
    "Azure, no cost": (azure(costInBillingCurrency=""), "Cost: missing"),
    "Azure, a date of either kind": (azure(billingPeriodEndDate=""), "cannot be told apart"),
    "Azure, no currency": (azure(billingCurrency=None), "BillingCurrency"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    record, reason = REFUSED[name]
    rows, outcome = read_lines(tmp_path, record)
    assert not rows
    assert [reason in reject.reason for reject in outcome.rejects] == [True], outcome.rejects


@pytest.mark.parametrize(
    ("make", "other", "column"),
    [
        (aws, {"line_item_product_code": "AmazonS3"}, "line_item_unblended_cost"),
        (google, {"service": {"id": "6F81", "description": "Compute Engine"}}, "cost"),
        (azure, {"meterSubCategory": "Speech"}, "costInBillingCurrency"),
    ],
)
def test_other_services_are_summed(make: Any, other: Any, column: str, tmp_path: Path) -> None:
    lines = [make(**other, **{column: cost}) for cost in ("0.1", "0.2", "-0.05")]
    rows, outcome = read_lines(tmp_path, *lines, make())
    assert not outcome.rejects
    assert [row.billed_amount for row in rows if not row.inference] == [Decimal("0.25")]
    assert total(rows) == Decimal("0.4")


def test_credits_of_google_are_lines_of_their_own(tmp_path: Path) -> None:
    credits = [{"name": "Promotion", "amount": -0.05}, {"name": "Discount", "amount": -0.01}]
    rows, _ = read_lines(tmp_path, google(credits=credits))
    assert [(row.charge_category, row.line_item, row.billed_amount) for row in rows[1:]] == [
        ("credit", "Promotion", Decimal("-0.05")),
        ("credit", "Discount", Decimal("-0.01")),
    ]
    assert total(rows) == Decimal("0.09")


def test_rows_of_google_exported_later_are_further_rows(tmp_path: Path) -> None:
    late = google(export_time="2026-05-02 09:00:00 UTC", cost=-0.05)
    first, _ = read_lines(tmp_path, google(), late)
    second, _ = read_lines(tmp_path, late, google())
    assert {row.statement_id: row.billed_amount for row in first} == {
        row.statement_id: row.billed_amount for row in second
    }


def test_the_older_spelling_of_aws(tmp_path: Path) -> None:
    head = (
        "identity/LineItemId,bill/PayerAccountId,bill/BillingPeriodStartDate,"
        "lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,"
        "lineItem/UsageEndDate,lineItem/ProductCode,lineItem/UsageType,lineItem/UsageAmount,"
        "lineItem/CurrencyCode,lineItem/UnblendedCost,product/ProductName,"
        "pricing/publicOnDemandCost,pricing/unit,resourceTags/user:team"
    )
    row = (
        "x,999999999999,2026-05-01T00:00:00Z,111111111111,Usage,2026-05-01T00:00:00Z,"
        "2026-05-01T01:00:00Z,AmazonBedrock,USE1-NovaPro-output-tokens,500.0000000000,"
        "USD,0.1500000000,Amazon Bedrock,0.3000000000,1K tokens,search"
    )
    path = tmp_path / "report-00001.csv"
    path.write_text(f"{head}\n{row}\n{row.replace(',search', ',other')}\n")
    rows, outcome = read(path)
    assert not outcome.rejects and len({each.statement_id for each in rows}) == 2
    assert (rows[0].output_tokens, rows[0].billed_amount) == (500_000, Decimal("0.15"))
    assert (rows[0].list_amount, rows[0].account_id) == (Decimal("0.3"), "999999999999")


def test_dotted_names_and_answers_of_bigquery(tmp_path: Path) -> None:
    names = ["billing_account_id", "usage_start_time", "usage_end_time", "cost", "currency"]
    flat = {name: google()[name] for name in names}
    flat |= {"service.description": "Vertex AI", "sku.description": "Gemini 2.5 Pro Text Output"}
    path = tmp_path / "billing.csv"
    path.write_text(",".join(flat) + "\n" + ",".join(map(str, flat.values())) + "\n")
    [row], outcome = read(path)
    assert not outcome.rejects and row.model == "gemini-2.5-pro"

    fields: list[dict[str, Any]] = [{"name": name} for name in names]
    fields.append({"name": "service", "fields": [{"name": "id"}, {"name": "description"}]})
    credit = [{"name": "name"}, {"name": "amount"}]
    fields.append({"name": "credits", "mode": "REPEATED", "fields": credit})
    cells: list[dict[str, Any]] = [{"v": str(google()[name])} for name in names]
    cells.append({"v": {"f": [{"v": "C7E2-9256-1C43"}, {"v": "Vertex AI"}]}})
    cells.append({"v": [{"v": {"f": [{"v": "Promotion"}, {"v": "-0.05"}]}}]})
    answer = {"schema": {"fields": fields}, "rows": [{"f": cells}, {"f": cells[:2]}]}
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer, indent=1))
    rows, outcome = read(path)
    assert total(rows) == Decimal("0.1") and len(rows) == 2
    assert [(each.line, each.reason) for each in outcome.rejects] == [
        (2, "not a row of the columns in `schema`")
    ]


@pytest.mark.parametrize(
    ("source", "record"), [(AWS, aws()), (GoogleCloud, google()), (AzureCost, azure())]
)
def test_damage(source: type[Source], record: dict[str, Any]) -> None:
    assert claimants(record) == [source]
    context = Context("bill.jsonl", b"k" * 32)
    typed = msgspec.json.decode(json.dumps(record), type=source.record_type)
    assert all(isinstance(row, Statement) for row in source(context).parse(typed, 1))
    if source is GoogleCloud:
        record["credits"] = [{"name": "Promotion", "amount": -1}]
    withstand(source, context, record, "canary")
