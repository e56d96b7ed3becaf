"""What the downgrade lever finds, and what it must leave alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.recommend.books import MONDAY, books, call, card, config, office
from tokman.config import Config
from tokman.recommend import Plan, recommend
from tokman.recommend.downgrade import Downgrade
from tokman.usage import Usage

LABELS: dict[str, Any] = {"workflow": "labels", "output_tokens": 3}


def plan(usages: list[Usage], settings: Config | None = None) -> Plan:
    return recommend(books(usages), card(), settings or Config(), levers=[Downgrade()])


FOUND: dict[str, list[Usage]] = {
    "one-word labels": office(3000, **LABELS),
    "forms filled in": office(3000, workflow="labels", output_tokens=120, structured_output=True),
    "few different answers": [
        call(n, MONDAY + timedelta(minutes=10 * n), workflow="labels", response_hash=n % 7)
        for n in range(3000)
    ],
    "another maker": office(3000, **LABELS, model="mistral-large-4"),
}


@pytest.mark.parametrize("usages", FOUND.values(), ids=FOUND.keys())
def test_finds(usages: list[Usage]) -> None:
    found = plan(usages)
    (one,) = found.recommendations
    assert one.workflow == "labels"
    assert one.evidence == "candidate"
    assert one.calls == 3000
    assert 0 < one.window.expected < one.window.identified < found.spend
    assert "1,469 calls on both" in one.proof


LEFT: dict[str, list[Usage]] = {
    "few calls": office(150, days=5, **LABELS),
    "long answers": office(3000, workflow="labels", output_tokens=900),
    "answers of all kinds": [
        call(n, MONDAY + timedelta(minutes=10 * n), workflow="labels", response_hash=n)
        for n in range(3000)
    ],
    "reasoning": office(3000, workflow="labels", output_tokens=60, reasoning_output_tokens=50),
    "no smaller model known": office(3000, **LABELS, model="gpt-5.4-mini"),
    "a coding agent": office(3000, **LABELS, source="claude-code"),
    "tool loops": office(3000, **LABELS, tool_call_hashes=[1]),
    "long conversations": office(3000, **LABELS, conversation_id="one"),
    "many failures": office(2700, **LABELS)
    + office(300, **(LABELS | {"workflow": "labels"}), status="error", call_id="failed"),
    "prompts beyond half of the window": office(3000, **LABELS, uncached_input_tokens=210_000),
    "embeddings": office(3000, **LABELS, operation_name="embeddings"),
}


@pytest.mark.parametrize("usages", LEFT.values(), ids=LEFT.keys())
def test_leaves_alone(usages: list[Usage]) -> None:
    distinct = [
        usage if usage.call_id != "failed" else _renamed(usage, n) for n, usage in enumerate(usages)
    ]
    assert not plan(distinct).recommendations


def _renamed(usage: Usage, number: int) -> Usage:
    usage.call_id = f"failed-{number}"
    return usage


def test_protected_workflow() -> None:
    assert not plan(FOUND["one-word labels"], config(labels={"protected": True})).recommendations


def test_too_few_calls_to_prove_it() -> None:
    found = plan(office(500, **LABELS))
    assert not found.recommendations
    (left,) = found.left
    assert "keep gpt-5.5, not provable at this volume" in left.why
    assert "83 or 168 days here" in left.why


def test_amount_is_the_difference_of_two_prices() -> None:
    (one,) = plan(office(3000, **LABELS)).recommendations
    now, then = 600 * 5_000_000 + 3 * 30_000_000, 600 * 750_000 + 3 * 4_500_000
    assert one.window.identified == 3000 * (now - then)
    assert one.window.expected == one.window.identified // 3
    assert one.change == 'model="gpt-5.4-mini"'


def test_cache_classes_of_a_target_that_caches_only_longer_prompts() -> None:
    found = plan(
        office(
            3000,
            workflow="labels",
            output_tokens=3,
            model="claude-sonnet-4-5",
            uncached_input_tokens=100,
            cache_read_input_tokens=2000,
        )
    )
    assert not found.recommendations, "2,100 uncached tokens of Haiku cost more than cached ones"


def test_a_smaller_model_that_already_serves_is_likely_by_proxy_only() -> None:
    usages = office(3000, **LABELS)
    usages += [_renamed(u, n) for n, u in enumerate(office(300, **LABELS, model="gpt-5.4-mini"))]
    (one,) = plan(usages).recommendations
    assert any("does 300 calls like" in fact for fact in one.facts)
    assert (one.evidence_level, one.evidence) == ("E1", "likely (proxy)")
    assert one.window.bankable == 0
    assert "observational; consistent with at most 0.8 points of loss" in one.evidence_words
    assert one.window.expected == one.window.identified // 2


def test_a_call_that_would_cost_more_stays_as_it_was() -> None:
    sonnet = LABELS | {"model": "claude-sonnet-4-5"}
    cached = {"uncached_input_tokens": 100, "cache_read_input_tokens": 2000}
    usages = office(3000, **sonnet)
    usages += [_renamed(usage, n) for n, usage in enumerate(office(300, **sonnet | cached))]
    (one,) = plan(usages).recommendations
    assert one.calls == 3000
    assert one.window.identified == 3000 * (600 * 2_000_000 + 3 * 10_000_000)
