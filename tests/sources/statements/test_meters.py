"""What names of meters and services say, and what they leave open."""

from __future__ import annotations

import pytest

from tokman.sources.statements.meters import counted, read
from tokman.sources.statements.moments import moment, proves_month_first
from tokman.sources.statements.services import sold_by

UNCACHED, OUTPUT = "uncached_input_tokens", "output_tokens"
READ, WRITTEN = "cache_read_input_tokens", "cache_write_5m_input_tokens"

LONGER = "cache_write_1h_input_tokens"

TELLING = {
    # https://docs.aws.amazon.com/bedrock/latest/userguide/cost-mgmt-understanding-cur-data.html
    "USE1-Claude4.6Sonnet-input-tokens": (UNCACHED, "claude-sonnet-4-6", None),
    "USE1-Claude4.6Sonnet-cache-read-input-token-count": (READ, "claude-sonnet-4-6", None),
    "USE1-Claude4Opus-cache-write-input-token-count": (WRITTEN, "claude-opus-4", None),
    "USE1-Nova2.0Lite-input-tokens-flex": (UNCACHED, None, "flex"),
    "USE1-gpt-oss-120b-output-tokens-priority": (OUTPUT, "gpt-oss-120b", "priority"),
    "USE1-Claude3.5Haiku-output-tokens-batch": (OUTPUT, "claude-3-5-haiku", "batch"),
    "Gemini 2.5 Flash GA Text Input - Predictions": (UNCACHED, "gemini-2.5-flash", None),
    "Gemini 2.5 Pro Thinking Text Output - Predictions (Long)": (OUTPUT, "gemini-2.5-pro", None),
    "Gemini 2.5 Flash Lite Input Text Caching": (READ, "gemini-2.5-flash-lite", None),
    "Gemini 2.5 Flash Live Audio Input": ("audio_input_tokens", None, None),
    "Gemini 2.5 Flash Image Output": ("image_output_tokens", None, None),
    "gpt 4o 0806 cached Inp glbl Tokens": (READ, None, None),
    "gpt-4o-mini-0718 Batch Outp glbl Tokens": (OUTPUT, None, "batch"),
    "GPT 5 Mini cchd Inpt Glbl 1M Tokens": (READ, None, None),
    "5.4 Batch cd inp Dz 1M Tokens": (READ, None, "batch"),
    "5.6 luna ShortCo Cd Wr Std Gl 1M Tokens": (WRITTEN, None, None),
    "5 pp opt Gl 1M Tokens": (OUTPUT, None, "priority"),
    "gpt rt aud 0828 Outp glbl Tokens": ("audio_output_tokens", None, None),
    "gpt rt aud 0828 cchd Inp glbl Tokens": ("cache_read_audio_input_tokens", None, None),
    "USE1-MP:USE1_InputTokenCount_Global-Units": (UNCACHED, None, None),
    "USE1-MP:USE1_CacheReadInputTokenCount-Units": (READ, None, None),
    "USE1-MP:USE1_CacheWrite1hInputTokenCount-Units": (LONGER, None, None),
    "USE1-MP:USE1_cache_write_tokens_1h_global_standard-Units": (LONGER, None, None),
    "USE1-MP:USE1_output_tokens_global_standard-Units": (OUTPUT, None, None),
    "Gemini 3.7 Flash Global Text Input - Predictions": (UNCACHED, "gemini-3.7-flash", None),
    "Cache Read Tokens": (READ, None, None),
    "cache_write_1h_input_tokens": ("cache_write_1h_input_tokens", None, None),
}
SILENT = (
    "Gemini 2.5 Flash Text Input Caching Storage",
    "Veo 3 Video Output",
    "USE1-ModelUnits-Provisioned-input-output",
    "Claude model customization input tokens training",
    "Guardrail content filter input text units search",
    "EC2 t3.medium",
    "USE1-MP:USE1_ReservedCapacityInputTokenCount-Units",
)


@pytest.mark.parametrize("name", TELLING)
def test_telling(name: str) -> None:
    meter = read(name)
    assert (meter.token_class, meter.model, meter.service_tier) == TELLING[name]


@pytest.mark.parametrize("name", SILENT)
def test_silent(name: str) -> None:
    assert read(name).token_class is None


@pytest.mark.parametrize(
    ("unit", "name", "count"),
    [
        *(("Tokens", OUTPUT, 1), ("1K tokens", OUTPUT, 1000), ("1000 Tokens", OUTPUT, 1000)),
        *(("1M Tokens", OUTPUT, 10**6), ("1,000,000 Tokens", OUTPUT, 10**6)),
        *(("Requests", "web_search_requests", 1), ("Requests", OUTPUT, None)),
        *(("Tokens", "web_search_requests", None), ("Tokens", None, None)),
        *(("0 Tokens", OUTPUT, None), ("Token Allocation", OUTPUT, None)),
        *(("Hours", OUTPUT, None), (None, OUTPUT, None), ("1K", OUTPUT, None)),
    ],
)
def test_units(unit: str | None, name: str | None, count: int | None) -> None:
    assert counted(unit, name) == count


@pytest.mark.parametrize(
    ("names", "sold"),
    [
        (("Amazon Bedrock", "AmazonBedrock", None, "AWS"), (True, "aws.bedrock")),
        (("Claude Opus 4 (Amazon Bedrock Edition)", None, None, "AWS"), (True, "aws.bedrock")),
        (("Azure OpenAI Service", None, None, "Microsoft"), (True, "azure.ai.openai")),
        (("Cognitive Services", None, "Azure OpenAI", "Microsoft"), (True, "azure.ai.openai")),
        (("Foundry Models", None, None, "Microsoft"), (True, "azure.ai.inference")),
        (("Vertex AI", None, None, "Google Cloud"), (True, "gcp.vertex_ai")),
        (("Gemini API", None, None, "Google Cloud"), (True, "gcp.gemini")),
        (("Claude Sonnet 4.5", None, None, "Anthropic", "Google"), (True, "gcp.vertex_ai")),
        (("API", None, None, "OpenAI, LLC"), (True, "openai")),
        (("Models", None, "Generative AI", "xAI"), (True, "x_ai")),
        (("Oracle models", None, "Generative AI", "OCI"), (True, "oci")),
        (("Amazon Bedrock AgentCore", None, None, "AWS"), (False, None)),
        (("Cognitive Services", None, "Speech", "Microsoft"), (False, None)),
        (("Claude Enterprise", None, None, "Anthropic", "AWS"), (False, None)),
        (("Vertex AI Search", None, None, "Google Cloud"), (False, None)),
        (("ACMECORP SERVICE", None, None, "ACMECORP"), (False, None)),
        ((None, None, None), (False, None)),
    ],
)
def test_services(names: tuple[str | None, ...], sold: tuple[bool, str | None]) -> None:
    assert sold_by(*names) == sold


@pytest.mark.parametrize(
    ("start", "end", "proven"),
    [
        *(("4/1/25", "5/1/25", True), ("09/01/2023", "09/30/2023", True)),
        *(("12/1/25", "1/1/26", True), ("1/4/25", "1/5/25", False), ("4/2/25", "5/2/25", False)),
        *(("5/1/25", "4/1/25", False), ("2025-04-01", "2025-05-01", False), (None, None, False)),
    ],
)
def test_american_dates_need_a_proof(start: str | None, end: str | None, proven: bool) -> None:
    assert proves_month_first(start, end) is proven


def test_moments() -> None:
    april = 1_743_465_600_000_000
    assert moment("4/1/25", "start", month_first=True) == april
    for spelt in ("2025-04-01", "2025-04-01T00:00:00", "2025-04-01 00:00:00 UTC", str(april)):
        assert moment(spelt, "start") == april
    assert moment(None, "start") is None
