"""Bodies of OTLP requests, in JSON or protobuf, as records of the traces' source.

https://opentelemetry.io/docs/specs/otlp/
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from tokman.sources.traces.names import RESOURCE, WANTED
from tokman.sources.traces.record import Attribute, Batch, Entry, Line, Resource, Scope, Status
from tokman.sources.traces.spoken import is_spoken

Signal = Literal["traces", "logs", "metrics"]
SIGNALS: tuple[Signal, ...] = ("traces", "logs", "metrics")

JSON, PROTOBUF = "application/json", "application/x-protobuf"

INVALID_ARGUMENT = 3
"""Of google.rpc.Code."""

_ABOUT = frozenset(name for names in RESOURCE.values() for name in names)
_line = msgspec.json.Decoder(Line)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Malformed(ValueError):
    """A body that is no OTLP request, and why."""


class Request(msgspec.Struct, frozen=True):
    """What one request holds."""

    line: Line
    """As a line of OTLP/JSON would have been decoded."""
    entries: int
    """Spans or log records."""


def read(signal: Signal, form: str, body: bytes) -> Request:
    """The request in a body; Malformed where it is none. Metrics are sums, not calls: of them only
    the form is checked."""
    line = _of_json(signal, body) if form == JSON else _of_protobuf(signal, body)
    return Request(line, sum(1 for _ in _entries(line)))


def accepted(form: str) -> bytes:
    """The body of the answer to a request that was taken whole: an empty message."""
    return b"{}" if form == JSON else b""


def refused(form: str, reason: str, code: int = INVALID_ARGUMENT) -> bytes:
    """The body of the answer to one that was not: a google.rpc.Status."""
    reason = reason[:200]
    if form != PROTOBUF:
        return msgspec.json.encode({"code": code, "message": reason})
    text = reason.encode()
    return bytes((8, code, 18)) + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes((low | 128,)) + _varint(rest) if rest else bytes((low,))


def _entries(line: Line) -> Iterator[Entry]:
    for batch in line.resourceSpans or ():
        for scopes in (batch.scopeSpans, batch.scope_spans, batch.instrumentationLibrarySpans):
            for scope in scopes or ():
                yield from scope.spans or ()
    for batch in line.resourceLogs or ():
        for scopes in (batch.scopeLogs, batch.scope_logs):
            for scope in scopes or ():
                yield from scope.logRecords or scope.log_records or ()


def _of_json(signal: Signal, body: bytes) -> Line:
    try:
        if signal == "metrics":
            _object.decode(body)
            return Line()
        line = _line.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error)) from None
    if signal == "traces":
        return Line(resourceSpans=line.resourceSpans or line.resource_spans)
    return Line(resourceLogs=line.resourceLogs or line.resource_logs)


def _of_protobuf(signal: Signal, body: bytes) -> Line:
    from google.protobuf.message import DecodeError

    try:
        message = _message(signal)
        message.ParseFromString(body)
    except (DecodeError, RecursionError) as error:
        raise Malformed(f"not an OTLP message: {error}") from None
    if signal == "traces":
        return Line(resourceSpans=[_traced(each) for each in message.resource_spans])
    if signal == "logs":
        return Line(resourceLogs=[_logged(each) for each in message.resource_logs])
    return Line()


def _message(signal: Signal) -> Any:
    """An empty message of what a client sends."""
    from importlib import import_module

    name = "trace" if signal == "traces" else signal
    place = import_module(f"opentelemetry.proto.collector.{name}.v1.{name}_service_pb2")
    return getattr(place, f"Export{name.title()}ServiceRequest")()


def _traced(batch: Any) -> Batch:
    scopes = [Scope(spans=[_span(each) for each in scope.spans]) for scope in batch.scope_spans]
    return Batch(resource=_resource(batch), scopeSpans=scopes)


def _logged(batch: Any) -> Batch:
    scopes = [
        Scope(logRecords=[_event(each) for each in scope.log_records]) for scope in batch.scope_logs
    ]
    return Batch(resource=_resource(batch), scopeLogs=scopes)


def _resource(batch: Any) -> Resource:
    found = (each for each in batch.resource.attributes if each.key in _ABOUT)
    return Resource(attributes=_attributes(found))


def _span(span: Any) -> Entry:
    """The ids in hex, as OTLP/JSON writes them, and not in base64 as other JSON of protobuf."""
    return Entry(
        traceId=span.trace_id.hex(),
        spanId=span.span_id.hex(),
        parentSpanId=span.parent_span_id.hex(),
        startTimeUnixNano=span.start_time_unix_nano,
        endTimeUnixNano=span.end_time_unix_nano,
        attributes=_attributes(filter(_is_read, span.attributes)),
        status=Status(code=span.status.code),
    )


def _event(record: Any) -> Entry:
    return Entry(
        traceId=record.trace_id.hex(),
        spanId=record.span_id.hex(),
        timeUnixNano=record.time_unix_nano,
        eventName=getattr(record, "event_name", "") or None,
        attributes=_attributes(filter(_is_read, record.attributes)),
    )


def _is_read(attribute: Any) -> bool:
    return attribute.key in WANTED or is_spoken(attribute.key)


def _attributes(attributes: Iterable[Any]) -> list[Attribute]:
    encode = msgspec.json.encode
    return [
        Attribute(key=each.key, value=msgspec.Raw(encode(_value(each.value))))
        for each in attributes
    ]


def _value(value: Any) -> Any:
    """One typed value as OTLP/JSON has it: https://protobuf.dev/programming-guides/json/."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return {"stringValue": value.string_value}
    if kind == "int_value":
        return {"intValue": str(value.int_value)}
    if kind == "double_value":
        number = value.double_value
        return {"doubleValue": number if math.isfinite(number) else _NAMED[str(number)]}
    if kind == "bool_value":
        return {"boolValue": value.bool_value}
    if kind == "bytes_value":
        return {"bytesValue": b64encode(value.bytes_value).decode()}
    if kind == "array_value":
        return {"arrayValue": {"values": [_value(each) for each in value.array_value.values]}}
    if kind == "kvlist_value":
        pairs = [{"key": p.key, "value": _value(p.value)} for p in value.kvlist_value.values]
        return {"kvlistValue": {"values": pairs}}
    return {}


_NAMED = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
