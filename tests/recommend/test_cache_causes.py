"""Each cause of a prompt cache that is not read: what it catches, and its look-alikes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.recommend.books import MONDAY, books, call, card
from tokman.config import Config
from tokman.recommend import recommend
from tokman.recommend.cache_causes import WORDS, causes
from tokman.recommend.lever import Scene
from tokman.recommend.prompt_cache import PromptCache, _look_at
from tokman.recommend.scene import set_scene
from tokman.recommend.waterfall import run
from tokman.usage import Usage

BLOCK = 2000
"""Tokens, and bytes, of every part of a prompt."""
TOOLS, OTHER_ORDER, OTHER_TOOLS = [11, 12], [12, 11], [11, 13]
SYSTEM, DATED = 21, 22


def prompt(*parts: int) -> list[int]:
    """Cumulative hashes of these parts."""
    hashes, above = [], 0
    for part in parts:
        above = (above * 1_000_003 + part) % 2**61
        hashes.append(above)
    return hashes


def turn(number: int, minutes: float, parts: list[int], read: int = 0, **what: Any) -> Usage:
    """A call that reads so many blocks and writes the rest."""
    blocks = len(parts)
    plain: dict[str, Any] = {
        "model": "claude-sonnet-4-5",
        "conversation_id": "one",
        "uncached_input_tokens": 0,
        "cache_read_input_tokens": read * BLOCK,
        "cache_write_5m_input_tokens": (blocks - read) * BLOCK,
        "time_to_first_token_ms": 2000,
        "block_hashes": prompt(*parts),
        "block_sizes": [BLOCK] * blocks,
        "tool_blocks": 2,
        "system_blocks": 1,
        "tools_hash": 1,
        "steady_hash": 2,
    }
    return call(number, MONDAY + timedelta(minutes=minutes), **plain | what)


FIRST = turn(0, 0, [*TOOLS, SYSTEM, 31])
NEXT = [*TOOLS, SYSTEM, 31, 32, 33]
UNMARKED: dict[str, Any] = {
    "uncached_input_tokens": 4 * BLOCK,
    "cache_write_5m_input_tokens": 0,
}
HOUR: dict[str, Any] = {
    "cache_write_1h_input_tokens": 4 * BLOCK,
    "cache_write_5m_input_tokens": 0,
}
PLAIN: dict[str, Any] = {
    "tool_blocks": 0,
    "system_blocks": 0,
    "tools_hash": None,
    "model": "claude-haiku-4-5",
}
OPENAI: dict[str, Any] = {"model": "gpt-5.5", "cache_write_5m_input_tokens": 0}

CATCHES: dict[str, tuple[str, int, list[Usage]]] = {
    # cause, blocks that could have been read, calls
    "tools in another order": (
        "order of tools", 2, [FIRST, turn(1, 1, [*OTHER_ORDER, SYSTEM, 31, 32])]
    ),
    "tools in another order in another conversation": (
        "order of tools",
        2,
        [FIRST, turn(1, 1, [*OTHER_ORDER, SYSTEM, 41], conversation_id="two")],
    ),
    "another set of tools": (
        "other tools", 2, [FIRST, turn(1, 1, [*OTHER_TOOLS, SYSTEM, 31, 32], tools_hash=9)]
    ),
    "a date in the system prompt": (
        "date or id in the prefix", 3, [FIRST, turn(1, 1, [*TOOLS, DATED, 31, 32])]
    ),
    "another model for one turn": (
        "other model",
        4,
        [
            FIRST,
            turn(1, 1, NEXT, model="claude-haiku-4-5"),
            turn(2, 2, [*NEXT, 34], read=4),
            turn(3, 3, [*NEXT, 34, 35], read=6, model="claude-haiku-4-5"),
        ],
    ),
    "another effort for one turn": (
        "other effort", 4, [FIRST, turn(1, 1, NEXT, reasoning_effort="high")]
    ),
    "a pause": ("died before use", 4, [FIRST, turn(1, 6, NEXT)]),
    "a pause of more than an hour": (
        "died before use", 4, [turn(0, 0, [*TOOLS, SYSTEM, 31], **HOUR), turn(1, 61, NEXT)]
    ),
    "both at once": (
        "cold start in parallel",
        3,
        [FIRST, turn(1, 0.02, [*TOOLS, SYSTEM, 41], conversation_id="two")],
    ),
    "a call without marks before": (
        "not marked", 4, [turn(0, 0, [*TOOLS, SYSTEM, 31], **UNMARKED), turn(1, 1, NEXT)]
    ),
    "twenty new parts": (
        "look-back", 4, [FIRST, turn(1, 1, [*TOOLS, SYSTEM, 31, *range(100, 120)])]
    ),
    "the mark behind the question": (
        "mark behind a change",
        3,
        [FIRST, turn(1, 1, [*TOOLS, SYSTEM, 41], conversation_id="two")],
    ),
    "another machine": (
        "routing",
        4,
        [
            turn(0, 0, [*TOOLS, SYSTEM, 31], **OPENAI | {"uncached_input_tokens": 4 * BLOCK}),
            turn(1, 1, NEXT, **OPENAI | {"uncached_input_tokens": 6 * BLOCK}),
        ],
    ),
    "a short shared beginning": (
        "below the minimum", 1, [turn(0, 0, [1, 2], **PLAIN), turn(1, 1, [1, 3], **PLAIN)]
    ),
}  # fmt: skip


def scene_of(usages: list[Usage]) -> Scene:
    scene = set_scene(books(usages), card(), Config(), None, None)
    run(scene, [])
    _look_at(scene)
    return scene


@pytest.mark.parametrize(("cause", "blocks", "usages"), CATCHES.values(), ids=CATCHES.keys())
def test_catches(cause: str, blocks: int, usages: list[Usage]) -> None:
    scene = scene_of(usages)
    ((one,),) = causes(scene).values()
    rows = scene.connection.execute(
        "select call_id, cause, due from causes join calls using (call)"
    )
    assert rows.fetchall() == [(usages[1].call_id, cause, blocks * BLOCK)]
    assert (one.name, one.calls) == (cause, 1)
    assert one.remedy


def test_every_cause_has_a_case() -> None:
    assert {cause for cause, _, _ in CATCHES.values()} == WORDS.keys()


LEFT: dict[str, list[Usage]] = {
    "the turn before was read": [FIRST, turn(1, 1, NEXT, read=4)],
    "half of it was read": [FIRST, turn(1, 1, NEXT, read=2)],
    "read after a pause": [FIRST, turn(1, 6, NEXT, read=4)],
    "read from another conversation at once": [
        FIRST, turn(1, 0.02, [*TOOLS, SYSTEM, 41], read=3, conversation_id="two")
    ],
    "another agent's tools": [
        FIRST, turn(1, 1, [*OTHER_TOOLS, SYSTEM, 41], tools_hash=9, conversation_id="two")
    ],
    "another system prompt": [
        FIRST, turn(1, 1, [*TOOLS, DATED, 41], steady_hash=7, conversation_id="two")
    ],
    "another key": [FIRST, turn(1, 1, NEXT, api_key_alias="other")],
    "another workflow": [FIRST, turn(1, 1, NEXT, workflow="other")],
    "twenty new parts, read": [
        FIRST, turn(1, 1, [*TOOLS, SYSTEM, 31, *range(100, 120)], read=4)
    ],
    "nothing is cached at all": [
        turn(0, 0, [*TOOLS, SYSTEM, 31], **UNMARKED),
        turn(1, 1, [*TOOLS, SYSTEM, 32], **UNMARKED),
    ],
    "nothing in common": [FIRST, turn(1, 1, [90, 91, 92, 93], tools_hash=9, conversation_id="two")],
    "a failed call": [FIRST, turn(1, 1, NEXT, status="error")],
}  # fmt: skip


@pytest.mark.parametrize("usages", LEFT.values(), ids=LEFT.keys())
def test_leaves_alone(usages: list[Usage]) -> None:
    assert not causes(scene_of(usages))


def test_what_a_cause_costs() -> None:
    ((one,),) = causes(scene_of(CATCHES["a pause"][2])).values()
    assert one.usd == 4 * BLOCK * (Decimal("3.75") - Decimal("0.3")) / 10**6
    assert one.missed == 4 * BLOCK


def test_a_date_in_the_prefix_is_a_recommendation() -> None:
    rows = [
        turn(number, 2 * number, [*TOOLS, 1000 + number, *range(number % 4)],
             conversation_id=f"talk-{number // 4}")
        for number in range(80)
    ]  # fmt: skip
    found = recommend(books(rows), card(), Config(), levers=[PromptCache()])
    (one,) = found.recommendations
    assert one.title == "Move dates and ids of work behind its system prompt, and cache that"
    assert "move what changes from call to call" in one.change
    assert any("differ in a date, a time or an id" in fact for fact in one.facts)
    # Tools and system prompt are written once and read 79 times; the rest is sent as it is.
    prefix = 3 * BLOCK * (3_750_000 + 79 * 300_000)
    rest = 20 * (0 + 1 + 2 + 3) * BLOCK * 3_000_000
    assert found.spend_after == prefix + rest + 80 * 300 * 15_000_000


def test_tools_in_changing_order_are_a_recommendation() -> None:
    rows = [
        turn(number, 4 * number, [*(TOOLS if number % 2 else OTHER_ORDER), SYSTEM, 100 + number],
             conversation_id=None, steady_hash=None)
        for number in range(60)
    ]  # fmt: skip
    found = recommend(books(rows), card(), Config(), levers=[PromptCache()])
    (one,) = found.recommendations
    # Each order alone comes every eight minutes, and would need an hour's life.
    ways = {"Send the tools of work in one order, and cache them"}
    ways.add("Cache the prompts of work on claude-sonnet-4-5")
    assert one.title in ways
    assert any("send the same tools in another order" in fact for fact in one.facts)


def test_only_the_beginning_is_cached() -> None:
    rows = [
        call(
            talk * 10 + place,
            MONDAY + timedelta(hours=2 * talk, minutes=place),
            model="claude-sonnet-4-5",
            conversation_id=f"talk-{talk}",
            uncached_input_tokens=4000 * (place + 1),
            cache_read_input_tokens=1500,
        )
        for talk in range(10)
        for place in range(10)
    ]
    rows[0].cache_read_input_tokens, rows[0].cache_write_5m_input_tokens = 0, 1500
    (one,) = recommend(books(rows), card(), Config(), levers=[PromptCache()]).recommendations
    assert one.evidence == "upper bound"
    assert any("only the beginning is cached, not the history" in fact for fact in one.facts)


def test_every_call_writes_and_none_reads() -> None:
    rows = [
        call(number, MONDAY + timedelta(minutes=number), model="claude-sonnet-4-5",
             uncached_input_tokens=10, cache_write_5m_input_tokens=9000)
        for number in range(40)
    ]  # fmt: skip
    (one,) = recommend(books(rows), card(), Config(), levers=[PromptCache()]).recommendations
    assert one.evidence == "exact"
    assert any("writes and none reads" in fact for fact in one.facts)


def test_growing_conversations_at_openai_without_hashes() -> None:
    rows = [
        call(
            talk * 10 + place,
            MONDAY + timedelta(hours=2 * talk, minutes=place),
            conversation_id=f"talk-{talk}",
            uncached_input_tokens=4000 * (place + 1),
        )
        for talk in range(10)
        for place in range(10)
    ]
    (one,) = recommend(books(rows), card(), Config(), levers=[PromptCache()]).recommendations
    assert one.evidence == "upper bound"
    hits = sum(4000 * place // 128 * 128 * 85 // 100 for place in range(1, 10))
    assert one.window.identified == 10 * hits * 4_500_000
