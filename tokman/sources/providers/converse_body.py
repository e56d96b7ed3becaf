"""Bedrock's Converse bodies in the spelling that the hashes of prompts and answers know."""

from __future__ import annotations

from typing import Any

from tokman.sources.providers.envelope import Json

Part = dict[str, Any]


def plain_request(request: Json) -> Json:
    """A Converse request with its tools and settings where other providers have them.

    Cache points are left out: they move along a prompt without changing it.
    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
    """
    tools, settings = request.get("toolConfig"), request.get("inferenceConfig")
    plain = dict(request)
    plain.pop("toolConfig", None)
    plain.pop("inferenceConfig", None)
    if isinstance(tools, dict):
        plain["tools"] = _without_marks(tools.get("tools"))
        plain["tool_choice"] = tools.get("toolChoice")
    if isinstance(settings, dict):
        plain |= settings
    plain["system"] = _without_marks(request.get("system"))
    messages = request.get("messages")
    if isinstance(messages, list):
        plain["messages"] = [
            {**turn, "content": _without_marks(turn.get("content"))}
            if isinstance(turn, dict)
            else turn
            for turn in messages
        ]
    return plain


def plain_answer(body: Any) -> Json:
    """The parts of a Converse or Nova answer as a message of Anthropic's has them."""
    output = body.get("output") if isinstance(body, dict) else None
    message = output.get("message") if isinstance(output, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return {}
    return {"content": [_part(part) for part in content if isinstance(part, dict)]}


def folded(events: list[Any]) -> tuple[Json, bool]:
    """The body of a ConverseStream (or Nova's own stream), and whether its usage arrived.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
    """
    body: Json = {}
    parts: dict[Any, Part] = {}
    for event in (event for event in events if isinstance(event, dict)):
        start, delta = _inner(event, "contentBlockStart"), _inner(event, "contentBlockDelta")
        stop, metadata = _inner(event, "messageStop"), _inner(event, "metadata")
        if tool := _inner(_inner(start, "start"), "toolUse"):
            parts[start.get("contentBlockIndex")] = {"toolUse": {**tool, "input": ""}}
        if piece := _inner(delta, "delta"):
            part = parts.setdefault(delta.get("contentBlockIndex"), {})
            if isinstance(piece.get("text"), str):
                part["text"] = part.get("text", "") + piece["text"]
            written = _inner(piece, "toolUse").get("input")
            if isinstance(written, str) and "toolUse" in part:
                part["toolUse"]["input"] += written
        body |= {k: stop[k] for k in ("stopReason",) if k in stop}
        body |= {k: metadata[k] for k in ("usage", "metrics", "serviceTier") if k in metadata}
    body["output"] = {"message": {"content": list(parts.values())}}
    return body, isinstance(body.get("usage"), dict)


def _part(part: Part) -> Part:
    tool = part.get("toolUse")
    return {"type": "tool_use", **tool} if isinstance(tool, dict) else part


def _without_marks(parts: Any) -> Any:
    if not isinstance(parts, list):
        return parts
    return [p for p in parts if not (isinstance(p, dict) and len(p) == 1 and "cachePoint" in p)]


def _inner(holder: Json, key: str) -> Json:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}
