"""tokman's totals of real Langfuse traces against a recount that shares no code with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SHARED, Run

FOLDER = SHARED / "langfuse"
RECOUNT = Path(__file__).with_name("recount_langfuse.py")
CLASSES = (
    *("uncached_input_tokens", "output_tokens", "reasoning_output_tokens"),
    *("cache_read_input_tokens", "cache_write_5m_input_tokens", "audio_input_tokens"),
)


@pytest.mark.skipif(not FOLDER.exists(), reason="the shared samples are not here")
def test_every_file_and_class_agrees_with_the_recount(tokman: Run) -> None:
    done = subprocess.run([sys.executable, RECOUNT, FOLDER], capture_output=True, check=True)
    expected = json.loads(done.stdout)
    assert sum(file["calls"] for file in expected.values()) == 26
    assert tokman("ingest", FOLDER, "--ledger", "l").code == 0
    sums = ", ".join(f"sum({name})::bigint as {name}" for name in CLASSES)
    query = f"select file, count(*) as calls, {sums} from usage group by file"
    rows = json.loads(tokman("sql", query, "-f", "json", "--ledger", "l").out)
    none = dict.fromkeys(CLASSES[3:], 0)
    assert {Path(row.pop("file")).name: row for row in rows} == {
        name: counts | none for name, counts in expected.items()
    }


@pytest.mark.skipif(not FOLDER.exists(), reason="the shared samples are not here")
def test_list_prices_are_those_langfuse_computed(tokman: Run) -> None:
    """Where Langfuse priced a call by today's list, tokman's price is the same to a nano-dollar."""
    names = ("agno", "koog", "pydantic", "openai", "google-adk", "google-gemini", "microsoft")
    paths = [path for path in FOLDER.iterdir() if path.name.startswith(names)]
    computed: dict[str, float] = {}
    for path in paths:
        for seen in json.loads(path.read_text())["observations"]:
            computed[seen["id"]] = seen["totalCost"]
    assert tokman("ingest", *paths, "--ledger", "l").code == 0
    query = "select call_id, list_cost::double as cost from usage"
    rows = json.loads(tokman("sql", query, "-f", "json", "--ledger", "l").out)
    costs = {row["call_id"].rpartition(":")[2]: row["cost"] for row in rows}
    shared = costs.keys() & computed.keys()
    assert len(shared) >= 9
    for key in shared:
        assert costs[key] == pytest.approx(computed[key], abs=1e-9)
