"""What the model wrote in an answer: its texts and its calls of tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokman.sources.form import encode, listed, parts_of
from tokman.sources.providers.envelope import Json, decoded

_HOLDERS = frozenset(("tool_calls", "functionCall", "function_call"))
_CALLS = frozenset(("tool_use", "server_tool_use", "function_call", "mcp_call", "custom_tool_call"))
_ARGUMENTS = ("arguments", "input", "args")
_UNNAMED = frozenset(("local_shell_call", "shell_call", "computer_call", "apply_patch_call"))
"""Calls of OpenAI's own tools, named by their type, with the arguments in `action` or
`operation`."""

_KINDS = _CALLS | _UNNAMED


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
    texts, calls = written(response)
    yield from texts
    for name, arguments in calls:
        yield encode((name, arguments))


def written(response: Any) -> tuple[list[bytes], list[tuple[str, Any]]]:
    """Every text that the model wrote, and name and decoded arguments of each tool call."""
    texts: list[bytes] = []
    calls: list[tuple[str, Any]] = []
    for item in outputs(response):
        said = item.get("content")
        for part in (() if said is None else listed(said)) or listed(item.get("text")):
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str) and text:
                texts.append(text.encode("utf-8", "surrogatepass"))
        if item.get("type") in _KINDS or not _HOLDERS.isdisjoint(item):
            calls += _calls(item)
    return texts, calls


def _calls(item: Json) -> list[tuple[str, Any]]:
    """The tool calls in one thing that the model generated."""
    calls: list[Any] = []
    if "tool_calls" in item:
        named = (call for call in listed(item["tool_calls"]) if isinstance(call, dict))
        calls = [call.get("function") for call in named]
    calls += [item[key] for key in ("functionCall", "function_call") if key in item]
    kind = item.get("type")
    if kind in _CALLS:
        calls.append(item)
    elif kind in _UNNAMED:
        given = item.get("action", item.get("operation"))
        calls.append({"name": kind.removesuffix("_call"), "arguments": given})
    made: list[tuple[str, Any]] = []
    for call in calls:
        if isinstance(call, dict) and isinstance(name := call.get("name"), str):
            key = next(filter(call.__contains__, _ARGUMENTS), "")
            made.append((name, _opened(call[key]) if key else None))
    return made


def _opened(arguments: Any) -> Any:
    if type(arguments) is not str:
        return arguments
    try:
        return decoded(arguments)
    except ValueError:
        return arguments
