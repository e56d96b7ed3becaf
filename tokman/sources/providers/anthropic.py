"""Anthropic's Messages API: bodies, streams and batch results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.facts import word
from tokman.sources.providers.claude_usage import ClaudeUsage, count, extra_calls, provider_of
from tokman.sources.providers.envelope import Call, Json, family_of
from tokman.sources.providers.traffic import Traffic, error_id, error_type
from tokman.usage import Usage

_KEPT = (
    *("provider_name", "request_model", "response_model", "started_at", "user_id", "team"),
    *("workflow", "workflow_basis", "project", "environment", "conversation_id", "tags"),
    *("api_key_alias", "api_key_hash", "agent_name", "case_id", "source", "file", "status"),
)


class Anthropic(Traffic):
    """Reads messages as Anthropic's API answers them, at Anthropic, Bedrock or Vertex."""

    name: ClassVar[str] = "anthropic"
    title: ClassVar[str] = "Anthropic traffic, batch results"

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True for a message, a batch result or a stream, bare or in an envelope."""
        return family_of(record) == "anthropic"

    def read(self, call: Call) -> Iterable[Usage]:
        """The call's row, and one for each sampling that its top-level counts leave out."""
        body, complete = call.body, True
        if isinstance(call.body, list):
            body, complete = folded(call.body)
        if call.failed or body.get("type") == "error" or ("error" in body and not body["usage"]):
            usage = self.row(call, body, error_id(call), None)
            usage.status = "error"
            usage.error_type = error_type(call, body.get("error"))
            usage.provider_name = usage.provider_name or "anthropic"
            yield usage
            return
        usage = self.row(call, body, body.get("id"), body.get("model"))
        usage.provider_name = usage.provider_name or provider_of(usage.response_model)
        usage.finish_reason = word(body.get("stop_reason"))
        if not complete:
            usage.output_basis = "partial"
        if isinstance(body.get("error"), dict):
            usage.status, usage.error_type = "error", error_type(call, body["error"])
        stated = msgspec.convert(body.get("usage"), ClaudeUsage)
        if stated.input_tokens is None or "input_tokens" not in body["usage"]:
            raise BadRecord("usage.input_tokens: missing")
        stated.check()
        _write(usage, stated, call.batch)
        yield usage
        for number, extra in enumerate(extra_calls(stated), 1):
            shared = {name: getattr(usage, name) for name in _KEPT}
            more = Usage(call_id=f"{usage.call_id}#{number}", parent_id=usage.call_id, **shared)
            more.response_model = word(extra.model) or usage.response_model
            _write(more, extra, call.batch)
            yield more


def _write(usage: Usage, stated: ClaudeUsage, batch: bool) -> None:
    count(usage, stated)
    if batch:
        usage.service_tier = "batch"


def folded(events: list[Any]) -> tuple[Json, bool]:
    """The message of a stream, and whether its final counts arrived.

    Counts of `message_delta` are cumulative, so the last one stands:
    https://platform.claude.com/docs/en/build-with-claude/streaming.
    """
    body: Json = {"type": "message", "usage": {}}
    blocks: dict[Any, Json] = {}
    complete = False
    for event in events:
        kind = event.get("type") if isinstance(event, dict) else None
        if kind == "message_start" and isinstance(event.get("message"), dict):
            body = {**event["message"], "usage": dict(event["message"].get("usage") or {})}
        elif kind == "message_delta":
            stated = event.get("usage") or {}
            body["usage"].update({k: v for k, v in stated.items() if v is not None})
            delta = event.get("delta") or {}
            body["stop_reason"] = delta.get("stop_reason") or body.get("stop_reason")
            complete = complete or "output_tokens" in stated
        elif kind == "content_block_start":
            blocks[event.get("index")] = {**(event.get("content_block") or {}), "_json": ""}
        elif kind == "content_block_delta":
            block, delta = blocks.setdefault(event.get("index"), {}), event.get("delta") or {}
            block["text"] = (block.get("text") or "") + (delta.get("text") or "")
            block["_json"] = block.get("_json", "") + (delta.get("partial_json") or "")
        elif kind == "error":
            body["error"] = event.get("error")
    for block in blocks.values():
        written = block.pop("_json", "")
        if written:
            block["input"] = written
    if blocks:
        body["content"] = list(blocks.values())
    return body, complete
