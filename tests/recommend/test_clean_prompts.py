"""A thousand clean workloads whose prompts are as long as they need to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.recommend.books import opened
from tests.recommend.stop.workloads import Workload, table
from tokman import rates
from tokman.config import Config, Rates
from tokman.recommend import recommend
from tokman.recommend.compress import ENOUGH, Compress

LEDGERS, EACH = 4, 250
LONG = {"gpt-5.4": 272_000, "gemini-2.5-pro": 200_000}
"""Tokens of prompt above which every token of the call costs more."""


def turns(w: Workload, talk: int, first: float, new: float, count: int, **what: Any) -> None:
    """A conversation that reads from the cache what it has sent before."""
    at, held = w.office(), 0
    for turn in range(count):
        fresh = int(first if turn == 0 else w.random.uniform(0.5, 1.5) * new)
        cached = {"cache_read_input_tokens": held, "cache_write_5m_input_tokens": fresh}
        shape: dict[str, Any] = {"conversation_id": f"{w.name}-{talk}"} | cached | what
        w.call(at, 0, w.random.uniform(50, 900), **shape)
        held += fresh
        at += w.random.uniform(5, 200)


def talks(w: Workload) -> None:
    """People talk, a dozen turns at most."""
    for talk in range(w.random.randint(8, 20)):
        turns(w, talk, 2500, 400, w.random.randint(1, 12))


def manual(w: Workload) -> None:
    """Short questions about one long text, which no summary can stand for."""
    first = w.random.uniform(40_000, 180_000)
    for talk in range(w.random.randint(6, 12)):
        turns(w, talk, first, 300, w.random.randint(2, 9))


def ends_early(w: Workload) -> None:
    """Agents whose history grows past a cap and that are done a few calls later."""
    for talk in range(w.random.randint(6, 10)):
        turns(w, talk, 15_000, 2000, w.random.randint(8, 22))


def documents(w: Workload) -> None:
    """One document a call, however long."""
    for _ in range(w.random.randint(20, 60)):
        w.call(w.office(), w.random.uniform(5000, 190_000), 400)


def small_results(w: Workload) -> None:
    """Agents whose tools answer briefly."""
    for talk in range(w.random.randint(6, 12)):
        results = [w.random.randrange(200, 15_900) for _ in range(w.random.randint(1, 3))]
        what = {"turn": "tool", "tool_result_bytes": results}
        what["tool_result_hashes"] = [w.fresh() for _ in results]
        turns(w, talk, 8000, 1500, w.random.randint(3, 10), **what)


def every_tool(w: Workload, share: float | None = None) -> None:
    """Tools of which each is needed by a few conversations in a hundred."""
    tools, known = [f"tool_{place}" for place in range(w.random.randint(2, 4))], w.fresh()
    share = w.random.uniform(0.03, 0.2) if share is None else share
    for talk in range(ENOUGH + w.random.randrange(60)):
        what: dict[str, Any] = {"tools_offered": tools, "tools_offered_bytes": [2000] * len(tools)}
        what["tools_hash"] = known
        used = [tool for tool in tools if w.random.random() < share] or tools[:1] * (talk == 0)
        if used:
            what |= {"tool_names": used, "tool_call_hashes": [w.fresh() for _ in used]}
        w.call(w.office(), 3000, 100, conversation_id=f"{w.name}-{talk}", **what)


def few_conversations(w: Workload) -> None:
    """Tools nobody has called yet, in too few conversations to say that nobody will."""
    known = w.fresh()
    for talk in range(w.random.randint(20, ENOUGH - 1)):
        what = {"tools_offered": ["find", "refund"], "tools_offered_bytes": [3000, 4000]}
        what |= {"tools_hash": known, "tool_names": ["find"], "tool_call_hashes": [w.fresh()]}
        w.call(w.office(), 3000, 100, conversation_id=f"{w.name}-{talk}", **what)


def past_the_length(w: Workload, *shares: float) -> None:
    """Prompts far over a length price, or under it: no little cut would change what they cost."""
    model = w.random.choice([*LONG])
    served: dict[str, Any] = {"request_model": model, "response_model": model}
    served["provider_name"] = "openai" if model.startswith("gpt") else "gcp.gemini"
    for _ in range(w.random.randint(5, 15)):
        far = [w.random.uniform(0.3, 1.0), w.random.uniform(1.31, 2.0)]
        share = w.random.choice(shares or far)
        w.call(w.office(), LONG[model] * share, 500, **served)


KINDS: tuple[Callable[[Workload], None], ...] = (
    talks,
    manual,
    ends_early,
    documents,
    small_results,
    every_tool,
    few_conversations,
    past_the_length,
)


def workload(number: int) -> Workload:
    """The workload of that number, on a model that caches; kinds take turns."""
    made = Workload(number)
    made.model = "claude-sonnet-4-5" if number % 2 else "claude-haiku-4-5"
    KINDS[number % len(KINDS)](made)
    return made


def advised(made: list[Workload]) -> dict[str | None, str]:
    prices = rates.load(Rates())
    connection = opened(table(made), prices)
    unpriced = connection.execute("select count(*) from charges where list_cost is null").fetchone()
    assert unpriced == (0,)
    plan = recommend(connection, prices, Config(), levers=[Compress()])
    return {one.workflow: one.rule for one in plan.recommendations}


def test_the_same_with_something_to_shorten_is_found() -> None:
    made = [Workload(9000 + number) for number in range(4)]
    every_tool(made[0], 0)
    past_the_length(made[1], 1.1)
    what = {"turn": "tool", "tool_result_hashes": [1], "tool_result_bytes": [90_000]}
    for talk in range(8):
        turns(made[2], talk, 8000, 24_000, 6, **what)
        turns(made[3], talk, 15_000, 4000, 60)
    rules = ["tools", "long", "results", "cap"]
    assert advised(made) == {one.name: rule for one, rule in zip(made, rules, strict=True)}


@pytest.mark.parametrize("ledger", range(LEDGERS))
def test_clean_workloads_are_left_alone(ledger: int) -> None:
    """At most 1 in 100, in each quarter of them."""
    made = [workload(number) for number in range(ledger * EACH, (ledger + 1) * EACH)]
    found = advised(made)
    assert len(found) <= EACH // 100, found
