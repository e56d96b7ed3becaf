"""What the prompt-cache lever finds, what it must leave alone, and the arithmetic of break-even."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.recommend.books import MONDAY, books, call, card
from tokman.config import Config
from tokman.recommend import Plan, recommend
from tokman.recommend.prompt_cache import PromptCache
from tokman.usage import Usage

PREFIX = 9_000
"""Tokens of a prompt's shared beginning; its own question has 1,000 more."""


def plan(usages: list[Usage]) -> Plan:
    return recommend(books(usages), card(), Config(), levers=[PromptCache()])


def groups(reads: int, gap: timedelta, count: int = 100, **what: Any) -> list[Usage]:
    """`count` times a call and `reads` more that begin alike, `gap` apart; then hours of rest."""
    plain: dict[str, Any] = {
        "workflow": "qa",
        "model": "claude-sonnet-4-5",
        "source": "anthropic",
        "uncached_input_tokens": PREFIX + 1000,
        "block_sizes": [4000, 5000, 1000],
    }
    return [
        call(
            group * (reads + 1) + place,
            MONDAY + timedelta(days=group / 4) + gap * place,
            **plain | {"block_hashes": [1, 2, 1000 + group * 10 + place]} | what,
        )
        for group in range(count)
        for place in range(reads + 1)
    ]


MINUTES = timedelta(minutes=1)
IN, READ, WRITE_5M, WRITE_1H = 3_000_000, 300_000, 3_750_000, 6_000_000


def test_one_read_pays_for_a_write_of_five_minutes() -> None:
    found = plan(groups(1, 4 * MINUTES))
    (one,) = found.recommendations
    assert one.evidence == "measured prefix"
    assert one.window.identified == 100 * PREFIX * (2 * IN - WRITE_5M - READ)
    assert '"cache_control": {"type": "ephemeral"}' in one.change
    assert any("9,000 tokens at the beginning" in fact for fact in one.facts)


def test_one_read_does_not_pay_for_a_write_of_an_hour() -> None:
    assert not plan(groups(1, 30 * MINUTES)).recommendations


def test_two_reads_pay_for_a_write_of_an_hour() -> None:
    (one,) = plan(groups(2, 30 * MINUTES)).recommendations
    assert one.window.identified == 100 * PREFIX * (3 * IN - WRITE_1H - 2 * READ)
    assert '"ttl": "1h"' in one.change


def test_growing_conversations_are_marked_at_their_end() -> None:
    turns = [
        call(
            talk * 10 + turn,
            MONDAY + timedelta(hours=4 * talk) + 2 * MINUTES * turn,
            workflow="chat",
            model="claude-sonnet-4-5",
            conversation_id=f"talk-{talk}",
            uncached_input_tokens=2000 * (turn + 1),
            block_hashes=[talk * 100 + place for place in range(turn + 1)],
            block_sizes=[2000] * (turn + 1),
        )
        for talk in range(20)
        for turn in range(10)
    ]
    (one,) = plan(turns).recommendations
    assert one.change == 'add to the request: "cache_control": {"type": "ephemeral"}'
    reads = sum(2000 * turn for turn in range(10))
    paid = 10 * 2000 * WRITE_5M + reads * READ
    assert one.window.identified == 20 * ((10 * 2000 + reads) * IN - paid)


def test_without_hashes_it_is_an_upper_bound() -> None:
    turns = [
        call(
            talk * 10 + turn,
            MONDAY + timedelta(hours=4 * talk) + 2 * MINUTES * turn,
            workflow="chat",
            model="claude-sonnet-4-5",
            conversation_id=f"talk-{talk}",
            uncached_input_tokens=2000 * (turn + 1),
        )
        for talk in range(20)
        for turn in range(10)
    ]
    (one,) = plan(turns).recommendations
    assert (one.evidence, one.evidence_level) == ("upper bound", "E0")


def test_writes_that_nobody_reads() -> None:
    usages = groups(1, 4 * MINUTES, uncached_input_tokens=1000, cache_write_5m_input_tokens=PREFIX)
    for number, usage in enumerate(usages):
        usage.block_hashes = [10**6 + number]
        usage.block_sizes = [10_000]
    (one,) = plan(usages).recommendations
    assert one.evidence == "exact"
    assert one.window.identified == 200 * PREFIX * (WRITE_5M - IN)
    assert "remove the cache_control marks" in one.change


def test_openai_caches_by_itself_so_hits_are_counted_in_part() -> None:
    (one,) = plan(groups(9, 1 * MINUTES, model="gpt-5.5")).recommendations
    hit = PREFIX // 128 * 128 * 85 // 100
    assert one.window.identified == 100 * 9 * hit * (5_000_000 - 500_000)
    assert "prompt_cache_key" in one.change


@pytest.mark.parametrize(
    ("model", "step", "cheaper_by", "key"),
    [
        ("mistral-medium-3-5", 64, 1_350_000, "prompt_cache_key"),
        ("grok-4.7", 64, 1_500_000, "x-grok-conv-id"),
        ("kimi-k2.6", 64, 790_000, "never changes first"),
        ("deepseek-v4-flash", 64, 294_000, "never changes first"),
    ],
)
def test_other_caches_that_promise_nothing(
    model: str, step: int, cheaper_by: int, key: str
) -> None:
    (one,) = plan(groups(9, 1 * MINUTES, model=model)).recommendations
    hit = PREFIX // step * step * 50 // 100
    assert one.window.identified == 100 * 9 * hit * cheaper_by
    assert key in one.change


LEFT: dict[str, list[Usage]] = {
    "a prefix below the minimum": groups(
        5, MINUTES, uncached_input_tokens=1000, block_sizes=[400, 500, 100]
    ),
    "nothing in common": [
        call(n, MONDAY + n * MINUTES, model="claude-sonnet-4-5", block_hashes=[n], block_sizes=[9])
        for n in range(500)
    ],
    "too rare": groups(1, timedelta(hours=3)),
    "cached already": groups(
        9, MINUTES, uncached_input_tokens=1000, cache_read_input_tokens=PREFIX
    ),
    "openai, read well already": groups(
        9, MINUTES, model="gpt-5.5", uncached_input_tokens=3000, cache_read_input_tokens=7000
    ),
    "a coding agent": groups(9, MINUTES, source="claude-code"),
    "times of files": groups(9, MINUTES, time_basis="file"),
    "no rule is known": groups(9, MINUTES, model="house-7b"),
    "compacted conversations": [
        call(
            n,
            MONDAY + n * MINUTES,
            model="claude-sonnet-4-5",
            conversation_id="one",
            uncached_input_tokens=20_000 - 6000 * (n % 3),
        )
        for n in range(3)
    ],
}


@pytest.mark.parametrize("usages", LEFT.values(), ids=LEFT.keys())
def test_leaves_alone(usages: list[Usage]) -> None:
    assert not plan(usages).recommendations


def test_what_the_cache_of_today_is_worth() -> None:
    (left,) = plan(LEFT["cached already"]).left
    assert "90% of input is read from the cache, which saves $24.30" in left.why
