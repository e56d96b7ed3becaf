"""The replay against block hashes of real traffic that another project published.

Get a trace of https://github.com/kvcache-ai/Mooncake/tree/main/FAST25-release/traces (Apache-2.0,
one hour of requests: arrival, lengths, and the hashes of their blocks of 512 tokens) and run

    TOKMAN_BLOCK_TRACE=conversation_trace.jsonl pytest tests/recommend/test_block_trace.py
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.recommend.books import MONDAY, books, call, card
from tokman.config import Config
from tokman.recommend import recommend
from tokman.recommend.lever import Scene
from tokman.recommend.prompt_cache import PromptCache, _look_at
from tokman.recommend.waterfall import run, set_scene
from tokman.usage import Usage

VARIABLE = "TOKMAN_BLOCK_TRACE"
BLOCK = 512
TRACE = os.environ.get(VARIABLE)
pytestmark = pytest.mark.skipif(
    not TRACE, reason=f"{VARIABLE} names no trace: see the top of this file"
)


@pytest.fixture(scope="module")
def requests() -> list[dict[str, Any]]:
    with Path(TRACE or "").open() as lines:
        return [json.loads(line) for line in lines]


def usages(requests: list[dict[str, Any]], model: str) -> list[Usage]:
    return [
        call(
            number,
            MONDAY + timedelta(microseconds=now),
            model=model,
            uncached_input_tokens=one["input_length"],
            output_tokens=one["output_length"],
            time_to_first_token_ms=0,
            block_hashes=[place + 1 for place in one["hash_ids"]],
            block_sizes=sizes(one),
        )
        for number, (now, one) in enumerate(zip(moments(requests), requests, strict=True))
    ]


def sizes(one: dict[str, Any]) -> list[int]:
    """Tokens of each block; the last one is not full."""
    whole, rest = divmod(one["input_length"], BLOCK)
    return [BLOCK] * whole + [rest] * (rest > 0)


def moments(requests: list[dict[str, Any]]) -> list[int]:
    """When each call came, in microseconds: one apart where the trace has one millisecond."""
    return [one["timestamp"] * 1000 + number % 1000 for number, one in enumerate(requests)]


def ideal(requests: list[dict[str, Any]], seconds: int, least: int = 0) -> int:
    """Tokens that an endless cache would have held, block by block, of prefixes that long."""
    last: dict[int, int] = {}
    held = 0
    for now, one in sorted(zip(moments(requests), requests, strict=True), key=lambda both: both[0]):
        prefix = 0
        for block, size in zip(one["hash_ids"], sizes(one), strict=True):
            if block not in last or now - last[block] > seconds * 10**6:
                break
            prefix += size
        held += prefix if prefix >= least else 0
        last.update(dict.fromkeys(one["hash_ids"], now))
    return held


def scene_of(rows: list[Usage]) -> Scene:
    scene = set_scene(books(rows), card(), Config(), None, None)
    run(scene, [])
    return scene


@pytest.mark.parametrize("minutes", [1, 5, 10, 30, 60])
def test_every_lifetime_reaches_the_ideal(requests: list[dict[str, Any]], minutes: int) -> None:
    scene = scene_of(usages(requests, "gpt-5.5"))
    _look_at(scene)
    span = minutes * 60 * 10**6
    scene.connection.execute(f"update caching set short = {span}, long = {span}")
    scene.make("reach", "cache_reach")
    reached = scene.connection.execute("select sum(static_short) from reach").fetchone()
    assert reached == (ideal(requests, minutes * 60),)


@pytest.mark.parametrize("model", ["gpt-5.5", "claude-sonnet-4-5"])
def test_no_advice_saves_more_than_the_ideal(requests: list[dict[str, Any]], model: str) -> None:
    """An ideal cache reads for nothing extra; at OpenAI 85 % of its hits are counted."""
    found = recommend(books(usages(requests, model)), card(), Config(), levers=[PromptCache()])
    per_token = {"gpt-5.5": 4_500_000, "claude-sonnet-4-5": 2_700_000}[model]
    most = ideal(requests, 300 if model == "gpt-5.5" else 3600, least=1024) * per_token
    saved = found.spend - found.spend_after
    if model == "gpt-5.5":
        assert 0.84 * most <= saved <= 0.85 * most
    else:
        assert 0 < saved <= most
