"""What the batch lever finds, and what it must leave alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.recommend.books import MONDAY, books, call, card, config, nightly, office
from tokman.config import Config
from tokman.recommend import Plan, recommend
from tokman.recommend.batch import Batch
from tokman.usage import Usage

DIGEST: dict[str, Any] = {"workflow": "digest"}


def plan(usages: list[Usage], settings: Config | None = None) -> Plan:
    return recommend(books(usages), card(), settings or Config(), levers=[Batch()])


def hourly(per_run: int) -> list[Usage]:
    return [
        call(run * per_run + n, MONDAY + timedelta(hours=run, minutes=5, seconds=n), **DIGEST)
        for run in range(24 * 20)
        for n in range(per_run)
    ]


FOUND: dict[str, tuple[list[Usage], Config, str]] = {
    "a nightly job": (nightly(**DIGEST), Config(), "likely"),
    "an hourly job": (hourly(25), Config(), "likely"),
    "declared": (office(500, **DIGEST), config(digest={"interactive": False}), "declared"),
    "declared, though streamed": (
        office(500, **DIGEST, stream=True),
        config(digest={"interactive": False}),
        "declared",
    ),
    "another maker": (nightly(**DIGEST, model="claude-sonnet-4-5"), Config(), "likely"),
}


@pytest.mark.parametrize(("usages", "settings", "word"), FOUND.values(), ids=FOUND.keys())
def test_finds(usages: list[Usage], settings: Config, word: str) -> None:
    found = plan(usages, settings)
    (one,) = found.recommendations
    assert one.evidence == word
    assert one.calls == len(usages)
    assert one.window.identified * 2 == found.spend == found.spend_after * 2


LEFT: dict[str, tuple[list[Usage], Config]] = {
    "streamed support": (
        office(2000, **DIGEST, stream=True, user_id="customer"),
        Config(),
    ),
    "people ask": (nightly(**DIGEST, user_id="someone"), Config()),
    "declared interactive": (nightly(**DIGEST), config(digest={"interactive": True})),
    "an agent": (nightly(**DIGEST, source="codex"), Config()),
    "a declared agent": (
        nightly(**DIGEST, source="claude-code"),
        config(digest={"interactive": False}),
    ),
    "tool loops": (nightly(**DIGEST, tool_call_hashes=[1]), Config()),
    "conversations": (nightly(**DIGEST, conversation_id="long"), Config()),
    "a batch already": (nightly(**DIGEST, service_tier="batch"), Config()),
    "no price of a batch": (nightly(**DIGEST, model="house-7b"), Config()),
    "an hourly poller": (hourly(1), Config()),
    "a poller every five minutes": (
        [call(n, MONDAY + timedelta(minutes=5 * n), **DIGEST) for n in range(8000)],
        Config(),
    ),
    "no schedule": (office(3000, **DIGEST), Config()),
    "ten days": (nightly(nights=10, **DIGEST), Config()),
    "no workflow": (nightly(workflow=None), Config()),
    "times of files": (nightly(**DIGEST, time_basis="file"), Config()),
}


@pytest.mark.parametrize(("usages", "settings"), LEFT.values(), ids=LEFT.keys())
def test_leaves_alone(usages: list[Usage], settings: Config) -> None:
    assert not plan(usages, settings).recommendations


def test_possible_is_named_without_an_amount() -> None:
    (left,) = plan(office(3000, **DIGEST)).left
    assert "keep to no schedule" in left.why
    assert "workflows.digest.interactive = false" in left.why


def test_openai_batches_read_no_cache() -> None:
    cached = {"uncached_input_tokens": 0, "cache_read_input_tokens": 10_000, "output_tokens": 1}
    assert not plan(nightly(**DIGEST, **cached)).recommendations
