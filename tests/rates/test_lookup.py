"""`tokman rates`: what a model costs at a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tokman.config import Model, Rates
from tokman.errors import TokmanError
from tokman.rates import Card, load, lookup

JUNE = datetime(2026, 6, 1)


def test_every_tier_and_band_in_force(card: Card) -> None:
    rows = lookup(card, "gpt-5.5", None, JUNE)
    ids = [row["rate_id"] for row in rows]
    assert ids[:2] == ["openai/gpt-5.5/standard", "openai/gpt-5.5/standard>272000"]
    assert {row["tier"] for row in rows} == {"standard", "batch", "flex", "priority"}
    assert rows[0]["uncached_input_tokens"] == "5"
    assert rows[0]["cache_read_input_tokens"] == "0.5"
    assert rows[0]["web_search_requests"] == "10"
    assert rows[0]["per_request"] is None
    assert rows[0]["version"] == card.version
    assert (rows[0]["basis"], rows[2]["basis"]) == ("catalogue", "published rule")
    assert rows[2]["source"].startswith("https://")


def test_the_moment_is_utc(card: Card) -> None:
    west = timezone(-timedelta(hours=8))
    before = lookup(card, "gpt-5.6-luna", "openai", datetime(2026, 7, 29, 15, 59, tzinfo=west))
    after = lookup(card, "gpt-5.6-luna", "openai", datetime(2026, 7, 30, tzinfo=UTC))
    assert (before[0]["output_tokens"], after[0]["output_tokens"]) == ("6", "1.2")


def test_windows_of_the_day_are_all_shown(card: Card) -> None:
    rows = lookup(card, "deepseek-v4-pro", "deepseek", datetime(2026, 11, 1))
    assert [row["uncached_input_tokens"] for row in rows] == [
        "0.66",
        "1.32",
        "0.66",
        "1.32",
        "0.66",
    ]
    assert rows[0]["tod_from"] == 0 and rows[-1]["tod_to"] == 86_400_000_000


def test_a_price_for_reasoning_is_shown_whole(card: Card) -> None:
    row = lookup(card, "sonar-deep-research", "perplexity", JUNE)[0]
    assert (row["output_tokens"], row["reasoning_output_tokens"]) == ("8", "3")


def test_an_unknown_model_hints_at_near_ones(card: Card) -> None:
    with pytest.raises(TokmanError, match=r"gpt-5\.55x") as caught:
        lookup(card, "gpt-5.55x", "nowhere", JUNE)
    assert caught.value.hint and "gpt-5.5" in caught.value.hint


def test_a_price_that_has_not_begun() -> None:
    own = load(Rates(models={"m": Model(input=1, since=datetime(2026, 7, 1).date())}))
    with pytest.raises(TokmanError, match="2026-06-01") as caught:
        lookup(own, "m", None, JUNE)
    assert caught.value.hint == "prices start on 2026-07-01"
