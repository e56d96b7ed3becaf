"""opencode: its messages as rows of a database and as files, once each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tokman.sources import claimants
from tokman.sources.agents.opencode import OpenCode
from tokman.sources.base import Context, Refused
from tokman.usage import Usage


def tokens(
    input: int = 100,
    output: int = 20,
    reasoning: int = 0,
    read: int = 0,
    write: int = 0,
    **more: Any,
) -> dict[str, Any]:
    counts = {"input": input, "output": output, "reasoning": reasoning}
    return counts | {"cache": {"read": read, "write": write}} | more


def message(spent: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "msg_c4ee5514f001Ex6uD1OPYN4CvM",
        "sessionID": "ses_3b11bfdcdffeITCXse4fCuIRnU",
        "role": "assistant",
        "time": {"created": 1_770_850_180_000, "completed": 1_770_850_185_921},
        "modelID": "claude-sonnet-4-5",
        "providerID": "anthropic",
        "mode": "build",
        "path": {"cwd": "/home/dev/web", "root": "/"},
        "cost": 0.0135,
        "tokens": tokens() if spent is None else spent,
        "finish": "stop",
    } | more


def version_2(spent: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    record = message(spent, model={"id": "claude-sonnet-4-5", "providerID": "anthropic"}, **more)
    del record["modelID"], record["providerID"]
    return record


def read(*records: dict[str, Any]) -> list[Usage]:
    source = OpenCode(Context("opencode.db", b"k"))
    decoder = msgspec.json.Decoder(OpenCode.record_type)
    refused: list[Usage | Refused] = []
    for number, record in enumerate(records, 1):
        refused += source.parse(decoder.decode(json.dumps(record)), number)
    assert refused == []
    return list(source.finish())


def test_the_whole_row() -> None:
    [row] = read(message(tokens(375, 123, 69, 65_856, 10, total=66_433)))
    assert row.call_id.startswith("opencode:")
    assert (row.provider_name, row.request_model) == ("anthropic", "claude-sonnet-4-5")
    assert (row.uncached_input_tokens, row.cache_read_input_tokens) == (375, 65_856)
    assert row.cache_write_5m_input_tokens == 10
    assert (row.output_tokens, row.reasoning_output_tokens) == (192, 69)
    assert row.billed_cost == 13_500_000_000
    assert (row.started_at, row.duration_ms) == (1_770_850_180_000_000, 5921)
    assert (row.workflow, row.workflow_basis, row.agent_name) == ("web", "default", "build")
    assert (row.status, row.output_basis, row.finish_reason) == ("ok", "final", "stop")


ABORTED = "MessageAbortedError"
OUTPUTS: dict[str, tuple[dict[str, Any], tuple[int, int, str]]] = {
    # name: (record, (output, reasoning in it, basis))
    "the total counts reasoning apart": (
        message(tokens(10, 30, 20, total=60)),
        (50, 20, "final"),
    ),
    "the total counts it inside": (message(tokens(10, 30, 20, total=40)), (30, 20, "final")),
    "no reasoning, no total": (message(tokens(10, 30)), (30, 0, "final")),
    "no total tells": (message(tokens(10, 30, 20)), (30, 20, "partial")),
    "more reasoning than output is apart": (message(tokens(10, 5, 20)), (25, 20, "final")),
    "version 2 keeps it apart": (version_2(tokens(10, 30, 20)), (50, 20, "final")),
    "interrupted": (message(error={"name": ABORTED}), (20, 0, "partial")),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_output(name: str) -> None:
    record, expected = OUTPUTS[name]
    [row] = read(record)
    assert (row.output_tokens, row.reasoning_output_tokens, row.output_basis) == expected


TIME = {"created": 1_770_850_180_000, "completed": 1_770_850_185_921}
FORK: dict[str, Any] = {"id": "msg_d5ff", "sessionID": "ses_4c"}
NAMES: dict[str, tuple[list[dict[str, Any]], int]] = {
    # name: (messages, different calls)
    "a fork's copy": ([message(), message(**FORK)], 1),
    "version 2's copy of version 1": ([message(tokens(total=120)), version_2(tokens())], 1),
    "another call in the fork": ([message(), message(tokens(101), **FORK)], 2),
    "the same counts at another time": (
        [message(), message(**FORK, time={**TIME, "created": TIME["created"] + 1})],
        2,
    ),
    "failed calls without counts": (
        [message(tokens(0, 0), id=key, error={"name": "APIError"}) for key in ("msg_1", "msg_2")],
        2,
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_what_names_a_call(name: str) -> None:
    records, calls = NAMES[name]
    assert len({row.call_id for row in read(*records)}) == calls


def test_a_failed_call() -> None:
    failure = {"name": "APIError", "data": {"message": "secret words"}}
    [row] = read(message(tokens(0, 0), cost=0, error=failure))
    assert (row.status, row.error_type, row.billed_cost) == ("error", "APIError", None)


def test_what_was_spent_without_counts_is_not_free() -> None:
    """Such a row has no price: sql/price.sql."""
    for record in (message(tokens(0, 0)), message(tokens(0, 0), error={"name": ABORTED})):
        [row] = read(record)
        assert (row.status, row.output_basis) == ("ok", "partial")
    assert row.finish_reason == "aborted"


def test_a_cost_of_nothing_says_nothing() -> None:
    [row] = read(message(cost=0))
    assert row.billed_cost is None


NOTHING: dict[str, dict[str, Any]] = {
    "a question": message(role="user"),
    "an answer just begun": message(tokens(0, 0), time={"created": 1_770_850_180_000}),
    "an answer without counts": message() | {"tokens": None},
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_is_no_call(name: str) -> None:
    assert read(NOTHING[name]) == []


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "counts that may still grow": (message(time={"created": 1}), "not completed"),
    "a total that fits neither way": (message(tokens(10, 30, 20, total=55)), "not the sum"),
    "a negative count": (message(tokens(-1)), "input"),
    "no id": (message(id=None), "without an id"),
    "no amount": (message(cost="free"), "cost"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    record, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        read(record)


@pytest.mark.parametrize("record", [message(), version_2(), message(role="user")])
def test_claimed_by_it_alone(record: dict[str, Any]) -> None:
    assert claimants(record) == [OpenCode]


ROWS = {
    "columns before data": (b'{"role":"assistant"}', {"id": "msg_1", "sessionID": "ses_1"}),
    "empty data": (b" { } ", {"id": "msg_1", "sessionID": "ses_1"}),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_as_a_record(name: str) -> None:
    data, expected = ROWS[name]
    text = OpenCode.from_table("message", {"id": b"msg_1", "session_id": b"ses_1", "data": data})
    assert json.loads(text).items() >= expected.items()


@pytest.mark.parametrize("data", [None, b"", b"[1]", 7])
def test_a_row_without_an_object(data: Any) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        OpenCode.from_table("message", {"id": b"msg_1", "session_id": b"ses_1", "data": data})


def test_a_message_file(tmp_path: Path) -> None:
    from tokman.pieces import Piece
    from tokman.reading import Reader
    from tokman.rows import Rows

    path = tmp_path / "msg_1.json"
    path.write_text(json.dumps(message(), indent=2))
    rows = Rows(tmp_path)
    outcome = Reader(Piece(path=str(path)), b"k", rows).run()
    assert (outcome.source, outcome.rows, outcome.rejects) == ("opencode", 1, [])
