"""Ledgers of the cost suite, and the gate's standing clock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.check.conftest import that_day as that_day
from tests.conftest import ROOT
from tests.ledgers import made

SUITE = ROOT / ".github/cost-suite"


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Ledgers of the suite on main and in the pull request."""
    folder = tmp_path_factory.mktemp("suite")
    found = {}
    for name in ("main", "pull_request"):
        lines = (SUITE / f"{name}.jsonl").read_text().splitlines()
        found[name] = made(folder / name, [json.loads(line) for line in lines])
    return found
