"""A thousand workflows that cache as well as can be: next to nothing is advised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

from tests.recommend.books import MONDAY, books, call, card
from tokman.config import Config
from tokman.recommend import recommend
from tokman.recommend.prompt_cache import PromptCache
from tokman.recommend.response_cache import ResponseCache
from tokman.usage import Usage

CALLS = 12
CLAUDE, OPENAI = "claude-sonnet-4-5", "gpt-5.5"
Rows = Iterator[dict[str, Any]]


def growing(random: Random) -> Rows:
    """A conversation that reads the turn before and writes what is new."""
    held, conversation = 0, random.randrange(2**40)
    start, hashed = random.randrange(3_000, 12_000), random.random() < 0.5
    for place in range(CALLS):
        new = start if place == 0 else random.randrange(200, 900)
        row: dict[str, Any] = {
            "model": CLAUDE,
            "conversation_id": str(conversation),
            "uncached_input_tokens": 3,
            "cache_read_input_tokens": held,
            "cache_write_5m_input_tokens": new,
            "after": random.uniform(10, 200),
        }
        held += new
        if hashed:
            row["block_hashes"] = [conversation + block for block in range(place + 1)]
            row["block_sizes"] = [start] + [500] * place
        yield row


def static(random: Random) -> Rows:
    """A system prompt that OpenAI finds again, before a question of its own."""
    system, prefix = random.randrange(2**40), random.randrange(2_000, 9_000)
    for place in range(CALLS):
        read = prefix // 128 * 128 if place else 0
        yield {
            "model": OPENAI,
            "uncached_input_tokens": 300 + prefix - read,
            "cache_read_input_tokens": read,
            "block_hashes": [system, random.randrange(2**60)],
            "block_sizes": [prefix, 300],
            "after": random.uniform(5, 240),
        }


def short(random: Random) -> Rows:
    """Prompts that begin alike and are too short for any cache."""
    system, model = random.randrange(2**40), random.choice([CLAUDE, OPENAI])
    for _ in range(CALLS):
        yield {
            "model": model,
            "uncached_input_tokens": 700,
            "block_hashes": [system, random.randrange(2**60)],
            "block_sizes": [500, 200],
            "after": random.uniform(1, 100),
        }


def unique(random: Random) -> Rows:
    """Long documents, none like another."""
    model = random.choice([CLAUDE, OPENAI])
    for _ in range(CALLS):
        yield {
            "model": model,
            "uncached_input_tokens": random.randrange(2_000, 30_000),
            "request_hash": random.randrange(2**60),
            "block_hashes": [random.randrange(2**60)],
            "block_sizes": [9_000],
            "after": random.uniform(1, 100),
        }


KINDS: tuple[Callable[[Random], Rows], ...] = (growing, static, short, unique)


def clean(count: int) -> list[Usage]:
    random = Random(20261124)
    usages = []
    for workflow in range(count):
        at = MONDAY + timedelta(minutes=random.randrange(20_000))
        for number, row in enumerate(KINDS[workflow % len(KINDS)](random)):
            at += timedelta(seconds=row.pop("after"))
            usages.append(call(number, at, workflow=f"workflow-{workflow}", **row))
    return usages


def test_clean_workflows_are_left_alone() -> None:
    found = recommend(books(clean(1000)), card(), Config(), levers=[ResponseCache(), PromptCache()])
    advised = {one.workflow for one in found.recommendations}
    assert len(advised) <= 10, [one.title for one in found.recommendations][:20]
