"""Copilot CLI: whatever is shared among calls, each model's totals are met exactly."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tokman.errors import BadRecord
from tokman.sources import claimants
from tokman.sources.agents.copilot_cli import CopilotCLI
from tokman.sources.base import Context
from tokman.usage import Usage


def event(kind: str, second: int = 0, **data: Any) -> dict[str, Any]:
    moment = f"2026-07-29T19:26:{second:02}Z"
    return {"type": kind, "id": f"e-{second}", "timestamp": moment, "parentId": None, "data": data}


def said(key: str, output: int | None, model: str | None = "m", second: int = 1) -> dict[str, Any]:
    return event(
        "assistant.message", second, messageId=key, model=model, outputTokens=output, content="x"
    )


def left(second: int = 9, **models: Any) -> dict[str, Any]:
    return event("session.shutdown", second, shutdownType="routine", modelMetrics=models)


def spent(
    count: int | None, input: int, output: int, read: int = 0, write: int = 0, reasoning: int = 0
) -> dict[str, Any]:
    usage = {"inputTokens": input, "outputTokens": output, "reasoningTokens": reasoning}
    usage |= {"cacheReadTokens": read, "cacheWriteTokens": write}
    return {"requests": {"count": count, "cost": 1}, "usage": usage}


PLACE = {"cwd": "/home/dev/web", "branch": "main"}
START = event("session.start", sessionId="s-1", context=PLACE)


def parse(source: CopilotCLI, *records: dict[str, Any]) -> list[Usage]:
    decoder = msgspec.json.Decoder(CopilotCLI.record_type)
    found: list[Usage] = []
    for number, record in enumerate(records, 1):
        found += source.parse(decoder.decode(json.dumps(record)), number)
    return found


def read(*records: dict[str, Any]) -> list[Usage]:
    source = CopilotCLI(Context("events.jsonl", b"k"))
    return [*parse(source, *records), *source.finish()]


def test_the_whole_row() -> None:
    """https://github.com/getagentseal/codeburn/pull/684: 4 + 35,495 + 35,783 = 71,282."""
    [row] = read(START, said("m-1", 40), left(m=spent(1, 71_282, 40, 35_495, 35_783, 7)))
    assert (row.call_id, row.conversation_id) == ("copilot-cli:s-1:m-1", "s-1")
    assert (row.uncached_input_tokens, row.cache_read_input_tokens) == (4, 35_495)
    assert row.cache_write_5m_input_tokens == 35_783
    assert (row.output_tokens, row.reasoning_output_tokens, row.output_basis) == (40, 7, "final")
    assert (row.provider_name, row.request_model) == ("github_copilot", "m")
    assert (row.workflow, row.tags, row.line) == ("web", ["branch:main"], 2)


CASES: dict[str, tuple[list[dict[str, Any]], list[tuple[int, int, str]]]] = {
    # name: (events, (input, output, basis) of each call)
    "messages and calls without one": (
        [said("a", 30), left(m=spent(3, 100, 41))],
        [(34, 30, "final"), (33, 6, "estimated"), (33, 5, "estimated")],
    ),
    "no message at all": ([left(m=spent(2, 10, 4))], [(5, 2, "estimated"), (5, 2, "estimated")]),
    "no count of calls": ([left(m=spent(None, 10, 4))], [(10, 4, "estimated")]),
    "output beyond the messages": (
        [said("a", 3), left(m=spent(1, 10, 5))],
        [(5, 3, "final"), (5, 2, "estimated")],
    ),
    "a model of nothing": ([left(m=spent(0, 0, 0))], []),
    "several models": (
        [said("a", 3, "m"), said("b", 4, "n"), left(m=spent(1, 10, 3), n=spent(1, 20, 4))],
        [(10, 3, "final"), (20, 4, "final")],
    ),
    "a message that names no model": (
        [said("a", 3, None), left(m=spent(1, 10, 3))],
        [(10, 3, "final")],
    ),
    "a message without a count": ([said("a", None), left(m=spent(1, 9, 3))], [(9, 3, "estimated")]),
    "a message written twice": (
        [said("a", 1), said("a", 3), left(m=spent(1, 10, 3))],
        [(10, 3, "final")],
    ),
    "entered twice, each with its own totals": (
        [
            *(said("a", 3), left(m=spent(1, 10, 3)), event("session.resume", 10)),
            *(said("b", 5, second=11), left(12, m=spent(1, 20, 5))),
        ],
        [(10, 3, "final"), (20, 5, "final")],
    ),
    "killed, then entered again": (
        [
            *(said("a", 3), event("session.resume", 10)),
            *(said("b", 5, second=11), left(12, m=spent(1, 20, 5))),
        ],
        [(0, 3, "partial"), (20, 5, "final")],
    ),
    "still running": ([said("a", 3)], [(0, 3, "partial")]),
    "left without totals": (
        [said("a", 3), event("session.shutdown", 2), left(m=spent(1, 10, 3))],
        [(10, 3, "final")],
    ),
    "more reasoning than output": (
        [left(m=spent(1, 10, 4, reasoning=9))],
        [(10, 4, "partial")],
    ),
    "other events": ([event("tool.execution_complete", model={"x": 1}, context="y")], []),
}


@pytest.mark.parametrize("name", CASES)
def test_calls(name: str) -> None:
    events, expected = CASES[name]
    rows = read(START, *events)
    found = [(row.uncached_input_tokens, row.output_tokens, row.output_basis) for row in rows]
    assert found == expected
    assert len({row.call_id for row in rows}) == len(rows)


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_grew_has_the_same_calls(name: str) -> None:
    """Wherever it was read before, the fullest row of each call is as in one reading."""
    events = [START, *CASES[name][0]]
    whole = {row.call_id: row.uncached_input_tokens for row in read(*events)}
    for cut in range(len(events) + 1):
        first, second = (CopilotCLI(Context("events.jsonl", b"k")) for _ in range(2))
        rows = [*parse(first, *events[:cut]), *first.finish()]
        second.resume(first.state())
        rows += [*parse(second, *events[cut:]), *second.finish()]
        fullest: dict[str, int] = {}
        for row in rows:
            fullest[row.call_id] = max(row.uncached_input_tokens, fullest.get(row.call_id, 0))
        if cut:
            assert fullest == whole


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "cached beyond the input": (left(m=spent(1, 10, 3, read=11)), "inputTokens"),
    "messages beyond the output": (left(m=spent(1, 10, 2)), "outputTokens"),
    "calls beyond number": (left(m=spent(10**12, 10, 3)), "no count of calls"),
    "no time": (left(m=spent(1, 1, 3)) | {"timestamp": None}, "no timestamp"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    record, reason = REFUSED[name]
    with pytest.raises(BadRecord, match=reason):
        read(START, said("a", 3), record)


@pytest.mark.parametrize("record", [START, said("a", 1), left()])
def test_claimed_by_it_alone(record: dict[str, Any]) -> None:
    assert claimants(record) == [CopilotCLI]


@pytest.mark.parametrize(
    "record",
    [
        {"type": "response.completed", "id": "x", "timestamp": 1, "parentId": "p", "data": {}},
        {"type": "session.start", "data": {}},
        {"type": "message", "id": "x", "timestamp": 1, "parentId": "p", "data": {}},
    ],
)
def test_left_to_others(record: dict[str, Any]) -> None:
    assert not CopilotCLI.matches(record)
