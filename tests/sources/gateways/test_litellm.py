"""LiteLLM rows and payloads: what each becomes, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import SHARED
from tests.sources.damage import withstand
from tokman.errors import BadRecord
from tokman.sources.base import Context
from tokman.sources.gateways.litellm import LiteLLM
from tokman.usage import INPUT_CLASSES, OUTPUT_CLASSES, Usage

SAMPLES = SHARED / "litellm"
CANARY = "canary sentence nobody may keep"
CONTEXT = Context("spend.jsonl", b"k" * 32)


def read(record: dict[str, Any]) -> list[Usage]:
    assert LiteLLM.matches(record)
    row = msgspec.json.decode(json.dumps(record), type=LiteLLM.record_type)
    return list(LiteLLM(CONTEXT).parse(row, 7))


def row(**more: Any) -> dict[str, Any]:
    return {
        "request_id": "chatcmpl-0a1b2c3d4e5f",
        "call_type": "acompletion",
        "startTime": "2026-11-23 20:45:32.355617+00:00",
        "endTime": "2026-11-23 20:45:34.355617+00:00",
        "model": "gpt-4o",
        "custom_llm_provider": "openai",
        "spend": 0.0001,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        **more,
    }


def counted(prompt: Any = None, completion: Any = None, **more: Any) -> dict[str, Any]:
    details = {"prompt_tokens_details": prompt, "completion_tokens_details": completion}
    return row(metadata={"usage_object": {**details, **more}})


CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("plain", row(), {"uncached_input_tokens": 100, "output_tokens": 20, "status": "ok"}),
    ("the line", row(), {"line": 7, "file": "spend.jsonl", "source": "litellm"}),
    (
        "cached",
        counted({"cached_tokens": 60}),
        {"uncached_input_tokens": 40, "cache_read_input_tokens": 60},
    ),
    (
        "written, lifetimes told",
        counted(
            {
                "cached_tokens": 10,
                "cache_creation_tokens": 50,
                "cache_creation_token_details": {
                    "ephemeral_5m_input_tokens": 20,
                    "ephemeral_1h_input_tokens": 20,
                },
            }
        ),
        {
            "uncached_input_tokens": 40,
            "cache_read_input_tokens": 10,
            "cache_write_5m_input_tokens": 30,
            "cache_write_1h_input_tokens": 20,
        },
    ),
    (
        "counts only in additional_usage_values, metadata a string",
        row(
            metadata=json.dumps(
                {
                    "additional_usage_values": {
                        "cache_read_input_tokens": 30,
                        "cache_creation_input_tokens": 40,
                    }
                }
            )
        ),
        {
            "uncached_input_tokens": 30,
            "cache_read_input_tokens": 30,
            "cache_write_5m_input_tokens": 40,
        },
    ),
    (
        "reasoning and audio",
        counted({"audio_tokens": 25}, {"reasoning_tokens": 8, "audio_tokens": 5}),
        {
            "uncached_input_tokens": 75,
            "audio_input_tokens": 25,
            "output_tokens": 15,
            "reasoning_output_tokens": 8,
            "audio_output_tokens": 5,
        },
    ),
    (
        "cache hit as a string",
        row(cache_hit="True", spend=0.0, request_id="chatcmpl-0a1b2c3d4e5f_cache_hit17.5"),
        {
            "response_cache_hit": True,
            "billed_cost": 0,
            "uncached_input_tokens": 100,
            "call_id": "chatcmpl-0a1b2c3d4e5f_cache_hit1795466732355617",
        },
    ),
    ("no cache hit", row(cache_hit="None"), {"response_cache_hit": False}),
    ("no cache hit either", row(cache_hit=None), {"response_cache_hit": False}),
    (
        "failure",
        row(
            status="failure",
            prompt_tokens=0,
            completion_tokens=0,
            total_tokens=0,
            metadata={"error_information": {"error_class": "Timeout", "error_message": CANARY}},
        ),
        {"status": "error", "error_type": "Timeout", "output_tokens": 0},
    ),
    (
        "money to the half pico",
        row(spend=0.0000000000005),
        {"billed_cost": 0},
    ),
    ("money above the half pico", row(spend=0.0000000000015), {"billed_cost": 2}),
    ("money unknown", row(spend=0, zero_cost_diagnostic={"reason": "x"}), {"billed_cost": None}),
    (
        "who",
        row(
            team_id="t-1",
            user="u-1",
            api_key="k-1",
            request_tags=["task:sort", "env:prod", "x" * 201],
            session_id="",
            trace_id="tr-1",
            metadata={
                "user_api_key_alias": "crawler",
                "user_api_key_team_alias": "Search",
                "user_api_key_user_email": "a@b.c",
                "user_api_key_project_alias": "web",
                "attempted_retries": 2,
            },
        ),
        {
            "workflow": "sort",
            "workflow_basis": "explicit",
            "environment": "prod",
            "tags": ["task:sort", "env:prod"],
            "team": "Search",
            "user_id": "a@b.c",
            "project": "web",
            "api_key_alias": "crawler",
            "api_key_hash": CONTEXT.hash_text("k-1"),
            "conversation_id": "tr-1",
            "attempt": 3,
        },
    ),
    (
        "workflow of the metadata before the tag",
        row(
            metadata={"spend_logs_metadata": {"workflow": "invoices"}},
            request_tags='["workflow:other"]',
        ),
        {"workflow": "invoices", "workflow_basis": "explicit"},
    ),
    (
        "workflow of the key",
        row(metadata={"user_api_key_alias": "crawler"}),
        {"workflow": "crawler", "workflow_basis": "default"},
    ),
    (
        "free text is no tag",
        row(metadata={"spend_logs_metadata": {"workflow": "long " * 50}}),
        {"workflow": None, "workflow_basis": None},
    ),
    ("end user first", row(end_user="c-1", user="u-1"), {"user_id": "c-1"}),
    ("azure", row(custom_llm_provider="azure"), {"provider_name": "azure.ai.openai"}),
    (
        "model behind its provider's name",
        row(custom_llm_provider="bedrock", model="bedrock/us.claude", model_group="claude"),
        {
            "provider_name": "aws.bedrock",
            "response_model": "us.claude",
            "request_model": "claude",
        },
    ),
    ("embedding", row(call_type="aembedding"), {"operation_name": "embeddings"}),
    ("latency", row(), {"duration_ms": 2000, "time_to_first_token_ms": None}),
    (
        "first token",
        row(completionStartTime="2026-11-23 20:45:32.855617+00:00"),
        {"time_to_first_token_ms": 500},
    ),
    (
        "no first token where it is the end",
        row(completionStartTime="2026-11-23 20:45:34.355617+00:00"),
        {"time_to_first_token_ms": None},
    ),
    (
        "batch",
        row(call_type="aretrieve_batch", model="", metadata={"batch_models": ["gpt-4o"]}),
        {"service_tier": "batch", "response_model": "gpt-4o"},
    ),
    ("tier", row(cost_breakdown={"service_tier": "flex"}), {"service_tier": "flex"}),
    ("tags of a PostgreSQL array", row(request_tags="{task:sort,env:prod}"), {"workflow": "sort"}),
    ("standard tier", row(cost_breakdown={"service_tier": "default"}), {"service_tier": None}),
]


@pytest.mark.parametrize(("record", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_row_becomes(record: dict[str, Any], expected: dict[str, Any]) -> None:
    (usage,) = read(record)
    assert {name: getattr(usage, name) for name in expected} == expected


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("total", row(total_tokens=121), "total_tokens"),
    ("negative", row(prompt_tokens=-1), "prompt_tokens"),
    ("fraction", row(completion_tokens=1.5), "completion_tokens"),
    ("text", row(total_tokens="120"), "total_tokens"),
    ("beyond 64 bits", row(prompt_tokens=2**70), "prompt_tokens"),
    ("part of a part", counted({"cached_tokens": 2**70}), "cached_tokens"),
    ("cached above the prompt", counted({"cached_tokens": 101}), "prompt_tokens"),
    ("reasoning above the completion", counted(None, {"reasoning_tokens": 21}), "completion"),
    (
        "lifetimes above the write",
        counted(
            {
                "cache_creation_tokens": 5,
                "cache_creation_token_details": {"ephemeral_5m_input_tokens": 6},
            }
        ),
        "cache_creation_token_details",
    ),
    ("metadata that is no JSON", row(metadata="{'a': 1}"), "metadata"),
    ("negative money", row(spend=-0.1), "spend"),
    ("absurd money", row(spend=1e300), "spend"),
    ("no number", row(spend="NaN"), "spend"),
    ("time", row(startTime="yesterday"), "startTime"),
    (
        "daily sums",
        {"startTime": "2026-11-23", "spend": 1.5, "users": {"u": 1.5}, "models": {"gpt-4o": 1.5}},
        "summarize=false",
    ),
]


@pytest.mark.parametrize(
    ("record", "reason"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_a_row_is_refused(record: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refusal:
        read(record)
    assert isinstance(refusal.value, BadRecord | msgspec.ValidationError)


@pytest.mark.parametrize("call_type", ["acreate_batch", "afile_content", "call_mcp_tool"])
def test_upkeep_of_the_proxy_is_no_call(call_type: str) -> None:
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "spend": 0.0}
    assert read(row(call_type=call_type, **nothing)) == []
    assert len(read(row(call_type="acompletion", **nothing))) == 1


@pytest.mark.parametrize(
    "start",
    [
        "2026-11-23 20:45:32.355617+00:00",
        "2026-11-23 20:45:32.355617",
        "2026-11-23T20:45:32.355617Z",
        "2026-11-23 20:45:32.355617+00",
        "2026-11-23T21:45:32.355617+01:00",
        1795466732.355617,
        "1795466732.355617",
    ],
)
def test_spellings_of_a_time(start: Any) -> None:
    assert read(row(startTime=start, endTime=None))[0].started_at == 1795466732355617


@given(st.integers(1_600_000_000_000_000, 2_500_000_000_000_000))
def test_epoch_seconds_keep_their_microsecond(micros: int) -> None:
    assert read(row(startTime=micros / 1e6, endTime=None))[0].started_at == micros


@given(st.integers(0, 10**18 - 1))
def test_money_is_exact(pico: int) -> None:
    text = f"{pico // 10**12}.{pico % 10**12:012}"
    record = json.dumps(row(spend=0.25)).replace("0.25", text)
    parsed = msgspec.json.decode(record, type=LiteLLM.record_type)
    (usage,) = LiteLLM(CONTEXT).parse(parsed, 1)
    assert usage.billed_cost == pico


def test_a_csv_row_reads_as_its_json() -> None:
    record = row(
        metadata=json.dumps({"usage_object": {"prompt_tokens_details": {"cached_tokens": 60}}}),
        request_tags='["workflow:w", "env:prod"]',
        cache_hit="False",
        messages="{}",
    )
    cells = {k: str(v) for k, v in record.items()} | {"end_user": "", "session_id": "\\N"}
    assert LiteLLM.matches(cells)
    assert LiteLLM.from_row is not None
    (usage,) = LiteLLM(CONTEXT).parse(LiteLLM.from_row(cells), 7)
    assert usage == read(record)[0]


@pytest.mark.parametrize("given", ["", "short", "chatcmpl-12", "1234567890"])
def test_a_plain_id_is_no_identity(given: str) -> None:
    first, again = read(row(request_id=given))[0], read(row(request_id=given))[0]
    later = read(row(request_id=given, startTime="2026-11-23 20:45:33"))[0]
    assert first.call_id == again.call_id != later.call_id
    assert first.call_id.startswith("litellm:")


def payload(**more: Any) -> dict[str, Any]:
    record = row(
        id="chatcmpl-0a1b2c3d4e5f",
        startTime=1795466732.355617,
        endTime=1795466734.355617,
        response_cost=0.0001,
        messages=[{"role": "system", "content": CANARY}, {"role": "user", "content": CANARY}],
        response={
            "choices": [
                {
                    "message": {
                        "content": CANARY,
                        "tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1}'}}],
                    }
                }
            ]
        },
        model_parameters={"temperature": 0.5, "response_format": {"type": "json_schema"}},
        error_str=CANARY,
    )
    del record["request_id"], record["spend"]
    return {**record, **more}


def test_content_is_hashed_and_never_kept() -> None:
    (usage,) = read(payload())
    assert usage.block_hashes and len(usage.block_hashes) == len(usage.block_sizes or ()) == 2
    assert usage.request_hash and usage.response_hash and usage.tool_call_hashes
    assert (usage.temperature, usage.structured_output) == (0.5, True)
    assert CANARY.encode() not in msgspec.json.encode(usage)
    everywhere = payload(
        error_information={"error_message": CANARY, "error_class": CANARY, "traceback": CANARY},
        status="failure",
        proxy_server_request={"messages": [{"role": "user", "content": CANARY}], "user": CANARY},
        metadata={"error_information": {"error_message": CANARY}},
    )
    assert CANARY.encode() not in msgspec.json.encode(read(everywhere)[0])


@pytest.mark.parametrize(
    "text", ["redacted-by-litellm", "a... (litellm_truncated skipped 9 chars) ...b"]
)
def test_cut_or_redacted_content_has_no_hash(text: str) -> None:
    (usage,) = read(payload(messages=[{"role": "user", "content": text}]))
    assert (usage.request_hash, usage.block_hashes, usage.block_sizes) == (None, None, None)


def test_the_prefix_of_a_longer_prompt_has_the_same_hashes() -> None:
    (usage,) = read(payload())
    turns = [*payload()["messages"], {"role": "user", "content": "more"}]
    (longer,) = read(payload(messages=turns))
    assert (longer.block_hashes or [])[:2] == usage.block_hashes
    assert longer.request_hash != usage.request_hash


def samples(name: str) -> list[dict[str, Any]]:
    path = SAMPLES / f"generated_{name}_litellm_1.99.4.jsonl"
    if not path.exists():
        pytest.skip("no shared samples beside the repository")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_real_rows_and_payloads_of_a_call_are_one_call() -> None:
    rows = {u.call_id: u for r in samples("spendlogs") for u in read(r)}
    payloads = {u.call_id: u for r in samples("slp") for u in read(r)}
    assert rows.keys() < payloads.keys()
    assert {payloads[k].status for k in payloads.keys() - rows.keys()} == {"error"}
    same = [*INPUT_CLASSES, *OUTPUT_CLASSES, "billed_cost", "started_at", "duration_ms", "tags"]
    same += ["workflow", "team", "user_id", "environment", "conversation_id"]
    for key, usage in rows.items():
        for column in same:
            assert getattr(usage, column) == getattr(payloads[key], column)
    (hit,) = [u for u in payloads.values() if u.response_cache_hit]
    assert (hit.billed_cost, hit.uncached_input_tokens, hit.output_tokens) == (0, 10, 20)


@pytest.mark.parametrize("record", [c[1] for c in CASES], ids=[c[0] for c in CASES])
def test_damage_is_refused_with_a_reason_or_read(record: dict[str, Any]) -> None:
    withstand(LiteLLM, CONTEXT, record, CANARY)
