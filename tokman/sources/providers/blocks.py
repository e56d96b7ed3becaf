"""The shape of a call without its words: keyed hashes of prompt blocks, answer and tool calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec

from tokman.sources.base import Context
from tokman.sources.facts import word
from tokman.sources.providers.envelope import Json, decoded
from tokman.usage import Usage

MEDIA_BYTES = 4000
"""Size given to an image, audio or file part: its base64 says nothing about its tokens."""

_MEDIA = frozenset(
    (
        *("image", "image_url", "input_image", "input_audio", "document", "file", "input_file"),
        *("inlineData", "inline_data", "fileData", "file_data", "video_url"),
    )
)
_TOOLS = ("tools", "functions")
_SYSTEM = ("system", "instructions", "systemInstruction", "system_instruction")
_TURNS = ("messages", "input", "contents", "prompt")
_ASIDE = frozenset(
    (
        *(*_TOOLS, *_SYSTEM, *_TURNS, "cachedContent", "labels", "cache_control", "store"),
        *("stream", "stream_options", "metadata", "user", "safety_identifier", "service_tier"),
        *("prompt_cache_key", "prompt_cache_retention", "extra_headers", "timeout"),
    )
)
"""Fields that cannot change the answer, or that the blocks cover already."""

_SETTINGS = (
    *("generationConfig", "generation_config", "config", "reasoning", "output_config"),
    *("response_format", "output_format", "text"),
)
_ASKED = frozenset((*_SETTINGS, "temperature", "reasoning_effort", "tools"))

_CALLS = ("functionCall", "function_call")
_CALL_TYPES = ("tool_use", "server_tool_use", "function_call", "mcp_call")
_INSIDE = frozenset(("role", "content", "parts", "tool_calls", "cache_control", "id", "status"))
_TEXT = frozenset(("type", "text", "cache_control"))

_encode = msgspec.json.Encoder(order="deterministic").encode


def fill(usage: Usage, context: Context, request: Json | None, response: Any) -> None:
    """Write the hashes and settings of a request and its answer into the usage.

    Content in a form that no provider takes has no hashes; its usage counts all the same.
    """
    with suppress(AttributeError, TypeError, RecursionError):
        if request:
            settings(usage, request)
            _prompt(usage, context, request)
    with suppress(AttributeError, TypeError, RecursionError):
        _answer(usage, context, response)


def _answer(usage: Usage, context: Context, response: Any) -> None:
    outputs = list(_outputs(response))
    calls = [(name, _encode(_arguments(arguments))) for name, arguments in _tool_calls(outputs)]
    parts = [*_texts(outputs), *(b"[%b,%b]" % (_encode(name), given) for name, given in calls)]
    if parts and not any(b"redacted-by-litellm" in part or _cut(part) for part in parts):
        usage.response_hash = context.hash(*parts)
        usage.output_bytes = sum(map(len, parts))
    hashes = [context.hash(name.encode(), given) for name, given in calls]
    usage.tool_call_hashes = hashes or None


def _cut(block: bytes) -> bool:
    """LiteLLM cuts the middle out of long strings: https://docs.litellm.ai/docs/proxy/config_settings."""
    return b"(litellm_truncated " in block


def _prompt(usage: Usage, context: Context, request: Json) -> None:
    hashes: list[int] = []
    sizes: list[int] = []
    last = 0
    for kind, block in _blocks(request):
        content = _encode(block)
        if b"redacted-by-litellm" in content or _cut(content):
            return
        last = context.hash(last.to_bytes(8, "little", signed=True), kind.encode(), content)
        hashes.append(last)
        sizes.append(MEDIA_BYTES if _is_media(block) else len(content))
    if hashes:
        rest = {k: v for k, v in request.items() if k not in _ASIDE and v is not None}
        usage.request_hash = context.hash(last.to_bytes(8, "little", signed=True), _encode(rest))
        usage.block_hashes, usage.block_sizes = hashes, sizes


def prompt_texts(request: Json) -> list[str]:
    """Every block of the prompt as the text it counts for; media have none."""
    kept = (block for _, block in _blocks(request) if not _is_media(block))
    return [b if isinstance(b, str) else _encode(b).decode("utf-8", "replace") for b in kept]


def _blocks(request: Json) -> Iterator[tuple[str, Any]]:
    """Tools, system parts and message parts, in the order in which providers cache them.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching: tools, system, messages.
    """
    for key in _TOOLS:
        for tool in _listed(request.get(key)):
            yield "tool", _clean(tool)
    for key in _SYSTEM:
        for part in _parts(request.get(key)):
            yield "system", _clean(part)
    for key in _TURNS:
        value = request.get(key)
        for message in [value] if isinstance(value, str) else _listed(value):
            yield from _message(message)


def _message(message: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(message, dict):
        yield "user", _clean(message)
        return
    role = str(message.get("role") or message.get("type") or "user")
    outside = {
        key: message[key] for key in message if key not in _INSIDE and message[key] is not None
    }
    parts = _parts(message.get("content") or message.get("parts"))
    if "tool_calls" in message:
        parts = [*parts, *_listed(message["tool_calls"])]
    if outside.get("type") == "message":
        del outside["type"]
    if outside or not parts:
        yield role, outside
    for part in parts:
        yield role, _clean(part)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value in (None, "", {}) else [value]


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict) and "parts" in value:
        value = value["parts"]
    return _listed(value)


def _clean(part: Any) -> Any:
    """One form for what means the same: text is text, and cache marks move without changing it."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return part
    if part.keys() <= _TEXT and isinstance(part.get("text"), str):
        return part["text"]
    kept = {k: v for k, v in part.items() if k != "cache_control" and v is not None}
    if kept.keys() <= {"type", "text"} and isinstance(kept.get("text"), str):
        return kept["text"]
    return kept


def _is_media(block: Any) -> bool:
    return isinstance(block, dict) and (
        block.get("type") in _MEDIA or not _MEDIA.isdisjoint(block.keys())
    )


def settings(usage: Usage, request: Json) -> None:
    """Temperature, effort, streaming and asked-for structure, as a request states them."""
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
    forms = (
        nested["response_format"],
        nested["output_format"],
        nested["text"].get("format"),
        nested["output_config"].get("format"),
    )
    usage.structured_output = (
        any(isinstance(f, dict) and f.get("type") == "json_schema" for f in forms)
        or any(google.get(k) for k in ("responseSchema", "responseJsonSchema", "response_schema"))
        or any(_strict(tool) for tool in _listed(request.get("tools")))
    )


def _strict(tool: Any) -> bool:
    if not isinstance(tool, dict):
        return False
    function = tool.get("function")
    return tool.get("strict") is True or (
        isinstance(function, dict) and function.get("strict") is True
    )


def _outputs(response: Any) -> Iterator[Json]:
    """Every object that the model generated: messages, content parts, output items."""
    if not isinstance(response, dict):
        return
    for choice in _listed(response.get("choices")):
        message = choice.get("message") if isinstance(choice, dict) else None
        yield message if isinstance(message, dict) else {"text": (choice or {}).get("text")}
    for candidate in _listed(response.get("candidates")):
        content = candidate.get("content") if isinstance(candidate, dict) else None
        yield from (p for p in _parts(content) if isinstance(p, dict))
    for item in _listed(response.get("output")):
        if isinstance(item, dict) and item.get("type") != "reasoning":
            yield item
    for part in _listed(response.get("content")):
        if isinstance(part, dict):
            yield part


def generated(response: Any) -> Iterator[bytes]:
    """Every text and tool call that the model wrote."""
    outputs = list(_outputs(response))
    yield from _texts(outputs)
    for name, arguments in _tool_calls(outputs):
        yield _encode((name, _arguments(arguments)))


def _texts(outputs: list[Json]) -> Iterator[bytes]:
    for item in outputs:
        for part in _listed(item.get("content")) or _listed(item.get("text")):
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str) and text:
                yield text.encode("utf-8", "surrogatepass")


def _tool_calls(outputs: list[Json]) -> Iterator[tuple[str, Any]]:
    for item in outputs:
        calls = [c.get("function") for c in _listed(item.get("tool_calls")) if isinstance(c, dict)]
        calls += [item[key] for key in _CALLS if key in item]
        if item.get("type") in _CALL_TYPES:
            calls.append(item)
        for call in calls:
            if isinstance(call, dict) and isinstance(call.get("name"), str):
                arguments = (call[k] for k in ("arguments", "input", "args") if k in call)
                yield call["name"], next(arguments, None)


def _arguments(arguments: Any) -> Any:
    try:
        return decoded(arguments)
    except ValueError:
        return arguments
