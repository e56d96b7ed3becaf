"""`tokman ingest --check`: what it says of logs, and that it stores nothing."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SAMPLE_LOGS, Run
from tests.test_privacy import CANARY, TEXT

ROW: dict[str, Any] = {
    "time": "2026-05-01T10:00:00Z",
    "vendor": "openai",
    "modelName": "gpt-4o",
    "usage": {"tokensIn": 100, "cachedTokens": 40, "tokensOut": 20, "reasoningTokens": 5},
    "costUsd": 0.012,
    "latencyMs": 300,
    "feature": "search",
    "messages": TEXT,
}


def rows(count: int, **usage: Any) -> list[dict[str, Any]]:
    """Calls of which the usage is changed."""
    made = []
    for number in range(count):
        record = json.loads(json.dumps(ROW))
        record["requestId"] = f"req-{number:04}-abcd"
        record["usage"].update(usage)
        made.append(record)
    return made


def checked(tokman: Run, records: list[dict[str, Any]], name: str = "calls.jsonl") -> str:
    Path(name).write_text("\n".join(map(json.dumps, records)))
    result = tokman("ingest", "--check", name)
    assert result.code == 3
    assert not Path(".tokman").exists(), "nothing is stored"
    assert CANARY not in result.out + result.err
    return result.out


@pytest.mark.parametrize(
    ("usage", "cache", "reasoning"),
    [
        ({"total": 120}, True, True),
        ({"total": 160}, False, True),
        ({"total": 125}, True, False),
        ({"total": 165}, False, False),
        ({"cachedTokens": 400}, False, "unknown"),
        ({"reasoningTokens": 50}, "unknown", False),
        ({}, "unknown", "unknown"),
        ({"total": 999}, "unknown", "unknown"),
        ({"cachedTokens": 0, "reasoningTokens": 0, "total": 120}, "unknown", "unknown"),
    ],
)
def test_the_two_answers_are_what_the_totals_say(
    usage: dict[str, Any], cache: Any, reasoning: Any, tokman: Run
) -> None:
    if "total" in usage:
        usage = {**usage, "totalTokens": usage["total"]}
        del usage["total"]
    found = tomllib.loads(checked(tokman, rows(3, **usage)))["sources"]["calls"]
    assert (found["cache_in_input"], found["reasoning_in_output"]) == (cache, reasoning)


def test_a_model_is_known_by_its_values_whatever_the_column_is_called(tokman: Run) -> None:
    rows = [f"2026-11-01T10:00:{n:02}Z,openai/gpt-5.5,{100 + n},10,{110 + n}" for n in range(30)]
    log = "\n".join(["time,mdl,in_tok,out_tok,total", *rows])
    done = tokman("ingest", "--check", "-", stdin=log.encode())
    assert 'response_model = "mdl"' in done.out
    assert "30 calls" in done.out
    words = tokman("ingest", "--check", "-", stdin=log.replace("openai/gpt-5.5", "blue").encode())
    assert "none of its columns looks like a model" in words.out


def test_rows_that_disagree_leave_the_answer_open(tokman: Run) -> None:
    both = rows(2, totalTokens=120) + rows(2, totalTokens=160)
    out = checked(tokman, both)
    assert 'cache_in_input = "unknown"  # rows with cached tokens: 4, counted inside: 2' in out
    contradicting = rows(3, totalTokens=120) + rows(1, cachedTokens=400, totalTokens=120)
    assert 'cache_in_input = "unknown"' in checked(tokman, contradicting)


@pytest.mark.parametrize("form", ["jsonl", "csv", "page", "gzip"])
def test_a_proposal_can_be_pasted(form: str, tokman: Run, tmp_path: Path) -> None:
    records = rows(5, totalTokens=120)
    name = f"2026-05 gateway.{form}"
    if form == "csv":
        header = "Time,Model,Input Tokens,Cached Tokens,Output Tokens,Total Tokens,Prompt,Id"
        lines = [f"2026-05-01 10:00:00,gpt-4o,100,40,20,120,{TEXT},a-{n}" for n in range(5)]
        (tmp_path / name).write_text("\n".join([header, *lines]))
    elif form == "page":
        page = {"batch": {"calls": records, "size": 5}, "next": None}
        (tmp_path / name).write_text(json.dumps(page, indent=1))
    else:
        import gzip

        text = "\n".join(map(json.dumps, records)).encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if form == "gzip" else text)
    proposed = tokman("ingest", "--check", name)
    assert CANARY not in proposed.out
    assert "with this mapping: 5 calls · 500 input (40% cached) · 100 output tokens" in proposed.out
    (tmp_path / "tokman.toml").write_text(proposed.out)
    assert "(1 gateway) · 5 calls added" in tokman("ingest", name).err
    known = tokman("ingest", "--check", name)
    assert known.code == 0
    assert f"# {tmp_path / name}: gateway · 5 calls · 500 input (40% cached)" in known.out


def test_units_and_ids_of_a_proposal(tokman: Run) -> None:
    records = rows(3)
    for number, record in enumerate(records):
        record |= {"time": 1_777_890_030_500 + number, "costCents": 1.5, "took_s": 0.3}
        record |= {"id": f"chatcmpl-{number:012}", "meta": {"user.id": "u-1", "input": TEXT}}
        del record["requestId"], record["costUsd"], record["latencyMs"]
    found = tomllib.loads(checked(tokman, records))["sources"]["calls"]
    assert found["map"]["started_at"] == {"path": "time", "unit": "ms"}
    assert found["map"]["billed_cost"] == {"path": "costCents", "unit": "cents"}
    assert found["map"]["duration_ms"] == {"path": "took_s", "unit": "s"}
    assert found["map"]["call_id"] == "id"
    assert found["map"]["user_id"] == 'meta."user.id"'
    assert "key" not in found


@pytest.mark.parametrize(
    ("records", "doubt"),
    [
        ([{"a": 1}], "looks like the time of a call"),
        ([{"time": "2026-05-01T10:00:00Z", "a": 1}], "looks like a model"),
        ([{"time": "2026-05-01T10:00:00Z", "model": "gpt-4o"}], "looks like tokens or a cost"),
        (
            [{"date": f"2026-05-0{n}", "model": "gpt-4o", "input_tokens": n} for n in (1, 2)],
            "sums, it seems, and not calls",
        ),
    ],
)
def test_what_does_not_look_like_calls(
    records: list[dict[str, Any]], doubt: str, tokman: Run
) -> None:
    out = checked(tokman, records)
    assert doubt in out
    assert "[sources" not in out


def test_known_logs_are_counted_and_refusals_named(tokman: Run, tmp_path: Path) -> None:
    log = next(SAMPLE_LOGS.glob("litellm/*"))
    shown = tokman("ingest", "--check", log)
    stored = tokman("ingest", log, "--ledger", tmp_path / "ledger")
    counted = shown.out.split(" · ")[1]
    assert "litellm" in shown.out
    assert f"· {counted} added" in stored.err
    assert shown.code == stored.code
    (tmp_path / "torn.jsonl").write_text('{"broken\n' + json.dumps({"x": 1}))
    torn = tokman("ingest", "--check", "torn.jsonl")
    assert (torn.code, "none of its columns" in torn.out) == (3, True)


def test_a_folder_shows_its_logs_only(tokman: Run, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "notes.txt").write_text("nothing of interest\n")
    (folder / "calls.jsonl").write_text("\n".join(map(json.dumps, rows(2))))
    out = tokman("ingest", "--check", folder).out
    assert "[sources.calls]" in out
    assert "notes" not in out
    assert "no such file" in tokman("ingest", "--check", "nowhere").err


def test_hostile_keys_do_no_harm(tokman: Run) -> None:
    records = rows(2)
    for record in records:
        record |= {"\x1b[31mcost": 1, 'a"b': {"cost": 2}, "x.y": {"deep.cost": 3}, "": 4}
    out = checked(tokman, records)
    assert "\x1b" not in out
    tomllib.loads(out)


def test_standard_input(tokman: Run) -> None:
    data = "\n".join(map(json.dumps, rows(2, totalTokens=120))).encode()
    out = tokman("ingest", "--check", "-", stdin=data).out
    assert "<stdin>: no format tokman knows" in out
    assert "[sources.stdin]" in out


def test_a_statement_is_shown_by_its_lines(tokman: Run, tmp_path: Path) -> None:
    row = {"object": "organization.usage.moderations.result", "input_tokens": 1}
    times = {"object": "bucket", "start_time": 1_777_593_600, "end_time": 1_777_680_000}
    (tmp_path / "usage.json").write_text(json.dumps({**times, "results": [row, row]}))
    out = tokman("ingest", "--check", "usage.json").out
    assert "openai-admin · 2 lines of statements · 0 lines refused" in out
    assert "calls" not in out
