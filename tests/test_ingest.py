"""Reading again, reading on, reading in parts, reading at once: always the same ledger."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SAMPLE_LOGS, Run
from tests.test_bad_input import call, calls, line

COLUMNS = (
    "select columns(lambda name: name <> 'ingest_id' and not regexp_matches(name, '_hash(es)?$')) "
    "from usage order by call_id"
)
"""Every fact of every call; hashes are keyed per ledger and differ between two."""


def everything(tokman: Run, ledger: str | Path = ".tokman") -> str:
    """All that a ledger answers."""
    facts = tokman("sql", COLUMNS, "-f", "json", "--ledger", ledger).out
    report = tokman("report", "--by", "workflow,model,day", "-f", "json", "--ledger", ledger).out
    rejects = tokman("sql", "from rejects order by all", "-f", "json", "--ledger", ledger).out
    assert facts
    return facts + report + rejects


def write(path: Path, numbers: range, **changes: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line(number, **changes) + b"\n" for number in numbers))


def test_the_same_logs_twice_change_nothing(tokman: Run, tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", range(50))
    tokman("ingest", "a.jsonl")
    before = everything(tokman)
    again = tokman("ingest", "a.jsonl")
    assert (again.code, "1 unchanged · 0 calls added" in again.err) == (0, True)
    os.utime(tmp_path / "a.jsonl")
    touched = tokman("ingest", "a.jsonl")
    assert "0 calls added" in touched.err
    assert everything(tokman) == before


def test_overlapping_files_count_each_call_once(tokman: Run, tmp_path: Path) -> None:
    write(tmp_path / "logs" / "a.jsonl", range(30))
    write(tmp_path / "logs" / "b.jsonl", range(20, 50))
    (tmp_path / "logs" / "c.jsonl.gz").write_bytes(
        gzip.compress((tmp_path / "logs" / "a.jsonl").read_bytes())
    )
    result = tokman("ingest", "logs")
    assert calls(tokman) == 50
    assert "50 calls added · 40 repeats counted once" in result.err
    assert "nothing in what was read" not in result.err


def test_a_grown_file_is_read_on_from_where_it_ended(
    tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tokman import pieces, reading, run

    log = tmp_path / "a.jsonl"
    write(log, range(100))
    tokman("ingest", log)
    seen: list[pieces.Piece] = []
    read = reading.read_pieces

    def watched(todo: list[pieces.Piece], *rest: Any) -> Any:
        seen.extend(todo)
        return read(todo, *rest)

    monkeypatch.setattr(run, "read_pieces", watched)
    size = log.stat().st_size
    with log.open("ab") as stream:
        stream.write(line(100) + b"\n" + b"torn\n" + line(101) + b"\n")
    grown = tokman("ingest", log)
    assert [(piece.start, piece.line) for piece in seen] == [(size, 101)]
    assert f"{log}:102: not JSON" in grown.err
    assert calls(tokman) == 102


def test_a_rotated_file_is_read_whole(tokman: Run, tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    write(log, range(5))
    tokman("ingest", log)
    write(log, range(100, 130))
    tokman("ingest", log)
    assert calls(tokman) == 35


def test_a_stateful_log_goes_on_where_it_was(tokman: Run, tmp_path: Path) -> None:
    """A Codex rollout that grows: the running total and the model carry over."""

    def event(second: int, kind: str, **payload: Any) -> bytes:
        stamp = f"2026-04-01T10:00:{second:02}.000Z"
        return json.dumps({"timestamp": stamp, "type": kind, "payload": payload}).encode() + b"\n"

    def count(second: int, total: int) -> bytes:
        tokens = {"input_tokens": total, "output_tokens": total // 10, "total_tokens": total}
        return event(second, "event_msg", type="token_count", info={"total_token_usage": tokens})

    parts = [
        event(1, "session_meta", id="s-1", cwd="/home/dev/web", model_provider="openai"),
        event(2, "turn_context", model="gpt-5.5"),
        count(3, 1000),
        count(4, 1000),
        count(5, 1500),
        count(6, 2500),
    ]
    for end in (4, 5, 6):
        (tmp_path / "rollout.jsonl").write_bytes(b"".join(parts[:end]))
        tokman("ingest", "rollout.jsonl")
    in_steps = everything(tokman)
    tokman("ingest", "rollout.jsonl", "--ledger", "whole")
    assert everything(tokman, "whole") == in_steps
    rows = json.loads(tokman("sql", "from charges order by started_at", "-f", "json").out)
    assert [row["input_tokens"] for row in rows] == [1000, 500, 1000]
    assert {row["model"] for row in rows} == {"gpt-5.5"}


@pytest.mark.parametrize("pack", ["plain", "gzip", "gzip cut short"])
def test_a_large_file_in_parts_is_the_same_as_whole(
    pack: str, tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tokman import files, jobs, run

    lines = [line(number) if number % 97 else b"torn" for number in range(1, 3000)]
    data = b"\n".join(lines)
    if pack != "plain":
        data = gzip.compress(data)[: -100 if "cut" in pack else None]
    (tmp_path / "a.jsonl").write_bytes(data)
    whole = tokman("ingest", "a.jsonl", "--ledger", "whole")
    rejects = tokman("sql", "from rejects", "-f", "csv", "--ledger", "whole").out
    assert ("ends early" in rejects) == ("cut" in pack)
    monkeypatch.setattr(jobs, "SPLIT", 20_000)
    monkeypatch.setattr(jobs, "STREAMED", 20_000)
    monkeypatch.setattr(jobs, "PACKED", 100)
    monkeypatch.setattr(files, "BLOCK", 9_000)
    monkeypatch.setattr(jobs, "TOGETHER", 1)
    monkeypatch.setattr(run, "ROWS", 500)
    parts = tokman("ingest", "a.jsonl", "--ledger", "parts")
    assert parts.err == whole.err
    assert everything(tokman, "parts") == everything(tokman, "whole")
    assert "0 calls added" in tokman("ingest", "a.jsonl", "--ledger", "parts").err


@pytest.mark.parametrize("pack", ["plain", "gzip", "array"])
def test_standard_input(pack: str, tokman: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from tokman import jobs

    monkeypatch.setattr(jobs, "STREAMED", 4000)
    data = b"\n".join(line(number) for number in range(60)) + b"\nbad\n" + line(60)
    if pack == "gzip":
        data = gzip.compress(data)
    if pack == "array":
        data = json.dumps([call(number) for number in range(61)]).encode()
    result = tokman("ingest", "-", stdin=data)
    assert calls(tokman) == 61
    if pack != "array":
        assert "<stdin>:61: not JSON" in result.err
    assert "0 calls added" in tokman("ingest", "-", stdin=data).err


def test_without_a_path_it_finds_the_usual_places(
    tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    empty = tokman("ingest")
    assert (empty.code, "no logs in the usual places" in empty.err) == (3, True)
    folder = tmp_path / "home" / ".claude" / "projects"
    folder.mkdir(parents=True)
    for path in SAMPLE_LOGS.glob("claude-projects/*/*.jsonl"):
        (folder / path.name).write_bytes(path.read_bytes())
    found = tokman("ingest")
    assert f"found claude-code logs in {folder}" in found.err
    assert calls(tokman) > 100


def test_a_glob_that_the_shell_left_alone(tokman: Run, tmp_path: Path) -> None:
    write(tmp_path / "logs" / "a.jsonl", range(3))
    write(tmp_path / "logs" / "b.jsonl", range(3, 5))
    tokman("ingest", "logs/*.jsonl")
    assert calls(tokman) == 5


def test_workers_leave_nothing_behind(tokman: Run, tmp_path: Path) -> None:
    leftover = tmp_path / ".tokman" / "tmp"
    leftover.mkdir(parents=True)
    (leftover / "999999999-dead.arrow").write_bytes(b"x")
    write(tmp_path / "a.jsonl", range(3))
    tokman("ingest", "a.jsonl")
    assert list(leftover.iterdir()) == []


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Logs of several formats, enough of them for an ingest to take a while. Each shares calls with
    the next, which dates them all a month later."""
    folder = tmp_path / "logs"
    for number in range(12):
        path = folder / f"openai-{number}.jsonl"
        write(path, range(number * 40, number * 40 + 60))
        later = b'"created": %d' % (1_767_225 + 2592 * number)
        path.write_bytes(path.read_bytes().replace(b'"created": 1767225', later))
    for path in sorted(SAMPLE_LOGS.glob("claude-projects/*/*.jsonl"))[:4]:
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def start(logs: Path, ledger: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tokman", "ingest", str(logs), "--ledger", str(ledger)]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


@pytest.mark.parametrize("seed", range(10))
def test_killed_at_any_instant_nothing_is_lost_or_doubled(
    seed: int, tokman: Run, tmp_path: Path, logs: Path
) -> None:
    tokman("ingest", logs, "--ledger", "calm")
    calm = everything(tokman, "calm")
    began = time.monotonic()
    start(logs, tmp_path / "warm").wait()
    whole = time.monotonic() - began
    chance = random.Random(seed)
    for round_ in range(5):
        ledger = tmp_path / f"ledger-{round_}"
        for _ in range(4):
            process = start(logs, ledger)
            time.sleep(chance.uniform(0.1, 1.0) * whole)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if (ledger / "ledger.json").exists():
                assert tokman("report", "--ledger", ledger).code in (0, 3), "the ledger opens"
        tokman("ingest", logs, "--ledger", ledger)
        assert everything(tokman, ledger) == calm


def test_four_at_once(tokman: Run, tmp_path: Path, logs: Path) -> None:
    tokman("ingest", logs, "--ledger", "calm")
    running = [start(logs, tmp_path / "shared") for _ in range(4)]
    assert {process.wait() for process in running} <= {0, 1}
    assert everything(tokman, "shared") == everything(tokman, "calm")


@pytest.mark.parametrize("pack", ["plain", "gzip", "zstd", "stdin"])
def test_a_database_dump_as_csv(pack: str, tokman: Run, tmp_path: Path) -> None:
    """LiteLLM's spend table as a database writes it: JSON in cells, empty cells, text counts."""
    import csv
    import io

    import zstandard

    out = io.StringIO()
    names = (
        "request_id call_type spend startTime endTime model custom_llm_provider prompt_tokens "
        "completion_tokens total_tokens metadata cache_hit status team_id"
    ).split()
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    for number in range(30):
        row = dict.fromkeys(names, "") | {
            "request_id": f"chatcmpl-AbCdEfGhIjKl{number:06}",
            "call_type": "acompletion",
            "spend": "0.00002",
            "startTime": "2026-01-01 00:00:00.5",
            "endTime": "2026-01-01 00:00:02",
            "model": "gpt-4o-mini",
            "custom_llm_provider": "openai",
            "prompt_tokens": "100",
            "completion_tokens": "10" if number != 7 else "ten",
            "total_tokens": "110",
            "metadata": json.dumps({"spend_logs_metadata": {"workflow": 'say "hi"'}}),
            "status": "success",
            "team_id": "red\nteam",
        }
        writer.writerow(row)
    data = out.getvalue().encode()
    packed = data
    if pack in ("gzip", "zstd"):
        packed = gzip.compress(data) if pack == "gzip" else zstandard.compress(data)
    (tmp_path / "spend.csv").write_bytes(packed)
    path = "-" if pack == "stdin" else "spend.csv"
    result = tokman("ingest", path, stdin=packed)
    assert (result.code, calls(tokman)) == (1, 29), result.err
    assert ":17: " in result.err, "a row ends on the second of its lines"
    assert "completion_tokens" in result.err
    rows = json.loads(tokman("sql", "from charges", "-f", "json").out)
    assert {(row["input_tokens"], row["output_tokens"]) for row in rows} == {(100, 10)}
    assert sum(row["billed_cost"] for row in rows) == pytest.approx(29 * 0.00002)


def test_a_packed_parquet_file_is_read(tokman: Run, tmp_path: Path) -> None:
    import gzip

    import pyarrow as pa
    import pyarrow.parquet as pq

    row = {"request_id": "chatcmpl-parquet-1", "call_type": "acompletion", "spend": "0.1",
           "startTime": "2026-11-02 10:00:00+00:00", "model": "gpt-5.5", "prompt_tokens": 10,
           "completion_tokens": 1, "total_tokens": 11, "status": "success"}  # fmt: skip
    plain = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist([row]), plain)
    packed = tmp_path / "rows.parquet.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    for number, path in enumerate((plain, packed)):
        done = tokman("ingest", path, "--ledger", tmp_path / f"l{number}")
        assert (done.code, "1 call added" in done.err) == (0, True), done.err
