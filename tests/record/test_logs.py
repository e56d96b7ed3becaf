"""Of the logs that a command writes to, what it wrote is recorded, and nothing of before."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.ledgers import call
from tests.record.conftest import SUITE, Record, calls, left_behind

MAPPING = """
[sources.ours]
match.keys = ["model", "in", "out"]
[sources.ours.map]
call_id = "id"
request_model = "model"
started_at = "at"
input_tokens = "in"
output_tokens = "out"
"""

SAID: dict[str, Any] = {
    "type": "assistant",
    "sessionId": "s",
    "timestamp": "2026-01-01T00:00:01Z",
    "message": {
        "id": "msg_01AbCdEfGhIjKlMnOpQrStUv",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "output_tokens": 7},
    },
}

OLD = [call(number, f"2026-11-02 10:00:0{number}") for number in range(3)]
NEW = [call(number, f"2026-11-02 10:00:0{number}", prompt=500) for number in range(3, 5)]


def written(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def appends(path: Path, text: str) -> list[str]:
    """A command that appends to a log."""
    more = path.parent / f"{path.name}.more"
    more.write_text(text)
    return ["sh", "-c", f"cat {more} >> {path}"]


def recorded() -> list[str]:
    return sorted(each["call_id"] for each in calls() if each["run_id"])


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str(row["request_id"]) for row in rows)


@pytest.mark.parametrize("ingested", [False, True])
@pytest.mark.parametrize("start", [written(OLD), written(OLD)[:-1]])
def test_a_log_that_grew(
    start: str, ingested: bool, record: Record, tokman: Run, tmp_path: Path
) -> None:
    """Only its new lines are the run's; what an ingest reads before or after is the same."""
    log = tmp_path / "logs" / "a.jsonl"
    log.parent.mkdir()
    log.write_text(start)
    if ingested:
        tokman("ingest", log)
    lacks = "" if start.endswith("\n") else "\n"
    done = record("--log", "logs", "--case", "nightly", "--", *appends(log, lacks + written(NEW)))
    assert done.code == 0, done.err
    assert "2 calls recorded" in done.err and "1 log read" in done.err
    assert recorded() == ids(NEW)
    assert {each["case_id"] for each in calls() if each["run_id"]} == {"nightly"}
    before = {each["call_id"]: each["run_id"] for each in calls()}
    assert sorted(before) == ids(OLD + NEW if ingested else NEW)
    assert tokman("ingest", log).code == 0
    after = {each["call_id"]: each["run_id"] for each in calls()}
    assert sorted(after) == ids(OLD + NEW)
    assert {key: run for key, run in after.items() if run} == {
        key: run for key, run in before.items() if run
    }


def test_a_last_line_that_was_torn_is_the_runs(record: Record, tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    line = written(NEW[:1])
    log.write_text(written(OLD) + line[:30])
    assert record("--log", log, "--", *appends(log, line[30:])).code == 0
    assert recorded() == ids(NEW[:1])


def test_a_log_that_appeared_and_one_that_did_not_change(record: Record, tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text(written(OLD))
    done = record("--log", "*.jsonl", "--", *appends(tmp_path / "new.jsonl", written(NEW)))
    assert done.code == 0 and "1 log read" in done.err
    assert [each["call_id"] for each in calls()] == ids(NEW)


def test_a_log_that_is_rotated(record: Record, tmp_path: Path) -> None:
    """What was moved away is known under its new name, and so is what was added to it before."""
    log = tmp_path / "a.jsonl"
    log.write_text(written(OLD))
    (tmp_path / "1").write_text(written(NEW[:1]))
    (tmp_path / "2").write_text(written(NEW[1:]))
    rotate = "cat 1 >> a.jsonl; mv a.jsonl a.1.jsonl; cp 2 a.jsonl"
    assert record("--log", "a*.jsonl", "--", "sh", "-c", rotate).code == 0
    assert recorded() == ids(NEW)
    assert len(calls()) == len(NEW)


def test_a_log_that_is_written_over(record: Record, tmp_path: Path) -> None:
    """Only the time of a call tells then; where it states none, this is said."""
    log = tmp_path / "a.json"
    log.write_text(json.dumps(OLD))
    program = (
        "import datetime, json\n"
        "rows = json.load(open('a.json'))\n"
        "now = datetime.datetime.now(datetime.UTC).isoformat()\n"
        f"rows.append({NEW[0]!r} | {{'startTime': now}})\n"
        f"rows.append({SAID['message']!r})\n"
        "json.dump(rows, open('a.json', 'w'))\n"
    )
    done = record("--log", log, "--", sys.executable, "-c", program)
    assert done.code == 0, done.err
    assert recorded() == ids(NEW[:1])
    assert "1 call left out: their log was written over" in done.err


def test_packed_logs(record: Record, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(written(NEW))
    assert record("--log", "*.gz", "--", "gzip", "a.jsonl").code == 0
    assert recorded() == ids(NEW)


def test_what_is_refused_is_named_and_only_of_the_run(record: Record, tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    log.write_text("{torn\n" + written(OLD))
    done = record(
        "--log", log, "--log", "none/*", "--", *appends(log, written(NEW) + "{also torn\n")
    )
    assert done.code == 0
    assert f"{log}:7: not JSON" in done.err and f"{log}:1" not in done.err
    assert "none/*: no such file or folder" in done.err
    assert recorded() == ids(NEW)


def test_a_log_of_no_known_format(record: Record, tmp_path: Path) -> None:
    done = record("--log", "x.jsonl", "--", *appends(tmp_path / "x.jsonl", '{"a": 1}\n'))
    assert done.code == 0
    assert "x.jsonl: no format tokman reads" in done.err


def test_usual_places(record: Record, tmp_path: Path) -> None:
    place = tmp_path / ".claude" / "projects" / "web"
    place.mkdir(parents=True)
    command = appends(place / "s.jsonl", json.dumps(SAID) + "\n")
    (place / "s.jsonl.more").rename(tmp_path / "more")
    command[-1] = f"cat {tmp_path}/more >> {place}/s.jsonl"
    done = record("--usual-places", "--", *command, HOME=str(tmp_path))
    assert done.code == 0, done.err
    assert recorded() == ["msg_01AbCdEfGhIjKlMnOpQrStUv"]


def test_a_call_in_a_span_and_in_a_log_is_one(record: Record, tmp_path: Path) -> None:
    """The span's own case goes before that of the whole run, which the log's sighting gets."""
    (tmp_path / "a.jsonl").write_text("")
    response = NEW[0]["request_id"]
    span = (
        "import json, os, urllib.request as u\n"
        "def a(k, v): return {'key': k, 'value': {'stringValue': v}}\n"
        "span = {'traceId': 'ab' * 16, 'spanId': 'cd' * 8,"
        " 'startTimeUnixNano': '1793613600000000000', 'attributes': ["
        "a('gen_ai.operation.name', 'chat'), a('tokman.case', 'login'),"
        f"a('gen_ai.response.id', '{response}'), a('gen_ai.usage.input_tokens', '500')]}}\n"
        "body = {'resourceSpans': [{'scopeSpans': [{'spans': [span]}]}]}\n"
        "to = os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] + '/v1/traces'\n"
        "headers = {'Content-Type': 'application/json'}\n"
        "u.urlopen(u.Request(to, json.dumps(body).encode(), headers)).read()\n"
        f"open('a.jsonl', 'a').write({written(NEW)!r})\n"
    )
    done = record("--case", "all", "--log", "a.jsonl", "--", sys.executable, "-c", span)
    assert done.code == 0, done.err
    assert "2 calls recorded" in done.err and "2 cases" in done.err
    assert {each["call_id"]: each["case_id"] for each in calls()} == {
        NEW[0]["request_id"]: "login",
        NEW[1]["request_id"]: "all",
    }


def test_an_answer_replayed_is_the_call_of_the_run_that_made_it(
    record: Record, tmp_path: Path
) -> None:
    for number, run in enumerate(("z-first", "a-later")):
        command = appends(tmp_path / f"{number}.jsonl", written(NEW))
        done = record("--run", run, "--case", run, "--log", f"{number}.jsonl", "--", *command)
        assert done.code == 0
    assert "0 calls recorded as run a-later" in done.err and "2 of an earlier run" in done.err
    assert {(each["run_id"], each["case_id"]) for each in calls()} == {("z-first", "z-first")}


def test_a_corrected_mapping_keeps_the_run(record: Record, tokman: Run, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(MAPPING)
    row = {"id": "call-0000001", "model": "gpt-5.5", "in": 9, "out": 1, "who": "ann"}
    row["at"] = "2026-11-01T00:00:00Z"
    command = appends(tmp_path / "a.jsonl", json.dumps(row) + "\n")
    done = record(
        "--map", "m.toml", "--run", "r-1", "--case", "x", "--log", "a.jsonl", "--", *command
    )
    assert done.code == 0, done.err
    assert tokman("ingest", "a.jsonl", "--map", "m.toml").code == 0
    (tmp_path / "m.toml").write_text(MAPPING + 'user_id = "who"\n')
    assert tokman("ingest", "a.jsonl", "--map", "m.toml").code == 0
    (each,) = calls()
    assert (each["user_id"], each["run_id"], each["case_id"]) == ("ann", "r-1", "x")


def test_only_logs(record: Record, tmp_path: Path) -> None:
    command = appends(tmp_path / "a.jsonl", written(NEW))
    command[-1] += f"; {' '.join(SUITE)} login 2>/dev/null"
    assert record("--no-otlp", "--log", "a.jsonl", "--", *command).code == 0
    assert recorded() == ids(NEW)
    assert left_behind() == []
