"""Recorded responses and every shape of their usage, against a recount that shares no code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conftest import ROOT, SHARED, Run
from tokman.sources import claimants
from tokman.sources.base import Context
from tokman.usage import QUANTITIES, Usage

RESPONSES = {
    "anthropic_web_tools": ("anthropic", "anthropic"),
    "bedrock_converse_cache_image": ("converse", "aws.bedrock"),
    "cohere_chat": ("cohere", "cohere"),
    "cohere_chat_cached": ("cohere", "cohere"),
    "deepseek_chat_thinking_cache": ("openai", "deepseek"),
    "gemini_usage_service_tier": ("gemini", "gcp.gemini"),
    "gemini_vertex_traffic_type": ("gemini", "gcp.vertex_ai"),
    "groq_chat_reasoning_cached": ("openai", "groq"),
    "mistral_chat_cached": ("openai", "mistral_ai"),
    "openai_chat_cachewrite_gpt56": ("openai", "openai"),
    "openai_responses_cachewrite_gpt56": ("openai", "openai"),
    "openrouter_chat_cost": ("openai", "openrouter"),
    "openrouter_chat_cost_video": ("openai", "openrouter"),
    "openrouter_responses_cost_cachewrite": ("openai", "openrouter"),
}
"""The source that must read each file, and the provider it must find."""

CLASSES = (*QUANTITIES, "reasoning_output_tokens")

here = pytest.mark.skipif(not SHARED.is_dir(), reason="no shared samples beside the repository")


def rows(record: dict[str, Any]) -> list[Usage]:
    """What the one source that claims a record makes of it."""
    (source,) = claimants(record)
    decoded = msgspec.json.decode(json.dumps(record), type=source.record_type)
    read = list(source(Context("recorded.jsonl", b"k" * 32)).parse(decoded, 1))
    assert all(isinstance(one, Usage) for one in read)
    return [one for one in read if isinstance(one, Usage)]


def counted(usages: Iterable[Usage]) -> dict[str, int]:
    """The sum of each class that is not nought."""
    usages = list(usages)
    sums = {name: sum(getattr(usage, name) for usage in usages) for name in CLASSES}
    return {name: total for name, total in sums.items() if total}


def recounted(path: Path) -> list[dict[str, int] | None]:
    script = ROOT / "tests" / "recount" / "bodies.py"
    done = subprocess.run([sys.executable, script, path], capture_output=True, check=True)
    lines: list[dict[str, int] | None] = json.loads(done.stdout)[str(path)]
    return lines


@here
@pytest.mark.parametrize("name", RESPONSES)
def test_a_recorded_response_is_counted_as_the_recount_does(name: str) -> None:
    source, provider = RESPONSES[name]
    path = SHARED / "responses" / f"{name}.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    read = [rows(record) for record in records]
    assert {usage.source for usages in read for usage in usages} == {source}
    assert {usage.provider_name for usages in read for usage in usages} == {provider}
    assert [counted(usages) for usages in read] == [line or {} for line in recounted(path)]
    failed = [any(usage.status == "error" for usage in usages) for usages in read]
    assert failed == ["error" in r["body"] and bool(r["body"]["error"]) for r in records]


@here
def test_every_recorded_response_is_here() -> None:
    found = {path.stem for path in (SHARED / "responses").glob("*.jsonl")}
    assert found == set(RESPONSES)


@here
def test_a_cassette_in_yaml_is_refused(tokman: Run) -> None:
    path = SHARED / "responses" / "xai_grpc_instructions.xai.yaml"
    done = tokman("ingest", path, "--ledger", "ledger")
    assert done.code != 0
    assert "format" in done.err


def body_of(line: dict[str, Any], number: int) -> dict[str, Any]:
    """The smallest body that holds a usage object, by the provider that wrote it."""
    kept = ("usage", "usageMetadata", "meta", "model")
    own: dict[str, Any] = {key: value for key, value in line.items() if key in kept}
    own["id"] = f"response-{number:016}"
    usage = line.get("usage", {})
    if "usageMetadata" in line:
        return {**own, "modelVersion": line.get("modelVersion")}
    if "meta" in line:
        return {**own, "embeddings": []}
    if "billed_units" in usage:
        return {**own, "message": {}}
    if "inputTokens" in usage:
        return {**own, "stopReason": "end_turn"}
    if "input_tokens" in usage and "total_tokens" not in usage:
        return {**own, "type": "message", "role": "assistant"}
    return {**own, "object": "response" if "input_tokens" in usage else "chat.completion"}


@here
def test_every_shape_of_usage_is_counted_as_the_recount_does() -> None:
    path = SHARED / "usage_objects" / "usage_objects_real.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    expected = recounted(path)
    assert len(lines) == len(expected) == 148
    for number, (line, recount) in enumerate(zip(lines, expected, strict=True), 1):
        assert recount is not None
        usages = rows(body_of(line, number))
        assert counted(usages) == recount, f"shape {number}: {line['cassette']}"
        assert len({usage.call_id for usage in usages}) == len(usages)
