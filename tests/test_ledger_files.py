"""Which files of a ledger stay on disk, and for how long."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.test_merge import put, rows, usage
from tokman import ledger as ledgers
from tokman.config import Config
from tokman.ledger import Ledger
from tokman.query import connect

DAY = 86_400


def on_disk(ledger: Ledger) -> set[str]:
    return {path.name for path in (ledger.folder / "usage").glob("*.parquet")}


def in_table(ledger: Ledger) -> set[str]:
    return {Path(path).name for path in ledger.files()}


def aged(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def grown(folder: Path, calls: int = 5) -> Ledger:
    """A ledger with a file a call."""
    ledger = Ledger(folder, create=True)
    for number in range(calls):
        put(ledger, usage(f"m{number}", output_tokens=number))
    return ledger


def compacted(ledger: Ledger, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "COMPACT_ABOVE", 3)
    put(ledger, usage(call))


def test_a_reader_keeps_the_files_it_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = grown(tmp_path / "l")
    before = in_table(ledger)
    reader = connect(ledger, Config())
    compacted(ledger, "last", monkeypatch)
    assert not in_table(ledger) & before, "all were written together"
    assert before <= on_disk(ledger)
    assert reader.sql("select count(*) from usage").fetchall() == [(5,)]


def test_files_let_go_of_long_ago_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = grown(tmp_path / "l")
    compacted(ledger, "last", monkeypatch)
    assert on_disk(ledger) > in_table(ledger)
    expected = rows(ledger)
    monkeypatch.setattr(ledgers, "READABLE", 0)
    grown_on = [usage(f"n{number}") for number in range(4)]
    for call in grown_on:
        put(ledger, call)
    assert on_disk(ledger) == in_table(ledger)
    assert [row for row in rows(ledger) if not row["call_id"].startswith("n")] == expected


def test_what_a_killed_writer_left_goes_after_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that no commit ever named, and one that is on its way into one."""
    ledger = grown(tmp_path / "l")
    left = [ledger.folder / "usage" / f"part-00000-{name}.parquet" for name in ("old", "young")]
    for path, days in zip(left, (8, 6), strict=True):
        path.write_bytes(b"PAR1")
        aged(path, days * DAY)
    compacted(ledger, "last", monkeypatch)
    assert [path.exists() for path in left] == [False, True]
    assert len(rows(ledger)) == 6


def test_the_number_of_reprices_outlives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = grown(tmp_path / "l")
    with ledger.lock():
        ledger.exchange({}, 3)
    monkeypatch.setattr(ledgers, "READABLE", 0)
    compacted(ledger, "last", monkeypatch)
    assert Ledger(tmp_path / "l").reprices() == 3
