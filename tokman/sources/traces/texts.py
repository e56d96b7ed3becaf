"""What was asked and answered in a traced call, in the form of OpenAI's chat.

Frameworks write it as they please: OpenTelemetry's parts
(https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-input-messages.json),
OpenInference's messages, LangChain's, the AI SDK's, or the provider's own bodies. What is none of
these counts as one text. Reasoning is left out: of most models a trace shows a summary at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tokman.sources.form import encode, listed
from tokman.sources.providers import blocks, estimate
from tokman.sources.providers.envelope import Json
from tokman.sources.providers.tools import OFFERS, TURNS
from tokman.usage import Usage

_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant", "model": "assistant"}
_BODIES = frozenset(("choices", "candidates", "output"))
_REASONING = ("reasoning", "thinking", "redacted_thinking")
_BESIDE = ("system", "instructions", "system_instruction", "systemInstruction", *OFFERS)
_SETTINGS = frozenset((*_BESIDE, "config"))
_MESSAGE = frozenset(("role", "content", "parts", "tool_calls", "message"))
_ITEMS = ("function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output")
"""Items of OpenAI's Responses API, which have no role."""


def fill(usage: Usage, context: Any, asked: Any, answered: Any, *, counted: bool) -> None:
    """Write sizes and keyed hashes of what was asked and answered; the counts too, from the texts,
    where they are not `counted`."""
    if asked in (None, "") or (answered in (None, "") and usage.operation_name != "embeddings"):
        return
    try:
        request, response = request_of(asked), response_of(answered)
    except (AttributeError, TypeError, RecursionError):
        return
    blocks.fill(usage, context, request, response, whole=False)
    if not counted and usage.status == "ok":
        estimate.fill(usage, request, response, whole=False)


def opened(value: Any) -> Any:
    """What a text holds where it is JSON of an object or a list; else the value as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            pass
    return value


def request_of(value: Any) -> Json:
    """A request with its messages."""
    value = opened(value)
    if not isinstance(value, dict) or not _MESSAGE.isdisjoint(value):
        return _told_apart(_messages(value))
    turns = next(filter(None, map(value.get, TURNS)), None) or value.get("args")
    if not turns:
        return {"messages": _messages(encode(value).decode())}
    request = _told_apart(_messages(turns))
    if not _SETTINGS.isdisjoint(value):
        config = value.get("config")
        given = (config if isinstance(config, dict) else {}) | value
        request |= {key: given[key] for key in _BESIDE if given.get(key)}
    return request


def _told_apart(messages: list[Json]) -> Json:
    """The messages, and the tools that LangChain's traces list among them."""
    offers = [m for m in messages if m.get("role") == "tool" and _are_offers(m.get("content"))]
    if not offers:
        return {"messages": messages}
    said = [message for message in messages if message not in offers]
    return {"messages": said, "tools": [tool for offer in offers for tool in offer["content"]]}


def _are_offers(content: Any) -> bool:
    return (
        isinstance(content, list)
        and content != []
        and all(isinstance(part, dict) and part.get("type") == "function" for part in content)
    )


def response_of(value: Any) -> Json:
    """An answer of one or more messages."""
    value = opened(value)
    if isinstance(value, dict):
        if not _BODIES.isdisjoint(value) and any(isinstance(value.get(k), list) for k in _BODIES):
            return value
        if isinstance(value.get("content"), dict):
            return {"candidates": [value]}
        if isinstance(value.get("generations"), list):
            value = value["generations"]
        elif _MESSAGE.isdisjoint(value):
            text = value.get("completion", value.get("text"))
            value = text if isinstance(text, str) else encode(value).decode()
    return {"choices": [{"message": message} for message in _messages(value)]}


def _messages(value: Any) -> list[Json]:
    made: list[Json] = []
    _add(made, value)
    return made


def _add(made: list[Json], value: Any) -> None:
    """Add the messages in a value."""
    if isinstance(value, list):
        for item in value:
            _add(made, item)
    elif isinstance(value, dict):
        _add_message(made, value)
    elif value not in (None, ""):
        made.append({"role": "user", "content": value if isinstance(value, str) else str(value)})


def _is_plain(item: Json) -> bool:
    """True for a message that is in the form of OpenAI's chat as it is."""
    return (
        len(item) == 2
        and "role" in item
        and "content" in item
        and item["role"] not in _ROLES
        and isinstance(item["content"], str)
    )


def _add_message(made: list[Json], item: Json) -> None:
    """Add one message, and those that the results of tools in it are."""
    if _is_plain(item):
        made.append(item)
        return
    inner = item.get("message")
    if isinstance(inner, dict):
        _add_message(made, inner)
        return
    kind = item.get("type")
    if kind in _ITEMS:
        made.append(item)
        return
    role = str(item.get("role") or kind or "user")
    given = item.get("content") or item.get("parts") or item.get("contents") or None
    if given is None and _MESSAGE.isdisjoint(item):
        given = item.get("text") or encode(item).decode()
    given = given["parts"] if isinstance(given, dict) and "parts" in given else given
    content, calls, results = _parted(listed(given))
    stated = item.get("tool_calls")
    if not stated and isinstance(more := item.get("additional_kwargs"), dict):
        stated = more.get("tool_calls")
    if stated:
        calls += [call for each in listed(stated) if (call := _call(each))]
    alone = content[0] if len(content) == 1 and isinstance(content[0], str) else content
    made += results
    if calls:
        made.append({"role": "assistant", "content": alone, "tool_calls": calls})
    elif content or not results:
        said = {"role": _ROLES.get(role, role), "content": alone}
        if role == "tool" and "status" in item:
            said["status"] = item["status"]
        made.append(said)


def _parted(parts: Iterable[Any]) -> tuple[list[Any], list[Json], list[Json]]:
    """Texts and media, calls of tools, and the messages that their results are."""
    content: list[Any] = []
    calls: list[Json] = []
    results: list[Json] = []
    for part in parts:
        if not isinstance(part, dict):
            content.append(part if isinstance(part, str) else str(part))
            continue
        part = part.get("message_content", part)
        kind = part.get("type")
        if kind == "text":
            content.append(str(part.get("text", part.get("content", ""))))
        elif kind in _REASONING:
            continue
        elif kind == "tool_call_response":
            given = part.get("response", part.get("result"))
            results.append({"role": "tool", "content": given})
        elif kind != "tool-result" and (call := _call(part)):
            calls.append(call)
        else:
            content.append(part)
    return content, calls, results


def _call(part: Any) -> Json | None:
    """A call of a tool, in whichever form."""
    if not isinstance(part, dict):
        return None
    part = part.get("tool_call", part)
    inner = part.get("function", part.get("function_call", part.get("functionCall")))
    if isinstance(inner, dict) and not {"parameters", "description"} & inner.keys():
        part = inner
    elif part.get("type") not in ("tool_call", "tool-call", "tool_use") and not (
        {"args", "arguments", "toolName"} & part.keys()
    ):
        return None
    name = part.get("name", part.get("toolName"))
    given = next((part[k] for k in ("arguments", "args", "input") if k in part), None)
    return {"function": {"name": name, "arguments": opened(given)}} if name else None
