"""tokman's statements of the sample exports against a recount that shares no code with it."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import SHARED, Run

FOLDERS = [SHARED / name for name in ("openai_admin", "anthropic_admin", "csv_exports")]
RECOUNT = Path(__file__).with_name("recount_statements.py")
SUMMED = (
    *("uncached_input_tokens", "cache_read_input_tokens", "cache_write_5m_input_tokens"),
    *("output_tokens", "web_search_requests", "file_search_requests", "requests"),
    *("quantity", "billed_amount", "list_amount"),
)


@pytest.mark.skipif(not FOLDERS[0].exists(), reason="the shared samples are not here")
def test_every_kind_part_and_model_agrees_with_the_recount(tokman: Run) -> None:
    done = subprocess.run([sys.executable, RECOUNT, *FOLDERS], capture_output=True, check=True)
    expected = json.loads(done.stdout)
    assert sum(int(found["lines"]) for found in expected.values()) == 24 + 23 + 7
    result = tokman("ingest", *FOLDERS, "--ledger", "l")
    assert (result.code, "refused" in result.err) == (0, False), result.err
    sums = ", ".join(f"sum({name})::varchar as {name}" for name in SUMMED)
    key = "file.split('/')[-2] || ' ' || kind || ' ' || part || ' ' || coalesce(model, '-')"
    query = f"select {key} as key, count(*)::varchar as lines, {sums} from statements group by 1"
    rows = json.loads(tokman("sql", query, "-f", "json", "--ledger", "l").out)
    assert {row["key"] for row in rows} == set(expected)
    for row in rows:
        for name in ("lines", *SUMMED):
            told = Decimal(expected[row["key"]].get(name, 0))
            assert Decimal(row[name] or 0) == told, (row["key"], name)
