"""Tools in traces: what calls did with them is the same in every convention, and in a body."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.sources.gateways import test_langfuse as langfuse
from tests.sources.traces import test_otel as otel
from tests.sources.traces.test_otel import batch, span
from tokman.sources.providers.openai import OpenAI
from tokman.usage import Usage

Json = dict[str, Any]
COLUMNS: tuple[str, ...] = ("turn", "tool_call_hashes", "tool_names", "polls")
COLUMNS += ("tool_result_hashes", "tool_result_bytes", "tools_offered", "tools_offered_bytes")

ASKED, RESULTS, SAID = "Weather in Rome?", ("Sunny, 24 degrees", "No rain"), "It is sunny."
CALLS: list[tuple[str, Json]] = [("look", {"city": "Rome"}), ("wait", {"seconds": 3})]
OFFERED = {"type": "function", "function": {"name": "look", "description": "Looks."}}


def chat_calls() -> list[Json]:
    """The tools called, as OpenAI's chat has them."""
    return [
        {
            "id": f"call_{name}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(given)},
        }
        for name, given in CALLS
    ]


MODEL: Json = {"role": "assistant", "content": None, "tool_calls": chat_calls()}
CHAT: list[Json] = [
    {"role": "user", "content": ASKED},
    MODEL,
    *({"role": "tool", "tool_call_id": "c", "content": result} for result in RESULTS),
]


def body(messages: list[Json], answer: Json) -> Usage:
    """The call as OpenAI's own bodies tell it."""
    log = {
        "request": {"model": "gpt-4o", "messages": messages, "tools": [OFFERED]},
        "response": {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": "gpt-4o",
            "choices": [{"index": 0, "message": answer}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
        },
    }
    source = OpenAI(otel.CONTEXT)
    [row] = source.parse(msgspec.json.decode(json.dumps(log), type=source.record_type), 1)
    assert isinstance(row, Usage)
    return row


def told(row: Usage) -> Json:
    return {name: getattr(row, name) for name in COLUMNS}


EXPECTED = [
    told(body(CHAT[:1], MODEL)),
    told(body(CHAT, {"role": "assistant", "content": SAID})),
]


def genai(parts: list[Json], role: str = "assistant") -> Json:
    return {"role": role, "parts": parts}


GENAI_CALLS = genai([{"type": "tool_call", "id": n, "name": n, "arguments": a} for n, a in CALLS])
GENAI = [
    genai([{"type": "text", "content": ASKED}], "user"),
    GENAI_CALLS,
    genai(
        [
            {"type": "tool_call_response", "id": str(n), "response": r}
            for n, r in enumerate(RESULTS)
        ],
        "tool",
    ),
]
GENAI_SAID = genai([{"type": "text", "content": SAID}]) | {"finish_reason": "stop"}


PYDANTIC_AI = [
    GENAI[0],
    GENAI_CALLS,
    genai([{"type": "tool_call_response", "id": "c", "result": r} for r in RESULTS], "user"),
]
"""The results are of the user's role, under `result`."""

LANGCHAIN: list[Json] = [
    {"type": "human", "content": ASKED},
    {
        "type": "ai",
        "content": "",
        "tool_calls": [{"name": n, "args": a, "id": n, "type": "tool_call"} for n, a in CALLS],
    },
    *({"type": "tool", "content": r, "tool_call_id": "c", "status": "success"} for r in RESULTS),
]
SDK: list[Json] = [
    {"role": "user", "content": [{"type": "text", "text": ASKED}]},
    {
        "role": "assistant",
        "content": [
            {"type": "tool-call", "toolCallId": n, "toolName": n, "input": a} for n, a in CALLS
        ],
    },
    {
        "role": "tool",
        "content": [{"type": "tool-result", "toolName": "look", "output": r} for r in RESULTS],
    },
]
SDK_5 = [
    *SDK[:2],
    {
        "role": "tool",
        "content": [
            {"type": "tool-result", "toolName": "look", "output": {"type": "text", "value": r}}
            for r in RESULTS
        ],
    },
]


def dotted(prefix: str, messages: list[Json], call: str, inner: str) -> Json:
    """Messages as attributes of their own; `call` names a tool call's, `inner` a message's."""
    found: Json = {}
    for place, message in enumerate(messages):
        at = f"{prefix}.{place}{inner}"
        found[f"{at}.role"] = message["role"]
        if message.get("content"):
            found[f"{at}.content"] = message["content"]
        for number, made in enumerate(message.get("tool_calls", ())):
            for key, value in made["function"].items():
                found[f"{at}.tool_calls.{number}.{call}{key}"] = value
            found[f"{at}.tool_calls.{number}.{call.removesuffix('function.')}id"] = made["id"]
        if "tool_call_id" in message:
            found[f"{at}.tool_call_id"] = message["tool_call_id"]
    return found


def openinference(asked: list[Json], answer: Json) -> Json:
    shape = ("tool_call.function.", ".message")
    return {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o",
        "llm.token_count.prompt": 9,
        "llm.token_count.completion": 3,
        "llm.tools.0.tool.json_schema": json.dumps(OFFERED),
        **dotted("llm.input_messages", asked, *shape),
        **dotted("llm.output_messages", [answer], *shape),
    }


def openllmetry(asked: list[Json], answer: Json) -> Json:
    return {
        "llm.request.type": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 3,
        "llm.request.functions.0.name": "look",
        "llm.request.functions.0.description": "Looks.",
        **dotted("gen_ai.prompt", asked, "", ""),
        **dotted("gen_ai.completion", [answer], "", ""),
    }


def by_genai(asked: list[Json], answer: Json) -> Json:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps([answer]),
        "gen_ai.tool.definitions": json.dumps([OFFERED]),
    }


def nested(value: Any) -> Json:
    """A value in OTLP's own types, lists and objects too."""
    if isinstance(value, list):
        return {"arrayValue": {"values": [nested(each) for each in value]}}
    if isinstance(value, dict):
        pairs = [{"key": key, "value": nested(each)} for key, each in value.items()]
        return {"kvlistValue": {"values": pairs}}
    return otel.typed(value)


def structured(asked: list[Json], answer: Json) -> list[Json]:
    attributes = by_genai(asked, answer)
    for name in ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.definitions"):
        attributes[name] = json.loads(attributes[name])
    return [{"key": key, "value": nested(value)} for key, value in attributes.items()]


def vercel(asked: list[Json], answer: Json) -> Json:
    made = [
        {"toolCallId": call["id"], "toolName": name, "input": given}
        for call, (name, given) in zip(answer.get("tool_calls", ()), CALLS, strict=False)
    ]
    said = {"ai.response.toolCalls": json.dumps(made)} if made else {"ai.response.text": SAID}
    return {
        "ai.operationId": "ai.streamText.doStream",
        "ai.model.id": "gpt-4o",
        "ai.usage.promptTokens": 9,
        "ai.usage.completionTokens": 3,
        "ai.prompt.messages": json.dumps(asked),
        "ai.prompt.tools": [json.dumps(OFFERED)],
        **said,
    }


ANSWERED: Json = {"role": "assistant", "content": SAID}


def spans(*calls: Any) -> list[Json]:
    """A batch of spans with these attributes, one after the other."""
    made = []
    for number, attributes in enumerate(calls, 1):
        one = span(number, None, at=number)
        listed = isinstance(attributes, list)
        one["attributes"] = attributes if listed else otel.listed(attributes)
        made.append(one)
    return [batch(*made)]


FORMS: dict[str, list[Json]] = {
    "genai": spans(by_genai(GENAI[:1], GENAI_CALLS), by_genai(GENAI, GENAI_SAID)),
    "genai, structured": spans(structured(GENAI[:1], GENAI_CALLS), structured(GENAI, GENAI_SAID)),
    "pydantic-ai": spans(by_genai(GENAI[:1], GENAI_CALLS), by_genai(PYDANTIC_AI, GENAI_SAID)),
    "openinference": spans(openinference(CHAT[:1], MODEL), openinference(CHAT, ANSWERED)),
    "openllmetry": spans(openllmetry(CHAT[:1], MODEL), openllmetry(CHAT, ANSWERED)),
    "vercel": spans(vercel(SDK[:1], MODEL), vercel(SDK, ANSWERED)),
    "vercel, version 5": spans(vercel(SDK[:1], MODEL), vercel(SDK_5, ANSWERED)),
}


def observed(asked: Any, answer: Any, number: int) -> Json:
    given = {"messages": asked, "tools": [OFFERED]}
    moment = f"2026-05-01T10:00:0{number}.000Z"
    return langfuse.counted(
        f"c{number}", 9, 3, input=given, output=answer, startTime=moment, endTime=moment
    )


OBSERVED: dict[str, list[Json]] = {
    "the SDK's": [observed(CHAT[:1], MODEL, 1), observed(CHAT, ANSWERED, 2)],
    "langchain": [observed(LANGCHAIN[:1], LANGCHAIN[1], 1), observed(LANGCHAIN, ANSWERED, 2)],
    "a provider's answer": [
        observed(CHAT[:1], {"choices": [{"message": MODEL}]}, 1),
        observed(CHAT, {"choices": [{"message": ANSWERED}]}, 2),
    ],
    "opentelemetry's": [observed(GENAI[:1], [GENAI_CALLS], 1), observed(GENAI, [GENAI_SAID], 2)],
    "texts": [
        observed(json.dumps(CHAT[:1]), json.dumps(MODEL), 1),
        observed(json.dumps(CHAT), SAID, 2),
    ],
}
OBSERVED["blob"] = [
    langfuse.snake(row | {"input": json.dumps(row["input"]), "output": json.dumps(row["output"])})
    for row in OBSERVED["the SDK's"]
]
BESIDE = ("tools_offered", "tools_offered_bytes")
"""What a form may write otherwise: OpenLLMetry has a tool without its `type`."""


def ordered(rows: list[Usage]) -> list[Usage]:
    return sorted(rows, key=lambda row: row.started_at or 0)


def test_what_is_expected() -> None:
    asked, answered = EXPECTED
    assert (asked["turn"], asked["tool_names"], asked["polls"]) == ("user", ["look", "wait"], False)
    assert (answered["turn"], answered["tool_names"]) == ("tool", None)
    assert answered["tool_result_bytes"] == [len(json.dumps(result)) for result in RESULTS]
    assert len(set(asked["tool_call_hashes"] + answered["tool_result_hashes"])) == 4


@pytest.mark.parametrize("form", FORMS)
def test_spans_tell_the_tools_of_the_same_body(form: str) -> None:
    found = [told(row) for row in ordered(otel.usages(FORMS[form]))]
    if form == "openllmetry":
        assert [row["tools_offered"] for row in found] == [["look"], ["look"]]
        found = [row | {name: EXPECTED[0][name] for name in BESIDE} for row in found]
    assert found == EXPECTED


@pytest.mark.parametrize("form", OBSERVED)
def test_observations_tell_the_tools_of_the_same_body(form: str) -> None:
    expected = EXPECTED
    if form == "texts":
        expected = [told | dict.fromkeys(BESIDE) for told in EXPECTED]
        rows = langfuse.usages(
            row | {"input": row["input"]["messages"]} for row in OBSERVED["texts"]
        )
    else:
        rows = langfuse.usages(OBSERVED[form])
    assert [told(row) for row in ordered(rows)] == expected


FAILED: dict[str, tuple[Json, int | None]] = {
    # name: (the last message of a request, how many of its results say that the tool failed)
    "langchain's error": ({"type": "tool", "content": "no", "status": "error"}, 1),
    "langchain's success": ({"type": "tool", "content": "no", "status": "success"}, 0),
    "the AI SDK's error": (
        {
            "role": "tool",
            "content": [{"type": "tool-result", "result": "no", "isError": True}],
        },
        1,
    ),
    "its error since version 5": (
        {
            "role": "tool",
            "content": [{"type": "tool-result", "output": {"type": "error-text", "value": "no"}}],
        },
        1,
    ),
    "anthropic's error": (
        {"role": "user", "content": [{"type": "tool_result", "content": "no", "is_error": True}]},
        1,
    ),
    "a convention that does not say": (
        genai([{"type": "tool_call_response", "id": "c", "response": "no"}], "tool"),
        None,
    ),
    "openai's, which does not say": ({"role": "tool", "content": "no"}, None),
}


@pytest.mark.parametrize("name", FAILED)
def test_whether_a_tool_failed(name: str) -> None:
    message, errors = FAILED[name]
    spanned = otel.usages(spans(by_genai([*CHAT[:2], message], GENAI_SAID)))
    seen = langfuse.usages([observed([*CHAT[:2], message], ANSWERED, 1)])
    for [row] in (spanned, seen):
        assert (row.tool_errors, row.tool_result_bytes) == (errors, [len('"no"')])
