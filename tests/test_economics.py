"""What the work is worth: profiles, what a workflow declares, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tokman.config import Config, load
from tokman.economics import LEVELS, Business, business, profiles, terms
from tokman.errors import TokmanError


def declared(folder: Path, toml: str) -> Config:
    path = folder / "tokman.toml"
    path.write_text(toml)
    return load(path)


def test_nothing_declared(tmp_path: Path) -> None:
    held = business(Config())
    assert (held.name, held.max_loss, held.alpha, held.power) == ("plain", 0.02, 0.05, 0.8)
    work = terms(Config(), None)
    assert (work.value, work.owner, work.protected, work.importance) == (None, None, False, 1)
    assert terms(Config(), "work") == work


@pytest.mark.parametrize("name", profiles())
def test_every_profile_is_whole(name: str) -> None:
    held = business(Config(profile=name))
    assert held.name == name
    assert held.downgrade_from in LEVELS
    assert all(value is not None for value in held)


def test_a_profile_of_ones_own_says_only_what_differs(tmp_path: Path) -> None:
    config = declared(
        tmp_path,
        """
        profile = "ours"
        [profiles.ours]
        like = "enterprise support"
        max_loss = "0.5%"
        weights.batch = 2
        """,
    )
    ours, like = business(config), business(Config(profile="enterprise support"))
    assert ours == like._replace(name="ours", max_loss=0.005, weights={"batch": 2.0})


def test_a_profile_may_be_written_over(tmp_path: Path) -> None:
    config = declared(tmp_path, "[profiles.plain]\nlike='pre-revenue startup'\n")
    with pytest.raises(TokmanError, match="like itself"):
        business(config)
    config = declared(tmp_path, "profile='mine'\n[profiles.mine]\nhorizon_days=30\n")
    held = business(config)
    assert held == business(Config())._replace(name="mine", horizon_days=30)
    assert isinstance(held, Business)


def test_a_workflow_over_its_profile(tmp_path: Path) -> None:
    config = declared(
        tmp_path,
        """
        profile = "AI coding agency"
        [workflows.review]
        owner = "ann"
        value = "$2.50"
        margin = "70%"
        waste = 0.2
        max_delay = "4h"
        regulated = true
        outcome = "merged"
        """,
    )
    work = terms(config, "review")
    assert (work.value, work.margin, work.waste) == (Decimal("2.50"), 0.7, 0.2)
    assert (work.max_delay, work.owner, work.outcome) == (14_400, "ann", "merged")
    assert work.protected and work.regulated
    assert terms(config, "other").waste == 0.03


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("profile = 'enterprise suport'", "did you mean 'enterprise support'"),
        ("profile = 'x'", "no profile 'x'"),
        ("[profiles.plain]\nalpha = 1", "alpha 1 is not between"),
        ("[profiles.plain]\nmax_loss = '200%'", "more than the whole"),
        ("[profiles.plain]\ndowngrade_from = 'E9'", "no evidence level 'E9'"),
        ("[profiles.plain]\nhorizon_days = 0", "horizon_days 0"),
        ("[profiles.plain]\nday_rate = -5", "day_rate -5 is not an amount"),
        ("[workflows.w]\nvalue = 'much'", "value 'much' is not an amount"),
        ("[workflows.w]\nvalue = nan", "is not an amount"),
        ("[workflows.w]\nimportance = 0", "importance is 0"),
        ("[workflows.w]\nmax_delay = 'soon'", "max_delay 'soon' is not a time"),
        ("[workflows.w]\nvalu = 1", "unknown field"),
    ],
)
def test_what_does_not_add_up_is_one_line(tmp_path: Path, toml: str, said: str) -> None:
    with pytest.raises(TokmanError) as refused:
        terms(declared(tmp_path, toml), "w")
    assert said in f"{refused.value} {refused.value.hint}"
