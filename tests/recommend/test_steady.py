"""Large ledgers: nothing is found where there is nothing, and what is found keeps its name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.recommend.books import MONDAY, books, card, nightly
from tests.recommend.stop.cases import agent
from tests.recommend.test_cache_clean import clean
from tokman.config import Config
from tokman.recommend import Plan, decisions, names, precision, recommend
from tokman.recommend.cache_words import _rule
from tokman.recommend.decisions import Judgement
from tokman.recommend.lever import Cell, Evidence
from tokman.recommend.prompt_cache import Option
from tokman.recommend.stop.lever import RULES
from tokman.usage import Usage

LEAST = 20_000


def test_nothing_to_find_gives_nothing() -> None:
    """Twenty thousand calls, every lever: no saving, not even a small one."""
    usages = clean(1700)
    assert len(usages) >= LEAST
    plan = recommend(books(usages), card(), Config())
    assert plan.recommendations == []
    assert plan.spend == plan.spend_after > 0
    assert all(one.standalone == one.shapley == 0 for one in plan.levers)


def company(nights: int) -> list[Usage]:
    """A job, labels in prompts that begin alike, and agents that get stuck: so many nights."""
    stuck = [
        msgspec.structs.replace(usage, workflow="coder")
        for night in range(nights)
        for usage in agent(["test=fail"] * 30 + [""], f"s{night}", MONDAY + timedelta(days=night))
    ]
    labels = nightly(
        per_night=500,
        nights=nights,
        workflow="labels",
        model="claude-sonnet-4-5",
        output_tokens=3,
        uncached_input_tokens=9_000,
        block_hashes=[1],
        block_sizes=[100],
    )
    return [*stuck, *labels, *nightly(per_night=200, nights=nights, workflow="digest")]


def places(plan: Plan) -> dict[str, tuple[str, str, str | None]]:
    return {one.id: (one.lever, one.rule, one.workflow) for one in plan.recommendations}


def test_names_stay_from_run_to_run_and_as_more_of_the_same_arrives() -> None:
    usages = company(28)
    assert len(usages) >= LEAST
    found = places(recommend(books(usages), card(), Config()))
    assert {lever for lever, _, _ in found.values()} >= {"stop", "downgrade", "prompt cache"}
    Random(5).shuffle(usages)
    assert places(recommend(books(usages), card(), Config())) == found
    assert places(recommend(books(company(42)), card(), Config())) == found


CELL = Cell("It", "work", "openai", "gpt-5.5", "", Evidence("E0", "likely", "", (1, 1)), [], [], "")


def named(lever: str, rule: str) -> str:
    return names.full(lever, CELL._replace(rule=rule))


def test_a_rule_that_is_renamed_keeps_its_names_and_what_was_judged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = named("stop", "loop")
    judged = Judgement(lever="stop", rule="loop", hit="c-1", right=True, at=MONDAY)
    decisions.judge(tmp_path, [msgspec.structs.replace(judged, at=MONDAY.replace(tzinfo=None))])
    monkeypatch.setitem(names.RENAMED, ("stop", "loop"), "repeated step")
    assert named("stop", "repeated step") == before
    assert named("batch", "repeated step") != named("batch", "loop")
    later = msgspec.structs.replace(
        judged, rule="repeated step", right=False, at=MONDAY.replace(tzinfo=None, hour=9)
    )
    decisions.judge(tmp_path, [later])
    assert decisions.load(tmp_path).judgements == (later,)
    assert precision.by_rule(decisions.load(tmp_path).judgements)["stop", "repeated step"]


def test_every_rule_has_the_name_that_its_ids_are_made_of(golden: object) -> None:
    """Who renames a rule says so in `names.RENAMED`: then no id changes, and neither does this."""
    cached = {
        _rule(Option(kind, path))
        for kind in ("static", "rolling", "stepped", "warm", "ping", "none")
        for path in ("blocks", "steady", "tools", "counts")
    }
    known = {
        "stop": [*RULES],
        "response cache": ["exact repeats"],
        "compress": ["cap", "results", "long", "tools"],
        "downgrade": ["labels", "fixed answers", "forms", "tool step", "matched"],
        "effort": ["labels", "fixed answers", "forms", "tool step", "matched", "idle effort"],
        "prompt cache": sorted(cached),
        "batch": ["batch", "flex", "off-peak", "standard"],
    }
    lines = [
        f"{named(lever, rule)} {lever}: {names.first(lever, rule)}"
        for lever, rules in known.items()
        for rule in rules
    ]
    golden("recommend/ids.txt", "\n".join(sorted(lines)) + "\n")  # type: ignore[operator]
