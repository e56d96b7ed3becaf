"""The formats shipped as mappings: what each record becomes, and what it must not become."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import msgspec
import pytest

from tests.conftest import SHARED, Run
from tests.test_privacy import CHAT
from tokman.sources import by_name, claimants, record_paths
from tokman.sources.base import Context, micros
from tokman.usage import Usage

CONTEXT = Context("log.jsonl", b"k" * 32)
AT = "2026-05-04T10:20:30.500Z"

BODY = {
    **CHAT,
    "id": "chatcmpl-Real0000000000000001",
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "total_tokens": 130,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 10},
    },
}
CLAUDE_BODY = {
    "id": "msg_01RealRealRealRealReal01",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 3,
        "cache_read_input_tokens": 900,
        "cache_creation_input_tokens": 50,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 50},
        "output_tokens": 7,
    },
}

HELICONE: dict[str, Any] = {
    "response_id": "0c8f1e9a-0000-4000-8000-000000000001",
    "response_created_at": "2026-05-04T10:20:32.000Z",
    "response_status": 200,
    "request_id": "0c8f1e9a-0000-4000-8000-000000000002",
    "request_created_at": AT,
    "request_body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "tell me"}]},
    "request_path": "https://api.openai.com/v1/chat/completions",
    "request_user_id": "u-7",
    "request_properties": {"Helicone-Session-Name": "onboarding", "plan": "pro"},
    "request_model": "gpt-4o-mini",
    "provider": "OPENAI",
    "delay_ms": 1500,
    "time_to_first_token": 300,
    "total_tokens": 130,
    "prompt_tokens": 100,
    "prompt_cache_read_tokens": 0,
    "prompt_cache_write_tokens": 0,
    "completion_tokens": 30,
    "costUSD": 0.000033,
    "model": "gpt-4o-mini-2024-07-18",
}
PORTKEY: dict[str, Any] = {
    "id": "0d9f1e9a-0000-4000-8000-000000000001",
    "created_at": AT,
    "is_success": 1,
    "ai_org": "azure-openai",
    "ai_model": "gpt-4o",
    "req_units": 100,
    "res_units": 30,
    "total_units": 130,
    "cost": 0.05502,
    "cost_currency": "USD",
    "request_url": "https://acme.openai.azure.com/openai/deployments/gpt-4o/chat/completions",
    "response_status_code": 200,
    "response_time": 812,
    "cache_status": "MISS",
    "stream_mode": "FALSE",
    "trace_id": "trace-1",
    "mode": "FALLBACK",
    "virtual_key": "prod-azure",
    "metadata": {"_user": "u-9", "workflow": "triage"},
}
CLOUDFLARE: dict[str, Any] = {
    "id": "01JADMCQQQBWH3NXZ5GCRN98DP",
    "created_at": AT,
    "provider": "google-ai-studio",
    "model": "gemini-2.5-flash",
    "path": "v1/models",
    "status_code": 200,
    "success": True,
    "cached": False,
    "tokens_in": 12,
    "tokens_out": 34,
    "duration": 456,
    "step": 0,
    "cost": 0.000089,
    "custom_cost": False,
    "metadata": '{"user": "u-3", "team": "search", "workflow": "answers"}',
}
LOGPUSH: dict[str, Any] = {
    "Cached": False,
    "Endpoint": "chat/completions",
    "Gateway": "prod",
    "Model": "gpt-4o-mini",
    "Provider": "openai",
    "RateLimited": False,
    "StatusCode": 200,
    "Metadata": {"user": "u-3"},
    "RequestBody": {"model": "gpt-4o-mini", "messages": []},
    "ResponseBody": BODY,
}
KONG: dict[str, Any] = {
    "request": {"id": "1c2f4c3d9a", "uri": "/chat", "headers": {"authorization": "x"}},
    "response": {"status": 200, "size": 1},
    "latencies": {"request": 2800, "kong": 3, "proxy": 2797},
    "started_at": 1_777_890_030_500,
    "route": {"name": "summaries"},
    "service": {"name": "llm"},
    "consumer": {"username": "team-a"},
    "ai": {
        "payload": {"request": "tell me"},
        "proxy": {
            "payload": {"response": "hi"},
            "usage": {
                "prompt_tokens": 28,
                "completion_tokens": 20,
                "total_tokens": 48,
                "cost": 0.0038,
                "time_per_token": 133,
            },
            "meta": {
                "plugin_id": "546c3856-24b3-469a-bd6c-f6083babd2cd",
                "provider_name": "cohere",
                "request_model": "command-r",
                "response_model": "command-r-08-2024",
                "llm_latency": 2670,
            },
        },
    },
}
ENVOY: dict[str, Any] = {
    "start_time": AT,
    "method": "POST",
    "response_code": 200,
    "duration": 712,
    "x-request-id": "7b6d1b0c-1111-4222-8333-444455556666",
    "route_name": "chat-route",
    "session.id": "s-1",
    "gen_ai.provider.name": "default/openai/route/chat",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.cached_input_tokens": 64,
    "gen_ai.usage.output_tokens": 30,
    "gen_ai.usage.total_tokens": 130,
}
BIFROST: dict[str, Any] = {
    "id": "9e3c0f44-1111-4222-8333-444455556666",
    "parent_request_id": None,
    "timestamp": "2026-05-04T10:20:30.5Z",
    "object": "chat.completion",
    "provider": "vertex",
    "model": "gemini-2.5-pro",
    "number_of_retries": 0,
    "fallback_index": 0,
    "selected_key_id": "k-1",
    "virtual_key_name": "app-key",
    "user_id": "u-5",
    "latency": 812.4,
    "cost": 0.00123,
    "status": "success",
    "stop_reason": "stop",
    "stream": False,
    "token_usage": {
        "prompt_tokens": 100,
        "prompt_tokens_details": {"cached_read_tokens": 60, "cached_write_tokens": 4},
        "completion_tokens": 30,
        "completion_tokens_details": {"reasoning_tokens": 10},
        "total_tokens": 130,
    },
    "metadata": {"feature": "search"},
    "input_history": [{"role": "user", "content": "tell me"}],
}
OPENROUTER = {
    "generation_id": "gen-1771967930-1gsys6ZhRaY0TPbuRsDR",
    "created_at": "2026-05-04 10:20:30.500",
    "cost_total": "0.00057",
    "tokens_prompt": "100",
    "tokens_completion": "30",
    "tokens_reasoning": "10",
    "tokens_cached": "64",
    "model_permaslug": "openai/gpt-5.5",
    "provider_name": "OpenAI",
    "cancelled": "false",
    "streamed": "true",
    "user": "u-1",
    "finish_reason_normalized": "stop",
    "generation_time_ms": "900",
    "time_to_first_token_ms": "210",
    "api_key_name": "prod",
    "app_name": "Assistant",
}
CURSOR_HEADER = (
    "Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),"
    "Cache Read,Output Tokens,Total Tokens,Cost"
)
CURSOR_OLD = (
    "Date,Model,Input (w/ Cache Write),Input (w/o Cache Write),"
    "Cache Read,Output Tokens,Total Tokens,Cost,Cost to you"
)
EVENT: dict[str, Any] = {
    "timestamp": "1760921734850",
    "model": "code-supernova-1-million",
    "kind": "USAGE_EVENT_KIND_USAGE_BASED",
    "maxMode": True,
    "isTokenBasedCall": True,
    "tokenUsage": {
        "inputTokens": 12,
        "outputTokens": 38,
        "cacheReadTokens": 13630,
        "cacheWriteTokens": 5,
        "totalCents": 1.25,
    },
    "chargedCents": 1.5,
    "userEmail": "dev@example.com",
}


def read(name: str, record: dict[str, Any], **more: Any) -> list[Usage]:
    """The rows of a record, after proof that one source alone claims it."""
    record = {**record, **more}
    assert [source.name for source in claimants(record)] == [name]
    source = by_name(name)
    typed = msgspec.json.decode(json.dumps(record), type=source.record_type)
    return [row for row in source(CONTEXT).parse(typed, 1) if isinstance(row, Usage)]


def one(name: str, record: dict[str, Any], **more: Any) -> Usage:
    (usage,) = read(name, record, **more)
    return usage


def shown(usage: Usage) -> dict[str, Any]:
    """What differs from a row of defaults."""
    return {
        name: value
        for name, value in msgspec.structs.asdict(usage).items()
        if value != getattr(Usage(call_id=""), name) and name not in ("line", "started_at")
    }


EXPECTED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "helicone",
        HELICONE,
        {
            "call_id": "helicone:0c8f1e9a-0000-4000-8000-000000000001",
            "provider_name": "openai",
            "request_model": "gpt-4o-mini",
            "response_model": "gpt-4o-mini-2024-07-18",
            "duration_ms": 1500,
            "time_to_first_token_ms": 300,
            "uncached_input_tokens": 100,
            "output_tokens": 30,
            "billed_cost": 33_000_000,
            "workflow": "onboarding",
            "workflow_basis": "explicit",
            "user_id": "u-7",
            "tags": ["Helicone-Session-Name:onboarding", "plan:pro"],
        },
    ),
    (
        "portkey",
        PORTKEY,
        {
            "provider_name": "azure.ai.openai",
            "request_model": "gpt-4o",
            "response_model": "gpt-4o",
            "stream": False,
            "duration_ms": 812,
            "uncached_input_tokens": 100,
            "output_tokens": 30,
            "billed_cost": 550_200_000,
            "workflow": "triage",
            "workflow_basis": "explicit",
            "user_id": "u-9",
            "api_key_alias": "prod-azure",
            "conversation_id": "trace-1",
            "tags": ["_user:u-9", "workflow:triage", "mode:FALLBACK"],
        },
    ),
    (
        "cloudflare",
        CLOUDFLARE,
        {
            "call_id": "cloudflare:01JADMCQQQBWH3NXZ5GCRN98DP",
            "provider_name": "gcp.gemini",
            "request_model": "gemini-2.5-flash",
            "response_model": "gemini-2.5-flash",
            "duration_ms": 456,
            "uncached_input_tokens": 12,
            "output_tokens": 34,
            "billed_cost": 89_000_000,
            "workflow": "answers",
            "workflow_basis": "explicit",
            "user_id": "u-3",
            "team": "search",
            "tags": ["user:u-3", "team:search", "workflow:answers", "step:0"],
        },
    ),
    (
        "kong",
        KONG,
        {
            "call_id": "kong:1c2f4c3d9a",
            "provider_name": "cohere",
            "request_model": "command-r",
            "response_model": "command-r-08-2024",
            "duration_ms": 2670,
            "uncached_input_tokens": 28,
            "output_tokens": 20,
            "billed_cost": 3_800_000_000,
            "workflow": "summaries",
            "workflow_basis": "explicit",
            "project": "llm",
            "user_id": "team-a",
        },
    ),
    (
        "envoy-ai-gateway",
        ENVOY,
        {
            "call_id": "envoy-ai-gateway:7b6d1b0c-1111-4222-8333-444455556666",
            "request_model": "gpt-4o-mini",
            "response_model": "gpt-4o-mini-2024-07-18",
            "duration_ms": 712,
            "uncached_input_tokens": 36,
            "cache_read_input_tokens": 64,
            "output_tokens": 30,
            "conversation_id": "s-1",
            "project": "chat-route",
            "tags": ["gen_ai.provider.name:default/openai/route/chat"],
        },
    ),
    (
        "bifrost",
        BIFROST,
        {
            "call_id": "bifrost:9e3c0f44-1111-4222-8333-444455556666",
            "provider_name": "gcp.vertex_ai",
            "request_model": "gemini-2.5-pro",
            "response_model": "gemini-2.5-pro",
            "finish_reason": "stop",
            "stream": False,
            "duration_ms": 812,
            "uncached_input_tokens": 36,
            "cache_read_input_tokens": 60,
            "cache_write_5m_input_tokens": 4,
            "output_tokens": 30,
            "reasoning_output_tokens": 10,
            "billed_cost": 1_230_000_000,
            "workflow": "search",
            "workflow_basis": "explicit",
            "user_id": "u-5",
            "api_key_alias": "app-key",
            "tags": ["feature:search"],
        },
    ),
    (
        "openrouter-activity",
        OPENROUTER,
        {
            "call_id": "gen-1771967930-1gsys6ZhRaY0TPbuRsDR",
            "provider_name": "openrouter",
            "request_model": "openai/gpt-5.5",
            "response_model": "openai/gpt-5.5",
            "finish_reason": "stop",
            "stream": True,
            "duration_ms": 900,
            "time_to_first_token_ms": 210,
            "uncached_input_tokens": 36,
            "cache_read_input_tokens": 64,
            "output_tokens": 30,
            "reasoning_output_tokens": 10,
            "billed_cost": 570_000_000,
            "workflow": "Assistant",
            "workflow_basis": "explicit",
            "user_id": "u-1",
            "api_key_alias": "prod",
            "tags": ["provider_name:OpenAI"],
        },
    ),
]


@pytest.mark.parametrize(("name", "record", "expected"), EXPECTED, ids=lambda case: str(case)[:20])
def test_a_record_becomes_a_call(
    name: str, record: dict[str, Any], expected: dict[str, Any]
) -> None:
    usage = one(name, record)
    assert usage.started_at == micros("2026-05-04T10:20:30.500")
    got = shown(usage)
    if name == "portkey":
        assert got.pop("call_id").startswith("portkey:")
    assert got == expected


@pytest.mark.parametrize(
    ("name", "record", "changes"),
    [
        ("helicone", HELICONE, {"response_body": BODY, "prompt_cache_read_tokens": 64}),
        ("helicone", HELICONE, {"response_body": json.dumps(BODY)}),
        ("portkey", PORTKEY, {"response": {"body": BODY}, "request": {"body": None}}),
        ("portkey", PORTKEY, {"response.body": BODY, "req_units": 1, "total_units": 31}),
        ("bifrost", BIFROST, {"raw_response": json.dumps(BODY), "token_usage": None}),
        ("cloudflare-logpush", LOGPUSH, {}),
    ],
)
def test_the_response_s_own_usage_comes_first(
    name: str, record: dict[str, Any], changes: dict[str, Any]
) -> None:
    usage = one(name, record, **changes)
    assert usage.call_id == BODY["id"]
    assert (usage.uncached_input_tokens, usage.cache_read_input_tokens) == (36, 64)
    assert (usage.output_tokens, usage.reasoning_output_tokens) == (30, 10)
    assert usage.user_id == one(name, record).user_id


def test_a_response_of_claude_keeps_the_lifetimes_of_its_cache() -> None:
    usage = one("helicone", HELICONE, response_body=CLAUDE_BODY, provider="ANTHROPIC")
    assert usage.call_id == CLAUDE_BODY["id"]
    assert usage.provider_name == "anthropic"
    assert usage.uncached_input_tokens == 3
    assert usage.cache_read_input_tokens == 900
    assert usage.cache_write_1h_input_tokens == 50


@pytest.mark.parametrize(
    ("name", "record", "changes", "reason"),
    [
        ("helicone", HELICONE, {"prompt_cache_read_tokens": 64}, "are cached tokens inside"),
        ("portkey", PORTKEY, {"cost_currency": "EUR"}, "cost_currency: not USD"),
        ("portkey", PORTKEY, {"total_units": 131}, "total_tokens (131) is not"),
        ("bifrost", BIFROST, {"token_usage": {"prompt_tokens": 1, "total_tokens": 2}}, "total_to"),
        ("cloudflare-logpush", LOGPUSH, {"ResponseBody": {"key": "a", "iv": "b"}}, "encrypted"),
        ("envoy-ai-gateway", ENVOY, {"x-request-id": "-"}, "no id"),
        ("cursor-api", EVENT, {"timestamp": "soon"}, "started_at: not a time"),
    ],
)
def test_what_is_ambiguous_is_refused(
    name: str, record: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        read(name, record, **changes)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("name", "record", "changes"),
    [
        ("helicone", HELICONE, {"response_status": None}),
        ("kong", KONG, {"ai": None}),
        ("envoy-ai-gateway", ENVOY, {"gen_ai.request.model": None}),
        ("bifrost", BIFROST, {"status": "processing"}),
    ],
)
def test_what_is_no_call(name: str, record: dict[str, Any], changes: dict[str, Any]) -> None:
    assert read(name, record, **changes) == []


@pytest.mark.parametrize(
    ("name", "record", "changes"),
    [
        ("helicone", HELICONE, {"cache_reference_id": "0c8f1e9a-0000-4000-8000-000000000009"}),
        ("portkey", PORTKEY, {"cache_status": "SEMANTIC HIT"}),
        ("cloudflare", CLOUDFLARE, {"cached": True}),
        ("bifrost", BIFROST, {"cache_debug": {"cache_hit": True, "hit_type": "direct"}}),
        ("bifrost", BIFROST, {"cache_debug": {"cache_hit": True}, "raw_response": BODY}),
        ("cloudflare-logpush", LOGPUSH, {"Cached": True}),
    ],
)
def test_a_hit_in_the_gateway_s_cache_is_a_call_of_its_own(
    name: str, record: dict[str, Any], changes: dict[str, Any]
) -> None:
    usage = one(name, record, **changes)
    assert usage.response_cache_hit
    assert usage.output_tokens
    assert usage.call_id != BODY["id"]
    assert not one(name, record).response_cache_hit


def test_failures_retries_and_fallbacks() -> None:
    failed = one("bifrost", BIFROST, status="error", token_usage=None)
    again = one(
        "bifrost", BIFROST, id="b-0000-0002", parent_request_id=BIFROST["id"], fallback_index=1
    )
    assert (failed.status, failed.output_basis) == ("error", "partial")
    assert again.retry_of == again.parent_id == failed.call_id
    limited = one("cloudflare", CLOUDFLARE, success=False, status_code=429, tokens_out=0)
    assert (limited.status, limited.error_type) == ("error", "429")
    broken = one("portkey", PORTKEY, is_success=0, response_status_code=500)
    assert (broken.status, broken.error_type) == ("error", "500")
    assert one("helicone", HELICONE, response_status=-3).status == "error"
    assert one("envoy-ai-gateway", ENVOY, response_code=0).status == "error"


def test_kong_s_other_plugins_are_calls_too_and_its_zeros_are_no_counts() -> None:
    proxy = KONG["ai"]["proxy"]
    older = {
        "usage": {"prompt_token": 9, "completion_token": 1, "total_tokens": 10, "cost": 0},
        "meta": {"provider_name": "azure", "request_model": "gpt-4o", "response_model": "gpt-4o"},
    }
    rows = read("kong", KONG, ai={"proxy": proxy, "ai-request-transformer": older})
    assert [row.call_id for row in rows] == [
        "kong:1c2f4c3d9a",
        "kong:1c2f4c3d9a#ai-request-transformer",
    ]
    assert (rows[1].uncached_input_tokens, rows[1].billed_cost) == (9, None)
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    silent = one("kong", KONG, ai={"proxy": {**proxy, "usage": nothing}})
    assert silent.output_basis == "partial"


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (
            CURSOR_HEADER,
            '"2025-11-13T18:36:05.846Z","Included","auto","No","28342","775","105891",'
            '"21282","156290","0.19"',
            (775, 105_891, 28_342, 21_282, None),
        ),
        (
            CURSOR_HEADER,
            '"2025-11-13T13:35:04.658Z","On-Demand","gpt-5-codex","No","0","8263","66964",'
            '"1612","76839","$0.03"',
            (8263, 66_964, 0, 1612, 30_000_000_000),
        ),
        (
            CURSOR_OLD,
            "2025-08-01T00:00:00.000Z,gpt-5,10,20,30,40,100,0.5,0.25",
            (20, 30, 10, 40, 250_000_000_000),
        ),
        (
            CURSOR_OLD,
            "2025-08-01T00:00:00.000Z,gpt-5,10,20,30,40,100,NaN,",
            (20, 30, 10, 40, None),
        ),
    ],
)
def test_cursor_s_csv(header: str, row: str, expected: tuple[int | None, ...]) -> None:
    (record,) = csv.DictReader(io.StringIO(f"{header}\n{row}\n"))
    (source,) = claimants(record)
    assert source.name == "cursor"
    assert source.from_row is not None
    (usage,) = source(CONTEXT).parse(source.from_row(record), 2)
    assert isinstance(usage, Usage)
    assert expected == (
        usage.uncached_input_tokens,
        usage.cache_read_input_tokens,
        usage.cache_write_5m_input_tokens,
        usage.output_tokens,
        usage.billed_cost,
    )


def test_cursor_s_csv_whose_columns_mean_something_else_is_refused() -> None:
    row = dict(
        zip(CURSOR_OLD.split(","), "2025-08-01,gpt-5,10,20,30,40,90,,".split(","), strict=True)
    )
    source = by_name("cursor")
    assert source.from_row is not None
    with pytest.raises(ValueError, match="total_tokens"):
        list(source(CONTEXT).parse(source.from_row(row), 2))


def test_cursor_s_events(tokman: Run, tmp_path: Any) -> None:
    usage = one("cursor-api", EVENT)
    assert usage.uncached_input_tokens == 12
    assert usage.cache_read_input_tokens == 13_630
    assert usage.cache_write_5m_input_tokens == 5
    assert usage.billed_cost == 15_000_000_000
    assert (
        one("cursor-api", EVENT, kind="USAGE_EVENT_KIND_INCLUDED_IN_BUSINESS").billed_cost is None
    )
    assert {"usageEvents", "usageEventsDisplay", "logs"} <= set(record_paths())
    page = {
        "totalUsageEventsCount": 2,
        "pagination": {"numPages": 1, "hasNextPage": False},
        "usageEvents": [EVENT, {**EVENT, "timestamp": "1760921734851"}, {"timestamp": "1"}],
        "period": {"startDate": 1, "endDate": 2},
    }
    (tmp_path / "events.json").write_text(json.dumps(page))
    result = tokman("ingest", "events.json")
    assert "2 calls added" in result.err
    assert "events.json:1: model: missing" in result.err


HELICONE_CSV = (
    "response_id,response_created_at,response_status,request_created_at,request_body,"
    "request_properties,request_user_id,model,prompt_tokens,completion_tokens,latency,cost"
)


def test_exports_of_one_call_are_one_row(tokman: Run, tmp_path: Any) -> None:
    """Helicone's CSV has no request id; a JSON array of it may end with a comma."""
    (tmp_path / "a.jsonl").write_text(json.dumps(HELICONE))
    (tmp_path / "b.json").write_text("[" + json.dumps(HELICONE) + ",\n]\n")
    row = [HELICONE["response_id"], "2026-05-04 10:20:32", "200", "2026-05-04 10:20:30.5"]
    row += ["{}", '"{""plan"": ""pro""}"', "u-7", "gpt-4o-mini-2024-07-18", "100", "30", "", ""]
    (tmp_path / "c.csv").write_text(f"{HELICONE_CSV}\n{','.join(row)}\n")
    result = tokman("ingest", "a.jsonl", "b.json", "c.csv")
    assert "read 3 files (3 helicone) · 1 call added · 2 repeats counted once" in result.err


def test_headers_without_rows_are_known_formats(tokman: Run, tmp_path: Any) -> None:
    (tmp_path / "openrouter.csv").write_text(",".join(OPENROUTER) + "\n")
    assert "(1 openrouter-activity)" in tokman("ingest", "openrouter.csv").err


@pytest.mark.skipif(not (SHARED / "csv_exports").exists(), reason="no shared samples here")
def test_the_real_header_of_openrouter(tokman: Run) -> None:
    result = tokman("ingest", SHARED / "csv_exports" / "openrouter_activity_header.csv")
    assert "(1 openrouter-activity)" in result.err


def test_sums_in_place_of_rows_are_refused(tokman: Run, tmp_path: Any) -> None:
    """What LiteLLM's /spend/logs gives for a range of dates, and a page of real rows."""
    sums = [{"startTime": "2026-05-04", "spend": 1.5, "users": {"u": 1.5}, "models": {"m": 1.5}}]
    row = {
        "request_id": "chatcmpl-AbCdEfGhIjKl000009",
        "call_type": "acompletion",
        "spend": 0.1,
        "model": "gpt-4o",
        "startTime": "2026-01-01T00:00:00Z",
        "prompt_tokens": 9,
        "completion_tokens": 1,
        "total_tokens": 10,
    }
    page = {"data": [row], "total": 1, "page": 1, "page_size": 50, "total_pages": 1}
    (tmp_path / "sums.json").write_text(json.dumps(sums))
    (tmp_path / "page.json").write_text(json.dumps(page))
    result = tokman("ingest", "sums.json", "page.json")
    assert "a daily sum, not a call" in result.err
    assert "1 call added" in result.err
