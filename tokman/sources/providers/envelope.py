"""Raw API traffic as people log it, taken apart: request, response, address, time, tags."""

from __future__ import annotations

from typing import Any

import msgspec

from tokman.errors import BadRecord
from tokman.sources.facts import provider, time_us

Json = dict[str, Any]

_TIMES = (
    *("started_at", "start_time", "startTime", "timestamp", "ts", "time"),
    *("response_date", "created_at", "processed_time"),
)
_DURATIONS = ("duration_ms", "latency_ms", "elapsed_ms", "response_time_ms")
_TIME_KEYS, _DURATION_KEYS = frozenset(_TIMES), frozenset(_DURATIONS)
_GEMINI = frozenset(("usageMetadata", "usage_metadata", "candidates", "promptFeedback"))
_CONVERSE = frozenset(("output", "stopReason"))
_OTHERS = frozenset(("data", "text", "outputs"))
_BATCH = frozenset(("custom_id", "key", "processed_time"))
_ADDRESS = frozenset(("uri", "url", "method"))
_FOREIGN = frozenset(
    (
        *("call_type", "spend", "response_cost", "payload", "observations", "usageDetails"),
        *("usage_details", "parentObservationId", "parent_observation_id"),
        *("resourceSpans", "resourceLogs", "resourceMetrics", "schemaType"),
        *("full_response", "response_payload"),
        *("ai_org", "selected_key_id", "response_body", "ResponseBody"),
    )
)
"""Keys of other formats whose records may hold an API body; never in those read here."""


_NOTHING: Json = {}
_COHERE_EVENTS = ("message-start", "content-delta", "message-end", "text-generation", "stream-end")
_COHERE_PARTS = frozenset(("delta", "id", "response", "text"))


class Call(msgspec.Struct, kw_only=True):
    """One logged call with its envelope removed."""

    record: Json
    body: Any
    """The response: an object, or the list of events of a stream."""
    request: Json | None = None
    url: str = ""
    started_at: int | None = None
    duration_ms: int | None = None
    status_code: int | None = None
    batch: bool = False
    family: str | None = None
    """The source that reads this shape of body; None if there is none."""

    @property
    def failed(self) -> bool:
        """True where the provider answered with an error."""
        if self.status_code is not None and self.status_code >= 400:
            return True
        return isinstance(self.body, dict) and bool(self.body.get("error"))


def decoded(value: Any) -> Any:
    """A body as an object: JSON text is parsed, server-sent events become the list of them."""
    if not isinstance(value, str):
        return value
    text = value.lstrip("\ufeff \r\n\t")
    try:
        if text.startswith(("{", "[")):
            return msgspec.json.decode(text)
        if text.startswith(("data:", "event:", "id:", ":")):
            lines = (ln[5:].strip() for ln in text.splitlines() if ln.startswith("data:"))
            return [msgspec.json.decode(ln) for ln in lines if ln.startswith("{")]
    except msgspec.DecodeError as error:
        raise BadRecord(f"body: {error}") from None
    return value


def unwrap(record: Json) -> Call | None:
    """The call in a record of raw traffic, its family told; None where it is no such record."""
    if not _FOREIGN.isdisjoint(record):
        return None
    call = _opened(record)
    if isinstance(call.body, str | None):
        call.body = {}
    call.family = family(call)
    if call.family is None:
        return None
    for key in () if _TIME_KEYS.isdisjoint(record) else _TIMES:
        value = record.get(key)
        if value and not (isinstance(value, int | float) and value < 1e8):
            call.started_at = time_us(value, key)
            break
    if not _DURATION_KEYS.isdisjoint(record):
        duration = next((record[k] for k in _DURATIONS if record.get(k) is not None), None)
        if isinstance(duration, int | float) and 0 <= duration < 1e9:
            call.duration_ms = round(duration)
    return call


def _opened(record: Json) -> Call:
    url = str(record.get("uri") or record.get("url") or "")
    if "custom_id" in record and isinstance(result := record.get("result"), dict):
        # https://platform.claude.com/docs/en/api/retrieving-message-batch-results
        kind = result.get("type")
        body = result.get("message") if kind == "succeeded" else result.get("error")
        if kind != "succeeded" and not (isinstance(body, dict) and body.get("error")):
            body = {"type": "error", "error": body or {"type": kind}}
        return Call(record=record, body=body, url=url, batch=True)
    if "response" in record and record.get("object") is None:
        body, status, _ = _http(record["response"])
        request, _, inner_url = _http(record.get("request"))
        batch = not _BATCH.isdisjoint(record)
        if not body and record.get("error"):
            body = {"error": record["error"]}
        call = Call(record=record, body=body, url=url or inner_url, batch=batch)
        call.request = request if isinstance(request, dict) else None
        call.status_code = status
    elif "body" in record and not _ADDRESS.isdisjoint(record):
        call = Call(record=record, body=decoded(record["body"]), url=url)
        request = decoded(record.get("request") or record.get("request_body"))
        call.request = request if isinstance(request, dict) else None
    elif "input" in record and "output" in record and record.get("object") is None:
        request = decoded(record["input"])
        call = Call(record=record, body=decoded(record["output"]), url=url)
        call.request = request if isinstance(request, dict) else None
    else:
        call = Call(record=record, body=record)
    if call.status_code is None:
        status = record.get("status_code", record.get("status"))
        call.status_code = status if type(status) is int else None
    return call


def _http(message: Any) -> tuple[Any, int | None, str]:
    """The body, status and address of a message that may be wrapped as an HTTP one."""
    if not isinstance(message, dict):
        message = decoded(message)
    if not isinstance(message, dict) or "body" not in message:
        return message, None, ""
    status = message.get("status_code", message.get("status", message.get("statusCode")))
    url = str(message.get("url") or message.get("uri") or "")
    return decoded(message["body"]), status if type(status) is int else None, url


def family(call: Call) -> str | None:
    """Whose shape the body has; an error's by its address or its form."""
    if isinstance(call.body, list):
        return next(filter(None, map(_shape, call.body[:8])), None)
    if not isinstance(call.body, dict):
        return None
    found = _shape(call.body)
    if found or not call.failed:
        return found
    host = provider(call.url)
    if host in ("anthropic", "gcp.gemini", "gcp.vertex_ai") and "/openai/" not in call.url:
        return "anthropic" if "anthropic" in call.url else "gemini"
    if host == "cohere":
        return "cohere"
    if host == "aws.bedrock":
        return "converse" if "/converse" in call.url else None
    error = call.body.get("error")
    if isinstance(error, dict) and isinstance(error.get("status"), str):
        return "gemini"
    named = isinstance(error, dict) and not {"type", "code", "param"}.isdisjoint(error)
    return "openai" if host or named or call.batch else None


def _shape(body: Any) -> str | None:
    if not isinstance(body, dict):
        return None
    kind, what = body.get("object"), body.get("type")
    usage = body.get("usage")
    if not _GEMINI.isdisjoint(body):
        return "gemini"
    if "messageStop" in body or "contentBlockDelta" in body:
        return "converse"
    counts = usage if isinstance(usage, dict) else _NOTHING
    if "inputTokens" in counts:
        return "converse" if not _CONVERSE.isdisjoint(body) else None
    if ("billed_units" in counts or "meta" in body) and isinstance(_billed(body), dict):
        return "cohere"
    if body.get("event_type", what) in _COHERE_EVENTS and not _COHERE_PARTS.isdisjoint(body):
        return "cohere"
    if kind is None and isinstance(what, str):
        if what == "message" and "role" in body and counts is usage:
            return "anthropic"
        if what == "error" and isinstance(body.get("error"), dict):
            return "anthropic"
        if what.startswith(("message_", "content_block_")):
            return "anthropic"
        if what.startswith("response.") and ("response" in body or "item_id" in body):
            return "openai"
    if kind in ("chat.completion", "text_completion", "response", "realtime.response"):
        return "openai"
    if kind == "chat.completion.chunk" or (kind is None and "choices" in body and "id" in body):
        return "openai"
    told = not _OTHERS.isdisjoint(body)
    return "openai" if told and "total_tokens" in counts else None


def _billed(body: Json) -> Any:
    """What Cohere bills: in `usage` of its second API, in `meta` of its first and of embeddings."""
    for key in ("usage", "meta"):
        holder = body.get(key)
        if isinstance(holder, dict) and "billed_units" in holder:
            return holder["billed_units"]
    return None


def family_of(record: Json) -> str | None:
    """The family of a record of raw traffic, None for any other record."""
    try:
        call = unwrap(record)
    except ValueError:
        return None
    return call.family if call else None
