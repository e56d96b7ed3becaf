"""Anthropic's statements: cents and dollars, classes, views, Claude Code, the console's exports."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conftest import Run
from tests.sources.damage import withstand
from tokman.sources import claimants
from tokman.sources.base import Context, Refused
from tokman.sources.statements.anthropic_admin import AnthropicAdmin
from tokman.sources.statements.anthropic_console import AnthropicConsole
from tokman.statement import Statement

CONTEXT = Context("report.json", b"key")

MESSAGES = {
    "api_key_id": "apikey_01Rj2N8SVvo6BePZj99NhmiT",
    "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
    "cache_read_input_tokens": 200,
    "context_window": "0-200k",
    "model": "claude-sonnet-4-20250514",
    "output_tokens": 500,
    "server_tool_use": {"web_search_requests": 10},
    "service_tier": "standard",
    "uncached_input_tokens": 1500,
    "workspace_id": "wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ",
    "account_id": None,
    "inference_geo": "not_available",
}
COST = {
    "amount": "1234.5678",
    "currency": "USD",
    "description": "Claude Opus 4 Usage - Input Tokens",
    "model": "claude-opus-4-6",
    "workspace_id": "wrkspc_alpha",
    "cost_type": "tokens",
    "context_window": "0-200k",
    "service_tier": "standard",
    "token_type": "uncached_input_tokens",
    "inference_geo": None,
}
CODE = {
    "date": "2026-09-08",
    "actor": {"type": "user_actor", "email_address": "dev@example.com"},
    "organization_id": "dc9f6c26-b22c-4831-8d01-0446bada88f1",
    "customer_type": "api",
    "subscription_type": None,
    "terminal_type": "vscode",
    "core_metrics": {"num_sessions": 5},
    "model_breakdown": [
        {
            "model": "claude-sonnet-4-5",
            "tokens": {
                "input": 100000,
                "output": 35000,
                "cache_read": 10000,
                "cache_creation": 5000,
            },
            "estimated_cost": {"currency": "USD", "amount": 1025},
        }
    ],
}


def bucket(*results: dict[str, Any], **over: Any) -> dict[str, Any]:
    times = {"starting_at": "2026-05-01T00:00:00Z", "ending_at": "2026-05-02T00:00:00Z"}
    return {**times, "results": list(results), **over}


def read(record: Any) -> list[Any]:
    text = json.dumps(record)
    assert claimants(msgspec.json.decode(text)) == [AnthropicAdmin]
    return AnthropicAdmin(CONTEXT).parse(msgspec.Raw(text.encode()), 1)


def one(record: Any) -> Statement:
    (line,) = read(record)
    assert isinstance(line, Statement), line
    return line


def has(line: Statement, **expected: Any) -> bool:
    assert {name: getattr(line, name) for name in expected} == expected
    return True


def test_usage_of_messages() -> None:
    assert has(
        one(bucket(MESSAGES)),
        kind="usage",
        part="messages",
        view="1d by api_key_id,context_window,inference_geo,model,service_tier,workspace_id",
        provider_name="anthropic",
        project="wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ",
        model="claude-sonnet-4-20250514",
        service_tier=None,
        inference_geo=None,
        context_window="0-200k",
        uncached_input_tokens=1500,
        cache_read_input_tokens=200,
        cache_write_5m_input_tokens=500,
        cache_write_1h_input_tokens=1000,
        output_tokens=500,
        web_search_requests=10,
        requests=None,
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"service_tier": "batch"}, {"service_tier": "batch"}),
        ({"service_tier": "flex_discount"}, {"service_tier": "flex_discount"}),
        ({"inference_geo": "us"}, {"inference_geo": "us"}),
        ({"speed": "fast"}, {"speed": "fast"}),
        ({"speed": "standard"}, {"speed": None}),
        (
            {"cache_creation": {"ephemeral_5m_input_tokens": 7}},
            {"cache_write_1h_input_tokens": None},
        ),
        ({"cache_creation": None}, {"cache_write_5m_input_tokens": None}),
    ],
)
def test_what_sets_a_line_apart(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert has(one(bucket({**MESSAGES, **fields})), **expected)


@pytest.mark.parametrize(
    ("amount", "dollars"),
    [
        ("1234.5678", "12.345678"),
        ("123.78912", "1.2378912"),
        ("-250", "-2.5"),
        ("0.000000000001", "0.00000000000001"),
        (123.5, "1.235"),
    ],
)
def test_cents_become_dollars_exactly(amount: Any, dollars: str) -> None:
    line = one(bucket({**COST, "amount": amount}))
    assert has(line, billed_amount=Decimal(dollars), stated_amount=f"{amount} cents", kind="cost")
    assert (line.part, line.view) == ("costs", "1d by description,workspace_id")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"token_class": "uncached_input_tokens", "service_name": "tokens"}),
        ({"token_type": "output_tokens"}, {"token_class": "output_tokens"}),
        (
            {"token_type": "cache_creation.ephemeral_1h_input_tokens"},
            {"token_class": "cache_write_1h_input_tokens"},
        ),
        (
            {"token_type": "cache_creation.ephemeral_5m_input_tokens"},
            {"token_class": "cache_write_5m_input_tokens"},
        ),
        (
            {"cost_type": "web_search", "token_type": None},
            {"token_class": "web_search_requests", "charge_category": "usage"},
        ),
        (
            {"cost_type": "code_execution", "token_type": None},
            {"token_class": None, "service_name": "code_execution"},
        ),
        (
            {"amount": "-250", "description": "Developer promotional credit"},
            {"charge_category": "credit"},
        ),
        ({"amount": "-250", "description": None}, {"charge_category": "adjustment"}),
    ],
)
def test_lines_of_the_bill(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert has(one(bucket({**COST, **fields})), **expected)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"currency": "JPY"}, "currency: not USD"),
        ({"currency": None}, "currency: not USD"),
        ({"amount": "NaN"}, "no plausible amount"),
        ({"amount": "1e99"}, "no plausible amount"),
        ({"amount": "much"}, "$.amount"),
        ({"amount": None, "cache_creation": {"ephemeral_2h_input_tokens": 1}}, "a lifetime"),
        ({"amount": None, "output_tokens": -1}, "$.output_tokens"),
    ],
)
def test_a_bad_result_is_refused_and_the_rest_read(fields: dict[str, Any], reason: str) -> None:
    refused, kept = read(bucket({**COST, **fields}, COST))
    assert isinstance(refused, Refused)
    assert refused.reason.startswith("result 1 of a bucket: ")
    assert reason in refused.reason
    assert kept.billed_amount == Decimal("12.345678")


def test_a_bad_bucket_is_refused_and_the_rest_read() -> None:
    refused, kept = read({"data": [bucket(COST, starting_at="soon"), bucket(COST)]})
    assert isinstance(refused, Refused)
    assert refused.reason == "row 1: starting_at: not a time"
    assert kept.part == "costs"


def test_costs_grouped_by_nothing() -> None:
    assert one(bucket({"amount": "5", "currency": "USD"})).view == "1d"


def test_alike_lines_of_a_bucket_are_all_kept_and_restated_together(
    tokman: Run, tmp_path: Path
) -> None:
    asked = "select count(*) as n, sum(billed_amount)::varchar as total from statements"
    for day, amounts in enumerate((("100", "200"), ("200", "150"))):
        page = {"data": [bucket(*({**COST, "amount": each} for each in amounts))]}
        path = tmp_path / f"{day}.json"
        path.write_text(json.dumps({**page, "has_more": False, "next_page": None}, indent=1))
        os.utime(path, (1_780_000_000 + day, 1_780_000_000 + day))
        assert tokman("ingest", path, "--ledger", "l").code == 0
        total = json.loads(tokman("sql", asked, "-f", "json", "--ledger", "l").out)
        assert [row["n"] for row in total] == [2]
        assert Decimal(total[0]["total"]) == sum(map(Decimal, amounts)) / 100


def test_enterprise_analytics_stand_apart() -> None:
    line = one(bucket({**COST, "list_amount": "2000", "product": "claude_code", "requests": 3}))
    assert has(line, part="analytics", list_amount=Decimal(20), requests=3)
    assert one(bucket({**MESSAGES, "requests": None})).part == "analytics"
    assert one(bucket(MESSAGES)).part == "messages"


def test_claude_code() -> None:
    page = {"data": [CODE, {**CODE, "model_breakdown": []}], "has_more": False}
    assert has(
        one(page),
        kind="usage",
        part="claude_code",
        view="1d by actor,customer_type,model,terminal_type",
        user_id="dev@example.com",
        model="claude-sonnet-4-5",
        uncached_input_tokens=100000,
        cache_read_input_tokens=10000,
        cache_write_5m_input_tokens=5000,
        output_tokens=35000,
        billed_amount=None,
        list_amount=Decimal("10.25"),
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"date": "2026-09-08T10:00:00Z"}, "date: not a day"),
        ({"date": "soon"}, "date: not a time"),
    ],
)
def test_claude_code_that_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read({**CODE, **fields})


@pytest.mark.parametrize(
    "other",
    [
        {"data": [], "has_more": False},
        {"starting_at": "2026-05-01T00:00:00Z", "usage": {}},
        {"results": [MESSAGES]},
        {"usage_date_utc": "2026-05-01"},
        {"cost_usd": "1", "model": "m"},
    ],
)
def test_what_is_left_alone(other: dict[str, Any]) -> None:
    assert not AnthropicAdmin.matches(other)
    assert not AnthropicConsole.matches(other)


def test_an_empty_bucket() -> None:
    assert read({"data": [bucket()], "has_more": False}) == []


@pytest.mark.parametrize("record", [bucket(MESSAGES), bucket(COST), {"data": [CODE]}])
def test_damage(record: dict[str, Any]) -> None:
    withstand(AnthropicAdmin, CONTEXT, record, "CANARY")


USED = {
    "usage_date_utc": "2026-08-05",
    "model_version": "claude-opus-5",
    "api_key": "Closer App",
    "workspace": "Default",
    "usage_type": "standard",
    "context_window": "≤ 200k",
    "usage_input_tokens_no_cache": "46981",
    "usage_input_tokens_cache_write_5m": "15969",
    "usage_input_tokens_cache_write_1h": "0",
    "usage_input_tokens_cache_read": "0",
    "usage_output_tokens": "16932",
    "web_search_count": "0",
    "inference_geo": "global",
}
PAID = {
    "usage_date_utc": "2026-08-05",
    "model": "Claude Sonnet 4.5",
    "workspace": "Default",
    "api_key": "demo-key",
    "usage_type": "message",
    "context_window": "≤ 200k",
    "token_type": "input_cache_read",
    "cost_usd": "0.10",
    "list_price_usd": "1.00",
    "cost_type": "token",
    "inference_geo": "not_available",
    "api_key_id": "apikey_01AAA",
    "api_key_status": "archived",
}


def export(*rows: dict[str, str]) -> list[Any]:
    source = AnthropicConsole(CONTEXT)
    lines: list[Any] = []
    for number, row in enumerate(rows, 2):
        assert claimants(row) == [AnthropicConsole]
        lines += source.parse(row, number)
    return [*lines, *source.finish()]


def test_the_usage_export() -> None:
    (line,) = export(USED)
    assert has(
        line,
        kind="usage",
        part="messages",
        model="claude-opus-5",
        api_key_id="Closer App",
        project="Default",
        service_tier=None,
        context_window="0-200k",
        inference_geo="global",
        uncached_input_tokens=46981,
        cache_write_5m_input_tokens=15969,
        cache_write_1h_input_tokens=0,
        output_tokens=16932,
        web_search_requests=0,
    )


def test_the_cost_export_is_in_dollars() -> None:
    (line,) = export(PAID)
    assert has(
        line,
        kind="cost",
        part="costs",
        model="claude-sonnet-4-5",
        api_key_id="apikey_01AAA",
        token_class="cache_read_input_tokens",
        billed_amount=Decimal("0.1"),
        list_amount=Decimal(1),
        stated_amount="0.10",
        inference_geo=None,
    )


@pytest.mark.parametrize(
    ("shown", "model"),
    [
        ("Claude Haiku 4.5", "claude-haiku-4-5"),
        ("Claude Opus 5", "claude-opus-5"),
        ("claude-opus-4-6", "claude-opus-4-6"),
        ("Claude Sonnet 3.7", None),
        ("Claude Opus 4.6 (Fast)", None),
        ("--", None),
    ],
)
def test_display_names(shown: str, model: str | None) -> None:
    (line,) = export({**PAID, "model": shown})
    assert line.model == model
    assert model or shown == "--" or shown in line.line_item


def test_the_state_of_a_key_does_not_make_another_line() -> None:
    (first,), (again,) = export(PAID), export({**PAID, "api_key_status": "active"})
    assert first.statement_id == again.statement_id
    one_more = {**PAID, "token_type": "output"}, {**PAID, "workspace": "Other"}, PAID
    assert len({line.statement_id for line in export(PAID, *one_more)}) == 4


def test_an_hour_is_an_hour() -> None:
    day, hour = export(USED, {**USED, "usage_date_utc": "2026-08-05T13:00:00Z"})
    assert day.period_end - day.period_start == 24 * (hour.period_end - hour.period_start)
    assert hour.view.startswith("1h by ")


def test_older_exports_have_one_count_of_cache_writes() -> None:
    older = {k: v for k, v in USED.items() if "cache_write" not in k}
    (line,) = export({**older, "usage_input_tokens_cache_write": "7"})
    assert line.cache_write_5m_input_tokens == 7


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({**USED, "usage_input_tokens_cache_write": "7"}, "with and without lifetimes"),
        ({**USED, "usage_output_tokens": "1.5"}, "$.usage_output_tokens"),
        ({**USED, "usage_date_utc": "2026-08-05T13:07:00Z"}, "neither a day nor an hour"),
        ({**USED, "usage_date_utc": "--"}, "usage_date_utc"),
        ({**PAID, "cost_usd": "$1"}, "$.cost_usd"),
    ],
)
def test_a_row_that_is_not_clear_is_refused(row: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        export(row)
    assert reason in str(refused.value)
