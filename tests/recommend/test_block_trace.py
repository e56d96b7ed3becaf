"""The replay against block hashes of real traffic, read through a mapping as any log is.

A trace made here in Mooncake's format is always replayed. For real traffic, get a trace of
https://github.com/kvcache-ai/Mooncake/tree/main/FAST25-release/traces (Apache-2.0, one hour of
requests: arrival, lengths, and the hashes of their blocks of 512 tokens) and run

    TOKMAN_BLOCK_TRACE=conversation_trace.jsonl pytest tests/recommend/test_block_trace.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from tests.recommend.books import card
from tokman import query, sources
from tokman.config import Config
from tokman.ingest import ingest
from tokman.ledger import Ledger
from tokman.recommend import recommend
from tokman.recommend.lever import Scene
from tokman.recommend.prompt_cache import PromptCache, _look_at
from tokman.recommend.reach import reach
from tokman.recommend.scene import set_scene
from tokman.recommend.waterfall import run
from tokman.sources.mapping import load

BLOCK = 512
TRACE = os.environ.get("TOKMAN_BLOCK_TRACE")
MAPPING = """
[sources.mooncake]
match.keys = ["timestamp", "input_length", "hash_ids"]

[sources.mooncake.map]
started_at = {{ path = "timestamp", unit = "ms", since = "2026-10-19" }}
provider_name = {{ const = "{provider}" }}
response_model = {{ const = "{model}" }}
input_tokens = "input_length"
output_tokens = "output_length"
time_to_first_token_ms = {{ const = 0, unit = "ms" }}
workflow = {{ const = "work" }}
block_hashes = {{ path = "hash_ids", cumulative = true }}
block_sizes = {{ const = 512 }}
"""
PROVIDERS = {"gpt-5.5": "openai", "claude-sonnet-4-5": "anthropic"}
Requests = list[dict[str, Any]]


class Read(NamedTuple):
    """A trace, its requests in the order of the ledger."""

    ledger: Ledger
    requests: Requests


def conversations(random: Random) -> Requests:
    """A trace of conversations that share a system prompt, grow by every turn, and pause."""
    made: Requests = []
    blocks = iter(range(10, 10**6))
    for _ in range(60):
        prompt, now = [0, 1, next(blocks)], random.randrange(3_000_000)
        for _ in range(random.randrange(1, 9)):
            prompt = [*prompt, *(next(blocks) for _ in range(random.randrange(6)))]
            last = next(blocks)  # not full, so it is no beginning of the next turn's
            length = BLOCK * len(prompt) + random.randrange(1, BLOCK)
            made.append(
                {
                    "timestamp": now,
                    "input_length": length,
                    "output_length": random.randrange(1, 900),
                    "hash_ids": [*prompt, last],
                }
            )
            now += random.choice((2_000, 40_000, 200_000, 700_000))
    return sorted(made, key=lambda each: int(each["timestamp"]))


@pytest.fixture(scope="module", params=["made here", "real traffic"])
def trace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "real traffic":
        if not TRACE:
            pytest.skip("TOKMAN_BLOCK_TRACE names no trace: see the top of this file")
        return Path(TRACE).absolute()
    path = tmp_path_factory.mktemp("trace") / "made.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in conversations(Random(7))))
    return path


@pytest.fixture(params=PROVIDERS)
def read(trace: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Read:
    text = MAPPING.format(model=request.param, provider=PROVIDERS[request.param])
    sources.use(load.read(text.encode(), "map.toml"))
    ledger = Ledger(tmp_path / "ledger", create=True)
    requests = [json.loads(line) for line in trace.read_text().splitlines()]
    done = ingest([str(trace)], ledger, card)
    assert (done.added, done.rejects) == (len(requests), [])
    ordered = "select line from usage order by started_at, hash(call_id) % 4096"
    lines = query.connect(ledger, Config()).execute(ordered).fetchall()
    return Read(ledger, [requests[line - 1] for (line,) in lines])


def sizes(one: dict[str, Any]) -> list[int]:
    """Tokens of each block; the last one is not full."""
    whole, rest = divmod(one["input_length"], BLOCK)
    return [BLOCK] * whole + [rest] * (rest > 0)


def ideal(requests: Requests, seconds: int, least: int = 0) -> int:
    """Tokens that an endless cache would have held, block by block, of prefixes that long."""
    last: dict[int, int] = {}
    held = 0
    for one in requests:
        now, prefix = one["timestamp"], 0
        for block, size in zip(one["hash_ids"], sizes(one), strict=True):
            if block not in last or now - last[block] > seconds * 1000:
                break
            prefix += size
        held += prefix if prefix >= least else 0
        last.update(dict.fromkeys(one["hash_ids"], now))
    return held


def scene_of(read: Read) -> Scene:
    scene = set_scene(query.connect(read.ledger, Config()), card(), Config(), None, None)
    run(scene, [])
    return scene


@pytest.mark.parametrize("read", ["gpt-5.5"], indirect=True)
def test_every_lifetime_reaches_the_ideal(read: Read) -> None:
    scene = scene_of(read)
    _look_at(scene)
    for minutes in (1, 5, 10, 30, 60):
        span = minutes * 60 * 10**6
        scene.connection.execute(f"update caching set short = {span}, long = {span}")
        reach(scene)
        reached = scene.connection.execute("select sum(static_short) from reach").fetchone()
        assert reached == (ideal(read.requests, minutes * 60),), minutes
        assert reached > (0,)


@pytest.mark.parametrize("read", PROVIDERS, indirect=True)
def test_no_advice_saves_more_than_the_ideal(read: Read) -> None:
    """An ideal cache reads for nothing extra; at OpenAI 85 % of its hits are counted."""
    connection = query.connect(read.ledger, Config())
    found = recommend(connection, card(), Config(), levers=[PromptCache()])
    saved = found.spend - found.spend_after
    if found.recommendations[0].model == "gpt-5.5":
        most = ideal(read.requests, 300, least=1024) * 4_500_000
        assert 0.84 * most <= saved <= 0.85 * most
    else:
        assert 0 < saved <= ideal(read.requests, 3600, least=1024) * 2_700_000
