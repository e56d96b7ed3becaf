"""`tokman export focus`: valid by the specification, exact, and read back to the same totals."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.conftest import Run
from tests.export.focus_rules import faults
from tests.ledgers import call, made
from tokman.config import Discount, Model, Rates

SUMS = "uncached_input_tokens cache_read_input_tokens cache_write_5m_input_tokens output_tokens"


def exported(text: str) -> tuple[list[str], list[dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    return list(reader.fieldnames or ()), list(reader)


def total(rows: list[dict[str, str]], column: str = "ListCost") -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


def asked(tokman: Run, question: str, ledger: Path | str) -> dict[str, Any]:
    [row] = json.loads(
        tokman("sql", question, "-f", "json", "--ledger", ledger).out, parse_float=Decimal
    )
    return dict(row)


@pytest.mark.parametrize("version", ["1.2", "1.4"])
def test_valid_and_exact(version: str, tokman: Run, sample_ledger: Path) -> None:
    done = tokman("export", "focus", "--version", version, "--ledger", sample_ledger)
    header, rows = exported(done.out)
    assert faults(header, rows, version) == []
    spend = asked(tokman, "select sum(list_cost) as cost from charges", sample_ledger)
    assert total(rows) == spend["cost"] > 100
    assert "25 calls (6,900 tokens) without a price are not in it" in done.err
    assert "133 calls that cost nothing" in done.err


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_read_back_it_gives_the_same_totals(
    form: str, tokman: Run, sample_ledger: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"spend.{form}"
    assert tokman("export", "focus", f"--{form}", path, "--ledger", sample_ledger).code == 0
    assert tokman("ingest", path, "--ledger", "back").code == 0
    tokens = ", ".join(f"sum({name})::bigint as {name}" for name in SUMS.split())
    kinds = "count(distinct provider_name) as p, count(distinct model) as m, sum({}) as c"
    question = f"select {tokens}, {kinds} from {{}}"
    stated = asked(tokman, question.format("list_amount", "statements"), "back")
    booked = question.format("list_cost", "charges where rate_id is not null")
    assert stated == asked(tokman, booked, sample_ledger)


def test_a_discount_is_split_to_the_last_digit(tokman: Run, tmp_path: Path) -> None:
    prices = Rates(discounts=[Discount(percent="7.3", provider="openai")])
    calls = [call(n, prompt=1000 + n, cached=n % 7, answer=n) for n in range(1, 40)]
    ledger = made(tmp_path / "l", calls, prices)
    header, rows = exported(tokman("export", "focus", "--ledger", ledger).out)
    assert faults(header, rows, "1.2") == []
    costs = "select sum(list_cost) as listed, sum(contracted_cost) as paid from charges"
    known = asked(tokman, costs, ledger)
    assert total(rows) == known["listed"]
    for column in ("ContractedCost", "BilledCost", "EffectiveCost"):
        assert total(rows, column) == known["paid"] != known["listed"]
    assert [row["SkuMeter"] for row in rows] == [
        "Input Tokens",
        "Cache Read Tokens",
        "Output Tokens",
    ]


def test_amounts_that_the_card_no_longer_splits(tokman: Run, tmp_path: Path) -> None:
    prices = Rates(models={"house-1": Model(input="2", output="10")})
    ledger = made(tmp_path / "l", [call(1, model="house-1", provider="house")], prices)
    done = tokman("export", "focus", "--ledger", ledger)
    header, rows = exported(done.out)
    assert faults(header, rows, "1.2") == []
    assert [row["ChargeCategory"] for row in rows] == ["Adjustment"]
    assert total(rows) == Decimal("0.003")
    assert "1 row of category Adjustment" in done.err


def test_reasoning_and_requests_with_prices_of_their_own(tokman: Run, tmp_path: Path) -> None:
    usage = {"completion_tokens_details": {"reasoning_tokens": 60}}
    more: dict[str, Any] = {"metadata": {"usage_object": usage}}
    calls = [
        call(n, model="sonar-deep-research", provider="perplexity", **more) for n in range(1, 4)
    ]
    ledger = made(tmp_path / "l", [*calls, call(9, model="sonar", provider="perplexity")])
    header, rows = exported(tokman("export", "focus", "--ledger", ledger).out)
    assert faults(header, rows, "1.2") == []
    known = asked(
        tokman, "select sum(list_cost) as listed, sum(output_tokens) as made from charges", ledger
    )
    assert total(rows) == known["listed"]
    made_tokens = [row for row in rows if "Output" in row["SkuMeter"]]
    assert sum(int(row["ConsumedQuantity"]) for row in made_tokens) == known["made"]
    used = {row["SkuMeter"]: int(row["ConsumedQuantity"]) for row in rows}
    assert (used["Reasoning Output Tokens"], used["Requests"]) == (180, 1)


def test_days_and_months_of_a_time_zone(tokman: Run, tmp_path: Path) -> None:
    ledger = made(tmp_path / "l", [call(1, "2026-10-31 23:30:00")])
    arguments = ("export", "focus", "--tz", "Europe/Berlin", "--ledger", ledger)
    _, rows = exported(tokman(*arguments).out)
    times = {name: cell for name, cell in rows[0].items() if "Period" in name}
    assert times == {
        "BillingPeriodStart": "2026-10-31T23:00:00Z",
        "BillingPeriodEnd": "2026-11-30T23:00:00Z",
        "ChargePeriodStart": "2026-10-31T23:00:00Z",
        "ChargePeriodEnd": "2026-11-01T23:00:00Z",
    }


def test_tags_and_cells_are_harmless(tokman: Run, tmp_path: Path) -> None:
    ledger = made(tmp_path / "l", [call(1, workflow="=cmd()", user='a"b', team_id="x")])
    _, rows = exported(tokman("export", "focus", "--account", "=1+1", "--ledger", ledger).out)
    assert json.loads(rows[0]["Tags"])["workflow"] == "=cmd()"
    assert json.loads(rows[0]["Tags"])["user"] == 'a"b'
    assert rows[0]["BillingAccountId"] == "'=1+1"


def test_parquet_is_typed(tokman: Run, tmp_path: Path) -> None:
    ledger = made(tmp_path / "l", [call(1)])
    tokman("export", "focus", "--version", "1.4", "--parquet", "f.parquet", "--ledger", ledger)
    table = pq.read_table("f.parquet")
    assert str(table.schema.field("ListCost").type) == "decimal128(38, 12)"
    assert str(table.schema.field("ChargePeriodStart").type) == "timestamp[us, tz=UTC]"
    assert "ServiceProviderName" in table.schema.names


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--version", "1.1"), 2, "choose from 1.2, 1.4"),
        (("--csv", "a", "--parquet", "b"), 2, "one file at a time"),
        (("--csv", "no/such/folder/a.csv"), 2, "name a file that can be written"),
        (("--since", "2030-01-01"), 3, "no calls with a cost"),
        (("--where", "model = 'none'"), 3, "no calls with a cost"),
    ],
)
def test_wrong_use(
    arguments: tuple[str, ...], code: int, words: str, tokman: Run, tmp_path: Path
) -> None:
    ledger = made(tmp_path / "l", [call(1)])
    done = tokman("export", "focus", *arguments, "--ledger", ledger)
    assert (done.code, words in done.err) == (code, True), done.err
