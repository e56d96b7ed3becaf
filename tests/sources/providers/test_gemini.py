"""Gemini traffic: what each record becomes, and what is refused."""

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
ID = "NMoLaoiyAvKIz7IPyp6DkQE"
URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"


def read(record: dict[str, Any]) -> list[Usage]:
    assert Gemini.matches(record)
    assert not any(other.matches(record) for other in (LiteLLM, OpenAI, Anthropic))
    return list(Gemini(CONTEXT).parse(msgspec.json.decode(json.dumps(record)), 3))


def content(usage: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    parts = [{"text": CANARY}, {"functionCall": {"name": "f", "args": {"a": CANARY}}}]
    return {
        "candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP"}],
        "modelVersion": "gemini-2.5-flash",
        "responseId": ID,
        "usageMetadata": usage
        or {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120},
        **more,
    }


def chunk(text: str, made: int, **more: Any) -> dict[str, Any]:
    stated = {"promptTokenCount": 10, "candidatesTokenCount": made, "totalTokenCount": 10 + made}
    candidate = {"content": {"parts": [{"text": text}]}, **more}
    return {"candidates": [candidate], "responseId": ID, "usageMetadata": stated}


CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "content",
        content(),
        {
            "call_id": ID,
            "provider_name": "gcp.gemini",
            "operation_name": "generate_content",
            "response_model": "gemini-2.5-flash",
            "uncached_input_tokens": 100,
            "output_tokens": 20,
            "finish_reason": "STOP",
            "service_tier": None,
            "line": 3,
        },
    ),
    (
        "thoughts and tool results come on top",
        content(
            {
                "promptTokenCount": 17,
                "toolUsePromptTokenCount": 119,
                "candidatesTokenCount": 201,
                "thoughtsTokenCount": 213,
                "totalTokenCount": 550,
            }
        ),
        {"uncached_input_tokens": 136, "output_tokens": 414, "reasoning_output_tokens": 213},
    ),
    (
        "cached inside the prompt, by modality",
        content(
            {
                "promptTokenCount": 1000,
                "cachedContentTokenCount": 400,
                "totalTokenCount": 1000,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 300},
                    {"modality": "AUDIO", "tokenCount": 500},
                    {"modality": "IMAGE", "tokenCount": 200},
                ],
                "cacheTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 150},
                    {"modality": "AUDIO", "tokenCount": 200},
                    {"modality": "IMAGE", "tokenCount": 50},
                ],
            }
        ),
        {
            "uncached_input_tokens": 150,
            "cache_read_input_tokens": 200,
            "cache_read_audio_input_tokens": 200,
            "audio_input_tokens": 300,
            "image_input_tokens": 150,
        },
    ),
    (
        "an image made",
        content(
            {
                "promptTokenCount": 33,
                "candidatesTokenCount": 1780,
                "thoughtsTokenCount": 529,
                "totalTokenCount": 2342,
                "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
            }
        ),
        {"output_tokens": 1189, "reasoning_output_tokens": 529, "image_output_tokens": 1120},
    ),
    (
        "snake case",
        {
            "candidates": [],
            "model_version": "models/gemini-2.5-pro",
            "response_id": ID,
            "create_time": "2025-06-01T15:23:17.587155Z",
            "usage_metadata": {
                "prompt_token_count": 9,
                "candidates_token_count": 5,
                "total_token_count": 14,
                "traffic_type": "PROVISIONED_THROUGHPUT",
                "prompt_tokens_details": [{"modality": "IMAGE", "token_count": 4}],
            },
        },
        {
            "call_id": ID,
            "response_model": "gemini-2.5-pro",
            "provider_name": "gcp.vertex_ai",
            "started_at": 1748791397587155,
            "image_input_tokens": 4,
            "uncached_input_tokens": 5,
            "service_tier": "provisioned",
        },
    ),
    *(
        (
            tier,
            content({"promptTokenCount": 1, "totalTokenCount": 1, field: tier}),
            {"service_tier": served},
        )
        for field, tier, served in (
            ("trafficType", "ON_DEMAND", None),
            ("trafficType", "ON_DEMAND_FLEX", "flex"),
            ("trafficType", "ON_DEMAND_PRIORITY", "priority"),
            ("serviceTier", "standard", None),
            ("serviceTier", "flex", "flex"),
        )
    ),
    (
        "embeddings",
        {
            "url": URL.replace("gemini-2.5-flash:generate", "gemini-embedding-2:embed"),
            "body": {"embeddings": [], "usageMetadata": {"promptTokenCount": 7}},
        },
        {
            "operation_name": "embeddings",
            "response_model": "gemini-embedding-2",
            "uncached_input_tokens": 7,
        },
    ),
    (
        "blocked",
        content({"promptTokenCount": 14, "totalTokenCount": 14})
        | {"candidates": [], "promptFeedback": {"blockReason": "SAFETY"}},
        {"finish_reason": "SAFETY", "output_tokens": 0},
    ),
    (
        "error",
        {"url": URL, "status": 429}
        | {"body": {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": CANARY}}},
        {
            "status": "error",
            "error_type": "RESOURCE_EXHAUSTED",
            "response_model": "gemini-2.5-flash",
            "provider_name": "gcp.gemini",
        },
    ),
    (
        "stream",
        {"url": URL, "body": [chunk("a", 3), chunk(CANARY, 8, finishReason="STOP")]},
        {"output_tokens": 8, "uncached_input_tokens": 10, "output_basis": "final"},
    ),
    (
        "stream cut off",
        {"url": URL, "body": "data: " + json.dumps(chunk(CANARY, 3))},
        {"output_tokens": 3, "output_basis": "partial", "stream": True},
    ),
    (
        "with its request",
        {
            "request": {
                "systemInstruction": {"parts": [{"text": CANARY}]},
                "contents": [{"role": "user", "parts": [{"text": CANARY}]}],
                "generationConfig": {
                    "temperature": 0.2,
                    "responseSchema": {"title": CANARY},
                    "thinkingConfig": {"thinkingLevel": "high"},
                },
            },
            "response": content(),
            "url": URL,
        },
        {
            "temperature": 0.2,
            "structured_output": True,
            "reasoning_effort": "high",
            "request_model": "gemini-2.5-flash",
        },
    ),
    (
        "batch line",
        {"key": "request-1", "response": content()},
        {"service_tier": "batch"},
    ),
]


@pytest.mark.parametrize(("record", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_record_becomes(record: dict[str, Any], expected: dict[str, Any]) -> None:
    (usage,) = read(record)
    assert {name: getattr(usage, name) for name in expected} == expected
    assert CANARY.encode() not in msgspec.json.encode(usage)


@pytest.mark.parametrize(("model", "searches"), [("gemini-3-pro", 2), ("gemini-2.5-pro", 1)])
def test_searches_are_counted_as_they_are_billed(model: str, searches: int) -> None:
    body = content(modelVersion=model)
    body["candidates"][0]["groundingMetadata"] = {"webSearchQueries": [CANARY, "", CANARY]}
    (usage,) = read(body)
    assert usage.web_search_requests == searches
    assert CANARY.encode() not in msgspec.json.encode(usage)


def test_a_request_has_blocks() -> None:
    turn = {"role": "user", "parts": [{"text": CANARY}, {"inlineData": {"data": "aGk="}}]}
    request = {"systemInstruction": {"parts": [{"text": CANARY}]}, "contents": [turn]}
    (usage,) = read({"request": request, "response": content()})
    assert usage.block_hashes and len(set(usage.block_hashes)) == 3
    assert usage.block_sizes == [len(CANARY) + 2, len(CANARY) + 2, 4000]
    assert usage.tool_call_hashes and usage.response_hash


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("total", content({"promptTokenCount": 1, "totalTokenCount": 2}), "totalTokenCount"),
    ("negative", content({"promptTokenCount": -1}), "promptTokenCount"),
    ("fraction", content({"promptTokenCount": 1.5}), "promptTokenCount"),
    ("text", content({"promptTokenCount": "1"}), "promptTokenCount"),
    ("beyond 64 bits", content({"thoughtsTokenCount": 2**70}), "thoughtsTokenCount"),
    (
        "cached",
        content({"promptTokenCount": 1, "cachedContentTokenCount": 2}),
        "cachedContentTokenCount",
    ),
    ("no usage", content() | {"usageMetadata": None}, "usageMetadata"),
]


@pytest.mark.parametrize(
    ("record", "reason"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_a_record_is_refused(record: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(record)


def lines(path: str) -> list[dict[str, Any]]:
    file = SAMPLES / path
    if not file.exists():
        pytest.skip("no shared samples beside the repository")
    return [json.loads(line) for line in file.read_text().splitlines()]


def total(usage: Usage) -> int:
    return sum(getattr(usage, name) for name in (*INPUT_CLASSES, *OUTPUT_CLASSES))


def test_real_usage_objects_keep_their_totals() -> None:
    seen = 0
    for line in lines("usage_objects/usage_objects_real.jsonl"):
        stated = line.get("usageMetadata")
        if stated is None:
            continue
        (usage,) = read(content(stated))
        assert total(usage) == stated.get("totalTokenCount", stated["promptTokenCount"])
        read_back = usage.cache_read_input_tokens + usage.cache_read_audio_input_tokens
        assert read_back == stated.get("cachedContentTokenCount", 0)
        seen += 1
    assert seen == 22


def test_real_responses() -> None:
    (developer,) = read(lines("responses/gemini_usage_service_tier.jsonl")[0])
    (vertex,) = read(lines("responses/gemini_vertex_traffic_type.jsonl")[0])
    assert (developer.provider_name, total(developer)) == ("gcp.gemini", 84)
    assert (vertex.provider_name, total(vertex)) == ("gcp.vertex_ai", 65)
    assert vertex.started_at == 1748791397587155


@pytest.mark.parametrize("record", [c[1] for c in CASES], ids=[c[0] for c in CASES])
def test_damage_is_refused_with_a_reason_or_read(record: dict[str, Any]) -> None:
    withstand(Gemini, CONTEXT, record, CANARY)
