"""What the batch lever finds, and what it must leave alone."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest

from tests.recommend.books import MONDAY, books, call, card, config, nightly, office
from tokman import rates
from tokman.config import Config, Rates
from tokman.rates import Card
from tokman.recommend import Plan, recommend
from tokman.recommend.batch import Batch
from tokman.recommend.peaks import peaks
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


def mornings(spread: int) -> list[Usage]:
    """On working days at about nine, give or take so many minutes."""
    random = Random(9)
    return [
        call(30 * day + n, MONDAY + timedelta(days=day, minutes=540 + late, seconds=n), **DIGEST)
        for day in range(28)
        if day % 7 < 5
        for late in [random.gauss(0, spread)]
        for n in range(30)
    ]


FOUND: dict[str, tuple[list[Usage], Config, str]] = {
    "a nightly job": (nightly(**DIGEST), Config(), "likely"),
    "an hourly job": (hourly(25), Config(), "likely"),
    "a job of working days, some minutes late": (mornings(5), Config(), "likely"),
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
    "a declared agent, of a model that is not sold at the flex tier": (
        nightly(**DIGEST, source="claude-code", model="claude-sonnet-4-5"),
        config(digest={"interactive": False}),
    ),
    "half a minute": (nightly(**DIGEST), config(digest={"max_delay": "30s"})),
    "five minutes, without priority": (office(500, **DIGEST), config(digest={"max_delay": "5m"})),
    "tool loops": (nightly(**DIGEST, tool_call_hashes=[1]), Config()),
    "conversations": (nightly(**DIGEST, conversation_id="long"), Config()),
    "a batch already": (nightly(**DIGEST, service_tier="batch"), Config()),
    "no price of a batch": (nightly(**DIGEST, model="house-7b"), Config()),
    "an hourly poller": (hourly(1), Config()),
    "a poller every five minutes": (
        [call(n, MONDAY + timedelta(minutes=5 * n), **DIGEST) for n in range(8000)],
        Config(),
    ),
    "somebody's mornings": (mornings(20), Config()),
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


def test_a_chain_that_can_wait_is_served_at_the_flex_tier() -> None:
    """Each call needs the answer of the one before: no batch."""
    agent = nightly(**DIGEST, source="codex", tool_call_hashes=[1])
    (one,) = plan(agent, config(digest={"interactive": False})).recommendations
    assert one.title == "Serve digest on gpt-5.5 at the flex tier"
    assert one.window.identified * 2 == one.window.spend


def test_four_hours_are_enough_for_flex_and_not_for_a_batch() -> None:
    (one,) = plan(office(500, **DIGEST), config(digest={"max_delay": "4h"})).recommendations
    assert one.title.endswith("at the flex tier")
    assert "4 hours are declared" in one.proof


def test_openai_batches_read_no_cache() -> None:
    """Flex keeps the reads, so it saves more than a batch, which would save nothing here."""
    cached = {"uncached_input_tokens": 0, "cache_read_input_tokens": 10_000, "output_tokens": 1}
    (one,) = plan(nightly(**DIGEST, **cached)).recommendations
    assert one.title.endswith("at the flex tier")


def dear(**what: Any) -> list[Usage]:
    """DeepSeek asks twice as much from 1 to 4 and from 6 to 10 UTC."""
    shape = {"provider_name": "deepseek", "response_model": "deepseek-v4-flash"}
    return [
        msgspec.structs.replace(one, request_model=None, **shape)
        for one in nightly(**DIGEST, **what)
    ]


def test_off_peak() -> None:
    """Jobs at 02:10: the price halves at 04:00, so less than two hours are needed."""
    catalogue = rates.load(Rates())
    for delay, found in (("1h", 0), ("2h", 1), ("1d", 1)):
        advised = recommend(
            books(dear(), catalogue),
            catalogue,
            config(digest={"max_delay": delay}),
            levers=[Batch()],
        )
        assert len(advised.recommendations) == found
    (one,) = advised.recommendations
    assert one.title == "Run digest on deepseek-v4-flash outside peak hours"
    assert one.window.identified * 2 == one.window.spend
    assert "1,680 of them at hours of a higher price" in one.facts


def test_priority_that_nobody_needs() -> None:
    catalogue = rates.load(Rates())
    usages = office(500, **DIGEST, service_tier="priority")
    (one,) = recommend(
        books(usages, catalogue), catalogue, config(digest={"max_delay": "5m"}), levers=[Batch()]
    ).recommendations
    assert one.title == "Serve digest on gpt-5.5 without priority"
    assert one.calls == 500
    standard = rates_of(office(500, **DIGEST), catalogue)
    assert one.window.spend - one.window.identified == standard


def rates_of(usages: list[Usage], prices: Card) -> int:
    cost = books(usages, prices).sql("select sum(list_cost) from usage").fetchall()[0][0]
    return int(cost * 10**12)


@pytest.mark.parametrize(
    ("now", "cheap"), [(2, 4), (9, 10), (0, None), (4, None), (5, None), (12, None)]
)
def test_when_the_next_cheaper_hour_begins(now: int, cheap: int | None) -> None:
    hour = 3_600_000_000
    found = [
        peak[-1] // hour
        for peak in peaks(rates.load(Rates()))
        if peak[:2] == ("deepseek", "deepseek-v4-pro")
        and peak[2] <= MONDAY.replace(tzinfo=None) < peak[3]
        and peak[4] <= now * hour < peak[5]
    ]
    assert found == ([] if cheap is None else [cheap])
