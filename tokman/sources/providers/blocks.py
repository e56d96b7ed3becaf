"""The shape of a call without its words: keyed hashes of prompt blocks, answer and tool calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal

from tokman.sources.base import Context
from tokman.sources.facts import word
from tokman.sources.form import MEDIA_BYTES, clean, encode, is_cut, is_media, listed, parts_of
from tokman.sources.providers.answer import outputs, texts, tool_calls
from tokman.sources.providers.envelope import Json
from tokman.sources.providers.steady import steady
from tokman.sources.providers.tools import OFFERS, TURNS, hear, offer
from tokman.sources.tool_use import note_calls, tool_call
from tokman.usage import Usage

_SYSTEM = ("system", "instructions", "systemInstruction", "system_instruction")
_ASIDE = frozenset(
    (
        *(*OFFERS, *_SYSTEM, *TURNS, "cachedContent", "labels", "cache_control", "store"),
        *("stream", "stream_options", "metadata", "user", "safety_identifier", "service_tier"),
        *("prompt_cache_key", "prompt_cache_retention", "extra_headers", "timeout"),
    )
)
"""Fields that cannot change the answer, or that the blocks cover already."""

_SETTINGS = (
    *("generationConfig", "generation_config", "config", "reasoning", "output_config"),
    *("response_format", "output_format", "text"),
)

_INSIDE = frozenset(("role", "content", "parts", "tool_calls", "cache_control", "id", "status"))

_MOST_TOKENS = ("max_completion_tokens", "max_output_tokens", "max_tokens", "maxTokens")
_MOST_TOKENS_GOOGLE = ("maxOutputTokens", "max_output_tokens")
_CHOICES_GOOGLE = ("candidateCount", "candidate_count")

_ASKED = frozenset((*_SETTINGS, *_MOST_TOKENS, "temperature", "reasoning_effort", "tools", "n"))

Where = Literal["tools", "system", "turns"]


def fill(
    usage: Usage, context: Context, request: Json | None, response: Any, *, whole: bool = True
) -> None:
    """Write the hashes and settings of a request and its answer into the usage.

    Content in a form that no provider takes has no hashes; its usage counts all the same. Of a
    request that may not be `whole` neither settings nor a hash of all of it are known.
    """
    with suppress(AttributeError, TypeError, RecursionError):
        if request:
            if whole:
                settings(usage, request)
            hear(usage, context, request)
            _prompt(usage, context, request)
            if not whole:
                usage.request_hash = None
    with suppress(AttributeError, TypeError, RecursionError):
        _answer(usage, context, response)


def _answer(usage: Usage, context: Context, response: Any) -> None:
    found = list(outputs(response))
    calls = [(name, given, encode(given)) for name, given in tool_calls(found)]
    parts = [*texts(found), *(b"[%b,%b]" % (encode(name), written) for name, _, written in calls)]
    if parts and not any(map(is_cut, parts)):
        usage.response_hash = context.hash(*parts)
        usage.output_bytes = sum(map(len, parts))
        note_calls(usage, [tool_call(context, *call) for call in calls])


def _prompt(usage: Usage, context: Context, request: Json) -> None:
    hashes: list[int] = []
    sizes: list[int] = []
    count = {"tools": 0, "system": 0, "turns": 0}
    last = still = 0
    for where, kind, block in _blocks(request):
        content = encode(block)
        if is_cut(content):
            return
        last = context.hash(last.to_bytes(8, "little", signed=True), kind.encode(), content)
        hashes.append(last)
        sizes.append(MEDIA_BYTES if is_media(block) else len(content))
        count[where] += 1
        if where != "turns":
            still = steady(context, last, still, kind, content)
    if hashes:
        rest = {k: v for k, v in request.items() if k not in _ASIDE and v is not None}
        usage.request_hash = context.hash(last.to_bytes(8, "little", signed=True), encode(rest))
        usage.block_hashes, usage.block_sizes = hashes, sizes
        usage.tool_blocks, usage.system_blocks = count["tools"], count["system"]
        usage.steady_hash = still or None
    if count["tools"]:
        made = offer(context, hashes[count["tools"] - 1], request)
        usage.tools_offered, usage.tools_offered_bytes = made.names, made.sizes
        usage.tools_hash = made.digest


def prompt_texts(request: Json) -> list[str]:
    """Every block of the prompt as the text it counts for; media have none."""
    kept = (block for _, _, block in _blocks(request) if not is_media(block))
    return [b if isinstance(b, str) else encode(b).decode("utf-8", "replace") for b in kept]


def _blocks(request: Json) -> Iterator[tuple[Where, str, Any]]:
    """Tools, system parts and message parts, in the order in which providers cache them.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching: tools, system, messages.
    Messages of the system that come first are the system prompt too, as OpenAI's API has it.
    """
    for key in OFFERS:
        for tool in listed(request.get(key)):
            yield "tools", "tool", clean(tool)
    for key in _SYSTEM:
        for part in parts_of(request.get(key)):
            yield "system", "system", clean(part)
    where: Where = "system"
    for key in TURNS:
        value = request.get(key)
        for message in [value] if isinstance(value, str) else listed(value):
            for role, part in _message(message):
                if role not in ("system", "developer"):
                    where = "turns"
                yield where, role, part


def _message(message: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(message, dict):
        yield "user", clean(message)
        return
    role = str(message.get("role") or message.get("type") or "user")
    outside = {
        key: message[key] for key in message if key not in _INSIDE and message[key] is not None
    }
    parts = parts_of(message.get("content") or message.get("parts"))
    if "tool_calls" in message:
        parts = [*parts, *listed(message["tool_calls"])]
    if outside.get("type") == "message":
        del outside["type"]
    if outside or not parts:
        yield role, outside
    for part in parts:
        yield role, clean(part)


def settings(usage: Usage, request: Json) -> None:
    """Temperature, effort, streaming, structure and limits, as a request states them."""
    if isinstance(request.get("stream"), bool):
        usage.stream = request["stream"]
    if _ASKED.isdisjoint(request):
        usage.structured_output = False
        return
    nested = {k: v if isinstance(v := request.get(k), dict) else {} for k in _SETTINGS}
    google = nested["generationConfig"] or nested["generation_config"] or nested["config"]
    temperature = request.get("temperature", google.get("temperature"))
    if isinstance(temperature, int | float) and not isinstance(temperature, bool):
        usage.temperature = float(temperature)
    thinking = google.get("thinkingConfig") or google.get("thinking_config") or {}
    effort = (
        request.get("reasoning_effort")
        or nested["reasoning"].get("effort")
        or nested["output_config"].get("effort")
        or (thinking.get("thinkingLevel") if isinstance(thinking, dict) else None)
    )
    usage.reasoning_effort = word(effort)
    usage.max_output_tokens = _first(request, _MOST_TOKENS) or _first(google, _MOST_TOKENS_GOOGLE)
    asked = _first(request, ("n",)) or _first(google, _CHOICES_GOOGLE)
    usage.choices = asked if asked != 1 else None
    forms = (
        nested["response_format"],
        nested["output_format"],
        nested["text"].get("format"),
        nested["output_config"].get("format"),
    )
    usage.structured_output = (
        any(isinstance(f, dict) and f.get("type") == "json_schema" for f in forms)
        or any(google.get(k) for k in ("responseSchema", "responseJsonSchema", "response_schema"))
        or any(_strict(tool) for tool in listed(request.get("tools")))
    )


def _first(settings: Json, names: tuple[str, ...]) -> int | None:
    """The first of the names that holds a number of one or more."""
    stated = (settings.get(name) for name in names)
    return next((n for n in stated if type(n) is int and 0 < n < 10**12), None)


def _strict(tool: Any) -> bool:
    if not isinstance(tool, dict):
        return False
    function = tool.get("function")
    return tool.get("strict") is True or (
        isinstance(function, dict) and function.get("strict") is True
    )
