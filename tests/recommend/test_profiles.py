"""One company's logs under the three profiles that tokman brings: three plans, and how they differ.

Labels that a smaller model might do, a digest that can run at night, agents that get stuck.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import msgspec
import pytest

from tests.recommend.books import MONDAY, books, card, nightly
from tests.recommend.stop.cases import agent
from tokman.config import Config
from tokman.recommend import Plan, recommend

STARTUP, ENTERPRISE, AGENCY = "pre-revenue startup", "enterprise support", "AI coding agency"
LABELS, DIGEST, STUCK = ("downgrade", "labels"), ("batch", "digest"), ("stop", "coder")


@cache
def plan(profile: str) -> Plan:
    labels = nightly(
        per_night=250,
        workflow="labels",
        model="claude-sonnet-4-5",
        output_tokens=3,
        uncached_input_tokens=60_000,
        stream=True,
        user_id="somebody",
    )
    digest = nightly(per_night=60, workflow="digest", uncached_input_tokens=90_000)
    coder = [
        msgspec.structs.replace(usage, workflow="coder")
        for day in range(20)
        for usage in agent(
            ["test=fail"] * 60 + [""], f"s{day}", MONDAY + timedelta(days=day), context=100_000
        )
    ]
    settings = msgspec.structs.replace(Config(), profile=profile)
    return recommend(books([*labels, *digest, *coder]), card(), settings)


def values(profile: str) -> dict[tuple[str, str | None], int]:
    """Place → net value, pico-dollars, the best first."""
    return {
        (one.lever, one.workflow): one.net.value
        for one in plan(profile).recommendations
        if (one.lever, one.workflow) in (LABELS, DIGEST, STUCK)
    }


def test_a_startup_leaves_the_smaller_model_for_last() -> None:
    """It lets a trial leave 5 % of outcomes open: worth more than what the model saves."""
    assert [*values(STARTUP)] == [STUCK, DIGEST, LABELS]
    assert values(STARTUP)[DIGEST] > 0 > values(STARTUP)[LABELS]


def test_an_enterprise_has_no_cheaper_model_without_a_trial() -> None:
    assert [*values(ENTERPRISE)] == [STUCK, DIGEST]
    (left,) = (one for one in plan(ENTERPRISE).left if one.lever == "downgrade")
    assert "the profile asks for E3" in left.why
    assert plan(ENTERPRISE).spend_after > plan(STARTUP).spend_after == plan(AGENCY).spend_after


def test_an_agency_gains_by_the_smaller_model_and_least_by_a_batch() -> None:
    """A dollar that agents waste counts half as much again, one that a batch saves counts half."""
    assert [*values(AGENCY)] == [STUCK, DIGEST, LABELS]
    assert values(AGENCY)[LABELS] > 0
    by_place = {(one.lever, one.workflow): one for one in plan(AGENCY).recommendations}
    for place, weight in ((STUCK, 1.5), (DIGEST, 0.5), (LABELS, 1.0)):
        one = by_place[place]
        whole = one.window.expected * 180 / plan(AGENCY).days
        assert one.net.saving == pytest.approx(whole * weight, rel=1e-9)


def test_days_of_work_pay_over_another_horizon_at_another_rate() -> None:
    expected = {STARTUP: (90, 300), ENTERPRISE: (365, 800), AGENCY: (180, 600)}
    for profile, (days, rate) in expected.items():
        (batch,) = (one for one in plan(profile).recommendations if one.workflow == "digest")
        assert (batch.net.horizon_days, batch.net.effort) == (days, rate * 10**12 * batch.effort)


def test_no_two_plans_are_alike_and_all_rest_on_the_same_spend() -> None:
    plans = [plan(profile) for profile in (STARTUP, ENTERPRISE, AGENCY)]
    ranked = [[(one.name, one.net.value) for one in each.recommendations] for each in plans]
    assert all(one != other for place, one in enumerate(ranked) for other in ranked[:place])
    assert len({each.spend for each in plans}) == 1
