"""One conversation in every form that traces have it in is the same blocks, answer and counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.sources.gateways import test_langfuse as langfuse
from tests.sources.traces import test_otel as otel
from tests.sources.traces.test_otel import batch, span
from tokman.sources.base import Context
from tokman.sources.providers import blocks, openai_count
from tokman.sources.traces import spoken, texts
from tokman.usage import Usage

Json = dict[str, Any]
CONTEXT = Context("a.jsonl", b"k" * 32)
SYSTEM, ASKED, RESULT = "You are brief.", "What is the weather in Rome?", "Sunny, 24 degrees"
SAID = "It is sunny."
LOOKED: Json = {"name": "look", "arguments": {"city": "Rome"}}
TOOL = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {}}}

CHAT: list[Json] = [
    {"role": "system", "content": SYSTEM},
    {"role": "user", "content": ASKED},
    {"role": "assistant", "content": [], "tool_calls": [{"function": LOOKED}]},
    {"role": "tool", "content": RESULT},
]
GENAI: list[Json] = [
    {"role": "system", "parts": [{"type": "text", "content": SYSTEM}]},
    {"role": "user", "parts": [{"type": "text", "content": ASKED}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", **LOOKED}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": RESULT}]},
]
LANGCHAIN: list[Json] = [
    {"type": "system", "content": SYSTEM},
    {"type": "human", "content": ASKED},
    {
        "type": "ai",
        "content": "",
        "additional_kwargs": {
            "tool_calls": [{"function": {"name": "look", "arguments": '{"city":"Rome"}'}}]
        },
    },
    {"type": "tool", "content": RESULT},
]
SDK: list[Json] = [
    {"role": "system", "content": SYSTEM},
    {"role": "user", "content": [{"type": "text", "text": ASKED}]},
    {
        "role": "assistant",
        "content": [{"type": "tool-call", "toolName": "look", "input": LOOKED["arguments"]}],
    },
    {"role": "tool", "content": RESULT},
]
OPENINFERENCE = {
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": SYSTEM,
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.type": "text",
    "llm.input_messages.1.message.contents.0.message_content.text": ASKED,
    "llm.input_messages.2.message.role": "assistant",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "look",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments": '{"city": "Rome"}',
    "llm.input_messages.3.message.role": "tool",
    "llm.input_messages.3.message.content": RESULT,
}
OPENLLMETRY = {
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": SYSTEM,
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": ASKED,
    "gen_ai.prompt.2.role": "assistant",
    "gen_ai.prompt.2.tool_calls.0.name": "look",
    "gen_ai.prompt.2.tool_calls.0.arguments": '{"city": "Rome"}',
    "gen_ai.prompt.3.role": "tool",
    "gen_ai.prompt.3.content": RESULT,
}


def shape_of(asked: Any, answered: Any) -> Usage:
    usage = Usage(call_id="a")
    texts.fill(usage, CONTEXT, asked, answered, counted=True)
    return usage


def expected(messages: list[Json], said: str, **beside: Any) -> Usage:
    usage = Usage(call_id="a")
    response = {"choices": [{"message": {"role": "assistant", "content": said}}]}
    blocks.fill(usage, CONTEXT, {"messages": messages, **beside}, response, whole=False)
    return usage


@pytest.mark.parametrize(
    "asked",
    [
        *(CHAT, {"messages": CHAT}, json.dumps(CHAT), GENAI, LANGCHAIN, [LANGCHAIN], SDK),
        *({"messages": GENAI}, {"model": "m", "input": CHAT}, {"args": [CHAT], "kwargs": {}}),
        spoken.asked(spoken.put_together(OPENINFERENCE.items())),
        spoken.asked(spoken.put_together(reversed(OPENINFERENCE.items()))),
        spoken.asked(spoken.put_together(OPENLLMETRY.items())),
        spoken.asked({"gen_ai.input.messages": GENAI, "input.value": "something else"}),
        spoken.asked({"llm.input_messages": [{"message": message} for message in CHAT]}),
    ],
)
@pytest.mark.parametrize(
    "answered",
    [
        *(SAID, {"role": "assistant", "content": SAID}, [{"content": SAID}]),
        {"choices": [{"message": {"content": SAID}}]},
        [{"role": "assistant", "parts": [{"type": "text", "content": SAID}]}],
        {"generations": [[{"text": SAID}]]},
        {"type": "AIMessageChunk", "content": SAID, "usage_metadata": {"input_tokens": 9}},
        {"content": {"parts": [{"text": SAID}], "role": "model"}},
        {"object": "response", "output": [{"type": "message", "content": [{"text": SAID}]}]},
        json.dumps([{"role": "assistant", "content": [{"type": "text", "text": SAID}]}]),
        [{"parts": [{"type": "reasoning", "content": "Hm."}, {"type": "text", "content": SAID}]}],
        spoken.answered({"ai.response.text": SAID, "output.value": "something else"}),
        spoken.answered(spoken.put_together([("gen_ai.completion.0.content", SAID)])),
    ],
)
def test_every_form_is_the_same_call(asked: Any, answered: Any) -> None:
    assert shape_of(asked, answered) == expected(CHAT, SAID)


@pytest.mark.parametrize(
    "offered",
    [
        {"tools": [TOOL]},
        {"config": {"tools": [TOOL]}},
        spoken.asked({"gen_ai.input.messages": CHAT, "gen_ai.tool.definitions": [TOOL]}),
        spoken.asked(
            {"input.value": CHAT, "llm.tools": [{"tool": {"json_schema": json.dumps(TOOL)}}]}
        ),
    ],
)
def test_tools_are_told_apart_from_what_they_came_to(offered: Json) -> None:
    found = shape_of({"messages": CHAT} | offered, SAID)
    assert found == expected(CHAT, SAID, tools=[TOOL])
    assert (found.tools_offered, found.tool_blocks, found.turn) == (["look"], 1, "tool")
    assert found.tool_result_bytes == [len(json.dumps(RESULT))]


def test_tools_that_langchain_lists_among_the_messages() -> None:
    listed = [*CHAT, {"role": "tool", "content": TOOL}]
    assert shape_of(listed, SAID) == expected(CHAT, SAID, tools=[TOOL])


@pytest.mark.parametrize(
    "answered",
    [
        {"role": "assistant", "content": [{"type": "tool_use", "name": "look", "input": {}}]},
        [{"parts": [{"type": "tool_call", "name": "look", "arguments": {}}]}],
        {"content": "", "tool_calls": [{"name": "look", "args": {}}]},
        spoken.answered({"ai.response.toolCalls": '[{"toolName": "look", "input": {}}]'}),
        {"content": {"parts": [{"function_call": {"name": "look", "args": {}}}]}},
    ],
)
def test_a_tool_that_the_model_calls(answered: Any) -> None:
    found = shape_of(CHAT, answered)
    assert found.tool_names == ["look"]
    assert found.output_bytes == len('["look",{}]')


def test_a_trace_tells_no_hash_of_the_whole_request() -> None:
    found = shape_of({"messages": CHAT, "temperature": 0.5}, SAID)
    assert (found.request_hash, found.structured_output, found.temperature) == (None, None, None)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        *((None, SAID), ("", SAID), (CHAT, None), (CHAT, "")),
        (spoken.asked({}), spoken.answered({})),
        (spoken.put_together([("gen_ai.prompt." + "0." * 40 + "content", "x")]), None),
    ],
)
def test_no_text_no_shape(asked: Any, answered: Any) -> None:
    assert shape_of(asked, answered) == Usage(call_id="a")


@pytest.mark.parametrize(
    "hostile",
    [
        *([[[[]]]], {"messages": {"role": 1}}, [{"content": {"parts": 5}}], [None, 1, True]),
        *([{"function": "x"}], [{"tool_calls": "x", "role": []}], {"prompt": {"a": 1}}, 7, "{"),
        [{"message": {"message": {"message": {}}}}],
    ],
)
def test_nonsense_is_no_error(hostile: Any) -> None:
    shape_of(hostile, hostile)
    shape_of(CHAT, hostile)
    spoken.put_together([("llm.input_messages.0", hostile), ("llm.input_messages.0.a", hostile)])


UNCOUNTED: dict[str, Json] = {
    "langfuse": langfuse.seen("a", input=CHAT, output=SAID, usageDetails={}),
    "langfuse, zeros": langfuse.seen("a", input=CHAT, output=SAID, usageDetails={"input": 0}),
    "langfuse, blob": langfuse.snake(
        langfuse.seen("a", input=json.dumps(CHAT), output=SAID, usageDetails={})
    ),
    "genai": batch(
        span(
            *(1, None),
            gen={
                "operation.name": "chat",
                "request.model": "gpt-4o",
                "input.messages": json.dumps(GENAI),
                "output.messages": json.dumps([{"parts": [{"type": "text", "content": SAID}]}]),
            },
        )
    ),
    "openinference": batch(
        span(
            *(1, None),
            attributes={
                "openinference.span.kind": "LLM",
                "llm.model_name": "gpt-4o",
                "llm.output_messages.0.message.content": SAID,
                **OPENINFERENCE,
            },
        )
    ),
    "openllmetry": batch(
        span(
            *(1, None),
            attributes={
                "llm.request.type": "chat",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.completion.0.content": SAID,
                **OPENLLMETRY,
            },
        )
    ),
    "flat": {
        "type": "span",
        "traceId": otel.TRACE,
        "spanId": "00f067aa0ba902b7",
        "startTime": "2026-05-01T10:00:00Z",
        "attributes": {
            "gen_ai": {"operation": {"name": "chat"}, "request": {"model": "gpt-4o"}},
            "llm": {"input_messages": CHAT},
            "output.value": SAID,
        },
    },
}


@pytest.mark.parametrize("case", UNCOUNTED)
def test_a_call_without_counts_is_counted_by_its_texts(
    tokman: Run, tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_count, "count", lambda *given: None)
    (tmp_path / "a.jsonl").write_text(json.dumps(UNCOUNTED[case]) + "\n")
    assert tokman("ingest", "a.jsonl").code == 0
    [row] = json.loads(tokman("sql", "from charges", "-f", "json").out)
    shape = expected(CHAT, SAID)
    assert shape.block_sizes is not None
    assert row["input_tokens"] == round(sum(shape.block_sizes) / 3.7)
    assert row["output_tokens"] == round(len(SAID) / 3.7)
    assert (row["output_basis"], row["count_basis"]) == ("estimated", "bytes")
    assert row["list_cost"] > 0
    assert "1 call states no token counts, so tokman counted: 1 (" in (
        " ".join(tokman("report").out.split())
    )


def test_never_exactly_since_a_trace_may_leave_something_out(
    tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sure = openai_count.Counted(17, 5, exact=True)
    monkeypatch.setattr(openai_count, "count", lambda *given: sure)
    (tmp_path / "a.jsonl").write_text(json.dumps(UNCOUNTED["langfuse"]) + "\n")
    tokman("ingest", "a.jsonl")
    [row] = json.loads(tokman("sql", "from charges", "-f", "json").out)
    assert (row["input_tokens"], row["output_tokens"], row["count_basis"]) == (17, 5, "tiktoken")


def test_embeddings_have_no_answer(tokman: Run, tmp_path: Path) -> None:
    record = langfuse.seen("a", "EMBEDDING", model="embed-v4", input=["x" * 35], output=None)
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n")
    tokman("ingest", "a.jsonl")
    [row] = json.loads(tokman("sql", "from usage", "-f", "json").out)
    assert (row["uncached_input_tokens"], row["output_tokens"]) == (10, 0)
    assert row["output_basis"] == "estimated"


@pytest.mark.parametrize("more", [{"level": "ERROR"}, {"usageDetails": {"input": 3, "output": 1}}])
def test_what_is_not_estimated(tokman: Run, tmp_path: Path, more: Json) -> None:
    """A call that failed, and one whose counts are stated."""
    record = langfuse.seen("a", input=CHAT, output=SAID, **more)
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n")
    tokman("ingest", "a.jsonl")
    [row] = json.loads(tokman("sql", "from usage", "-f", "json").out)
    stated = more.get("usageDetails", {"input": 0, "output": 0})
    assert (row["uncached_input_tokens"], row["output_tokens"]) == tuple(stated.values())
    assert (row["output_basis"], row["count_basis"]) == ("final", "reported")


def test_counts_are_learned_from_the_traces_own_calls(tokman: Run, tmp_path: Path) -> None:
    """Twenty calls that state a token a byte teach the one that states none."""
    shape = expected(CHAT, SAID)
    assert shape.block_sizes is not None
    asked, answered = sum(shape.block_sizes), len(SAID)
    records = [
        langfuse.counted(f"c{n}", asked, answered, input=CHAT, output=SAID) for n in range(20)
    ]
    records.append(langfuse.seen("a", input=CHAT, output=SAID, usageDetails={}))
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)) + "\n")
    tokman("ingest", "a.jsonl")
    assert tokman("recount", "--yes").code == 0
    query = "from charges where call_id like '%:a'"
    [row] = json.loads(tokman("sql", query, "-f", "json").out)
    assert (row["input_tokens"], row["output_tokens"]) == (asked, answered)
    assert row["count_basis"] == "ratio"
