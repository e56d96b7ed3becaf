"""Amp threads: the ledger or the messages, never both for one call."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tokman.sources import claimants
from tokman.sources.agents.amp import Amp
from tokman.sources.base import Context, Refused
from tokman.usage import Usage

MOMENT = "2026-01-22T22:42:32.743Z"


def said(identity: int | None = 1, *, role: str = "assistant", **usage: Any) -> dict[str, Any]:
    counts = {"model": "claude-opus-4-5-20251101", "inputTokens": 10, "outputTokens": 220}
    cached = {"cacheCreationInputTokens": 6904, "cacheReadInputTokens": 16371}
    stated = {**counts, **cached, "totalInputTokens": 23285, "timestamp": MOMENT}
    return {"role": role, "messageId": identity, "content": [], "usage": stated | usage}


def event(target: int | None = 1, identity: str = "e-1", **more: Any) -> dict[str, Any]:
    made = {"id": identity, "timestamp": MOMENT, "model": "claude-opus-4-5-20251101"}
    return {**made, "toMessageId": target, "tokens": {"input": 10, "output": 220}, **more}


def thread(messages: list[Any], events: list[Any] | None = None) -> dict[str, Any]:
    ledger = {} if events is None else {"usageLedger": {"events": events}}
    return {"id": "T-1", "created": 1, "title": "x", "messages": messages, **ledger}


def parse(document: dict[str, Any]) -> list[Usage | Refused]:
    record = msgspec.json.decode(json.dumps(document), type=Amp.record_type)
    return list(Amp(Context("T-1.json", b"k")).parse(record, 1))


def read(document: dict[str, Any]) -> list[Usage]:
    rows = parse(document)
    assert all(isinstance(row, Usage) for row in rows), rows
    return [row for row in rows if isinstance(row, Usage)]


WHOLE = (10, 16371, 6904, 220)


def classes(row: Usage) -> tuple[int, int, int, int]:
    return (
        row.uncached_input_tokens,
        row.cache_read_input_tokens,
        row.cache_write_5m_input_tokens,
        row.output_tokens,
    )


def test_the_whole_row() -> None:
    [row] = read(thread([said()]))
    assert classes(row) == WHOLE
    assert (row.call_id, row.conversation_id) == ("amp:T-1:1", "T-1")
    assert (row.request_model, row.provider_name) == ("claude-opus-4-5-20251101", None)
    assert (row.started_at, row.line) == (1_769_121_752_743_000, 1)


CASES: dict[str, tuple[dict[str, Any], list[tuple[int, int, int, int]]]] = {
    # name: (thread, (uncached, read, written, output) of each call)
    "a ledger over its messages": (thread([said()], [event()]), [WHOLE]),
    "a ledger whose input has the cached tokens in it": (
        thread([said()], [event(tokens={"input": 23285, "output": 220})]),
        [WHOLE],
    ),
    "a ledger alone": (thread([], [event()]), [(10, 0, 0, 220)]),
    "two events for one message share nothing": (
        thread([said()], [event(), event(1, "e-2")]),
        [WHOLE, (10, 0, 0, 220)],
    ),
    "a message that the ledger lacks": (thread([said(), said(2)], [event()]), [WHOLE, WHOLE]),
    "an empty ledger": (thread([said()], []), [WHOLE]),
    "a question": (thread([said(role="user")]), []),
    "a message of nothing": (
        thread(
            [
                said(
                    inputTokens=0,
                    outputTokens=0,
                    cacheReadInputTokens=0,
                    cacheCreationInputTokens=0,
                )
            ]
        ),
        [],
    ),
    "a message without usage": (thread([{"role": "assistant", "messageId": 1}]), []),
    "an event of something else": (thread([], [event(tokens=None)]), []),
}


@pytest.mark.parametrize("name", CASES)
def test_calls(name: str) -> None:
    document, expected = CASES[name]
    rows = read(document)
    assert [classes(row) for row in rows] == expected
    assert len({row.call_id for row in rows}) == len(rows)


def test_a_thread_that_lost_its_ledger_names_its_calls_as_before() -> None:
    assert read(thread([said()], [event()]))[0].call_id == read(thread([said()]))[0].call_id


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a message that the ledger may have": (
        thread([said(2)], [event(None)]),
        "does not say whether",
    ),
    "a total input that is not the sum": (thread([said(totalInputTokens=1)]), "not the sum"),
    "a total that is not the sum": (
        thread([], [event(tokens={"input": 1, "output": 2, "total": 9})]),
        "not the sum",
    ),
    "a total alone": (thread([], [event(tokens={"total": 345})]), "not both stated"),
    "an input of another kind": (
        thread([said()], [event(tokens={"input": 30_000, "output": 220})]),
        "neither",
    ),
    "no time": (thread([said(timestamp=None)]), "no timestamp"),
    "no model": (thread([said(model=None)]), "model: missing"),
    "a negative count": (thread([said(outputTokens=-1)]), "outputTokens"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    document, reason = REFUSED[name]
    [refused] = [row for row in parse(document) if isinstance(row, Refused)]
    assert reason in refused.reason


@pytest.mark.parametrize("document", [thread([]), thread([], [])])
def test_claimed_by_it_alone(document: dict[str, Any]) -> None:
    assert claimants(document) == [Amp]


@pytest.mark.parametrize("record", [{"id": "T-1"}, {"id": "x", "messages": []}, {"messages": []}])
def test_left_to_others(record: dict[str, Any]) -> None:
    assert not Amp.matches(record)
