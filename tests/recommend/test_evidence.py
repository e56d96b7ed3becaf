"""How far a cheaper model is proven: by shape, by matched calls, by a trial, and what vetoes it."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest

from tests.recommend.books import MONDAY, books, call, card, office
from tests.recommend.test_matched import traffic
from tokman.config import Config
from tokman.errors import TokmanError
from tokman.recommend import Plan, recommend
from tokman.recommend.downgrade import Downgrade
from tokman.usage import Usage

LABELS: dict[str, Any] = {"workflow": "labels", "output_tokens": 3}
REPLAY: dict[str, Any] = {
    "workflow": "labels",
    "from": "gpt-5.5",
    "to": "gpt-5.4-mini",
    "kind": "replay",
    "date": "2026-11-01",
    "calls": 2000,
    "lost": 20,
    "gained": 15,
}
SPLIT: dict[str, Any] = {
    **{name: REPLAY[name] for name in ("workflow", "from", "to", "date")},
    "kind": "split",
    "calls_from": 2000,
    "bad_from": 60,
    "calls_to": 2000,
    "bad_to": 62,
}


def plan(usages: list[Usage], **settings: Any) -> Plan:
    levers = [Downgrade()]
    return recommend(books(usages), card(), msgspec.convert(settings, Config), levers=levers)


def tool_step(**what: Any) -> list[Usage]:
    """Pairs of a call that calls one tool and a call that is given its result."""
    usages = []
    for n in range(3000):
        at, talk = MONDAY + timedelta(minutes=13 * n), f"talk-{n}"
        mechanical: dict[str, Any] = {
            "call_id": f"a-{n}",
            "conversation_id": talk,
            "steady_hash": 1,
            "output_tokens": 20,
            "tool_call_hashes": [n],
            "tool_names": ["search"],
        }
        answer: dict[str, Any] = {
            "call_id": f"b-{n}",
            "conversation_id": talk,
            "steady_hash": 2,
            "output_tokens": 900,
            "tool_result_hashes": [n],
            "tool_errors": 0,
            "turn": "tool",
        }
        usages += [call(n, at, **mechanical | what), call(n, at + timedelta(seconds=9), **answer)]
    return usages


def test_a_mechanical_step_is_told_apart_by_its_system_prompt() -> None:
    usages = tool_step()
    for number, usage in enumerate(usages):
        usage.file, usage.line = "gateway.jsonl", number + 1
    (one,) = plan(usages).recommendations
    assert one.calls == 3000
    assert one.title.endswith("for work, step 1 of 2") or one.title.endswith("step 2 of 2")
    assert any("each calls one tool, search in 100%" in fact for fact in one.facts)
    assert any("first read at gateway.jsonl:1" in fact for fact in one.facts)


def failing_tools() -> list[Usage]:
    usages = tool_step()
    for number, usage in enumerate(usages):
        if usage.turn == "tool" and number % 10 == 1:
            usage.tool_errors = 1
    return usages


def many_tools() -> list[Usage]:
    usages = tool_step()
    for number, usage in enumerate(usages):
        if usage.tool_names:
            usage.tool_names = [f"tool-{number % 5}"]
    return usages


def long_plans() -> list[Usage]:
    """Short answers that begin plans of eight calls of tools."""
    usages = []
    for n in range(600):
        for turn in range(9):
            at = MONDAY + timedelta(minutes=60 * n, seconds=20 * turn)
            what: dict[str, Any] = {"call_id": f"{n}-{turn}", "conversation_id": f"talk-{n}"}
            if turn == 0:
                what |= {"steady_hash": 1, "output_tokens": 3}
            else:
                what |= {"steady_hash": 2, "output_tokens": 300, "tool_call_hashes": [turn]}
            usages.append(call(n, at, **what))
    return usages


def escalations() -> list[Usage]:
    """The small model tries first; what it fails at comes to the large one."""
    usages = []
    for n in range(3000):
        at = MONDAY + timedelta(minutes=13 * n)
        small = LABELS | {"call_id": f"s-{n}", "model": "gpt-5.4-mini"}
        large = LABELS | {"call_id": f"l-{n}", "retry_of": f"s-{n}"}
        usages += [call(n, at, **small), call(n, at + timedelta(seconds=5), **large)]
    return usages


VETOES: dict[str, tuple[list[Usage], str]] = {
    "a tool that fails": (failing_tools(), ""),
    "one of many tools": (many_tools(), ""),
    "the beginning of a long plan": (long_plans(), "begin plans of more than five"),
    "what a cheaper model failed at": (escalations(), "a cheaper model has failed at"),
    "images": (office(3000, **LABELS, image_input_tokens=100), "images or audio"),
}


@pytest.mark.parametrize(("usages", "why"), VETOES.values(), ids=VETOES.keys())
def test_vetoes(usages: list[Usage], why: str) -> None:
    found = plan(usages)
    assert not found.recommendations
    assert any(why in left.why for left in found.left) if why else not found.left


def test_look_alikes_of_the_vetoes() -> None:
    """A few second tries, and talks of a few tools, speak against nothing."""
    retried = office(3000, **LABELS)
    for number, usage in enumerate(retried):
        usage.call_id = f"labels-{number}"
        if number % 100 == 99:
            usage.retry_of = f"labels-{number - 1}"
    assert plan(retried).recommendations
    assert plan(tool_step()).recommendations


@pytest.mark.parametrize(("declared", "level", "word"), [(REPLAY, "E3", "tested"),
                                                         (SPLIT, "E4", "proven")])  # fmt: skip
def test_a_trial_proves(declared: dict[str, Any], level: str, word: str) -> None:
    (one,) = plan(office(3000, **LABELS), trials=[declared]).recommendations
    assert (one.evidence_level, one.evidence) == (level, word)
    assert "rules out a loss of more than" in one.evidence_words
    assert one.window.expected >= 0.9 * one.window.identified


def test_a_trial_of_work_that_looks_like_none() -> None:
    """Numbers count for more than shapes: long answers, tested."""
    usages = office(3000, workflow="labels", output_tokens=900)
    assert not plan(usages).recommendations
    (one,) = plan(usages, trials=[REPLAY | {"output_ratio": 1.5}]).recommendations
    saved = 600 * (5_000_000 - 750_000) + 900 * 30_000_000 - 1350 * 4_500_000
    assert one.window.identified == 3000 * saved


@pytest.mark.parametrize("declared", [REPLAY | {"lost": 140, "gained": 10},
                                      SPLIT | {"bad_to": 190}])  # fmt: skip
def test_a_trial_refutes(declared: dict[str, Any]) -> None:
    found = plan(office(3000, **LABELS), trials=[declared])
    assert not found.recommendations
    assert any("a trial found gpt-5.4-mini worse" in left.why for left in found.left)


def test_a_trial_too_small_proves_nothing() -> None:
    small = REPLAY | {"calls": 50, "lost": 1, "gained": 1}
    (one,) = plan(office(3000, **LABELS), trials=[small]).recommendations
    assert one.evidence_level == "E0"
    assert any("50 calls replayed on both" in fact for fact in one.facts)
    assert [step.split(":")[0] for step in one.experiment][:3] == [
        "margin",
        "if prompts may be sent twice",
        "else",
    ]
    assert "1,469 calls on both models" in one.experiment[1]
    assert "each half has 1,500 calls" in one.experiment[2]


def test_the_margin_decides_what_a_trial_proves() -> None:
    """The same counts prove it for an ordinary outcome and not for a valuable one."""
    costly = {"labels": {"value": "2"}}
    found = plan(office(3000, **LABELS), trials=[REPLAY], workflows=costly)
    assert not found.recommendations
    assert any("not provable at this volume" in left.why for left in found.left)


@pytest.mark.parametrize(
    "wrong",
    [
        REPLAY | {"calls": None},
        REPLAY | {"calls": 0},
        REPLAY | {"lost": -1},
        REPLAY | {"lost": 1500, "gained": 600},
        SPLIT | {"bad_to": 2001},
        SPLIT | {"calls_from": None},
        REPLAY | {"to": "gpt-5.5"},
        REPLAY | {"output_ratio": 0.0},
    ],
)
def test_trials_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(TokmanError, match=r"trials\[0\]"):
        plan(office(300, **LABELS), trials=[wrong])


def test_a_profile_may_ask_for_more() -> None:
    found = plan(office(3000, **LABELS), profile="enterprise support")
    assert not found.recommendations
    usages = office(30_000, **LABELS, uncached_input_tokens=9000)
    found = plan(usages, profile="enterprise support")
    assert not found.recommendations
    assert any("asks for E3" in left.why for left in found.left)
    counts = {"calls": 20_000, "lost": 100, "gained": 98}
    assert plan(usages, profile="enterprise support", trials=[REPLAY | counts]).recommendations


@pytest.mark.parametrize("kind", ["protected", "regulated"])
def test_declared_workflows_are_left_alone(kind: str) -> None:
    found = plan(office(3000, **LABELS), workflows={"labels": {kind: True}}, trials=[REPLAY])
    assert not found.recommendations


def test_outcomes_of_two_models_make_it_likely() -> None:
    usages = traffic(25, 6000, output_tokens=500)
    (one,) = plan(usages, workflows={"work": {"value": "0.1"}}).recommendations
    assert (one.evidence_level, one.evidence) == ("E2", "likely")
    assert "by the outcomes logged" in one.evidence_words
    assert one.window.expected == one.window.identified * 8 // 10


def test_outcomes_decide_where_the_crude_comparison_errs() -> None:
    """Simpson's paradox: the small model is given the easy calls and looks better."""
    chances = {"gpt-5.5": (0.99, 0.80), "gpt-5.4-mini": (0.92, 0.66)}
    usages = traffic(22, 12_000, hard=(0.7, 0.1), right=chances)
    right = {model: [u.success for u in usages if u.response_model == model] for model in chances}
    shares = {model: sum(map(bool, of)) / len(of) for model, of in right.items()}
    assert shares["gpt-5.4-mini"] > shares["gpt-5.5"] + 0.02
    found = plan(usages, workflows={"work": {"value": "0.1"}})
    assert not found.recommendations
    assert any("does worse" in left.why for left in found.left)


def test_what_came_back_is_in_the_price() -> None:
    """A tenth of the small model's answers come back: a tenth of the calls stay where they are."""
    usages = traffic(23, 6000, success=True, output_tokens=500)
    small = [usage for usage in usages if usage.response_model == "gpt-5.4-mini"]
    usages += [
        call(n, MONDAY + timedelta(days=9), call_id=f"up-{n}", retry_of=usage.call_id)
        for n, usage in enumerate(small)
        if n % 10 == 0
    ]
    without = [usage for usage in usages if not usage.retry_of]
    settings: dict[str, Any] = {"workflows": {"work": {"value": "0.1"}}}
    (one,) = plan(usages, **settings).recommendations
    (other,) = plan(without, **settings).recommendations
    assert one.calls == pytest.approx(0.9 * other.calls, rel=0.03)
    assert any("came back to a dearer model" in fact for fact in one.facts)


def test_verbosity_and_tokenizer_are_those_measured() -> None:
    """Twice the output and 1.2 times the input, seen on calls that are alike, and priced so."""
    random = Random(24)
    usages = traffic(24, 6000)
    for usage in usages:
        tokens = random.choice([400, 800])
        usage.uncached_input_tokens, usage.block_sizes = tokens, [4 * tokens]
        usage.output_tokens = 100
        if usage.response_model == "gpt-5.4-mini":
            usage.uncached_input_tokens, usage.output_tokens = tokens * 6 // 5, 200
    (one,) = plan(usages, workflows={"work": {"value": "0.1"}}).recommendations
    large = [usage for usage in usages if usage.response_model == "gpt-5.5"]
    now = sum(u.uncached_input_tokens * 5_000_000 + 100 * 30_000_000 for u in large)
    then = sum(u.uncached_input_tokens * 900_000 + 200 * 4_500_000 for u in large)
    assert one.window.identified == pytest.approx(now - then, rel=0.01)


def test_the_first_minutes_are_cold() -> None:
    cached = LABELS | {"uncached_input_tokens": 100, "cache_read_input_tokens": 2000}
    usages = office(3000, **cached)
    (one,) = plan(usages).recommendations
    warm = 2000 * 500_000 - 2000 * 75_000
    each = 100 * (5_000_000 - 750_000) + 3 * (30_000_000 - 4_500_000)
    start = min(usage.started_at or 0 for usage in usages)
    cold = sum((usage.started_at or 0) < start + 300 * 10**6 for usage in usages)
    assert cold
    missed = 2000 * (750_000 - 75_000)
    dearer = each + warm - missed < 0
    assert not dearer
    assert one.window.identified == 3000 * (each + warm) - cold * missed


def clean(seed: int) -> list[Usage]:
    """Work that no lever should touch: free text, tool loops, agents, talks, too few calls; one in
    fifty is done by a small model too, which does worse."""
    random = Random(seed)
    kind = random.choice(["prose", "loop", "agent", "reasoning", "few", "talk"])
    two = seed % 50 == 0
    count = 40
    what: dict[str, Any] = {"workflow": f"w-{seed}", "output_tokens": random.randint(450, 3000)}
    if two:
        count, kind = 900, "prose"
    if kind == "loop":
        what |= {"output_tokens": 40, "tool_call_hashes": [1], "tool_names": ["bash"]}
    elif kind == "agent":
        what |= {"output_tokens": 10, "source": "claude-code"}
    elif kind == "reasoning":
        what |= {"output_tokens": 3000, "reasoning_output_tokens": 900}
    elif kind == "few":
        count, what = 5, what | {"output_tokens": 4}
    elif kind == "talk":
        what |= {"output_tokens": 12, "conversation_id": f"talk-{seed}"}
    model = random.choice(["gpt-5.5", "claude-sonnet-4-5", "gpt-5.4-mini"])
    usages = []
    for number in range(count):
        at = MONDAY + timedelta(minutes=random.randint(0, 40_000))
        written = max(1, round(what["output_tokens"] * random.uniform(0.7, 1.4)))
        own: dict[str, Any] = {
            "model": model,
            "call_id": f"{seed}-{number}",
            "response_hash": number,
        }
        own |= {"output_tokens": max(written, what.get("reasoning_output_tokens", 0))}
        if two:
            small = number % 2 == 0
            own["model"] = "gpt-5.4-mini" if small else "gpt-5.5"
            own["success"] = random.random() < (0.84 if small else 0.92)
        usages.append(call(number, at, **what | own))
    return usages


def test_clean_workloads_have_no_findings() -> None:
    """A thousand workflows with nothing to find: at most one in a hundred is nominated."""
    from tokman.recommend.effort import Effort

    usages = [usage for seed in range(1000) for usage in clean(seed)]
    found = recommend(books(usages), card(), Config(), levers=[Downgrade(), Effort()])
    assert len({one.workflow for one in found.recommendations}) <= 10
