"""OpenAI's statements: overlaps, views, ids, line items, the dashboard's exports."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.conftest import SHARED, Run
from tests.sources.damage import withstand
from tokman.sources import claimants
from tokman.sources.base import Context, Refused
from tokman.sources.statements.openai_admin import OpenAIAdmin
from tokman.sources.statements.openai_dashboard import OpenAIDashboard
from tokman.statement import Statement

Json = dict[str, Any]
CONTEXT = Context("costs.json", b"key")
MAY, DAY = 1_777_593_600, 86_400
TIMES = {
    "start_time": str(MAY),
    "end_time": str(MAY + DAY),
    "start_time_iso": "2026-05-01T00:00:00+00:00",
    "end_time_iso": "2026-05-02T00:00:00",
}


def bucket(
    *results: dict[str, Any], kind: str = "usage.completions", **over: Any
) -> dict[str, Any]:
    rows = [{"object": f"organization.{kind}.result", **result} for result in results]
    return {"object": "bucket", "start_time": MAY, "end_time": MAY + DAY, "results": rows, **over}


def read(record: Any) -> list[Any]:
    text = record if isinstance(record, str) else json.dumps(record)
    assert claimants(msgspec.json.decode(text)) == [OpenAIAdmin]
    return OpenAIAdmin(CONTEXT).parse(msgspec.Raw(text.encode()), 1)


def one(record: Any) -> Statement:
    (line,) = read(record)
    assert isinstance(line, Statement), line
    return line


def cost(value: str, **fields: Any) -> Statement:
    """A line of the Costs API whose amount is written as it is given."""
    row = {"amount": {"value": "VALUE", "currency": "usd"}, **fields}
    return one(json.dumps(bucket(row, kind="costs")).replace('"VALUE"', value))


TOKENS = {
    # name: (fields beside 1,000 input and 500 output tokens, the classes they give)
    "nothing but totals": ({}, {"uncached_input_tokens": 1000, "output_tokens": 500}),
    "cached is inside": (
        {"input_cached_tokens": 400},
        {
            "uncached_input_tokens": 600,
            "cache_read_input_tokens": 400,
            "output_tokens": 500,
        },
    ),
    "the documented example": (
        {
            "input_cached_tokens": 400,
            "input_cache_write_tokens": 100,
            "input_uncached_tokens": 500,
            "input_text_tokens": 400,
            "input_audio_tokens": 50,
            "input_image_tokens": 50,
            "input_cached_text_tokens": 300,
            "input_cached_audio_tokens": 50,
            "input_cached_image_tokens": 50,
            "output_text_tokens": 400,
            "output_audio_tokens": 50,
            "output_image_tokens": 50,
        },
        {
            "uncached_input_tokens": 400,
            "audio_input_tokens": 50,
            "image_input_tokens": 50,
            "cache_write_5m_input_tokens": 100,
            "cache_read_input_tokens": 350,
            "cache_read_audio_input_tokens": 50,
            "output_tokens": 400,
            "audio_output_tokens": 50,
            "image_output_tokens": 50,
        },
    ),
    "two lifetimes of cache writes": (
        {
            "input_uncached_tokens": 700,
            "input_cache_write_tokens": 300,
            "input_cache_write_30m_tokens": 100,
            "input_cache_write_12h_tokens": 200,
        },
        {
            "uncached_input_tokens": 700,
            "cache_write_5m_input_tokens": 100,
            "cache_write_1h_input_tokens": 200,
            "output_tokens": 500,
        },
    ),
    "before 2025, audio with its cached part": (
        {"input_cached_tokens": 400, "input_audio_tokens": 700, "output_audio_tokens": 100},
        {
            "uncached_input_tokens": 0,
            "audio_input_tokens": 600,
            "cache_read_input_tokens": 300,
            "cache_read_audio_input_tokens": 100,
            "output_tokens": 400,
            "audio_output_tokens": 100,
        },
    ),
}


@pytest.mark.parametrize("name", TOKENS)
def test_classes_are_disjoint(name: str) -> None:
    fields, expected = TOKENS[name]
    line = one(bucket({"input_tokens": 1000, "output_tokens": 500, **fields}))
    found = {
        column: value
        for column, value in msgspec.structs.asdict(line).items()
        if column.endswith("_tokens") and value is not None
    }
    assert found == expected


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"input_cached_tokens": 1001}, "input_tokens (1000): fewer than"),
        ({"input_cached_tokens": 1001, "input_uncached_tokens": 0}, "exceed the whole (1000)"),
        ({"input_cached_tokens": 400, "input_uncached_tokens": 500}, "input_uncached_tokens (500)"),
        ({"input_uncached_tokens": 1000, "input_audio_tokens": 1001}, "exceed the whole (1000)"),
        ({"input_uncached_tokens": 1000, "input_cached_audio_tokens": 1}, "exceed the whole (0)"),
        ({"input_cache_write_tokens": 9, "input_cache_write_12h_tokens": 10}, "the whole (9)"),
        ({"output_audio_tokens": 501}, "exceed the whole (500)"),
        ({"output_audio_tokens": 1, "output_text_tokens": 500}, "exceed the whole (499)"),
        ({"output_tokens": None}, "output_tokens: missing"),
        ({"input_tokens": -1}, "$.input_tokens"),
    ],
)
def test_what_does_not_add_up_is_refused_and_the_rest_read(
    fields: dict[str, Any], reason: str
) -> None:
    good = {"input_tokens": 1000, "output_tokens": 500}
    refused, kept = read(bucket({**good, **fields}, good))
    assert isinstance(refused, Refused)
    assert reason in refused.reason
    assert refused.reason.startswith(f"bucket {MAY}, result 1: ")
    assert kept.output_tokens == 500


ENDPOINTS: dict[str, tuple[Json, str, Json]] = {
    "usage.embeddings": ({"input_tokens": 16}, "embeddings", {"uncached_input_tokens": 16}),
    "usage.moderations": ({"input_tokens": 16}, "moderations", {"uncached_input_tokens": 16}),
    "usage.images": ({"images": 2}, "images", {"quantity": 2, "unit": "images"}),
    "usage.audio_speeches": (
        {"characters": 45},
        "audio_speeches",
        {"quantity": 45, "unit": "characters"},
    ),
    "usage.audio_transcriptions": (
        {"seconds": 20},
        "audio_transcriptions",
        {"quantity": 20, "unit": "seconds"},
    ),
    "usage.vector_stores": (
        {"usage_bytes": 2 * 10**15},
        "vector_stores",
        {"quantity": 2 * 10**15, "unit": "bytes"},
    ),
    "usage.code_interpreter_sessions": (
        {"num_sessions": 1},
        "code_interpreter_sessions",
        {"quantity": 1, "unit": "sessions"},
    ),
    "usage.file_searches": (
        {"num_requests": 2},
        "file_search_calls",
        {"file_search_requests": 2},
    ),
    "usage.web_searches": (
        {"num_requests": 15, "num_model_requests": 99},
        "web_search_calls",
        {"web_search_requests": 15, "requests": None},
    ),
}


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_endpoints(kind: str) -> None:
    fields, part, expected = ENDPOINTS[kind]
    line = one(bucket(fields, kind=kind))
    assert (line.kind, line.part, line.provider_name) == ("usage", part, "openai")
    assert {name: getattr(line, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("fields", "tier"),
    [
        ({"batch": True, "service_tier": "default"}, "batch"),
        ({"batch": False, "service_tier": "default"}, None),
        ({"batch": False, "service_tier": "priority"}, "priority"),
        ({"batch": None, "service_tier": "flex"}, "flex"),
    ],
)
def test_tiers(fields: dict[str, Any], tier: str | None) -> None:
    assert one(bucket({"input_tokens": 1, "output_tokens": 1, **fields})).service_tier == tier


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        ("123.4567890123456789", "123.4567890123456789"),
        ('"1.50"', "1.50"),
        ("0.003835980000000000000000000000", "0.00383598"),
        ("-3.25", "-3.25"),
        ("0", "0"),
    ],
)
def test_amounts_are_exact(value: str, exact: str) -> None:
    line = cost(value)
    assert line.billed_amount == Decimal(exact)
    assert line.stated_amount == value.strip('"')
    assert (line.kind, line.part, line.currency) == ("cost", "costs", "USD")


@pytest.mark.parametrize("value", ["null", '"NaN"', "1e300", '"much"', "0." + "1" * 70, "{}"])
def test_an_amount_that_is_none_is_refused(value: str) -> None:
    row = {"amount": {"value": "VALUE", "currency": "usd"}}
    (refused,) = read(json.dumps(bucket(row, kind="costs")).replace('"VALUE"', value))
    assert isinstance(refused, Refused)


def test_an_amount_without_its_currency_is_refused() -> None:
    (refused,) = read(bucket({"amount": {"value": 1}}, kind="costs"))
    assert "amount.currency" in refused.reason


LINE_ITEMS = {
    # line item: (model, class, tier, context window)
    "gpt-4o, input": ("gpt-4o", "uncached_input_tokens", None, None),
    "gpt-4o-2024-08-06, Input": ("gpt-4o-2024-08-06", "uncached_input_tokens", None, None),
    "gpt-4o, cached input": ("gpt-4o", "cache_read_input_tokens", None, None),
    "gpt-5-nano, input_tokens": ("gpt-5-nano", "uncached_input_tokens", None, None),
    "gpt-4.1-2025-04-14, output": ("gpt-4.1-2025-04-14", "output_tokens", None, None),
    "priority | gpt-5.6-sol, output, long context": (
        "gpt-5.6-sol",
        "output_tokens",
        "priority",
        "long context",
    ),
    "gpt-audio-mini-2025-12-15 audio, input": (
        "gpt-audio-mini-2025-12-15",
        "audio_input_tokens",
        None,
        None,
    ),
    "gpt-image-2.5-flare image, output": (
        "gpt-image-2.5-flare",
        "image_output_tokens",
        None,
        None,
    ),
    "gpt-4o-realtime-preview, input": ("gpt-4o-realtime-preview", None, None, None),
    "gpt-5.6-sol, cache writes": (None, None, None, None),
    "whisper-1, audio": (None, None, None, None),
    "web search tool calls": (None, None, None, None),
    "assistants api | file search": (None, None, None, None),
}


@pytest.mark.parametrize("item", LINE_ITEMS)
def test_line_items(item: str) -> None:
    line = cost("1", line_item=item)
    assert line.line_item == item
    assert (line.model, line.token_class, line.service_tier, line.context_window) == (
        LINE_ITEMS[item]
    )


@pytest.mark.parametrize(
    ("item", "quantity", "unit", "tokens"),
    [
        ("gpt-4o, output", 1500, "tokens", 1500),
        ("gpt-4o, output", 1.5, "1000_tokens", 1500),
        ("gpt-4o, output", 1.5, "tokens", None),
        ("gpt-4o, output", 1500, None, None),
        ("gpt-4o, output", 1500, "characters", None),
        ("Vector storage", 1500, "tokens", None),
    ],
)
def test_tokens_that_were_bought(
    item: str, quantity: float, unit: str | None, tokens: int | None
) -> None:
    line = cost("1", line_item=item, quantity=quantity, quantity_unit=unit)
    assert (line.quantity, line.unit) == (Decimal(str(quantity)), unit)
    assert line.output_tokens == tokens


@pytest.mark.parametrize(
    ("value", "item", "category"),
    [
        ("-3.25", "Promotional credit", "credit"),
        ("-3.25", "gpt-4o, input", "adjustment"),
        ("-3.25", None, "adjustment"),
        ("3.25", "Promotional credit", "usage"),
    ],
)
def test_what_is_below_zero(value: str, item: str | None, category: str) -> None:
    assert cost(value, line_item=item).charge_category == category


def test_the_view_is_what_the_bucket_was_grouped_by() -> None:
    row = {"input_tokens": 1, "output_tokens": 1, "project_id": "proj_a", "user_id": None}
    lines = read(bucket({**row, "model": "gpt-4o"}, {**row, "model": None}))
    assert {line.view for line in lines} == {"1d by model,project_id"}
    assert {line.view for line in read(bucket(row, end_time=MAY + 60))} == {"1m by project_id"}
    assert one(bucket({"input_tokens": 1, "output_tokens": 1})).view == "1d"


def test_ids_are_of_the_dimensions_and_not_of_the_amounts() -> None:
    row = {"input_tokens": 1, "output_tokens": 1, "model": "gpt-4o"}

    def ids(*rows: dict[str, Any], **over: Any) -> list[str]:
        return [line.statement_id for line in read(bucket(*rows, **over))]

    first = ids(row, row)
    assert len(set(first)) == 2, "two of a kind are two lines"
    assert ids(row, {**row, "input_tokens": 9}) == first
    others = (
        ids({**row, "model": "gpt-5"}),
        ids({**row, "service_tier": "flex"}),
        ids(row, start_time=MAY - DAY),
        ids(row, kind="usage.embeddings"),
    )
    assert len({*first, *(each for (each,) in others)}) == 6


PAGE: dict[str, Any] = {"object": "page", "data": [bucket({"input_tokens": 1, "output_tokens": 1})]}
CONTAINERS = {
    "a bucket": json.dumps(PAGE["data"][0]),
    "buckets on lines": "\n".join([json.dumps(PAGE["data"][0])] * 2),
    "an array": json.dumps(PAGE["data"], indent=1),
    "a page": json.dumps({**PAGE, "has_more": True, "next_page": "page_x"}),
    "a page of another spelling": json.dumps({**PAGE, "object": "list"}).replace(
        '"results"', '"result"'
    ),
    "pages on lines": "\n".join([json.dumps(PAGE)] * 2),
    "an array of pages": json.dumps([PAGE, PAGE]),
    "by endpoint": json.dumps({"/organization/usage/completions": PAGE}, indent=1),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_same_bucket_in_every_container_is_one_line(
    name: str, tokman: Run, tmp_path: Any
) -> None:
    (tmp_path / "usage.json").write_text(CONTAINERS[name])
    result = tokman("ingest", "usage.json", "--ledger", "l")
    assert result.code == 0, result.err
    asked = "select count(*) as n, min(issued_at) > '2020-01-01' as dated from statements"
    found = tokman("sql", asked, "-f", "json", "--ledger", "l").out
    assert json.loads(found) == [{"n": 1, "dated": True}]


def test_a_bad_bucket_is_refused_and_the_rest_read() -> None:
    good = bucket({"input_tokens": 1, "output_tokens": 1})
    refused, kept = read({"object": "page", "data": [bucket(start_time="soon"), good]})
    assert isinstance(refused, Refused)
    assert refused.reason.startswith("bucket 1: ")
    assert kept.uncached_input_tokens == 1


NOTHING = {
    "an empty bucket": bucket(),
    "an empty page": {"object": "page", "data": [], "has_more": False},
    "a page of empty buckets": {"object": "page", "data": [bucket(), bucket()]},
}


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_used(name: str) -> None:
    assert read(NOTHING[name]) == []


@pytest.mark.parametrize(
    "other",
    [
        {"object": "list", "data": []},
        {"object": "list", "data": [{"object": "embedding"}], "usage": {"total_tokens": 1}},
        {"start_time": 1, "results": "none"},
        {"/organization/costs": 1},
        {"start_time": MAY, "end_time": MAY, "results": [{"title": "a search"}]},
    ],
)
def test_what_is_left_alone(other: dict[str, Any]) -> None:
    assert not OpenAIAdmin.matches(other)
    assert not OpenAIDashboard.matches(other)


def test_damage() -> None:
    page: Json = {"object": "page", "data": [bucket({"amount": {"value": 1, "currency": "usd"}})]}
    page["data"][0]["results"][0]["object"] = "organization.costs.result"
    withstand(OpenAIAdmin, CONTEXT, page, "CANARY")


def export(*rows: dict[str, str], path: str = "export.csv") -> list[Any]:
    source = OpenAIDashboard(Context(path, b"key"))
    for number, row in enumerate(rows, 2):
        assert claimants(TIMES | row) == [OpenAIDashboard]
        assert list(source.parse(TIMES | row, number)) == []
    return list(source.finish())


REAL = (
    # model, input, cached, output and cost in a user's exports of October 2025
    ("gpt-5-mini-2025-08-07", "80992.0", "0.0", "274770.0", "0.569788"),
    ("gpt-5-mini-2025-08-07", "124784.0", "0.0", "154852.0", "0.34090000000000000"),
    ("gpt-5-mini-2025-08-07", "22688.0", "0.0", "33191.0", "0.072054"),
)


@pytest.mark.parametrize("row", REAL)
def test_usage_and_cost_exports_agree_at_list_price(row: tuple[str, ...]) -> None:
    model, given, cached, made, billed = row
    counts = {"input_tokens": given, "input_cached_tokens": cached, "output_tokens": made}
    rest = {"input_uncached_tokens": given, "batch": "FALSE", "service_tier": "default"}
    (used,) = export({"model": model, "num_model_requests": "10.0", **counts, **rest})
    (paid,) = export({"amount_value": billed, "amount_currency": "usd"})
    # $0.25 and $2 a million tokens
    price = used.uncached_input_tokens * Decimal("0.25") + used.output_tokens * 2
    assert price / 10**6 == paid.billed_amount
    assert (used.requests, used.service_tier) == (10, None)
    assert (used.view, paid.view) == ("1d by batch,model,service_tier", "1d")


def test_an_empty_row_is_an_empty_bucket() -> None:
    assert export({}, {"organization_id": "org-1"}) == []


@pytest.mark.parametrize("record", [{}, {"organization_id": "org-1"}, {"choices": []}])
def test_a_row_without_its_time_is_no_empty_bucket(record: Json) -> None:
    with pytest.raises(ValueError, match="start_time"):
        OpenAIDashboard(CONTEXT).parse(record, 2)


def test_two_rows_of_a_kind_are_two_lines() -> None:
    row = {"amount_value": "1", "amount_currency": "usd", "project_id": "proj_a"}
    lines = export(row, row)
    assert len({line.statement_id for line in lines}) == 2
    assert [line.line for line in lines] == [2, 3]


EXPORTS = {
    # file: (row, part)
    "completions_usage_x.csv": ({"input_tokens": "1", "output_tokens": "0"}, "completions"),
    "embeddings_usage_x.csv": ({"input_tokens": "1", "model": "m"}, "embeddings"),
    "moderations_usage_x.csv": ({"input_tokens": "1"}, "moderations"),
    "x.csv": ({"input_tokens": "1", "model": "text-embedding-3-small"}, "embeddings"),
    "images.csv": ({"images": "2.0", "size": "1024x1024"}, "images"),
    "web.csv": ({"num_requests": "2", "context_level": "low"}, "web_search_calls"),
}


@pytest.mark.parametrize("path", EXPORTS)
def test_the_endpoint_is_told_from_the_columns(path: str) -> None:
    row, part = EXPORTS[path]
    (line,) = export(row, path=path)
    assert line.part == part


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"input_tokens": "1", "model": "m"}, "cannot be told"),
        ({"input_tokens": "1", "output_tokens": "1", "images": "1"}, "cannot be told"),
        ({"num_requests": "1.5"}, "$.num_requests"),
        ({"amount_value": "1"}, "amount.currency"),
        ({"amount_value": "NaN", "amount_currency": "usd"}, "no plausible amount"),
    ],
)
def test_a_row_that_is_not_clear_is_refused(row: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        export(row)
    assert reason in str(refused.value)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not here")
def test_an_export_without_usage(tokman: Run) -> None:
    path = SHARED / "csv_exports" / "openai_dashboard_completions_usage_empty.csv"
    result = tokman("ingest", path, "--ledger", "l")
    assert (result.code, "refused" in result.err) == (0, False), result.err
