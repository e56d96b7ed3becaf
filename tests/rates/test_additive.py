"""What any price must satisfy, whatever the model and the usage."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rates.conftest import price_all
from tokman.rates import Card
from tokman.usage import INPUT_CLASSES, QUANTITIES

MODELS = [
    ("anthropic", "claude-opus-5"),
    ("anthropic", "claude-sonnet-4-5"),
    ("openai", "gpt-5.4"),
    ("openai", "gpt-realtime"),
    ("google", "gemini-2.5-pro"),
    ("perplexity", "sonar-deep-research"),
]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    model=st.sampled_from(MODELS),
    counts=st.fixed_dictionaries({name: st.integers(0, 27_000) for name in QUANTITIES}),
    tier=st.sampled_from([None, "batch"]),
)
def test_a_cost_is_the_sum_of_its_classes(
    card: Card, model: tuple[str, str], counts: dict[str, int], tier: str | None
) -> None:
    """Within a band; 7 × 27,000 prompt tokens stay below every threshold of these models."""
    assert sum(counts[name] for name in INPUT_CLASSES) <= 200_000
    call: dict[str, Any] = {
        "provider_name": model[0],
        "request_model": model[1],
        "service_tier": tier,
    }
    parts = [{**call, name: count} for name, count in counts.items()]
    whole, *single = price_all(card, [{**call, **counts}, *parts])
    if whole["list_cost"] is None:
        assert whole["unpriced_reason"]
        return
    assert whole["list_cost"] == sum(row["list_cost"] for row in single)
    assert all(row["list_cost"] >= 0 for row in single)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    output=st.integers(0, 10**9),
    share=st.integers(0, 100),
    prompt=st.integers(0, 10**9),
)
def test_a_cost_is_never_negative(card: Card, output: int, share: int, prompt: int) -> None:
    reasoning = output * share // 100
    used = {"uncached_input_tokens": prompt, "output_tokens": output}
    calls = [
        {"provider_name": p, "request_model": m, **used, "reasoning_output_tokens": reasoning}
        for p, m in MODELS
    ]
    for row in price_all(card, calls):
        assert row["list_cost"] >= Decimal(0)
