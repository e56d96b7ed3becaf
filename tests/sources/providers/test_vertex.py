"""Vertex's request–response log: what each row becomes, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.sources.damage import withstand
from tokman.sources import claimants
from tokman.sources.base import Context
from tokman.sources.providers.vertex import Vertex
from tokman.usage import Usage

CANARY = "canary sentence nobody may keep"
CONTEXT = Context("rows.jsonl", b"k" * 32)
GEMINI = "publishers/google/models/gemini-2.5-pro"
CLAUDE = "publishers/anthropic/models/claude-sonnet-4-5"


def answer(**usage: Any) -> dict[str, Any]:
    """The counts of https://github.com/elastic/integrations' sample_event.json: 3 + 29 + 901."""
    parts = [{"text": CANARY}]
    return {
        "candidates": [{"finish_reason": "STOP", "content": {"role": "model", "parts": parts}}],
        "create_time": "2025-09-08T21:04:11.034753Z",
        "model_version": "gemini-2.5-pro",
        "response_id": "y0S_aMGPArCYqsMPntGNyA4",
        "usage_metadata": {
            "billable_prompt_usage": {"text_count": 11},
            "candidates_token_count": 29,
            "candidates_tokens_details": [{"modality": "TEXT", "token_count": 29}],
            "prompt_token_count": 3,
            "prompt_tokens_details": [{"modality": "TEXT", "token_count": 3}],
            "thoughts_token_count": 901,
            "total_token_count": 933,
            "traffic_type": "ON_DEMAND",
        }
        | usage,
    }


def row(response: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "endpoint": f"projects/acme/locations/us-central1/{GEMINI}",
        "api_method": "GenerateContent",
        "full_request": {
            "contents": [{"role": "user", "parts": [{"text": CANARY}]}],
            "generation_config": {"temperature": 0},
            "model": f"projects/acme/locations/us-central1/{GEMINI}",
        },
        "full_response": answer() if response is None else response,
        "logging_time": "2025-09-08T21:04:22.248Z",
        "metadata": {"request_latency": 11225.994},
        "model": GEMINI,
        "model_version": "default",
        "request_id": "5374205265901353984",
        **more,
    }


MESSAGE = {
    "id": "msg_vrtx_01AbCdEfGhIjKlMn",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": CANARY}],
    "usage": {"input_tokens": 3, "cache_read_input_tokens": 7, "output_tokens": 5},
}
NO_TIME = {k: v for k, v in answer().items() if k not in ("create_time", "response_id")}

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "Gemini",
        row(),
        {
            "call_id": "y0S_aMGPArCYqsMPntGNyA4",
            "started_at": 1757365451_034753,
            "duration_ms": 11226,
            "source": "vertex",
            "provider_name": "gcp.vertex_ai",
            "operation_name": "generate_content",
            "request_model": "gemini-2.5-pro",
            "response_model": "gemini-2.5-pro",
            "uncached_input_tokens": 3,
            "output_tokens": 930,
            "reasoning_output_tokens": 901,
            "finish_reason": "STOP",
            "service_tier": None,
            "inference_geo": "us-central1",
            "project": "acme",
            "temperature": 0.0,
            "stream": False,
            "line": 3,
        },
    ),
    (
        "JSON columns as texts, BigQuery's time",
        row(
            json.dumps(NO_TIME),
            full_request=json.dumps(row()["full_request"]),
            metadata='{"request_latency": 1000}',
            logging_time="2025-09-08 21:04:22.248000 UTC",
        ),
        {
            "call_id": "vertex:5374205265901353984",
            "started_at": 1757365461_248000,
            "output_tokens": 930,
        },
    ),
    (
        "payloads of a stream",
        {
            **{k: v for k, v in row().items() if not k.startswith("full_")},
            "response_payload": [
                json.dumps({"candidates": [{"content": {"parts": [{"text": CANARY}]}}]}),
                json.dumps(answer()),
            ],
            "api_method": "StreamGenerateContent",
        },
        {"output_tokens": 930, "stream": True, "output_basis": "final"},
    ),
    (
        "flex",
        row(answer(traffic_type="ON_DEMAND_FLEX")),
        {"service_tier": "flex"},
    ),
    (
        "searches",
        row(
            answer()
            | {
                "candidates": [
                    {
                        "finish_reason": "STOP",
                        "grounding_metadata": {"web_search_queries": [CANARY, CANARY]},
                    }
                ]
            }
        ),
        {"web_search_requests": 1},
    ),
    (
        "Claude",
        row(MESSAGE, model=CLAUDE, endpoint=f"projects/acme/locations/europe-west1/{CLAUDE}"),
        {
            "call_id": "msg_vrtx_01AbCdEfGhIjKlMn",
            "started_at": 1757365462_248000 - 11226_000,
            "provider_name": "gcp.vertex_ai",
            "request_model": "claude-sonnet-4-5",
            "response_model": "claude-sonnet-4-5-20250929",
            "uncached_input_tokens": 3,
            "cache_read_input_tokens": 7,
            "output_tokens": 5,
            "inference_geo": "europe-west1",
        },
    ),
    (
        "an error",
        row({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": CANARY}}),
        {"status": "error", "error_type": "RESOURCE_EXHAUSTED", "output_tokens": 0},
    ),
]


def read(record: dict[str, Any]) -> list[Usage]:
    assert claimants(record) == [Vertex]
    return list(Vertex(CONTEXT).parse(msgspec.json.decode(json.dumps(record)), 3))


@pytest.mark.parametrize(("record", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_row_becomes(record: dict[str, Any], expected: dict[str, Any]) -> None:
    (usage,) = read(record)
    assert {name: getattr(usage, name) for name in expected} == expected
    assert CANARY.encode() not in msgspec.json.encode(usage)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (row(answer(total_token_count=932)), "totalTokenCount"),
        (row(answer(prompt_token_count=-1)), "promptTokenCount"),
        (row({"predictions": []}), "states its tokens"),
        (row(None, full_response=None), "states its tokens"),
        (row(MESSAGE, logging_time="yesterday"), "logging_time"),
    ],
)
def test_a_row_is_refused(record: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(record)


@pytest.mark.parametrize("record", [c[1] for c in CASES], ids=[c[0] for c in CASES])
def test_damage_is_refused_with_a_reason_or_read(record: dict[str, Any]) -> None:
    withstand(Vertex, CONTEXT, record, CANARY)
