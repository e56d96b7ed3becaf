"""The causes of a change in spend, which add up to it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.ledgers import call, made
from tokman.check.moved import sentence
from tokman.check.verdict import Part


def calls(times: int, **more: Any) -> list[dict[str, Any]]:
    made_of: dict[str, Any] = {"workflow": "w", "prompt": 1000, "answer": 100} | more
    return [call(n, session=f"s{n}", **made_of) for n in range(times)]


def moved(tokman: Run, tmp_path: Path, before: list[Any], now: list[Any], *options: str) -> Any:
    for name, of in (("before", before), ("now", now)):
        made(tmp_path / name, of)
    answers = []
    tokman("check", "--ledger", "before", "--save", "b.json")
    for base in (("--baseline", "b.json"), ("--against-ledger", "before")):
        done = tokman("check", "--ledger", "now", *base, "-f", "json", *options)
        assert done.code in (0, 1), done.err
        answers.append(json.loads(done.out, parse_float=Decimal)["moved"])
    assert answers[0] == answers[1]
    told = answers[0]
    assert sum(part["amount"] for part in told["parts"]) == told["now"] - told["before"]
    return {part["factor"]: part["amount"] for part in told["parts"] if part["amount"]}


def test_more_of_the_same(tokman: Run, tmp_path: Path) -> None:
    # $5 and $30 a million: each call is 0.8 cents.
    parts = moved(tokman, tmp_path, calls(10), calls(30))
    assert parts == {"volume": Decimal("0.16")}


def test_longer_prompts(tokman: Run, tmp_path: Path) -> None:
    parts = moved(tokman, tmp_path, calls(10), calls(10, prompt=3000))
    assert parts == {"input per call": Decimal("0.1")}


def test_prompts_beyond_the_length_where_a_price_changes(tokman: Run, tmp_path: Path) -> None:
    """The price of long prompts is our doing, not the vendor's."""
    parts = moved(tokman, tmp_path, calls(4, prompt=272_000), calls(4, prompt=272_001))
    assert set(parts) == {"input per call", "prompt length mix"}


def test_another_model(tokman: Run, tmp_path: Path) -> None:
    parts = moved(tokman, tmp_path, calls(10), calls(10, model="gpt-5.4-mini"))
    assert set(parts) == {"model mix"}
    assert parts["model mix"] < 0


def test_the_cache(tokman: Run, tmp_path: Path) -> None:
    assert set(moved(tokman, tmp_path, calls(10), calls(10, cached=900))) == {"caching"}


def test_workflows_that_come_and_go(tokman: Run, tmp_path: Path) -> None:
    shared = calls(5)
    gone = [call(100 + n, workflow="gone", prompt=500) for n in range(5)]
    new = [call(200 + n, workflow="new", prompt=2500) for n in range(5)]
    parts = moved(tokman, tmp_path, [*shared, *gone], [*shared, *new])
    assert set(parts) == {"workflow mix"}


def test_a_new_price_moves_nothing(tokman: Run, tmp_path: Path) -> None:
    later = [one | {"startTime": "2026-11-21 10:00:00+00:00"} for one in calls(10)]
    Path("tokman.toml").write_text(
        '[rates.models."gpt-5.5"]\ninput = 500\noutput = 900\nsince = 2026-11-20\n'
    )
    assert moved(tokman, tmp_path, calls(10), later) == {}


def test_discounts_are_on_both_sides(tokman: Run, tmp_path: Path) -> None:
    Path("tokman.toml").write_text("[[rates.discounts]]\npercent = 50\n")
    assert moved(tokman, tmp_path, calls(10), calls(30)) == {"volume": Decimal("0.08")}


def test_the_samples_move_nothing_against_themselves(tokman: Run, sample_ledger: Path) -> None:
    tokman("check", "--ledger", sample_ledger, "--save", "b.json")
    judged = ("check", "--ledger", sample_ledger, "--max-unpriced", "1%", "-f", "json")
    told = json.loads(tokman(*judged, "--baseline", "b.json").out, parse_float=Decimal)["moved"]
    spent = tokman(
        "sql",
        "select sum(contracted_cost) as cost from charges",
        "-f",
        "json",
        "--ledger",
        sample_ledger,
    )
    assert told["now"] == told["before"] > 0
    assert {part["amount"] for part in told["parts"]} == {0}
    assert told["now"] == pytest.approx(
        json.loads(spent.out, parse_float=Decimal)[0]["cost"], rel=Decimal("0.05")
    )


@pytest.mark.parametrize(
    ("before", "now", "parts", "expected"),
    [
        ("1", "1", [], "stayed at $1.00."),
        ("1", "3", [("volume", "2")], "rose $2.000: $2.000 from volume."),
        (
            "3",
            "2.5",
            [("a", "1"), ("b", "-2"), ("c", "0.75"), ("d", "-0.25")],
            "fell $0.500: -$2.000 from b, $1.000 from a, $0.750 from c, -$0.250 from the rest.",
        ),
        (
            "20",
            "20",
            [("a", "10"), ("b", "-10")],
            "stayed at $20.00: $10.00 from a, -$10.00 from b.",
        ),
        (
            "0",
            "100",
            [("a", "33.3333"), ("b", "33.3333"), ("c", "33.3334")],
            "rose $100.00: $33.34 from c, $33.33 from a, $33.33 from b.",
        ),
    ],
)
def test_the_sentence(before: str, now: str, parts: list[tuple[str, str]], expected: str) -> None:
    told = [Part(factor=name, amount=Decimal(amount)) for name, amount in parts]
    assert sentence(Decimal(before), Decimal(now), told) == f"Spend {expected}"
