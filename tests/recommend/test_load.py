"""The load curve: every hour once, the shiftable part of it, and the total that ties."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.recommend.books import books, card, config, nightly, office
from tokman.config import Config
from tokman.recommend.load import load


def test_a_nightly_job_is_what_can_move() -> None:
    usages = [*office(560, workflow="support", user_id="ann"), *nightly(20, workflow="digest")]
    connection = books(usages)
    [(total,)] = connection.sql("select sum(list_cost) from usage").fetchall()
    curve = load(connection, card(), Config())
    assert [row["hour_of_day"] for row in curve.rows] == list(range(24))
    assert sum(row["cost"] for row in curve.rows) == total
    night = curve.rows[2]
    assert night["cost"] == night["shiftable_cost"] == Decimal("0.012") * 560
    assert curve.shiftable == 0.5
    assert curve.patient == {"digest": "likely"}
    assert curve.peak_to_average == pytest.approx(12.0)
    assert sum(row["shiftable_calls"] for row in curve.rows[3:]) == 0


@pytest.mark.parametrize(
    ("declared", "shiftable"),
    [
        ({}, 0.0),
        ({"max_delay": "14m"}, 0.0),
        ({"max_delay": "15m"}, 1.0),
        ({"interactive": True}, 0),
    ],
)
def test_what_is_declared_decides(declared: dict[str, object], shiftable: float) -> None:
    settings = config(work=declared) if declared else Config()
    assert load(books(office(300, user_id="ann")), card(), settings).shiftable == shiftable


def test_hours_are_those_of_the_time_zone() -> None:
    curve = load(books(nightly(20)), card(), Config(), tz="Asia/Tokyo")
    assert [row["hour_of_day"] for row in curve.rows if row["calls"]] == [11]


def test_calls_without_a_time_are_in_no_hour() -> None:
    usages = [*office(10), *nightly(5, nights=2, workflow="b", time_basis="file")]
    assert load(books(usages), card(), Config()).timeless == 10


def test_on_the_screen_and_for_scripts(tokman: Run, sample_ledger: Path) -> None:
    shown = tokman("load", "--ledger", sample_ledger)
    assert shown.code == 0
    assert "░" in shown.out and "█" in shown.out
    assert "Able to wait: nightly-digest (likely)" in shown.out
    hours = [line for line in shown.out.splitlines() if line[1:3].isdigit()]
    assert len(hours) == 24
    assert max(map(len, hours)) <= 80
    rows = json.loads(tokman("load", "-f", "json", "--ledger", sample_ledger).out)
    assert len(rows) == 24
    assert set(rows[0]) == {"hour_of_day", "calls", "shiftable_calls", "cost", "shiftable_cost"}
    empty = tokman("load", "--since", "2030-01-01", "--ledger", sample_ledger)
    assert empty.code == 3
