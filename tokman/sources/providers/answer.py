"""What the model wrote in an answer: its texts and its calls of tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokman.sources.form import encode, listed, parts_of
from tokman.sources.providers.envelope import Json, decoded

_HOLDERS = ("functionCall", "function_call")
_CALLS = frozenset(("tool_use", "server_tool_use", "function_call", "mcp_call", "custom_tool_call"))
_ARGUMENTS = ("arguments", "input", "args")
_UNNAMED = frozenset(("local_shell_call", "shell_call", "computer_call", "apply_patch_call"))
"""Calls of OpenAI's own tools, named by their type, with the arguments in `action` or
`operation`."""


def outputs(response: Any) -> list[Json]:
    """Every object that the model generated: messages, content parts, output items."""
    found: list[Json] = []
    if not isinstance(response, dict):
        return found
    if "choices" in response:
        for choice in listed(response["choices"]):
            message = choice.get("message") if isinstance(choice, dict) else None
            if not isinstance(message, dict):
                message = {"text": (choice or {}).get("text")}
            found.append(message)
    if "candidates" in response:
        for candidate in listed(response["candidates"]):
            content = candidate.get("content") if isinstance(candidate, dict) else None
            found += [part for part in parts_of(content) if isinstance(part, dict)]
    if "output" in response:
        items = (item for item in listed(response["output"]) if isinstance(item, dict))
        found += [item for item in items if item.get("type") != "reasoning"]
    if "content" in response:
        found += [part for part in listed(response["content"]) if isinstance(part, dict)]
    return found


def generated(response: Any) -> Iterator[bytes]:
    """Every text and tool call that the model wrote."""
    found = outputs(response)
    yield from texts(found)
    for name, arguments in tool_calls(found):
        yield encode((name, arguments))


def texts(found: list[Json]) -> list[bytes]:
    """Every text in what the model generated."""
    made: list[bytes] = []
    for item in found:
        said = listed(item["content"]) if "content" in item else None
        for part in said or listed(item.get("text")):
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str) and text:
                made.append(text.encode("utf-8", "surrogatepass"))
    return made


def tool_calls(found: list[Json]) -> list[tuple[str, Any]]:
    """Name and decoded arguments of each tool call in what the model generated."""
    made: list[tuple[str, Any]] = []
    for item in found:
        calls: list[Any] = []
        if "tool_calls" in item:
            named = (call for call in listed(item["tool_calls"]) if isinstance(call, dict))
            calls = [call.get("function") for call in named]
        for key in _HOLDERS:
            if key in item:
                calls.append(item[key])
        kind = item.get("type")
        if kind in _CALLS:
            calls.append(item)
        elif kind in _UNNAMED:
            given = item.get("action", item.get("operation"))
            calls.append({"name": kind.removesuffix("_call"), "arguments": given})
        for call in calls:
            if isinstance(call, dict) and isinstance(call.get("name"), str):
                key = next(filter(call.__contains__, _ARGUMENTS), "")
                made.append((call["name"], _opened(call[key]) if key else None))
    return made


def _opened(arguments: Any) -> Any:
    if type(arguments) is not str:
        return arguments
    try:
        return decoded(arguments)
    except ValueError:
        return arguments
