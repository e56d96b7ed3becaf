"""Vertex AI's request–response log, as BigQuery exports its rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, ClassVar

from tokman.errors import BadRecord
from tokman.sources.base import Context, Stateless
from tokman.sources.facts import short, time_us, word
from tokman.sources.providers.anthropic import Anthropic
from tokman.sources.providers.envelope import Call, Json, decoded, family
from tokman.sources.providers.gemini import Gemini
from tokman.sources.providers.openai import OpenAI
from tokman.sources.providers.traffic import MISSHAPEN, Traffic
from tokman.usage import Usage

_READERS: dict[str, type[Traffic]] = {"gemini": Gemini, "anthropic": Anthropic, "openai": OpenAI}
_PLACE = re.compile(r"/locations/([\w-]+)/")
_PROJECT = re.compile(r"projects/([\w.:-]+)/")


class Vertex(Stateless):
    """Reads rows of Gemini, and of other makers' models in their own shapes.

    The log may hold a sample of the calls only (`samplingRate`), and does not say so:
    https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/request-response-logging.
    Not checked on real rows: models other than Gemini, and `response_payload` without
    `full_response`.
    """

    name: ClassVar[str] = "vertex"
    title: ClassVar[str] = "Vertex AI request–response logs"
    locations: ClassVar[tuple[str, ...]] = ()
    record_type: ClassVar[Any] = dict[str, Any]

    def __init__(self, context: Context) -> None:
        self.context = context

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True for a row with a response and the time when it was logged."""
        answered = "full_response" in record or "response_payload" in record
        return answered and "logging_time" in record

    @staticmethod
    def row(row: dict[str, str]) -> Json:
        """A row of a CSV export, whose JSON columns are texts."""
        return dict(row)

    from_row: ClassVar[Callable[[dict[str, str]], Any] | None] = row

    def parse(self, record: Json, line: int) -> Iterable[Usage]:
        """The rows of one call."""
        try:
            usages = list(self._usages(record))
        except MISSHAPEN as error:
            raise BadRecord(f"not the shape of a Vertex row: {type(error).__name__}") from error
        for usage in usages:
            usage.line = line
        return usages

    def _usages(self, record: Json) -> Iterable[Usage]:
        path = str(record.get("model") or record.get("deployed_model_id") or "")
        place = f"{record.get('endpoint') or ''}/{path}"
        body = _body(record, "full_response", "response_payload")
        request = _body(record, "full_request", "request_payload")
        call = Call(record={}, body=body, url=f"https://aiplatform.googleapis.com/v1/{path}")
        call.request = request if isinstance(request, dict) else None
        metadata = decoded(record.get("metadata"))
        took = metadata.get("request_latency") if isinstance(metadata, dict) else None
        if isinstance(took, int | float) and 0 <= took < 1e9:
            call.duration_ms = round(took)
        call.started_at = _started(record, body, call.duration_ms)
        reader = _READERS.get(family(call) or "")
        if reader is None:
            raise BadRecord("full_response: no answer of a model that states its tokens")
        for usage in reader(self.context).read(call):
            usage.source, usage.provider_name = self.name, "gcp.vertex_ai"
            usage.request_model = word(path.rpartition("/")[2]) or usage.request_model
            usage.response_model = usage.response_model or usage.request_model
            if usage.call_id.startswith(f"{reader.name}:") and record.get("request_id"):
                usage.call_id = f"{self.name}:{record['request_id']}"[:200]
            region, project = _where(place)
            usage.inference_geo = region or usage.inference_geo
            usage.project = usage.project or project
            if usage.stream is None:
                usage.stream = "stream" in str(record.get("api_method")).lower()
            yield usage


@lru_cache(maxsize=100)
def _where(place: str) -> tuple[str | None, str | None]:
    """The region and the project of an endpoint and a model."""
    region, project = _PLACE.search(place), _PROJECT.search(place)
    return region[1] if region else None, short(project[1]) if project else None


def _body(record: Json, whole: str, parts: str) -> Any:
    """The JSON column, else the texts of the payload column, of which a stream has several."""
    body = decoded(record.get(whole))
    if body:
        return body
    pieces = decoded(record.get(parts))
    pieces = [decoded(piece) for piece in pieces] if isinstance(pieces, list) else []
    flat = [x for piece in pieces for x in (piece if isinstance(piece, list) else [piece])]
    return flat[0] if len(flat) == 1 else flat


def _started(record: Json, body: Any, took_ms: int | None) -> int | None:
    """When the call began, from when it was logged; None where the answer itself says it."""
    if isinstance(body, dict) and ("create_time" in body or "createTime" in body):
        return None
    logged = time_us(record.get("logging_time"), "logging_time")
    return None if logged is None else logged - (took_ms or 0) * 1000
