"""A thousand workloads that no batch is for, by how requests arrive: a second opinion on the rule.

Arrivals are drawn by thinning a Poisson process, from rates of a day and of a week.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import cos, pi

import pytest

from tests.recommend.books import card, opened
from tests.recommend.stop.workloads import DAY, Workload, table
from tokman.config import Config
from tokman.recommend import recommend
from tokman.recommend.batch import Batch

DAYS = 28
LEDGERS, EACH = 4, 250
HOUR = 3600.0


def arrivals(w: Workload, rate: Callable[[float], float], most: float) -> Iterator[float]:
    """Seconds of a Poisson process of `rate` a second, which is never above `most`."""
    at = w.random.expovariate(most)
    while at < DAYS * DAY:
        if w.random.random() * most < rate(at):
            yield at
        at += w.random.expovariate(most)


def working(zone: float) -> Callable[[float], float]:
    """Share of the busiest hour: weekdays from eight to six, a dip at noon, some in the evening."""

    def share(at: float) -> float:
        local = at + zone * HOUR
        hour = local % DAY / HOUR
        if local // DAY % 7 >= 5:
            return 0.03
        if 12 <= hour < 13:
            return 0.5
        return 1.0 if 8 <= hour < 18 else 0.1 if 18 <= hour < 22 else 0.0

    return share


def desk(w: Workload, calls: int) -> Iterator[float]:
    """About so many moments in the office hours of some time zone."""
    share, most = working(w.random.uniform(-11, 12)), calls / (20 * 9.5 * HOUR)
    return arrivals(w, lambda at: most * share(at), most)


def several(w: Workload, at: float, calls: int, pace: float) -> None:
    """Calls at once, about `pace` seconds apart."""
    for _ in range(calls):
        w.call(at, w.random.lognormvariate(7.3, 0.6), w.random.lognormvariate(5.5, 0.7))
        at += w.random.expovariate(1 / pace)


def office(w: Workload) -> None:
    """An assistant in an office, behind a proxy that names nobody."""
    for at in desk(w, w.random.randint(60, 300)):
        several(w, at, 1, 1)


def world(w: Workload) -> None:
    """A public product: by day more than by night, somewhere."""
    noon, most = w.random.uniform(0, DAY), w.random.randint(150, 400) / (DAYS * DAY)
    for at in arrivals(w, lambda at: most * (0.6 + 0.4 * cos(2 * pi * (at - noon) / DAY)), most):
        several(w, at, 1, 1)


def streaming(w: Workload) -> None:
    """Answers watched as they come, some by people that the log names."""
    for at in desk(w, w.random.randint(60, 200)):
        w.call(at, 2500, 400, stream=True, user_id=w.random.choice((None, "ada", "bob")))


def documents(w: Workload) -> None:
    """Somebody asks something of a long document: a call a page, and waits for the answer."""
    for at in desk(w, w.random.randint(15, 60)):
        several(w, at, w.random.randint(5, 60), 0.4)


def commits(w: Workload) -> None:
    """A review for each push, a call a file: a developer waits for it."""
    for at in desk(w, w.random.randint(30, 120)):
        several(w, at, 1 + int(w.random.expovariate(1 / 12)), 0.7)


def retrying(w: Workload) -> None:
    """People again, and a client that tries up to six times with growing pauses."""
    for at in desk(w, w.random.randint(50, 150)):
        request = w.fresh()
        for attempt in range(1 + (w.random.random() < 0.4) * w.random.randint(1, 5)):
            failed = w.random.random() < 0.7
            more = {"status": "error", "error_type": "429"} if failed else {}
            w.call(at, 1800, 0 if failed else 250, request_hash=request, **more)
            at += 2.0**attempt * w.random.uniform(0.5, 1.5)


def checking(w: Workload) -> None:
    """Cron looks every few minutes or hours whether something is new: little or nothing."""
    every = w.random.choice((300.0, 900.0, HOUR, 6 * HOUR))
    start = w.random.uniform(0, every)
    for run in range(int(min(DAYS * DAY / every, 400))):
        new = min(12, int(w.random.expovariate(0.7)))
        several(w, start + run * every + w.random.uniform(0, 5), new, 1)
    several(w, DAYS * DAY - 60, 1, 1)


def incidents(w: Workload) -> None:
    """An alert at any hour is looked into at once, in many calls."""
    most = w.random.randint(10, 40) / (DAYS * DAY)
    for at in arrivals(w, lambda _: most, most):
        several(w, at, w.random.randint(20, 60), 1.5)


def shift(w: Workload) -> None:
    """Whoever is on duty, every day of the week, begins with a look at what came in."""
    begins, spread = w.random.uniform(0, DAY - 2 * HOUR), w.random.uniform(10, 45) * 60
    for day in range(DAYS):
        at = day * DAY + begins + w.random.gauss(HOUR, spread)
        several(w, max(at, 0.0), w.random.randint(21, 40), 2)


def returning(w: Workload) -> None:
    """One person on most weekdays, after lunch or whenever there is time."""
    usual = w.random.uniform(11, 16) * HOUR
    for day in range(DAYS):
        if day % 7 < 5 and w.random.random() < 0.8:
            several(w, day * DAY + w.random.gauss(usual, 5400), w.random.randint(20, 50), 3)


KINDS: tuple[Callable[[Workload], None], ...] = (
    *(office, world, streaming, documents, commits),
    *(retrying, checking, incidents, shift, returning),
)


@pytest.mark.parametrize("ledger", range(LEDGERS))
def test_clean_arrivals_are_left_alone(ledger: int) -> None:
    """At most 1 in 100, in each quarter of them."""
    made = [Workload(50_000 + number) for number in range(ledger * EACH, (ledger + 1) * EACH)]
    for number, one in enumerate(made):
        KINDS[number % len(KINDS)](one)
    plan = recommend(opened(table(made)), card(), Config(), levers=[Batch()])
    advised = {one.workflow for one in plan.recommendations}
    kinds = [KINDS[n % len(KINDS)].__name__ for n, one in enumerate(made) if one.name in advised]
    assert len(kinds) <= EACH // 100, kinds
