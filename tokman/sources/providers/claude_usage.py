"""Anthropic's `usage` object: its classes are disjoint already, its traps are here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Count
from tokman.usage import Usage

EXTRA_ITERATIONS = frozenset({"compaction", "advisor_message"})
"""Sampling calls that the top-level counts leave out, billed on top of them:
https://platform.claude.com/docs/en/build-with-claude/compaction"""


class CacheCreation(msgspec.Struct, gc=False):
    """Cache writes by lifetime."""

    ephemeral_5m_input_tokens: Count = 0
    ephemeral_1h_input_tokens: Count = 0


class ServerTools(msgspec.Struct, gc=False):
    """Tools that run at the provider; searches are billed by the request."""

    web_search_requests: Count | None = 0


class OutputDetails(msgspec.Struct, gc=False):
    """The part of the output that was thinking."""

    thinking_tokens: Count | None = None


class ClaudeUsage(msgspec.Struct, gc=False):
    """`usage` as the Messages API states it: `input_tokens` excludes everything cached."""

    input_tokens: Count | None = 0
    output_tokens: Count = 0
    cache_creation_input_tokens: Count | None = 0
    cache_read_input_tokens: Count | None = 0
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None
    server_tool_use: ServerTools | None = None
    service_tier: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    iterations: list[Iteration] | None = None

    def check(self) -> None:
        """BadRecord where a part exceeds its whole."""
        cache_writes(self)
        thinking = self.output_tokens_details and self.output_tokens_details.thinking_tokens
        if thinking and thinking > self.output_tokens:
            raise BadRecord(f"thinking_tokens {thinking} exceed output_tokens {self.output_tokens}")


class Iteration(ClaudeUsage, gc=False):
    """One sampling call inside a request."""

    type: str | None = None
    model: str | None = None


def cache_writes(usage: ClaudeUsage) -> tuple[int, int]:
    """Tokens written for 5 minutes and for an hour.

    The breakdown may cover only the first sampling iteration: what the total has beyond it is
    billed too, at the default lifetime (https://github.com/BerriAI/litellm/issues/42663).
    """
    total = usage.cache_creation_input_tokens or 0
    split = usage.cache_creation
    if split is None:
        return total, 0
    short, long = split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens
    if not total:
        return short, long
    if short + long > total:
        raise BadRecord(
            f"cache_creation ({short} + {long}) exceeds cache_creation_input_tokens ({total})"
        )
    return total - long, long


def count(usage: Usage, stated: ClaudeUsage) -> None:
    """Write the disjoint token classes, fees and price dimensions of one `usage` object to a new
    row. Field by field, which takes half the time of so many named arguments."""
    usage.uncached_input_tokens = stated.input_tokens or 0
    usage.cache_read_input_tokens = stated.cache_read_input_tokens or 0
    short, long = cache_writes(stated)
    usage.cache_write_5m_input_tokens, usage.cache_write_1h_input_tokens = short, long
    usage.output_tokens = stated.output_tokens
    if stated.output_tokens_details:
        usage.reasoning_output_tokens = stated.output_tokens_details.thinking_tokens or 0
    if stated.server_tool_use:
        usage.web_search_requests = stated.server_tool_use.web_search_requests or 0
    if stated.service_tier != "standard":
        usage.service_tier = stated.service_tier
    if stated.speed == "fast":
        usage.speed = "fast"
    if stated.inference_geo not in ("", "not_available"):
        usage.inference_geo = stated.inference_geo


def extra_calls(usage: ClaudeUsage) -> Sequence[Iteration]:
    """Each iteration that the top-level counts leave out; it ran at the tier of the whole."""
    if not usage.iterations:
        return ()
    extra = [each for each in usage.iterations if each.type in EXTRA_ITERATIONS]
    for each in extra:
        each.service_tier = usage.service_tier
    return extra


@lru_cache(maxsize=1000)
def provider_of(model: str | None) -> str | None:
    """Who bills a Claude model id: Bedrock and Vertex spell it in their own ways."""
    if not model:
        return None
    if "anthropic." in model:
        return "aws.bedrock"
    if model.startswith("claude") and "@" in model:
        return "gcp.vertex_ai"
    return "anthropic" if model.startswith("claude") else None
