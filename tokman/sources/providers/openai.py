"""OpenAI's API and the many that speak it: chat, responses, embeddings, batch output."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.facts import STANDARD_TIERS, word
from tokman.sources.providers import blocks, estimate
from tokman.sources.providers.envelope import Call, Json, family_of
from tokman.sources.providers.openai_stream import fold
from tokman.sources.providers.openai_usage import Tokens, count
from tokman.sources.providers.traffic import Traffic, error_id
from tokman.usage import Usage

_OPENAI_MODEL = re.compile(r"(ft:)?(gpt-(?!oss)|o[1-9]|chatgpt|text-embedding-[3a]|computer-use)")
_DEPLOYMENT = re.compile(r"/deployments/([\w.-]+)/")
_SHAPE = (
    *("request_hash", "response_hash", "block_hashes", "block_sizes", "output_bytes"),
    *("tool_blocks", "system_blocks", "tools_hash", "steady_hash", "choices", "max_output_tokens"),
    *("turn", "tool_call_hashes", "tool_names", "polls", "tool_result_hashes"),
    *("tool_result_bytes", "tool_errors", "tools_offered", "tools_offered_bytes"),
)
"""Columns of what was asked and answered, none of which is a second call's."""

_OPERATIONS = {"list": "embeddings", "text_completion": "text_completion"}


class OpenAI(Traffic):
    """Reads responses in OpenAI's shapes, from whichever provider."""

    name: ClassVar[str] = "openai"
    title: ClassVar[str] = "OpenAI-shaped traffic, batch output"

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True for a body in one of OpenAI's shapes, bare or in an envelope."""
        return family_of(record) == "openai"

    def read(self, call: Call) -> Iterable[Usage]:
        """One row, and one more where the call also ran an image model."""
        body, complete = fold(call.body) if isinstance(call.body, list) else (call.body, True)
        if body.get("status") in ("queued", "in_progress"):
            return
        failed = call.failed or body.get("status") == "failed"
        deployment = _DEPLOYMENT.search(call.url)
        model = body.get("model") or (deployment and deployment[1])
        given = body.get("id") or (error_id(call) if call.failed else None)
        usage = self.row(call, body, given, model, body.get("created") or body.get("created_at"))
        usage.provider_name = usage.provider_name or _provider(body)
        usage.request_model = usage.request_model or (deployment[1] if deployment else None)
        if failed:
            usage.status = "error"
            usage.error_type = usage.error_type or _reason(body.get("error"))
        kind = body.get("object")
        if kind == "response" and call.request is None:
            blocks.settings(usage, body)  # a response repeats what it was asked with
        usage.operation_name = _OPERATIONS.get(str(kind), "chat")
        if kind is None and {"choices", "outputs"}.isdisjoint(body) and not failed:
            usage.operation_name = "image_generation" if "data" in body else "transcription"
        tier = body.get("service_tier")
        if not call.batch and tier not in STANDARD_TIERS:
            # https://platform.openai.com/docs/guides/priority-processing: fast is priority.
            usage.service_tier = "priority" if tier == "fast" else word(tier)
        _outcome(usage, body)
        stated = body.get("usage")
        if isinstance(stated, dict):
            count(usage, msgspec.convert(stated, Tokens))
        elif not failed and not estimate.fill(usage, call.request, body):
            if complete:
                raise BadRecord("usage: missing")
            usage.output_basis = "partial"
        yield usage
        if extra := _images(usage, body):
            yield extra


def _outcome(usage: Usage, body: Json) -> None:
    choices, output = body.get("choices") or body.get("outputs"), body.get("output")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        usage.finish_reason = word(choices[0].get("finish_reason"))
    if not isinstance(output, list):
        return
    details = body.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    usage.finish_reason = word(reason or body.get("status"))
    usage.parent_id = word(body.get("previous_response_id"))
    for item in output:
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "web_search_call":
            usage.web_search_requests += _searched(item.get("action"))
        elif kind == "file_search_call":
            usage.file_search_requests += 1


def _searched(action: Any) -> bool:
    """Only searches are billed, not opening a page or looking in it.

    https://platform.openai.com/docs/guides/tools-web-search
    """
    return not isinstance(action, dict) or action.get("type") in (None, "search")


def _images(usage: Usage, body: Json) -> Usage | None:
    """The image model that a response called as a tool: its tokens are not in `usage`."""
    tools = body.get("tool_usage")
    stated = tools.get("image_gen") if isinstance(tools, dict) else None
    if not isinstance(stated, dict) or not stated.get("total_tokens"):
        return None
    asked = [t for t in body.get("tools") or () if isinstance(t, dict)]
    models = [t.get("model") for t in asked if t.get("type") == "image_generation"]
    extra = msgspec.structs.replace(
        usage,
        call_id=f"{usage.call_id}#1",
        parent_id=usage.call_id,
        operation_name="image_generation",
        request_model=None,
        response_model=word(models[0]) if models else None,
        billed_cost=None,
        web_search_requests=0,
        file_search_requests=0,
        **dict.fromkeys(_SHAPE),
    )
    count(extra, msgspec.convert(stated, Tokens))
    return extra


def _provider(body: Json) -> str | None:
    """The provider a body itself gives away; None leaves it to the model's name."""
    given, model = str(body.get("id") or ""), str(body.get("model") or "")
    if "prompt_filter_results" in body or "content_filters" in body:
        return "azure.ai.openai"
    if "x_groq" in body:
        return "groq"
    if given.startswith("gen-") and "/" in model:
        return "openrouter"
    if "outputs" in body and model.startswith("grok"):
        return "x_ai"
    return "openai" if _OPENAI_MODEL.match(model) else None


def _reason(error: Any) -> str:
    return (word(error.get("code")) if isinstance(error, dict) else None) or "error"
