"""Where spans keep what was asked and answered: attributes that are read and never stored.

Not read: span events and log records with the texts of a span, which older conventions have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from tokman.sources.traces.texts import opened

_ASKED = (
    *("gen_ai.input.messages", "llm.input_messages", "ai.prompt.messages", "gen_ai.prompt"),
    *("ai.prompt", "llm.prompts", "embedding.embeddings", "ai.values", "ai.value"),
    *("input.value", "traceloop.entity.input"),
)
_ANSWERED = (
    *("gen_ai.output.messages", "llm.output_messages", "gen_ai.completion", "llm.completions"),
    *("output.value", "traceloop.entity.output"),
)
_SDK = ("ai.response.text", "ai.response.toolCalls", "ai.response.object")
_SYSTEM = ("gen_ai.system_instructions",)
_TOOLS = ("gen_ai.tool.definitions", "llm.tools", "llm.request.functions", "ai.prompt.tools")

_WHOLE = frozenset((*_ASKED, *_ANSWERED, *_SDK, *_SYSTEM, *_TOOLS))
_LISTS = (
    *("llm.input_messages", "llm.output_messages", "gen_ai.prompt", "gen_ai.completion"),
    *("llm.tools", "llm.request.functions", "llm.prompts", "llm.completions"),
    "embedding.embeddings",
)
"""Attributes whose elements are attributes of their own: `llm.prompts.0`, …"""

_DOTTED = tuple(name + "." for name in _LISTS)
_PREFIXES = frozenset(
    name[:place] for name in _WHOLE for place, letter in enumerate(name) if letter == "."
)
_DEEPEST = 12
_INTEGER = re.compile(r"-?[0-9]{1,19}")
"""How the JSON of protobuf writes a number of 64 bits."""

Spoken = dict[str, Any]
"""Attributes with texts, their values decoded; lists put together."""


def is_spoken(name: str) -> bool:
    """True for an attribute that holds texts of a call."""
    return name in _WHOLE or name.startswith(_DOTTED)


def leads_to_spoken(name: str) -> bool:
    """True for an object that may hold such attributes."""
    return name in _PREFIXES


class _Node(dict[str, Any]):
    """Attributes below one name, by the next step of theirs; a value is never one."""


def put_together(attributes: Iterable[tuple[str, Any]]) -> Spoken:
    """The attributes, the elements of each list in their order."""
    spoken: Spoken = {}
    trees: dict[str, _Node] = {}
    for name, value in attributes:
        if name in _WHOLE:
            spoken[name] = value
            continue
        above = next(each for each in _LISTS if name.startswith(each + "."))
        steps = name[len(above) + 1 :].split(".")
        if len(steps) <= _DEEPEST:
            _hang(trees.setdefault(above, _Node()), steps, value)
    return spoken | {name: _with_lists(tree) for name, tree in trees.items()}


def _hang(tree: _Node, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        inner = tree.setdefault(step, _Node())
        if not isinstance(inner, _Node):
            return
        tree = inner
    tree.setdefault(steps[-1], value)


def _with_lists(tree: Any) -> Any:
    """Objects whose keys are all numbers as the lists they stand for."""
    if not isinstance(tree, _Node):
        return tree
    built = {key: _with_lists(value) for key, value in tree.items()}
    if all(key.isascii() and key.isdigit() for key in built):
        return [built[key] for key in sorted(built, key=lambda key: (len(key), key))]
    return built


def asked(spoken: Spoken) -> Any:
    """What the model was given, with system prompt and tools where they are told apart."""
    turns = next((spoken[name] for name in _ASKED if spoken.get(name)), None)
    if turns is None:
        return None
    turns = opened(turns)
    system = next((opened(spoken[name]) for name in _SYSTEM if spoken.get(name)), None)
    tools = next((opened(spoken[name]) for name in _TOOLS if spoken.get(name)), None)
    if system is None and tools is None:
        return turns
    request = dict(turns) if isinstance(turns, dict) else {"messages": turns}
    if system is not None:
        request.setdefault("system", [_text(part) for part in _listed(system)])
    if tools is not None:
        request.setdefault("tools", [_tool(tool) for tool in _listed(tools)])
    return request


def answered(spoken: Spoken) -> Any:
    """What the model wrote."""
    text, calls, made = (spoken.get(name) for name in _SDK)
    if text or calls:
        return {"role": "assistant", "content": text or "", "tool_calls": opened(calls) or []}
    return made or next((spoken[name] for name in _ANSWERED if spoken.get(name)), None)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(part: Any) -> Any:
    """OpenTelemetry's part of a system prompt."""
    if isinstance(part, dict) and part.get("type") == "text" and "content" in part:
        return part["content"]
    return part


def _tool(tool: Any) -> Any:
    """A tool as it was offered; OpenInference has its JSON in an object."""
    if isinstance(tool, dict) and (inner := tool.get("tool")) is not None:
        tool = inner.get("json_schema", inner) if isinstance(inner, dict) else inner
    return opened(tool)


def plain(raw: msgspec.Raw) -> Any:
    """An OTLP value of any type, as Python has it."""
    return _plain(msgspec.json.decode(raw))


def _plain(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    for kind, inner in value.items():
        name = kind.replace("_", "").lower()
        if name in ("arrayvalue", "kvlistvalue"):
            values = inner.get("values") if isinstance(inner, dict) else None
            if name == "arrayvalue":
                return [_plain(each) for each in values or ()]
            pairs = [each for each in values or () if isinstance(each, dict)]
            return {str(each.get("key")): _plain(each.get("value")) for each in pairs}
        if name == "intvalue" and isinstance(inner, str) and _INTEGER.fullmatch(inner):
            return int(inner)
        return inner
    return None
