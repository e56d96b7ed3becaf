"""When a cache pays: published thresholds, found by replaying calls and not by their formulas.

The thresholds follow from the prices of writing (w) and reading (r) a prefix, as multiples of the
price of sending it: https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate
from math import exp, log
from random import Random
from typing import Any

import pytest

from tests.recommend.books import MONDAY, books, call
from tokman import rates
from tokman.config import Config, Model, Rates
from tokman.rates import Card
from tokman.recommend.options import priced
from tokman.recommend.prompt_cache import Option, _choose, _look_at
from tokman.recommend.reach import reach
from tokman.recommend.scene import set_scene
from tokman.recommend.waterfall import run
from tokman.usage import Usage

MODEL = "claude-sonnet-4-5"
PREFIX = 100_000
SHORT, LONG = Option("static"), Option("static", lifetime="long", writes="1h")
PING = Option("ping", pings=1)


def prices(write_5m: str = "1.25", write_1h: str = "2", read: str = "0.1") -> Card:
    """A card on which sending a million tokens costs $1, and nothing else costs anything."""
    model = Model(
        provider="anthropic",
        input=1,
        output=0,
        cache_read=read,
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
    )
    return rates.load(Rates(models={MODEL: model}))


def sent(seconds: list[float], prefix: int = 1, first: int = 0) -> list[Usage]:
    """Calls at these times that are one prefix and nothing else; answers begin at once."""
    return [
        call(
            first + number,
            MONDAY + timedelta(seconds=second),
            model=MODEL,
            uncached_input_tokens=PREFIX,
            output_tokens=0,
            time_to_first_token_ms=0,
            block_hashes=[prefix],
            block_sizes=[PREFIX],
        )
        for number, second in enumerate(seconds)
    ]


def costs(usages: list[Usage], card: Card | None = None) -> dict[Option, float]:
    """What a call costs with each way of caching, where 1 is a call without a cache."""
    card = card or prices()
    scene = set_scene(books(usages, card), card, Config(), None, None)
    run(scene, [])
    _look_at(scene)
    reach(scene)
    _choose(scene, {0: [SHORT, LONG, PING]})
    scene.make("options", "cache", sample=0)
    found = priced(scene, "options")[0]
    return {
        option: float(found[option.name].then / found[option.name].now)
        for option in (SHORT, LONG, PING)
    }


BREAK_EVEN: list[tuple[dict[str, str], Option, int]] = [
    # prices, lifetime, and how many reads of a hundred prefixes are just too few:
    # (w - 1) / (1 - r) reads a write, .278 1.111 .263 1.053 .256
    ({"write_5m": "1.25", "read": "0.1"}, SHORT, 27),
    ({"write_1h": "2", "read": "0.1"}, LONG, 111),
    ({"write_5m": "1.25", "read": "0.05"}, SHORT, 26),
    ({"write_1h": "2", "read": "0.05"}, LONG, 105),
    ({"write_5m": "1.25", "read": "0.025"}, SHORT, 25),
]


@pytest.mark.parametrize(("multiples", "option", "too_few"), BREAK_EVEN)
def test_reads_that_pay_for_a_write(
    multiples: dict[str, str], option: Option, too_few: int
) -> None:
    def cost(reads: int) -> float:
        """Of a hundred prefixes that are read so often in all, a minute after the other call."""
        usages: list[Usage] = []
        for prefix in range(100):
            times = 1 + reads // 100 + (prefix < reads % 100)
            start = prefix * 90_000.0
            usages += sent([start + 60 * n for n in range(times)], prefix + 1, len(usages))
        return costs(usages, prices(**multiples))[option]

    assert cost(too_few) > 1 > cost(too_few + 1)


def test_a_write_that_costs_nothing_extra_never_loses() -> None:
    assert costs(sent([0, 90_000, 180_000, 180_060]), prices(write_5m="1"))[SHORT] < 1


def poisson(mean: float, count: int = 3000) -> list[float]:
    """Gaps of a Poisson process: its quantiles, each once, in any order."""
    gaps = [-mean * log(1 - (number + 0.5) / count) for number in range(count)]
    Random(1).shuffle(gaps)
    return list(accumulate(gaps, initial=0.0))


@pytest.mark.parametrize("mean", [60, 900, 2000, 7200])
def test_calls_at_random(mean: int) -> None:
    """In the long run a call misses if none came for a lifetime: e^(-T/g) w + (1 - e^(-T/g)) r."""
    found = costs(sent(poisson(mean)))
    for option, lifetime, write in ((SHORT, 300, 1.25), (LONG, 3600, 2.0)):
        miss = exp(-lifetime / mean)
        assert found[option] == pytest.approx(miss * write + (1 - miss) * 0.1, abs=0.01)


def test_how_rare_calls_may_be() -> None:
    """Five minutes lose to no cache from gaps of 1,224 seconds on, an hour from 4,819 on."""
    assert costs(sent(poisson(1200)))[SHORT] < 1 < costs(sent(poisson(1250)))[SHORT]
    assert costs(sent(poisson(4750)))[LONG] < 1 < costs(sent(poisson(4900)))[LONG]
    between = costs(sent(poisson(2000)))
    assert between[LONG] < 1 < between[SHORT]


def test_bursts_are_cheaper_than_their_mean_gap() -> None:
    """Ten calls ten seconds apart, then a pause: a mean gap of 900 seconds, and far from random."""
    bursts = [start * 9000.0 + 10.0 * n for start in range(200) for n in range(10)]
    assert costs(sent(poisson(900)))[SHORT] == pytest.approx(0.922, abs=0.02)
    assert costs(sent(bursts))[SHORT] == pytest.approx((1.25 + 9 * 0.1) / 10, abs=0.001)


def test_an_hour_pays_for_two_pauses_in_three_sessions() -> None:
    """One miss avoided costs 1.25 - .1, an hour's write .75 more: .652 pauses a session."""

    def sessions(pauses: int) -> dict[Option, float]:
        usages: list[Usage] = []
        for prefix in range(100):
            times = [0.0, 60.0, 120.0] + [720.0] * (prefix < pauses)
            start = prefix * 90_000.0
            usages += sent([start + time for time in times], prefix + 1, len(usages))
        return costs(usages)

    few, enough = sessions(65), sessions(66)
    assert few[SHORT] < few[LONG]
    assert enough[LONG] < enough[SHORT]


def test_keeping_a_prefix_alive() -> None:
    """A ping costs r and avoids a miss of w - r: worth it from 8.7 % of pauses that it bridges."""

    def pauses(bridged: int) -> dict[Option, float]:
        """Of a thousand pauses so many are of 8 minutes, the rest of 3 hours."""
        now, times = 0.0, []
        for number in range(1001):
            times.append(now)
            now += 480.0 if number * bridged // 1000 < (number + 1) * bridged // 1000 else 10_800.0
        return costs(sent(times))

    few, enough = pauses(85), pauses(89)
    assert few[SHORT] < few[PING]
    assert enough[PING] < enough[SHORT]


def test_pings_are_paid() -> None:
    """Three calls, each followed by one ping: the last one in vain."""
    found = costs(sent([0, 480, 960]))
    assert found[PING] == pytest.approx((1.25 + 2 * 0.1 + 3 * 0.1) / 3)
    assert found[SHORT] == pytest.approx(1.25)


def test_what_is_sent_while_the_first_is_unanswered_is_written_again() -> None:
    usages: list[Any] = sent([0, 1, 2, 40])
    for usage in usages:
        usage.time_to_first_token_ms = 30_000
    assert costs(usages)[SHORT] == pytest.approx((3 * 1.25 + 0.1) / 4)
