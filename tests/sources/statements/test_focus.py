"""FOCUS bills: what each line becomes, and what is refused."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import SHARED, Run
from tests.sources.damage import withstand
from tests.sources.statements.bills import FILE_TIME, read, read_lines, total
from tokman.sources import claimants
from tokman.sources.base import Context
from tokman.sources.statements.focus import Focus
from tokman.statement import Statement

MAY = 1_777_593_600_000_000
DAY = 86_400_000_000


def charge(**columns: Any) -> dict[str, Any]:
    """A line for a thousand-token unit of Claude at Bedrock, as the columns of FOCUS 1.2."""
    return {
        "BilledCost": 0.15,
        "ListCost": 0.3,
        "ContractedCost": 0.15,
        "EffectiveCost": 0.15,
        "BillingAccountId": "999999999999",
        "SubAccountId": "111111111111",
        "BillingCurrency": "USD",
        "BillingPeriodStart": "2026-05-01T00:00:00Z",
        "BillingPeriodEnd": "2026-06-01T00:00:00Z",
        "ChargePeriodStart": "2026-05-01T00:00:00.000Z",
        "ChargePeriodEnd": "2026-05-02T00:00:00.000Z",
        "ChargeCategory": "Usage",
        "ChargeDescription": "USE1-Claude4.6Sonnet-cache-read-input-token-count",
        "ProviderName": "AWS",
        "PublisherName": "Anthropic",
        "ServiceName": "Claude Sonnet 4.6 (Amazon Bedrock Edition)",
        "ConsumedQuantity": 500,
        "ConsumedUnit": "1K tokens",
        **columns,
    }


OTHER = {"ServiceName": "Amazon Simple Storage Service", "ConsumedUnit": "GB-Mo"}


def test_a_line_of_inference(tmp_path: Path) -> None:
    [row], outcome = read_lines(tmp_path, charge())
    assert not outcome.rejects
    assert (row.provider_name, row.model) == ("aws.bedrock", "claude-sonnet-4-6")
    assert (row.token_class, row.cache_read_input_tokens) == ("cache_read_input_tokens", 500_000)
    assert (row.account_id, row.project) == ("999999999999", "111111111111")
    assert (row.billed_amount, row.list_amount) == (Decimal("0.15"), Decimal("0.3"))
    assert (row.contracted_amount, row.effective_amount) == (Decimal("0.15"), Decimal("0.15"))
    assert (row.period_start, row.period_end) == (MAY, MAY + DAY)
    assert (row.kind, row.view, row.part, row.inference) == ("cost", "lines", "costs", True)
    assert (row.quantity, row.unit, row.stated_amount) == (Decimal(500), "1K tokens", "0.15")
    assert (row.issued_at, row.line) == (FILE_TIME, 1)


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "1.4 names the seller in another column": (
        {"PublisherName": None, "ProviderName": None, "ServiceProviderName": "OpenAI, Inc."}
        | {"ServiceName": "API", "ChargeDescription": "gpt-5.5 output", "ConsumedUnit": "Tokens"},
        {"provider_name": "openai", "output_tokens": 500, "model": None},
    ),
    "Azure": (
        {"ProviderName": "Microsoft", "PublisherName": "Microsoft", "ServiceName": "Foundry Models"}
        | {"x_SkuMeterSubcategory": "Azure OpenAI", "SkuMeter": "gpt 4o 0806 Inp glbl Tokens"}
        | {"ChargeDescription": None},
        {"provider_name": "azure.ai.openai", "uncached_input_tokens": 500_000, "model": None},
    ),
    "Google": (
        {"ProviderName": "Google Cloud", "PublisherName": "Google Cloud", "ServiceName": None}
        | {"x_ServiceId": "C7E2-9256-1C43", "ConsumedUnit": "count"}
        | {"ChargeDescription": "Gemini 2.5 Flash GA Thinking Text Output - Predictions"},
        {"provider_name": "gcp.vertex_ai", "token_class": "output_tokens"}
        | {"output_tokens": None, "model": "gemini-2.5-flash"},
    ),
    "details of the price": (
        {"SkuPriceDetails": '{"x_Model": "claude-opus-4-6", "x_ServiceTier": "batch"}'},
        {"model": "claude-opus-4-6", "service_tier": "batch"},
    ),
    "half a token": (
        {"ConsumedQuantity": "0.0005"},
        {"cache_read_input_tokens": None, "token_class": "cache_read_input_tokens"},
    ),
    "a correction": (
        {"BilledCost": -0.15, "ConsumedQuantity": -500, "ChargeClass": "Correction"},
        {"billed_amount": Decimal("-0.15"), "cache_read_input_tokens": -500_000},
    ),
    "tax": (
        {"ChargeCategory": "Tax", "ConsumedQuantity": None, "ConsumedUnit": None},
        {"charge_category": "tax", "cache_read_input_tokens": None},
    ),
    "a digit beyond a float": (
        {"BilledCost": "1.123456789012345678"},
        {"billed_amount": Decimal("1.123456789012345678")},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_lines(name: str, tmp_path: Path) -> None:
    columns, expected = CASES[name]
    [row], outcome = read_lines(tmp_path, charge(**columns))
    assert not outcome.rejects and row.inference
    assert {each: getattr(row, each) for each in expected} == expected


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no amount": ({"BilledCost": None}, "BilledCost: missing"),
    "an amount in words": ({"BilledCost": "much"}, "BilledCost"),
    "not a number": ({"BilledCost": "NaN"}, "no plausible amount"),
    "an unknown category": ({"ChargeCategory": "Gift"}, "ChargeCategory"),
    "no end": ({"ChargePeriodEnd": None}, "ChargePeriodEnd: missing"),
    "a date of either kind": ({"ChargePeriodStart": "4/1/25"}, "cannot be told apart"),
    "the end before the start": ({"ChargePeriodEnd": "2026-04-01"}, "ends before it starts"),
    "a virtual currency billed": ({"BillingCurrency": "Credits"}, "BillingCurrency"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    columns, reason = REFUSED[name]
    rows, outcome = read_lines(tmp_path, charge(), charge(**columns))
    assert len(rows) == 1
    assert [(reject.line, reason in reject.reason) for reject in outcome.rejects] == [(2, True)]


def test_other_services_are_a_row_a_day(tmp_path: Path) -> None:
    lines = [
        charge(**OTHER, BilledCost="0.1"),
        charge(**OTHER, BilledCost="-0.3", ChargePeriodStart="2026-05-01T07:00:00Z"),
        charge(**OTHER, BilledCost="0.4", ChargeCategory="Tax"),
        charge(**OTHER, BilledCost="0.5", BillingPeriodStart="2026-06-01T00:00:00Z"),
        charge(),
    ]
    rows, _ = read_lines(tmp_path, *lines)
    others = [row for row in rows if not row.inference]
    assert [row.billed_amount for row in others] == [Decimal(n) for n in ("-0.2", "0.4", "0.5")]
    assert {row.period_end - row.period_start for row in others} == {DAY}
    assert total(rows) == Decimal("0.85")
    assert len({row.statement_id for row in rows}) == 4


def test_identical_lines_are_both_kept_and_known_again(tmp_path: Path) -> None:
    first, _ = read_lines(tmp_path, charge(), charge(), charge(Tags='{"a": "b"}'))
    second, _ = read_lines(tmp_path, charge(Tags='{"a": "b"}'), charge(BilledCost=9), charge())
    ids = {row.statement_id for row in first}
    assert len(ids) == 3
    assert {row.statement_id for row in second} == ids


def test_a_file_of_lines_that_grows(tokman: Run, tmp_path: Path) -> None:
    lines = [charge(**OTHER), charge(), charge(**OTHER, BilledCost=1), charge(), charge(**OTHER)]
    path = tmp_path / "bill.jsonl"
    for number, line in enumerate(lines, 1):
        with path.open("a") as bill:
            bill.write(json.dumps(line) + "\n")
        os.utime(path, (number, number * 10**9))
        tokman("ingest", path, "--ledger", "l")
    total = "select count(*), sum(billed_amount)::double from statements"
    assert tokman("sql", total, "-f", "csv", "--ledger", "l").out.splitlines()[1] == "3,1.6"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("part_1_0001.csv", "1-0001"),
        ("costs-00002.csv.gz", "00002"),
        ("rows-000000000003.json", "000000000003"),
        ("part-00004-c000.snappy.parquet", "00004"),
        ("focus-1.4-restated.csv", None),
        ("bill-2026-05.csv", None),
        ("export_20260501.csv", None),
    ],
)
def test_parts_of_an_export_do_not_replace_each_other(name: str, part: str | None) -> None:
    assert Focus(Context(f"/exports/{name}", b"k" * 32)).part == part


def test_parquet_cells_are_typed(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    record = charge(BilledCost=Decimal("0.150000000000000001"), ConsumedQuantity=Decimal(500))
    record["ChargePeriodStart"] = datetime(2026, 5, 1, tzinfo=UTC)
    record["ChargePeriodEnd"] = datetime(2026, 5, 2)
    pq.write_table(pa.Table.from_pylist([record]), tmp_path / "focus.parquet")
    [row], outcome = read(tmp_path / "focus.parquet")
    assert not outcome.rejects
    assert (row.period_start, row.period_end) == (MAY, MAY + DAY)
    assert row.billed_amount == Decimal("0.150000000000000001")
    assert row.cache_read_input_tokens == 500_000


def test_damage() -> None:
    context = Context("bill.jsonl", b"k" * 32)
    withstand(Focus, context, charge(Tags={"a": "b"}, SkuPriceDetails="{}"), "canary")
    answer = {
        "schema": {"fields": [{"name": name, "type": "STRING"} for name in charge()]},
        "rows": [{"f": [{"v": value} for value in charge().values()]}],
    }
    [row] = Focus(context).parse(msgspec.convert(answer, Focus.record_type), 1)
    assert isinstance(row, Statement) and row.cache_read_input_tokens == 500_000
    assert claimants(answer) == [Focus]
    withstand(Focus, context, answer, "canary")


@pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not here")
def test_a_restated_bill_replaces_what_was_stated_before(tokman: Run, tmp_path: Path) -> None:
    for order in ((1, 2), (2, 1)):
        for issued, name in zip(order, ("1.4", "1.4-restated"), strict=True):
            copy = tmp_path / f"{name}.csv"
            copy.write_bytes((SHARED / "focus" / f"costroid_focus-{name}.csv").read_bytes())
            os.utime(copy, (issued * 10**9, issued * 10**9))
            tokman("ingest", copy, "--ledger", f"l{order[0]}")
        total = "select sum(billed_amount)::varchar as total from statements"
        out = tokman("sql", total, "-f", "csv", "--ledger", f"l{order[0]}").out
        assert Decimal(out.split()[1]) == (23 if order == (1, 2) else 25)
