"""A transcript tells the same wherever a reader would cut it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.sources import records
from tests.sources.agents.test_claude_code import ASKED, progress, result, said, told, uses


def talk(seed: int) -> list[dict[str, Any]]:
    """A session with an agent beside it: messages of several lines, results between them."""
    pick = random.Random(seed)
    lines, number = [ASKED], 0
    for turn in range(30):
        who = pick.choice(({}, {"isSidechain": True, "agentId": "a1"}))
        open_calls: list[str] = []
        for _ in range(pick.randint(1, 4)):
            number += 1
            call = (f"t{number}", pick.choice(("Read", "Bash")), {"n": number})
            lines.append(uses(call, identity=f"msg_{turn}", **who))
            open_calls.append(call[0])
            if pick.random() < 0.3:
                lines.append(told(result(open_calls.pop(), "y" * pick.randint(1, 300)), **who))
            if pick.random() < 0.2:
                lines.append(progress(said(f"msg_p{turn}")))
        failed = pick.random() < 0.3
        lines += [told(result(call, "x" * 90, is_error=failed), **who) for call in open_calls]
        if pick.random() < 0.3:
            lines.append(ASKED | who)
    return lines


@pytest.mark.parametrize("seed", range(4))
def test_where_a_transcript_is_cut_changes_no_column(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = records.lines(talk(seed))
    whole = records.read_file(tmp_path / "a.jsonl", content)
    assert sum(bool(row.tool_result_hashes) for row in whole.rows) > 10
    for size in random.Random(seed).sample(range(1, len(content)), 30):
        parts = records.read_in_parts(tmp_path / "a.jsonl", content, size, monkeypatch)
        assert parts.facts() == whole.facts(), size
