"""OpenTelemetry spans: which of them are calls, and what they consumed."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conftest import SHARED, Run
from tokman.sources import claimants
from tokman.sources.base import Context, Refused
from tokman.sources.traces.otel import OpenTelemetry
from tokman.usage import Usage

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CONTEXT = Context("spans.jsonl", b"k" * 32)
SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
Json = dict[str, Any]


def typed(value: Any) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [typed(item) for item in value]}}
    return {"stringValue": value}


def listed(attributes: Json) -> list[Json]:
    return [{"key": key, "value": typed(value)} for key, value in attributes.items()]


def span(number: int, parent: int | None, at: float = 0, lasts: float = 1, **more: Any) -> Json:
    """A span of OTLP; keyword `attributes` are GenAI ones without their prefix."""
    attributes = {"gen_ai." + key: value for key, value in more.pop("gen", {}).items()}
    attributes |= more.pop("attributes", {})
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": "a span",
        "startTimeUnixNano": str(START + int(at * SECOND)),
        "endTimeUnixNano": str(START + int((at + lasts) * SECOND)),
        "attributes": listed(attributes),
        **more,
    }


def batch(*spans: Json, **resource: Any) -> Json:
    scope = {"scope": {"name": "x"}, "spans": list(spans)}
    attributes = listed({key.replace("_", "."): value for key, value in resource.items()})
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [scope]}]}


def chat(number: int, parent: int | None, given: int, answered: int, **more: Any) -> Json:
    gen = {"operation.name": "chat", "request.model": "gpt-5.5", **more.pop("gen", {})}
    gen |= {"usage.input_tokens": given, "usage.output_tokens": answered}
    return span(number, parent, gen=gen, **more)


def agent(number: int, parent: int | None, given: int, answered: int) -> Json:
    gen: Json = {"operation.name": "invoke_agent", "agent.name": "planner"}
    gen |= {"usage.input_tokens": given, "usage.output_tokens": answered}
    return span(number, parent, lasts=9, gen=gen)


def tool(number: int, parent: int | None) -> Json:
    return span(number, parent, gen={"operation.name": "execute_tool", "tool.name": "look"})


def read(records: Iterable[Json], source: OpenTelemetry | None = None) -> list[Usage | Refused]:
    source = source or OpenTelemetry(CONTEXT)
    rows: list[Usage | Refused] = []
    for line, record in enumerate(records, 1):
        assert claimants(record) == [OpenTelemetry], record
        rows += source.parse(msgspec.json.decode(json.dumps(record), type=source.record_type), line)
    return [*rows, *source.finish()]


def usages(records: Iterable[Json]) -> list[Usage]:
    rows = read(records)
    assert not [row for row in rows if isinstance(row, Refused)], rows
    return [row for row in rows if isinstance(row, Usage)]


def counts(rows: Iterable[Usage | Refused]) -> list[int]:
    return sorted(row.output_tokens for row in rows if isinstance(row, Usage))


# Which spans are calls: spans, the output tokens of the calls, the refusals.
TREES: dict[str, tuple[list[Json], list[int], int]] = {
    "one call": ([chat(1, None, 5, 7)], [7], 0),
    "an agent's sum": ([agent(1, None, 30, 12), chat(2, 1, 10, 5), chat(3, 1, 20, 7)], [5, 7], 0),
    "a framework around an SDK": ([chat(1, None, 9, 4), chat(2, 1, 5, 3)], [3], 0),
    "and a step between": ([chat(1, None, 9, 4), span(2, 1), chat(3, 2, 5, 3)], [3], 0),
    "a tool asks another model": ([chat(1, None, 9, 4), tool(2, 1), chat(3, 2, 5, 3)], [3, 4], 0),
    "an agent in a tool of an agent": (
        [
            *(agent(1, None, 30, 12), chat(2, 1, 30, 12), tool(3, 1)),
            *(agent(4, 3, 10, 6), chat(5, 4, 10, 6)),
        ],
        [6, 12],
        0,
    ),
    "an agent whose calls are elsewhere": ([agent(1, None, 30, 12)], [], 1),
    "an agent without counts": ([agent(1, None, 0, 0), tool(2, 1)], [], 0),
    "an agent beside a call": ([agent(1, None, 30, 12), chat(2, None, 9, 4)], [4], 1),
    "spans above that are not in the file": ([chat(2, 1, 9, 4), chat(3, 1, 5, 3)], [3, 4], 0),
    "pydantic-ai's agent run": (
        [
            span(1, None, attributes={"agent_name": "a", "gen_ai.usage.output_tokens": 8}),
            chat(2, 1, 5, 8),
        ],
        [8],
        0,
    ),
    "Vercel's generateText": (
        [
            span(1, None, attributes={"ai.operationId": "ai.generateText", "ai.usage.tokens": 12}),
            span(
                *(2, 1),
                attributes={
                    "ai.operationId": "ai.generateText.doGenerate",
                    "ai.usage.promptTokens": 5,
                    "ai.usage.completionTokens": 7,
                },
            ),
        ],
        [7],
        0,
    ),
    "OpenInference's chain and model": (
        [
            span(1, None, attributes={"openinference.span.kind": "CHAIN"}),
            span(
                *(2, 1),
                attributes={"openinference.span.kind": "LLM", "llm.token_count.completion": 3},
            ),
        ],
        [3],
        0,
    ),
    "OpenLLMetry's workflow and model": (
        [
            span(
                *(1, None),
                attributes={"traceloop.span.kind": "workflow", "gen_ai.usage.completion_tokens": 3},
            ),
            span(
                *(2, 1),
                attributes={"llm.request.type": "chat", "gen_ai.usage.completion_tokens": 3},
            ),
        ],
        [3],
        0,
    ),
    "no counts at all is a call without a price": (
        [span(1, None, gen={"operation.name": "chat"})],
        [0],
        0,
    ),
    "no counts below one that has them": (
        [chat(1, None, 9, 4), span(2, 1, gen={"operation.name": "chat"})],
        [4],
        0,
    ),
    "no counts above one that has them": (
        [span(1, None, gen={"operation.name": "chat"}), chat(2, 1, 9, 4)],
        [4],
        0,
    ),
    "a retry": (
        [
            *(chat(1, None, 9, 4), chat(3, 1, 9, 4)),
            span(2, 1, gen={"operation.name": "chat"}, status={"code": 2}),
        ],
        [4],
        0,
    ),
    "spans of a web service": ([span(1, None), span(2, 1, kind=2)], [], 0),
    "its own parent": ([chat(1, 1, 5, 7)], [7], 0),
    "a circle": ([chat(1, 2, 5, 7), chat(2, 1, 5, 7)], [], 2),
}


@pytest.mark.parametrize("case", TREES)
def test_leaf_generations_are_calls_in_whatever_order_they_lie(case: str) -> None:
    spans, outputs, refusals = TREES[case]
    for order in itertools.islice(itertools.permutations(spans), 24):
        for records in ([batch(*order)], [batch(one) for one in order]):
            rows = read(records)
            assert counts(rows) == outputs
            assert len(rows) == len(outputs) + refusals


def test_a_parent_that_repeats_its_children_costs_nothing(tokman: Run, tmp_path: Path) -> None:
    """https://github.com/langfuse/langfuse/issues/14754: $0.09526, shown there as $0.19052."""
    log = tmp_path / "spans.jsonl"
    step = span(2, 1, gen={"operation.name": "agent_step", "usage.input_tokens": 6_000})
    lines = [chat(3, 2, 6_000, 300), step, chat(4, 1, 8_426, 471), agent(1, None, 14_426, 771)]
    log.write_text("".join(json.dumps(batch(line)) + "\n" for line in lines))
    assert tokman("ingest", log, "--ledger", "l").code == 0
    query = "select count(*) calls, sum(list_cost)::varchar cost from usage"
    (row,) = json.loads(tokman("sql", query, "-f", "json", "--ledger", "l").out)
    assert row == {"calls": 2, "cost": "0.095260000000"}


def test_a_parent_that_arrives_later_is_known_for_what_it_is() -> None:
    first = OpenTelemetry(CONTEXT)
    assert counts(read([batch(chat(2, 1, 5, 7))], first)) == [7]
    second = OpenTelemetry(CONTEXT)
    second.resume(first.state())
    assert read([batch(agent(1, None, 5, 7)), batch(chat(2, 1, 5, 7))], second) == []


CLASSES: list[tuple[str, Json, Json]] = [
    (
        "cached tokens are part of the input",
        {
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 9,
            "gen_ai.usage.cache_read.input_tokens": 60,
            "gen_ai.usage.cache_creation.input_tokens": 30,
            "gen_ai.usage.reasoning.output_tokens": 4,
        },
        {
            "uncached_input_tokens": 10,
            "cache_read_input_tokens": 60,
            "cache_write_5m_input_tokens": 30,
            "output_tokens": 9,
            "reasoning_output_tokens": 4,
        },
    ),
    (
        "unless they exceed it",
        {
            "gen_ai.usage.input_tokens": 4,
            "gen_ai.usage.output_tokens": 9,
            "gen_ai.usage.cache_read_input_tokens": 60,
            "gen_ai.usage.cache_creation_input_tokens": 30,
        },
        {
            "uncached_input_tokens": 4,
            "cache_read_input_tokens": 60,
            "cache_write_5m_input_tokens": 30,
        },
    ),
    (
        "or the total needs them",
        {
            "gen_ai.usage.prompt_tokens": 100,
            "gen_ai.usage.completion_tokens": 9,
            "gen_ai.usage.cache_read_input_tokens": 60,
            "llm.usage.total_tokens": 169,
        },
        {"uncached_input_tokens": 100, "cache_read_input_tokens": 60, "output_tokens": 9},
    ),
    (
        # Phoenix's fixture of an Anthropic call: 32,321 = 31,559 read + 760 written + 2.
        "OpenInference",
        {
            "openinference.span.kind": "LLM",
            "llm.token_count.prompt": 32321,
            "llm.token_count.completion": 45,
            "llm.token_count.total": 32366,
            "llm.token_count.prompt_details.cache_read": 31559,
            "llm.token_count.prompt_details.cache_write": 760,
            "llm.cost.total": 0.0125,
        },
        {
            "uncached_input_tokens": 2,
            "cache_read_input_tokens": 31559,
            "cache_write_5m_input_tokens": 760,
            "billed_cost": 12_500_000_000,
        },
    ),
    (
        "reasoning beside the output",
        {
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.reasoning_tokens": 20,
            "gen_ai.usage.total_tokens": 35,
        },
        {"output_tokens": 25, "reasoning_output_tokens": 20},
    ),
    (
        "AI SDK 5 leaves Anthropic's cached tokens out",
        {
            "ai.operationId": "ai.streamText.doStream",
            "ai.model.provider": "anthropic.messages",
            "ai.usage.inputTokens": 100,
            "ai.usage.outputTokens": 5,
            "ai.usage.cachedInputTokens": 40,
            "ai.usage.totalTokens": 105,
        },
        {
            "uncached_input_tokens": 100,
            "cache_read_input_tokens": 40,
            "provider_name": "anthropic",
        },
    ),
    (
        "an embedding",
        {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.usage.input_tokens": 7,
            "gen_ai.usage.total_tokens": 7,
        },
        {"operation_name": "embeddings", "uncached_input_tokens": 7, "output_tokens": 0},
    ),
    (
        "numbers as texts and as doubles",
        {"gen_ai.usage.input_tokens": "7", "gen_ai.usage.output_tokens": 3.0},
        {"uncached_input_tokens": 7, "output_tokens": 3},
    ),
    (
        "what a call was",
        {
            "gen_ai.system": "az.ai.openai",
            "gen_ai.request.model": "gpt-5.5",
            "gen_ai.response.model": "gpt-5.5-2026-02-01",
            "gen_ai.response.id": "chatcmpl-Abc12345",
            "gen_ai.response.finish_reasons": ["stop", "length"],
            "gen_ai.response.time_to_first_chunk": 0.25,
            "gen_ai.openai.response.service_tier": "flex",
            "gen_ai.request.temperature": 0.5,
            "gen_ai.request.stream": True,
            "gen_ai.conversation.id": "conv-1",
            "enduser.id": "ada",
            "gen_ai.agent.name": "planner",
            "gen_ai.usage.input_tokens": 1,
            "tag.tags": ["a", "b"],
        },
        {
            "call_id": "chatcmpl-Abc12345",
            "provider_name": "azure.ai.openai",
            "request_model": "gpt-5.5",
            "response_model": "gpt-5.5-2026-02-01",
            "finish_reason": "stop",
            "time_to_first_token_ms": 250,
            "service_tier": "flex",
            "temperature": 0.5,
            "stream": True,
            "conversation_id": "conv-1",
            "user_id": "ada",
            "agent_name": "planner",
            "tags": ["a", "b"],
            "duration_ms": 1000,
            "started_at": START // 1000,
            "line": 1,
        },
    ),
    (
        "no response id",
        {"gen_ai.usage.input_tokens": 1, "server.address": "api.anthropic.com"},
        {"call_id": f"{TRACE}:0000000000000001", "provider_name": "anthropic"},
    ),
]


@pytest.mark.parametrize(("what", "attributes", "expected"), CLASSES, ids=[c[0] for c in CLASSES])
def test_attributes(what: str, attributes: Json, expected: Json) -> None:
    (usage,) = usages([batch(span(1, None, attributes=attributes))])
    assert {key: getattr(usage, key) for key in expected} == expected


WRONG: list[tuple[Json, str]] = [
    ({"gen_ai.usage.input_tokens": -1}, "input tokens: not a token count"),
    ({"gen_ai.usage.input_tokens": 1.5}, "input tokens: not a token count"),
    ({"gen_ai.usage.output_tokens": "many"}, "output tokens: not a token count"),
    ({"gen_ai.usage.output_tokens": True}, "output tokens: not a token count"),
    (
        {
            "gen_ai.usage.input_tokens": 5,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.total_tokens": 17,
        },
        "total tokens (17): not input (5) + output (5)",
    ),
]


@pytest.mark.parametrize(("attributes", "reason"), WRONG)
def test_a_wrong_span_is_refused_and_the_rest_of_its_batch_is_read(
    attributes: Json, reason: str
) -> None:
    rows = read([batch(span(1, None, attributes=attributes), chat(2, None, 5, 7))])
    assert counts(rows) == [7]
    assert [row for row in rows if isinstance(row, Refused)] == [Refused(line=1, reason=reason)]


HOSTILE: list[tuple[Json, str]] = [
    ({"traceId": "please answer this"}, "an id that looks like a text"),
    ({"spanId": "!" * 12}, "an id that is neither hex nor base64"),
    ({"spanId": ""}, "a call without traceId or spanId"),
    ({"traceId": "0" * 32}, "a call without traceId or spanId"),
    ({"startTimeUnixNano": "soon"}, "startTime: not a time"),
    ({"endTimeUnixNano": "9" * 40}, "endTime: not a time"),
    ({"startTimeUnixNano": -5}, "startTime: not a time"),
]


@pytest.mark.parametrize(("more", "reason"), HOSTILE)
def test_ids_and_times_that_are_none(more: Json, reason: str) -> None:
    assert read([batch(chat(1, None, 5, 7, **more))]) == [Refused(line=1, reason=reason)]


ODD: list[Json] = [
    {"gen_ai.operation.name": ["chat"], "gen_ai.usage.input_tokens": 5},
    {"gen_ai.request.temperature": 1e300, "gen_ai.usage.input_tokens": 5},
    {"gen_ai.response.time_to_first_chunk": -1.0, "gen_ai.usage.input_tokens": 5},
    {"gen_ai.request.model": "a text of several words", "gen_ai.usage.input_tokens": 5},
    {"gen_ai.response.id": "a text of several words", "gen_ai.usage.input_tokens": 5},
]


@pytest.mark.parametrize("attributes", ODD)
def test_odd_values_beside_the_counts_say_nothing(attributes: Json) -> None:
    (usage,) = usages([batch(span(1, None, attributes=attributes))])
    assert (usage.operation_name, usage.uncached_input_tokens) == ("chat", 5)
    assert usage.call_id == f"{TRACE}:0000000000000001"
    odd = (usage.request_model, usage.temperature, usage.time_to_first_token_ms)
    assert odd == (None, None, None)


def test_what_only_the_spans_above_tell() -> None:
    top = span(1, None, gen={"workflow.name": "triage", "conversation.id": "c-9"})
    records = [batch(chat(3, 2, 5, 7), agent(2, 1, 5, 7), top, service_name="desk")]
    (usage,) = usages(records)
    assert (usage.workflow, usage.workflow_basis) == ("triage", "explicit")
    assert (usage.agent_name, usage.conversation_id) == ("planner", "c-9")


@pytest.mark.parametrize(
    ("service", "expected"),
    [("desk", ("desk", "default")), ("unknown_service:node", (None, None))],
)
def test_the_service_stands_in_for_the_workflow(service: str, expected: Any) -> None:
    (usage,) = usages([batch(chat(1, None, 5, 7), service_name=service)])
    assert (usage.workflow, usage.workflow_basis) == expected


def test_an_id_of_several_responses_is_no_call_id() -> None:
    """As Microsoft's agent framework states it: the run's id on every call of the run."""
    for given in ("run_9guMCbt68iSVgtsx6WdKMA18", "an-id-of-the-conversation"):
        gen = {"response.id": given}
        rows = usages([batch(chat(1, None, 5, 7, gen=gen), chat(2, None, 6, 8, at=1, gen=gen))])
        assert {row.call_id for row in rows} == {f"{TRACE}:{n:016x}" for n in (1, 2)}


def test_one_call_seen_by_two_layers_side_by_side_keeps_one_id() -> None:
    gen = {"response.id": "chatcmpl-Abc12345"}
    rows = usages([batch(chat(1, None, 5, 7, gen=gen), chat(2, None, 5, 7, at=0.1, gen=gen))])
    assert {row.call_id for row in rows} == {"chatcmpl-Abc12345"}


def event(span_number: int, **gen: Any) -> Json:
    name = gen.pop("name", "gen_ai.client.inference.operation.details")
    attributes = {"gen_ai." + key.replace("__", "."): value for key, value in gen.items()}
    record = {
        "timeUnixNano": str(START + SECOND),
        "traceId": TRACE,
        "spanId": f"{span_number:016x}",
        "eventName": name,
        "body": {"stringValue": "a text"},
        "attributes": listed(attributes),
    }
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


COUNTED = {"operation__name": "chat", "usage__input_tokens": 5, "usage__output_tokens": 7}
EVENTS: dict[str, tuple[list[Json], list[int]]] = {
    "of a call": ([batch(chat(1, None, 5, 7)), event(1, **COUNTED)], [7]),
    "of the agent above": (
        [batch(agent(1, None, 5, 7), chat(2, 1, 5, 7)), event(1, **COUNTED)],
        [7],
    ),
    "without any span": ([event(1, **COUNTED)], [7]),
    "of another kind": ([event(1, name="gen_ai.choice", **COUNTED)], []),
    "with a text only": ([event(1, operation__name="chat")], []),
}


@pytest.mark.parametrize("case", EVENTS)
def test_a_log_record_does_not_repeat_a_span(case: str) -> None:
    records, outputs = EVENTS[case]
    assert counts(usages(records)) == outputs == counts(usages(records[::-1]))


def test_spans_and_their_log_records_in_two_files_are_one_call() -> None:
    (from_span,) = usages([batch(chat(1, None, 5, 7))])
    (from_event,) = usages([event(1, **COUNTED)])
    assert from_span.call_id == from_event.call_id


FLAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.usage.input_tokens": 5,
    "gen_ai.usage.output_tokens": 7,
}
SHAPES: dict[str, Json] = {
    "copilot": {
        "type": "span",
        "traceId": TRACE,
        "spanId": "00f067aa0ba902b7",
        "startTime": [1_790_000_000, 0],
        "endTime": [1_790_000_002, 500_000_000],
        "attributes": FLAT,
        "status": {"code": 0},
    },
    "python": {
        "name": "chat",
        "context": {"trace_id": "0x" + TRACE, "span_id": "0x00f067aa0ba902b7"},
        "parent_id": None,
        "start_time": "2026-09-21T14:13:20.000000Z",
        "end_time": "2026-09-21T14:13:22.500000Z",
        "status": {"status_code": "UNSET"},
        "attributes": FLAT,
        "resource": {"attributes": {"service.name": "desk"}},
    },
    "phoenix": {
        "id": "U3Bhbjox",
        "name": "x",
        "context": {"trace_id": TRACE, "span_id": "00f067aa0ba902b7"},
        "span_kind": "LLM",
        "parent_id": "",
        "start_time": "2026-09-21T14:13:20+00:00",
        "end_time": "2026-09-21T14:13:22.500000+00:00",
        "status_code": "OK",
        "attributes": {"llm": {"token_count": {"prompt": 5, "completion": 7}}},
    },
    "snake case and base64": {
        "resource_spans": [
            {
                "scope_spans": [
                    {
                        "spans": [
                            {
                                "trace_id": base64.b64encode(bytes.fromhex(TRACE)).decode(),
                                "span_id": base64.b64encode(
                                    bytes.fromhex("00f067aa0ba902b7")
                                ).decode(),
                                "start_time_unix_nano": START,
                                "end_time_unix_nano": START + 2_500_000_000,
                                "attributes": [
                                    {"key": key, "value": {"int_value": value}}
                                    if isinstance(value, int)
                                    else {"key": key, "value": {"string_value": value}}
                                    for key, value in FLAT.items()
                                ],
                            }
                        ]
                    }
                ]
            }
        ]
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_a_span(shape: str) -> None:
    (usage,) = usages([SHAPES[shape]])
    assert usage.call_id == f"{TRACE}:00f067aa0ba902b7"
    assert (usage.started_at, usage.duration_ms) == (START // 1000, 2500)
    assert (usage.uncached_input_tokens, usage.output_tokens) == (5, 7)


@pytest.mark.parametrize("status", [{"code": 2}, {"code": "STATUS_CODE_ERROR"}])
def test_a_failed_call(status: Json) -> None:
    gen = {"operation.name": "chat"}
    failed = span(1, None, gen=gen, attributes={"error.type": "timeout"}, status=status)
    (usage,) = usages([batch(failed)])
    assert (usage.status, usage.error_type) == ("error", "timeout")


OTHERS: list[Json] = [
    {"traceId": "t", "attributes": {}},
    {"attributes": {"a": 1}, "id": 1},
    {"resourceSpans": "no"},
    {"type": "span"},
]


@pytest.mark.parametrize("record", OTHERS)
def test_other_records_are_left_alone(record: Json) -> None:
    assert not OpenTelemetry.matches(record)


def test_metrics_are_passed_over(tokman: Run, tmp_path: Path) -> None:
    log = tmp_path / "metrics.json"
    log.write_text(json.dumps({"resourceMetrics": [{"scopeMetrics": []}]}))
    result = tokman("ingest", log, "--ledger", "l")
    assert (result.code, "0 calls" in result.err) == (0, True)
    assert "nothing in what was read states what a model call used" in result.err


@pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not here")
def test_every_sample_is_read_and_holds_no_call(tokman: Run) -> None:
    paths = sorted((SHARED / "otlp").iterdir())
    result = tokman("ingest", *paths, "--ledger", "l")
    assert result.code == 0
    assert f"read {len(paths)} files ({len(paths)} otel) · 0 calls added" in result.err
