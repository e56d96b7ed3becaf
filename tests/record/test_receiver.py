"""The receiver answers as the specification says, whatever is sent, and holds no more than it may.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.sources.traces import test_otel as otel
from tokman.record import bodies
from tokman.record.otlp import JSON, PROTOBUF, SIGNALS
from tokman.record.receiver import Receiver
from tokman.sources.traces.otel import OpenTelemetry
from tokman.sources.traces.record import Line
from tokman.usage import Usage

BATCH = otel.batch(otel.chat(1, None, 5, 7))
BODY = json.dumps(BATCH).encode()


@pytest.fixture
def taken() -> list[Line]:
    return []


@pytest.fixture
def receiver(taken: list[Line]) -> Iterator[Receiver]:
    with Receiver(taken.append) as opened:
        yield opened


class Answer:
    """What came back for one request."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.form = response.status, response.getheader("Content-Type")
        self.body = response.read()

    def reason(self) -> str:
        if self.form == PROTOBUF:
            return str(Status.FromString(self.body).message)
        return str(json.loads(self.body)["message"])


def post(
    receiver: Receiver, body: bytes = BODY, path: str = "/v1/traces", form: str = JSON, **more: Any
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
    headers = {"Content-Type": form, **{k.replace("_", "-"): v for k, v in more.items()}}
    connection.request("POST", path, body, headers)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def raw(receiver: Receiver, sent: bytes) -> bytes:
    """What comes back for these bytes, after which no more are sent."""
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=20) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
    return answer


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(("form", "body"), [(JSON, b"{}"), (PROTOBUF, b"")])
def test_an_empty_request_is_one(signal: str, form: str, body: bytes, receiver: Receiver) -> None:
    answer = post(receiver, body, f"/v1/{signal}", form)
    assert (answer.status, answer.form, answer.body) == (200, form, body)
    if form == PROTOBUF:
        assert not ExportTraceServiceResponse.FromString(answer.body).HasField("partial_success")
    assert receiver.tally.requests == {signal: 1} and not receiver.tally.refused


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(
    ("form", "body"),
    [
        *((JSON, body) for body in (b"", b"{", b"[]", b"7", b"\xff\xfe", b"null", b"[" * 100_000)),
        *((PROTOBUF, body) for body in (b"\xff", b"\x0a\x7f", b"{}")),
    ],
)
def test_a_malformed_one_is_400(signal: str, form: str, body: bytes, receiver: Receiver) -> None:
    answer = post(receiver, body, f"/v1/{signal}", form)
    assert (answer.status, answer.form) == (400, form)
    assert answer.reason()
    assert receiver.tally.refused == {f"not OTLP of {signal} in {form}": 1}
    assert not receiver.tally.requests


@pytest.mark.parametrize(
    "body",
    [
        '{"resourceSpans": 5}',
        '{"resourceSpans": [5]}',
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": 5}]}]}]}',
        '{"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [{"value": 1}]}]}]}]}',
    ],
)
def test_of_another_shape_is_400(body: str, receiver: Receiver) -> None:
    assert post(receiver, body.encode()).status == 400


@pytest.mark.parametrize("form", [JSON, PROTOBUF, f"{JSON}; charset=utf-8"])
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
        ("identity", bytes),
    ],
)
def test_packed_bodies(
    form: str, encoding: str, packed: Any, receiver: Receiver, taken: list[Line]
) -> None:
    body = BODY if form != PROTOBUF else message()
    assert post(receiver, packed(body), form=form, Content_Encoding=encoding).status == 200
    assert receiver.tally.spans == 1
    (line,) = taken
    source = OpenTelemetry(otel.CONTEXT)
    assert not [*source.parse(line, 1)]
    (call,) = source.finish()
    assert isinstance(call, Usage)
    assert (call.uncached_input_tokens, call.output_tokens) == (5, 7)
    assert call.call_id == f"{otel.TRACE}:{1:016x}"


def message() -> bytes:
    """BATCH in protobuf, by protobuf's own reader of JSON, which takes ids in base64."""
    from base64 import b64encode

    from google.protobuf.json_format import Parse

    batch = json.loads(BODY)
    for span in batch["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in ("traceId", "spanId", "parentSpanId"):
            span[name] = b64encode(bytes.fromhex(span[name])).decode()
    request = Parse(json.dumps(batch), ExportTraceServiceRequest())
    return bytes(request.SerializeToString())


CHUNKED = (
    b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x;x=y\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def test_chunks(receiver: Receiver) -> None:
    """Exporters that compress while they send state no length."""
    ended = chunks(BODY[:10], BODY[10:])
    answer = raw(receiver, CHUNKED + ended + CHUNKED + ended)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert receiver.tally.spans == 2


HOSTILE = {
    "no length": (b"POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\n\r\n", 411),
    "not a request": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
    "no such path": (b"POST /admin HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 404),
    "no such method": (b"GET /v1/traces HTTP/1.1\r\n\r\n", 501),
    "no form": (b"POST /v1/traces HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 415),
    "a long line": (b"POST /v1/traces" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    "many headers": (b"POST /v1/traces HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
    "a chunk without size": (CHUNKED + b"zz\r\n", 400),
    "a chunk of less than nothing": (CHUNKED + b"-5\r\n", 400),
    "a chunk that lies": (CHUNKED + b"1\r\n{}\r\n0\r\n\r\n", 400),
    "a chunk of a terabyte": (CHUNKED + b"10000000000\r\n", 413),
    "chunks that end early": (CHUNKED + b"ff\r\n{", 400),
    "trailers without end": (CHUNKED + b"0\r\n" + b"a: b\r\n" * 200, 400),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_requests(name: str, receiver: Receiver) -> None:
    sent, status = HOSTILE[name]
    assert raw(receiver, sent).startswith(b"HTTP/1.1 %d " % status)
    assert sum(receiver.tally.refused.values()) == 1
    assert post(receiver).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Length": "-1"}, 400),
        ({"Content-Length": "1_0"}, 400),
        ({"Content-Length": "9" * 30}, 400),
        ({"Content-Length": str(10**12)}, 413),
        ({"Content-Length": "2", "content-length": "3"}, 400),
        ({"Content-Length": "2", "Transfer-Encoding": "chunked"}, 400),
        ({"Transfer-Encoding": "gzip, chunked"}, 400),
        ({"Content-Length": "2", "Content-Encoding": "zstd"}, 415),
        ({"Content-Length": "2", "Content-Encoding": "gzip"}, 400),
        ({"Content-Length": "9"}, 400),
    ],
)
def test_lengths_that_lie(headers: dict[str, str], status: int, receiver: Receiver) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST /v1/traces HTTP/1.1\r\nContent-Type: {JSON}\r\n{lines}\r\n"
    assert raw(receiver, head.encode() + b"{}").startswith(b"HTTP/1.1 %d " % status)
    assert sum(receiver.tally.refused.values()) == 1


def test_a_cut_packed_body(receiver: Receiver) -> None:
    answer = post(receiver, gzip.compress(BODY)[:-9], Content_Encoding="gzip")
    assert answer.status == 400


def test_a_program_that_speaks_grpc_is_told_what_to_set(receiver: Receiver) -> None:
    raw(receiver, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    (reason,) = receiver.tally.refused
    assert "http/protobuf" in reason


def test_a_bomb_is_refused_before_it_is_large(receiver: Receiver) -> None:
    packed = gzip.compress(b" " * (bodies.LARGEST + 1))
    assert len(packed) < 100_000
    assert post(receiver, packed, Content_Encoding="gzip").status == 413
    assert receiver.budget.left == bodies.TOGETHER


def test_a_large_body_is_taken_and_a_larger_one_not(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = json.dumps(otel.batch(*(otel.chat(n, None, 5, 7) for n in range(1, 20_000)))).encode()
    assert len(batch) > 8 << 20
    assert post(receiver, batch).status == 200
    assert receiver.tally.spans == 19_999
    monkeypatch.setattr(bodies, "LARGEST", len(batch) - 1)
    answer = post(receiver, batch)
    assert (answer.status, answer.form) == (413, JSON)


def test_memory_is_shared(receiver: Receiver) -> None:
    """A request that does not fit beside the others is told to come again."""
    receiver.budget = bodies.Budget(100)
    answer = post(receiver)
    assert answer.status == 503
    assert receiver.budget.left == 100
    assert post(receiver, b"{}").status == 200


def test_requests_follow_each_other_on_a_connection(receiver: Receiver) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
    for body, status in ((BODY, 200), (b"{", 400), (BODY, 200)):
        connection.request("POST", "/v1/traces", body, {"Content-Type": JSON})
        assert Answer(connection.getresponse()).status == status
    connection.close()
    assert receiver.tally.spans == 2


def test_what_was_sent_before_the_end_is_taken(taken: list[Line]) -> None:
    """A process that was killed has sent what lies in the kernel's buffers."""
    head = f"POST /v1/traces HTTP/1.1\r\nContent-Type: {JSON}\r\nContent-Length: {len(BODY)}\r\n"
    with Receiver(taken.append) as receiver:
        connections = [
            socket.create_connection(("127.0.0.1", receiver.port), timeout=20) for _ in range(20)
        ]
        for connection in connections:
            connection.sendall(head.encode() + b"\r\n" + BODY)
    assert receiver.tally.spans == 20
    for connection in connections:
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", receiver.port), timeout=5)


def test_it_listens_on_this_machine_alone(receiver: Receiver) -> None:
    assert receiver.server.socket.getsockname() == ("127.0.0.1", receiver.port)


def test_a_full_disk_is_said() -> None:
    taken: list[Line] = []

    full = [False, True, False]

    def put(line: Line) -> None:
        if full.pop(0):
            raise OSError(28, "No space left on device")
        taken.append(line)

    with Receiver(put) as opened:
        assert [post(opened).status for _ in range(3)] == [200, 500, 200]
    assert opened.tally.failure == "No space left on device"
    assert (len(taken), opened.tally.spans) == (2, 2)


def test_a_fault_of_tokmans_own_is_counted() -> None:
    def put(line: Line) -> None:
        raise KeyError("x")

    with Receiver(put) as opened:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            post(opened)
        assert post(opened, b"{}").status == 200
    assert opened.tally.refused == {"tokman went wrong: KeyError: 'x'": 1}
