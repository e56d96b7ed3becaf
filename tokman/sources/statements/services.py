"""Which lines of a bill are model inference, and by which provider in the ledger's words."""

from __future__ import annotations

import re
from functools import lru_cache

from tokman.sources.mapping.vocabulary import provider

_VERTEX_ID = "C7E2-9256-1C43"
"""Vertex AI's service id in every Google Cloud bill: https://cloud.google.com/skus"""

_CLOUDS = (
    ("aws", re.compile(r"\b(?:aws|amazon)\b")),
    ("azure", re.compile(r"\b(?:microsoft|azure)\b")),
    ("gcp", re.compile(r"\b(?:google|gcp)\b")),
)
_CLAUDE = re.compile(r"\bclaude (?:\d|opus|sonnet|haiku)", re.IGNORECASE)
_VENDORS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "mistral ai": "mistral_ai",
    "xai": "x_ai",
    "groq": "groq",
    "deepseek": "deepseek",
    "cohere": "cohere",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together ai": "together",
    "fireworks ai": "fireworks",
    "cerebras": "cerebras",
}
"""Who sells nothing but models, by the name on a bill."""

_LEGAL = re.compile(r",?\s+(?:inc|llc|pbc|ltd|limited|gmbh|opco|ireland|corporation)\b\.?")


@lru_cache(4096)
def sold_by(
    service: str | None, code: str | None, part: str | None, *parties: str | None
) -> tuple[bool, str | None]:
    """Whether a service is model inference, and the provider in the ledger's words if known.

    `code` and `part` are the provider's id of the service and its name for a part of it; `parties`
    are those the bill names: publisher, provider, host, issuer.
    """
    words = f"{service or ''} {part or ''}".lower()
    names = [name.lower() for name in parties if name]
    cloud = next((cloud for cloud, spelt in _CLOUDS if any(map(spelt.search, names))), None)
    coded = (code or "").lower()
    if "agentcore" not in words + coded and ("bedrock" in words or "bedrock" in coded):
        return True, "aws.bedrock"
    if "azure openai" in words or ("openai" in words and cloud == "azure"):
        return True, "azure.ai.openai"
    if "foundry models" in words:
        return True, "azure.ai.inference"
    if code == _VERTEX_ID or (service or "").lower() == "vertex ai":
        return True, "gcp.vertex_ai"
    if (service or "").lower() in ("gemini api", "generative language api"):
        return True, "gcp.gemini"
    if _CLAUDE.search(words) and cloud in ("gcp", "azure"):
        return True, "gcp.vertex_ai" if cloud == "gcp" else "azure.ai.inference"
    if cloud is None:
        for name in names:
            if known := _VENDORS.get(_LEGAL.sub("", name).strip()):
                return True, known
    if "generative ai" in words:
        return True, provider(parties[0]) if cloud is None and parties and parties[0] else None
    return False, None
