"""Gemini CLI sessions: a message counts once, whatever is rewritten, rewound or compressed."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.conftest import SHARED
from tokman.sources import claimants
from tokman.sources.agents.gemini_cli import GeminiCLI
from tokman.sources.base import Context, Refused
from tokman.usage import Usage

HEAD = {"sessionId": "s-1", "projectHash": "ab" * 32, "startTime": "2026-01-10T02:00:00Z"}
PATH = "/home/dev/.gemini/tmp/web-shop/chats/session-2026-01-10T02-00-s1.jsonl"


def tokens(
    input: int, output: int = 0, cached: int = 0, thoughts: int = 0, tool: int = 0
) -> dict[str, int]:
    counts = {"input": input, "output": output, "cached": cached, "thoughts": thoughts}
    return counts | {"tool": tool, "total": input + output + thoughts + tool}


def said(
    identity: str = "m-1", counts: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    message = {"id": identity, "timestamp": "2026-01-10T02:00:01.5Z", "type": "gemini"}
    return {**message, "content": "x", "model": "gemini-2.5-flash", "tokens": counts, **more}


def read(
    *records: dict[str, Any], path: str = PATH, source: GeminiCLI | None = None
) -> list[Usage]:
    source = source or GeminiCLI(Context(path, b"k"))
    decoder = msgspec.json.Decoder(GeminiCLI.record_type)
    found: list[Usage] = []
    for number, record in enumerate(records, 1):
        rows = source.parse(decoder.decode(json.dumps(record)), number)
        found += [row for row in rows if isinstance(row, Usage)]
    return found


def test_the_whole_row() -> None:
    [row] = read(HEAD, said(counts=tokens(12207, 105, 2558, 153, 40)))
    assert row.call_id == "gemini-cli:s-1:m-1"
    assert (row.provider_name, row.request_model) == ("gcp.gemini", "gemini-2.5-flash")
    assert (row.uncached_input_tokens, row.cache_read_input_tokens) == (9649 + 40, 2558)
    assert (row.output_tokens, row.reasoning_output_tokens) == (258, 153)
    assert row.started_at == 1_768_010_401_500_000
    assert (row.conversation_id, row.agent_name, row.line) == ("s-1", None, 2)
    assert (row.project, row.workflow, row.workflow_basis) == ("web-shop", "web-shop", "default")


ONE, TWO = said("m-1", tokens(10)), said("m-2", tokens(20))
CASES: dict[str, tuple[list[dict[str, Any]], list[int]]] = {
    # name: (lines after the head, input tokens of each call)
    "a message written anew with its tool calls": ([ONE, ONE | {"toolCalls": []}], [10]),
    "tokens that come with a later writing": ([said("m-1", None), ONE], [10]),
    "a message without tokens": ([said("m-1", None)], []),
    "rewound messages were spent": (
        [ONE, TWO, {"$rewindTo": "m-1"}, said("m-3", tokens(7))],
        [10, 20, 7],
    ),
    "a changed head": ([{"$set": {"lastUpdated": "x", "summary": "y"}}, ONE], [10]),
    "a compressed history repeats them": ([ONE, {"$set": {"messages": [ONE, TWO]}}], [10, 20]),
    "questions, errors and notices": (
        [
            {"id": "u", "timestamp": "t", "type": kind, "content": "x"}
            for kind in ("user", "info", "error", "warning")
        ],
        [],
    ),
    "no total stated": ([said("m-1", tokens(10) | {"total": 0})], [10]),
    "older counts without thoughts and tool": (
        [said("m-1", {"input": 10, "output": 2, "cached": 4, "total": 12})],
        [6],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_calls(name: str) -> None:
    lines, inputs = CASES[name]
    assert [row.uncached_input_tokens for row in read(HEAD, *lines)] == inputs


def test_a_document_is_the_same_calls_as_its_lines() -> None:
    lines = read(HEAD, ONE, TWO)
    document = read(HEAD | {"messages": [ONE, TWO]})
    assert [row.call_id for row in document] == [row.call_id for row in lines]


def test_a_resumed_file_knows_its_session() -> None:
    first = GeminiCLI(Context(PATH, b"k"))
    [before] = read(HEAD | {"kind": "subagent"}, ONE, source=first)
    second = GeminiCLI(Context(PATH, b"k"))
    second.resume(first.state())
    again, after = read(ONE, TWO, source=second)
    assert again.call_id == before.call_id, "the ledger keeps one of them"
    assert (after.call_id, after.agent_name) == ("gemini-cli:s-1:m-2", "subagent")


PLACES = {
    # path, head: (project, workflow)
    "a folder by name": (PATH, {}, ("web-shop", "web-shop")),
    "a folder by hash": (f"/h/.gemini/tmp/{'c' * 64}/chats/s.json", {}, ("ab" * 6, None)),
    "a folder in the head": (PATH, {"directories": ["C:\\dev\\api"]}, ("api", "api")),
    "a lone file": ("session.json", {}, ("ab" * 6, None)),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_it_was_for(name: str) -> None:
    path, head, expected = PLACES[name]
    [row] = read(HEAD | head, ONE, path=path)
    assert (row.project, row.workflow) == expected


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a total that is not the sum": (said("m-1", tokens(10) | {"total": 11}), "not the sum"),
    "cached beyond the input": (said("m-1", tokens(10, cached=11)), "exceed"),
    "a negative count": (said("m-1", tokens(10) | {"output": -1}), "output"),
    "no time": (said("m-1", tokens(10), timestamp=None), "timestamp"),
    "no id": (said("m-1", tokens(10)) | {"id": None}, "without an id"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    record, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        read(HEAD, record)


def test_a_bad_message_does_not_hide_the_others_of_its_document() -> None:
    bad = said("m-9", {**tokens(10), "input": "ten"})
    document = json.dumps(HEAD | {"messages": [ONE, bad, TWO]})
    record = msgspec.json.decode(document, type=GeminiCLI.record_type)
    one, refused, two = GeminiCLI(Context(PATH, b"k")).parse(record, 1)
    assert isinstance(refused, Refused)
    assert refused.reason.startswith("message 2 of 3: Expected `int`")
    assert isinstance(one, Usage) and isinstance(two, Usage)
    assert one.uncached_input_tokens + two.uncached_input_tokens == 30


FOREIGN: dict[str, dict[str, Any]] = {
    "a question of a transcript": {"type": "user", "sessionId": "s", "message": {}},
    "another's session": {"sessionId": "s", "messages": []},
    "a Gemini response": {"candidates": [], "modelVersion": "gemini-2.5-flash"},
    "a prompt history": {"sessionId": "s", "messageId": 0, "type": "user", "message": "x"},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_left_to_others(name: str) -> None:
    assert not GeminiCLI.matches(FOREIGN[name])


@pytest.mark.parametrize("record", [HEAD, ONE, {"$rewindTo": "m"}, {"$set": {"summary": "x"}}])
def test_claimed_by_it_alone(record: dict[str, Any]) -> None:
    assert claimants(record) == [GeminiCLI]


SAMPLES = SHARED / "gemini_cli"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"{SAMPLES} is not there")
def test_every_real_session_is_read_without_a_reject() -> None:
    calls = set()
    for path in sorted(SAMPLES.glob("*.json")):
        for row in read(json.loads(path.read_bytes()), path=path.name):
            calls.add(row.call_id)
    assert len(calls) == 17


def ran(name: str, answer: Any, status: str = "success", **more: Any) -> dict[str, Any]:
    """A call of a tool as the message of the model lists it."""
    result = [{"functionResponse": {"id": f"{name}-1", "name": name, "response": answer}}]
    return {"id": f"{name}-1", "name": name, "args": {"of": name}, "result": result} | {
        "status": status,
        **more,
    }


ASKED = {"id": "u-1", "type": "user", "timestamp": "2026-01-10T02:00:00Z", "content": "x"}
DID = [
    ASKED,
    said("m-1", tokens(10)) | {"toolCalls": [ran("read_file", {"output": "abc"})]},
    said("m-2", tokens(20))
    | {"toolCalls": [ran("shell", {"error": "no"}, "error"), ran("wait", {"output": ""})]},
    said("m-3", tokens(30)),
    ASKED | {"id": "u-2"},
    said("m-4", tokens(40)),
]


def last(rows: list[Usage]) -> list[Usage]:
    """The last sighting of each call: the ledger keeps what all of them say."""
    return list({row.call_id: row for row in rows}.values())


def test_tools_by_name_hash_and_size() -> None:
    one, two, three, four = read(HEAD | {"messages": DID})
    assert [row.turn for row in (one, two, three, four)] == ["user", "tool", "tool", "user"]
    assert [row.tool_names for row in (one, two, three)] == [["read_file"], ["shell", "wait"], None]
    assert [row.polls for row in (one, two)] == [False, False]
    assert (one.tool_result_hashes, four.tool_result_hashes) == (None, None)
    assert two.tool_result_bytes == [len('{"output":"abc"}')] and two.tool_errors == 0
    assert three.tool_result_bytes and three.tool_errors == 1
    assert two.tool_call_hashes and len(set(two.tool_call_hashes)) == 2
    assert "abc" not in repr(two)


def test_lines_written_anew_tell_the_same_of_tools() -> None:
    """A message comes first without its tools, then with them running, then over."""
    document = read(HEAD | {"messages": DID})
    lines: list[dict[str, Any]] = [HEAD]
    for message in DID:
        if tools := message.get("toolCalls"):
            lines += [
                {key: value for key, value in message.items() if key != "toolCalls"},
                message | {"toolCalls": [tool | {"status": "executing"} for tool in tools]},
            ]
        lines.append(message)
    lines.append({"$set": {"messages": DID}})
    told = [
        (row.call_id, row.turn, row.tool_call_hashes, row.tool_result_hashes, row.tool_errors)
        for row in document
    ]
    for cut in range(1, len(lines)):
        before = GeminiCLI(Context(PATH, b"k"))
        rows = read(*lines[:cut], source=before)
        after = GeminiCLI(Context(PATH, b"k"))
        after.resume(before.state())
        rows += read(*lines[cut:-1], source=after)
        assert told == [
            (row.call_id, row.turn, row.tool_call_hashes, row.tool_result_hashes, row.tool_errors)
            for row in last(rows)
        ], cut
        assert all(row.tool_call_hashes is None for row in read(lines[-1], source=after))


@pytest.mark.parametrize("odd", [5, "x", None, {}, [5, None, []], [{"name": 5}], [{"name": "a"}]])
def test_odd_tools_cost_no_message_its_row(odd: Any) -> None:
    rows = read(HEAD, ONE | {"toolCalls": odd}, TWO)
    assert [row.uncached_input_tokens for row in rows] == [10, 20]
    assert rows[1].tool_result_hashes is None


def test_a_result_that_is_not_there_leaves_the_results_out() -> None:
    lacking = [ran("a", {"output": "x"}), ran("b", {}, result="gone")]
    rows = read(HEAD, ONE | {"toolCalls": lacking}, TWO)
    assert (rows[1].turn, rows[1].tool_result_hashes) == ("tool", None)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"{SAMPLES} is not there")
def test_real_sessions_have_tools() -> None:
    for path in sorted(SAMPLES.glob("*.json")):
        record = json.loads(path.read_bytes())
        done = [m for m in record["messages"] if m["type"] == "gemini" and m.get("tokens")]
        rows = read(record, path=path.name)
        listed = [[tool["name"] for tool in m.get("toolCalls") or ()] for m in done]
        assert [row.tool_names or [] for row in rows] == listed
