"""Anthropic traffic: what each record becomes, and what is refused."""

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
ID = "msg_014VwiXbi91y3JMjcpyGBHX5"


def read(record: dict[str, Any]) -> list[Usage]:
    assert Anthropic.matches(record)
    assert not any(other.matches(record) for other in (LiteLLM, OpenAI, Gemini))
    return list(Anthropic(CONTEXT).parse(msgspec.json.decode(json.dumps(record)), 3))


def message(usage: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [
            {"type": "thinking", "thinking": CANARY},
            {"type": "text", "text": CANARY},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": CANARY}},
        ],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 11, "output_tokens": 36} | (usage or {}),
        **more,
    }


def batched(result: dict[str, Any]) -> dict[str, Any]:
    return {"custom_id": "req-1", "result": result}


EVENTS: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": message({"output_tokens": 1, "cache_read_input_tokens": 7}, content=[]),
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": CANARY}},
    {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 20}},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "max_tokens"},
        "usage": {"output_tokens": 50},
    },
    {"type": "message_stop"},
]
STREAM = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in EVENTS)
URL = "https://api.anthropic.com/v1/messages"

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "message",
        message({"service_tier": "standard", "inference_geo": "not_available"}),
        {
            "call_id": ID,
            "provider_name": "anthropic",
            "response_model": "claude-sonnet-4-5-20250929",
            "uncached_input_tokens": 11,
            "output_tokens": 36,
            "finish_reason": "end_turn",
            "service_tier": None,
            "inference_geo": None,
            "started_at": None,
            "line": 3,
        },
    ),
    (
        "cache outside the input",
        message(
            {
                "cache_read_input_tokens": 500,
                "cache_creation_input_tokens": 70,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 20,
                    "ephemeral_1h_input_tokens": 50,
                },
            }
        ),
        {
            "uncached_input_tokens": 11,
            "cache_read_input_tokens": 500,
            "cache_write_5m_input_tokens": 20,
            "cache_write_1h_input_tokens": 50,
        },
    ),
    (
        "a breakdown that covers less than the total",
        message(
            {
                "cache_creation_input_tokens": 184_457,
                "cache_creation": {"ephemeral_5m_input_tokens": 31_490},
            }
        ),
        {"cache_write_5m_input_tokens": 184_457, "cache_write_1h_input_tokens": 0},
    ),
    (
        "a breakdown alone",
        message({"cache_creation": {"ephemeral_1h_input_tokens": 9}}),
        {"cache_write_1h_input_tokens": 9},
    ),
    (
        "thinking, searches, speed, tier, place",
        message(
            {
                "output_tokens_details": {"thinking_tokens": 30},
                "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
                "speed": "fast",
                "service_tier": "priority",
                "inference_geo": "us",
            }
        ),
        {
            "output_tokens": 36,
            "reasoning_output_tokens": 30,
            "web_search_requests": 2,
            "speed": "fast",
            "service_tier": "priority",
            "inference_geo": "us",
        },
    ),
    (
        "batch result",
        batched({"type": "succeeded", "message": message({"service_tier": "batch"})}),
        {"call_id": ID, "service_tier": "batch", "status": "ok", "output_tokens": 36},
    ),
    (
        "batch result that failed",
        batched(
            {
                "type": "errored",
                "error": {
                    "type": "error",
                    "error": {"type": "overloaded_error", "message": CANARY},
                    "request_id": "req_011CZEhWTj9q",
                },
            }
        ),
        {
            "call_id": "req_011CZEhWTj9q",
            "status": "error",
            "error_type": "overloaded_error",
            "output_tokens": 0,
            "service_tier": "batch",
        },
    ),
    ("expired", batched({"type": "expired"}), {"status": "error", "error_type": "expired"}),
    ("canceled", batched({"type": "canceled"}), {"status": "error", "error_type": "canceled"}),
    (
        "error body",
        {
            "uri": URL,
            "status": 529,
            "body": {"type": "error", "error": {"type": "overloaded_error", "message": CANARY}},
        },
        {"status": "error", "error_type": "overloaded_error", "provider_name": "anthropic"},
    ),
    (
        "stream as text",
        {"url": URL, "body": STREAM, "time": 1784092247},
        {
            "call_id": ID,
            "uncached_input_tokens": 11,
            "cache_read_input_tokens": 7,
            "output_tokens": 50,
            "finish_reason": "max_tokens",
            "output_basis": "final",
            "stream": True,
            "started_at": 1784092247_000000,
        },
    ),
    (
        "stream cut off",
        {"url": URL, "body": EVENTS[:3]},
        {"output_tokens": 1, "output_basis": "partial"},
    ),
    (
        "stream that broke",
        {"url": URL, "body": [{"type": "error", "error": {"type": "api_error"}}]},
        {"status": "error", "error_type": "api_error", "output_tokens": 0},
    ),
    (
        "with its request",
        {
            "request": {
                "model": "claude-sonnet-4-5",
                "temperature": 1,
                "system": [{"type": "text", "text": CANARY}],
                "messages": [{"role": "user", "content": CANARY}],
                "metadata": {"user_id": "u-1"},
                "output_format": {"type": "json_schema", "schema": {"title": CANARY}},
            },
            "response": message(),
            "metadata": {"workflow": "triage", "note": CANARY},
            "api_key": "sk-1",
        },
        {
            "request_model": "claude-sonnet-4-5",
            "temperature": 1.0,
            "structured_output": True,
            "user_id": "u-1",
            "workflow": "triage",
            "api_key_hash": CONTEXT.hash_text("sk-1"),
        },
    ),
    (
        "at Vertex",
        {
            "url": "https://us-east5-aiplatform.googleapis.com/v1/publishers/anthropic/models/x",
            "body": message(),
        },
        {"provider_name": "gcp.vertex_ai"},
    ),
]


@pytest.mark.parametrize(("record", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_record_becomes(record: dict[str, Any], expected: dict[str, Any]) -> None:
    (usage,) = read(record)
    assert {name: getattr(usage, name) for name in expected} == expected
    assert CANARY.encode() not in msgspec.json.encode(usage)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("negative", message({"input_tokens": -1}), "input_tokens"),
    ("fraction", message({"output_tokens": 1.5}), "output_tokens"),
    ("text", message({"cache_read_input_tokens": "5"}), "cache_read_input_tokens"),
    ("beyond 64 bits", message({"input_tokens": 2**70}), "input_tokens"),
    (
        "breakdown above the total",
        message(
            {
                "cache_creation_input_tokens": 5,
                "cache_creation": {"ephemeral_5m_input_tokens": 6},
            }
        ),
        "cache_creation",
    ),
    ("thinking", message({"output_tokens_details": {"thinking_tokens": 37}}), "thinking_tokens"),
    ("no input", message() | {"usage": {"output_tokens": 3}}, "input_tokens"),
]


@pytest.mark.parametrize(
    ("record", "reason"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_a_record_is_refused(record: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(record)


def test_samplings_outside_the_top_level_counts_are_calls_of_their_own() -> None:
    iterations = [
        {"type": "message", "input_tokens": 5, "output_tokens": 20},
        {
            "type": "advisor_message",
            "model": "claude-opus-4-8",
            "input_tokens": 2518,
            "output_tokens": 22,
        },
        {
            "type": "compaction",
            "input_tokens": 100,
            "output_tokens": 82,
            "cache_creation_input_tokens": 55,
        },
    ]
    usage, advisor, compaction = read(
        {"request": {}, "response": message({"iterations": iterations}), "workflow": "w"}
    )
    assert (usage.uncached_input_tokens, usage.output_tokens) == (11, 36)
    assert [u.call_id for u in (advisor, compaction)] == [f"{ID}#1", f"{ID}#2"]
    assert advisor.parent_id == compaction.parent_id == ID
    assert (advisor.response_model, advisor.uncached_input_tokens) == ("claude-opus-4-8", 2518)
    assert compaction.response_model == usage.response_model
    assert compaction.cache_write_5m_input_tokens == 55
    assert {u.workflow for u in (usage, advisor, compaction)} == {"w"}


def test_moving_cache_marks_leave_the_prefix_as_it_is() -> None:
    def hashes(mark: bool) -> list[int] | None:
        part: dict[str, Any] = {"type": "text", "text": CANARY}
        if mark:
            part["cache_control"] = {"type": "ephemeral"}
        request = {"system": [part], "messages": [{"role": "user", "content": [part]}]}
        return read({"request": request, "response": message()})[0].block_hashes

    assert hashes(True) == hashes(False) != []


def samples() -> list[dict[str, Any]]:
    path = SAMPLES / "usage_objects/usage_objects_real.jsonl"
    if not path.exists():
        pytest.skip("no shared samples beside the repository")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_real_usage_objects_keep_their_totals() -> None:
    flat = ("input_tokens", "output_tokens", "cache_read_input_tokens")
    parts = (*flat, "cache_creation_input_tokens")
    seen = 0
    for line in samples():
        usage = line.get("usage", {})
        if "cache_creation_input_tokens" not in usage:
            continue
        extra = [i for i in usage.get("iterations") or () if i["type"] != "message"]
        rows = read(message() | {"usage": usage, "model": line["model"]})
        assert len(rows) == 1 + len(extra)
        stated = sum(call.get(part) or 0 for call in (usage, *extra) for part in parts)
        classes = (*INPUT_CLASSES, *OUTPUT_CLASSES)
        assert sum(getattr(row, name) for row in rows for name in classes) == stated
        seen += 1
    assert seen == 25


def test_real_response() -> None:
    path = SAMPLES / "responses/anthropic_web_tools.jsonl"
    if not path.exists():
        pytest.skip("no shared samples beside the repository")
    (usage,) = read(json.loads(path.read_text()))
    assert (usage.uncached_input_tokens, usage.output_tokens) == (26447, 528)
    assert usage.inference_geo == "global"


@pytest.mark.parametrize("record", [c[1] for c in CASES], ids=[c[0] for c in CASES])
def test_damage_is_refused_with_a_reason_or_read(record: dict[str, Any]) -> None:
    withstand(Anthropic, CONTEXT, record, CANARY)
