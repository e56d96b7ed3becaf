"""Reports drawn from statements where no log tells, and never from both for one day."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.reconcile.books import call, closed, line

CALLS = [call(1, model="gpt-4o", prompt=1_000_000, answer=0)]
USED = {"uncached_input_tokens": 2_000_000, "output_tokens": 10, "requests": 4}
LINES = [
    line("2026-11-02", model="gpt-4o", billed_amount="9.00"),
    line("2026-11-03", model="gpt-4o", billed_amount="5.25", uncached_input_tokens=2_000_000),
    line("2026-11-03", kind="usage", model="gpt-4o", **USED),
]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    closed(tmp_path / "l", CALLS, LINES)
    return tmp_path / "l"


def by_day(tokman: Run, ledger: Path, *options: str) -> dict[str, tuple[Any, ...]]:
    done = tokman("report", "--by", "day", "-f", "json", "--ledger", ledger, *options)
    names = ("calls", "input_tokens", "list_cost", "billed_cost")
    return {row["day"]: tuple(row[n] for n in names) for row in json.loads(done.out)}


def test_a_day_without_calls_is_told_by_its_statements(tokman: Run, ledger: Path) -> None:
    """2 November has calls of ours, so its bill stays aside; tokens of the 3rd count once."""
    assert by_day(tokman, ledger) == {
        "2026-11-02": (1, 1_000_000, 2.5, None),
        "2026-11-03": (4, 2_000_000, None, 5.25),
    }
    assert "From statements, for days without calls in our logs: openai" in tokman(
        "report", "--ledger", ledger
    ).out.replace("\n", " ")


def test_calls_alone_and_statements_alone(tokman: Run, ledger: Path) -> None:
    assert list(by_day(tokman, ledger, "--basis", "calls")) == ["2026-11-02"]
    assert by_day(tokman, ledger, "--basis", "statements") == {
        "2026-11-02": (0, 0, None, 9.0),
        "2026-11-03": (4, 2_000_000, None, 5.25),
    }


def test_shares_are_of_the_bill_where_no_list_cost_is_known(tokman: Run, ledger: Path) -> None:
    done = tokman("report", "--by", "day", "-f", "json", "--basis", "statements",
                  "--ledger", ledger)  # fmt: skip
    shares = [row["cost_share"] for row in json.loads(done.out)]
    assert shares == pytest.approx([9 / 14.25, 5.25 / 14.25])


def test_a_wrong_basis(tokman: Run, ledger: Path) -> None:
    done = tokman("report", "--basis", "bills", "--ledger", ledger)
    assert (done.code, done.err.splitlines()[1]) == (
        2,
        "hint: choose from auto, calls, statements",
    )


def test_a_cached_part_that_is_not_stated_is_unknown(tokman: Run, tmp_path: Path) -> None:
    """On the 3rd one line of two does not state it; the bill of the 5th has no tokens at all."""
    told = {**USED, "cache_read_input_tokens": 2_000_000}
    lines = [
        line("2026-11-03", kind="usage", model="gpt-4o", **USED),
        line("2026-11-03", kind="usage", model="gpt-5.5", **told),
        line("2026-11-04", kind="usage", model="gpt-4o", **told),
        line("2026-11-05", model="gpt-4o", billed_amount="9.00"),
    ]
    closed(tmp_path / "l", CALLS, lines)
    asked = ("report", "--by", "day", "--ledger", tmp_path / "l")
    for basis in ("statements", "auto"):
        rows = json.loads(tokman(*asked, "--basis", basis, "-f", "json").out)
        cached = {row["day"]: row["cache_read_input_tokens"] for row in rows}
        stated = {"2026-11-03": None, "2026-11-04": 2_000_000, "2026-11-05": 0}
        assert cached == stated | ({"2026-11-02": 0} if basis == "auto" else {})
        screen = tokman(*asked, "--basis", basis).out
        found = {row.split()[0]: row.split()[3] for row in screen.splitlines() if "M " in row}
        assert found["2026-11-03"] == found["Total"] == "–"
        assert found["2026-11-04"] == "50%"
        assert "Cached is not known where statements do not say" in screen
    assert "Cached is not known" not in tokman(*asked, "--basis", "calls").out
