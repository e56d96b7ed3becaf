"""Pauses in real transcripts of a coding agent: what was written again, counted a second time."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tokman import query, rates
from tokman.config import Config, Rates
from tokman.ledger import Ledger
from tokman.recommend import recommend
from tokman.recommend.prompt_cache import PromptCache

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "samples" / "claude_code"
FOUND = re.compile(
    r"([\d,]+) turns came after the cache had died and wrote ([\d,]+) tokens again \(\$([\d.,]+)\)"
)
USD = {"claude-opus-4-5": (6.25, 0.5), "claude-opus-4-6": (6.25, 0.5), "claude-sonnet-4-5": (3.75, 0.3)}  # fmt: skip # noqa: E501
"""What a million tokens cost, written for five minutes and read, by the vendor's list."""

Found = list[tuple[int, int, float]]
"""Turns, tokens, USD of each workflow and model."""


def stated(texts: list[str]) -> Found:
    found = [match for text in texts for match in FOUND.findall(text)]
    return sorted(
        (int(turns.replace(",", "")), int(tokens.replace(",", "")), float(usd.replace(",", "")))
        for turns, tokens, usd in found
    )


def counted(rows: list[dict[str, Any]]) -> Found:
    """The same from the calls one after another."""
    turns: Counter[tuple[str, str]] = Counter()
    tokens: Counter[tuple[str, str]] = Counter()

    def thread(row: dict[str, Any]) -> tuple[str, ...]:
        return row["talk"], row["model"], row["workflow"], row["thread"]

    lasting = {thread(row) for row in rows if row["hour"]}
    before: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        last = before.get(thread(row))
        before[thread(row)] = row
        if last is None or thread(row) in lasting:
            continue
        held = last["read"] + last["short"]
        in_time = 300 * 10**6 < row["at"] - last["at"] <= 3600 * 10**6
        if in_time and row["read"] < held <= row["read"] + row["short"]:
            turns[row["model"], row["workflow"]] += 1
            tokens[row["model"], row["workflow"]] += held - row["read"]
    found = []
    for (model, workflow), count in turns.items():
        write, read = next(usd for name, usd in USD.items() if model.startswith(name))
        again = tokens[model, workflow]
        found.append((count, again, again * (write - read) / 10**6))
    return sorted(found)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the shared samples are not here")
def test_what_pauses_cost(tokman: Run, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    tokman("ingest", FOLDER, "--ledger", ledger)
    # On the calls as they were: other levers would come first and take some away.
    connection = query.connect(Ledger(ledger), Config())
    plan = recommend(connection, rates.load(Rates()), Config(), levers=[PromptCache()])
    texts = [fact for one in plan.recommendations for fact in one.facts]
    texts += [left.why for left in plan.left]
    question = (
        "select conversation_id as talk, model, workflow, coalesce(agent_name, '') as thread, "
        "epoch_us(started_at)::bigint as at, cache_read_input_tokens as read, "
        "cache_write_5m_input_tokens as short, cache_write_1h_input_tokens as hour "
        "from charges where status = 'ok' and list_cost > 0 order by started_at, call_id"
    )
    rows = json.loads(tokman("sql", question, "-f", "json", "--ledger", ledger).out)
    found, again = stated(texts), counted(rows)
    assert [one[:2] for one in found] == [one[:2] for one in again]
    assert [one[2] for one in found] == pytest.approx([one[2] for one in again], abs=0.0051)
    assert sum(usd for *_, usd in found) > 10
