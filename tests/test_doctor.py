"""What could make a total wrong: each check finds what it should and leaves the rest alone."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.conftest import Run
from tests.ledgers import call, made
from tokman import doctor, rates
from tokman.columns import to_batch
from tokman.commit import commit
from tokman.config import Config
from tokman.ledger import Ledger
from tokman.query import connect
from tokman.report import scope
from tokman.usage import PICO, Usage, arrow_schema

NOON = 1_780_315_200_000_000
"""2026-06-01 12:00 UTC, a Monday, in µs. At gpt-5.5's $5 and $30 a usage() costs $0.008."""
DAY = 86_400_000_000

COST = Decimal("0.008")


def usage(number: int, day: int = 0, source: str = "one", **more: Any) -> Usage:
    facts: dict[str, Any] = {
        "call_id": f"{source}-{number}-{day}",
        "started_at": NOON + day * DAY + number * 1_000_000,
        "provider_name": "openai",
        "response_model": "gpt-5.5",
        "uncached_input_tokens": 1000,
        "output_tokens": 100,
        "source": source,
        "file": f"{source}.jsonl",
        "line": number + 1,
    }
    return Usage(**(facts | more))


def dollars(text: str) -> int:
    return int(Decimal(text) * PICO)


DAILY = [usage(0, day) for day in range(28)]

FOUND: dict[str, tuple[list[Usage], int | None, Decimal | None]] = {
    "unpriced": ([usage(1, response_model="nobody-sells-this")], 1, None),
    "unpriced with the log's own cost": (
        [usage(1, response_model="nobody-sells-this", billed_cost=dollars("0.25"))],
        1,
        Decimal("0.25"),
    ),
    "fees": (
        [usage(1, provider_name="x_ai", response_model="grok-4", web_search_requests=2)],
        1,
        None,
    ),
    "partial": ([usage(1, output_basis="partial"), usage(2)], 1, COST),
    "estimated": ([usage(1, output_basis="estimated"), usage(2)], 1, COST),
    "undated": ([usage(1, time_basis="file"), usage(2)], 1, COST),
    "misdated": ([usage(1, started_at=4_102_444_800_000_000), usage(2)], 1, COST),
    "overlap": ([usage(1), usage(1, source="two"), usage(2, source="two")], 1, COST),
    "overlap under another name of the model": (
        [usage(1), usage(1, source="two", response_model="openai/gpt-5.5-2026-04-23")],
        1,
        COST,
    ),
    "outlier": (
        [*(usage(n, billed_cost=dollars("0.008")) for n in range(9)), usage(9, billed_cost=PICO)],
        1,
        Decimal("0.992"),
    ),
    "outlier of few": ([usage(1, billed_cost=dollars("8000"))], 1, Decimal("7999.992")),
    "billed": ([usage(n, billed_cost=dollars("0.006")) for n in range(5)], 5, Decimal("0.01")),
    "gap": ([one for one in DAILY if one.call_id != "one-0-9"], None, Decimal("0.01")),
}
"""The check, then its calls and what is at stake."""

LEFT = {
    "calls as they should be": [usage(n) for n in range(3)],
    "searches that have a price": [usage(1, web_search_requests=2)],
    "a failed call and one from a cache": [
        usage(1, status="error", output_tokens=0, uncached_input_tokens=0),
        usage(2, response_cache_hit=True),
    ],
    "the same tokens a second apart": [usage(1), usage(2, source="two")],
    "the same second, other tokens": [usage(1), usage(1, source="two", output_tokens=99)],
    "the same second and tokens in one source": [usage(1), usage(1, call_id="other")],
    "calls without an answer in two sources": [
        usage(1, output_tokens=0),
        usage(1, source="two", output_tokens=0),
    ],
    "billed as listed": [usage(n, billed_cost=dollars("0.008")) for n in range(5)],
    "rounded to the cent": [usage(1, billed_cost=dollars("0.00801"))],
    "no weekends": [one for n, one in enumerate(DAILY) if n % 7 < 5],
    "now and then": [DAILY[n] for n in (0, 2, 3, 8, 9, 15, 20)],
    "every day": DAILY,
}


def found(folder: Path, usages: list[Usage]) -> list[doctor.Finding]:
    ledger = Ledger(folder / "L", create=True)
    table = pa.Table.from_batches([to_batch(usages, arrow_schema())])
    commit(ledger, table, rates.load(), "test")
    connection = connect(ledger, Config())
    scope(connection)
    return doctor.examine(connection, rates.load())


@pytest.mark.parametrize("name", FOUND)
def test_what_is_found(name: str, tmp_path: Path) -> None:
    usages, calls, at_stake = FOUND[name]
    [one] = found(tmp_path, usages)
    assert (one.check, one.calls, one.at_stake) == (name.split()[0], calls, at_stake)


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_alone(name: str, tmp_path: Path) -> None:
    assert found(tmp_path, LEFT[name]) == []


def test_an_absurd_cost_is_kept_and_in_no_list_cost(tmp_path: Path) -> None:
    [one] = found(tmp_path, [usage(1, billed_cost=dollars("8000"))])
    assert one.what == "openai gpt-5.5: a log says 1000000.0 times the list cost"
    sums = connect(Ledger(tmp_path / "L"), Config()).sql(
        "select sum(list_cost), sum(billed_cost) from usage"
    )
    assert sums.fetchall() == [(COST, Decimal(8000))]


def test_a_gap_names_its_days(tmp_path: Path) -> None:
    silent = [9, 10, 11, 17]
    [one] = found(tmp_path, [each for n, each in enumerate(DAILY) if n not in silent])
    days = [str(date(2026, 6, 1) + timedelta(n)) for n in silent[:3]]
    assert one.what == f"one: silent on {', '.join(days)} and 1 more days"


def test_a_clean_ledger(tokman: Run, tmp_path: Path) -> None:
    made(tmp_path / "L", [call(1), call(2)])
    done = tokman("doctor", "--ledger", "L")
    assert (done.code, done.err) == (0, "")
    assert done.out == "Nothing found that could make a total wrong, in 2 calls\n"
    assert tokman("doctor", "--ledger", "L", "-f", "json").out == "[]\n"
    assert tokman("doctor", "--ledger", "L", "--since", "2027-01").code == 3


def test_a_ledger_with_doubts_in_every_format(tokman: Run, tmp_path: Path) -> None:
    (tmp_path / "l.jsonl").write_text(
        json.dumps(call(1)) + "\n" + json.dumps(call(2, model="nobody-sells-this")) + "\n{torn\n"
    )
    tokman("ingest", "l.jsonl", "--ledger", "L")
    (tmp_path / "t.toml").write_text('[rates.models."gpt-5.5"]\ninput = "10"\noutput = "60"\n')
    asked = ("doctor", "--ledger", "L", "--config", "t.toml")
    done = tokman(*asked, "-f", "json")
    assert done.code == 1
    rows = json.loads(done.out, parse_float=Decimal)
    assert [(row["check"], row["calls"], row["at_stake"]) for row in rows] == [
        ("rate card", 1, COST),
        ("unpriced", 1, None),
        ("rejects", None, None),
    ]
    assert "l.jsonl: 1 refused, first: " in rows[2]["what"]
    assert tokman(*asked, "-f", "csv").out.count("\n") == 4
    assert "rejects: see why" in tokman(*asked).out
    assert tokman(*asked, "-f", "markdown").out.startswith("| Finding |")


def test_the_rest_of_many_findings_is_counted(tokman: Run, tmp_path: Path) -> None:
    made(tmp_path / "L", [call(n, model=f"unknown-{n}") for n in range(8)])
    out = tokman("doctor", "--ledger", "L").out
    assert out.count("unknown model") == 5
    assert "3 more not shown" in out
    assert len(json.loads(tokman("doctor", "--ledger", "L", "-f", "json").out)) == 8


@pytest.mark.parametrize(("cached", "finds"), [({}, True), ({"input_cached_tokens": 0}, False)])
def test_usage_that_does_not_state_its_cached_part(
    tokman: Run, tmp_path: Path, cached: dict[str, int], finds: bool
) -> None:
    """Usage API: https://platform.openai.com/docs/api-reference/usage/completions_object."""
    day = 1_793_577_600  # 2026-11-02, that of call(1)
    result: dict[str, Any] = {"object": "organization.usage.completions.result", "model": "gpt-5.5"}
    result |= {"input_tokens": 1000, "output_tokens": 100, "num_model_requests": 1, **cached}
    bucket = {"object": "bucket", "start_time": day, "end_time": day + 86_400, "results": [result]}
    (tmp_path / "u.jsonl").write_text(json.dumps(bucket) + "\n")
    (tmp_path / "l.jsonl").write_text(json.dumps(call(1)) + "\n")
    assert tokman("ingest", "u.jsonl", "l.jsonl", "--ledger", "L").code == 0
    rows = json.loads(tokman("doctor", "--ledger", "L", "-f", "json").out)
    told = [(row["check"], row["what"], row["tokens"]) for row in rows]
    words = "openai-admin: the cached part of the input is not stated"
    assert told == ([("untold", words, 1000)] if finds else [])
    if finds:
        note = "Not stated: how many of 1,000 input tokens are cache read input"
        assert note in " ".join(tokman("reconcile", "--ledger", "L").out.split())
