"""Cohere's own API, both versions: chat, streams of it, embeddings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Count
from tokman.sources.facts import word
from tokman.sources.providers import blocks, estimate
from tokman.sources.providers.envelope import Call, Json, family_of
from tokman.sources.providers.traffic import Traffic
from tokman.usage import Usage


class Billed(msgspec.Struct, gc=False):
    """`billed_units`: what is charged, without the tokens that Cohere adds to a prompt itself.

    https://docs.cohere.com/docs/how-does-cohere-pricing-work
    """

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    image_tokens: Count | None = None
    search_units: Count | None = None
    classifications: Count | None = None


class Cohere(Traffic):
    """Reads answers by what they say is billed; `tokens` and `cached_tokens` count the same prompt
    with Cohere's own template, and no price of a cached token is published.

    Streams and the first version were not checked on recorded ones.
    """

    name: ClassVar[str] = "cohere"
    title: ClassVar[str] = "Cohere traffic"

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True for an answer with `billed_units` or a stream, bare or in an envelope."""
        return family_of(record) == "cohere"

    def read(self, call: Call) -> Iterable[Usage]:
        """The one row of a call."""
        body = _folded(call.body) if isinstance(call.body, list) else call.body
        if isinstance(body.get("response"), dict):
            body = body["response"]  # the last event of a stream of the first version
        given = body.get("response_id") or body.get("id") or body.get("generation_id")
        usage = self.row(call, body, given, None)
        usage.provider_name = usage.provider_name or "cohere"
        usage.finish_reason = word(body.get("finish_reason"))
        if not {"embeddings", "embeddings_floats", "embeddings_by_type"}.isdisjoint(body):
            usage.operation_name = "embeddings"
        billed = next((b for b in map(_units, (body.get("usage"), body.get("meta"))) if b), None)
        if billed is not None:
            _count(usage, msgspec.convert(billed, Billed))
        elif call.failed or not estimate.fill(usage, call.request, body):
            if isinstance(call.body, list):
                usage.output_basis = "partial"
            elif not call.failed:
                raise BadRecord("billed_units: missing")
        yield usage

    def shape(self, usage: Usage, call: Call, body: Json) -> None:
        """Hashes of the request, and of the answer in the form that OpenAI's API has for it."""
        blocks.fill(usage, self.context, call.request, _answer(body))


def _count(usage: Usage, billed: Billed) -> None:
    given, made, image = billed.input_tokens, billed.output_tokens, billed.image_tokens
    if given is None and made is None and not image:
        raise BadRecord("billed_units: no tokens; searches and classifications are not metered")
    usage.uncached_input_tokens = given or 0
    usage.image_input_tokens = image or 0
    usage.output_tokens = made or 0
    usage.web_search_requests = billed.search_units or 0


def _units(holder: Any) -> Any:
    return holder.get("billed_units") if isinstance(holder, dict) else None


def _answer(body: Json) -> Json:
    """The message, or the text of the first version, where the hashes look for it."""
    message, text = body.get("message"), body.get("text")
    if isinstance(message, dict):
        return {"choices": [{"message": message}]}
    return {"content": [{"type": "text", "text": text}]} if isinstance(text, str) else {}


def _folded(events: list[Any]) -> Json:
    """The body of a stream: https://docs.cohere.com/v2/docs/streaming."""
    body: Json = {}
    text: list[str] = []
    for event in (event for event in events if isinstance(event, dict)):
        if isinstance(event.get("response"), dict):
            return dict(event["response"])
        kind, delta = event.get("type"), event.get("delta")
        if kind == "message-start":
            body["id"] = event.get("id")
        if not isinstance(delta, dict):
            continue
        if kind == "message-end":
            body |= {k: delta[k] for k in ("finish_reason", "usage") if k in delta}
        message = delta.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, dict) and isinstance(content.get("text"), str):
            text.append(content["text"])
    body["message"] = {"content": "".join(text)}
    return body
