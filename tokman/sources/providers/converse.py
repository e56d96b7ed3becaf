"""Bedrock's Converse API, as raw traffic."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar
from urllib.parse import unquote

import msgspec

from tokman.columns import LONGEST
from tokman.errors import BadRecord
from tokman.sources.facts import STANDARD_TIERS, word
from tokman.sources.providers import blocks, converse_body, estimate
from tokman.sources.providers.converse_usage import ConverseUsage, fill
from tokman.sources.providers.envelope import Call, Json, family_of
from tokman.sources.providers.traffic import Traffic
from tokman.usage import Usage

_MODEL = re.compile(r"/model/([^/?]+)/converse")


class Converse(Traffic):
    """Reads answers of Converse and ConverseStream, with a model where address or request say it.

    Streams were not checked on recorded ones.
    """

    name: ClassVar[str] = "converse"
    title: ClassVar[str] = "AWS Bedrock Converse traffic"

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True for a Converse answer or stream, bare or in an envelope."""
        return family_of(record) == "converse"

    def read(self, call: Call) -> Iterable[Usage]:
        """The one row of a call."""
        body, complete = call.body, True
        if isinstance(body, list):
            body, complete = converse_body.folded(body)
        request = call.request or {}
        in_url = _MODEL.search(call.url)
        model = unquote(in_url[1]) if in_url else request.get("modelId")
        usage = self.row(call, body, _request_id(body), model)
        usage.provider_name = "aws.bedrock"
        usage.request_model = usage.request_model or usage.response_model
        usage.finish_reason = word(body.get("stopReason"))
        metrics, tier = body.get("metrics"), body.get("serviceTier")
        latency = metrics.get("latencyMs") if isinstance(metrics, dict) else None
        if usage.duration_ms is None and type(latency) is int and 0 <= latency < LONGEST:
            usage.duration_ms = latency
        served = tier.get("type") if isinstance(tier, dict) else None
        if not isinstance(served, str) or served not in STANDARD_TIERS:
            usage.service_tier = word(served)
        if not call.failed and complete:
            self._count(usage, body)
        elif not call.failed and not estimate.fill(usage, _plain(call), body):
            usage.output_basis = "partial"
        yield usage

    def shape(self, usage: Usage, call: Call, body: Json) -> None:
        """Hashes of both in the form that Anthropic's API has for them."""
        blocks.fill(usage, self.context, _plain(call), converse_body.plain_answer(body))

    def _count(self, usage: Usage, body: Json) -> None:
        stated = msgspec.convert(body.get("usage"), ConverseUsage)
        if stated.inputTokens is None or stated.outputTokens is None:
            raise BadRecord("usage: inputTokens or outputTokens missing")
        stated.check()
        read, written = stated.read or 0, stated.written or 0
        fill(usage, stated.inputTokens, read, written, stated.written_1h, stated.outputTokens)


def _plain(call: Call) -> Json | None:
    return converse_body.plain_request(call.request) if call.request else None


def _request_id(body: Json) -> Any:
    """AWS's id of the request, where the client library's metadata was logged too."""
    metadata = body.get("ResponseMetadata")
    return metadata.get("RequestId") if isinstance(metadata, dict) else None
