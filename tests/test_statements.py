"""The table of statements: each line once, the one issued last, apart from the ledger."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tokman.columns import statement_fault, to_batch
from tokman.commit import commit_statements
from tokman.config import Config
from tokman.ledger import Ledger
from tokman.query import connect
from tokman.statement import Statement, arrow_schema

MAY = 1_777_593_600_000_000
DAY = 86_400_000_000


def line(statement_id: str = "a", **values: Any) -> Statement:
    values = {"billed_amount": Decimal("1.5"), "issued_at": MAY, **values}
    return Statement(
        statement_id=statement_id,
        kind="cost",
        view="1d by model",
        part="costs",
        period_start=MAY,
        period_end=MAY + DAY,
        file=f"{values['issued_at']}.json",
        **values,
    )


def put(ledger: Ledger, *lines: Statement) -> int:
    table = pa.Table.from_batches([to_batch(lines, arrow_schema())])
    return commit_statements(ledger, table, "test")


def amounts(ledger: Ledger) -> list[tuple[str, Decimal]]:
    asked = "select statement_id, billed_amount from statements order by all"
    found: list[tuple[str, Decimal]] = connect(ledger, Config()).execute(asked).fetchall()
    return found


def test_a_line_read_twice_is_one_row(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", create=True)
    assert put(ledger, line(), line(), line("b", billed_amount=Decimal("-0.25"))) == 2
    assert put(ledger, line()) == 0
    assert amounts(ledger) == [("a", Decimal("1.5")), ("b", Decimal("-0.25"))]


def test_the_line_issued_last_stands_in_whatever_order(tmp_path: Path) -> None:
    issued = [line(issued_at=MAY + n, billed_amount=Decimal(n)) for n in range(3)]
    for number, order in enumerate(permutations(issued)):
        ledger = Ledger(tmp_path / str(number), create=True)
        for each in order:
            put(ledger, each)
        assert amounts(ledger) == [("a", Decimal(2))]


def test_amounts_are_kept_to_the_eighteenth_place(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", create=True)
    exact = Decimal("123456789012.123456789012345678")
    put(ledger, line(billed_amount=exact))
    assert amounts(ledger) == [("a", exact)]


def test_statements_are_never_charges(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, line())
    connection = connect(ledger, Config())
    assert connection.execute("select count(*) from charges").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({}, None),
        ({"billed_amount": None, "output_tokens": 0}, None),
        ({"billed_amount": None}, "neither an amount nor a quantity"),
    ],
)
def test_faults(values: dict[str, Any], fault: str | None) -> None:
    assert statement_fault(line(**values)) == fault


def test_a_period_that_ends_before_it_starts() -> None:
    wrong = line()
    wrong.period_end = wrong.period_start
    assert statement_fault(wrong) == "the period ends before it starts"
    wrong.period_start = 0
    assert "not plausible" in str(statement_fault(wrong))
