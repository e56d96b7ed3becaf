"""Cohere's traffic: what each record becomes, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.sources.damage import withstand
from tokman.sources import claimants
from tokman.sources.base import Context
from tokman.sources.providers.cohere import Cohere
from tokman.usage import Usage

CANARY = "canary sentence nobody may keep"
CONTEXT = Context("traffic.jsonl", b"k" * 32)
ID = "0bf8e1a5-2af6-4014-a539-c12363a043a3"
USAGE = {
    "billed_units": {"input_tokens": 2406, "output_tokens": 2},
    "cached_tokens": 2928,
    "tokens": {"input_tokens": 2935, "output_tokens": 4},
}
"""As recorded in cohere_chat_cached.jsonl."""
BILLED = {"uncached_input_tokens": 2406, "cache_read_input_tokens": 0, "output_tokens": 2}


def chat(**more: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": CANARY}]
    message = {"role": "assistant", "content": content}
    return {"id": ID, "finish_reason": "COMPLETE", "message": message, "usage": USAGE} | more


def old(**more: Any) -> dict[str, Any]:
    return {
        "response_id": ID,
        "generation_id": "5c1f0b3d-1111-2222-3333-444455556666",
        "text": CANARY,
        "finish_reason": "COMPLETE",
        "meta": {"api_version": {"version": "1"}, **USAGE},
    } | more


STREAM: list[dict[str, Any]] = [
    {"type": "message-start", "id": ID, "delta": {"message": {"role": "assistant"}}},
    {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": CANARY}}}},
    {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": USAGE}},
]

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "what is billed, not what was processed",
        {
            "request": {"model": "command-a-03-2025", "messages": [{"content": CANARY}]},
            "response": chat(),
        },
        {
            **BILLED,
            "call_id": ID,
            "provider_name": "cohere",
            "response_model": "command-a-03-2025",
            "finish_reason": "COMPLETE",
        },
    ),
    ("the first version", old(), {**BILLED, "call_id": ID}),
    ("a stream", {"request": {}, "response": STREAM}, {**BILLED, "call_id": ID, "stream": True}),
    (
        "a stream of the first version",
        {
            "request": {"model": "command-r"},
            "response": [
                {"event_type": "text-generation", "text": CANARY},
                {"event_type": "stream-end", "finish_reason": "COMPLETE", "response": old()},
            ],
        },
        {**BILLED, "call_id": ID, "response_model": "command-r"},
    ),
    (
        "a stream cut off",
        {"request": {}, "response": STREAM[:2]},
        {"output_tokens": 0, "output_basis": "partial"},
    ),
    (
        "embeddings",
        {"id": ID, "embeddings": {"float": [[0.5]]}, "meta": {"billed_units": {"input_tokens": 4}}},
        {"operation_name": "embeddings", "uncached_input_tokens": 4, "output_tokens": 0},
    ),
    (
        "embeddings of images",
        {"id": ID, "embeddings": [], "meta": {"billed_units": {"image_tokens": 256}}},
        {"image_input_tokens": 256, "uncached_input_tokens": 0},
    ),
    (
        "an error",
        {"uri": "https://api.cohere.com/v2/chat", "body": {"message": CANARY}, "status": 429},
        {"status": "error", "error_type": "429", "provider_name": "cohere"},
    ),
]


def read(record: dict[str, Any]) -> list[Usage]:
    assert claimants(record) == [Cohere]
    return list(Cohere(CONTEXT).parse(msgspec.json.decode(json.dumps(record)), 3))


@pytest.mark.parametrize(("record", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_record_becomes(record: dict[str, Any], expected: dict[str, Any]) -> None:
    (usage,) = read(record)
    assert {name: getattr(usage, name) for name in expected} == expected
    assert CANARY.encode() not in msgspec.json.encode(usage)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (
            {"id": ID, "results": [], "meta": {"billed_units": {"search_units": 1}}},
            "searches and classifications are not metered",
        ),
        ({"id": ID, "meta": {"billed_units": {"classifications": 3}}}, "not metered"),
        (chat(usage={"billed_units": {"input_tokens": -1}}), "input_tokens"),
        (chat(usage={"billed_units": {"output_tokens": 1.5}}), "output_tokens"),
    ],
)
def test_a_record_is_refused(record: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(record)


@pytest.mark.parametrize("record", [c[1] for c in CASES], ids=[c[0] for c in CASES])
def test_damage_is_refused_with_a_reason_or_read(record: dict[str, Any]) -> None:
    withstand(Cohere, CONTEXT, record, CANARY)
