"""The names gateways give to providers, in OpenTelemetry's words."""

from __future__ import annotations

from tokman.sources.facts import word

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "azureopenai": "azure.ai.openai",
    "azure-ai": "azure.ai.inference",
    "azure-ai-inference": "azure.ai.inference",
    "amazon": "aws.bedrock",
    "amazon-bedrock": "aws.bedrock",
    "aws": "aws.bedrock",
    "aws-bedrock": "aws.bedrock",
    "awsbedrock": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "google-ai": "gcp.gemini",
    "google-ai-studio": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "google-vertex-ai": "gcp.vertex_ai",
    "vertex": "gcp.vertex_ai",
    "vertex-ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistral-ai": "mistral_ai",
    "mistralai": "mistral_ai",
    "grok": "x_ai",
    "x-ai": "x_ai",
    "xai": "x_ai",
    "moonshot": "moonshot_ai",
    "moonshot-ai": "moonshot_ai",
    "moonshotai": "moonshot_ai",
    "fireworks-ai": "fireworks",
    "perplexity-ai": "perplexity",
    "together-ai": "together",
    "togetherai": "together",
    "watsonx": "ibm.watsonx.ai",
    "zhipu": "zai",
    "z-ai": "zai",
}


def provider(given: str) -> str | None:
    """The provider meant, else the name as it is; None for what cannot be a name."""
    plain = given.strip().lower()
    return _PROVIDERS.get(plain.replace("_", "-").replace(" ", "-")) or word(plain)
