"""Codex rollouts: a call is a change of the running total, and nothing else is."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tokman.errors import BadRecord
from tokman.sources.agents.codex import Codex
from tokman.sources.agents.codex_lines import Line
from tokman.sources.base import Context
from tokman.usage import Usage


def event(kind: str, second: int = 0, **payload: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-04-01T10:00:{second:02}.5Z", "type": kind, "payload": payload}


def tokens(total: int, cached: int = 0, output: int = 0, reasoning: int = 0) -> dict[str, int]:
    return {
        "input_tokens": total,
        "cached_input_tokens": cached,
        "output_tokens": output,
        "reasoning_output_tokens": reasoning,
        "total_tokens": total + output,
    }


def count(second: int, total: dict[str, int], last: dict[str, int] | None = None) -> dict[str, Any]:
    info = {"total_token_usage": total, "last_token_usage": last or total}
    return event("event_msg", second, type="token_count", info=info)


START = [
    event("session_meta", id="s-1", cwd="/home/dev/web", model_provider="openai"),
    event("turn_context", model="gpt-5.5", effort="high"),
]


def record(second: int, response: str | None, spent: dict[str, int], **more: Any) -> dict[str, Any]:
    named = {"thread_id": "s-1", "session_id": "s-1", "response_id": response, "usage": spent}
    return event("token_usage_record", second, **named, **more)


def read(*records: dict[str, Any], source: Codex | None = None) -> list[Usage]:
    source = source or Codex(Context("rollout.jsonl", b"k"))
    lines = [msgspec.convert(record, Line) for record in records]
    return [usage for number, line in enumerate(lines, 1) for usage in source.parse(line, number)]


def test_the_whole_row() -> None:
    [row] = read(*START, count(3, tokens(1000, 400, 90, 60)))
    assert row.call_id == "codex:s-1:1000.400.0.90.60"
    assert (row.provider_name, row.request_model) == ("openai", "gpt-5.5")
    assert (row.uncached_input_tokens, row.cache_read_input_tokens) == (600, 400)
    assert (row.output_tokens, row.reasoning_output_tokens) == (90, 60)
    assert (row.reasoning_effort, row.workflow, row.conversation_id) == ("high", "web", "s-1")
    assert row.started_at == 1_775_037_603_500_000


CASES: dict[str, tuple[list[dict[str, Any]], list[int]]] = {
    # name: (events after the start, input tokens of each call)
    "re-emitted totals (ccusage #1288)": (
        [
            count(1, tokens(1500)),
            count(4, tokens(1500)),
            count(6, tokens(3300), tokens(1800)),
            count(9, tokens(3300), tokens(1800)),
        ],
        [1500, 1800],
    ),
    "no info": ([event("event_msg", type="token_count", info=None)], []),
    "a total of nothing": ([count(1, tokens(0))], []),
    "a counter that went back is a new baseline": (
        [count(1, tokens(5000)), count(2, tokens(0), tokens(0)), count(3, tokens(700))],
        [5000, 700],
    ),
    "after a reset the last call stands": (
        [count(1, tokens(5000)), count(2, tokens(300), tokens(250))],
        [5000, 250],
    ),
    "other events": ([event("event_msg", type="agent_message"), event("response_item")], []),
    "a compacted copy": ([event("compacted", message="x")], []),
}


@pytest.mark.parametrize("name", CASES)
def test_calls(name: str) -> None:
    events, inputs = CASES[name]
    assert [row.uncached_input_tokens for row in read(*START, *events)] == inputs


@pytest.mark.parametrize(
    "mark", [{"forked_from_id": "s-0"}, {"source": {"subagent": {"thread_spawn": {"depth": 1}}}}]
)
def test_a_fork_does_not_count_what_it_copied(mark: dict[str, Any]) -> None:
    """The parent's history is written down within the second in which the fork began."""
    copied = [count(0, tokens(1000)), count(0, tokens(4000), tokens(3000))]
    own = [count(7, tokens(4600), tokens(600)), count(8, tokens(5000), tokens(400))]
    meta = event("session_meta", id="s-2", cwd="/w", model_provider="openai", **mark)
    rows = read(meta, START[1], *copied, *own)
    assert [row.uncached_input_tokens for row in rows] == [600, 400]


def test_two_calls_in_the_first_second_of_a_session_that_is_no_fork_count() -> None:
    rows = read(*START, count(0, tokens(10)), count(0, tokens(30), tokens(20)))
    assert [row.uncached_input_tokens for row in rows] == [10, 20]


def test_the_model_may_change_in_between() -> None:
    later = event("turn_context", model="gpt-5.4")
    rows = read(*START, count(1, tokens(10)), later, count(2, tokens(30), tokens(20)))
    assert [row.request_model for row in rows] == ["gpt-5.5", "gpt-5.4"]


def test_the_same_session_in_two_files_has_the_same_ids() -> None:
    once = read(*START, count(1, tokens(10)))
    longer = read(*START, count(1, tokens(10)), count(2, tokens(30), tokens(20)))
    assert once[0].call_id == longer[0].call_id


REFUSED = {
    "cached beyond input": count(1, tokens(10, cached=11)),
    "reasoning beyond output": count(1, tokens(10, output=1, reasoning=2)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_part_beyond_its_whole(name: str) -> None:
    with pytest.raises(BadRecord, match="exceed"):
        read(*START, REFUSED[name])


def test_a_count_without_a_time() -> None:
    record = count(1, tokens(10)) | {"timestamp": None}
    with pytest.raises(ValueError, match="no timestamp"):
        read(*START, record)


R1 = record(1, "resp_1", tokens(1000, 400, 90, 60))
R2 = record(3, "resp_2", tokens(1800))
C1, C2 = count(2, tokens(1000, 400, 90, 60)), count(4, tokens(2800, 400, 90, 60), tokens(1800))
COMPACTED = event("compacted", 5, message="", latest_token_usage_record=R2["payload"])

RECORDED: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    # name: (events after the start, what names each call)
    "each record before its counter": ([R1, C1, R2, C2], ["resp_1", "resp_2"]),
    "a counter before its record": (
        [C1, R1, C2, R2],
        ["codex:s-1:1000.400.0.90.60", "codex:s-1:1000.400.0.90.60", "resp_2"],
    ),
    "an older session resumed by a newer version": (
        [C1, R2, C2],
        ["codex:s-1:1000.400.0.90.60", "resp_2"],
    ),
    "a compaction, which no counter covers": (
        [R1, C1, R2, COMPACTED, count(6, tokens(1000, 400, 90, 60), tokens(0))],
        ["resp_1", "resp_2"],
    ),
    "a copied checkpoint with its counter": ([COMPACTED, C2, R1, C1], ["resp_1"]),
    "a record twice": ([R1, R1], ["resp_1", "resp_1"]),
    "a record without an id": (
        [record(1, None, tokens(1800), thread_token_usage=tokens(2800))],
        ["codex:s-1:2800.0.0.0.0"],
    ),
    "a response of nothing": ([record(1, "resp_0", tokens(0))], ["resp_0"]),
}


@pytest.mark.parametrize("name", RECORDED)
def test_records(name: str) -> None:
    events, names = RECORDED[name]
    assert [row.call_id for row in read(*START, *events)] == names


@pytest.mark.parametrize("name", RECORDED)
def test_records_of_a_file_that_grew(name: str) -> None:
    """Wherever the first reading stopped, both together name the calls as one reading does."""
    events, names = RECORDED[name]
    for cut in range(len(events) + 1):
        first, second = (Codex(Context("rollout.jsonl", b"k")) for _ in range(2))
        found = read(*START, *events[:cut], source=first)
        second.resume(first.state())
        found += read(*events[cut:], source=second)
        assert [row.call_id for row in found] == names


def test_the_whole_row_of_a_record() -> None:
    [row] = read(*START, R1)
    assert (row.provider_name, row.request_model) == ("openai", "gpt-5.5")
    assert (row.uncached_input_tokens, row.cache_read_input_tokens) == (600, 400)
    assert (row.output_tokens, row.reasoning_output_tokens) == (90, 60)
    assert (row.conversation_id, row.workflow, row.line) == ("s-1", "web", 3)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no usage": (event("token_usage_record", 1, response_id="resp_1"), "usage: missing"),
    "no id of any kind": (record(1, None, tokens(10)), "response_id: missing"),
    "a total that is not the sum": (
        record(1, "r", tokens(10) | {"total_tokens": 11}),
        "not the sum",
    ),
    "cached beyond input": (record(1, "r", tokens(10, cached=11)), "exceed"),
    "no time": (R1 | {"timestamp": None}, "no timestamp"),
    "a headless run's stream": ({"type": "turn.completed", "usage": tokens(10)}, "rollout"),
}


@pytest.mark.parametrize("name", WRONG)
def test_refused(name: str) -> None:
    wrong, reason = WRONG[name]
    with pytest.raises(BadRecord, match=reason):
        read(*START, wrong)


@pytest.mark.parametrize("name", ["thread.started", "turn.completed", "token_usage_record"])
def test_claimed_by_it_alone(name: str) -> None:
    from tokman.sources import claimants

    line = {"type": name, "thread_id": "t", "usage": {}, "payload": {}}
    assert claimants(line) == [Codex]


def item(kind: str, **payload: Any) -> dict[str, Any]:
    return event("response_item", type=kind, **payload)


def call(identity: str, command: str) -> dict[str, Any]:
    given = msgspec.json.encode({"cmd": command}).decode()
    return item("function_call", name="exec_command", arguments=given, call_id=identity)


def answer(identity: str, output: Any) -> dict[str, Any]:
    return item("function_call_output", call_id=identity, output=output)


def ended(identity: str, code: int) -> dict[str, Any]:
    return event("event_msg", type="exec_command_end", call_id=identity, exit_code=code)


ASKED = item("message", role="user", content=[{"type": "input_text", "text": "please"}])
THOUGHT = item("reasoning", summary=[])


def loaded(*records: dict[str, Any], source: Codex | None = None) -> list[Usage]:
    """Rows of records that were written as JSON, as arguments and results are only there."""
    source = source or Codex(Context("rollout.jsonl", b"k"))
    decoder = msgspec.json.Decoder(Line)
    lines = [decoder.decode(msgspec.json.encode(record)) for record in records]
    return [usage for number, line in enumerate(lines, 1) for usage in source.parse(line, number)]


TOOLS = [
    *(*START, ASKED, THOUGHT, call("c1", "ls"), call("c2", "false")),
    *(answer("c1", "one"), ended("c2", 1), count(3, tokens(100)), answer("c2", "two")),
    *(ended("c1", 0), THOUGHT, item("custom_tool_call", name="apply_patch", input="x")),
    *(count(5, tokens(200)), item("custom_tool_call_output", call_id="c3", output="done")),
    *(item("message", role="assistant", content=[]), count(7, tokens(300))),
]


def test_tools_of_a_rollout() -> None:
    one, two, three = loaded(*TOOLS)
    assert (one.turn, one.tool_names, one.tool_result_hashes) == (
        *("user", ["exec_command"] * 2, None),
    )
    assert one.polls is False
    assert len(set(one.tool_call_hashes or ())) == 2
    assert (two.turn, two.tool_names) == ("tool", ["apply_patch"])
    assert (two.tool_result_bytes, two.tool_errors) == ([5, 5], 1)
    assert (three.turn, three.tool_call_hashes, three.tool_result_bytes) == ("tool", None, [6])
    assert three.tool_errors is None, "nothing tells how it ended"


def test_a_rollout_that_grew_between_any_two_lines() -> None:
    whole = loaded(*TOOLS)
    for cut in range(1, len(TOOLS)):
        first, then = (Codex(Context("rollout.jsonl", b"k")) for _ in range(2))
        rows = loaded(*TOOLS[:cut], source=first)
        then.resume(first.state())
        rows += loaded(*TOOLS[cut:], source=then)
        for row in rows:
            row.line = 0
        assert rows == [msgspec.structs.replace(row, line=0) for row in whole], cut


def test_what_waits_and_what_an_old_version_says_of_success() -> None:
    given = msgspec.json.encode({"session_id": 1, "chars": ""}).decode()
    wait = item("function_call", name="write_stdin", arguments=given, call_id="w")
    old = answer("w", {"content": "no", "success": False})
    one, two = loaded(*START, wait, count(1, tokens(1)), old, THOUGHT, count(2, tokens(2)))
    assert one.polls is True
    assert (two.tool_errors, two.tool_result_bytes) == (1, [4])


def test_a_forks_copied_tools_are_not_its_own() -> None:
    meta = event("session_meta", id="s-2", forked_from_id="s-1")
    copied = [call("c1", "ls"), count(0, tokens(100)), answer("c1", "one")]
    [row] = loaded(meta, *copied, ASKED, THOUGHT, call("c2", "pwd"), count(9, tokens(300)))
    assert (row.turn, row.tool_names) == ("user", ["exec_command"])
