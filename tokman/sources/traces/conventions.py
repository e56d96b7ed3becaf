"""What a span is, and what its attributes say of a call, in every convention of names.py."""

from __future__ import annotations

from typing import Any

from tokman.errors import BadRecord
from tokman.sources.classes import split_input, split_output
from tokman.sources.facts import STANDARD_TIERS, pico, provider, short, word
from tokman.sources.traces.names import COUNTS, Facts
from tokman.sources.traces.tree import Kind
from tokman.usage import Usage

_CALLS = frozenset(
    (
        *("chat", "text_completion", "completion", "generate_content", "embeddings", "embedding"),
        *("rerank", "reranker", "llm", "image_generation", "response"),
    )
)
_SUMS = frozenset(
    (
        *("invoke_agent", "invoke_workflow", "create_agent", "agent_step", "plan", "retrieval"),
        *("agent", "chain", "workflow", "task", "retriever", "evaluator", "guardrail", "prompt"),
    )
)
_OPERATIONS = {
    "completion": "text_completion",
    "embedding": "embeddings",
    "llm": "chat",
    "response": "chat",
    "reranker": "rerank",
}
_PROVIDERS = {
    "az.ai.openai": "azure.ai.openai",
    "az.ai.inference": "azure.ai.inference",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "gcp.vertex.agent": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "vertexai": "gcp.vertex_ai",
    "vertex_ai": "gcp.vertex_ai",
    "xai": "x_ai",
}

_MOST = 10**15
_WORDS = (
    ("request_model", "request_model"),
    ("response_model", "response_model"),
    ("effort", "reasoning_effort"),
)
"""Facts that are columns as they are."""


def kind_of(facts: Facts) -> tuple[Kind, str]:
    """What a span is, and the operation it names; a span without a mark that counts is a call."""
    vercel = facts.get("vercel")
    if isinstance(vercel, str):
        if vercel.endswith((".doGenerate", ".doStream")):
            return "call", "chat"
        if vercel.endswith(".doEmbed"):
            return "call", "embeddings"
        return ("tool" if vercel == "ai.toolCall" else "sum"), vercel
    for what in ("operation", "span_kind", "request_type"):
        named = facts.get(what)
        if isinstance(named, str):
            name = named.lower()
            if name in ("execute_tool", "tool"):
                return "tool", name
            if name in _SUMS:
                return "sum", name
            if name in _CALLS:
                return "call", _OPERATIONS.get(name, name)
    if facts.get("tool"):
        return "tool", "tool"
    if not states_counts(facts):
        return "step", ""
    # pydantic-ai's `agent run` spans name an agent, count, and state no operation.
    is_agent = facts.get("agent") and not facts.get("request_model")
    operation = word(facts.get("operation"))
    return ("sum", "agent") if is_agent else ("call", operation or "chat")


def states_counts(facts: Facts) -> bool:
    """True where the span states tokens, right or wrong."""
    return facts.get("input", 0) not in (0, "0") or facts.get("output", 0) not in (0, "0")


def count(usage: Usage, facts: Facts) -> bool:
    """Fill the token classes; False where the span states none, or only zeros.

    Cached tokens are part of the input (the convention), unless they exceed it or the stated total
    is only reached by adding them: emitters of Anthropic's raw counts leave them out. Where both
    readings fit, the convention holds. Likewise reasoning is part of the output unless only the
    sum of both reaches the total.
    """
    n = {what: _count(facts[what], what) for what in COUNTS if what in facts}
    if not any(n.values()):
        return False
    of = n.get
    given, answered = stated = of("input", 0), of("output", 0)
    read, written = of("read", of("read_sdk", 0)), of("written", 0)
    total, reasoning = of("total"), of("reasoning", 0)
    if "input" not in n and "output" not in n:
        raise BadRecord(f"total tokens ({total}) without input or output tokens")
    if read + written > given or _excludes_cache(facts):
        given += read + written
    elif total is not None and total == given + answered + read + written:
        given = total - answered
    if reasoning and (reasoning > answered or total == given + answered + reasoning):
        answered += reasoning
    if total is not None and total not in (given + answered, stated[0] + answered, sum(stated)):
        raise BadRecord(f"total tokens ({total}): not input ({given}) + output ({answered})")
    split_input(
        *(usage, given, "input tokens"),
        read=read,
        written=written,
        audio=of("audio_in", 0),
        image=of("image_in", 0),
    )
    split_output(usage, answered, "output tokens", reasoning=reasoning, audio=of("audio_out", 0))
    return True


def _excludes_cache(facts: Facts) -> bool:
    """AI SDK 5 states Anthropic's input without its cached part; later ones tell the parts."""
    alone = "read_sdk" in facts and "read" not in facts
    return alone and "anthropic" in str(facts.get("provider"))


def _count(value: Any, what: str) -> int:
    if type(value) is str and len(value) < 16 and value.isdecimal():
        return int(value)
    try:
        number = int(value)
        if number == float(value) and 0 <= number <= _MOST and value is not True:
            return number
    except (ValueError, TypeError, OverflowError):
        pass
    raise BadRecord(f"{what} tokens: not a token count")


def describe(usage: Usage, facts: Facts) -> None:
    """Provider, models, tier, how it went and whom it was for."""
    usage.provider_name = provider_of(facts.get("provider")) or provider(
        str(facts.get("address") or "")
    )
    for fact, column in _WORDS:
        if fact in facts:
            setattr(usage, column, word(facts[fact]))
    if "tier" in facts and (tier := word(facts["tier"])) not in STANDARD_TIERS:
        usage.service_tier = tier
    if "finish" in facts:
        finish = facts["finish"]
        usage.finish_reason = word(finish[0] if isinstance(finish, list) and finish else finish)
    if "stream" in facts:
        usage.stream = facts["stream"] if isinstance(facts["stream"], bool) else None
    if "temperature" in facts:
        usage.temperature = number(facts["temperature"])
    seconds, millis = number(facts.get("first_seconds")), number(facts.get("first_ms"))
    if seconds is not None or millis is not None:
        wait = seconds * 1000 if seconds is not None else millis or 0.0
        usage.time_to_first_token_ms = round(wait) if 0 <= wait < 1e9 else None
    if "cost" in facts:
        usage.billed_cost = pico(facts["cost"])
    if isinstance(tags := facts.get("tags"), list):
        usage.tags = [tag for tag in map(short, tags[:50]) if tag] or None


def response_id(facts: Facts) -> str | None:
    """The provider's id of the response; that of an Assistants run names several."""
    given = word(facts.get("response_id"))
    if given is None or len(given) < 8 or given.startswith(("run_", "thread_")):
        return None
    return given


def error_of(facts: Facts) -> str:
    """The name of what went wrong; never its message."""
    return word(facts.get("error")) or "error"


def number(value: Any) -> float | None:
    """A plausible number; None for anything else."""
    if value is None or not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if -1e12 < value < 1e12 else None


def provider_of(name: Any) -> str | None:
    """The provider in OpenTelemetry's names; those of the AI SDK name an endpoint behind a dot."""
    plain = word(name)
    if plain is None:
        return None
    plain = plain.lower()
    if plain in _PROVIDERS:
        return _PROVIDERS[plain]
    head, _, tail = plain.partition(".")
    return head if tail in ("chat", "messages", "responses", "completion", "embedding") else plain
