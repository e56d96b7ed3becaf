"""What the response-cache lever finds, what it must leave alone, and the cache call by call."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tests.recommend.books import MONDAY, books, call, card, config
from tokman.config import Config
from tokman.recommend import Plan, recommend
from tokman.recommend.response_cache import LIFETIMES, ResponseCache, _serve
from tokman.recommend.scene import set_scene
from tokman.recommend.waterfall import run
from tokman.usage import QUANTITIES, Usage

COST = 600 * 5_000_000 + 300 * 30_000_000
"""Pico-dollars of a plain call of gpt-5.5 at $5 and $30."""
MINUTES = timedelta(minutes=1)


def plan(usages: list[Usage], settings: Config | None = None) -> Plan:
    return recommend(books(usages), card(), settings or Config(), levers=[ResponseCache()])


def asked(times: int, gap: timedelta, requests: int = 20, **what: Any) -> list[Usage]:
    """Each of the requests `times` times, `gap` apart; two days between one and the next."""
    plain: dict[str, Any] = {"duration_ms": 2000, "user_id": "ada", "temperature": 0.0}
    return [
        call(
            number * times + place,
            MONDAY + timedelta(days=2 * number) + gap * place,
            **plain | {"request_hash": number, "response_hash": number} | what,
        )
        for number in range(requests)
        for place in range(times)
    ]


def each(usages: list[Usage], column: str, value: Any) -> list[Usage]:
    """With a column that is `value` of the place in the list."""
    for place, usage in enumerate(usages):
        setattr(usage, column, value(place))
    return usages


CATCHES: dict[str, tuple[list[Usage], int]] = {
    # usages, calls that are not made
    "repeats within the hour": (asked(4, 10 * MINUTES), 20 * 3),
    "lifetime from the answer kept, no hit renews it": (asked(4, 25 * MINUTES), 20 * 2),
    "temperature above 0 with equal answers": (asked(4, MINUTES, temperature=0.7), 20 * 3),
    "no tenant in the log": (asked(4, MINUTES, user_id=None), 20 * 3),
    "an answer that was cut is not kept": (
        each(asked(4, MINUTES), "finish_reason", lambda n: "length" if n % 4 == 0 else "stop"),
        20 * 2,
    ),
    "a failed call keeps nothing": (
        each(asked(4, MINUTES), "status", lambda n: "error" if n % 4 == 0 else "ok"),
        20 * 2,
    ),
    "embeddings, whose answers no log hashes": (
        asked(4, MINUTES, operation_name="embeddings", response_hash=None, output_tokens=0), 20 * 3
    ),
    "what is asked before the answer is there": (asked(4, MINUTES, duration_ms=90_000), 20 * 2),
    "without durations a minute is allowed": (
        asked(4, timedelta(seconds=25), duration_ms=None), 20 * 1
    ),
}  # fmt: skip


@pytest.mark.parametrize(("usages", "removed"), CATCHES.values(), ids=CATCHES.keys())
def test_catches(usages: list[Usage], removed: int) -> None:
    (one,) = plan(usages).recommendations
    assert one.calls == removed
    output = usages[-1].output_tokens * 30_000_000
    assert one.window.identified == removed * (600 * 5_000_000 + output)
    assert one.evidence == "exact"


LEFT: dict[str, list[Usage]] = {
    "another user": each(asked(4, MINUTES), "user_id", str),
    "another team": each(asked(4, MINUTES), "team", str),
    "another project": each(asked(4, MINUTES), "project", str),
    "another key": each(asked(4, MINUTES), "api_key_hash", str),
    "another workflow": each(asked(4, MINUTES), "workflow", str),
    "another model": each(
        asked(2, MINUTES), "response_model", lambda n: ("gpt-5.5", "gpt-5.4-mini")[n % 2]
    ),
    "another temperature": each(asked(4, MINUTES), "temperature", lambda n: n % 4 / 4),
    "several answers asked for": asked(4, MINUTES, choices=4),
    "answers that vary": each(asked(4, MINUTES), "response_hash", lambda n: n),
    "answers that no log shows": asked(4, MINUTES, response_hash=None),
    "too few to compare": asked(2, MINUTES, requests=15),
    "tools called": asked(4, MINUTES, tool_call_hashes=[1], tool_names=["pay"]),
    "tools called, seen by the finish alone": asked(4, MINUTES, finish_reason="tool_calls"),
    "results of tools": asked(4, MINUTES, turn="tool"),
    "a search of the web": asked(4, MINUTES, web_search_requests=1),
    "retries": each(asked(4, MINUTES), "retry_of", lambda n: "call-work-0" if n % 4 else None),
    "failed calls": asked(4, MINUTES, status="error"),
    "hits of the gateway's cache": each(
        asked(4, MINUTES), "response_cache_hit", lambda n: n % 4 > 0
    ),
    "all at once": asked(4, timedelta(milliseconds=100)),
    "too late": asked(4, 61 * MINUTES),
    "times of files": asked(4, MINUTES, time_basis="file"),
    "coding agents": asked(4, MINUTES, source="claude-code"),
    "no hash of the request": asked(4, MINUTES, request_hash=None),
}


@pytest.mark.parametrize("usages", LEFT.values(), ids=LEFT.keys())
def test_leaves_alone(usages: list[Usage]) -> None:
    assert not plan(usages).recommendations


def test_says_that_answers_vary() -> None:
    (left,) = plan(LEFT["answers that vary"]).left
    assert "answers vary" in left.why
    assert "caching fixes one of them" in left.why
    (left,) = plan(LEFT["answers that no log shows"]).left
    assert "does not show whether their answers vary" in left.why


def test_the_user_decides() -> None:
    declared = config(work={"cacheable": True})
    (one,) = plan(LEFT["answers that vary"], declared).recommendations
    assert (one.evidence, one.calls) == ("declared", 60)
    never = plan(CATCHES["repeats within the hour"][0], config(work={"cacheable": False}))
    assert not never.recommendations
    assert not never.left


def test_a_request_whose_answer_changed_is_left_out() -> None:
    usages = asked(4, MINUTES, requests=60)
    usages[1].response_hash = 10**6
    (one,) = plan(usages).recommendations
    assert one.calls == 59 * 3
    assert "1 requests whose answers changed are left out" in one.facts


def test_what_the_lifetime_is_worth() -> None:
    usages = asked(3, 2 * MINUTES, user_id="near") + asked(3, 70 * MINUTES, user_id="far")
    for number, usage in enumerate(usages):
        usage.call_id = str(number)
    (one,) = plan(usages).recommendations
    assert any(
        fact == "answers kept for 5 minutes $0.48, 1 hour $0.48, 24 hours $0.96"
        for fact in one.facts
    )


def test_a_removed_call_stays_and_consumes_nothing() -> None:
    scene = set_scene(books(CATCHES["repeats within the hour"][0]), card(), Config(), None, None)
    chain = run(scene, [ResponseCache()])
    assert chain.before - chain.after == 60 * COST
    sums = ", ".join(f"sum({name})" for name in QUANTITIES)
    rows = scene.connection.execute(
        f"select count(*), sum(cost), {sums} from current semi join savings using (call)"
    ).fetchone()
    assert rows == (60, 0, *[0] * len(QUANTITIES))
    assert scene.count("current") == 80


def traffic(seed: int) -> list[Usage]:
    random = Random(seed)
    return [
        call(
            number,
            MONDAY + timedelta(seconds=random.randrange(5 * 3600), microseconds=number),
            user_id=random.choice(["ada", "bob", None]),
            workflow=random.choice(["a", "b"]),
            request_hash=random.randrange(12),
            response_hash=1,
            duration_ms=random.choice([None, 500, 40_000, 700_000]),
            status="ok" if random.random() < 0.9 else "error",
            finish_reason="length" if random.random() < 0.1 else "stop",
            retry_of="another" if random.random() < 0.1 else None,
        )
        for number in range(400)
    ]


def served(usages: list[Usage], seconds: int) -> dict[str, str]:
    """Each call that a cache answers, with the call whose answer that is; one after another."""
    kept: dict[tuple[object, ...], tuple[int, str]] = {}
    answers: dict[str, str] = {}
    for usage in sorted(usages, key=lambda usage: usage.started_at or 0):
        if usage.status == "error":
            continue
        now = usage.started_at or 0
        request = (usage.user_id, usage.workflow, usage.request_hash)
        since, first = kept.get(request, (None, ""))
        if since is None or now >= since + seconds * 10**6:
            if usage.finish_reason != "length":
                took = 60_000 if usage.duration_ms is None else usage.duration_ms
                kept[request] = (now + took * 1000, usage.call_id)
        elif now >= since and usage.retry_of is None:
            answers[usage.call_id] = first
    return answers


@pytest.mark.parametrize("seconds", LIFETIMES)
@pytest.mark.parametrize("seed", range(4))
def test_windows_and_loop_agree(seed: int, seconds: int) -> None:
    usages = traffic(seed)
    scene = set_scene(books(usages), card(), Config(), None, None)
    run(scene, [])
    scene.make("repeats", "repeats")
    _serve(scene, seconds)
    rows = scene.connection.execute(
        "select calls.call_id, first.call_id from served "
        "join calls using (call) join repeats on repeats.place = from_place "
        "join calls as first on first.call = repeats.call where not too_early"
    ).fetchall()
    assert dict(rows) == served(usages, seconds)
