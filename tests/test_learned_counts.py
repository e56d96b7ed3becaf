"""`tokman recount`: estimates scaled by the ledger's own calls, and everything else left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Run
from tests.test_merge import put, rows, usage
from tokman import rates, recount
from tokman.ledger import Ledger
from tokman.sources.form import MEDIA_BYTES
from tokman.usage import Usage


def told(number: int, **values: Any) -> Usage:
    """A call that reports 40 tokens for 100 bytes asked and 25 for 50 written."""
    given: dict[str, Any] = {
        "uncached_input_tokens": 30,
        "cache_read_input_tokens": 10,
        "output_tokens": 25,
    }
    given |= {"block_sizes": [60, 40], "block_hashes": [number, -number], "output_bytes": 50}
    return usage(f"told-{number}", **(given | values))


def guessed(call_id: str = "guessed", **values: Any) -> Usage:
    """A call of 1,000 bytes asked and 200 written, counted by these alone."""
    given: dict[str, Any] = {
        "uncached_input_tokens": 270,
        "output_tokens": 54,
        "output_basis": "estimated",
    }
    given |= {"block_sizes": [900, 100], "block_hashes": [7, 8], "output_bytes": 200}
    return usage(call_id, **(given | {"count_basis": "bytes"} | values))


def all_told(**values: Any) -> list[Usage]:
    return [told(number, **values) for number in range(recount.LEAST)]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "l", create=True)


def recounted(ledger: Ledger) -> dict[str, dict[str, Any]]:
    recount.apply(ledger, rates.load())
    return {row["call_id"]: row for row in rows(ledger)}


def test_scaled_by_what_the_models_own_calls_report(ledger: Ledger) -> None:
    put(ledger, guessed(), *all_told())
    before = {row["call_id"]: row for row in rows(ledger)}
    after = recounted(ledger)
    row = after.pop("guessed")
    assert (row["uncached_input_tokens"], row["output_tokens"]) == (400, 100)
    assert (row["output_basis"], row["count_basis"]) == ("estimated", "ratio")
    assert row["count_margin"] == 0
    assert row["list_cost"] > before.pop("guessed")["list_cost"]
    assert after == before
    assert recount.apply(ledger, rates.load()) == 0


@pytest.mark.parametrize(
    ("evidence", "counts"),
    [
        (all_told(response_model="claude-sonnet-4-5-20250929"), (400, 100)),
        (all_told()[1:], (270, 54)),
        (all_told(response_model="claude-opus-4-8"), (270, 54)),
        (all_told(provider_name="aws.bedrock"), (270, 54)),
        (all_told(output_basis="partial"), (270, 54)),
        (all_told(output_basis="estimated", count_basis="bytes"), (270, 54)),
        (all_told(status="error"), (270, 54)),
        (all_told(response_cache_hit=True), (270, 54)),
        (all_told(image_input_tokens=5), (270, 54)),
        (all_told(block_sizes=[60, MEDIA_BYTES]), (270, 54)),
        (all_told(block_sizes=None), (270, 54)),
        (all_told(output_bytes=None), (270, 54)),
    ],
)
def test_what_it_is_learned_from(
    ledger: Ledger, evidence: list[Usage], counts: tuple[int, int]
) -> None:
    put(ledger, guessed(), *evidence)
    row = recounted(ledger)["guessed"]
    assert (row["uncached_input_tokens"], row["output_tokens"]) == counts


@pytest.mark.parametrize(
    ("basis", "changes"),
    [("bytes", True), ("tiktoken", True), ("ratio", True), ("exact", False), ("reported", False)],
)
def test_which_counts_change(ledger: Ledger, basis: str, changes: bool) -> None:
    put(ledger, guessed(count_basis=basis), *all_told())
    assert (recounted(ledger)["guessed"]["output_tokens"] != 54) is changes


def test_the_margin_is_the_spread_of_the_evidence(ledger: Ledger) -> None:
    """Prompts from 0.40 to 0.60 tokens a byte, answers all of one ratio."""
    spread = [told(n, uncached_input_tokens=30 + n % 21) for n in range(105)]
    put(ledger, guessed(), *spread)
    row = recounted(ledger)["guessed"]
    assert (row["uncached_input_tokens"], row["output_tokens"]) == (500, 100)
    assert row["count_margin"] == pytest.approx(500 * (0.59 / 0.5 - 1) / 600, abs=0.02)


def test_a_log_read_again_does_not_bring_the_old_estimate_back(ledger: Ledger) -> None:
    put(ledger, guessed(), *all_told())
    row = recounted(ledger)["guessed"]
    put(ledger, guessed())
    assert next(r for r in rows(ledger) if r["call_id"] == "guessed") == row
    put(ledger, guessed(output_basis="final", count_basis="reported"))
    assert recounted(ledger)["guessed"]["output_tokens"] == 54


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ratios=st.lists(st.integers(1, 90), min_size=recount.LEAST, max_size=30),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_ingest_does_not_matter(
    tmp_path_factory: Any, ratios: list[int], order: Any
) -> None:
    calls = [guessed(), *(told(n, output_tokens=ratio) for n, ratio in enumerate(ratios))]
    shuffled = list(calls)
    order.shuffle(shuffled)
    one, other = (Ledger(tmp_path_factory.mktemp("l") / "l", create=True) for _ in range(2))
    put(one, *calls)
    half = len(shuffled) // 2
    put(other, *shuffled[:half])
    put(other, *shuffled[half:])
    assert recounted(one) == recounted(other)


def test_on_the_command_line(tokman: Run, ledger: Ledger) -> None:
    put(ledger, guessed(), *all_told())
    where = ("--ledger", ledger.folder)
    shown = json.loads(tokman("recount", "--yes", "-f", "json", *where).out)
    [row] = shown["rows"] if isinstance(shown, dict) else shown[:1]
    assert (row["calls"], row["learned_from"], row["tokens"], row["new_tokens"]) == (
        1,
        20,
        324,
        500,
    )
    assert row["new_list_cost"] > row["list_cost"]
    assert "Nothing would change" in tokman("recount", *where).out
    told_below = " ".join(tokman("report", *where).out.split())
    assert "1 (500 tokens) by their size, as this ledger's own calls" in told_below


def test_nothing_is_done_without_consent(tokman: Run, ledger: Ledger) -> None:
    put(ledger, guessed(), *all_told())
    assert tokman("recount", "--ledger", ledger.folder).code == 2
    assert recount.propose(ledger, rates.load()).rows


def test_an_empty_ledger(tokman: Run, ledger: Ledger) -> None:
    assert tokman("recount", "--ledger", ledger.folder).code == 0
