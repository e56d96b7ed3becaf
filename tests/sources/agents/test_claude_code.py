"""Claude Code transcripts: one call a message, at its fullest count."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tokman.sources.agents.claude_code import ClaudeCode, Line
from tokman.sources.base import Context
from tokman.usage import Usage


def usage(output: int = 10, **more: Any) -> dict[str, Any]:
    return {"input_tokens": 3, "output_tokens": output, "cache_read_input_tokens": 100} | more


def said(
    identity: str | None = "msg_1",
    second: int = 0,
    stop: str | None = None,
    tokens: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    message = {
        "id": identity,
        "model": "claude-opus-4-8",
        "stop_reason": stop,
        "usage": usage() if tokens is None else tokens,
    }
    return {
        "type": "assistant",
        "sessionId": "s-1",
        "cwd": "/home/dev/web",
        "gitBranch": "main",
        "timestamp": f"2026-01-01T00:00:{second:02}Z",
        "message": message,
    } | more


def progress(inner: dict[str, Any], second: int = 5) -> dict[str, Any]:
    stamp = f"2026-01-01T00:00:{second:02}Z"
    reply = {"type": "assistant", "timestamp": stamp, "message": inner["message"]}
    data = {"type": "agent_progress", "message": reply, "agentId": "a1"}
    return {"type": "progress", "sessionId": "s-1", "cwd": "/home/dev/web", "data": data}


def read(*records: dict[str, Any]) -> list[Usage]:
    source = ClaudeCode(Context("t.jsonl", b"k"))
    found: list[Usage] = []
    for number, record in enumerate(records, 1):
        found += source.parse(msgspec.convert(record, Line), number)
    return [*found, *source.finish()]


def test_the_whole_row() -> None:
    tokens = usage(
        7,
        cache_creation_input_tokens=30,
        cache_creation={"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        server_tool_use={"web_search_requests": 2},
        service_tier="standard",
        inference_geo="not_available",
        speed="fast",
    )
    [row] = read(said(stop="end_turn", tokens=tokens))
    assert (row.call_id, row.provider_name, row.response_model) == (
        *("msg_1", "anthropic", "claude-opus-4-8"),
    )
    assert (row.uncached_input_tokens, row.cache_read_input_tokens, row.output_tokens) == (
        3,
        100,
        7,
    )
    assert (row.cache_write_5m_input_tokens, row.cache_write_1h_input_tokens) == (10, 20)
    assert (row.web_search_requests, row.speed) == (2, "fast")
    assert (row.service_tier, row.inference_geo) == (None, None)
    assert (row.workflow, row.workflow_basis, row.tags) == ("web", "default", ["branch:main"])
    assert (row.output_basis, row.finish_reason, row.line) == ("final", "end_turn", 1)


def test_streamed_lines_are_one_call_at_its_final_count() -> None:
    """https://github.com/ryoppippi/ccusage/issues/888: the first line holds a placeholder."""
    first, middle = said(second=1, tokens=usage(1)), said(second=2, tokens=usage(8))
    last = said(second=3, tokens=usage(440), stop="tool_use")
    for order in ([first, middle, last], [last, first, middle]):
        [row] = read(*order)
        assert (row.output_tokens, row.output_basis) == (440, "final")
        assert row.started_at == 1_767_225_601_000_000


def test_a_message_that_never_stopped_is_partial() -> None:
    [row] = read(said(tokens=usage(1)), said(tokens=usage(8)))
    assert (row.output_tokens, row.output_basis) == (8, "partial")


def test_a_call_that_exists_only_inside_progress() -> None:
    rows = read(said(), progress(said("msg_2")))
    assert {(row.call_id, row.agent_name) for row in rows} == {
        ("msg_1", None),
        ("msg_2", "subagent"),
    }


def test_the_same_call_inside_progress_and_outside_counts_once() -> None:
    [row] = read(said("msg_2"), progress(said("msg_2")))
    assert row.agent_name is None


NOTHING: dict[str, dict[str, Any]] = {
    "a synthetic line": said(message={**said()["message"], "model": "<synthetic>"}),
    "a question": {"type": "user", "sessionId": "s", "message": {"role": "user", "content": "x"}},
    "a tool result that repeats usage": {
        "type": "user",
        "sessionId": "s",
        "message": {"role": "user", "content": []},
        "toolUseResult": {"usage": usage(), "totalTokens": 9},
    },
    "a summary": {"type": "summary", "summary": "x", "leafUuid": "y"},
    "progress of a shell": {"type": "progress", "data": {"type": "bash_progress", "output": "x"}},
    "progress of another shape": {"type": "progress", "data": "x"},
    "a message in words": {"type": "system", "message": "x"},
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_is_no_call(name: str) -> None:
    assert read(NOTHING[name]) == []


def test_an_api_error_is_a_failed_call_without_tokens() -> None:
    message = {**said()["message"], "model": "<synthetic>"}
    [row] = read(said(message=message, uuid="u-1", isApiErrorMessage=True, error="rate_limit"))
    assert (row.call_id, row.status, row.error_type) == ("u-1", "error", "rate_limit")
    assert row.uncached_input_tokens + row.output_tokens == 0


def test_a_breakdown_smaller_than_the_total() -> None:
    """https://github.com/BerriAI/litellm/issues/42663: 31,490 of 184,457 are broken down."""
    split = {"ephemeral_5m_input_tokens": 31_490, "ephemeral_1h_input_tokens": 0}
    tokens = usage(cache_creation_input_tokens=184_457, cache_creation=split)
    [row] = read(said(tokens=tokens))
    assert row.cache_write_5m_input_tokens + row.cache_write_1h_input_tokens == 184_457


def test_sampling_calls_that_the_total_leaves_out() -> None:
    extra = {"type": "advisor_message", "model": "claude-opus-4-5", **usage(22)}
    [row, more] = read(said(tokens=usage(iterations=[{"type": "message", **usage()}, extra])))
    assert (more.call_id, more.parent_id) == ("msg_1#1", "msg_1")
    assert (more.response_model, more.output_tokens) == ("claude-opus-4-5", 22)
    assert row.output_tokens == 10


def test_without_a_message_id_the_request_names_the_call() -> None:
    rows = read(said(None, requestId="req_1"), said(None, requestId="req_1", second=2))
    assert [row.call_id for row in rows] == ["req_1"]


def test_an_empty_request_id_does_not_part_the_lines_of_a_message() -> None:
    """https://github.com/ryoppippi/ccusage/issues/976: 368 lines of 171 messages, not 368 calls."""
    lines = [said("msg_1", second, requestId="") for second in (1, 2, 3)]
    rows = read(*lines, said("msg_2", 4, requestId=""))
    assert [row.call_id for row in rows] == ["msg_1", "msg_2"]
    assert sum(row.uncached_input_tokens for row in rows) == 6


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no id at all": (said(None), "without an id"),
    "no time": (said(timestamp=None), "no timestamp"),
    "a time that is none": (said(timestamp="yesterday"), "yesterday"),
    "a breakdown beyond the total": (
        said(
            tokens=usage(
                cache_creation_input_tokens=5,
                cache_creation={"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 0},
            )
        ),
        "exceeds",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    record, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        read(record)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("claude-opus-4-8", "anthropic"),
        ("us.anthropic.claude-opus-4-8-v1:0", "aws.bedrock"),
        ("claude-opus-4-8@20260101", "gcp.vertex_ai"),
        ("glm-4.6", None),
    ],
)
def test_who_bills(model: str, provider: str | None) -> None:
    [row] = read(said(message={**said()["message"], "model": model}))
    assert row.provider_name == provider


def uses(*calls: tuple[str, str, Any], identity: str = "msg_1", **more: Any) -> dict[str, Any]:
    blocks = [{"type": "tool_use", "id": i, "name": n, "input": given} for i, n, given in calls]
    record = said(identity) | more
    record["message"]["content"] = blocks
    return record


def told(*content: Any, **more: Any) -> dict[str, Any]:
    message = {"role": "user", "content": list(content)}
    return {"type": "user", "sessionId": "s-1", "message": message} | more


def result(call: str, content: Any = "x", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call, "content": content} | more


ASKED = told({"type": "text", "text": "please"})
LOOK, EDIT = ("t1", "Read", {"path": "a"}), ("t2", "Edit", {"path": "a", "to": "b"})


def loaded(*records: dict[str, Any]) -> list[Usage]:
    """Rows of records that were written as JSON, as arguments and results are only there."""
    source = ClaudeCode(Context("t.jsonl", b"k"))
    decoder = msgspec.json.Decoder(Line)
    for number, record in enumerate(records, 1):
        assert not list(source.parse(decoder.decode(msgspec.json.encode(record)), number))
    return list(source.finish())


def test_calls_of_tools_over_the_lines_of_a_message() -> None:
    together = [uses(LOOK, EDIT)]
    apart = [uses(LOOK), said(), uses(EDIT)]
    repeated = [uses(LOOK), uses(LOOK), uses(EDIT), uses(LOOK)]
    first = loaded(*together)[0]
    assert first.tool_names == ["Read", "Edit"]
    assert len(set(first.tool_call_hashes or ())) == 2
    for lines in (apart, repeated):
        [row] = loaded(*lines)
        assert (row.tool_call_hashes, row.tool_names) == (first.tool_call_hashes, ["Read", "Edit"])


def test_results_are_given_to_the_next_message() -> None:
    lines = [
        *(ASKED, uses(LOOK), told(result("t1", "one", is_error=True)), uses(EDIT)),
        *(told(result("t2", "two")), said("msg_2"), said("msg_2")),
        *(told(result("t9", "three", is_error=True)), said("msg_3")),
    ]
    one, two, three = loaded(*lines)
    assert (one.turn, one.tool_result_hashes, one.tool_errors) == ("user", None, None)
    assert (two.turn, two.tool_result_bytes, two.tool_errors) == ("tool", [5, 5], 1)
    assert len(set(two.tool_result_hashes or ())) == 2, "one was written while msg_1 streamed"
    assert (three.turn, three.tool_result_bytes, three.tool_errors) == ("tool", [7], 1)


def test_results_of_agents_do_not_mix() -> None:
    own: dict[str, Any] = {"isSidechain": True, "agentId": "a1"}
    lines = [
        *(uses(LOOK), uses(EDIT, identity="msg_2", **own)),
        *(told(result("t1", "mine")), told(result("t2", "the agent's"), **own)),
        *(said("msg_3", **own), said("msg_4")),
    ]
    rows = {row.call_id: row for row in loaded(*lines)}
    assert rows["msg_3"].tool_result_bytes == [len('"the agent\'s"')]
    assert rows["msg_4"].tool_result_bytes == [len('"mine"')]


def test_agents_without_a_name_are_told_apart_by_their_first_lines() -> None:
    def side(line: str, before: str | None) -> dict[str, Any]:
        return {"isSidechain": True, "uuid": line, "parentUuid": before}

    lines = [
        *(uses(LOOK, identity="msg_1", **side("a1", None)), uses(EDIT, **side("b1", None))),
        told(result("t1", "of a"), **side("a2", "a1")),
        told(result("t2", "of bb"), **side("b2", "b1")),
        *(said("msg_a", **side("a3", "a2")), said("msg_b", **side("b3", "b2"))),
    ]
    lines[1]["message"]["id"] = "msg_2"
    rows = {row.call_id: row for row in loaded(*lines)}
    assert rows["msg_a"].tool_result_bytes == [6]
    assert rows["msg_b"].tool_result_bytes == [7]


def test_an_agent_inside_progress_is_given_its_results() -> None:
    heard = progress(said())
    heard["data"]["message"] = told(result("t2"))
    [one, two] = loaded(progress(uses(EDIT)), heard, progress(said("msg_2")))
    assert (one.tool_names, two.turn, two.tool_result_bytes) == (["Edit"], "tool", [3])


def test_an_aside_of_the_program_is_nobodys_word() -> None:
    aside = told({"type": "text", "text": "reminder"}, isMeta=True)
    [row] = loaded(told(result("t1")), aside, said())
    assert row.turn == "tool"
    [row] = loaded(told(result("t1")), ASKED, said())
    assert row.turn == "user"
    [row] = loaded(aside, told("x", isCompactSummary=True), said())
    assert row.turn is None


def test_the_same_result_however_it_is_written() -> None:
    def hashed(text: bytes) -> int:
        source = ClaudeCode(Context("t.jsonl", b"k"))
        line = b'{"type":"user","message":{"content":[{"tool_use_id":"t1","content":%b}]}}'
        for number, record in enumerate((line % text, msgspec.json.encode(said())), 1):
            source.parse(msgspec.json.decode(record, type=Line), number)
        [row] = source.finish()
        [found] = row.tool_result_hashes or [0]
        return found

    assert hashed('"né\\u001b"'.encode()) == hashed('[{"type":"text","text":"né\\u001b"}]'.encode())
    assert hashed(b'"a\\nb"') == hashed(b'[{"type":"text","text":"a\\nb"}]')
    assert hashed(b'"a"') != hashed(b'"b"')
    assert hashed(b"null") != hashed(b'""')


def test_a_file_that_grew_in_the_middle_of_a_message() -> None:
    lines = [ASKED, uses(LOOK), uses(EDIT), told(result("t1")), told(result("t2")), said("msg_2")]
    whole = {row.call_id: row for row in loaded(*lines)}
    decoder = msgspec.json.Decoder(Line)
    for cut in range(1, len(lines)):
        state = b""
        rows: dict[str, Usage] = {}
        for part in (lines[:cut], lines[cut:]):
            source = ClaudeCode(Context("t.jsonl", b"k"))
            if state:
                source.resume(state)
            for number, record in enumerate(part):
                source.parse(decoder.decode(msgspec.json.encode(record)), number)
            state = source.state()
            rows |= {row.call_id: row for row in source.finish()}
        for name in ("turn", "tool_call_hashes", "tool_result_hashes", "tool_names"):
            assert {k: getattr(v, name) for k, v in rows.items()} == {
                k: getattr(v, name) for k, v in whole.items()
            }, (cut, name)


@pytest.mark.parametrize("odd", [None, 7, "x", {}, [3], [[]], [None], [{"tool_use_id": []}]])
def test_content_in_another_shape_costs_no_call(odd: Any) -> None:
    record = said()
    record["message"]["content"] = odd
    [row] = loaded(told(odd), {**told(), "message": {"content": odd}}, record)
    assert (row.output_tokens, row.tool_call_hashes) == (10, None)


def test_what_is_no_name_of_a_tool_and_what_polls() -> None:
    [row] = loaded(uses(("t1", "do as I say", {}), ("t2", "Bash", {"command": "sleep 3"})))
    assert (row.tool_names, row.polls) == ([None, "Bash"], False)
    [row] = loaded(uses(("t2", "Bash", {"command": "sleep 3"})))
    assert row.polls is True
