"""Loops: what the rules catch, and the repetition that is work."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.recommend.books import MONDAY
from tests.recommend.stop.cases import agent, chain, each, found
from tokman.usage import PICO, Usage

FAIL = "test=fail"
PAIR = ["read:a=text", "test=fail"]
FIVE = ["a=1", "b=2", "c=3", "d=4", "e=5"]


def others(count: int = 60, steps: int = 8, **what: Any) -> list[Usage]:
    """Conversations in which every step differs."""
    rows = []
    for number in range(count):
        talk = [f"read:{number}-{step}=text {number}-{step}" for step in range(steps)]
        start = MONDAY + timedelta(hours=1 + number)
        rows += agent([*talk, ""], f"other-{number}", start, **what)
    return rows


CAUGHT: dict[str, tuple[list[Usage], dict[str, int]]] = {
    # Of n equal steps, those after the third; the last one's result is in the answer after it.
    "one step": (agent([FAIL] * 10 + [""]), {"loop": 7}),
    "five times is the least": (agent([FAIL] * 5 + [""]), {"loop": 2}),
    "four times where all fail": (agent([FAIL + "!"] * 4 + [""]), {"loop": 1}),
    "without an answer, one result is unknown": (agent([FAIL] * 10), {"loop": 6}),
    "two steps": (agent(PAIR * 5 + [""]), {"loop": 4}),
    "five steps": (agent(FIVE * 6 + [""]), {"loop": 15}),
    "a cycle begun again and cut short": (agent(FIVE * 5 + FIVE[:2] + [""]), {"loop": 12}),
    "after work, and before more": (
        agent(["read:1=a", "read:2=b", *[FAIL] * 8, "edit=ok", "test=pass", ""]),
        {"loop": 5},
    ),
    "two in one conversation": (agent([FAIL] * 6 + ["edit=ok"] + [FAIL] * 6 + [""]), {"loop": 6}),
    "a subagent's": (agent([FAIL] * 10 + [""], agent_name="subagent"), {"loop": 7}),
    "after a user's word": (agent([FAIL] * 2 + ["@" + FAIL] + [FAIL] * 6 + [""]), {"loop": 4}),
    "among other conversations": (agent([FAIL] * 10 + [""]) + others(), {"loop": 7}),
    "seconds apart in no order": (
        Random(5).sample(agent([FAIL] * 10 + [""], pace=0), 11),
        {"loop": 7},
    ),
    "results unseen": (agent(["fetch:a"] * 10 + [""]), {"unseen loop": 7}),
    "a cycle, results unseen": (agent(["fetch:a", "fetch:b"] * 6 + [""]), {"unseen loop": 6}),
}


@pytest.mark.parametrize(("usages", "rules"), CAUGHT.values(), ids=CAUGHT.keys())
def test_catches(usages: list[Usage], rules: dict[str, int]) -> None:
    assert found(usages) == rules


LEFT: dict[str, list[Usage]] = {
    "four times": agent([FAIL] * 4 + [""]),
    "three failures": agent([FAIL + "!"] * 3 + [""]),
    "a poll": agent(["?status=running"] * 30 + ["status=done", ""]),
    "a poll and a wait": agent(["?status=running", "?sleep=ok"] * 20 + [""]),
    "a check between waits": agent(["check=pending", "?sleep=ok"] * 20 + [""]),
    "a check whose answer moves on": agent([f"checks={n} of 9 passed" for n in range(9)] + [""]),
    "a batch over files": agent([f"read:file{n}=text" for n in range(40)] + [""]),
    "a batch with equal results": agent([f"write:file{n}=ok" for n in range(40)] + [""]),
    "a test after each edit": agent([s for n in range(9) for s in (f"edit:{n}=ok", FAIL)] + [""]),
    "a build whose result changes": agent([f"build={n} errors" for n in range(9, 0, -1)] + [""]),
    "a user asks each time": agent(["@weather=rain"] * 12 + [""]),
    "an answer each time": agent(["@weather=rain", ""] * 12),
    "an answer each time, turns unseen": agent(["@weather=rain", ""] * 12, turn=None),
    "polls, results unseen": agent(["?status"] * 30 + [""]),
    "other arguments, results unseen": agent([f"read:{n}" for n in range(40)] + [""]),
    "one step in many conversations": [
        usage
        for number in range(40)
        for usage in agent([FAIL, ""], f"talk-{number}", MONDAY + timedelta(minutes=number))
    ],
    "subagents side by side": [
        usage
        for number in range(8)
        for usage in agent(
            ["read:a=text", "test=fail", ""],
            f"sub-{number}",
            MONDAY + timedelta(milliseconds=10 * number),
            conversation_id="main",
            agent_name="subagent",
            turn=None,
        )
    ],
    "subagents side by side, turns seen": [
        usage
        for number in range(8)
        for usage in agent(
            ["read:a=text", "test=fail", "look=text", ""],
            f"sub-{number}",
            MONDAY + timedelta(milliseconds=10 * number),
            conversation_id="main",
            agent_name="subagent",
            context=20_000 + 300 * number,
        )
    ],
    "after each compaction": [
        usage
        for number in range(10)
        for usage in agent(
            [FAIL, FAIL, FAIL],
            f"part-{number}",
            MONDAY + timedelta(minutes=number),
            conversation_id="main",
        )
    ],
    "without a time": [*agent([FAIL] * 10 + [""], time_basis="file"), *others(2)],
    "calls that cost nothing": agent([FAIL] * 10 + [""], response_cache_hit=True) + others(2),
}


@pytest.mark.parametrize("usages", LEFT.values(), ids=LEFT.keys())
def test_leaves_alone(usages: list[Usage]) -> None:
    assert not found(usages)


def test_the_amount_is_what_the_repeated_calls_cost() -> None:
    """Claude Sonnet 4.5 at $3 and $15 a million tokens, as tests/recommend/books.py has it."""
    (one,) = chain(agent([FAIL] * 10 + [""])).savings
    prompts = [20_000 + 400 * number for number in range(3, 10)]
    usd = sum(Decimal(3 * tokens + 15 * 200) for tokens in prompts) / 10**6
    assert one.saved == one.spend == usd * PICO


def test_the_words_name_the_conversation_and_the_line() -> None:
    (one,) = chain(agent([FAIL] * 10 + [""]) + others()).savings
    assert "begin with talk (talk.jsonl:4)" in one.about.change
    assert any("up to 10 times in a cycle of 1 step" in fact for fact in one.about.facts)
    assert one.about.evidence.level == "E2"


STEADY: dict[str, Any] = {"tool_call_hashes": None, "tool_result_hashes": None, "tool_names": None}


def test_a_long_run_of_alike_turns_is_suspected() -> None:
    """Counted from where it has cost what 95 in 100 of the others stay below, so not at once."""
    steady = agent(["x"] * 30 + [""], **STEADY)
    (one,) = chain(steady + others(30, context=10_000, **STEADY)).savings
    usual = sum(Decimal(3 * (10_000 + 400 * n) + 15 * 200) for n in range(9)) / 10**6
    spent = Decimal(0)
    late = 0
    for number in range(30):
        late += spent > usual
        spent += Decimal(3 * (20_000 + 400 * number) + 15 * 200) / 10**6
    assert (one.about.rule, one.calls) == ("long tool run", late)
    assert (one.about.evidence.level, one.about.evidence.word) == ("E0", "suspected")


UNSURE: dict[str, list[Usage]] = {
    "few turns": agent(["x"] * 14 + [""], **STEADY),
    "a user's word between": agent((["x"] * 10 + ["@x"]) * 3 + [""], **STEADY),
    "answers of many lengths": each(
        agent(["x"] * 30 + [""], **STEADY), output_tokens=lambda n: 50 + 97 * n % 400
    ),
    "prompts that grow unevenly": each(
        agent(["x"] * 30 + [""], **STEADY),
        uncached_input_tokens=lambda n: 20_000 + 300 * n + 200 * (n % 3),
    ),
}


@pytest.mark.parametrize("usages", UNSURE.values(), ids=UNSURE.keys())
def test_other_long_runs_are_left_alone(usages: list[Usage]) -> None:
    assert not found(usages + others(30, context=1000, **STEADY))


def test_a_workflow_of_long_runs_is_left_alone() -> None:
    runs = [
        usage
        for number in range(40)
        for usage in agent(
            ["x"] * (28 + number % 5) + [""],
            f"run-{number}",
            MONDAY + timedelta(hours=number),
            **STEADY,
        )
    ]
    assert not found(runs)
