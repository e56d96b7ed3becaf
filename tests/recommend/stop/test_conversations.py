"""Abandoned work and runaway conversations, and dear ones that are worth it."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tests.recommend.books import MONDAY
from tests.recommend.stop.cases import agent, chain, each, found
from tokman.recommend.stop.conversations import cap
from tokman.usage import PICO, Usage


def steps(count: int, name: str = "n") -> list[str]:
    return [f"read:{name}{number}=text {name}{number}" for number in range(count)]


def talks(count: int = 120, seed: int = 1, **what: Any) -> list[Usage]:
    """Conversations of 2 to 12 calls, each with an answer at its end."""
    random = Random(seed)
    return [
        usage
        for number in range(count)
        for usage in agent(
            [*steps(random.randint(1, 11), f"{number}-"), ""],
            f"other-{number}",
            MONDAY + timedelta(hours=1 + number),
            context=random.randint(2000, 6000),
            **what,
        )
    ]


def scored(usages: list[Usage], success: bool) -> list[Usage]:
    usages[-1].success = success
    return usages


ENOUGH = talks(20, success=True)
"""So that the log goes on after the case, and says what outcomes look like."""

ABANDONED: dict[str, tuple[list[Usage], int]] = {
    "nine calls after the last answer": (
        scored(agent([*steps(3), "", *steps(9, "late")]), False),
        9,
    ),
    "never an answer": (scored(agent(steps(9)), False), 8),
}


@pytest.mark.parametrize(("usages", "calls"), ABANDONED.values(), ids=ABANDONED.keys())
def test_catches_abandoned_work(usages: list[Usage], calls: int) -> None:
    assert found(usages + ENOUGH) == {"abandoned work": calls}


FINISHED: dict[str, list[Usage]] = {
    "no outcome logged": agent([*steps(3), "", *steps(9, "late")]) + ENOUGH,
    "a success": scored(agent([*steps(3), "", *steps(9, "late")]), True) + ENOUGH,
    "a success, though a call failed": [
        *scored(scored(agent([*steps(3), "", *steps(9, "late")]), False)[:-1], True),
        *ENOUGH,
    ],
    "a failure with an answer": scored(agent([*steps(9), ""]), False) + ENOUGH,
    "most was spent before the answer": scored(agent([*steps(9), "", *steps(3, "l")]), False)
    + ENOUGH,
    "it may go on": scored(agent([*steps(3), "", *steps(9, "late")]), False),
    "successes end with a tool call too": scored(agent(steps(9)), False)
    + [
        usage
        for number in range(20)
        for usage in scored(
            agent([*steps(3), "submit=ok"], f"done-{number}", MONDAY + timedelta(hours=number + 1)),
            True,
        )
    ],
}


@pytest.mark.parametrize("usages", FINISHED.values(), ids=FINISHED.keys())
def test_leaves_other_ends_alone(usages: list[Usage]) -> None:
    assert not found(usages)


def test_without_outcomes_unanswered_work_is_named_without_an_amount() -> None:
    usages = talks(20)
    for number in range(4):
        usages += agent([*steps(3), "", *steps(9, "late")], f"left-{number}", context=30_000)
    answer = chain(usages)
    (left,) = answer.left
    assert not answer.savings
    assert left.why.startswith("4 conversations (")
    assert "log a score or a reaction" in left.why


def runaway(turns: int = 200, **what: Any) -> list[Usage]:
    return agent(steps(turns, "far"), **{"context": 20_000} | what)


def test_what_a_runaway_spent_beyond_the_others_is_counted() -> None:
    usages = talks()
    costs = sorted(
        sum(
            one.uncached_input_tokens * 3 + one.output_tokens * 15
            for one in usages
            if one.conversation_id == f"other-{n}"
        )
        for n in range(120)
    )
    mark = costs[-1]  # 995 in 1,000 of 120 conversations: all of them
    spent = late = 0
    for one in runaway():
        price = one.uncached_input_tokens * 3 + one.output_tokens * 15
        late += price if spent > mark else 0
        spent += price
    (saving,) = chain(usages + runaway()).savings
    assert saving.about.rule == "runaway conversation"
    assert saving.saved == late * PICO // 10**6
    assert f"at {cap(mark / 10**6)}" in saving.about.change
    assert saving.about.evidence.level == "E0"


WORTH_IT: dict[str, list[Usage]] = {
    "a success": scored(runaway(), True) + talks(),
    "a user goes on": each(runaway(), turn=lambda n: "tool" if n % 20 else "user") + talks(),
    "too few to compare with": runaway() + talks(40),
    "a kind of its own": [
        usage
        for number in range(6)
        for usage in runaway(
            150 + number * 10, name=f"far-{number}", start=MONDAY + timedelta(days=number)
        )
    ]
    + talks(),
    "less than a dollar": runaway(30, context=100)
    + talks(output_tokens=1, uncached_input_tokens=10),
    "dear, but in few turns": runaway(6, context=190_000) + talks(),
}


@pytest.mark.parametrize("usages", WORTH_IT.values(), ids=WORTH_IT.keys())
def test_leaves_dear_work_alone(usages: list[Usage]) -> None:
    assert not found(usages)


@pytest.mark.parametrize(
    ("usd", "words"), [(0.0123, "$0.02"), (1.0, "$1.00"), (4.21, "$4.30"), (1234.0, "$1,300.00")]
)
def test_a_cap_is_just_above_the_mark(usd: float, words: str) -> None:
    assert cap(usd) == words
