"""A stream of OpenAI events folded into the body that the same call gives unstreamed."""

from __future__ import annotations

from typing import Any

from tokman.sources.providers.envelope import Json


def fold(events: list[Any]) -> tuple[Json, bool]:
    """The body, and whether the log holds its final usage."""
    chunks = [event for event in events if isinstance(event, dict)]
    for chunk in chunks:
        if str(chunk.get("type")).startswith("response."):
            return _response(chunks)
    return _chat(chunks)


def _response(events: list[Json]) -> tuple[Json, bool]:
    """Responses: the last event carries the whole body, usage included."""
    for event in reversed(events):
        body = event.get("response")
        if isinstance(body, dict):
            complete = isinstance(body.get("usage"), dict)
            return body if complete else {**body, "status": "incomplete"}, complete
    return {"object": "response", "output": []}, False


def _chat(chunks: list[Json]) -> tuple[Json, bool]:
    """Chat: usage comes in the last chunk, if `stream_options.include_usage` asked for it."""
    body: Json = {"object": "chat.completion"}
    text: list[str] = []
    calls: dict[Any, Json] = {}
    finish = None
    for chunk in chunks:
        for key in ("id", "created", "model", "service_tier", "usage", "error", "provider"):
            if chunk.get(key) is not None:
                body[key] = chunk[key]
        groq = chunk.get("x_groq")
        if isinstance(groq, dict):
            body["x_groq"] = groq
            body.setdefault("usage", groq.get("usage"))
        for choice in chunk.get("choices") or ():
            finish = choice.get("finish_reason") or finish
            delta = choice.get("delta") or {}
            text.append(delta.get("content") or choice.get("text") or "")
            for call in delta.get("tool_calls") or ():
                part = call.get("function") or {}
                known = calls.setdefault(call.get("index"), {"name": "", "arguments": ""})
                known["name"] += part.get("name") or ""
                known["arguments"] += part.get("arguments") or ""
    message: Json = {"content": "".join(text)}
    if calls:
        message["tool_calls"] = [{"function": call} for call in calls.values()]
    body["choices"] = [{"message": message, "finish_reason": finish}]
    return body, isinstance(body.get("usage"), dict)
