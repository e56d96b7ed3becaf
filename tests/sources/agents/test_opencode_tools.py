"""opencode: what its calls did with tools, the same from every form of a session."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.sources.agents.test_opencode import message, tokens, version_2
from tokman.pieces import Piece
from tokman.reading import Reader
from tokman.rows import Rows
from tokman.sources import claimants
from tokman.sources.agents.opencode import OpenCode
from tokman.sources.base import Context
from tokman.usage import Usage

Json = dict[str, Any]
SESSION = "ses_3b11bfdcdffeITCXse4fCuIRnU"
COLUMNS: tuple[str, ...] = (
    "turn",
    "tool_names",
    "tool_call_hashes",
    "tool_result_hashes",
    "tool_result_bytes",
)
COLUMNS += ("tool_errors", "polls")


def ran(tool: str, output: str | None = None, *, error: str | None = None, **more: Any) -> Json:
    """A tool as a part of version 1: over with an output or an error, else still running."""
    state: Json = {"status": "running", "input": {"of": tool}}
    if output is not None:
        state |= {"status": "completed", "output": output}
    if error is not None:
        state |= {"status": "error", "error": error}
    return {"type": "tool", "callID": f"call_{tool}", "tool": tool, "state": state | more}


TEXT: Json = {"type": "text", "text": "secret words"}
STEP: Json = {"type": "step-start"}
TALK: list[tuple[str, list[Json]]] = [
    ("user", [TEXT]),
    ("assistant", [STEP, TEXT, ran("read", "abc")]),
    ("assistant", [STEP, ran("bash", error="not there"), ran("wait", "")]),
    ("assistant", [STEP, TEXT]),
    ("user", [TEXT | {"synthetic": True}]),
    ("assistant", [STEP, TEXT]),
    ("user", [TEXT]),
    ("assistant", [STEP, ran("read", "abc"), STEP, ran("look", "defg"), STEP, TEXT]),
    ("assistant", [ran("look")]),
    ("assistant", []),
]
"""Who wrote the messages of a session, and their parts."""


def told(row: Usage) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COLUMNS}


def messages(talk: list[tuple[str, list[Json]]]) -> list[tuple[Json, list[Json]]]:
    """Messages of version 1 with their parts; ids begin anew in the middle, as they did in 2026."""
    made = []
    for number, (role, parts) in enumerate(talk):
        moment = 1_770_850_180_000 + 10_000 * number
        identity = f"msg_{(number + 5) % 10}"
        record = message(
            tokens(100 + number),
            id=identity,
            role=role,
            time={"created": moment, "completed": moment + 9000},
        )
        kept = [
            part | {"id": f"prt_{place}", "messageID": identity, "sessionID": SESSION}
            for place, part in enumerate(parts)
        ]
        made.append((record, kept))
    return made


def exported(talk: list[tuple[str, list[Json]]]) -> list[Json]:
    """A session as `opencode export` prints it."""
    found = [{"info": record, "parts": parts} for record, parts in messages(talk)]
    return [{"info": {"id": SESSION, "title": "secret words"}, "messages": found}]


def apart(talk: list[tuple[str, list[Json]]]) -> list[Json]:
    """Messages with their parts, as opencode's server lists them."""
    return [{"info": record, "parts": parts} for record, parts in messages(talk)]


def of_version_2(record: Json, parts: list[Json]) -> Json:
    """The message as version 2 writes it; it marks what the program wrote as no user's."""
    content: list[Json] = []
    for part in parts:
        if part["type"] != "tool":
            content.append(part)
            continue
        state = dict(part["state"])
        if "output" in state:
            state["content"] = [{"type": "text", "text": state.pop("output")}]
        if "error" in state:
            state["error"] = {"type": "unknown", "message": state["error"]}
        content.append({"type": "tool", "id": part["callID"], "name": part["tool"], "state": state})
    written = any(part.get("synthetic") for part in parts)
    kind = "synthetic" if written else record["role"]
    return version_2(record["tokens"], id=record["id"], time=record["time"], role=kind) | {
        "content": content
    }


def read(records: list[Json]) -> list[Usage]:
    import msgspec

    source = OpenCode(Context("opencode.db", b"k"))
    decoder = msgspec.json.Decoder(OpenCode.record_type)
    for number, record in enumerate(records, 1):
        assert list(source.parse(decoder.decode(json.dumps(record)), number)) == []
    return list(source.finish())


def database(path: Path, made: list[tuple[Json, list[Json]]], seed: int) -> None:
    """A database of version 1 whose rows are in any order, as they are when it was migrated."""

    def data(record: Json) -> str:
        return json.dumps({k: v for k, v in record.items() if k not in ("id", "sessionID")})

    rows = [(record["id"], SESSION, data(record)) for record, _ in made]
    parts = [(p["id"], p["messageID"], SESSION, data(p)) for _, parts in made for p in parts]
    random.Random(seed).shuffle(rows)
    random.Random(seed).shuffle(parts)
    connection = sqlite3.connect(path)
    connection.execute("create table message (id text, session_id text, data text)")
    connection.execute("create table part (id text, message_id text, session_id text, data text)")
    connection.executemany("insert into message values (?, ?, ?)", rows)
    connection.executemany("insert into part values (?, ?, ?, ?)", parts)
    connection.commit()
    connection.close()


def read_file(path: Path, folder: Path) -> list[Usage]:
    rows = Rows(folder)
    outcome = Reader(Piece(path=str(path)), b"k", rows).run()
    assert outcome.rejects == []
    return sorted(rows.held, key=lambda row: row.started_at or 0)


def test_tools_by_name_hash_and_size() -> None:
    one, two, three, four, five, six, seven = read(exported(TALK))
    assert [row.turn for row in (one, two, three, four, five, six, seven)] == [
        *("user", "tool", "tool", None, "user", None, None)
    ]
    assert [row.tool_names for row in (one, two, three)] == [["read"], ["bash", "wait"], None]
    assert (one.tool_result_hashes, one.tool_errors) == (None, None)
    assert (two.tool_result_bytes, two.tool_errors) == ([len('"abc"')], 0)
    assert (three.tool_result_bytes, three.tool_errors) == ([len('"not there"'), len('""')], 1)
    assert five.tool_names == ["read", "look"]
    assert five.tool_result_bytes == [len('"abc"'), len('"defg"')], "each step is told of the last"
    assert five.tool_call_hashes and one.tool_call_hashes == five.tool_call_hashes[:1]
    assert six.tool_names == ["look"] and seven.tool_result_hashes is None, "it never ended"


def test_every_form_tells_the_same(tmp_path: Path) -> None:
    whole = read(exported(TALK))
    assert read(apart(TALK)) == [
        row_with_line(row, number)
        for row, number in zip(whole, (2, 3, 4, 6, 8, 9, 10), strict=True)
    ]
    for seed in range(5):
        database(tmp_path / f"{seed}.db", messages(TALK), seed)
        rows = read_file(tmp_path / f"{seed}.db", tmp_path)
        assert list(map(told, rows)) == list(map(told, whole))
    talk = [(role, parts) for role, parts in TALK if parts.count(STEP) < 2]
    second = read([of_version_2(*each) for each in messages(talk)])
    assert list(map(told, second)) == list(map(told, read(exported(talk))))


def row_with_line(row: Usage, line: int) -> Usage:
    import msgspec

    return msgspec.structs.replace(row, line=line)


def test_versions_in_one_database_tell_a_call_once(tmp_path: Path) -> None:
    made = messages(TALK)
    database(tmp_path / "one.db", made, 1)
    database(tmp_path / "both.db", made, 1)
    connection = sqlite3.connect(tmp_path / "both.db")
    connection.execute(
        "create table session_message (id text, session_id text, type text, data text)"
    )
    for record, parts in made:
        copy = of_version_2(record, parts)
        row = (copy.pop("id"), copy.pop("sessionID"), copy.pop("role"), json.dumps(copy))
        connection.execute("insert into session_message values (?, ?, ?, ?)", row)
    connection.commit()
    connection.close()
    one, both = (read_file(tmp_path / name, tmp_path) for name in ("one.db", "both.db"))
    assert list(map(told, one)) == list(map(told, both))
    assert [row.call_id for row in one] == [row.call_id for row in both]


GIVEN: dict[str, tuple[Json, tuple[int, int] | None]] = {
    # name: (a tool called before, (bytes of its result, errors) that the next call is told)
    "an output": (ran("read", "abc"), (5, 0)),
    "an error": (ran("read", error="no"), (4, 1)),
    "an output with an image": (
        ran("read", "abc", attachments=[{"type": "file", "id": "prt_1", "url": "data:…"}]),
        (5 + 4000, 0),
    ),
    "an output dropped from later prompts": (ran("read", "abc", time={"compacted": 1}), (5, 0)),
    "a tool of the provider's": (
        ran("web_search", "abc") | {"metadata": {"providerExecuted": True}},
        None,
    ),
    "a tool still running": (ran("read"), None),
    "arguments cut off": (ran("read", status="pending"), None),
    "no state": (ran("read") | {"state": 7}, None),
    "no name": (ran("read", "abc") | {"tool": 7}, None),
}


@pytest.mark.parametrize("name", GIVEN)
def test_what_the_next_call_is_told(name: str) -> None:
    tool, expected = GIVEN[name]
    _, after = read(apart([("assistant", [tool]), ("assistant", [])]))
    found = after.tool_result_bytes and (sum(after.tool_result_bytes), after.tool_errors)
    assert found == expected
    assert after.turn == ("tool" if expected else None)


def test_a_tool_without_whole_arguments_is_no_call() -> None:
    [row] = read(apart([("assistant", [ran("read", status="pending")])]))
    assert row.tool_names is None


@pytest.mark.parametrize("parts", [None, 7, "x", {}, [None, 7, "x", [], {}]])
def test_parts_of_an_unknown_form_cost_no_call(parts: Any) -> None:
    [(record, _)] = messages([("assistant", [])])
    assert len(read([{"info": record, "parts": parts}, record | {"content": parts}])) == 1


def test_a_resumed_file_knows_what_was_said() -> None:
    import msgspec

    decoder = msgspec.json.Decoder(OpenCode.record_type)
    lines = [decoder.decode(json.dumps(record)) for record in apart(TALK)]
    for cut in range(len(lines) + 1):
        first, second = OpenCode(Context("a", b"k")), OpenCode(Context("a", b"k"))
        found: list[Usage] = []
        for source, stretch in ((first, lines[:cut]), (second, lines[cut:])):
            for line in stretch:
                assert list(source.parse(line, 1)) == []
            found += source.finish()
            second.resume(first.state())
        assert list(map(told, found)) == list(map(told, read(apart(TALK))))


@pytest.mark.parametrize("form", [exported, apart])
def test_claimed_by_it_alone(form: Any) -> None:
    for record in form(TALK):
        assert claimants(record) == [OpenCode]


def test_a_bad_message_does_not_hide_the_others_of_its_session(tmp_path: Path) -> None:
    [session] = exported(TALK)
    session["messages"][1]["info"]["tokens"]["input"] = "ten"
    path = tmp_path / "session.json"
    path.write_text(json.dumps(session, indent=2))
    rows = Rows(tmp_path)
    outcome = Reader(Piece(path=str(path)), b"k", rows).run()
    assert (outcome.source, outcome.rows) == ("opencode", 6)
    [reject] = outcome.rejects
    assert reject.reason.startswith("message 2 of 10: Expected `int`")
