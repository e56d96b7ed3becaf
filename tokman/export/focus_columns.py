"""The columns of a FOCUS export, in the specification's order, and the names it uses.

https://focus.finops.org/focus-specification/v1-2/ and /v1-4/. From 1.4 on who sells is named by
`ServiceProviderName` and `HostProviderName`; up to 1.2 by `ProviderName` and `PublisherName`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["amount", "time", "text"]

VERSIONS = ("1.2", "1.4")

SELLERS_BY_VERSION = {
    "1.2": ("ProviderName", "PublisherName"),
    "1.4": ("HostProviderName", "ServiceProviderName"),
}

AMOUNTS = frozenset(
    "BilledCost ConsumedQuantity ContractedCost EffectiveCost ListCost ListUnitPrice "
    "PricingQuantity".split()
)

TIMES = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")

_COLUMNS = (
    "BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd "
    "BillingPeriodStart ChargeCategory ChargeClass ChargeDescription ChargeFrequency "
    "ChargePeriodEnd ChargePeriodStart ConsumedQuantity ConsumedUnit ContractedCost EffectiveCost "
    "InvoiceId InvoiceIssuerName ListCost ListUnitPrice PricingCategory PricingQuantity "
    "PricingUnit ServiceCategory ServiceName ServiceSubcategory SkuId SkuMeter SkuPriceDetails "
    "SkuPriceId SubAccountId SubAccountName Tags"
).split()

OWN = ("x_LedgerProvider", "x_Model", "x_ServiceTier", "x_TokenType")
"""Columns beyond the specification, which come last: provider, model, tier and token class in the
ledger's words, by which `tokman ingest` reads an export back."""

METERS = {
    "uncached_input_tokens": "Input Tokens",
    "cache_read_input_tokens": "Cache Read Tokens",
    "cache_write_5m_input_tokens": "Cache Write Tokens",
    "cache_write_1h_input_tokens": "Cache Write 1h Tokens",
    "audio_input_tokens": "Audio Input Tokens",
    "cache_read_audio_input_tokens": "Cache Read Audio Tokens",
    "image_input_tokens": "Image Input Tokens",
    "output_tokens": "Output Tokens",
    "reasoning_output_tokens": "Reasoning Output Tokens",
    "audio_output_tokens": "Audio Output Tokens",
    "image_output_tokens": "Image Output Tokens",
    "web_search_requests": "Web Search Requests",
    "file_search_requests": "File Search Requests",
    "per_request": "Requests",
}
"""SkuMeter of each thing that has a price."""

_SERVICES = {
    "openai": ("OpenAI", "OpenAI API"),
    "anthropic": ("Anthropic", "Claude API"),
    "azure.ai.openai": ("Microsoft", "Azure OpenAI"),
    "azure.ai.inference": ("Microsoft", "Foundry Models"),
    "aws.bedrock": ("AWS", "Amazon Bedrock"),
    "gcp.vertex_ai": ("Google Cloud", "Vertex AI"),
    "gcp.gemini": ("Google", "Gemini API"),
    "mistral_ai": ("Mistral AI", "Mistral API"),
    "x_ai": ("xAI", "xAI API"),
    "groq": ("Groq", "Groq API"),
    "deepseek": ("DeepSeek", "DeepSeek API"),
    "cohere": ("Cohere", "Cohere API"),
    "openrouter": ("OpenRouter", "OpenRouter API"),
}


def columns(version: str) -> list[str]:
    """Every column of an export of that version: the specification's by name, then tokman's."""
    return [*sorted([*_COLUMNS, *SELLERS_BY_VERSION[version]]), *OWN]


def service(provider: str) -> tuple[str, str]:
    """Who sells, and the name of the service, for a provider in the ledger's words."""
    return _SERVICES.get(provider, (provider, f"{provider} API"))


def kind(column: str) -> Kind:
    """What a column holds."""
    return "amount" if column in AMOUNTS else "time" if column in TIMES else "text"


def arrow_schema(version: str) -> pa.Schema:
    """The columns in Arrow types: amounts to twelve places, times in UTC."""
    import pyarrow as pa

    types = {"amount": pa.decimal128(38, 12), "time": pa.timestamp("us", "UTC")}
    return pa.schema([(name, types.get(kind(name), pa.string())) for name in columns(version)])
