"""Retries, failures, cut and doubled answers: caught where they were billed for nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.recommend.books import MONDAY, call
from tests.recommend.stop.cases import TALK, chain, each, found, micros, requests, traffic
from tokman.usage import PICO, Usage

BIG: dict[str, Any] = {"uncached_input_tokens": 5000}
"""At $3 a million tokens, with 200 of output at $15: $0.018 a call."""
FAILED: dict[str, Any] = {"status": "error", "error_type": "timeout"}
UNBILLED: dict[str, Any] = {"uncached_input_tokens": 0, "output_tokens": 0}


def storm(attempts: int, *, succeeds: bool = True, gap: float = 20, **what: Any) -> list[Usage]:
    """Failures, and in the end a success."""
    usages = requests([gap * n for n in range(attempts)], **BIG | what)
    for usage in usages[: attempts - succeeds]:
        usage.status, usage.error_type = "error", "timeout"
    return usages


def slow(usages: list[Usage]) -> list[Usage]:
    """The same, each attempt ten minutes after the one before because that took so long."""
    return each(usages, started_at=lambda n: micros(600 * n), duration_ms=lambda _: 600_000)


def everywhere(count: int, times: list[float], **what: Any) -> list[Usage]:
    """Requests that all come several times."""
    return [
        usage
        for number in range(count)
        for usage in requests(times, MONDAY + timedelta(minutes=number), f"n{number}", **what)
    ]


CAUGHT: dict[str, tuple[list[Usage], dict[str, int]]] = {
    "three attempts": (storm(3), {"retry storm": 2}),
    "all fail": (storm(4, succeeds=False), {"retry storm": 3, "billed error": 1}),
    "nine attempts": (storm(9), {"retry storm": 8}),
    "after long timeouts": (slow(storm(3)), {"retry storm": 2}),
    "without hashes": (storm(4, request_hash=None, user_id="u"), {"retry storm": 3}),
    "retries that name the first": (
        [
            *storm(1, request_hash=None, succeeds=False, name="first"),
            *storm(3, request_hash=None, retry_of="first-0", uncached_input_tokens=7000),
        ],
        {"retry storm": 3},
    ),
    "two attempts": (storm(2), {"billed error": 1}),
    "a failure": (requests([0], **BIG, **FAILED), {"billed error": 1}),
    "a call that timed out": (requests([0], **BIG, **FAILED, stream=True), {"billed error": 1}),
    "an hour between": (storm(4, gap=3600), {"billed error": 3}),
    "JSON cut off": (
        requests([0], **BIG, structured_output=True, finish_reason="length"),
        {"cut answer": 1},
    ),
    "JSON cut off at another maker": (
        requests([0], **BIG, structured_output=True, finish_reason="MAX_TOKENS"),
        {"cut answer": 1},
    ),
    "JSON cut off again and again": (
        requests([0, 9, 18, 27], **BIG, structured_output=True, finish_reason="max_tokens"),
        {"retry storm": 3, "cut answer": 1},
    ),
    "a double click": (
        requests([0, 1.2], **BIG, user_id="u", response_hash=7),
        {"double submit": 1},
    ),
    "a triple click": (
        requests([0, 1, 2], **BIG, conversation_id="c", response_hash=7),
        {"double submit": 2},
    ),
    "a double call of one tool": (
        requests([0, 1], **BIG, conversation_id="c", tool_call_hashes=[7]),
        {"double submit": 1},
    ),
    "doubled at temperature 0": (
        everywhere(30, [0, 1], **BIG, temperature=0.0, user_id="u"),
        {"double submit": 30},
    ),
}


@pytest.mark.parametrize(("usages", "rules"), CAUGHT.values(), ids=CAUGHT.keys())
def test_catches(usages: list[Usage], rules: dict[str, int]) -> None:
    assert found(usages + traffic()) == rules


def answers(usages: list[Usage], *hashes: int) -> list[Usage]:
    for usage, one in zip(usages, hashes, strict=True):
        usage.response_hash = one
    return usages


CLICK: dict[str, Any] = {"user_id": "u", "response_hash": -7, **BIG}

LEFT: dict[str, list[Usage]] = {
    "retries that were not billed": [
        *requests(range(9), name="r", **UNBILLED, **FAILED),
        *requests([10], name="r2", **BIG, request_hash=None),
    ],
    "unbilled failures, then an answer": [
        *requests([0, 1, 2], request_hash=1, **UNBILLED, **FAILED),
        *requests([3], name="last", **BIG | {"request_hash": 1}),
    ],
    "a refusal without usage": requests([0], **UNBILLED, **FAILED),
    "a user stopped the stream": requests(
        [0], **BIG, status="error", error_type="client_disconnected", stream=True
    ),
    "a failure that is reported a success": requests([0], **BIG, **FAILED, success=True),
    "an answer from the gateway's cache": requests([0], **BIG, **FAILED, response_cache_hit=True),
    "an answer that ends at its limit": requests([0], **BIG, finish_reason="length"),
    "one token asked for": everywhere(30, [0], output_tokens=1, finish_reason="length"),
    "cut JSON that was of use": requests(
        [0], **BIG, structured_output=True, finish_reason="length", success=True
    ),
    "whole JSON": requests([0], **BIG, structured_output=True, finish_reason="stop"),
    "several choices": requests([0, 1], **CLICK, choices=2),
    "sampling": answers(requests([0, 1], **BIG, temperature=0.8, user_id="u"), 1, 2),
    "five votes": everywhere(60, [0, 0.1, 0.2, 0.3, 0.4], **CLICK, temperature=0.7),
    "two votes on every question": everywhere(60, [0, 0.1], **CLICK, temperature=0.7),
    "an evaluation": everywhere(
        9, [0, 1], **BIG, temperature=0.0, workflow="nightly-eval", user_id="ci"
    ),
    "an evaluation's environment": everywhere(
        9, [0, 1], **BIG, temperature=0.0, environment="benchmark", user_id="ci"
    ),
    "ten seconds apart": requests([0, 10], **CLICK),
    "two users": [
        *requests([0], **CLICK, name="a") * 1,
        *requests([1], **CLICK | {"user_id": "v"}, name="b", request_hash=1),
    ],
    "two conversations": [
        call(n, MONDAY, **TALK | CLICK, request_hash=5, conversation_id=f"c{n}") for n in (1, 2)
    ],
    "an item that comes again on other days": [
        *requests([0, 1], **CLICK | {"request_hash": 9}),
        *requests([90_000], name="later", **CLICK | {"request_hash": 9}),
        *requests([180_000], name="later still", **CLICK | {"request_hash": 9}),
    ],
    "an evaluation by another name": everywhere(60, [0, 1], **BIG, temperature=0.0),
    "items of a batch at temperature 0": requests([0, 1], **BIG, temperature=0.0),
    "items of a batch that are equal": requests([0, 1], **BIG, response_hash=7),
    "answers unseen": requests([0, 1], **BIG, user_id="u"),
    "a retry that was marked": [
        *requests([0], **CLICK | {"request_hash": 9}),
        *requests([1], name="again", **CLICK | {"request_hash": 9, "retry_of": "ask-0"}),
    ],
}


@pytest.mark.parametrize("usages", LEFT.values(), ids=LEFT.keys())
def test_leaves_alone(usages: list[Usage]) -> None:
    assert not found(usages + traffic())


def test_a_storm_keeps_the_attempt_that_was_needed() -> None:
    usages = storm(4)
    usages[-1].uncached_input_tokens = 10_000
    (one,) = chain(usages).savings
    assert one.saved == 3 * (5000 * 3 + 200 * 15) * PICO // 10**6


@pytest.mark.parametrize(("attempts", "layers"), [(4, 2), (9, 3), (16, 4)])
def test_layered_retries_are_named(attempts: int, layers: int) -> None:
    (one,) = chain(storm(attempts)).savings
    assert any(f"{attempts} attempts are {layers} × {layers}" in fact for fact in one.about.facts)
    assert "max_retries=0" in one.about.change


def test_five_attempts_are_not_layers() -> None:
    (one,) = chain(storm(5)).savings
    assert not any("layers" in fact for fact in one.about.facts)


def test_the_later_of_a_double_submit_is_counted() -> None:
    first, later = requests([0, 1], **CLICK)
    later.output_tokens = 300
    (one,) = chain([later, first, *traffic()]).savings
    assert one.saved == (5000 * 3 + 300 * 15) * PICO // 10**6


def test_answers_cut_at_a_limit_are_named_without_an_amount() -> None:
    usages = traffic(400, **BIG)
    for usage in usages[:80]:
        usage.finish_reason = "length"
    answer = chain(usages)
    (left,) = answer.left
    assert not answer.savings
    assert "80 answers ($1.44) ended at their limit of tokens" in left.why
