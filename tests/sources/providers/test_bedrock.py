"""Bedrock's invocation log: what each record becomes, and what is refused.

The shapes are those of https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html
and of logs captured in April 2026: 3 + 24,479 + 52 tokens are one of their calls.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.conftest import SHARED, Run
from tests.sources.damage import withstand
from tokman.sources import claimants
from tokman.sources.base import Context
from tokman.sources.providers.bedrock import Bedrock
from tokman.usage import Usage

CANARY = "canary sentence nobody may keep"
CONTEXT = Context("invocations.json", b"k" * 32)
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"


def invocation(
    body: Any = None,
    counts: dict[str, Any] | None = None,
    output: int | None = 52,
    request: Any = None,
    **more: Any,
) -> dict[str, Any]:
    """A record of the log; `counts` are those of its input."""
    given: dict[str, Any] = {"inputContentType": "application/json", "inputTokenCount": 3}
    given |= counts or {}
    made: dict[str, Any] = {"outputContentType": "application/json", "outputTokenCount": output}
    if output is None:
        del made["outputTokenCount"]
    if body is not None:
        made["outputBodyJson"] = body
    if request is not None:
        given["inputBodyJson"] = request
    return {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": "2026-04-19T23:57:01Z",
        "accountId": "123456789012",
        "region": "us-west-2",
        "requestId": "5346af27-8f56-4fb8-a6de-058be7a50818",
        "operation": "ConverseStream",
        "modelId": "global.anthropic.claude-opus-4-6-v1",
        "identity": {"arn": "arn:aws:sts::123456789012:assumed-role/dev/alice"},
        "input": given,
        "output": made,
        **more,
    }


def converse(**usage: Any) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": CANARY}]}},
        "stopReason": "end_turn",
        "metrics": {"latencyMs": 7460},
        "usage": {"inputTokens": 3, "outputTokens": 52, "totalTokens": 55} | usage,
    }


def claude(**usage: Any) -> dict[str, Any]:
    return {
        "id": "msg_bdrk_01AbCdEfGhIjKlMn",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5-20251001",
        "content": [{"type": "text", "text": CANARY}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 52} | usage,
    }


def claude_stream(metrics: dict[str, Any] | None) -> list[Any]:
    """As logged: the last event carries the metrics, and `[DONE]` may follow."""
    start = {**claude(), "content": [], "stop_reason": None}
    start["usage"] = {
        "input_tokens": 3,
        "output_tokens": 1,
        "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    }
    delta = {"type": "text_delta", "text": CANARY}
    stop: dict[str, Any] = {"type": "message_stop"}
    return [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 52},
        },
        stop | ({"amazon-bedrock-invocationMetrics": metrics} if metrics else {}),
        "[DONE]",
    ]


METRICS = {
    "inputTokenCount": 3,
    "outputTokenCount": 52,
    "invocationLatency": 3037,
    "firstByteLatency": 2635,
    "cacheReadInputTokenCount": 0,
    "cacheWriteInputTokenCount": 300,
}
CACHED = {"cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 24479}
CACHED_BODY = {"cacheReadInputTokens": 0, "cacheWriteInputTokens": 24479, "totalTokens": 24534}
LLAMA = {"generation": CANARY, "prompt_token_count": 3, "generation_token_count": 52}
TITAN_PARTS = [{"tokenCount": 52, "outputText": CANARY, "completionReason": "FINISH"}]
TITAN = {"inputTextTokenCount": 3, "results": TITAN_PARTS}

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "a latency out of the question",
        invocation(
            {**converse(**CACHED_BODY), "metrics": {"latencyMs": 2**63}},
            CACHED,
        ),
        {"output_tokens": 52, "duration_ms": None},
    ),
    (
        "Converse with a cache",
        invocation(converse(**CACHED_BODY), CACHED, requestMetadata={"team": "engineering"}),
        {
            "call_id": "5346af27-8f56-4fb8-a6de-058be7a50818",
            "started_at": 1776643021_000000,
            "provider_name": "aws.bedrock",
            "request_model": "global.anthropic.claude-opus-4-6-v1",
            "response_model": "global.anthropic.claude-opus-4-6-v1",
            "uncached_input_tokens": 3,
            "cache_write_5m_input_tokens": 24479,
            "output_tokens": 52,
            "stream": True,
            "duration_ms": 7460,
            "finish_reason": "end_turn",
            "team": "engineering",
            "tags": ["team:engineering"],
            "user_id": "alice",
            "api_key_alias": "dev",
            "project": "123456789012",
            "inference_geo": "us-west-2",
            "line": 3,
        },
    ),
    (
        "writes for an hour",
        invocation(
            converse(
                **CACHED_BODY,
                cacheDetails=[
                    {"ttl": "5m", "inputTokens": 479},
                    {"ttl": "1h", "inputTokens": 24000},
                ],
            ),
            CACHED,
        ),
        {"cache_write_5m_input_tokens": 479, "cache_write_1h_input_tokens": 24000},
    ),
    (
        "a body that counts the cache where the log does not",
        invocation(converse(cacheReadInputTokens=7, totalTokens=62)),
        {"cache_read_input_tokens": 7, "uncached_input_tokens": 3},
    ),
    (
        "no bodies",
        invocation(modelId="apac.amazon.nova-micro-v1:0", operation="Converse"),
        {
            "uncached_input_tokens": 3,
            "output_tokens": 52,
            "stream": False,
            "response_model": "apac.amazon.nova-micro-v1:0",
        },
    ),
    (
        "bodies in objects of their own",
        invocation(input={"inputBodyS3Path": "s3://b/i.json.gz", "inputTokenCount": 9}),
        {"call_id": "5346af27-8f56-4fb8-a6de-058be7a50818", "uncached_input_tokens": 9},
    ),
    (
        "a profile's ARN",
        invocation(
            modelId=f"arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.{HAIKU}",
            inferenceRegion="us-east-2",
        ),
        {"response_model": f"us.{HAIKU}", "inference_geo": "us-east-2"},
    ),
    (
        "a model's ARN",
        invocation(modelId=f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}"),
        {"response_model": HAIKU},
    ),
    (
        "an application's own profile says no model",
        invocation(modelId="arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123"),
        {"response_model": "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123"},
    ),
    (
        "a tier",
        invocation(converse() | {"serviceTier": {"type": "priority"}}),
        {"service_tier": "priority"},
    ),
    (
        "the usual tier",
        invocation(converse() | {"serviceTier": {"type": "default"}}),
        {"service_tier": None},
    ),
    (
        "InvokeModel with Claude",
        invocation(
            claude(
                cache_creation_input_tokens=300,
                cache_creation={"ephemeral_5m_input_tokens": 50, "ephemeral_1h_input_tokens": 200},
            ),
            {"cacheWriteInputTokenCount": 300},
            operation="InvokeModel",
        ),
        {
            "call_id": "msg_bdrk_01AbCdEfGhIjKlMn",
            "response_model": "global.anthropic.claude-opus-4-6-v1",
            "cache_write_5m_input_tokens": 100,
            "cache_write_1h_input_tokens": 200,
        },
    ),
    (
        "a stream of Claude",
        invocation(
            claude_stream(METRICS),
            {"cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 300},
            operation="InvokeModelWithResponseStream",
        ),
        {
            "call_id": "msg_bdrk_01AbCdEfGhIjKlMn",
            "uncached_input_tokens": 3,
            "cache_write_5m_input_tokens": 100,
            "cache_write_1h_input_tokens": 200,
            "output_tokens": 52,
            "duration_ms": 3037,
            "time_to_first_token_ms": 2635,
            "finish_reason": "end_turn",
        },
    ),
    (
        "a stream counted only in its body",
        invocation(claude_stream(METRICS), {"inputTokenCount": None}, None),
        {"uncached_input_tokens": 3, "cache_write_1h_input_tokens": 200, "output_tokens": 52},
    ),
    (
        "a stream of an old log",
        invocation(claude_stream(None), {"inputTokenCount": None}, None),
        {"uncached_input_tokens": 3, "cache_write_1h_input_tokens": 200, "output_tokens": 52},
    ),
    (
        "a stream of Nova",
        invocation(
            [
                {"messageStart": {"role": "assistant"}},
                {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": CANARY}}},
                {"messageStop": {"stopReason": "end_turn"}},
                {"metadata": {"usage": converse()["usage"], "metrics": {"latencyMs": 5}}},
            ],
        ),
        {"finish_reason": "end_turn", "duration_ms": 5, "output_tokens": 52},
    ),
    (
        "Llama",
        invocation(LLAMA | {"stop_reason": "stop"}, {"inputTokenCount": None}, None),
        {"uncached_input_tokens": 3, "output_tokens": 52, "finish_reason": "stop"},
    ),
    (
        "a stream of Llama",
        invocation(
            [
                {"generation": "a", "prompt_token_count": 3, "generation_token_count": 1},
                {"generation": "b", "generation_token_count": 52, "stop_reason": "stop"},
            ],
            {"inputTokenCount": None},
            None,
        ),
        {"uncached_input_tokens": 3, "output_tokens": 52, "finish_reason": "stop"},
    ),
    (
        "Titan",
        invocation(TITAN, {"inputTokenCount": None}, None),
        {"uncached_input_tokens": 3, "output_tokens": 52, "finish_reason": "FINISH"},
    ),
    (
        "Mistral",
        invocation({"outputs": [{"text": CANARY, "stop_reason": "stop"}]}),
        {"uncached_input_tokens": 3, "output_tokens": 52, "finish_reason": "stop"},
    ),
    (
        "Cohere",
        invocation({"text": CANARY, "finish_reason": "COMPLETE", "generation_id": "0bf8e1a5-2af6"}),
        {"call_id": "0bf8e1a5-2af6", "finish_reason": "COMPLETE"},
    ),
    (
        "embeddings",
        invocation(
            {"embedding": [0.5], "inputTextTokenCount": 3},
            output=None,
            modelId="amazon.titan-embed-text-v2:0",
        ),
        {"operation_name": "embeddings", "uncached_input_tokens": 3, "output_tokens": 0},
    ),
    (
        "a call refused",
        invocation(errorCode="ThrottlingException", input={}, output=None) | {"output": {}},
        {"status": "error", "error_type": "ThrottlingException", "uncached_input_tokens": 0},
    ),
    (
        "an event of CloudWatch Logs",
        {"id": "3", "timestamp": 1776643021000, "message": json.dumps(invocation())},
        {"call_id": "5346af27-8f56-4fb8-a6de-058be7a50818", "output_tokens": 52},
    ),
    (
        "a result of Insights",
        {"@timestamp": "2026-04-19 23:57:01.000", "@message": invocation()},
        {"call_id": "5346af27-8f56-4fb8-a6de-058be7a50818", "output_tokens": 52},
    ),
]


def read(record: dict[str, Any]) -> list[Usage]:
    assert claimants(record) == [Bedrock]
    decoded = msgspec.json.decode(json.dumps(record), type=Bedrock.record_type)
    return list(Bedrock(CONTEXT).parse(decoded, 3))


@pytest.mark.parametrize(("record", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_record_becomes(record: dict[str, Any], expected: dict[str, Any]) -> None:
    (usage,) = read(record)
    assert {name: getattr(usage, name) for name in expected} == expected
    assert CANARY.encode() not in msgspec.json.encode(usage)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("total", invocation(converse(totalTokens=56)), "totalTokens"),
    ("another count in the body", invocation(converse(), {"inputTokenCount": 4}), "4 in the log"),
    (
        "another count in the metrics",
        invocation(claude_stream(METRICS), output=51),
        "outputTokenCount: 51 in the log, 52 in its body",
    ),
    (
        "two names, two counts",
        invocation(converse(cacheReadInputTokens=1, cacheReadInputTokenCount=2)),
        "cacheReadInputTokens .1. and cacheReadInputTokenCount .2. differ",
    ),
    (
        "more for an hour than written",
        invocation(
            claude(cache_creation_input_tokens=9, cache_creation={"ephemeral_1h_input_tokens": 9}),
            {"cacheWriteInputTokenCount": 8},
        ),
        "1-hour cache writes .9. exceed cache writes .8.",
    ),
    ("no input", invocation(counts={"inputTokenCount": None}), "inputTokenCount: missing"),
    ("no output", invocation(output=None), "outputTokenCount: missing"),
    ("negative", invocation(counts={"inputTokenCount": -1}), "inputTokenCount"),
    ("time", invocation(timestamp="yesterday"), "timestamp"),
    ("speech", invocation(operation="InvokeModelWithBidirectionalStream"), "speech"),
    ("a torn event", {"message": json.dumps(invocation(counts={"inputTokenCount": "3"}))}, "int"),
]


@pytest.mark.parametrize(
    ("record", "reason"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_a_record_is_refused(record: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(record)


UNCLAIMED: list[dict[str, Any]] = [
    {"schemaType": "SomethingElse", "input": {}, "output": {}},
    {"message": "a text that says ModelInvocationLog"},
    {"message": '{"note": "ModelInvocationLog"}'},
    {"message": {"role": "assistant"}},
]


@pytest.mark.parametrize("record", UNCLAIMED)
def test_other_records_are_left_alone(record: dict[str, Any]) -> None:
    assert not Bedrock.matches(record)


@pytest.mark.parametrize("record", [c[1] for c in CASES], ids=[c[0] for c in CASES])
def test_damage_is_refused_with_a_reason_or_read(record: dict[str, Any]) -> None:
    withstand(Bedrock, CONTEXT, record, CANARY)


def test_the_prompt_is_hashed_in_the_order_of_the_cache_and_without_its_marks() -> None:
    tools = [{"toolSpec": {"name": "look", "description": CANARY}}]
    request: dict[str, Any] = {
        "system": [{"text": CANARY}, {"cachePoint": {"type": "default"}}],
        "toolConfig": {"tools": tools},
        "messages": [{"role": "user", "content": [{"text": CANARY}]}],
        "inferenceConfig": {"temperature": 0.5},
    }
    (usage,) = read(invocation(converse(), request=request))
    assert len(usage.block_hashes or []) == 3
    assert usage.temperature == 0.5
    request["system"].pop()
    (unmarked,) = read(invocation(converse(), request=request))
    assert unmarked.block_hashes == usage.block_hashes
    request["toolConfig"]["tools"] = []
    (without,) = read(invocation(converse(), request=request))
    assert not set(without.block_hashes or []) & set(usage.block_hashes or [])


def test_tool_calls_hash_alike_in_every_spelling() -> None:
    call = {"toolUse": {"toolUseId": "1", "name": "look", "input": {"at": CANARY}}}
    body = converse()
    body["output"]["message"]["content"] = [call]
    written = {"type": "tool_use", "name": "look", "input": {"at": CANARY}}
    (one,), (other,) = read(invocation(body)), read(invocation(claude() | {"content": [written]}))
    assert one.tool_call_hashes == other.tool_call_hashes
    assert len(one.tool_call_hashes or []) == 1


@pytest.mark.parametrize("holder", ["logEvents", "events"])
def test_a_delivery_of_cloudwatch_keeps_good_events_beside_a_bad_one(
    holder: str, tokman: Run
) -> None:
    good = invocation(requestId="5346af27-8f56-4fb8-a6de-058be7a50819")
    bad = invocation(counts={"inputTokenCount": -1})
    events = [{"id": "1", "message": json.dumps(record)} for record in (invocation(), bad, good)]
    delivery = {"messageType": "DATA_MESSAGE", "logGroup": "/aws/bedrock", holder: events}
    with open("events.json", "w") as file:
        json.dump(delivery, file)
    done = tokman("ingest", "events.json", "--ledger", "ledger", "--rejects", "rejects.csv")
    assert done.code == 1
    counted = tokman("sql", "select count(*) n from usage", "-f", "json", "--ledger", "ledger")
    assert json.loads(counted.out) == [{"n": 2}]


def test_a_table_of_insights_is_read(tokman: Run) -> None:
    import csv

    with open("insights.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["@timestamp", "@message"])
        rows.writerow(["2026-04-19 23:57:01.000", json.dumps(invocation())])
    assert tokman("ingest", "insights.csv", "--ledger", "ledger").code == 0


def test_the_real_record() -> None:
    path = SHARED / "bedrock" / "nova_converse_stream_real.jsonl"
    if not path.exists():
        pytest.skip("no shared samples beside the repository")
    (usage,) = read(json.loads(path.read_text()))
    assert (usage.uncached_input_tokens, usage.output_tokens) == (4, 38)
    assert usage.response_model == "amazon.nova-lite-v1:0"
    assert usage.user_id == "dheeraj"
    assert usage.block_hashes and usage.response_hash
