"""Spans as files hold them: OTLP/JSON, and the flat lines of exporters that write no OTLP.

OTLP/JSON: https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md
(ids are hex; dumps of the protobuf messages have them in base64, and names in snake_case).
Flat: Python's ConsoleSpanExporter and `to_json`, JavaScript's ConsoleSpanExporter, Copilot's file
exporter, Phoenix's spans (https://arize.com/docs/phoenix). Values of attributes stay undecoded
unless they are read.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Container, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from tokman.errors import BadRecord
from tokman.sources.facts import time_us, word
from tokman.sources.traces.names import WANTED, Facts, facts_of
from tokman.sources.traces.spoken import (
    Spoken,
    is_spoken,
    leads_to_spoken,
    plain,
    put_together,
)

Time = str | int | float | list[int] | None


class Array(msgspec.Struct, gc=False):
    """The elements of an array attribute."""

    values: list[Value] | None = None


class Value(msgspec.Struct, gc=False):
    """One attribute's value; objects and bytes are no facts."""

    stringValue: str | None = None
    intValue: int | str | None = None
    doubleValue: float | str | None = None
    boolValue: bool | None = None
    arrayValue: Array | None = None
    string_value: str | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    bool_value: bool | None = None
    array_value: Array | None = None

    def plain(self) -> Any:
        """The value as Python has it."""
        if self.stringValue is not None:
            return self.stringValue
        if self.intValue is not None:
            return self.intValue
        for value in (
            *(self.doubleValue, self.boolValue),
            *(self.string_value, self.int_value, self.double_value, self.bool_value),
        ):
            if value is not None:
                return value
        array = self.arrayValue or self.array_value
        return [value.plain() for value in array.values or ()] if array else None


class Attribute(msgspec.Struct, gc=False):
    """A name and its value."""

    key: str
    value: msgspec.Raw = msgspec.Raw(b"null")


class Status(msgspec.Struct, gc=False):
    """How a span ended."""

    code: int | str | None = None
    status_code: int | str | None = None

    def failed(self) -> bool:
        """True for ERROR, in any of its spellings."""
        code = self.code if self.code is not None else self.status_code
        return code == 2 or str(code).upper().endswith("ERROR")


class Entry(msgspec.Struct, gc=False):
    """A span of OTLP, or a log record, which has one time and no parent."""

    traceId: str | None = None
    spanId: str | None = None
    parentSpanId: str | None = None
    startTimeUnixNano: int | str | None = None
    endTimeUnixNano: int | str | None = None
    timeUnixNano: int | str | None = None
    eventName: str | None = None
    attributes: list[Attribute] | None = None
    status: Status | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    start_time_unix_nano: int | str | None = None
    end_time_unix_nano: int | str | None = None
    time_unix_nano: int | str | None = None
    event_name: str | None = None


class Scope(msgspec.Struct, gc=False):
    """The spans or log records of one instrumentation."""

    spans: list[Entry] | None = None
    logRecords: list[Entry] | None = None
    log_records: list[Entry] | None = None


class Resource(msgspec.Struct, gc=False):
    """What wrote the spans."""

    attributes: list[Attribute] | None = None


class Batch(msgspec.Struct, gc=False):
    """The spans or log records of one resource."""

    resource: Resource | None = None
    scopeSpans: list[Scope] | None = None
    instrumentationLibrarySpans: list[Scope] | None = None
    scope_spans: list[Scope] | None = None
    scopeLogs: list[Scope] | None = None
    scope_logs: list[Scope] | None = None


class Ids(msgspec.Struct, gc=False):
    """The ids of a flat span."""

    trace_id: str | None = None
    span_id: str | None = None
    traceId: str | None = None
    spanId: str | None = None


class FlatResource(msgspec.Struct):
    """The resource beside a flat span."""

    attributes: dict[str, Any] | None = None


class Line(msgspec.Struct):
    """A record of a trace file: a batch of OTLP, or one flat span."""

    resourceSpans: list[Batch] | None = None
    resourceLogs: list[Batch] | None = None
    resource_spans: list[Batch] | None = None
    resource_logs: list[Batch] | None = None
    type: str | None = None
    id: str | int | None = None
    traceId: str | None = None
    spanId: str | None = None
    parentSpanId: str | None = None
    parentId: str | None = None
    parent_id: str | None = None
    parentSpanContext: Ids | None = None
    context: Ids | None = None
    spanContext: Ids | None = None
    span_kind: str | None = None
    startTime: Time = None
    endTime: Time = None
    start_time: Time = None
    end_time: Time = None
    timestamp: Time = None
    time: Time = None
    hrTime: Time = None
    duration: float | list[int] | None = None
    status: Status | str | None = None
    status_code: str | int | None = None
    attributes: msgspec.Raw = msgspec.Raw(b"null")
    resource: FlatResource | None = None


_value = msgspec.json.Decoder(Value | None)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeError)
_PREFIXES = frozenset(
    name[:place] for name in WANTED for place, letter in enumerate(name) if letter == "."
)


def attributes_of(
    listed: list[Attribute] | None, wanted: Container[str]
) -> Iterator[tuple[str, Any]]:
    """The wanted ones of a list of names and typed values."""
    decode = _value.decode
    for attribute in listed or ():
        if attribute.key in wanted:
            value = decode(attribute.value)
            if value is not None:
                yield attribute.key, value.plain()


def flat_facts(raw: msgspec.Raw) -> Facts:
    """The facts in an object with dotted names, or with objects inside objects."""
    return facts_of(_flattened(raw, ""))


def _flattened(raw: msgspec.Raw, prefix: str) -> Iterator[tuple[str, Any]]:
    if bytes(memoryview(raw)[:1]) != b"{":
        return
    for key, value in _object.decode(raw).items():
        name = prefix + key
        if name in WANTED:
            yield name, msgspec.json.decode(value)
        elif name in _PREFIXES:
            yield from _flattened(value, name + ".")


def spoken_of(listed: list[Attribute] | None) -> Spoken:
    """The attributes with texts of a list."""
    said = [each for each in listed or () if is_spoken(each.key)]
    try:
        return put_together((each.key, plain(each.value)) for each in said) if said else {}
    except _UNREADABLE:
        return {}


def flat_spoken(raw: msgspec.Raw) -> Spoken:
    """The attributes with texts in an object, as `flat_facts` reads it."""
    try:
        return put_together(_spoken_in(raw, ""))
    except _UNREADABLE:
        return {}


def _spoken_in(raw: msgspec.Raw, prefix: str) -> Iterator[tuple[str, Any]]:
    if bytes(memoryview(raw)[:1]) != b"{":
        return
    for key, value in _object.decode(raw).items():
        name = prefix + key
        if is_spoken(name):
            yield name, msgspec.json.decode(value)
        elif leads_to_spoken(name):
            yield from _spoken_in(value, name + ".")


@lru_cache(maxsize=10_000)
def hex_id(text: str | None) -> str | None:
    """An id in lower-case hex; None for an empty or all-zero one, which means there is none."""
    if not text:
        return None
    if len(text) in (12, 24) and not _is_hex(text):
        try:
            text = base64.b64decode(text, validate=True).hex()
        except (binascii.Error, ValueError):
            raise BadRecord("an id that is neither hex nor base64") from None
    text = text.lower().removeprefix("0x")
    if word(text) is None:
        raise BadRecord("an id that looks like a text")
    return text if text.count("0") < len(text) else None


def readable_id(text: str | None) -> str | None:
    """The same, None too where it is none."""
    try:
        return hex_id(text)
    except ValueError:
        return None


def _is_hex(text: str) -> bool:
    return all(letter in "0123456789abcdefABCDEF" for letter in text)


def nano_us(value: int | str | None, field: str) -> int | None:
    """Nanoseconds since 1970, a number or a decimal text, as microseconds; 0 means not known."""
    if value is None or value == "":
        return None
    try:
        micros = int(value) // 1000
    except ValueError:
        micros = -1
    if not 0 <= micros < 2**53:
        raise BadRecord(f"{field}: not a time")
    return micros or None


def flat_us(value: Time, field: str) -> int | None:
    """The time of a flat span: ISO 8601, an epoch number, or [seconds, nanoseconds]."""
    if isinstance(value, list):
        if len(value) != 2 or not 0 <= value[0] < 2**33 or not 0 <= value[1] < 10**9:
            raise BadRecord(f"{field}: not a time")
        return value[0] * 1_000_000 + value[1] // 1000
    return time_us(value, field)
