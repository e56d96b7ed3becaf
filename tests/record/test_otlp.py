"""Protobuf and JSON of the same spans give the same calls.

The JSON is made by protobuf's own writer; what is OTLP's own in it, ids in hex, is put right here.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.sources.traces import test_otel as otel
from tokman.record.otlp import JSON, PROTOBUF, Malformed, Request, Signal, read
from tokman.sources.base import Refused
from tokman.sources.traces.names import RESOURCE, WANTED
from tokman.sources.traces.otel import OpenTelemetry
from tokman.usage import Usage

NAMES = sorted({*WANTED, "gen_ai.input.messages", "gen_ai.prompt", "http.url"})
ABOUT = sorted({name for names in RESOURCE.values() for name in names} | {"host.name"})

scalars = st.one_of(
    st.text(max_size=12),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 5000),
    st.floats(),
    st.booleans(),
    st.sampled_from(["chat", "invoke_agent", "execute_tool", "gpt-5.5", "openai"]),
)
plain = st.one_of(scalars, st.binary(max_size=5), st.none())
values = st.one_of(
    plain,
    st.lists(plain, max_size=3),
    st.dictionaries(st.sampled_from(["role", "content", "x"]), plain, max_size=3),
    st.sampled_from(['[{"role": "user", "content": "hi there"}]', "a text that was asked"]),
)


def put(to: Any, value: Any) -> None:
    """Set an AnyValue."""
    if isinstance(value, bool):
        to.bool_value = value
    elif isinstance(value, int):
        to.int_value = value
    elif isinstance(value, float):
        to.double_value = value
    elif isinstance(value, bytes):
        to.bytes_value = value
    elif isinstance(value, dict):
        to.kvlist_value.SetInParent()
        put_all(to.kvlist_value.values, value)
    elif isinstance(value, list):
        to.array_value.SetInParent()
        for each in value:
            put(to.array_value.values.add(), each)
    elif value is not None:
        to.string_value = value


def put_all(to: Any, attributes: dict[str, Any]) -> None:
    for key, value in attributes.items():
        attribute = to.add()
        attribute.key = key
        put(attribute.value, value)


@st.composite
def requests(draw: st.DrawFn) -> Any:
    request = ExportTraceServiceRequest()
    for _ in range(draw(st.integers(0, 2))):
        batch = request.resource_spans.add()
        put_all(batch.resource.attributes, draw(st.dictionaries(st.sampled_from(ABOUT), values)))
        scope = batch.scope_spans.add()
        for _ in range(draw(st.integers(0, 3))):
            span = scope.spans.add()
            span.trace_id = draw(st.binary(min_size=16, max_size=16))
            span.span_id = draw(st.binary(min_size=8, max_size=8))
            span.parent_span_id = draw(st.sampled_from([b"", b"\1" * 8]))
            span.name = "a span"
            span.start_time_unix_nano = draw(st.integers(0, 2**64 - 1))
            span.end_time_unix_nano = draw(st.integers(0, 2**63))
            span.status.code = draw(st.sampled_from([0, 1, 2]))
            span.status.message = "failed"
            put_all(span.attributes, draw(st.dictionaries(st.sampled_from(NAMES), values)))
            put_all(span.events.add().attributes, {"gen_ai.prompt": "x"})
    return request


def as_otlp_json(request: Any) -> bytes:
    """What an exporter of OTLP/JSON sends: enumerations as numbers, ids in hex."""
    body = MessageToDict(request, use_integers_for_enums=True)
    for batch in (*body.get("resourceSpans", ()), *body.get("resourceLogs", ())):
        for scope in (*batch.get("scopeSpans", ()), *batch.get("scopeLogs", ())):
            for entry in (*scope.get("spans", ()), *scope.get("logRecords", ())):
                for name in {"traceId", "spanId", "parentSpanId"} & entry.keys():
                    entry[name] = base64.b64decode(entry[name]).hex()
    return json.dumps(body).encode()


def rows(request: Request) -> list[Usage | Refused]:
    source = OpenTelemetry(otel.CONTEXT)
    return [*source.parse(request.line, 1), *source.finish()]


@settings(deadline=None)
@given(requests())
def test_both_forms_give_the_calls_of_the_same_file(request: Any) -> None:
    body = as_otlp_json(request)
    from_protobuf = read("traces", PROTOBUF, request.SerializeToString())
    from_json = read("traces", JSON, body)
    spans = sum(len(scope.spans) for b in request.resource_spans for scope in b.scope_spans)
    assert from_protobuf.entries == from_json.entries == spans
    record = json.loads(body)
    in_file = otel.read([record]) if record.get("resourceSpans") else []
    assert rows(from_protobuf) == rows(from_json) == in_file


def test_texts_are_counted_and_hashed_alike() -> None:
    """A span without token counts: they are from its texts, whatever form these are in."""
    asked = [{"role": "user", "parts": [{"type": "text", "content": "what is it? " * 50}]}]
    answered = [{"role": "assistant", "parts": [{"type": "text", "content": "that is it " * 20}]}]
    found = []
    for form in (json.dumps, list):
        request = ExportTraceServiceRequest()
        span = request.resource_spans.add().scope_spans.add().spans.add()
        span.trace_id, span.span_id = b"\2" * 16, b"\1" * 8
        named = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5.5"}
        texts = {"gen_ai.input.messages": asked, "gen_ai.output.messages": answered}
        put_all(span.attributes, named | {name: form(value) for name, value in texts.items()})
        found += rows(read("traces", PROTOBUF, request.SerializeToString()))
        found += rows(read("traces", JSON, as_otlp_json(request)))
    first, *others = found
    assert isinstance(first, Usage) and others == [first] * 3
    assert first.uncached_input_tokens > 100 and first.output_tokens > 50
    assert first.count_basis != "reported" and first.block_hashes


def test_a_log_record_that_tells_of_a_call() -> None:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.trace_id, record.span_id = bytes.fromhex(otel.TRACE), b"\1" * 8
    record.time_unix_nano = otel.START
    put_all(
        record.attributes,
        {
            "event.name": "gen_ai.client.inference.operation.details",
            "gen_ai.request.model": "gpt-5.5",
            "gen_ai.usage.input_tokens": 5,
            "gen_ai.usage.output_tokens": 7,
            "tokman.case": "login",
        },
    )
    for found in (
        read("logs", PROTOBUF, request.SerializeToString()),
        read("logs", JSON, as_otlp_json(request)),
    ):
        (call,) = rows(found)
        assert isinstance(call, Usage)
        assert (call.output_tokens, call.case_id) == (7, "login")
        assert found.entries == 1


def test_a_programs_own_log_is_no_call() -> None:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add().body.string_value = "started"
    for found in (
        read("logs", PROTOBUF, request.SerializeToString()),
        read("logs", JSON, as_otlp_json(request)),
    ):
        assert found.entries == 1 and rows(found) == []


@settings(deadline=None)
@given(st.sampled_from(["traces", "logs", "metrics"]), st.sampled_from([JSON, PROTOBUF]), st.data())
def test_any_bytes_are_a_request_or_malformed(signal: Signal, form: str, data: Any) -> None:
    body = data.draw(st.binary(max_size=60))
    try:
        read(signal, form, body)
    except Malformed as error:
        assert str(error)


@settings(deadline=None)
@given(requests(), st.data())
def test_a_damaged_request_is_one_or_malformed(request: Any, data: Any) -> None:
    body = bytearray(request.SerializeToString())
    if body:
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        try:
            rows(read("traces", PROTOBUF, bytes(body)))
        except Malformed as error:
            assert str(error)


def test_deep_nesting_is_malformed() -> None:
    span = otel.chat(1, None, 5, 7)
    span["attributes"].append({"key": "gen_ai.request.model", "value": 0})
    nested = b'{"arrayValue":{"values":[' * 2000 + b"{}" + b"]}}" * 2000
    body = msgspec.json.encode(otel.batch(span)).replace(b'"value":0', b'"value":' + nested)
    with pytest.raises(Malformed):
        read("traces", JSON, body)
