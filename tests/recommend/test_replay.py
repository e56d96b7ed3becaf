"""The cache replayed by window functions is the cache replayed call by call, token for token."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from random import Random
from statistics import median_low
from typing import Any, NamedTuple

import pytest

from tests.recommend.books import MONDAY, books, call, card
from tokman.config import Config
from tokman.recommend.ladder import cache_rule
from tokman.recommend.prompt_cache import _look_at
from tokman.recommend.reach import reach
from tokman.recommend.scene import set_scene
from tokman.recommend.waterfall import run
from tokman.usage import Usage

SPANS = {"short": 300 * 10**6, "long": 3600 * 10**6}
"""Microseconds."""
KINDS = ("static", "rolling", "stepped", "warm")
Key = tuple[object, ...]


def traffic(seed: int) -> list[Usage]:
    """Calls of a few keys and workflows over trees of prompts, some at the same beginning."""
    random = Random(seed)
    usages = []
    for number in range(400):
        tools, system = random.choice([(0, 0), (0, 1), (1, 1), (None, None)])
        workflow = random.choice(["qa", "chat", "long"])
        depth = random.choice([5, 30, 90]) if workflow == "long" else random.randint(1, 7)
        branches = random.choice([1, 1, 2])
        hashes, above = [], 0
        for place in range(depth):
            above = (above * 31 + random.randrange(branches) + 7 * place + 1) % 2**61
            hashes.append(above)
        usages.append(
            call(
                number,
                # Some calls come while others are being answered, none at the same instant.
                MONDAY + timedelta(seconds=random.randrange(6 * 3600), microseconds=number),
                workflow=workflow,
                model=random.choice(["claude-sonnet-4-5", "claude-haiku-4-5"]),
                api_key_alias=random.choice(["a", "b", None]),
                conversation_id=random.choice([None, "x", "y"]),
                reasoning_effort=random.choice(["low", None]) if seed % 2 else None,
                uncached_input_tokens=random.randint(0, 50_000),
                time_to_first_token_ms=random.choice([None, 0, 30_000]),
                duration_ms=random.choice([None, 90_000]),
                block_hashes=hashes,
                block_sizes=[random.randint(0, 9_999) for _ in hashes],
                tool_blocks=tools,
                system_blocks=system,
                tools_hash=random.choice([None, 1, 2]),
                steady_hash=random.choice([None, 5, 6]),
            )
        )
    return usages


class Path(NamedTuple):
    """One way to look at a prompt: what stands at each place, and where marks go."""

    usage: Usage
    keys: list[Key]
    ends: list[int]
    """Blocks of the prompt up to each place."""
    static: int
    """Places before the mark that stays."""


def ends(usage: Usage) -> tuple[int, int]:
    """Blocks of tools, and of tools and system prompt."""
    blocks = len(usage.block_hashes or ())
    tools = min(usage.tool_blocks or 0, blocks)
    return tools, min(tools + (usage.system_blocks or 0), blocks)


def cell(usage: Usage) -> Key:
    return usage.workflow, usage.response_model


def block_keys(usage: Usage) -> list[Key]:
    _, system = ends(usage)
    return [
        (*cell(usage), usage.api_key_alias, block, usage.reasoning_effort if place > system else "")
        for place, block in enumerate(usage.block_hashes or (), 1)
    ]


def paths(usages: list[Usage]) -> dict[str, list[Path]]:
    met: dict[Key, set[str]] = defaultdict(set)
    times: dict[Key, int] = defaultdict(int)
    for usage in usages:
        for key in block_keys(usage):
            met[key].add(usage.conversation_id or usage.call_id)
            times[key] += 1
    depths: dict[Key, list[int]] = defaultdict(list)
    for usage in usages:
        shared = [place for place, key in enumerate(block_keys(usage), 1) if len(met[key]) > 1]
        if shared:
            depths[cell(usage)].append(max(shared) - ends(usage)[1])
    found: dict[str, list[Path]] = {"blocks": [], "steady": [], "tools": []}
    for usage in usages:
        keys = block_keys(usage)
        tools, system = ends(usage)
        depth = median_low(depths[cell(usage)]) if depths[cell(usage)] else 0
        static = max(0, min(system + depth, len(keys)))
        found["blocks"].append(Path(usage, keys, list(range(1, len(keys) + 1)), static))
        for name, value, end in (
            ("steady", usage.steady_hash, system),
            ("tools", usage.tools_hash, tools),
        ):
            if value is not None and end > 0:
                key = (*cell(usage), usage.api_key_alias, value)
                found[name].append(Path(usage, [key], [end], 1))
    return found


def reached(prompts: list[Path], kind: str, lifetime: int, lookback: int) -> dict[str, int]:
    """Tokens of each call that are found, one call after another."""
    last: dict[Key, int] = {}
    begun: dict[Key, int] = {}
    tokens: dict[str, int] = {}
    for path in sorted(prompts, key=lambda path: path.usage.started_at or 0):
        usage, length = path.usage, len(path.keys)
        now = usage.started_at or 0
        first = usage.time_to_first_token_ms
        if first is None:
            first = 1000 if usage.duration_ms is None else usage.duration_ms
        marks = {path.static}
        if kind in ("rolling", "stepped"):
            marks.add(length)
        if kind == "stepped":
            marks |= {length - lookback, length - 2 * lookback}
        hit = 0
        for place, key in enumerate(path.keys, 1):
            if key in last and now - last[key] > lifetime:
                del last[key]
                begun.pop(key, None)
            seen = any(mark - lookback < place <= mark for mark in marks)
            alive = key in begun and begun[key] <= now
            if kind == "warm":
                alive = key in last
            if seen and alive:
                hit = place
        for place, key in enumerate(path.keys, 1):
            last[key] = now
            if place in marks:
                begun[key] = min(begun.get(key, now + first * 1000), now + first * 1000)
        sizes = usage.block_sizes or []
        whole = sum(sizes)
        held = sum(sizes[: path.ends[hit - 1]]) if hit else 0
        tokens[usage.call_id] = held * usage.uncached_input_tokens // whole if whole else 0
    return tokens


@pytest.mark.parametrize("seed", range(6))
def test_windows_and_loop_agree(seed: int) -> None:
    usages = traffic(seed)
    scene = set_scene(books(usages), card(), Config(), None, None)
    run(scene, [])
    _look_at(scene)
    reach(scene)
    by_path = paths(usages)
    rule = cache_rule("anthropic", "claude-sonnet-4-5")
    assert rule is not None
    found = 0
    for name, prompts in by_path.items():
        for kind in KINDS:
            for span, lifetime in SPANS.items():
                rows = scene.connection.execute(
                    f"select call_id, {kind}_{span} from reach join calls using (call) "
                    "where path = $path",
                    {"path": name},
                ).fetchall()
                want = reached(prompts, kind, lifetime, rule.lookback)
                assert dict(rows) == want, (name, kind, span)
                found += sum(want.values())
    assert found > 0


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_log_does_not_matter(seed: int) -> None:
    usages = traffic(seed)
    answers = []
    for order in (lambda rows: rows, lambda rows: Random(seed).sample(rows, len(rows))):
        arrange: Callable[[list[Usage]], list[Usage]] = order
        scene = set_scene(books(arrange(usages)), card(), Config(), None, None)
        run(scene, [])
        _look_at(scene)
        reach(scene)
        rows: list[Any] = scene.connection.execute(
            "select call_id, reach.* exclude (call, cell) from reach join calls using (call) "
            "order by call_id, path"
        ).fetchall()
        answers.append(rows)
    assert answers[0] == answers[1]


@pytest.mark.parametrize("seed", range(2))
def test_parts_make_the_whole(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells and prefixes may be replayed some at a time."""
    answers = []
    for calls, blocks in ((10**6, 10**6), (100, 70)):
        monkeypatch.setattr("tokman.recommend.reach.CALLS", calls)
        monkeypatch.setattr("tokman.recommend.replay.BLOCKS", blocks)
        scene = set_scene(books(traffic(seed)), card(), Config(), None, None)
        run(scene, [])
        _look_at(scene)
        reach(scene)
        answers.append(scene.connection.execute("from reach order by call, path").fetchall())
    assert answers[0] == answers[1]


def test_huge_blocks_are_scaled_exactly() -> None:
    usages = [
        call(
            number,
            MONDAY + timedelta(seconds=number),
            model="claude-sonnet-4-5",
            workflow="qa",
            uncached_input_tokens=10**6,
            block_hashes=[1, 2, 10 + number],
            block_sizes=[2**60, 2**60, 2**61],
        )
        for number in range(3)
    ]
    scene = set_scene(books(usages), card(), Config(), None, None)
    run(scene, [])
    _look_at(scene)
    reach(scene)
    found = scene.connection.execute("select distinct static_tokens from reach").fetchall()
    assert found == [(10**6 // 2,)]
