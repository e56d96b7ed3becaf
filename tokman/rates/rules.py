"""Price rules that providers publish and the catalogue does not state, each with its source."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from tokman.rates.columns import TOKENS

ANTHROPIC = "https://platform.claude.com/docs/en/about-claude/pricing"
GEMINI = "https://ai.google.dev/gemini-api/docs/optimization"

BACK_FILL = {
    (
        "anthropic",
        "batch",
    ): "https://platform.claude.com/docs/en/build-with-claude/batch-processing",
    ("openai", "batch"): "https://developers.openai.com/api/docs/guides/batch",
    ("openai", "flex"): "https://developers.openai.com/api/docs/guides/flex-processing",
    ("openai", "priority"): "https://openai.com/api-priority-processing/",
    ("google", "batch"): "https://ai.google.dev/gemini-api/docs/batch-api",
    ("google", "flex"): GEMINI,
    ("google", "priority"): "https://ai.google.dev/gemini-api/docs/priority-inference",
    ("mistral", "batch"): "https://docs.mistral.ai/capabilities/batch/",
    ("groq", "batch"): "https://console.groq.com/docs/batch",
}
"""Tiers sold long before the catalogue began to record them (2026-10-12 and later): the ratio it
records first, price by price, holds for the time before. xAI is left out: its batch discount was
said to lie between 20 % and 50 % (https://docs.x.ai/developers/pricing)."""


class Ratio(NamedTuple):
    """Prices of a tier as a ratio of another tier's, where the catalogue has none for a model."""

    provider: str
    model: str
    """Regular expression over the model's whole id."""
    tier: str
    speed: str
    ratio: Fraction
    source: str
    of: str = "standard"
    only: tuple[str, ...] = TOKENS
    """What the rule speaks of; other tokens stay unpriced, fees stay as they are."""


RATIOS = (
    # Gemini's flex costs what its batch costs; priority is "75 % to 100 % more": no price.
    Ratio("google", r"gemini-.*", "flex", "standard", Fraction(1), GEMINI, of="batch"),
    Ratio(
        "google",
        r"claude-.*",
        "batch",
        "standard",
        Fraction(1, 2),
        "https://cloud.google.com/vertex-ai/generative-ai/pricing",
    ),
    # Bedrock's batch has no prompt cache, so the rule speaks of plain tokens only.
    Ratio(
        "aws",
        r".*",
        "batch",
        "standard",
        Fraction(1, 2),
        "https://docs.aws.amazon.com/bedrock/latest/userguide/capacity-limits-cost-optimization.html",
        only=("uncached_input_tokens", "output_tokens", "reasoning_output_tokens"),
    ),
    Ratio(
        "anthropic",
        r"claude-opus-4-[67]",
        "standard",
        "fast",
        Fraction(6),
        "https://platform.claude.com/docs/en/build-with-claude/fast-mode",
    ),
)

GEO_RATIO = Fraction(11, 10)
GEO_SOURCE = "https://platform.claude.com/docs/en/build-with-claude/data-residency"
_BEFORE_OPUS_4_6 = re.compile(
    r"claude-(v?[123]\b.*|instant.*|opus-4-[015]|sonnet-4-[05]|haiku-4-5)",
)


def geo_surcharge(provider_id: str, model_id: str) -> str | None:
    """`us` where running there costs 1.1 times as much, on every token class: Claude from Opus 4.6.

    https://platform.claude.com/docs/en/build-with-claude/data-residency
    """
    known = provider_id == "anthropic" and not _BEFORE_OPUS_4_6.fullmatch(model_id)
    return "us" if known else None


PEAK_SINCE = {
    ("deepseek", "deepseek-v4-pro"): date(2026, 8, 17),
    ("deepseek", "deepseek-v4-flash"): date(2026, 8, 17),
}
"""Models whose peak hours began on a day that the catalogue says in a comment only, so that its own
prices apply them to the time before too: https://github.com/pydantic/genai-prices/issues/582."""
