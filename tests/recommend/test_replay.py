"""The cache replayed by window functions is the cache replayed call by call, token for token."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from random import Random

import pytest

from tests.recommend.books import MONDAY, books, call, card
from tokman.config import Config
from tokman.recommend.prompt_cache import PromptCache
from tokman.recommend.waterfall import run, set_scene
from tokman.usage import Usage

Reached = tuple[int, int, int]
"""Tokens of the static prefix, alive within 5 minutes, alive within the hour."""


def traffic(seed: int) -> list[Usage]:
    """Calls of a few keys and workflows over trees of prompts, some at the same beginning."""
    random = Random(seed)
    usages = []
    seen: set[int] = set()
    for number in range(400):
        moment = random.randrange(20 * 3600 * 10**6)
        while moment in seen:
            moment += 1
        seen.add(moment)
        workflow, depth = random.choice(["qa", "chat"]), random.randint(1, 7)
        path = [random.randint(0, 2) for _ in range(depth)]
        hashes, above = [], 0
        for place, branch in enumerate(path):
            above = (above * 31 + branch + 7 * place + 1) % 2**61
            hashes.append(above)
        usages.append(
            call(
                number,
                MONDAY + timedelta(microseconds=moment),
                workflow=workflow,
                model=random.choice(["claude-sonnet-4-5", "claude-haiku-4-5"]),
                api_key_alias=random.choice(["a", "b", None]),
                conversation_id=random.choice([None, "x", "y"]),
                uncached_input_tokens=random.randint(0, 50_000),
                block_hashes=hashes,
                block_sizes=[random.randint(0, 9_999) for _ in hashes],
            )
        )
    return usages


def replayed(usages: list[Usage]) -> dict[str, Reached]:
    """The same, one call after another."""
    met: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for usage in usages:
        for block in usage.block_hashes or ():
            met[(*_pool(usage), block)].add(usage.conversation_id or usage.call_id)
    reached: dict[str, Reached] = {}
    last: dict[tuple[object, ...], int] = {}
    for usage in sorted(usages, key=lambda usage: usage.started_at or 0):
        moment, blocks = usage.started_at or 0, usage.block_hashes or []
        runs = [0, 0, 0]
        for which in range(3):
            for block in blocks:
                key = (*_pool(usage), block)
                since = moment - last[key] if key in last else None
                alive = (
                    len(met[key]) > 1
                    if which == 0
                    else since is not None and since <= (300, 3600)[which - 1] * 10**6
                )
                if not alive:
                    break
                runs[which] += 1
        for block in blocks:
            last[(*_pool(usage), block)] = moment
        sizes = usage.block_sizes or []
        whole = sum(sizes)
        static, short, long = (
            sum(sizes[:length]) * usage.uncached_input_tokens // whole if whole else 0
            for length in runs
        )
        reached[usage.call_id] = (static, short, long)
    return reached


def _pool(usage: Usage) -> tuple[object, ...]:
    return usage.workflow, usage.response_model, usage.api_key_alias


@pytest.mark.parametrize("seed", range(8))
def test_windows_and_loop_agree(seed: int) -> None:
    usages = traffic(seed)
    scene = set_scene(books(usages), card(), Config(), None, None)
    run(scene, [])
    PromptCache().propose(scene)
    rows = scene.connection.execute(
        "select call_id, static_tokens, short_tokens, long_tokens "
        "from reach join calls using (call)"
    ).fetchall()
    assert {call_id: tuple(reached) for call_id, *reached in rows} == replayed(usages)
