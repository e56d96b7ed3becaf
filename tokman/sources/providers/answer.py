"""What the model wrote in an answer: its texts and its calls of tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokman.sources.form import encode, listed, parts_of
from tokman.sources.providers.envelope import Json, decoded

_HOLDERS = ("functionCall", "function_call")
_CALLS = frozenset(("tool_use", "server_tool_use", "function_call", "mcp_call", "custom_tool_call"))
_UNNAMED = frozenset(("local_shell_call", "shell_call", "computer_call", "apply_patch_call"))
"""Calls of OpenAI's own tools, named by their type, with the arguments in `action` or
`operation`."""


def outputs(response: Any) -> Iterator[Json]:
    """Every object that the model generated: messages, content parts, output items."""
    if not isinstance(response, dict):
        return
    for choice in listed(response.get("choices")):
        message = choice.get("message") if isinstance(choice, dict) else None
        yield message if isinstance(message, dict) else {"text": (choice or {}).get("text")}
    for candidate in listed(response.get("candidates")):
        content = candidate.get("content") if isinstance(candidate, dict) else None
        yield from (p for p in parts_of(content) if isinstance(p, dict))
    for item in listed(response.get("output")):
        if isinstance(item, dict) and item.get("type") != "reasoning":
            yield item
    for part in listed(response.get("content")):
        if isinstance(part, dict):
            yield part


def generated(response: Any) -> Iterator[bytes]:
    """Every text and tool call that the model wrote."""
    found = list(outputs(response))
    yield from texts(found)
    for name, arguments in tool_calls(found):
        yield encode((name, arguments))


def texts(found: list[Json]) -> Iterator[bytes]:
    """Every text in what the model generated."""
    for item in found:
        for part in listed(item.get("content")) or listed(item.get("text")):
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str) and text:
                yield text.encode("utf-8", "surrogatepass")


def tool_calls(found: list[Json]) -> Iterator[tuple[str, Any]]:
    """Name and decoded arguments of each tool call in what the model generated."""
    for item in found:
        calls = [c.get("function") for c in listed(item.get("tool_calls")) if isinstance(c, dict)]
        calls += [item[key] for key in _HOLDERS if key in item]
        kind = item.get("type")
        if kind in _CALLS:
            calls.append(item)
        elif kind in _UNNAMED:
            given = item.get("action", item.get("operation"))
            calls.append({"name": kind.removesuffix("_call"), "arguments": given})
        for call in calls:
            if isinstance(call, dict) and isinstance(call.get("name"), str):
                given = (call[k] for k in ("arguments", "input", "args") if k in call)
                yield call["name"], _opened(next(given, None))


def _opened(arguments: Any) -> Any:
    try:
        return decoded(arguments)
    except ValueError:
        return arguments
