"""Bedrock's Converse as raw traffic: what each record becomes, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.sources.damage import withstand
from tokman.sources import claimants
from tokman.sources.base import Context
from tokman.sources.providers.converse import Converse
from tokman.usage import Usage

CANARY = "canary sentence nobody may keep"
CONTEXT = Context("traffic.jsonl", b"k" * 32)
MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ADDRESS = (
    "https://bedrock-runtime.us-east-1.amazonaws.com/model/"
    "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
)
USAGE = {"inputTokens": 3, "outputTokens": 288, "totalTokens": 2365}
WRITTEN = {"cacheWriteInputTokens": 2074, "cacheWriteInputTokenCount": 2074}


def answer(usage: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Counts as recorded in bedrock_converse_cache_image.jsonl."""
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": CANARY}]}},
        "stopReason": "end_turn",
        "metrics": {"latencyMs": 7112},
        "usage": USAGE | WRITTEN | (usage or {}),
        **more,
    }


def sent(body: Any, **more: Any) -> dict[str, Any]:
    return {
        "uri": ADDRESS,
        "method": "POST",
        "body": body,
    } | more


STREAM = [
    {"messageStart": {"role": "assistant"}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": CANARY}}},
    {"contentBlockStart": {"contentBlockIndex": 1, "start": {"toolUse": {"name": "look"}}}},
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{}"}}}},
    {"messageStop": {"stopReason": "tool_use"}},
    {"metadata": {"usage": USAGE | WRITTEN, "metrics": {"latencyMs": 5}}},
]
COUNTED = {
    "uncached_input_tokens": 3,
    "cache_write_5m_input_tokens": 2074,
    "cache_write_1h_input_tokens": 0,
    "output_tokens": 288,
}

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "a latency out of the question",
        answer(metrics={"latencyMs": 2**63}),
        {**COUNTED, "duration_ms": None},
    ),
    (
        "an answer",
        sent(answer()),
        {
            **COUNTED,
            "provider_name": "aws.bedrock",
            "request_model": MODEL,
            "response_model": MODEL,
            "finish_reason": "end_turn",
            "duration_ms": 7112,
            "service_tier": None,
        },
    ),
    (
        "written for an hour",
        sent(answer({"cacheDetails": [{"ttl": "1h", "inputTokens": 2000}]})),
        {"cache_write_5m_input_tokens": 74, "cache_write_1h_input_tokens": 2000},
    ),
    (
        "request and response of the client library",
        {
            "request": {"modelId": MODEL, "messages": [{"content": [{"text": CANARY}]}]},
            "response": answer(ResponseMetadata={"RequestId": "ff4b6c63-5561-4431-93b8-06a8"}),
            "timestamp": "2026-04-19T23:57:01Z",
        },
        {**COUNTED, "response_model": MODEL, "call_id": "ff4b6c63-5561-4431-93b8-06a8"},
    ),
    ("a tier", sent(answer(serviceTier={"type": "flex"})), {"service_tier": "flex"}),
    (
        "a stream",
        sent(STREAM),
        {**COUNTED, "finish_reason": "tool_use", "stream": True, "output_basis": "final"},
    ),
    ("a stream cut off", sent(STREAM[:-1]), {"output_tokens": 0, "output_basis": "partial"}),
    (
        "an error",
        sent({"message": CANARY}, status=429),
        {"status": "error", "error_type": "429", "response_model": MODEL},
    ),
]


def read(record: dict[str, Any]) -> list[Usage]:
    assert claimants(record) == [Converse]
    return list(Converse(CONTEXT).parse(msgspec.json.decode(json.dumps(record)), 3))


@pytest.mark.parametrize(("record", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_record_becomes(record: dict[str, Any], expected: dict[str, Any]) -> None:
    (usage,) = read(record)
    assert {name: getattr(usage, name) for name in expected} == expected
    assert CANARY.encode() not in msgspec.json.encode(usage)


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        ({"totalTokens": 2364}, "totalTokens"),
        ({"cacheWriteInputTokenCount": 2073}, "differ"),
        ({"cacheDetails": [{"ttl": "1h", "inputTokens": 2075}]}, "1-hour"),
        ({"inputTokens": None, "totalTokens": None}, "inputTokens"),
        ({"outputTokens": -1}, "outputTokens"),
    ],
)
def test_a_record_is_refused(usage: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(sent(answer(usage)))


@pytest.mark.parametrize("record", [c[1] for c in CASES], ids=[c[0] for c in CASES])
def test_damage_is_refused_with_a_reason_or_read(record: dict[str, Any]) -> None:
    withstand(Converse, CONTEXT, record, CANARY)
