"""Jobs whose answers nobody seems to read, and those that only look like them."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tests.recommend.books import MONDAY, call
from tests.recommend.stop.cases import chain, each, found, micros, traffic
from tokman.usage import Usage

SAME: dict[str, Any] = {"request_hash": 1, "response_hash": 2, "output_tokens": 4}


def job(runs: int = 300, every: float = 300, size: int = 1, **what: Any) -> list[Usage]:
    """A run every so many seconds, of a call a second."""
    return [
        call(
            run * size + place,
            MONDAY + timedelta(seconds=every * run + place),
            **{"workflow": "heartbeat"} | SAME | what,
        )
        for run in range(runs)
        for place in range(size)
    ]


def varied(usages: list[Usage], column: str, kinds: int = 10**6, share: float = 1.0) -> list[Usage]:
    """Some of the calls have another value there."""
    random = Random(3)
    for number, usage in enumerate(usages):
        if random.random() < share:
            setattr(usage, column, 100 + number % kinds)
    return usages


CAUGHT: dict[str, tuple[list[Usage], int]] = {
    # 300 runs, five minutes apart, are 25 hours: the first of each of two days is left.
    "every five minutes": (job(), 298),
    "every hour": (job(100, 3600), 95),
    "three calls a run": (job(100, 3600, 3), 285),
    "hashes unseen, a word out": (job(request_hash=None, response_hash=None), 298),
    "without a workflow": (job(workflow=None, api_key_alias="cron"), 298),
    "on weekdays": (
        [one for number, one in enumerate(job(28 * 24, 3600)) if number // 24 % 7 < 5],
        20 * 23,
    ),
    "one run in eleven is late": (
        each(job(), started_at=lambda n: micros(300 * n + (90 if n % 11 == 0 else 0))),
        298,
    ),
}


@pytest.mark.parametrize(("usages", "calls"), CAUGHT.values(), ids=CAUGHT.keys())
def test_catches(usages: list[Usage], calls: int) -> None:
    assert found(usages + traffic()) == {"idle job": calls}


LEFT: dict[str, list[Usage]] = {
    "once a day": job(28, 86_400),
    "few runs": job(19, 3600),
    "few answers, to inputs that vary": varied(
        varied(job(), "request_hash"), "response_hash", kinds=3
    ),
    "one answer to inputs that vary": varied(job(), "request_hash"),
    "one answer to prompts of many lengths": varied(
        job(request_hash=None), "uncached_input_tokens", kinds=50
    ),
    "a watch that reports now and then": varied(job(), "response_hash", share=0.1),
    "answers that differ": varied(job(output_tokens=40), "response_hash"),
    "answers of one length, unseen": job(response_hash=None, output_tokens=40),
    "somebody asks": job(user_id="u"),
    "its outcome is logged": job(success=True),
    "its answers act": job(tool_call_hashes=[1]),
    "no rhythm": each(job(), started_at=lambda n: micros(300 * n + Random(n).randrange(250))),
    "embeddings of equal pieces": job(output_tokens=0, response_hash=None, request_hash=None),
    "people who ask the same": [
        call(n, MONDAY + timedelta(seconds=Random(n).randrange(10**6)), workflow="faq", **SAME)
        for n in range(300)
    ],
}


@pytest.mark.parametrize("usages", LEFT.values(), ids=LEFT.keys())
def test_leaves_alone(usages: list[Usage]) -> None:
    assert not found(usages + traffic())


def test_the_words_say_when_it_runs_and_that_its_owner_is_to_be_asked() -> None:
    (one,) = chain(job(100, 3600)).savings
    assert "runs every 1 hour" in one.about.change
    assert "find the owner" in one.about.change
    assert one.about.evidence.level == "E0"
