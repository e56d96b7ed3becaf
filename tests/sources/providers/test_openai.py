"""OpenAI-shaped traffic: what each record becomes, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.conftest import SHARED
from tests.sources.damage import withstand
from tokman.sources.base import Context
from tokman.sources.gateways.litellm import LiteLLM
from tokman.sources.providers.anthropic import Anthropic
from tokman.sources.providers.gemini import Gemini
from tokman.sources.providers.openai import OpenAI
from tokman.usage import INPUT_CLASSES, OUTPUT_CLASSES, Usage

SAMPLES = SHARED
CANARY = "canary sentence nobody may keep"
CONTEXT = Context("traffic.jsonl", b"k" * 32)
ID = "chatcmpl-E1mBLGr3Ql1FsH8c"


def read(record: dict[str, Any]) -> list[Usage]:
    assert OpenAI.matches(record)
    assert not any(other.matches(record) for other in (LiteLLM, Anthropic, Gemini))
    return list(OpenAI(CONTEXT).parse(msgspec.json.decode(json.dumps(record)), 3))


def chat(usage: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "object": "chat.completion",
        "created": 1784092247,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"finish_reason": "stop", "message": {"content": CANARY, "refusal": CANARY}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        | (usage or {}),
        **more,
    }


def response(usage: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_026af6d29369608b006a",
        "object": "response",
        "created_at": 1784092257,
        "model": "gpt-5.6-sol",
        "status": "completed",
        "error": None,
        "instructions": CANARY,
        "output": [{"type": "message", "content": [{"type": "output_text", "text": CANARY}]}],
        "usage": {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120} | (usage or {}),
        **more,
    }


def sent(body: Any, url: str = "https://api.openai.com/v1/chat/completions", **more: Any) -> Any:
    return {"uri": url, "method": "POST", "response_date": None, "body": body, **more}


def chunks(*usages: Any) -> list[dict[str, Any]]:
    first = {"id": ID, "object": "chat.completion.chunk", "created": 1784092247, "model": "gpt-4o"}
    text = {"choices": [{"delta": {"content": CANARY}, "finish_reason": None}]}
    last = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    return [{**first, **text}, {**first, **last}, *({**first, "usage": u} for u in usages)]


STREAM = "".join(f"data: {json.dumps(c)}\n\n" for c in chunks(chat()["usage"]))

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "chat",
        chat(),
        {
            "call_id": ID,
            "started_at": 1784092247_000000,
            "provider_name": "openai",
            "response_model": "gpt-4o-2024-08-06",
            "uncached_input_tokens": 100,
            "output_tokens": 20,
            "finish_reason": "stop",
            "line": 3,
        },
    ),
    (
        "read and written",
        chat({"prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 50}}),
        {
            "uncached_input_tokens": 20,
            "cache_read_input_tokens": 30,
            "cache_write_5m_input_tokens": 50,
        },
    ),
    (
        "written for longer",
        response(
            {
                "input_tokens_details": {
                    "cache_write_tokens": 50,
                    "cache_write_tokens_details": {"ttl_30m_tokens": 20, "ttl_12h_tokens": 30},
                }
            }
        ),
        {
            "uncached_input_tokens": 50,
            "cache_write_5m_input_tokens": 20,
            "cache_write_1h_input_tokens": 30,
        },
    ),
    (
        "audio, image, reasoning",
        chat(
            {
                "prompt_tokens_details": {"audio_tokens": 10, "image_tokens": 20},
                "completion_tokens_details": {"audio_tokens": 5, "reasoning_tokens": 15},
            }
        ),
        {
            "uncached_input_tokens": 70,
            "audio_input_tokens": 10,
            "image_input_tokens": 20,
            "output_tokens": 15,
            "reasoning_output_tokens": 15,
            "audio_output_tokens": 5,
        },
    ),
    (
        "audio that can only be cached audio",
        chat({"prompt_tokens_details": {"audio_tokens": 60, "cached_tokens": 50}}),
        {
            "uncached_input_tokens": 0,
            "cache_read_input_tokens": 40,
            "cache_read_audio_input_tokens": 10,
            "audio_input_tokens": 50,
        },
    ),
    (
        "xAI leaves reasoning out of the completion",
        sent(
            chat(
                {"completion_tokens_details": {"reasoning_tokens": 80}, "total_tokens": 200},
                model="grok-4",
            ),
            "https://api.x.ai/v1/chat/completions",
        ),
        {"output_tokens": 100, "reasoning_output_tokens": 80, "provider_name": "x_ai"},
    ),
    (
        "Google's OpenAI endpoint counts thoughts only in the total",
        chat({"total_tokens": 170}, model="gemini-2.5-pro"),
        {"output_tokens": 70, "reasoning_output_tokens": 50, "provider_name": None},
    ),
    (
        "DeepSeek",
        sent(chat({"prompt_cache_hit_tokens": 64}), "https://api.deepseek.com/chat/completions"),
        {"cache_read_input_tokens": 64, "provider_name": "deepseek"},
    ),
    (
        "Mistral's flat count",
        chat({"num_cached_tokens": 64}, model="mistral-large-latest"),
        {"cache_read_input_tokens": 64, "provider_name": None},
    ),
    (
        "OpenRouter's cost",
        chat({"cost": 0.025265}, id="gen-1784286312-3R0SU4Mb", model="anthropic/claude-4.6"),
        {"billed_cost": 25_265_000_000, "provider_name": "openrouter"},
    ),
    (
        "OpenRouter with one's own key",
        chat(
            {
                "cost": 0.00001,
                "is_byok": True,
                "cost_details": {"upstream_inference_cost": 0.0003253},
            }
        ),
        {"billed_cost": 335_300_000},
    ),
    (
        "DeepSeek's misses",
        chat({"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}),
        {"cache_read_input_tokens": 64, "uncached_input_tokens": 36},
    ),
    (
        "Mistral's details",
        sent(
            chat({"prompt_tokens_details": {"cached_tokens": 64}}, model="mistral-large-latest"),
            "https://api.mistral.ai/v1/chat/completions",
        ),
        {"cache_read_input_tokens": 64, "provider_name": "mistral_ai"},
    ),
    (
        "Groq's seconds",
        chat({"queue_time": 0.1, "prompt_time": 0.02, "completion_time": 0.5, "total_time": 0.52}),
        {"duration_ms": 620, "time_to_first_token_ms": 120},
    ),
    (
        "Groq's stream states its usage in x_groq",
        sent(
            [
                *chunks(),
                {
                    "id": ID,
                    "object": "chat.completion.chunk",
                    "choices": [],
                    "x_groq": {"id": "req_01", "usage": chat()["usage"]},
                },
            ],
            "https://api.groq.com/openai/v1/chat/completions",
        ),
        {"uncached_input_tokens": 100, "output_tokens": 20, "output_basis": "final"},
    ),
    (
        "xAI's reasoning comes on top where no total says so",
        sent(
            {
                **chat({"completion_tokens_details": {"reasoning_tokens": 80}}, model="grok-4"),
                "usage": {
                    "prompt_tokens": 100,
                    "completion_tokens": 20,
                    "completion_tokens_details": {"reasoning_tokens": 80},
                },
            },
            "https://api.x.ai/v1/chat/completions",
        ),
        {"output_tokens": 100, "reasoning_output_tokens": 80},
    ),
    (
        # The usage recorded in xai_grpc_instructions.xai.yaml, as its client library dumps it.
        "xAI's own client",
        {
            "id": "332bd54b-d862-b1d5-0a21-a866f9b59f89",
            "outputs": [{"finish_reason": "REASON_STOP", "message": {"content": CANARY}}],
            "created": "2026-01-16T17:04:40.247661156Z",
            "model": "grok-4-fast-non-reasoning",
            "usage": {
                "completion_tokens": 27,
                "prompt_tokens": 181,
                "total_tokens": 208,
                "prompt_text_tokens": 181,
                "cached_prompt_text_tokens": 162,
            },
        },
        {
            "provider_name": "x_ai",
            "operation_name": "chat",
            "started_at": 1768583080_247661,
            "uncached_input_tokens": 19,
            "cache_read_input_tokens": 162,
            "output_tokens": 27,
            "finish_reason": "REASON_STOP",
        },
    ),
    (
        # https://github.com/pydantic/genai-prices: 165 + 1 + 121 = 287, ticks of 1e-10 USD.
        "xAI's own client with reasoning",
        {
            "id": "332bd54b-d862-b1d5-0a21-a866f9b59f80",
            "outputs": [{}],
            "model": "grok-4",
            "usage": {
                "completion_tokens": 1,
                "reasoning_tokens": 121,
                "prompt_tokens": 165,
                "total_tokens": 287,
                "cost_in_usd_ticks": 4468500,
            },
        },
        {"output_tokens": 122, "reasoning_output_tokens": 121, "billed_cost": 446_850_000},
    ),
    (
        "xAI bills the searches that succeeded",
        response(
            {"server_side_tool_usage_details": {"web_search_calls": 1, "x_search_calls": 0}},
            output=[{"type": "web_search_call"}, {"type": "web_search_call"}],
        ),
        {"web_search_requests": 1},
    ),
    ("xAI's ticks", chat({"cost_in_usd_ticks": 4468500}), {"billed_cost": 446_850_000}),
    ("fast is priority", chat(service_tier="fast"), {"service_tier": "priority"}),
    ("flex", chat(service_tier="flex"), {"service_tier": "flex"}),
    ("auto", chat(service_tier="auto"), {"service_tier": None}),
    ("scale", chat(service_tier="scale"), {"service_tier": None}),
    (
        "embeddings",
        {
            "object": "list",
            "data": [{"object": "embedding", "embedding": [0.5]}],
            "model": "text-embedding-3-small",
            "usage": {"prompt_tokens": 4, "total_tokens": 4},
        },
        {
            "operation_name": "embeddings",
            "uncached_input_tokens": 4,
            "output_tokens": 0,
            "started_at": None,
            "provider_name": "openai",
        },
    ),
    (
        "images",
        {
            "created": 1784092247,
            "data": [{"b64_json": "aGk="}],
            "usage": {
                "input_tokens": 50,
                "output_tokens": 1000,
                "total_tokens": 1050,
                "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
            },
        },
        {
            "operation_name": "image_generation",
            "uncached_input_tokens": 10,
            "image_input_tokens": 40,
            "image_output_tokens": 1000,
            "output_tokens": 0,
        },
    ),
    (
        "searches",
        response(
            output=[
                {"type": "web_search_call", "action": {"type": "search", "query": CANARY}},
                {"type": "web_search_call", "action": {"type": "open_page"}},
                {"type": "web_search_call"},
                {"type": "file_search_call", "queries": [CANARY]},
            ],
            metadata={"workflow": "research", "user": "u-9"},
        ),
        {
            "web_search_requests": 2,
            "file_search_requests": 1,
            "workflow": "research",
            "workflow_basis": "explicit",
            "user_id": "u-9",
        },
    ),
    (
        "settings a response repeats",
        response(
            temperature=0.5,
            reasoning={"effort": "high"},
            text={"format": {"type": "json_schema"}},
        ),
        {"temperature": 0.5, "reasoning_effort": "high", "structured_output": True},
    ),
    (
        "failed response",
        response(status="failed", error={"code": "server_error", "message": CANARY})
        | {"usage": None},
        {"status": "error", "error_type": "server_error", "output_tokens": 0},
    ),
    (
        "batch line",
        {
            "id": "batch_req_wnaDysabcd",
            "custom_id": "request-2",
            "response": {"status_code": 200, "request_id": "req_c187b3", "body": chat()},
            "error": None,
        },
        {"call_id": ID, "service_tier": "batch", "status": "ok", "output_tokens": 20},
    ),
    (
        "batch line that failed",
        {
            "id": "batch_req_wnaDysabcd",
            "custom_id": "request-2",
            "response": None,
            "error": {"code": "batch_expired", "message": CANARY},
        },
        {
            "call_id": "batch_req_wnaDysabcd",
            "service_tier": "batch",
            "status": "error",
            "error_type": "batch_expired",
        },
    ),
    (
        "error body",
        sent({"error": {"message": CANARY, "type": "invalid_request_error"}}, status=400),
        {"status": "error", "error_type": "invalid_request_error", "provider_name": "openai"},
    ),
    (
        "error page",
        sent("<html>Bad gateway</html>", "https://openrouter.ai/api/v1/responses", status=502),
        {"status": "error", "error_type": "502", "provider_name": "openrouter"},
    ),
    (
        "request and response as JSON text",
        {
            "request": json.dumps(
                {"model": "gpt-4o", "messages": [{"role": "user", "content": CANARY}], "user": "c"}
            ),
            "response": json.dumps(chat()),
            "timestamp": "2026-07-15T05:10:46.5Z",
            "latency_ms": 1200.4,
            "tags": ["team:search", "env:prod"],
            "session_id": "s-1",
        },
        {
            "request_model": "gpt-4o",
            "response_model": "gpt-4o-2024-08-06",
            "started_at": 1784092246_500000,
            "duration_ms": 1200,
            "team": "search",
            "environment": "prod",
            "user_id": "c",
            "conversation_id": "s-1",
            "structured_output": False,
            "tags": ["team:search", "env:prod"],
        },
    ),
    (
        "HTTP inside",
        {
            "request": {
                "url": "https://x.openai.azure.com/openai/deployments/mine/chat/completions"
            }
            | {"body": {"messages": []}},
            "response": {"status": 200, "headers": {}, "body": chat()},
            "ts": 1784092247.25,
        },
        {
            "provider_name": "azure.ai.openai",
            "request_model": "mine",
            "started_at": 1784092247_250000,
        },
    ),
    (
        "OpenPipe",
        {"input": {"model": "gpt-4o", "messages": []}, "output": chat(), "tags": {"task": "sort"}},
        {"call_id": ID, "workflow": "sort", "request_model": "gpt-4o"},
    ),
    (
        "stream as text",
        sent(STREAM),
        {
            "call_id": ID,
            "uncached_input_tokens": 100,
            "output_tokens": 20,
            "output_basis": "final",
            "finish_reason": "stop",
            "stream": True,
        },
    ),
    (
        "stream without usage",
        sent(chunks()),
        {"call_id": ID, "output_tokens": 0, "output_basis": "partial", "response_model": "gpt-4o"},
    ),
    (
        "stream of a response",
        sent(
            [
                {
                    "type": "response.created",
                    "response": response(status="in_progress"),
                },
                {"type": "response.output_text.delta", "item_id": "x", "delta": CANARY},
                {"type": "response.completed", "response": response()},
            ]
        ),
        {"call_id": "resp_026af6d29369608b006a", "output_tokens": 20, "output_basis": "final"},
    ),
]


@pytest.mark.parametrize(("record", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_record_becomes(record: dict[str, Any], expected: dict[str, Any]) -> None:
    (usage,) = read(record)
    assert {name: getattr(usage, name) for name in expected} == expected
    assert CANARY.encode() not in msgspec.json.encode(usage)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("total", chat({"total_tokens": 121}), "total_tokens"),
    ("negative", chat({"prompt_tokens": -1}), "prompt_tokens"),
    ("fraction", chat({"completion_tokens": 1.5}), "completion_tokens"),
    ("text", chat({"total_tokens": "120"}), "total_tokens"),
    ("beyond 64 bits", response({"output_tokens": 2**70}), "output_tokens"),
    ("cached", chat({"prompt_tokens_details": {"cached_tokens": 101}}), "prompt_tokens"),
    (
        "hits and misses",
        chat({"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 37}),
        "not the sum of hits",
    ),
    (
        "reasoning",
        chat({"completion_tokens_details": {"reasoning_tokens": 21}}),
        "completion_tokens",
    ),
    ("cost", chat({"cost": -1}), "cost"),
    ("no usage", chat() | {"usage": None}, "usage"),
    ("time", {"request": {}, "response": chat(), "timestamp": "2026-13-01"}, "timestamp"),
]


@pytest.mark.parametrize(
    ("record", "reason"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_a_record_is_refused(record: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        list(OpenAI(CONTEXT).parse(msgspec.json.decode(json.dumps(record)), 3))


UNCLAIMED: list[dict[str, Any]] = [
    {"timestamp": "2026-01-01T00:00:00Z", "type": "response_item", "payload": {"type": "message"}},
    {"type": "assistant", "message": {"id": "msg_1", "role": "assistant", "usage": {}}},
    {"resourceSpans": []},
    {"object": "page", "data": [{"object": "bucket"}]},
    {"object": "list", "data": [{"object": "model"}]},
    sent({"billed_units": {}, "usage": {"tokens": {}}}, "https://api.cohere.com/v2/chat"),
    sent({"output": {}, "usage": {"inputTokens": 1}}, "https://bedrock-runtime.amazonaws.com/x"),
    {"message": "hello"},
    {"response": '{"cut": '},
]


@pytest.mark.parametrize("record", UNCLAIMED)
def test_other_records_are_left_alone(record: dict[str, Any]) -> None:
    assert not any(s.matches(record) for s in (OpenAI, Anthropic, Gemini, LiteLLM))


def test_a_response_in_progress_is_no_call_yet() -> None:
    assert read(response(status="queued") | {"usage": None}) == []


def test_an_image_model_called_as_a_tool_is_a_call_of_its_own() -> None:
    made = {"input_tokens": 5, "output_tokens": 1000, "total_tokens": 1005}
    asked = [{"type": "image_generation", "model": "gpt-image-1"}]
    usage, extra = read(response(tool_usage={"image_gen": made}, tools=asked))
    assert extra.call_id == f"{usage.call_id}#1" and extra.parent_id == usage.call_id
    assert (extra.response_model, extra.image_output_tokens) == ("gpt-image-1", 1000)
    assert usage.output_tokens == 20


@pytest.mark.parametrize("given", [None, "", "short", "chatcmpl-12", "1234567890"])
def test_a_plain_id_is_no_identity(given: Any) -> None:
    first, again = read(chat(id=given))[0], read(chat(id=given))[0]
    other = read(chat({"prompt_tokens": 99, "total_tokens": 119}, id=given))[0]
    assert first.call_id == again.call_id != other.call_id
    assert first.call_id.startswith("openai:")


def asked(**more: Any) -> Usage:
    request = {
        "model": "gpt-4o",
        "tools": [{"type": "function", "function": {"name": "f", "description": CANARY}}],
        "messages": [
            {"role": "system", "content": CANARY},
            {"role": "user", "content": [{"type": "text", "text": CANARY}]},
        ],
        **more,
    }
    calls = [{"function": {"name": "f", "arguments": '{"b": 1, "a": "' + CANARY + '"}'}}]
    body = chat(choices=[{"message": {"content": None, "tool_calls": calls}}])
    (usage,) = read({"request": request, "response": body})
    assert CANARY.encode() not in msgspec.json.encode(usage)
    return usage


def test_blocks_follow_the_order_of_the_cache() -> None:
    usage = asked()
    hashes = usage.block_hashes or []
    assert len(hashes) == len(usage.block_sizes or []) == len(set(hashes)) == 3
    more = asked(messages=[{"role": "system", "content": CANARY}])
    assert more.block_hashes == hashes[:2]
    without = asked(tools=[])
    assert not set(hashes) & set(without.block_hashes or [])


def test_what_cannot_change_the_answer_is_not_in_the_request_hash() -> None:
    same = {"stream": True, "user": "u", "metadata": {"workflow": "w"}, "service_tier": "flex"}
    assert asked().request_hash == asked(**same).request_hash
    assert asked().request_hash != asked(temperature=1).request_hash
    texts = [{"role": "system", "content": CANARY}, {"role": "user", "content": CANARY}]
    assert asked().request_hash == asked(messages=texts).request_hash


def test_tool_calls_are_hashed_by_name_and_meaning_of_arguments() -> None:
    turned = [{"function": {"name": "f", "arguments": {"a": CANARY, "b": 1}}}]
    (usage,) = read(chat(choices=[{"message": {"tool_calls": turned}}]))
    assert usage.tool_call_hashes == asked().tool_call_hashes


def lines(path: str) -> list[dict[str, Any]]:
    file = SAMPLES / path
    if not file.exists():
        pytest.skip("no shared samples beside the repository")
    return [json.loads(line) for line in file.read_text().splitlines()]


def recount(usage: dict[str, Any]) -> int:
    """Every token of a call, by the simplest reading of the format."""
    parts = ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens")
    total: int = usage.get("total_tokens", sum(usage.get(part) or 0 for part in parts))
    return total


def total(usage: Usage) -> int:
    return sum(getattr(usage, name) for name in (*INPUT_CLASSES, *OUTPUT_CLASSES))


def test_real_usage_objects_keep_their_totals() -> None:
    seen = 0
    for line in lines("usage_objects/usage_objects_real.jsonl"):
        usage = line.get("usage", {})
        responses = "input_tokens" in usage and "total_tokens" in usage
        if not responses and "prompt_tokens" not in usage:
            continue
        body = response() if responses else chat()
        (row,) = read(body | {"usage": usage, "model": line.get("model")})
        cached = max(
            (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
            (usage.get("input_tokens_details") or {}).get("cached_tokens") or 0,
            usage.get("num_cached_tokens") or 0,
        )
        assert total(row) == recount(usage)
        assert row.cache_read_input_tokens == cached
        seen += 1
    assert seen == 89


@pytest.mark.parametrize(
    ("name", "provider", "cached"),
    [
        ("deepseek_chat_thinking_cache", "deepseek", 1408),
        ("groq_chat_reasoning_cached", "groq", 256),
        ("mistral_chat_cached", "mistral_ai", 224),
        ("openai_chat_cachewrite_gpt56", "openai", 4012),
        ("openai_responses_cachewrite_gpt56", "openai", 4012),
        ("openrouter_chat_cost", "openrouter", 0),
        ("openrouter_chat_cost_video", "openrouter", 0),
        ("openrouter_responses_cost_cachewrite", "openrouter", 4012),
    ],
)
def test_real_responses(name: str, provider: str, cached: int) -> None:
    records = lines(f"responses/{name}.jsonl")
    usages = [usage for record in records for usage in read(record)]
    assert len(usages) == len(records)
    assert {usage.provider_name for usage in usages} == {provider}
    assert sum(usage.cache_read_input_tokens for usage in usages) == cached
    stated = [r["body"]["usage"] for r in records if "usage" in r["body"]]
    assert sum(map(total, usages)) == sum(map(recount, stated))


@pytest.mark.parametrize("record", [c[1] for c in CASES], ids=[c[0] for c in CASES])
def test_damage_is_refused_with_a_reason_or_read(record: dict[str, Any]) -> None:
    withstand(OpenAI, CONTEXT, record, CANARY)
