"""The shape of a call without its words: keyed hashes of prompt blocks, answer and tool calls."""

from __future__ import annotations

from struct import Struct
from typing import Any

from tokman.sources.base import Context
from tokman.sources.facts import word
from tokman.sources.form import MEDIA_BYTES, clean, encode, is_cut, is_media, listed, parts_of
from tokman.sources.providers.answer import written
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

_GOOGLE = ("generationConfig", "generation_config", "config")
_FORMS = ("response_format", "output_format")
_SETTINGS = (*_GOOGLE, "reasoning", "output_config", *_FORMS, "text")

_INSIDE = frozenset(("role", "content", "parts", "tool_calls", "cache_control", "id", "status"))

_MOST_TOKENS = ("max_completion_tokens", "max_output_tokens", "max_tokens", "maxTokens")
_MOST_TOKENS_GOOGLE = ("maxOutputTokens", "max_output_tokens")
_CHOICES_GOOGLE = ("candidateCount", "candidate_count")
_SCHEMAS_GOOGLE = ("responseSchema", "responseJsonSchema", "response_schema")

_ASKED = frozenset((*_SETTINGS, *_MOST_TOKENS, "temperature", "reasoning_effort", "tools", "n"))

_PLAIN = frozenset(("role", "content"))
_SIGNED = Struct("<q").pack
_NOTHING: Json = {}
_NO_FORM = (AttributeError, TypeError, RecursionError)


def fill(
    usage: Usage, context: Context, request: Json | None, response: Any, *, whole: bool = True
) -> None:
    """Write the hashes and settings of a request and its answer into the usage.

    Content in a form that no provider takes has no hashes; its usage counts all the same. Of a
    request that may not be `whole` neither settings nor a hash of all of it are known.
    """
    if request:
        try:
            if whole:
                settings(usage, request)
            hear(usage, context, request)
            _prompt(usage, context, request)
            if not whole:
                usage.request_hash = None
        except _NO_FORM:
            pass
    try:
        _answer(usage, context, response)
    except _NO_FORM:
        return


def _answer(usage: Usage, context: Context, response: Any) -> None:
    parts, made = written(response)
    calls = [(name, given, encode(given)) for name, given in made]
    for name, _, arguments in calls:
        parts.append(b"[%b,%b]" % (encode(name), arguments))
    if parts and not is_cut(b"\n".join(parts)):
        usage.response_hash = context.hash(*parts)
        usage.output_bytes = sum(map(len, parts))
        if calls:
            note_calls(usage, [tool_call(context, *call) for call in calls])


def _prompt(usage: Usage, context: Context, request: Json) -> None:
    blocks, tools, system = _blocks(request)
    contents = [encode(block) for _, block in blocks]
    if is_cut(b"\n".join(contents)):
        return
    hashes: list[int] = []
    sizes: list[int] = []
    last = still = 0
    for (kind, block), content in zip(blocks, contents, strict=True):
        last = context.hash(_SIGNED(last), kind.encode(), content)
        if len(hashes) < tools + system:
            still = steady(context, last, still, kind, content)
        hashes.append(last)
        is_text = type(block) is str
        sizes.append(len(content) if is_text or not is_media(block) else MEDIA_BYTES)
    if hashes:
        rest = {k: v for k, v in request.items() if k not in _ASIDE and v is not None}
        usage.request_hash = context.hash(_SIGNED(last), encode(rest))
        usage.block_hashes, usage.block_sizes = hashes, sizes
        usage.tool_blocks, usage.system_blocks = tools, system
        usage.steady_hash = still or None
    if tools:
        made = offer(context, hashes[tools - 1], request)
        usage.tools_offered, usage.tools_offered_bytes = made.names, made.sizes
        usage.tools_hash = made.digest


def prompt_texts(request: Json) -> list[str]:
    """Every block of the prompt as the text it counts for; media have none."""
    kept = (block for _, block in _blocks(request)[0] if not is_media(block))
    return [b if isinstance(b, str) else encode(b).decode("utf-8", "replace") for b in kept]


def _blocks(request: Json) -> tuple[list[tuple[str, Any]], int, int]:
    """Tools, system parts and message parts, in the order in which providers cache them; how many
    are tools, and how many of those behind them are the system prompt's.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching: tools, system, messages.
    Messages of the system that come first are the system prompt too, as OpenAI's API has it.
    """
    blocks: list[tuple[str, Any]] = []
    for key in OFFERS:
        if key in request:
            blocks += [("tool", clean(tool)) for tool in listed(request[key])]
    tools = len(blocks)
    for key in _SYSTEM:
        if key in request:
            blocks += [("system", clean(part)) for part in parts_of(request[key])]
    turns = len(blocks)
    for key in TURNS:
        if key in request:
            said = request[key]
            for message in [said] if isinstance(said, str) else listed(said):
                _add(blocks, message)
    while turns < len(blocks) and blocks[turns][0] in ("system", "developer"):
        turns += 1
    return blocks, tools, turns - tools


def _add(blocks: list[tuple[str, Any]], message: Any) -> None:
    """Add the parts of a message."""
    if not isinstance(message, dict):
        blocks.append(("user", clean(message)))
        return
    role = str(message.get("role") or message.get("type") or "user")
    content = message.get("content") or message.get("parts")
    if type(content) is str and _PLAIN.issuperset(message):
        blocks.append((role, content))
        return
    parts, outside = parts_of(content), _NOTHING
    if "tool_calls" in message:
        parts = [*parts, *listed(message["tool_calls"])]
    if not _INSIDE.issuperset(message):
        outside = {k: v for k, v in message.items() if k not in _INSIDE and v is not None}
        if outside.get("type") == "message":
            del outside["type"]
    if outside or not parts:
        blocks.append((role, outside))
    for part in parts:
        blocks.append((role, clean(part)))


def settings(usage: Usage, request: Json) -> None:
    """Temperature, effort, streaming, structure and limits, as a request states them."""
    if isinstance(request.get("stream"), bool):
        usage.stream = request["stream"]
    if _ASKED.isdisjoint(request):
        usage.structured_output = False
        return
    google = _NOTHING
    for key in _GOOGLE:
        if key in request and not google:
            google = _under(request, key)
    temperature = request.get("temperature", google.get("temperature"))
    if isinstance(temperature, int | float) and not isinstance(temperature, bool):
        usage.temperature = float(temperature)
    effort = request.get("reasoning_effort")
    output = _under(request, "output_config") if "output_config" in request else _NOTHING
    if not effort and "reasoning" in request:
        effort = _under(request, "reasoning").get("effort")
    effort = effort or output.get("effort")
    if not effort and google:
        thinking = google.get("thinkingConfig") or google.get("thinking_config")
        effort = thinking.get("thinkingLevel") if isinstance(thinking, dict) else None
    usage.reasoning_effort = word(effort)
    most, asked = _first(request, _MOST_TOKENS), _whole(request.get("n"))
    if google:
        most = most or _first(google, _MOST_TOKENS_GOOGLE)
        asked = asked or _first(google, _CHOICES_GOOGLE)
    usage.max_output_tokens = most
    usage.choices = asked if asked != 1 else None
    usage.structured_output = (
        _is_schema(request.get("response_format"))
        or _is_schema(request.get("output_format"))
        or _is_schema(output.get("format"))
        or ("text" in request and _is_schema(_under(request, "text").get("format")))
        or (bool(google) and any(map(google.get, _SCHEMAS_GOOGLE)))
        or ("tools" in request and any(map(_strict, listed(request["tools"]))))
    )


def _under(request: Json, key: str) -> Json:
    """The settings a request has under a key."""
    found = request.get(key)
    return found if isinstance(found, dict) else _NOTHING


def _is_schema(form: Any) -> bool:
    return isinstance(form, dict) and form.get("type") == "json_schema"


def _first(settings: Json, names: tuple[str, ...]) -> int | None:
    """The first of the names that holds a number of one or more."""
    for name in names:
        if name in settings and (stated := _whole(settings[name])):
            return stated
    return None


def _whole(stated: Any) -> int | None:
    return stated if type(stated) is int and 0 < stated < 10**12 else None


def _strict(tool: Any) -> bool:
    if not isinstance(tool, dict):
        return False
    function = tool.get("function")
    return tool.get("strict") is True or (
        isinstance(function, dict) and function.get("strict") is True
    )
