"""Names as logs write them, and the model each means."""

from __future__ import annotations

import pytest
from genai_prices.data_snapshot import _bundled_snapshot

from tokman.rates import Card
from tokman.rates.match import Match

SONNET = "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"

MEANT = [
    ("openai", "gpt-5.5-2026-04-23", "openai/gpt-5.5"),
    (None, "gpt-5.5", "openai/gpt-5.5"),
    (None, "openai/gpt-5.5", "openai/gpt-5.5"),
    (None, "anthropic/claude-opus-5", "anthropic/claude-opus-5"),
    ("openai", "anthropic/claude-opus-5", "anthropic/claude-opus-5"),
    ("anthropic", "claude-opus-5[1m]", "anthropic/claude-opus-5"),
    ("gcp.gemini", "models/gemini-2.5-pro", "google/gemini-2.5-pro"),
    (None, "models/gemini-2.5-pro", "google/gemini-2.5-pro"),
    ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-pro", "google/gemini-2.5-pro"),
    (
        "vertex_ai",
        "projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-5",
        "google/claude-opus-5",
    ),
    ("vertex_ai-anthropic_models", "claude-opus-5", "google/claude-opus-5"),
    ("gemini", "gemini/gemini-2.5-flash", "google/gemini-2.5-flash"),
    (None, "us.anthropic.claude-sonnet-4-5-20250929-v1:0", f"aws/{SONNET}"),
    ("anthropic", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", f"aws/{SONNET}"),
    ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", f"aws/{SONNET}"),
    ("bedrock", f"bedrock/converse/us.{SONNET.removeprefix('regional.')}", f"aws/{SONNET}"),
    (
        None,
        "bedrock/us-east-1/anthropic.claude-3-haiku-20240307-v1:0",
        "aws/regional.anthropic.claude-3-haiku-20240307-v1:0",
    ),
    (
        None,
        f"arn:aws:bedrock:us-east-1:1:inference-profile/us.{SONNET.removeprefix('regional.')}",
        f"aws/{SONNET}",
    ),
    ("azure", "gpt-5", "openai/gpt-5"),
    ("azure.ai.openai", "gpt-5-mini-2025-08-07", "openai/gpt-5-mini"),
    ("azure.ai.inference", "gpt-5", "openai/gpt-5"),
    ("az.ai.openai", "gpt-5", "openai/gpt-5"),
    ("azure_openai", "gpt-4.1", "openai/gpt-4.1"),
    (None, "azure/gpt-4o", "openai/gpt-4o"),
    ("x_ai", "grok-4.3", "x-ai/grok-4.3"),
    ("mistral_ai", "mistral-large-latest", "mistral/mistral-large"),
    (
        "together_ai",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "together/meta-llama/Llama-3.3-70B-Instruct-Turbo",
    ),
    ("openrouter", "openai/gpt-5.5", "openrouter/openai/gpt-5.5"),
    ("openrouter", "openrouter/openai/gpt-5.5", "openrouter/openai/gpt-5.5"),
    ("litellm", "groq/llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile"),
    ("OpenAI", "GPT-5.5", "openai/gpt-5.5"),
]
UNKNOWN = [
    (None, None),
    (None, ""),
    (None, "<synthetic>"),
    ("openai", "gpt"),
    ("azure", "gpt-4o-eu"),
    ("bedrock", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"),
    ("vllm", "deepseek-r1"),
    ("my-own-host", "gpt-5"),
    ("together_ai", "openai/gpt-5"),
    ("openai", "x" * 10_000),
    ("x" * 10_000, "gpt-5"),
]


@pytest.mark.parametrize(("provider", "model", "meant"), MEANT)
def test_a_name_means_a_model(
    card: Card, provider: str | None, model: str | None, meant: str
) -> None:
    found = card.find(provider, model)
    assert found is not None
    assert f"{found.provider_id}/{found.model_id}" == meant


@pytest.mark.parametrize(("provider", "model"), UNKNOWN)
def test_another_name_means_none(card: Card, provider: str | None, model: str | None) -> None:
    assert card.find(provider, model) is None


def test_the_seller_is_kept_beside_whose_list_it_is(card: Card) -> None:
    assert card.find("azure", "gpt-5") == Match("openai", "gpt-5", "azure")


def test_every_name_the_catalogue_can_match_means_the_same_here(card: Card) -> None:
    snapshot = _bundled_snapshot()
    for provider in snapshot.providers:
        for model in provider.models:
            try:
                seller, meant = snapshot.find_provider_model(model.id, None, provider.id, None)
            except LookupError:
                continue
            found = card.find(provider.id, model.id)
            assert found is not None
            assert (found.seller, found.model_id) == (seller.id, meant.id)
