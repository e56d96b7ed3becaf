"""What the ledger says of tools against a recount that shares no code with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .test_recount import SAMPLES, output

RECOUNT = Path(__file__).with_name("recount_tools.py")
QUESTION = """
with told as (
    select
        *,
        lead(tool_result_hashes) over thread as outcome,
    from usage
    where status = 'ok' and parent_id is null
    window thread as (partition by conversation_id, agent_name order by started_at, call_id)
),
runs as (
    select
        *,
        (tool_call_hashes, outcome) is not distinct from (
            lag(tool_call_hashes) over thread, lag(outcome) over thread
        ) and outcome is not null and tool_call_hashes is not null as again
    from told
    window thread as (partition by conversation_id, agent_name order by started_at, call_id)
),
numbered as (
    select
        *,
        sum((not again)::int) over (
            partition by conversation_id, agent_name order by started_at, call_id
        ) as run
    from runs
)
select
    sum(len(tool_call_hashes))::bigint as "calls of tools",
    sum(len(tool_result_hashes))::bigint as "results that a later call was given",
    coalesce(sum(tool_errors), 0)::bigint as failed,
    sum(again::int)::bigint as "the same again",
    (
        select max(n) from (
            select count(*) as n from numbered
            where outcome is not null
            group by conversation_id, agent_name, run
        )
    ) as "longest run of the same"
from numbered
"""


def columns(folder: Path, ledger: Path) -> dict[str, int]:
    output("-m", "tokman", "ingest", folder, "--ledger", ledger, codes=(0, 1))
    [row] = json.loads(
        output("-m", "tokman", "sql", QUESTION, "--format", "json", "--ledger", ledger)
    )
    return {name: int(value) for name, value in row.items()}


def test_real_transcripts_agree_with_the_recount_and_hold_no_loop(tmp_path: Path) -> None:
    folder = SAMPLES / "claude_code"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    expected: dict[str, int] = json.loads(output(RECOUNT, folder))
    assert expected["calls of tools"] > 1000
    assert expected["longest run of the same"] < 3
    assert columns(folder, tmp_path / "ledger") == expected


def test_a_session_that_goes_round_in_circles(tmp_path: Path) -> None:
    """Five times the same call with the same answer, then another answer."""
    records: list[dict[str, Any]] = []
    for turn, answer in enumerate(["no"] * 5 + ["yes"]):
        common = {"sessionId": "s", "timestamp": f"2026-01-01T00:00:{turn * 2:02}Z"}
        block = {"type": "tool_use", "id": f"t{turn}", "name": "Bash", "input": {"command": "x"}}
        message = {
            "id": f"msg_{turn}",
            "model": "claude-opus-4-5",
            "content": [block],
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        result = {"type": "tool_result", "tool_use_id": f"t{turn}", "content": answer}
        records.append({**common, "type": "assistant", "message": message})
        records.append({**common, "type": "user", "message": {"content": [result]}})
    last = json.loads(json.dumps(records[0]))
    last["message"] |= {"id": "msg_9", "content": []}
    records.append({**last, "timestamp": "2026-01-01T00:01:00Z"})
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    expected = {
        "calls of tools": 6,
        "results that a later call was given": 6,
        "failed": 0,
        "the same again": 4,
        "longest run of the same": 5,
    }
    assert json.loads(output(RECOUNT, folder)) == expected
    assert columns(folder, tmp_path / "ledger") == expected
