"""What the effort lever finds, and what it must leave alone."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from tests.recommend.books import books, card, config, office
from tokman.config import Config
from tokman.recommend import Plan, recommend
from tokman.recommend.effort import Effort
from tokman.usage import Usage

THOUGHT: dict[str, Any] = {
    "workflow": "labels",
    "output_tokens": 603,
    "reasoning_output_tokens": 600,
}


def plan(usages: list[Usage], settings: Config | None = None) -> Plan:
    return recommend(books(usages), card(), settings or Config(), levers=[Effort()])


FOUND: dict[str, list[Usage]] = {
    "labels after long reasoning": office(3000, **THOUGHT),
    "high effort": office(3000, **THOUGHT, reasoning_effort="high"),
    "forms": office(
        3000,
        workflow="labels",
        output_tokens=900,
        reasoning_output_tokens=750,
        structured_output=True,
    ),
    "an effort that does nothing": office(
        20_000,
        workflow="labels",
        output_tokens=1000,
        reasoning_output_tokens=40,
        reasoning_effort="high",
    ),
}


@pytest.mark.parametrize("usages", FOUND.values(), ids=FOUND.keys())
def test_finds(usages: list[Usage]) -> None:
    settings = config(labels={"value": "0.001"})
    (one,) = plan(usages, settings).recommendations
    assert (one.evidence_level, one.evidence) == ("E0", "candidate")
    assert one.change == 'reasoning={"effort": "low"}'
    thought = sum(usage.reasoning_output_tokens for usage in usages)
    assert one.window.identified == pytest.approx(thought * 0.6 * 30_000_000, rel=1e-3)


LEFT: dict[str, list[Usage]] = {
    "long answers": office(3000, **THOUGHT | {"output_tokens": 2000}),
    "hardly any reasoning": office(3000, **THOUGHT | {"reasoning_output_tokens": 100}),
    "no reasoning seen": office(3000, **THOUGHT | {"reasoning_output_tokens": 0}),
    "low already": office(3000, **THOUGHT, reasoning_effort="low"),
    "minimal already": office(3000, **THOUGHT, reasoning_effort="minimal"),
    "a name nobody knows": office(3000, **THOUGHT, reasoning_effort="it's"),
    "few calls": office(150, days=5, **THOUGHT),
    "tool loops": office(3000, **THOUGHT, tool_call_hashes=[1]),
    "long conversations": office(3000, **THOUGHT, conversation_id="one"),
    "a coding agent": office(3000, **THOUGHT, source="claude-code"),
    "answers of all kinds": [
        msgspec.structs.replace(usage, response_hash=number)
        for number, usage in enumerate(office(3000, **THOUGHT | {"output_tokens": 900}))
    ],
}


@pytest.mark.parametrize("usages", LEFT.values(), ids=LEFT.keys())
def test_leaves_alone(usages: list[Usage]) -> None:
    assert not plan(usages, config(labels={"value": "0.001"})).recommendations


def test_protected_and_regulated_workflows() -> None:
    for declared in ("protected", "regulated"):
        settings = config(labels={declared: True, "value": "0.001"})
        assert not plan(FOUND["high effort"], settings).recommendations


def two_efforts(chance_low: float, seed: int = 5) -> list[Usage]:
    """A third of the calls ask for low effort; `chance_low` is its chance to be right."""
    random = Random(seed)
    usages = office(6000, **THOUGHT)
    for number, usage in enumerate(usages):
        low = random.random() < 1 / 3
        usage.reasoning_effort = "low" if low else "high"
        usage.reasoning_output_tokens = 150 if low else 600
        usage.output_tokens = usage.reasoning_output_tokens + 3
        usage.success = random.random() < (chance_low if low else 0.95)
        usage.call_id = f"call-{number}"
    return usages


def test_two_efforts_side_by_side_are_compared() -> None:
    usages = two_efforts(0.95)
    (one,) = plan(usages, config(labels={"value": "0.05"})).recommendations
    assert (one.evidence_level, one.evidence) == ("E2", "likely")
    high = [usage for usage in usages if usage.reasoning_effort == "high"]
    assert one.calls == len(high)
    assert one.window.identified == pytest.approx(len(high) * 450 * 30_000_000, rel=0.01)


def test_a_lower_effort_that_does_worse_is_refused() -> None:
    found = plan(two_efforts(0.85), config(labels={"value": "0.05"}))
    assert not found.recommendations
    assert any("does worse" in left.why for left in found.left)


def test_a_trial_of_an_effort() -> None:
    trial = {
        "workflow": "labels",
        "from": "gpt-5.5",
        "to": "gpt-5.5",
        "effort": "minimal",
        "kind": "replay",
        "date": "2026-11-01",
        "calls": 2000,
        "lost": 20,
        "gained": 18,
    }
    settings = msgspec.convert(
        {"trials": [trial], "workflows": {"labels": {"value": "0.05"}}}, Config
    )
    (one,) = plan(FOUND["high effort"], settings).recommendations
    assert (one.evidence_level, one.change) == ("E3", 'reasoning={"effort": "minimal"}')
