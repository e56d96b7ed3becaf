"""A thousand clean workloads that no batch is for: people wait for them, or nobody knows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.recommend.books import card, opened
from tests.recommend.stop.workloads import DAY, Workload, table
from tokman.config import Config
from tokman.recommend import recommend
from tokman.recommend.batch import Batch

DAYS = 28
LEDGERS, EACH = 4, 250


def burst(w: Workload, at: float, calls: int) -> None:
    """One thing that somebody does, of many calls at once."""
    for _ in range(calls):
        at += w.random.expovariate(2.0)
        w.call(at, w.random.uniform(800, 4000), w.random.uniform(50, 500))


def people(w: Workload) -> None:
    """Chats in office hours, of users that the log names."""
    for _ in range(w.random.randint(40, 120)):
        w.call(w.office(DAYS), 2000, 300, user_id=f"u{w.random.randrange(30)}")


def unnamed(w: Workload) -> None:
    """The same of users that the log does not name."""
    for _ in range(w.random.randint(40, 160)):
        w.call(w.office(DAYS), 2000, 300)


def traffic(w: Workload) -> None:
    """Requests that come at any time, by chance."""
    at = 0.0
    for _ in range(w.random.randint(60, 200)):
        at += w.random.expovariate(200 / (DAYS * DAY))
        w.call(at, 1500, 200)


def uploads(w: Workload) -> None:
    """Somebody uploads a file now and then, and waits for its parts."""
    for _ in range(w.random.randint(8, 14)):
        burst(w, w.office(DAYS), w.random.randint(20, 40))


def mornings(w: Workload) -> None:
    """Somebody starts the day with it, on weekdays at about the same time, in any time zone."""
    first, usual = w.random.randrange(5), w.random.uniform(0, 24) * 3600
    spread = w.random.uniform(15, 60) * 60
    for day in range(DAYS):
        if (day + first) % 7 < 5 and w.random.random() < 0.9:
            local = (day + first) * DAY + usual + w.random.gauss(0, spread)
            burst(w, max(local, 0.0), w.random.randint(22, 35))


def agent(w: Workload) -> None:
    """A nightly agent, each call of which needs the one before."""
    for night in range(14, DAYS):
        steps = [(w.fresh(), w.fresh(), False) for _ in range(w.random.randint(20, 30))]
        w.steps(steps, night * DAY + 7200, f"{w.name}-{night}", 5000)
    w.call(0, 5000, 100)


def talks(w: Workload) -> None:
    """A job that holds a conversation every night."""
    for night in range(DAYS):
        for turn in range(w.random.randint(20, 25)):
            at = night * DAY + 3600 + turn * 5
            w.call(at, 1500 + turn * 300, 200, conversation_id=f"{w.name}-{night}")


def poller(w: Workload) -> None:
    """A look at something every few minutes or every hour, of few calls."""
    every = w.random.choice((600.0, 1800.0, 3600.0))
    for run in range(w.random.randint(100, 200)):
        for _ in range(w.random.choice((1, 1, 2))):
            w.call(run * every * 4, 1200, 20)


def streamed(w: Workload) -> None:
    """Answers that are streamed to somebody, at a fixed time."""
    for night in range(DAYS):
        for place in range(20):
            w.call(night * DAY + 30_000 + place, 1500, 200, stream=place == 0)


def short(w: Workload) -> None:
    """A job that has run for a week only."""
    for night in range(7):
        burst(w, night * DAY + 7200, 30)


KINDS: tuple[Callable[[Workload], None], ...] = (
    people,
    unnamed,
    traffic,
    uploads,
    mornings,
    agent,
    talks,
    poller,
    streamed,
    short,
)


@pytest.mark.parametrize("ledger", range(LEDGERS))
def test_clean_workloads_are_left_alone(ledger: int) -> None:
    """At most 1 in 100, in each quarter of them."""
    made = [Workload(number) for number in range(ledger * EACH, (ledger + 1) * EACH)]
    for number, one in enumerate(made):
        KINDS[number % len(KINDS)](one)
    plan = recommend(opened(table(made)), card(), Config(), levers=[Batch()])
    advised = {one.workflow for one in plan.recommendations}
    kinds = [KINDS[made.index(one) % len(KINDS)].__name__ for one in made if one.name in advised]
    assert len(advised) <= EACH // 100, kinds


def test_the_same_ledger_with_real_jobs_finds_these() -> None:
    """Jobs by a clock, every night or on weekdays only, a few minutes late at times."""
    made = [Workload(7000 + number) for number in range(40)]
    for number, one in enumerate(made):
        if number % 2 == 0:
            KINDS[number // 2 % len(KINDS)](one)
            continue
        start = one.random.uniform(0, 20) * 3600
        for day in range(DAYS):
            if day % 7 < 5 or number % 4 == 1:
                burst(one, day * DAY + start + one.random.expovariate(1 / 120), 25)
    plan = recommend(opened(table(made)), card(), Config(), levers=[Batch()])
    assert {one.workflow for one in plan.recommendations} == {one.name for one in made[1::2]}
