"""What is read of a LiteLLM record (typed: the rest is skipped undecoded), and its counts.

Fields: https://github.com/BerriAI/litellm/blob/main/litellm/proxy/schema.prisma and
https://docs.litellm.ai/docs/proxy/logging_spec.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Count
from tokman.sources.classes import split_input, split_output
from tokman.sources.facts import STANDARD_TIERS, word
from tokman.usage import Usage

PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_text": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "cohere_chat": "cohere",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "text-completion-openai": "openai",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
OPERATIONS = {
    "text_completion": "text_completion",
    "embedding": "embeddings",
    "generate_content": "generate_content",
    "image_generation": "image_generation",
    "transcription": "transcription",
    "speech": "speech",
    "rerank": "rerank",
}


class Split(msgspec.Struct, gc=False):
    """Cache writes by lifetime."""

    ephemeral_5m_input_tokens: Count | None = 0
    ephemeral_1h_input_tokens: Count | None = 0


class Details(msgspec.Struct, gc=False):
    """Parts of the prompt's or the completion's tokens."""

    cached_tokens: Count | None = 0
    cache_creation_tokens: Count | None = 0
    cache_write_tokens: Count | None = 0
    cache_creation_token_details: Split | None = None
    audio_tokens: Count | None = 0
    image_tokens: Count | None = 0
    reasoning_tokens: Count | None = 0
    web_search_requests: Count | None = 0


class Tools(msgspec.Struct, gc=False):
    """Tools that the provider ran itself."""

    web_search_requests: Count | None = 0


class Counts(msgspec.Struct, gc=False):
    """`usage_object`, or what `additional_usage_values` repeats of it."""

    prompt_tokens_details: Details | None = None
    input_tokens_details: Details | None = None
    completion_tokens_details: Details | None = None
    output_tokens_details: Details | None = None
    cache_read_input_tokens: Count | None = 0
    cache_creation_input_tokens: Count | None = 0
    cache_creation: Split | None = None
    server_tool_use: Tools | None = None
    service_tier: str | None = None
    inference_geo: str | None = None
    speed: str | None = None


class Failure(msgspec.Struct, gc=False):
    """Why a call failed; the message and traceback are not read."""

    error_code: Any = None
    error_class: Any = None


class Breakdown(msgspec.Struct, gc=False):
    """What the cost was computed with."""

    service_tier: str | None = None


class Metadata(msgspec.Struct, gc=False):
    """The fields of SpendLogsMetadata and StandardLoggingMetadata that are read."""

    usage_object: Counts | None = None
    additional_usage_values: Counts | None = None
    user_api_key_hash: str | None = None
    user_api_key_alias: str | None = None
    user_api_key_team_id: str | None = None
    user_api_key_team_alias: str | None = None
    user_api_key_project_id: str | None = None
    user_api_key_project_alias: str | None = None
    user_api_key_user_id: str | None = None
    user_api_key_user_email: str | None = None
    spend_logs_metadata: Any = None
    requester_metadata: Any = None
    error_information: Failure | None = None
    cost_breakdown: Breakdown | None = None
    attempted_retries: Count | None = None
    batch_models: Any = None


class Row(msgspec.Struct, gc=False):
    """The fields of both forms that are read; the rest of a record is skipped undecoded."""

    request_id: str | None = None
    id: str | None = None
    call_type: str | None = None
    api_key: str | None = None
    spend: Decimal | None = None
    response_cost: Decimal | None = None
    zero_cost_diagnostic: Any = None
    total_tokens: Count | None = None
    prompt_tokens: Count | None = 0
    completion_tokens: Count | None = 0
    startTime: str | float | None = None
    endTime: str | float | None = None
    completionStartTime: str | float | None = None
    request_duration_ms: Count | None = None
    model: str | None = None
    model_group: str | None = None
    custom_llm_provider: str | None = None
    user: str | None = None
    end_user: str | None = None
    team_id: str | None = None
    metadata: Metadata | str | None = None
    cache_hit: str | bool | None = None
    request_tags: list[str] | str | dict[str, Any] | None = None
    session_id: str | None = None
    trace_id: str | None = None
    status: str | None = None
    stream: bool | None = None
    cost_breakdown: Breakdown | None = None
    error_information: Failure | None = None
    messages: Any = None
    response: Any = None
    proxy_server_request: Any = None
    model_parameters: Any = None
    users: Any = None
    models: Any = None


_NO_COUNTS, _NO_DETAILS = Counts(), Details()


def count(usage: Usage, row: Row, meta: Metadata) -> None:
    """Disjoint classes: `prompt_tokens` includes cache reads and writes, whatever the provider.

    https://github.com/BerriAI/litellm/blob/main/litellm/llms/anthropic/chat/transformation.py
    """
    prompt, completion = row.prompt_tokens or 0, row.completion_tokens or 0
    if row.total_tokens is not None and row.total_tokens != prompt + completion:
        raise BadRecord(
            f"total_tokens ({row.total_tokens}) is not "
            f"prompt_tokens ({prompt}) + completion_tokens ({completion})"
        )
    usage.uncached_input_tokens, usage.output_tokens = prompt, completion
    if counts := meta.usage_object or meta.additional_usage_values:
        _split(usage, counts, meta.additional_usage_values or _NO_COUNTS)
    breakdown = row.cost_breakdown or meta.cost_breakdown
    if breakdown is not None and breakdown.service_tier not in STANDARD_TIERS:
        usage.service_tier = word(breakdown.service_tier)


def _split(usage: Usage, counts: Counts, more: Counts) -> None:
    """Take the stated parts out of the prompt and the completion."""
    given = counts.prompt_tokens_details or counts.input_tokens_details
    given = given or more.prompt_tokens_details or _NO_DETAILS
    made = counts.completion_tokens_details or counts.output_tokens_details
    made = made or more.completion_tokens_details or _NO_DETAILS
    read = given.cached_tokens or counts.cache_read_input_tokens or more.cache_read_input_tokens
    written = given.cache_creation_tokens or given.cache_write_tokens
    written = written or counts.cache_creation_input_tokens or more.cache_creation_input_tokens
    written, long = written or 0, 0
    if lifetimes := given.cache_creation_token_details or counts.cache_creation:
        long = lifetimes.ephemeral_1h_input_tokens or 0
        stated = long + (lifetimes.ephemeral_5m_input_tokens or 0)
        if stated > written and written:
            raise BadRecord(f"cache_creation_token_details ({stated}) exceed {written} written")
        written = written or stated
    if read or written or given.audio_tokens or given.image_tokens:
        split_input(
            usage,
            usage.uncached_input_tokens,
            "prompt_tokens",
            read=read or 0,
            written=written,
            written_1h=long,
            audio=given.audio_tokens or 0,
            image=given.image_tokens or 0,
        )
    if made is not _NO_DETAILS:
        split_output(
            usage,
            usage.output_tokens,
            "completion_tokens",
            reasoning=made.reasoning_tokens or 0,
            audio=made.audio_tokens or 0,
            image=made.image_tokens or 0,
        )
    tools = counts.server_tool_use
    usage.web_search_requests = (tools and tools.web_search_requests) or (
        given.web_search_requests or 0
    )
    if counts.service_tier not in STANDARD_TIERS:
        usage.service_tier = word(counts.service_tier)
    usage.speed = "fast" if counts.speed == "fast" else None
    if counts.inference_geo not in (None, "", "not_available"):
        usage.inference_geo = word(counts.inference_geo)
