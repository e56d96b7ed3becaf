"""sample_logs/ end to end: the books of its generator tie, what is planted is found, no more."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SAMPLE_LOGS, Run
from tokman import query
from tokman.config import Config
from tokman.ledger import Ledger

BOOKS = json.loads((SAMPLE_LOGS / "expected.json").read_text(), parse_float=Decimal)
CLASSES = {
    "uncached_input": "sum(uncached_input_tokens + image_input_tokens)",
    "cache_read": "sum(cache_read_input_tokens)",
    "cache_write_5m": "sum(cache_write_5m_input_tokens)",
    "cache_write_1h": "sum(cache_write_1h_input_tokens)",
    "output": "sum(output_tokens)",
    "reasoning": "sum(reasoning_output_tokens)",
}


def ask(tokman: Run, ledger: Path, question: str) -> list[dict[str, Any]]:
    answer = tokman("sql", question, "-f", "json", "--ledger", ledger)
    assert answer.code == 0, answer.err
    rows: list[dict[str, Any]] = json.loads(answer.out, parse_float=Decimal)
    return rows


def test_every_call_and_token_is_counted_once(tokman: Run, sample_ledger: Path) -> None:
    want: dict[str, Counter[str]] = {}
    for name, book in BOOKS["sources"].items():
        sums = want.setdefault(name.removesuffix("-batch"), Counter())
        sums.update({"calls": book["calls"], **book["tokens"]})
    columns = ", ".join(f"{sum_}::bigint as {name}" for name, sum_ in CLASSES.items())
    rows = ask(
        tokman,
        sample_ledger,
        f"select source, count(*) as calls, {columns} from charges "
        "where status = 'ok' and not response_cache_hit group by source",
    )
    assert {row.pop("source"): Counter(row) for row in rows} == want


def test_failures_cache_hits_and_unpriced_calls(tokman: Run, sample_ledger: Path) -> None:
    [row] = ask(
        tokman,
        sample_ledger,
        "select count(*) filter (status = 'error') as failed_calls, "
        "count(*) filter (response_cache_hit) as response_cache_hits, "
        "count(*) filter (unpriced) as unpriced_calls, "
        "coalesce(sum(list_cost) filter (response_cache_hit), 0) as hits_cost from charges",
    )
    assert row.pop("hits_cost") == 0
    assert row == {name: BOOKS["all"][name] for name in row}


def test_costs_tie_to_the_books(tokman: Run, sample_ledger: Path) -> None:
    """At half price for what ran in a batch; to the half micro-dollar that the books round by."""
    rows = ask(
        tokman,
        sample_ledger,
        "select source || if(service_tier = 'batch', '-batch', '') as source, "
        "sum(list_cost) as cost from charges group by all",
    )
    assert len(rows) == len(BOOKS["sources"])
    for row in rows:
        stated = BOOKS["sources"][row["source"]]["list_cost_usd"]
        if row["source"].endswith("-batch"):
            stated /= 2
        assert abs(row["cost"] - stated) <= Decimal("5e-7"), row["source"]


def test_the_gateway_billed_what_the_list_says(tokman: Run, sample_ledger: Path) -> None:
    rows = ask(
        tokman,
        sample_ledger,
        "select workflow, sum(list_cost) as listed, sum(billed_cost) as billed from charges "
        "where source = 'litellm' and not unpriced group by workflow",
    )
    assert rows
    for row in rows:
        assert abs(row["listed"] - row["billed"]) < Decimal("1e-9"), row["workflow"]


def test_the_torn_lines_are_named(tokman: Run, sample_ledger: Path) -> None:
    rejects = ask(tokman, sample_ledger, "from rejects")
    found = {f"{Path(row['path']).relative_to(SAMPLE_LOGS)}:{row['line']}" for row in rejects}
    assert found == {f"{torn['file']}:{torn['line']}" for torn in BOOKS["rejects"]}


@pytest.fixture(scope="module")
def plan(sample_ledger: Path) -> dict[str, Any]:
    import subprocess
    import sys

    command = [sys.executable, "-m", "tokman", "recommend", "-f", "json"]
    done = subprocess.run(
        [*command, "--ledger", str(sample_ledger)], capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout, parse_float=Decimal)
    return answer


@pytest.fixture(scope="module")
def tools_read(sample_ledger: Path) -> bool:
    """Whether the ledger has what came of tool calls."""
    connection = query.connect(Ledger(sample_ledger), Config())
    seen = connection.execute("select count(tool_result_hashes) > 0 from charges").fetchone()
    return seen == (True,)


def test_the_planted_findings_are_found(plan: dict[str, Any], tools_read: bool) -> None:
    found = {(one["lever"], one["workflow"]) for one in plan["recommendations"]}
    assert found == {
        ("downgrade", "ticket-labels"),
        ("prompt cache", "docs-qa"),
        # Its writes live an hour, and no turn comes later than five minutes after the one before.
        ("prompt cache", "lumen-web"),
        ("batch", "nightly-digest"),
        *([("stop", "lumen-web")] if tools_read else []),
    }


def test_the_loop_is_found_to_the_cent(plan: dict[str, Any], tools_read: bool) -> None:
    """One session, one command, one result, 40 times: what came after the third is counted."""
    if not tools_read:
        pytest.skip("the transcripts' tools are not read")
    [loop] = [one for one in plan["recommendations"] if one["lever"] == "stop"]
    [planted] = [one for one in BOOKS["findings"] if one["lever"] == "stop"]
    session = planted["why"].split()[1].rstrip(":")
    assert loop["calls"] == 37
    saved = sum(one["window_incremental"] for one in plan["levers"] if one["lever"] == "stop")
    assert abs(saved - planted["rough_saving_usd"]) <= Decimal("0.005")
    assert session in loop["how"]


def test_what_must_not_be_found(plan: dict[str, Any]) -> None:
    found = {(one["lever"], one["workflow"]) for one in plan["recommendations"]}
    for workflow in ("support-assistant", "docs-qa", "lumen-web", None):
        assert ("batch", workflow) not in found
    assert ("prompt cache", "support-assistant") not in found
    assert ("downgrade", "lumen-web") not in found


def test_the_batch_saving_is_half_of_the_job(plan: dict[str, Any]) -> None:
    [batch] = [one for one in plan["recommendations"] if one["lever"] == "batch"]
    assert batch["calls"] == 3368
    assert batch["identified_saving"] == batch["spend"] / 2


def test_the_plan_adds_up(plan: dict[str, Any]) -> None:
    saved = sum(lever["window_incremental"] for lever in plan["levers"])
    assert plan["window_spend_before"] - plan["window_spend_after"] == saved
    assert 0 < saved <= plan["window_spend_before"]
    for one in plan["recommendations"]:
        assert 0 <= one["expected_low"] <= one["expected_high"] <= one["identified_saving"]
        assert one["evidence_words"] and one["how"] and one["risks"] and one["proof"]


def test_the_bill_is_tied_to_the_logs(tokman: Run, sample_ledger: Path) -> None:
    """Three differences are planted in Anthropic's bill; each is named, to the last digit."""
    done = tokman("reconcile", "-f", "json", "--ledger", sample_ledger)
    [answer] = json.loads(done.out, parse_float=Decimal)
    planted = BOOKS["bill"]
    assert done.code == 0
    assert answer["provider"] == planted["provider"]
    found = {part["part"]: Decimal(part["amount"]) for part in answer["parts"]}
    assert found == {part: Decimal(usd) for part, usd in planted["differences_usd"].items()}
