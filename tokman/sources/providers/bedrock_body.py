"""What the body of a Bedrock invocation says, in whichever vendor's shape it is."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from tokman.columns import LONGEST
from tokman.sources.base import Count
from tokman.sources.providers import anthropic, converse_body
from tokman.sources.providers.claude_usage import ClaudeUsage, cache_writes
from tokman.sources.providers.converse_usage import ConverseUsage
from tokman.sources.providers.envelope import Json

_METRICS = "amazon-bedrock-invocationMetrics"


class Metrics(msgspec.Struct, gc=False):
    """Bedrock's own counts in the last event of an InvokeModelWithResponseStream."""

    inputTokenCount: Count | None = None
    outputTokenCount: Count | None = None
    cacheReadInputTokenCount: Count | None = None
    cacheWriteInputTokenCount: Count | None = None
    invocationLatency: Count | None = None
    firstByteLatency: Count | None = None


class Said(NamedTuple):
    """The counts a body states, and what the log's own fields leave out."""

    uncached: int | None = None
    read: int | None = None
    written: int | None = None
    written_1h: int = 0
    output: int | None = None
    bedrocks_own: bool = False
    """Counted by Bedrock and not by the model's vendor: then they are the log's counts."""
    response_id: Any = None
    stop: Any = None
    tier: Any = None
    latency_ms: int | None = None
    first_byte_ms: int | None = None
    answer: Json | None = None
    """The generated text where the hashes look for it."""


def said(body: Any) -> Said:
    """Read a body: an object, or the list of events of a stream; nothing said by any other."""
    if isinstance(body, list):
        return _stream([event for event in body if isinstance(event, dict)])
    if not isinstance(body, dict):
        return Said()
    usage = body.get("usage")
    if isinstance(usage, dict) and "inputTokens" in usage:
        return _converse(body)
    if isinstance(usage, dict) and "input_tokens" in usage and body.get("type") == "message":
        return _claude(body)
    return _other(body)


def _stream(events: list[Json]) -> Said:
    metrics = Metrics()
    for event in events:
        if _METRICS in event:
            metrics = msgspec.convert(event[_METRICS], Metrics)
    if any("message" in event and event.get("type") == "message_start" for event in events):
        message = anthropic.folded(events)[0]
        found = _claude(message)
    elif any("contentBlockDelta" in event or "messageStop" in event for event in events):
        found = _converse(converse_body.folded(events)[0])
    else:
        found = _other(_joined(events))
    own = metrics.inputTokenCount is not None
    if own:
        found = found._replace(
            uncached=metrics.inputTokenCount,
            read=metrics.cacheReadInputTokenCount,
            written=metrics.cacheWriteInputTokenCount,
            output=metrics.outputTokenCount,
        )
    return found._replace(
        bedrocks_own=own or found.bedrocks_own,
        latency_ms=metrics.invocationLatency or found.latency_ms,
        first_byte_ms=metrics.firstByteLatency,
    )


def _claude(message: Json) -> Said:
    usage = msgspec.convert(message.get("usage") or {}, ClaudeUsage)
    short, long = cache_writes(usage)
    return Said(
        usage.input_tokens,
        usage.cache_read_input_tokens,
        short + long,
        long,
        usage.output_tokens,
        response_id=message.get("id"),
        stop=message.get("stop_reason"),
        answer=message,
    )


def _converse(body: Json) -> Said:
    usage = msgspec.convert(body.get("usage") or {}, ConverseUsage)
    usage.check()
    tier, metrics = body.get("serviceTier"), body.get("metrics")
    latency = metrics.get("latencyMs") if isinstance(metrics, dict) else None
    return Said(
        usage.inputTokens,
        usage.read,
        usage.written,
        usage.written_1h,
        usage.outputTokens,
        bedrocks_own=True,
        stop=body.get("stopReason"),
        tier=tier.get("type") if isinstance(tier, dict) else None,
        latency_ms=latency if type(latency) is int and 0 <= latency < LONGEST else None,
        answer=converse_body.plain_answer(body),
    )


class Vendors(msgspec.Struct, gc=False):
    """Llama, Titan, Mistral and Cohere, as
    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html shows them."""

    id: Any = None
    generation_id: Any = None
    stop_reason: Any = None
    finish_reason: Any = None
    completionReason: Any = None
    prompt_token_count: Count | None = None
    generation_token_count: Count | None = None
    inputTextTokenCount: Count | None = None
    totalOutputTextTokenCount: Count | None = None


def _other(body: Json) -> Said:
    stated = msgspec.convert(body, Vendors)
    parts = [p for k in ("results", "outputs", "generations", "choices") for p in _listed(body, k)]
    first = parts[0] if parts else {}
    made = stated.generation_token_count
    if made is None:
        made = stated.totalOutputTextTokenCount
    if made is None and "tokenCount" in first:
        made = msgspec.convert(sum(p.get("tokenCount") or 0 for p in parts), Count)
    asked = stated.prompt_token_count
    texts = [body.get("generation"), body.get("outputText"), body.get("text")]
    texts += [part.get("outputText") or part.get("text") for part in parts]
    stops = (stated.stop_reason, stated.finish_reason, stated.completionReason)
    stops += tuple(first.get(k) for k in ("completionReason", "stop_reason", "finish_reason"))
    return Said(
        uncached=stated.inputTextTokenCount if asked is None else asked,
        output=made,
        response_id=stated.id or stated.generation_id,
        stop=next((stop for stop in stops if stop), None),
        answer=body
        if "choices" in body
        else {"content": [{"type": "text", "text": t} for t in texts if isinstance(t, str)]},
    )


def _joined(events: list[Json]) -> Json:
    """The events of a stream without names: texts one after another, else the last word."""
    body: Json = {}
    for event in events:
        for key, value in event.items():
            if key in ("generation", "outputText", "text") and isinstance(value, str):
                body[key] = body.get(key, "") + value
            elif value is not None:
                body[key] = value
    return body


def _listed(body: Json, key: str) -> list[Json]:
    value = body.get(key)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
