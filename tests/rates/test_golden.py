"""Amounts worked out by hand, many of them from other tools' bug reports."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.rates.conftest import Charge, price_all
from tokman.rates import Card

AUTUMN = datetime(2026, 9, 1)
MILLION = 10**6


def usd(text: str) -> Decimal:
    return Decimal(text)


@pytest.mark.parametrize(
    ("call", "cost"),
    [
        pytest.param(
            {
                "provider_name": "anthropic",
                "response_model": "claude-3-7-sonnet-20250219",
                "uncached_input_tokens": 3,
                "cache_write_5m_input_tokens": 12_304,
                "output_tokens": 550,
            },
            usd("0.054399"),  # 3 × 3 + 12,304 × 3.75 + 550 × 15
            id="cache writes are not input as well (LiteLLM #9812)",
        ),
        pytest.param(
            {
                "provider_name": "anthropic",
                "response_model": "claude-opus-4-7",
                "uncached_input_tokens": 6,
                "cache_write_5m_input_tokens": 159_217,
                "output_tokens": 2_745,
            },
            usd("1.06376125"),
            id="nor at Opus prices (Bifrost #3451)",
        ),
        pytest.param(
            {
                "provider_name": "openai",
                "response_model": "gpt-5.4",
                "uncached_input_tokens": 6_074 - 3_456,
                "cache_read_input_tokens": 3_456,
                "output_tokens": 285,
            },
            usd("0.011684"),
            id="cached tokens are a part of OpenAI's prompt (LiteLLM #27191)",
        ),
        pytest.param(
            {
                "provider_name": "google",
                "response_model": "gemini-3-flash-preview",
                "uncached_input_tokens": 20_212 - 16_298,
                "cache_read_input_tokens": 16_298,
                "output_tokens": 931,
            },
            usd("0.0055649"),
            id="and of Gemini's (pi #2148)",
        ),
        pytest.param(
            {
                "provider_name": "anthropic",
                "response_model": "claude-sonnet-4-5",
                "cache_write_5m_input_tokens": 31_490,
                "cache_write_1h_input_tokens": 184_457 - 31_490,
                "started_at": datetime(2026, 11, 1),
            },
            # Above 200,000 every price of this model doubles; this prompt is below.
            usd("1.0358895"),  # 31,490 × 3.75 + 152,967 × 6
            id="both lifetimes of a cache write are billed (LiteLLM #42663)",
        ),
        pytest.param(
            {
                "provider_name": "openai",
                "response_model": "gpt-5.4",
                "uncached_input_tokens": 272_000,
                "output_tokens": 1_000,
            },
            usd("0.695"),  # 272,000 × 2.5 + 1,000 × 15
            id="272,000 tokens are not a long prompt",
        ),
        pytest.param(
            {
                "provider_name": "openai",
                "response_model": "gpt-5.4",
                "uncached_input_tokens": 1,
                "cache_read_input_tokens": 272_000,
                "output_tokens": 1_000,
            },
            usd("0.158505"),  # 1 × 5 + 272,000 × 0.5 + 1,000 × 22.5
            id="272,001 are, cached ones too, and every token costs more",
        ),
        pytest.param(
            {
                "provider_name": "anthropic",
                "response_model": "claude-opus-4-8",
                "service_tier": "batch",
                "started_at": AUTUMN,
                "uncached_input_tokens": MILLION,
                "output_tokens": MILLION,
            },
            usd("15"),
            id="batch was half price before the catalogue said so",
        ),
        pytest.param(
            {
                "provider_name": "anthropic",
                "response_model": "claude-opus-4-8",
                "service_tier": "batch",
                "started_at": AUTUMN,
                "cache_read_input_tokens": MILLION,
                "cache_write_5m_input_tokens": MILLION,
                "cache_write_1h_input_tokens": MILLION,
                "web_search_requests": 1_000,
            },
            usd("18.375"),  # 0.25 + 3.125 + 5, and searches at their full $10
            id="batch stacks with the prompt cache, and not on searches",
        ),
        pytest.param(
            {
                "provider_name": "openai",
                "response_model": "gpt-4o",
                "service_tier": "batch",
                "started_at": AUTUMN,
                "uncached_input_tokens": MILLION,
                "cache_read_input_tokens": MILLION,
                "output_tokens": MILLION,
            },
            usd("7.5"),  # 1.25 + 1.25 + 5: cached tokens have no batch price
            id="but not on every cached token at OpenAI",
        ),
        pytest.param(
            {
                "provider_name": "openai",
                "response_model": "gpt-5.6-luna",
                "service_tier": "flex",
                "started_at": datetime(2026, 7, 29, 23, 59, 59),
                "uncached_input_tokens": 1_000,
                "output_tokens": 1_000,
            },
            usd("0.0035"),  # half of 1 and 6: the standard price before 2026-07-30
            id="a tier's ratio goes with the standard price of its time",
        ),
        pytest.param(
            {
                "provider_name": "anthropic",
                "response_model": "claude-opus-4-6",
                "service_tier": "batch",
                "started_at": datetime(2026, 3, 12),
                "uncached_input_tokens": 200_001,
            },
            usd("1.000005"),  # half of the long-context price of before 2026-03-13
            id="and with its long-context price",
        ),
        pytest.param(
            {
                "provider_name": "anthropic",
                "response_model": "claude-opus-4-8",
                "inference_geo": "us",
                "uncached_input_tokens": 1_000,
                "cache_read_input_tokens": 1_001,
                "output_tokens": 10,
                "web_search_requests": 1,
            },
            usd("0.01632555"),  # 1.1 × (0.005 + 0.0005005 + 0.00025) + 0.01
            id="inference in the US costs 1.1 times as much, searches do not",
        ),
        pytest.param(
            {
                "provider_name": "anthropic",
                "response_model": "claude-opus-4-5",
                "inference_geo": "us",
                "uncached_input_tokens": MILLION,
            },
            usd("5"),
            id="not before Opus 4.6",
        ),
        pytest.param(
            {
                "provider_name": "anthropic",
                "response_model": "claude-opus-4-8",
                "speed": "fast",
                "uncached_input_tokens": MILLION,
                "output_tokens": MILLION,
            },
            usd("60"),
            id="fast mode at twice the price",
        ),
        pytest.param(
            {
                "provider_name": "anthropic",
                "response_model": "claude-opus-4-6",
                "speed": "fast",
                "inference_geo": "us",
                "uncached_input_tokens": 1_000,
                "output_tokens": 1_000,
            },
            usd("0.198"),  # 1.1 × 6 × (0.005 + 0.025)
            id="at six times before Opus 4.8, and in the US",
        ),
        pytest.param(
            {
                "provider_name": "azure.ai.openai",
                "response_model": "gpt-5-2025-08-07",
                "service_tier": "batch",
                "uncached_input_tokens": MILLION,
                "output_tokens": MILLION,
            },
            usd("5.625"),
            id="a tier of a model sold through Azure",
        ),
        pytest.param(
            {
                "provider_name": "openai",
                "response_model": "gpt-5.5",
                "service_tier": "fast",
                "uncached_input_tokens": MILLION,
                "output_tokens": MILLION,
            },
            usd("87.5"),
            id="OpenAI's fast is priority, which has no long-context price",
        ),
        pytest.param(
            {
                "provider_name": "perplexity",
                "response_model": "sonar-deep-research",
                "output_tokens": 1_000,
                "reasoning_output_tokens": 400,
            },
            usd("0.006"),  # 600 × 8 + 400 × 3
            id="reasoning at its own price, inside the output",
        ),
        pytest.param(
            {"provider_name": "perplexity", "response_model": "sonar", "output_tokens": 1_000},
            usd("0.013"),
            id="a price per request",
        ),
        pytest.param(
            {
                "provider_name": "deepseek",
                "response_model": "deepseek-v4-pro",
                "started_at": datetime(2026, 11, 2, 3, 59, 59, 999_999),
                "uncached_input_tokens": 1_000,
            },
            usd("0.00132"),
            id="peak hours until the last microsecond",
        ),
        pytest.param(
            {
                "provider_name": "deepseek",
                "response_model": "deepseek-v4-pro",
                "started_at": datetime(2026, 11, 2, 4),
                "uncached_input_tokens": 1_000,
            },
            usd("0.00066"),
            id="and off-peak from then on",
        ),
        pytest.param(
            {
                "provider_name": "gcp.vertex_ai",
                "response_model": "gemini-2.5-flash",
                "service_tier": "flex",
                "uncached_input_tokens": MILLION,
                "output_tokens": MILLION,
            },
            usd("1.4"),
            id="Gemini's flex is half price",
        ),
    ],
)
def test_a_call_costs_what_it_costs_by_hand(
    charge: Charge, call: dict[str, Any], cost: Decimal
) -> None:
    row = charge(**call)
    assert row["list_cost"] == row["contracted_cost"] == cost
    assert row["rate_id"] and row["unpriced_reason"] is None


def test_a_cache_that_is_hardly_read_costs_more_than_none(card: Card) -> None:
    sonnet = {"provider_name": "anthropic", "response_model": "claude-sonnet-4-5"}
    written = {"cache_read_input_tokens": 1_000, "cache_write_5m_input_tokens": 20_000}
    plain, cached = price_all(
        card, [{**sonnet, "uncached_input_tokens": 21_000}, {**sonnet, **written}]
    )
    assert plain["list_cost"] - cached["list_cost"] == Decimal("-0.0123")  # LiteLLM #36452


def test_a_price_cut_starts_at_midnight_utc(card: Card) -> None:
    luna = {"provider_name": "openai", "response_model": "gpt-5.6-luna", "output_tokens": MILLION}
    moments = (datetime(2026, 7, 29, 23, 59, 59, 999_999), datetime(2026, 7, 30))
    before, after = price_all(card, [{**luna, "started_at": at} for at in moments])
    assert (before["list_cost"], after["list_cost"]) == (6, Decimal("1.2"))


def test_the_model_that_answered_is_the_one_billed(card: Card) -> None:
    asked = {"provider_name": "openai", "request_model": "gpt-5", "uncached_input_tokens": MILLION}
    answered, hidden = price_all(
        card, [{**asked, "response_model": "gpt-5-mini"}, {**asked, "response_model": "my-router"}]
    )
    assert answered["rate_id"] == "openai/gpt-5-mini/standard"
    assert hidden["rate_id"] == "openai/gpt-5/standard"
