"""Which model of the catalogue a log means by its provider's and model's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot

LONGEST_NAME = 300
"""No catalogue name is longer; a longer text is not looked up at all."""


class Match(NamedTuple):
    """A model of the card, and who sold the call (Azure sells OpenAI's models, and so on)."""

    provider_id: str
    model_id: str
    seller: str


PROVIDERS = {
    # OpenTelemetry: https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
    "x_ai": "x-ai",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    # LiteLLM: https://docs.litellm.ai/docs/providers
    "xai": "x-ai",
    "gemini": "google",
    "together_ai": "together",
    "togetherai": "together",
    "fireworks_ai": "fireworks",
    "moonshot": "moonshotai",
    "voyage": "voyageai",
    "z_ai": "zai",
    "github_copilot": "github-copilot",
    "deepseek_ai": "deepseek",
    "perplexity_ai": "perplexity",
    "sagemaker_chat": "sagemaker",
}
_FAMILIES = {
    # A cloud's name before the maker's: `vertex_ai-anthropic_models`, `azure_openai`.
    "azure": "azure",
    "az.ai.": "azure",
    "vertex": "google",
    "gcp.": "google",
    "bedrock": "aws",
    "amazon": "aws",
    "aws.": "aws",
}
GATEWAYS = {"", "litellm", "litellm_proxy", "portkey", "helicone", "langfuse", "unknown", "other"}
"""Names that say who logged the call, not who sold it."""
CLIENTS = {None, "openai", "anthropic", "azure"}
"""Sellers whose client libraries are pointed at other hosts, so that `anthropic/…` may be meant as
it reads; at a host of open models the same prefix names a maker, and its list is not the host's."""

_BEDROCK = re.compile(
    r"(arn:aws[\w-]*:bedrock:.*|((us|eu|apac|jp|au|ca|sa|global|us-gov)\.)?"
    r"(ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen|stability|writer|twelvelabs)"
    r"\.[\w.:-]+)"
)
_PATH = re.compile(r"^(?:projects/[^/]+/locations/[^/]+/)?publishers/([^/]+)/models/(.+)$")
_ROUTE = re.compile(r"^(?:converse(?:_like)?|invoke|[a-z]{2}(?:-[a-z]+)+-\d)/")
_NOTE = re.compile(r"\[[^\]]*\]$")


def find(snapshot: DataSnapshot, provider: str | None, model: str | None) -> Match | None:
    """The model meant, by the catalogue's own matching over the likely readings of the names."""
    if not model or len(model) > LONGEST_NAME or len(provider or "") > LONGEST_NAME:
        return None
    for seller, name in _readings(snapshot, provider, model.strip().lower()):
        try:
            found, info = snapshot.find_provider_model(name, None, seller, None)
        except LookupError:
            continue
        return Match(_owner(snapshot, found.id, info), info.id, found.id)
    return None


def provider_id(snapshot: DataSnapshot, name: str | None) -> str | None:
    """The catalogue's id of a provider, or None if it has no such provider."""
    from genai_prices.data_snapshot import find_provider_by_id

    plain = (name or "").strip().lower()
    for start, seller in _FAMILIES.items():
        if plain.startswith(start):
            return seller
    known = find_provider_by_id(snapshot.providers, PROVIDERS.get(plain, plain)) if plain else None
    return known.id if known else None


def _readings(
    snapshot: DataSnapshot, provider: str | None, model: str
) -> Iterator[tuple[str | None, str]]:
    """(provider, model) to try, likeliest first; provider None lets the model's name decide."""
    stated = provider_id(snapshot, provider)
    anonymous = stated is None and (provider or "").strip().lower() in GATEWAYS
    if stated is None and not anonymous:
        return
    for name in dict.fromkeys((model, _NOTE.sub("", model))):
        if stated:
            yield stated, name
        if _BEDROCK.fullmatch(name):
            yield "aws", name
        path = _PATH.match(name)
        if path:
            yield stated or "google", path[2]
            yield "google", path[2]
        if name.startswith("models/"):
            yield stated or "google", name.removeprefix("models/")
        head, slash, rest = name.partition("/")
        prefix = provider_id(snapshot, head) if slash else None
        if prefix and (prefix == stated or stated in CLIENTS):
            rest = _ROUTE.sub("", _ROUTE.sub("", rest))
            if stated:
                yield stated, rest
            yield prefix, rest
            inner, slash, last = rest.partition("/")
            if slash and provider_id(snapshot, inner) and prefix != "openrouter":
                yield provider_id(snapshot, inner), last
        if anonymous:
            yield None, name


def _owner(snapshot: DataSnapshot, seller: str, info: object) -> str:
    """Whose list the model is on: the seller's own, or the provider it falls back to."""
    for provider in snapshot.providers:
        if provider.id == seller and any(model is info for model in provider.models):
            return seller
    return next(p.id for p in snapshot.providers if any(model is info for model in p.models))
