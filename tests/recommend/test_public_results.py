"""Two models on the same public tasks, with results nobody here made: SWE-bench Pro.

Set TOKMAN_SWE_RESULTS to a folder with eval_results_gpt5.json and eval_results_claude45.json, as in
https://github.com/nilenso/swe-bench-pro-cost-token-time-analysis: task → whether it was resolved.
"""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.recommend.books import MONDAY, books, call, card
from tests.recommend.test_matched import compared
from tokman.config import Config
from tokman.recommend import recommend, trial
from tokman.recommend.downgrade import Downgrade
from tokman.recommend.matched import Arm
from tokman.usage import Usage

FOLDER = os.environ.get("TOKMAN_SWE_RESULTS")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="TOKMAN_SWE_RESULTS names no folder")
NEW = Arm("openai", "gpt-5.4-mini", "tasks", 0)
OLD = Arm("anthropic", "claude-sonnet-4-5", "tasks", 0)
Results = dict[str, tuple[bool, bool]]


@pytest.fixture(scope="module")
def results() -> Results:
    """Task → resolved by GPT-5, by Claude Sonnet 4.5; tasks that both were given."""
    first, second = (
        msgspec.json.decode(
            (Path(FOLDER or "") / f"eval_results_{name}.json").read_bytes(), type=dict[str, bool]
        )
        for name in ("gpt5", "claude45")
    )
    return {task: (first[task], second[task]) for task in sorted(first.keys() & second.keys())}


def test_they_are_the_results_that_are_told(results: Results) -> None:
    """RESEARCH_NOTES.md there: 729 tasks, 206 solved by both, 59 by GPT-5 only, 113 by Claude's."""
    pairs = list(results.values())
    assert len(pairs) == 729
    assert (pairs.count((True, False)), pairs.count((False, True))) == (59, 113)
    assert pairs.count((True, True)) == 206


def test_a_replay_of_them_refutes_the_cheaper_model(results: Results) -> None:
    pairs = list(results.values())
    found = trial.replayed(
        len(pairs), lost=pairs.count((False, True)), gained=pairs.count((True, False)), alpha=0.05
    )
    assert found.gap == pytest.approx(-54 / 729)
    assert found.high < -0.03


def tasks(results: Results, both: bool, seed: int = 1) -> list[Usage]:
    """A ledger of the tasks: each done by both models, or by one of them by chance. Prompts are as
    long as says which repository they are of. The prices stand for those of the models."""
    random = Random(seed)
    sizes = {name: place for place, name in enumerate(sorted({_repository(t) for t in results}))}
    usages = []
    for number, (task, right) in enumerate(results.items()):
        done_by = (0, 1) if both else (random.randrange(2),)
        for which in done_by:
            what = {
                "call_id": f"{number}-{which}",
                "model": ("gpt-5.4-mini", "claude-sonnet-4-5")[which],
                "workflow": "tasks",
                "success": right[which],
                "uncached_input_tokens": 2 ** (sizes[_repository(task)] + 6),
                "output_tokens": 5000,
            }
            usages.append(call(number, MONDAY + timedelta(minutes=number), **what))
    return usages


def _repository(task: str) -> str:
    return task.split("-")[0]


def test_matched_by_repository_as_by_hand(results: Results) -> None:
    found = compared(tasks(results, both=True), NEW, OLD)
    assert found is not None and found.judged
    groups: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for task, right in results.items():
        groups[_repository(task)].append(right)
    kept = [pairs for pairs in groups.values() if len(pairs) >= 10]
    by_hand = sum(sum(a - b for a, b in pairs) / 2 for pairs in kept)
    assert found.gap == pytest.approx(by_hand / sum(len(pairs) / 2 for pairs in kept), abs=0.005)


def test_divided_by_chance_it_finds_what_is_true(results: Results) -> None:
    truth = -54 / 729
    for seed in range(5):
        found = compared(tasks(results, both=False, seed=seed), NEW, OLD)
        assert found is not None
        assert abs(found.gap - truth) < 3 * found.error


def test_the_cheaper_model_is_not_proposed(results: Results) -> None:
    levers = [Downgrade()]
    config = msgspec.convert({"workflows": {"tasks": {"value": "1"}}}, Config)
    found = recommend(books(tasks(results, both=True)), card(), config, levers=levers)
    assert not found.recommendations
    assert any("does worse" in left.why for left in found.left)
