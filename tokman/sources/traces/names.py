"""The names of the attributes that are read, of every convention, and of no text.

OpenTelemetry GenAI, current and older names:
https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md
OpenInference: https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
OpenLLMetry: https://github.com/traceloop/openllmetry/tree/main/packages/opentelemetry-semantic-conventions-ai
Vercel AI SDK: https://ai-sdk.dev/docs/ai-sdk-core/telemetry
Tests, pipelines and revisions: https://opentelemetry.io/docs/specs/semconv/registry/attributes/
(test, cicd, vcs); `tokman.case` and `tokman.run` go before them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Facts = dict[str, Any]
"""What the attributes of a span state, by the keys of COUNTS and NAMES."""

_GEN, _OPEN, _AI = "gen_ai.usage.", "llm.token_count.", "ai.usage."
COUNTS = {
    "input": (
        *(_GEN + "input_tokens", _GEN + "prompt_tokens", "llm.usage.prompt_tokens"),
        *(_OPEN + "prompt", _AI + "inputTokens", _AI + "promptTokens", _AI + "tokens"),
    ),
    "output": (
        *(_GEN + "output_tokens", _GEN + "completion_tokens", "llm.usage.completion_tokens"),
        *(_OPEN + "completion", _AI + "outputTokens", _AI + "completionTokens"),
    ),
    "total": (
        *(_GEN + "total_tokens", "llm.usage.total_tokens"),
        *(_OPEN + "total", _AI + "totalTokens"),
    ),
    "read": (
        *(_GEN + "cache_read.input_tokens", _GEN + "cache_read_input_tokens"),
        *(_GEN + "details.cache_read_tokens", _GEN + "details.cache_read_input_tokens"),
        *(_GEN + "details.cached_tokens", _OPEN + "prompt_details.cache_read"),
        _AI + "inputTokenDetails.cacheReadTokens",
    ),
    "read_sdk": (_AI + "cachedInputTokens",),
    "written": (
        *(_GEN + "cache_creation.input_tokens", _GEN + "cache_creation_input_tokens"),
        *(_GEN + "cache_write.input_tokens", _GEN + "details.cache_write_tokens"),
        *(_GEN + "details.cache_creation_input_tokens", _OPEN + "prompt_details.cache_write"),
        _AI + "inputTokenDetails.cacheWriteTokens",
    ),
    "reasoning": (
        *(_GEN + "reasoning.output_tokens", _GEN + "reasoning_tokens"),
        *(_GEN + "details.reasoning_tokens", "llm.usage.reasoning_tokens"),
        *(_OPEN + "completion_details.reasoning", _AI + "reasoningTokens"),
        _AI + "outputTokenDetails.reasoningTokens",
    ),
    "audio_in": (_GEN + "audio.input_tokens", _OPEN + "prompt_details.audio"),
    "audio_out": (_GEN + "audio.output_tokens", _OPEN + "completion_details.audio"),
    "image_in": (_GEN + "image.input_tokens",),
}
"""Where each count may stand, the current name first."""

NAMES = {
    "operation": ("gen_ai.operation.name",),
    "span_kind": ("openinference.span.kind", "traceloop.span.kind"),
    "request_type": ("llm.request.type",),
    "vercel": ("ai.operationId",),
    "tool": ("gen_ai.tool.name", "tool.name", "ai.toolCall.name"),
    "provider": (
        *("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
        *("ai.model.provider", "embedding.provider"),
    ),
    "request_model": (
        *("gen_ai.request.model", "llm.request.model_name", "llm.model_name"),
        *("embedding.model_name", "reranker.model_name", "ai.model.id"),
    ),
    "response_model": (*("gen_ai.response.model", "llm.response.model_name", "ai.response.model"),),
    "response_id": ("gen_ai.response.id", "ai.response.id"),
    "tier": (
        *("openai.response.service_tier", "gen_ai.openai.response.service_tier"),
        "aws.bedrock.response.service_tier",
    ),
    "finish": (
        *("gen_ai.response.finish_reasons", "llm.finish_reason", "ai.response.finishReason"),
        *("gen_ai.completion.0.finish_reason", "gen_ai.response.finish_reason"),
    ),
    "error": ("error.type", "exception.type"),
    "stream": ("gen_ai.request.stream", "llm.is_streaming", "gen_ai.request.is_stream"),
    "temperature": ("gen_ai.request.temperature", "ai.settings.temperature"),
    "effort": ("gen_ai.request.reasoning_effort", "gen_ai.openai.request.reasoning_effort"),
    "first_seconds": (
        *("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"),
    ),
    "first_ms": ("ai.response.msToFirstChunk",),
    "cost": ("llm.cost.total", "gen_ai.usage.cost", "operation.cost"),
    "workflow": ("gen_ai.workflow.name", "traceloop.workflow.name"),
    "agent": ("gen_ai.agent.name", "agent.name", "agent_name"),
    "user": (
        *("user.id", "enduser.id", "gen_ai.user", "llm.user", "langfuse.user.id"),
        *("traceloop.association.properties.user_id", "ai.telemetry.metadata.userId"),
    ),
    "session": (
        *("gen_ai.conversation.id", "session.id", "langfuse.session.id"),
        *("traceloop.association.properties.session_id", "ai.telemetry.metadata.sessionId"),
    ),
    "tags": ("tag.tags",),
    "case": ("tokman.case", "test.case.name"),
    "event": ("event.name",),
    "address": ("server.address",),
}

WANTED = {
    name: (fact, rank)
    for table in (COUNTS, NAMES)
    for fact, names in table.items()
    for rank, name in enumerate(names)
}
"""Every attribute that is read, none of which holds a text of a prompt or an answer: the fact it
states, and its rank where several of its names are there."""

RESOURCE = {
    "workflow": ("service.name",),
    "environment": ("deployment.environment.name", "deployment.environment"),
    "project": ("openinference.project.name", "service.namespace"),
    "case_id": ("tokman.case", "test.case.name"),
    "run_id": ("tokman.run", "cicd.pipeline.run.id"),
    "git_commit": ("vcs.ref.head.revision",),
    "git_branch": ("vcs.ref.head.name",),
}
"""The columns that the attributes of the resource that wrote the spans fill."""


def facts_of(attributes: Iterable[tuple[str, Any]]) -> Facts:
    """The facts, each by the first of its names that has a value."""
    facts: Facts = {}
    ranks: dict[str, int] = {}
    for name, value in attributes:
        if value is None or value == "":
            continue
        fact, rank = WANTED[name]
        if fact not in facts or rank < ranks[fact]:
            facts[fact], ranks[fact] = value, rank
    return facts
