"""tokman's totals against a recount that shares no code with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT.parent / "shared" / "samples"
RECOUNT = Path(__file__).with_name("recount.py")

CASES = {
    "claude_code": SAMPLES / "claude_code",
    "codex": SAMPLES / "codex",
    "gemini_cli": SAMPLES / "gemini_cli",
    "sample_logs": ROOT / "sample_logs",
}


def output(*command: object, codes: tuple[int, ...] = (0,)) -> bytes:
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, cwd=ROOT)
    assert done.returncode in codes, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("name", CASES)
def test_every_class_agrees_with_the_recount(name: str, tmp_path: Path) -> None:
    folder = CASES[name]
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    expected: dict[str, dict[str, int]] = json.loads(output(RECOUNT, folder))
    assert expected, f"nothing to count in {folder}"

    ledger = tmp_path / "ledger"
    # 1: read, with refused lines; the real logs have lines that were cut off in writing.
    output("-m", "tokman", "ingest", folder, "--ledger", ledger, codes=(0, 1))
    for source, counts in expected.items():
        assert tokman_counts(ledger, source, counts) == counts


def tokman_counts(ledger: Path, source: str, names: dict[str, int]) -> dict[str, Any]:
    sums = ", ".join(f"sum({name})::bigint as {name}" for name in names if name != "calls")
    question = (
        f"select count(*) as calls, {sums} from usage where source = '{source}' and status = 'ok'"
    )
    answer = output("-m", "tokman", "sql", question, "--format", "json", "--ledger", ledger)
    rows: list[dict[str, Any]] = json.loads(answer)
    return rows[0]


def test_a_message_counts_once_with_its_largest_output(tmp_path: Path) -> None:
    lines = [
        message("m1", 3, kind="assistant"),
        message("m1", 40, kind="assistant"),
        message("m1", 40, kind="assistant"),
        message("m2", 7, kind="progress"),
        message("m3", 9, kind="assistant", model="<synthetic>"),
        "cut off {",
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    (tmp_path / "b.jsonl").write_text(message("m1", 3, kind="assistant"))
    assert json.loads(output(RECOUNT, tmp_path)) == {
        "claude-code": {
            "calls": 2,
            "cache_read_input_tokens": 0,
            "cache_write_1h_input_tokens": 10,
            "cache_write_5m_input_tokens": 4,
            "output_tokens": 47,
            "uncached_input_tokens": 2,
        }
    }


def message(key: str, tokens: int, *, kind: str, model: str = "claude-opus-4-5") -> str:
    usage = {
        "input_tokens": 1,
        "cache_creation_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 5},
        "output_tokens": tokens,
    }
    line = {"type": "assistant", "message": {"id": key, "model": model, "usage": usage}}
    if kind == "progress":
        line = {"type": "progress", "data": {"type": "agent_progress", "message": line}}
    return json.dumps(line)


def test_a_session_counts_once_with_its_last_total(tmp_path: Path) -> None:
    for name, totals in {"early": (10, 30), "late": (10, 30, 30, 100)}.items():
        lines = [{"type": "session_meta", "payload": {"id": "s"}}]
        lines += [{"type": "event_msg", "payload": count(total)} for total in totals]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert json.loads(output(RECOUNT, tmp_path)) == {
        "codex": {
            "calls": 3,
            "cache_read_input_tokens": 25,
            "cache_write_5m_input_tokens": 0,
            "output_tokens": 50,
            "reasoning_output_tokens": 5,
            "uncached_input_tokens": 25,
        }
    }


def count(total: int) -> dict[str, Any]:
    tokens = {
        "input_tokens": total // 2,
        "cached_input_tokens": total // 4,
        "output_tokens": total // 2,
        "reasoning_output_tokens": total // 20,
        "total_tokens": total,
    }
    return {"type": "token_count", "info": {"total_token_usage": tokens}}


def test_a_session_counts_each_message_once_rewound_or_not(tmp_path: Path) -> None:
    head = {"sessionId": "s", "projectHash": "h"}
    tokens = {"input": 10, "output": 3, "cached": 4, "thoughts": 2, "tool": 1, "total": 16}
    one, two = ({"id": key, "type": "gemini", "tokens": tokens} for key in ("m1", "m2"))
    lines = [head, one, one, {"$rewindTo": "m1"}, two, {"$set": {"messages": [two]}}]
    (tmp_path / "new.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "old.json").write_text(json.dumps(head | {"messages": [one]}))
    assert json.loads(output(RECOUNT, tmp_path)) == {
        "gemini-cli": {
            "calls": 2,
            "cache_read_input_tokens": 8,
            "output_tokens": 10,
            "reasoning_output_tokens": 4,
            "uncached_input_tokens": 14,
        }
    }
