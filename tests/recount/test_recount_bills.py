"""Cloud bills: every file of the samples is read to the cent, or passed over with a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import SHARED, Run
from tests.sources.statements.bills import read, total

RECOUNT = Path(__file__).with_name("recount_bills.py")
FILES = sorted(path for name in ("focus", "azure", "gcp") for path in (SHARED / name).glob("*"))
DESCRIPTIONS = (
    "costroid_aws_focus_manifest.json",
    "costroid_azure_focus_manifest.json",
    "finops_toolkit_FocusCost_1.2-preview.metadata.json",
)
"""They say which files an export has, or which columns: no charge is in them."""
needs_samples = pytest.mark.skipif(not FILES, reason="the shared samples are not here")


@needs_samples
def test_every_bill_adds_up_to_the_recount() -> None:
    done = subprocess.run([sys.executable, RECOUNT, *FILES], capture_output=True, check=True)
    expected = json.loads(done.stdout)
    read_files = 0
    for path in FILES:
        if path.name in DESCRIPTIONS:
            continue
        rows, outcome = read(path)
        sums = expected[path.name]
        assert not outcome.rejects and outcome.lines, path
        for name in sums.keys() - {"lines"}:
            assert total(rows, f"{name}_amount") == Decimal(sums[name]), (path, name)
        read_files += 1
    assert read_files == len(FILES) - len(DESCRIPTIONS)


@needs_samples
def test_descriptions_of_exports_are_passed_over(tokman: Run) -> None:
    done = tokman("ingest", SHARED / "focus", SHARED / "azure", "--ledger", "l")
    assert done.code == 0
    for name in DESCRIPTIONS:
        path = next(path for path in FILES if path.name == name)
        named = tokman("ingest", path, "--ledger", "named")
        assert (named.code, "no format tokman reads" in named.err) == (3, True)
