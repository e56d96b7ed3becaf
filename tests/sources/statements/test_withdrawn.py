"""A bill exported again to the same place: what it has left out is no longer billed."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

from tests.conftest import Run
from tests.sources.statements.test_clouds import aws, azure

NAMES = [name for name in aws() if name != "product"]


def usage(day: int, cost: str, **columns: Any) -> dict[str, Any]:
    start = f"2026-05-{day:02}T00:00:00.000Z"
    end = f"2026-05-{day:02}T01:00:00.000Z"
    times = {"line_item_usage_start_date": start, "line_item_usage_end_date": end}
    return aws(**times, line_item_unblended_cost=cost, **columns)


def write(path: Path, rows: list[dict[str, Any]], at: int) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    os.utime(path, (1_780_000_000 + at, 1_780_000_000 + at))


def billed(tokman: Run) -> list[str]:
    question = "select billed_amount a from statements order by period_start, a"
    return [f"{row['a']:g}" for row in json.loads(tokman("sql", question, "-f", "json").out)]


OTHER = {"line_item_usage_type": "USE1-Claude4.6Sonnet-output-token-count"}
EC2 = {"line_item_product_code": "AmazonEC2", "line_item_usage_type": "BoxUsage"}


def test_a_line_that_has_vanished_goes(tokman: Run, tmp_path: Path) -> None:
    """Of model inference, and a day of the other services."""
    bill = tmp_path / "cur.csv"
    write(bill, [usage(1, "1"), usage(2, "2", **OTHER), usage(2, "4", **EC2), usage(3, "8")], 1)
    tokman("ingest", bill)
    assert billed(tokman) == ["1", "2", "4", "8"]
    write(bill, [usage(1, "1"), usage(3, "9")], 2)
    done = tokman("ingest", bill)
    assert "2 lines of statements taken out, in later ones no more" in done.err
    assert billed(tokman) == ["1", "9"]
    assert "1 unchanged" in tokman("ingest", bill).err


def test_days_and_accounts_it_does_not_cover_stay(tokman: Run, tmp_path: Path) -> None:
    bill = tmp_path / "cur.csv"
    theirs = usage(3, "16", bill_payer_account_id="888888888888")
    write(bill, [usage(1, "1"), usage(3, "2"), usage(6, "4"), theirs], 1)
    tokman("ingest", bill)
    write(bill, [usage(2, "8"), usage(4, "8")], 2)
    tokman("ingest", bill)
    assert billed(tokman) == ["1", "8", "16", "8", "4"]


def test_another_file_of_the_same_days_takes_nothing_out(tokman: Run, tmp_path: Path) -> None:
    """An export in several files is one bill: no file of it is the whole."""
    write(tmp_path / "cur-00001.csv", [usage(1, "1"), usage(3, "2")], 1)
    write(tmp_path / "cur-00002.csv", [usage(1, "4", **OTHER), usage(4, "8", **OTHER)], 2)
    tokman("ingest", tmp_path / "cur-00001.csv", tmp_path / "cur-00002.csv")
    assert billed(tokman) == ["1", "4", "2", "8"]


def test_a_file_with_a_refused_line_takes_nothing_out(tokman: Run, tmp_path: Path) -> None:
    bill = tmp_path / "cur.csv"
    write(bill, [usage(1, "1"), usage(2, "2"), usage(3, "4")], 1)
    tokman("ingest", bill)
    write(bill, [usage(1, "1"), usage(2, "two"), usage(3, "4")], 2)
    assert tokman("ingest", bill).code == 1
    assert billed(tokman) == ["1", "2", "4"]


def test_azure_s_month_to_date(tokman: Run, tmp_path: Path) -> None:
    bill = tmp_path / "azure.csv"
    days = [azure(date=f"05/{day:02}/2026", costInBillingCurrency=str(day)) for day in (1, 2, 3)]
    write(bill, days, 1)
    tokman("ingest", bill)
    write(bill, [days[0], days[2]], 2)
    tokman("ingest", bill)
    assert billed(tokman) == ["1", "3"]
