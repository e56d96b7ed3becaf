"""OpenAI's `usage` object in its spellings, converted to disjoint classes."""

from __future__ import annotations

from typing import Any

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Count
from tokman.sources.classes import split_input, split_output
from tokman.sources.facts import pico
from tokman.usage import Usage

_TICK = 100
"""xAI counts money in ticks of 1e-10 USD: USD_PER_TICK in https://pypi.org/project/xai-sdk/."""


class Cached(msgspec.Struct, gc=False):
    """Cached tokens by modality."""

    audio_tokens: Count | None = 0


class Lifetimes(msgspec.Struct, gc=False):
    """Cache writes by lifetime; the longer one is sold dearer."""

    ttl_12h_tokens: Count | None = 0


class Parts(msgspec.Struct, gc=False):
    """Parts of the input or the output."""

    cached_tokens: Count | None = 0
    cached_tokens_details: Cached | None = None
    cache_write_tokens: Count | None = 0
    cache_write_tokens_details: Lifetimes | None = None
    audio_tokens: Count | None = 0
    image_tokens: Count | None = 0
    reasoning_tokens: Count | None = 0


class Tools(msgspec.Struct, gc=False):
    """OpenRouter's count of tools it ran."""

    web_search_requests: Count | None = 0


class XaiTools(msgspec.Struct, gc=False):
    """xAI's count of the calls of its own tools that succeeded, which are those it bills:
    https://docs.x.ai/developers/tools/tool-usage-details"""

    web_search_calls: Count | None = 0
    file_search_calls: Count | None = 0


class Tokens(msgspec.Struct, gc=False):
    """`usage` in its spellings: chat and embeddings, responses and images, realtime."""

    prompt_tokens: Count | None = None
    input_tokens: Count | None = None
    completion_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: Parts | None = None
    input_tokens_details: Parts | None = None
    input_token_details: Parts | None = None
    completion_tokens_details: Parts | None = None
    output_tokens_details: Parts | None = None
    output_token_details: Parts | None = None
    prompt_cache_hit_tokens: Count | None = None
    prompt_cache_miss_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    cached_prompt_text_tokens: Count | None = None
    prompt_image_tokens: Count | None = None
    num_cached_tokens: Count | None = None
    cached_tokens: Count | None = None
    server_tool_use: Tools | None = None
    server_tool_use_details: Tools | None = None
    server_side_tool_usage_details: XaiTools | None = None
    queue_time: float | None = None
    prompt_time: float | None = None
    total_time: float | None = None
    cost: Any = None
    cost_in_usd_ticks: Count | None = None
    is_byok: bool | None = None
    cost_details: dict[str, Any] | None = None


_NONE = Parts()


def count(usage: Usage, tokens: Tokens) -> None:
    """Disjoint classes: the input includes what was read from and written to the cache.

    https://platform.openai.com/docs/api-reference/chat/object: so it is at every provider that
    speaks this API, and reasoning is inside the completion at all of them but xAI.
    """
    prompt = tokens.prompt_tokens if tokens.prompt_tokens is not None else tokens.input_tokens
    if prompt is None:
        raise BadRecord("usage: neither prompt_tokens nor input_tokens")
    made = tokens.completion_tokens
    made = (made if made is not None else tokens.output_tokens) or 0
    given = tokens.prompt_tokens_details or tokens.input_tokens_details
    given = given or tokens.input_token_details or _NONE
    out = tokens.completion_tokens_details or tokens.output_tokens_details
    out = out or tokens.output_token_details or _NONE
    reasoning, total = out.reasoning_tokens or tokens.reasoning_tokens or 0, tokens.total_tokens
    if total is None and usage.provider_name == "x_ai":
        made += reasoning
    elif total is not None and total != prompt + made:
        if total == prompt + made + reasoning:
            made += reasoning
        elif total > prompt + made and "gemini" in (usage.response_model or "") and not reasoning:
            # Gemini behind OpenAI's API: thoughts are billed but stand in the total alone,
            # https://github.com/mozilla-ai/any-llm/issues/1290
            reasoning, made = total - prompt - made, total - prompt
        else:
            raise BadRecord(f"total_tokens ({total}) is not the sum of {prompt} and {made}")
    cached, lasting = given.cached_tokens_details, given.cache_write_tokens_details
    split_input(
        usage,
        prompt,
        "prompt_tokens" if tokens.prompt_tokens is not None else "input_tokens",
        read=_read(tokens, given, prompt),
        written=given.cache_write_tokens or 0,
        written_1h=(lasting.ttl_12h_tokens or 0) if lasting else 0,
        audio=given.audio_tokens or 0,
        image=given.image_tokens or tokens.prompt_image_tokens or 0,
        read_audio=(cached.audio_tokens or 0) if cached else 0,
    )
    image = out.image_tokens or 0
    if usage.operation_name == "image_generation" and out is _NONE:
        image = made
    split_output(
        usage,
        made,
        "completion_tokens" if tokens.completion_tokens is not None else "output_tokens",
        reasoning=reasoning,
        audio=out.audio_tokens or 0,
        image=image,
    )
    tools = tokens.server_tool_use or tokens.server_tool_use_details
    usage.web_search_requests += (tools.web_search_requests or 0) if tools else 0
    if tokens.server_side_tool_usage_details:
        usage.web_search_requests = tokens.server_side_tool_usage_details.web_search_calls or 0
        usage.file_search_requests = tokens.server_side_tool_usage_details.file_search_calls or 0
    _times(usage, tokens)
    _cost(usage, tokens)


def _read(tokens: Tokens, given: Parts, prompt: int) -> int:
    """Tokens read from the cache, in the spelling of OpenAI, DeepSeek, Mistral, Together or xAI."""
    hit, missed = tokens.prompt_cache_hit_tokens, tokens.prompt_cache_miss_tokens
    if hit is not None and missed is not None and hit + missed != prompt:
        # https://api-docs.deepseek.com/guides/kv_cache
        raise BadRecord(f"prompt_tokens ({prompt}): not the sum of hits {hit} and misses {missed}")
    spelled = (given.cached_tokens, hit, tokens.num_cached_tokens, tokens.cached_tokens)
    return next(filter(None, (*spelled, tokens.cached_prompt_text_tokens)), 0)


def _times(usage: Usage, tokens: Tokens) -> None:
    """Groq states its seconds: https://console.groq.com/docs/api-reference#chat-create."""
    waited, read, total = tokens.queue_time or 0.0, tokens.prompt_time, tokens.total_time
    if total is None or not 0 <= waited + total < 1e6:
        return
    if usage.duration_ms is None:
        usage.duration_ms = round((waited + total) * 1000)
    if usage.time_to_first_token_ms is None and read is not None and 0 <= read <= total:
        usage.time_to_first_token_ms = round((waited + read) * 1000)


def _cost(usage: Usage, tokens: Tokens) -> None:
    """OpenRouter states what it took, and with the user's own key what the provider took."""
    if tokens.cost is not None:
        usage.billed_cost = pico(tokens.cost, "cost")
    if tokens.is_byok and usage.billed_cost is not None and tokens.cost_details:
        upstream = pico(tokens.cost_details.get("upstream_inference_cost"), "cost_details")
        usage.billed_cost += upstream or 0
    if usage.billed_cost is None and tokens.cost_in_usd_ticks is not None:
        usage.billed_cost = tokens.cost_in_usd_ticks * _TICK
