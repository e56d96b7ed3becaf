"""What a body tells of tools, turns and the prompt's parts, in every provider's shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tokman.sources.base import Context
from tokman.sources.providers import blocks, converse_body
from tokman.usage import Usage

CONTEXT = Context("log.jsonl", b"key")
Body = dict[str, Any]


def filled(request: Body | None, response: Any = None, context: Context = CONTEXT) -> Usage:
    usage = Usage(call_id="c")
    blocks.fill(usage, context, request, response)
    return usage


def chat(*messages: Body, **more: Any) -> Body:
    return {"model": "m", "messages": list(messages), **more}


USER = {"role": "user", "content": "find it"}
SYSTEM = {"role": "system", "content": "be brief"}
CALLED = {"role": "assistant", "tool_calls": [{"function": {"name": "look", "arguments": "{}"}}]}
TWO = {
    "openai chat": chat(
        *(SYSTEM, USER, {"role": "tool", "content": "before"}, CALLED),
        {"role": "tool", "tool_call_id": "1", "content": "one"},
        {"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "two"}]},
    ),
    "openai responses": {
        "input": [
            USER,
            {"type": "reasoning", "summary": []},
            {"type": "function_call", "name": "look", "arguments": "{}", "call_id": "1"},
            {"type": "custom_tool_call", "name": "run", "input": "x", "call_id": "2"},
            {"type": "function_call_output", "call_id": "1", "output": "one"},
            {"type": "custom_tool_call_output", "call_id": "2", "output": "two"},
        ]
    },
    "openai responses, continued": {
        "previous_response_id": "resp_1",
        "input": [
            {"type": "function_call_output", "call_id": "1", "output": "one"},
            {"type": "function_call_output", "call_id": "2", "output": "two"},
        ],
    },
    "anthropic": chat(
        USER,
        {"role": "assistant", "content": [{"type": "tool_use", "name": "look", "input": {}}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "1", "content": "one"},
                {
                    "type": "tool_result",
                    "tool_use_id": "2",
                    "is_error": True,
                    "content": [{"type": "text", "text": "two", "cache_control": {}}],
                },
                {"type": "text", "text": "a reminder of the program"},
            ],
        },
        {"role": "assistant", "content": "{"},
    ),
    "the AI SDK": chat(
        *(USER, CALLED),
        {
            "role": "tool",
            "content": [
                {"type": "tool-result", "toolName": "look", "result": "one"},
                {"type": "tool-result", "toolName": "look", "result": "two", "isError": True},
            ],
        },
    ),
}


@pytest.mark.parametrize("name", TWO)
def test_results_of_tools_that_a_call_is_the_first_to_be_given(name: str) -> None:
    usage, alike = filled(TWO[name]), filled(TWO["openai chat"])
    assert usage.turn == "tool"
    assert usage.tool_result_hashes == alike.tool_result_hashes, "whoever's shape they have"
    assert len(set(usage.tool_result_hashes or ())) == 2
    assert usage.tool_result_bytes == [5, 5]
    told = {"anthropic": 1, "the AI SDK": 1}
    assert usage.tool_errors == told.get(name), "None where the shape has no place for it"


def google(*responses: Body) -> Body:
    parts = [{"functionResponse": {"name": "look", "response": each}} for each in responses]
    asked = {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}}}]}
    return {"contents": [{"parts": [{"text": "hi"}]}, asked, {"role": "user", "parts": parts}]}


def bedrock(*statuses: str) -> Body:
    parts = [
        {"toolResult": {"toolUseId": str(n), "content": [{"json": {"n": n}}], "status": status}}
        for n, status in enumerate(statuses)
    ]
    asked = {"role": "assistant", "content": [{"toolUse": {"name": "look", "input": {}}}]}
    request = {"messages": [USER, asked, {"role": "user", "content": parts}]}
    return converse_body.plain_request(request)


def shell(*codes: int) -> Body:
    return {
        "input": [
            {
                "type": "shell_call_output",
                "output": [{"stdout": "", "outcome": {"type": "exit", "exit_code": code}}],
            }
            for code in codes
        ]
    }


@pytest.mark.parametrize(
    ("request_", "errors"),
    [
        (google({"output": "x"}, {"error": "no such file"}), 1),
        (google({"output": "x"}), 0),
        (bedrock("error", "success", "error"), 2),
        (shell(0, 2), 1),
        ({"input": [{"type": "apply_patch_call_output", "status": "failed"}]}, 1),
        (chat({"role": "tool", "status": "error", "content": "x"}), 1),
    ],
)
def test_failed_tools(request_: Body, errors: int) -> None:
    usage = filled(request_)
    assert (usage.turn, usage.tool_errors) == ("tool", errors)


TURNS: list[tuple[Body, str | None]] = [
    (chat(USER), "user"),
    ({"input": "hello"}, "user"),
    ({"prompt": "hello"}, "user"),
    ({"contents": [{"parts": [{"text": "hi"}]}]}, "user"),
    (chat(USER, CALLED, {"role": "tool", "content": "x"}, USER), "user"),
    (chat(USER, CALLED, {"role": "tool", "content": "x"}, SYSTEM), "tool"),
    (chat(USER, {"role": "assistant", "content": "{"}), "user"),
    (chat(SYSTEM), None),
    (chat(), None),
    ({"input": 7}, "user"),
    ({"messages": [None, 3]}, "user"),
]


@pytest.mark.parametrize(("request_", "turn"), TURNS)
def test_who_spoke_last(request_: Body, turn: str | None) -> None:
    assert filled(request_).turn == turn


ANSWERS: dict[str, Body] = {
    "chat": {
        "choices": [
            {
                "message": {
                    "tool_calls": [
                        {"function": {"name": "look", "arguments": '{"a": 1, "b": [2]}'}},
                        {"function": {"name": "wait", "arguments": "{}"}},
                    ]
                }
            }
        ]
    },
    "anthropic": {
        "content": [
            {"type": "tool_use", "name": "look", "input": {"b": [2], "a": 1}},
            {"type": "tool_use", "name": "wait", "input": {}},
        ]
    },
    "responses": {
        "output": [
            {"type": "function_call", "name": "look", "arguments": '{"b":[2],"a":1}'},
            {"type": "function_call", "name": "wait", "arguments": "{}"},
        ]
    },
    "gemini": {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"functionCall": {"name": "look", "args": {"a": 1, "b": [2]}}},
                        {"functionCall": {"name": "wait", "args": {}}},
                    ]
                }
            }
        ]
    },
    "converse": converse_body.plain_answer(
        {
            "output": {
                "message": {
                    "content": [
                        {"toolUse": {"name": "look", "input": {"a": 1, "b": [2]}}},
                        {"toolUse": {"name": "wait", "input": {}}},
                    ]
                }
            }
        }
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_same_calls_of_tools_in_every_shape(name: str) -> None:
    usage = filled(None, ANSWERS[name])
    assert usage.tool_call_hashes == filled(None, ANSWERS["chat"]).tool_call_hashes
    assert usage.tool_names == ["look", "wait"]
    assert usage.polls is False, "one of them does more than wait"


def test_calls_that_all_wait() -> None:
    content = [{"type": "tool_use", "name": "Bash", "input": {"command": "sleep 9"}}]
    assert filled(None, {"content": content}).polls is True
    assert filled(None, {"content": [{"type": "text", "text": "sleep"}]}).polls is None


@pytest.mark.parametrize("written", ["ignore that and look", "", "x" * 129, "look\n", "näher"])
def test_what_is_no_name_is_not_kept(written: str) -> None:
    calls = [{"type": "tool_use", "name": n, "input": {}} for n in (written, "look")]
    usage = filled(None, {"content": calls})
    assert usage.tool_names == [None, "look"]
    assert len(usage.tool_call_hashes or ()) == 2
    usage = filled(chat(USER, tools=[{"name": written or " ", "input_schema": {}}]))
    assert usage.tools_offered == [None]


def test_openais_own_tools_are_named_by_their_kind() -> None:
    output = [
        {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin Patch"},
        {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"]}},
        {"type": "local_shell_call", "action": {"type": "exec", "command": ["pwd"]}},
        {"type": "web_search_call", "action": {"type": "search"}},
    ]
    usage = filled(None, {"output": output})
    assert usage.tool_names == ["apply_patch", "local_shell", "local_shell"]
    assert len(set(usage.tool_call_hashes or ())) == 3


DESCRIBED = {"description": "d", "parameters": {"type": "object"}}
OFFERS: dict[str, Callable[[list[str]], Body]] = {
    "chat": lambda names: {
        "tools": [{"type": "function", "function": {"name": n, **DESCRIBED}} for n in names]
    },
    "responses": lambda names: {
        "tools": [{"type": "function", "name": n, **DESCRIBED} for n in names]
    },
    "anthropic": lambda names: {"tools": [{"name": n, "input_schema": {}} for n in names]},
    "gemini": lambda names: {
        "tools": [{"functionDeclarations": [{"name": n, **DESCRIBED} for n in names]}]
    },
    "converse": lambda names: converse_body.plain_request(
        {"toolConfig": {"tools": [{"toolSpec": {"name": n, "inputSchema": {}}} for n in names]}}
    ),
    "functions of 2023": lambda names: {"functions": [{"name": n, **DESCRIBED} for n in names]},
}


@pytest.mark.parametrize("name", OFFERS)
def test_tools_offered_in_every_shape(name: str) -> None:
    make = OFFERS[name]
    one, other, more = (
        filled(make(names)) for names in (["look", "edit"], ["edit", "look"], ["look", "run"])
    )
    assert one.tools_offered == ["look", "edit"]
    assert one.tools_hash == other.tools_hash, "whatever their order"
    assert one.block_hashes != other.block_hashes
    assert one.tools_hash != more.tools_hash
    assert one.tool_blocks == (1 if name == "gemini" else 2)
    size = sum(one.tools_offered_bytes or ())
    assert size <= sum(one.block_sizes or ()) < size + 40


def test_tools_without_a_name_of_their_own() -> None:
    tools: list[Any] = [{"type": "web_search_20250305", "name": "web_search"}]
    tools += [{"type": "file_search"}, {"googleSearch": {}}, {"description": "?", "x": 1}, "what"]
    offered = filled({"tools": tools}).tools_offered
    assert offered == ["web_search", "file_search", "googleSearch", None, None]


PARTS: list[tuple[Body, int, int, int]] = [
    (chat(SYSTEM, {"role": "developer", "content": "x"}, USER, SYSTEM), 0, 2, 4),
    (chat(USER, system=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), 0, 2, 3),
    (chat(USER, tools=[{"name": "a"}, {"name": "b"}], system="s"), 2, 1, 4),
    ({"instructions": "s", "input": "hi", "tools": [{"type": "web_search"}]}, 1, 1, 3),
    ({"systemInstruction": {"parts": [{"text": "s"}]}, "contents": [{"parts": []}]}, 0, 1, 2),
    (chat(USER), 0, 0, 1),
]


@pytest.mark.parametrize(("request_", "tools", "system", "whole"), PARTS)
def test_tools_come_first_then_the_system_prompt(
    request_: Body, tools: int, system: int, whole: int
) -> None:
    usage = filled(request_)
    assert (usage.tool_blocks, usage.system_blocks) == (tools, system)
    assert len(usage.block_hashes or ()) == len(usage.block_sizes or ()) == whole
    assert (usage.steady_hash is None) == (tools + system == 0)


SAME = [
    ("Today is 2026-11-24, 09:15:02", "Today is 2025-01-02, 23:59:59"),
    ("at 2026-11-24T09:15:02.123456+01:00", "at 2026-11-25T10:15:02Z"),
    ("Tuesday, November 24, 2026", "Thursday, December 3rd, 2026"),
    ("24 Nov 2026 3:07 pm", "1 Dec 2026 11:30 AM"),
    ("11/24/2026", "1/2/2026"),
    ("id 0b9698af-666e-4195-9db7-400b521ee53e", "id 11111111-2222-3333-4444-555555555555"),
    ("req_011CXgfirUPcodgvmcf9Ww8m", "req_9aBcDeFgHiJkLmNoPqRsTuVw"),
    ("request msg_01AbCdEf23", "request msg_99ZzYyXx88"),
    ("epoch 1767225600.123", "epoch 1767999999"),
    ("trace 4bf92f3577b34da6a3ce929d0e0e4736", "trace 00000000000000000000000000000001"),
    ("01JADMCQQQBWH3NXZ5GCRN98DP", "01JZZZZZZZBWH3NXZ5GCRN98DP"),
]
OTHER = [
    ("be brief", "be thorough"),
    ("use session_manager", "use connection_pool"),
    ("at most 100 words", "at most 200 words"),
    ("version 3", "version 4"),
    ("the user is Ann", "the user is Bob"),
    ("deadbeefdeadbeef", "facefeedfacefeed"),
]


def system(text: str) -> int | None:
    return filled(chat(SYSTEM | {"content": f"You help. {text} Be kind."}, USER)).steady_hash


@pytest.mark.parametrize(("one", "other"), SAME)
def test_dates_times_and_ids_do_not_move_the_steady_hash(one: str, other: str) -> None:
    assert system(one) == system(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_moves_the_steady_hash(one: str, other: str) -> None:
    assert system(one) != system(other)


def test_what_follows_the_system_prompt_does_not_move_the_steady_hash() -> None:
    one, other = chat(SYSTEM, USER), chat(SYSTEM, USER | {"content": "something else"})
    assert filled(one).steady_hash == filled(other).steady_hash
    assert filled(one | {"tools": [{"name": "a"}]}).steady_hash != filled(one).steady_hash


@pytest.mark.parametrize(
    ("request_", "choices", "most"),
    [
        ({"n": 3, "max_tokens": 50}, 3, 50),
        ({"n": 1, "max_completion_tokens": 60}, None, 60),
        ({"max_output_tokens": 70}, None, 70),
        ({"generationConfig": {"candidateCount": 2, "maxOutputTokens": 80}}, 2, 80),
        ({"config": {"candidate_count": 4, "max_output_tokens": 90}}, 4, 90),
        (converse_body.plain_request({"inferenceConfig": {"maxTokens": 9}}), None, 9),
        ({"n": "3", "max_tokens": True}, None, None),
        ({"n": -1, "max_tokens": 0}, None, None),
        ({"max_tokens": 10**30}, None, None),
    ],
)
def test_choices_and_the_limit_of_the_answer(
    request_: Body, choices: int | None, most: int | None
) -> None:
    usage = filled(request_)
    assert (usage.choices, usage.max_output_tokens) == (choices, most)


def test_what_a_gateway_cut_has_no_hash() -> None:
    cut = "start (litellm_truncated 9000 chars) end"
    usage = filled(chat(USER, CALLED, {"role": "tool", "content": cut}))
    assert (usage.turn, usage.tool_result_hashes, usage.block_hashes) == ("tool", None, None)
    content = [{"type": "tool_use", "name": "write", "input": {"text": cut}}]
    assert filled(None, {"content": content}).tool_call_hashes is None


def test_an_image_weighs_what_every_image_does() -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "A" * 90_000}}
    content = [{"type": "tool_result", "content": [image, {"type": "text", "text": "x"}]}]
    usage = filled(chat({"role": "user", "content": content}))
    assert usage.tool_result_bytes == [4003]


def test_the_hashes_of_another_ledger_are_others() -> None:
    theirs = Context("log.jsonl", b"another key")
    for name in ("steady_hash", "tools_hash", "tool_result_hashes"):
        request = TWO["anthropic"] | {"tools": [{"name": "look"}], "system": "s"}
        mine = getattr(filled(request), name)
        assert mine and mine != getattr(filled(request, context=theirs), name)


def test_hostile_shapes_are_passed_over() -> None:
    odds: list[Any] = [3, "x", [[]], [None], {"a": {}}]
    odds += [[{"content": [[{}]]}], [{"content": {"a": 1}}]]
    for odd in odds:
        for key in ("messages", "input", "contents", "tools", "functions", "system"):
            filled({key: odd}, {"content": odd, "output": odd, "choices": odd})


def test_a_long_text_is_told_apart_in_its_middle() -> None:
    texts = ["a" * 5000 + letter + "b" * 5000 for letter in "xy"]
    one, other = (filled(chat({"role": "tool", "content": text})) for text in texts)
    assert one.tool_result_hashes != other.tool_result_hashes
    one, other = (
        filled(None, {"content": [{"type": "tool_use", "name": "w", "input": {"t": text}}]})
        for text in texts
    )
    assert one.tool_call_hashes != other.tool_call_hashes
    assert json.dumps(texts[0]) not in repr(one)
