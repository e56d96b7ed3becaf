"""A question that needs more memory than it may have waits on disk and leaves nothing there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tokman import query
from tokman.config import Config
from tokman.ledger import Ledger

NUMBERS = "create temp table numbers as select hash(range) as h, range as n from range(5_000_000)"
"""80 MB that do not compress."""

KILLED = """
import os, sys
from pathlib import Path
from tokman import query
from tokman.config import Config
from tokman.ledger import Ledger
query.MEMORY = 50_000_000
held = query.connect(Ledger(Path(sys.argv[1])), Config())
held.execute(sys.argv[2])
os._exit(0)
"""


def test_what_does_not_fit_waits_in_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MEMORY", 50_000_000)
    ledger = Ledger(tmp_path / "ledger", create=True)
    connection = query.connect(ledger, Config())
    connection.execute(NUMBERS)
    spilled = sum(path.stat().st_size for path in (ledger.folder / "tmp").iterdir())
    assert spilled > 10_000_000
    summed = connection.execute("select count(distinct h), sum(n)::bigint from numbers").fetchall()
    assert summed == [(5_000_000, 5_000_000 * 4_999_999 // 2)]
    connection.close()
    assert not list((ledger.folder / "tmp").glob("*"))
    assert not list(tmp_path.glob("[!l]*")) and not Path(".tmp").exists()


def test_what_a_killed_question_left_goes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MEMORY", 50_000_000)
    ledger = Ledger(tmp_path / "ledger", create=True)
    subprocess.run([sys.executable, "-c", KILLED, str(ledger.folder), NUMBERS], check=True)
    left = {path.name for path in (ledger.folder / "tmp").iterdir()}
    assert left
    connection = query.connect(ledger, Config())
    connection.execute(NUMBERS)
    assert not left & {path.name for path in (ledger.folder / "tmp").iterdir()}
    connection.close()


def test_a_small_machine_keeps_its_own_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MEMORY", 10**18)
    connection = query.connect(Ledger(tmp_path / "ledger", create=True), Config())
    own = query.database().execute("select current_setting('memory_limit')").fetchall()
    assert connection.execute("select current_setting('memory_limit')").fetchall() == own
