"""The matched comparison against published numbers, a second method, and worlds of known truth."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from math import sqrt
from random import Random
from typing import Any

import pytest

from tests.recommend.books import MONDAY, books, call, card
from tokman.config import Config
from tokman.recommend.matched import Arm, Comparison, compare, difference
from tokman.recommend.scene import enter, set_scene
from tokman.recommend.trial import quantile
from tokman.usage import Usage

NEW = Arm("openai", "gpt-5.4-mini", "work", 0)
OLD = Arm("openai", "gpt-5.5", "work", 0)


def test_tolbutamide() -> None:
    """Deaths under tolbutamide and placebo in two ages (University Group Diabetes Program; Rothman,
    Greenland and Lash 2008, table 15-1), as the R package metafor pools them: 90 % interval."""
    gap, error = difference([(8, 106, 5, 120), (22, 98, 16, 85)])
    reach = quantile(0.95) * error
    assert round(gap, 4) == 0.0349
    assert (round(gap - reach, 4), round(gap + reach, 4)) == (-0.0176, 0.0874)


def compared(usages: list[Usage], new: Arm = NEW, old: Arm = OLD) -> Comparison | None:
    scene = set_scene(books(usages), card(), Config(), None, None)
    enter(scene)
    scene.make("work_steps", "work_steps")
    scene.make("escalations", "escalations")
    (found,) = compare(scene, [(new, old)])
    return found


def traffic(
    seed: int,
    count: int = 3000,
    hard: tuple[float, float] = (0.3, 0.3),
    right: dict[str, tuple[float, float]] | None = None,
    talk: int = 1,
    **what: Any,
) -> list[Usage]:
    """Easy calls with short prompts and hard ones with long; `hard` is the share of hard ones on
    (old, new), `right` the chance of each model on easy and on hard ones."""
    random = Random(seed)
    chances = right or {"gpt-5.5": (0.97, 0.85), "gpt-5.4-mini": (0.97, 0.85)}
    usages = []
    for number in range(count):
        model = "gpt-5.4-mini" if number // talk % 3 == 0 else "gpt-5.5"
        difficult = random.random() < hard[model == "gpt-5.4-mini"]
        plain: dict[str, Any] = {
            "call_id": f"{seed}-{number}",
            "model": model,
            "success": random.random() < chances[model][difficult],
            "uncached_input_tokens": random.randint(*((9000, 15000) if difficult else (300, 900))),
            "output_tokens": random.randint(100, 300) * (2 if model == "gpt-5.4-mini" else 1),
        }
        at = MONDAY + timedelta(minutes=13 * number)
        usages.append(call(number, at, **plain | what))
    return usages


def test_a_second_method() -> None:
    """The same by hand: strata by size and week, one call at a time."""
    usages = traffic(1, hard=(0.2, 0.5))
    found = compared(usages)
    assert found is not None and found.judged
    cells: dict[Any, dict[bool, list[bool]]] = defaultdict(lambda: {True: [], False: []})
    for usage in usages:
        assert usage.started_at is not None and usage.success is not None
        band = (4 * usage.uncached_input_tokens).bit_length()
        week = usage.started_at // 10**6 // 604800
        new = usage.response_model == "gpt-5.4-mini"
        cells[band, week][new].append(usage.success)
    kept = {key: arms for key, arms in cells.items() if min(map(len, arms.values())) >= 10}
    assert len(kept) == len(cells), "here nothing needs to be coarsened"
    weights = {k: len(a[True]) * len(a[False]) / len(a[True] + a[False]) for k, a in kept.items()}
    total = sum(weights.values())
    gap = variance = 0.0
    for key, arms in kept.items():
        for new, sign in ((True, 1), (False, -1)):
            share = sum(arms[new]) / len(arms[new])
            gap += sign * weights[key] * share / total
            variance += (weights[key] / total) ** 2 * share * (1 - share) / len(arms[new])
    assert found.gap == pytest.approx(gap, abs=1e-12)
    assert found.error == pytest.approx(sqrt(variance), rel=1e-3)
    assert found.strata == len(kept)


def test_simpson() -> None:
    """The small model gets the easy calls: unmatched it looks better, call by call it is worse."""
    chances = {"gpt-5.5": (0.99, 0.80), "gpt-5.4-mini": (0.94, 0.70)}
    found = compared(traffic(2, 9000, hard=(0.7, 0.1), right=chances))
    assert found is not None
    assert found.crude > 0.04
    assert found.gap < -0.04
    assert found.limits(0.05)[1] < 0
    assert found.wanting() is None


def test_what_differs_everywhere_is_not_compared() -> None:
    """Where the small model works by night only, nothing says that its calls are alike."""
    usages = traffic(3)
    for usage in usages:
        night = 14 if usage.response_model == "gpt-5.4-mini" else 2
        assert usage.started_at is not None
        day = usage.started_at // 86_400_000_000
        usage.started_at = (day * 24 + night - 2) * 3_600_000_000 + usage.started_at % 3_600_000_000
    found = compared(usages)
    assert found is not None
    assert "time of the day" in (found.wanting() or "")


def test_calls_without_a_counterpart_are_counted_out() -> None:
    found = compared(traffic(4, hard=(0.6, 0.0)))
    assert found is not None
    assert found.covered < 0.6
    assert "of the spend has calls like it" in (found.wanting() or "")


def test_conversations_are_the_clusters() -> None:
    """Calls that share their conversation's fate tell less than so many single ones."""
    alone = traffic(5, 4000)
    together = traffic(5, 4000, talk=20)
    fates: dict[int, bool] = {}
    random = Random(6)
    for number, usage in enumerate(together):
        group = number // 20
        usage.conversation_id = f"talk-{group}"
        usage.success = fates.setdefault(group, random.random() < 0.9)
    single, clustered = compared(alone), compared(together)
    assert single is not None and clustered is not None
    assert clustered.error > 3 * single.error


def test_first_attempts_only() -> None:
    usages = traffic(7)
    again = traffic(8, 900, retry_of="7-1", success=False)
    assert compared(usages) == compared(usages + again)


def test_output_is_measured_on_calls_that_are_alike() -> None:
    found = compared(traffic(9, hard=(0.1, 0.8)))
    assert found is not None
    assert found.output.low < 2 < found.output.high
    assert found.output.high - found.output.low < 0.2


def test_input_is_measured_on_prompts_of_known_size() -> None:
    usages = traffic(10)
    for usage in usages:
        tokens = usage.uncached_input_tokens
        usage.block_sizes = [4 * tokens]
        if usage.response_model == "gpt-5.4-mini":
            usage.uncached_input_tokens = round(1.3 * tokens)
    found = compared(usages)
    assert found is not None and found.input is not None
    assert found.input.value == pytest.approx(1.3, abs=0.01)


def test_a_proxy_sees_failures_and_second_tries() -> None:
    usages = traffic(11, success=None)
    for number, usage in enumerate(usages):
        if number % 3 == 0 and number % 10 == 0:
            usage.status = "error"
    usages += [
        call(n, MONDAY + timedelta(minutes=13 * n + 1), call_id=f"again-{n}", retry_of=f"11-{n}")
        for n in range(1, 3000, 30)
    ]
    found = compared(usages)
    assert found is not None and not found.judged
    assert found.crude == pytest.approx(-0.05, abs=0.01)
    assert found.escalated == 0


def test_few_outcomes_are_too_few_and_no_proxy_stands_in() -> None:
    usages = traffic(14)
    for number, usage in enumerate(usages):
        if number % 20:
            usage.success = None
    found = compared(usages)
    assert found is not None and found.judged
    assert "only" in (found.wanting() or "")


def test_escalations_are_seen() -> None:
    usages = traffic(12)
    small = [usage for usage in usages if usage.response_model == "gpt-5.4-mini"]
    usages += [
        call(n, MONDAY + timedelta(days=3), call_id=f"up-{n}", retry_of=usage.call_id)
        for n, usage in enumerate(small)
        if n % 10 == 0
    ]
    found = compared(usages)
    assert found is not None
    assert found.escalated == pytest.approx(0.1, abs=0.01)


SIZES = ((0.97, 700, 900), (0.95, 400, 800), (0.9, 250, 500), (0.93, 150, 99))
"""Of four strata: the share done right, attempts of the new arm and of the old."""


def accepted(seed: int, chance: float, margin: float, runs: int) -> float:
    """Share of simulated comparisons of two arms in four strata that find non-inferiority."""
    random = Random(seed)
    found = 0
    for _ in range(runs):
        strata = []
        for base, new, old in (
            (0.97, 700, 900),
            (0.95, 400, 800),
            (0.9, 250, 500),
            (0.93, 150, 99),
        ):
            right_new = _binomial(random, new, base + chance)
            strata.append((right_new, new, _binomial(random, old, base), old))
        gap, error = difference(strata)
        found += gap - quantile(0.95) * error > -margin
    return found / runs


def _binomial(random: Random, count: int, share: float) -> int:
    """By the normal law, which is close for such counts and quick."""
    drawn = random.gauss(count * share, sqrt(count * share * (1 - share)))
    return min(count, max(0, round(drawn)))


def test_equal_models_pass_as_often_as_the_power_says() -> None:
    margin, runs = 0.02, 3000
    expected = [(round(base * new), new, round(base * old), old) for base, new, old in SIZES]
    error = difference(expected)[1]
    power = _normal(margin / error - quantile(0.95))
    assert accepted(1, 0.0, margin, runs) == pytest.approx(power, abs=0.03)


def test_models_worse_by_the_margin_pass_in_alpha_of_cases() -> None:
    share = accepted(2, -0.02, 0.02, 4000)
    assert share <= 0.05 + 2.6 * sqrt(0.05 * 0.95 / 4000)


def _normal(z: float) -> float:
    from statistics import NormalDist

    return NormalDist().cdf(z)


def test_hidden_reasons_must_be_strong() -> None:
    """VanderWeele and Ding (2017): a risk ratio of 3.9 needs an E-value of 7.26."""
    plain = compared(traffic(13))
    assert plain is not None
    ratio = plain._replace(failing=0.1, gap=0.0, error=0.0)
    assert ratio.e_value(0.29, 0.05) == pytest.approx(7.26, abs=0.005)
    assert ratio._replace(gap=-0.5).e_value(0.29, 0.05) == 1.0
