"""Google's generateContent, at the Gemini API and at Vertex AI."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Count
from tokman.sources.classes import split_input, split_output
from tokman.sources.facts import word
from tokman.sources.providers import estimate
from tokman.sources.providers.envelope import Call, Json, family_of
from tokman.sources.providers.traffic import Traffic, error_id
from tokman.usage import Usage

_MODEL = re.compile(r"/models/([\w.@-]+)")
_TIERS = {
    "ON_DEMAND": None,
    "STANDARD": None,
    "TRAFFIC_TYPE_UNSPECIFIED": None,
    "UNSPECIFIED": None,
    "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_PRIORITY": "priority",
    "PROVISIONED_THROUGHPUT": "provisioned",
}
"""https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse"""

_SNAKE = {
    "usage_metadata": "usageMetadata",
    "model_version": "modelVersion",
    "response_id": "responseId",
    "create_time": "createTime",
    "prompt_feedback": "promptFeedback",
}


class Modality(msgspec.Struct, gc=False):
    """Tokens of one modality."""

    modality: str | None = None
    tokenCount: Count | None = 0


class Metadata(msgspec.Struct, gc=False):
    """`usageMetadata`."""

    promptTokenCount: Count | None = None
    cachedContentTokenCount: Count | None = None
    candidatesTokenCount: Count | None = None
    responseTokenCount: Count | None = None
    toolUsePromptTokenCount: Count | None = None
    thoughtsTokenCount: Count | None = None
    totalTokenCount: Count | None = None
    promptTokensDetails: list[Modality] | None = None
    cacheTokensDetails: list[Modality] | None = None
    candidatesTokensDetails: list[Modality] | None = None
    responseTokensDetails: list[Modality] | None = None
    toolUsePromptTokensDetails: list[Modality] | None = None
    trafficType: str | None = None
    serviceTier: str | None = None


class Gemini(Traffic):
    """Reads GenerateContentResponse bodies and their streams."""

    name: ClassVar[str] = "gemini"
    title: ClassVar[str] = "Gemini and Vertex AI traffic"

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True for a body with `usageMetadata` or `candidates`, bare or in an envelope."""
        return family_of(record) == "gemini"

    def read(self, call: Call) -> Iterable[Usage]:
        """The one row of a call."""
        if isinstance(call.body, list):
            body, complete = _folded(call.body)
        else:
            body, complete = _camel(call.body), True
        in_url = _MODEL.search(call.url)
        model = body.get("modelVersion") or (in_url and in_url[1])
        given = body.get("responseId") or (error_id(call) if call.failed else None)
        body["usage"] = body.get("usageMetadata")
        usage = self.row(call, body, given, model, body.get("createTime"))
        usage.request_model = usage.request_model or (in_url[1] if in_url else None)
        usage.operation_name = "generate_content"
        if "embeddings" in body or "embedding" in body:
            usage.operation_name = "embeddings"
        first = _first(body.get("candidates"))
        feedback = body.get("promptFeedback")
        blocked = feedback.get("blockReason") if isinstance(feedback, dict) else None
        usage.finish_reason = word(first.get("finishReason") or blocked)
        stated = body.get("usageMetadata")
        if isinstance(stated, dict):
            _count(usage, msgspec.convert(stated, Metadata), call)
        elif not call.failed and not estimate.fill(usage, call.request, body) and complete:
            raise BadRecord("usageMetadata: missing")
        usage.web_search_requests = _searches(usage.response_model, first)
        if not complete and usage.count_basis == "reported":
            usage.output_basis = "partial"
        if usage.provider_name is None:
            vertex = "createTime" in body or (isinstance(stated, dict) and "trafficType" in stated)
            usage.provider_name = "gcp.vertex_ai" if vertex else "gcp.gemini"
        yield usage


def _count(usage: Usage, stated: Metadata, call: Call) -> None:
    """Disjoint classes: the prompt includes the cached part, thoughts and tool results come on top.

    https://ai.google.dev/api/generate-content#UsageMetadata
    """
    if stated.promptTokenCount is None and not stated.totalTokenCount:
        raise BadRecord("usageMetadata.promptTokenCount: missing")
    prompt, tools = stated.promptTokenCount or 0, stated.toolUsePromptTokenCount or 0
    made = stated.candidatesTokenCount
    made = (made if made is not None else stated.responseTokenCount) or 0
    thoughts, total = stated.thoughtsTokenCount or 0, stated.totalTokenCount
    if total is not None and total != prompt + tools + made + thoughts:
        raise BadRecord(
            f"totalTokenCount ({total}) is not the sum of "
            f"prompt {prompt}, tool use {tools}, candidates {made}, thoughts {thoughts}"
        )
    read = stated.cachedContentTokenCount or 0
    if read > prompt:
        raise BadRecord(f"cachedContentTokenCount ({read}) exceeds promptTokenCount ({prompt})")
    given, used = stated.promptTokensDetails, stated.toolUsePromptTokensDetails
    cached = stated.cacheTokensDetails
    asked = [*(given or ()), *(used or ())]
    split_input(
        usage,
        prompt + tools,
        "promptTokenCount",
        read=read,
        audio=_of(asked, "AUDIO"),
        image=max(0, _of(asked, "IMAGE") - _of(cached, "IMAGE")),
        read_audio=_of(cached, "AUDIO"),
    )
    out = stated.candidatesTokensDetails or stated.responseTokensDetails
    split_output(
        usage,
        made + thoughts,
        "candidatesTokenCount",
        reasoning=thoughts,
        audio=_of(out, "AUDIO"),
        image=_of(out, "IMAGE"),
    )
    tier = (stated.trafficType or stated.serviceTier or "STANDARD").upper()
    if not call.batch:
        usage.service_tier = _TIERS.get(tier, word(tier.lower()))


def _of(details: list[Modality] | None, modality: str) -> int:
    tokens = 0
    for part in details or ():
        if part.modality == modality:
            tokens += part.tokenCount or 0
    return tokens


def _searches(model: str | None, candidate: Json) -> int:
    """Gemini 3 bills each query, older models each grounded prompt.

    https://ai.google.dev/gemini-api/docs/google-search#pricing
    """
    grounding = candidate.get("groundingMetadata")
    queries = grounding.get("webSearchQueries") if isinstance(grounding, dict) else None
    if not isinstance(queries, list) or not any(queries):
        return 0
    return sum(map(bool, queries)) if (model or "").startswith("gemini-3") else 1


def _first(items: Any) -> Json:
    return items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}


def _camel(value: Any) -> Any:
    """The body with snake_case keys (Python dumps, BigQuery) spelled as on the wire."""
    body = {_SNAKE.get(k, k): v for k, v in value.items()}
    stated, candidates = body.get("usageMetadata"), body.get("candidates")
    if isinstance(stated, dict):
        body["usageMetadata"] = {
            _wire(k): _details(v) if type(v) is list else v for k, v in stated.items()
        }
    if isinstance(candidates, list) and any(map(_is_pythons, candidates)):
        body["candidates"] = [_candidate(one) for one in candidates]
    return body


_PYTHONS = frozenset(("finish_reason", "grounding_metadata"))


def _is_pythons(candidate: Any) -> bool:
    return isinstance(candidate, dict) and not _PYTHONS.isdisjoint(candidate)


def _candidate(value: Any) -> Any:
    if not _is_pythons(value):
        return value
    candidate = {_wire(k): v for k, v in value.items()}
    grounding = candidate.get("groundingMetadata")
    if isinstance(grounding, dict):
        candidate["groundingMetadata"] = {_wire(k): v for k, v in grounding.items()}
    return candidate


def _details(value: list[Any]) -> list[Any]:
    return [{_wire(k): v for k, v in p.items()} if isinstance(p, dict) else p for p in value]


@lru_cache(maxsize=1000)
def _wire(key: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), key)


def _folded(events: list[Any]) -> tuple[Json, bool]:
    """The body of a stream: each chunk repeats the counts so far, so the last one stands."""
    body: Json = {}
    parts: list[Any] = []
    finish = None
    for chunk in (_camel(event) for event in events if isinstance(event, dict)):
        body.update({k: v for k, v in chunk.items() if v is not None})
        first = _first(chunk.get("candidates"))
        finish = first.get("finishReason") or finish
        content = first.get("content")
        parts += (content.get("parts") or ()) if isinstance(content, dict) else ()
    last = _first(body.get("candidates"))
    body["candidates"] = [{**last, "content": {"parts": parts}, "finishReason": finish}]
    return body, isinstance(body.get("usageMetadata"), dict) and finish is not None
