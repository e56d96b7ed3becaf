"""A receiver of OTLP over HTTP on this machine alone, for the time of one run.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from tokman.record import otlp
from tokman.record.bodies import LARGEST, STEP, TOGETHER, Budget, Refusal, body_of
from tokman.sources.traces.record import Line

PATHS = {f"/v1/{signal}": signal for signal in otlp.SIGNALS}

CONNECTIONS = 512
"""Open at the same time; one more is told to come again."""

IDLE = 60.0
"""Seconds for which a connection may be silent."""

LINGER = 1.0
"""Seconds for which a refused client may go on to send before it is cut off."""

GRACE = 5.0
"""Seconds for which requests that have begun may go on when the run has ended."""


class Tally(msgspec.Struct):
    """What was received."""

    requests: Counter[str] = msgspec.field(default_factory=Counter)
    """Taken whole, by signal."""
    spans: int = 0
    log_records: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    """Requests that were not taken, by reason."""
    failure: str | None = None
    """Why what was received could not be kept."""


class Receiver:
    """Listens on a free port of 127.0.0.1 while its context is open. `put` is given what it takes,
    a request at a time."""

    def __init__(self, put: Callable[[Line], None]) -> None:
        self.put = put
        self.tally = Tally()
        self.budget = Budget(TOGETHER)
        self.lock = threading.Lock()
        self.server = _Server(self)
        self.port: int = self.server.server_address[1]

    def __enter__(self) -> Receiver:
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take what was sent before the end, and close every connection."""
        self.server.shutdown()
        self.thread.join()
        self.server.drain()
        self.server.server_close()

    def take(self, signal: otlp.Signal, request: otlp.Request) -> None:
        """Hand on what was read, and count it; Refusal where there is no room for it."""
        with self.lock:
            try:
                if request.entries:
                    self.put(request.line)
            except OSError as error:
                self.tally.failure = error.strerror or str(error)
                raise Refusal(500, f"cannot be kept: {self.tally.failure}") from error
            self.tally.requests[signal] += 1
            if signal == "traces":
                self.tally.spans += request.entries
            if signal == "logs":
                self.tally.log_records += request.entries

    def refuse(self, reason: str) -> None:
        """Count a request that is not taken."""
        with self.lock:
            self.tally.refused[reason] += 1


class _Server(ThreadingHTTPServer):
    """A thread a connection, all of them known."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.open: set[socket.socket] = set()
        self.busy: set[socket.socket] = set()
        """Connections with a request that has begun."""
        self.changed = threading.Condition()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        """Bind without asking what this machine is called, which may ask the network."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread of its own, if there are not too many."""
        with self.changed:
            if len(self.open) >= CONNECTIONS:
                self.receiver.refuse("too many connections")
                self.shutdown_request(request)
                return
            self.open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve the connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self.changed:
                self.open.discard(request)
                self.busy.discard(request)
                self.changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks off has been counted; anything else is a fault of tokman's."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.receiver.refuse(f"tokman went wrong: {type(error).__name__}: {error}"[:200])

    def handle_timeout(self) -> None:
        """Nobody waits for a connection."""
        self.waiting = False

    def drain(self) -> None:
        """Serve what has been sent, for a while, and no more."""
        self.socket.setblocking(False)
        self.timeout, self.waiting = 0, True
        while self.waiting:
            self.handle_request()
        end = time.monotonic() + GRACE
        with self.changed:
            self.changed.wait_for(lambda: not self.busy, GRACE)
            for connection in self.open:
                _end(connection)
            self.changed.wait_for(lambda: not self.open, max(1.0, end - time.monotonic()))


def _end(connection: socket.socket) -> None:
    """No more is read of a connection than what has arrived."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)


class _Handler(BaseHTTPRequestHandler):
    """One connection; its requests one after another."""

    server: _Server
    protocol_version = default_request_version = "HTTP/1.1"
    server_version, sys_version = "tokman", ""
    timeout = IDLE
    disable_nagle_algorithm = True
    wbufsize = -1
    raw_requestline = b""

    def do_POST(self) -> None:
        """Take one request, or say why not."""
        receiver, form = self.server.receiver, self.form()
        with self.server.changed:
            self.server.busy.add(self.connection)
        try:
            signal = PATHS.get(self.path.partition("?")[0])
            if signal is None:
                raise Refusal(404, f"no such path: use {', '.join(PATHS)}")
            if form not in (otlp.JSON, otlp.PROTOBUF):
                raise Refusal(415, f"Content-Type is neither {otlp.JSON} nor {otlp.PROTOBUF}")
            with receiver.budget.share() as share:
                body = body_of(self.headers, self.rfile, share)
                try:
                    request = otlp.read(signal, form, body)
                except otlp.Malformed as error:
                    receiver.refuse(f"not OTLP of {signal} in {form}")
                    self.answer(400, form, otlp.refused(form, str(error)))
                    return
                receiver.take(signal, request)
            self.answer(200, form, otlp.accepted(form))
        except Refusal as refusal:
            self.turn_away(refusal.status, refusal.reason)
        except OSError:
            receiver.refuse("the connection broke off")
            raise
        finally:
            with self.server.changed:
                self.server.busy.discard(self.connection)
                self.server.changed.notify_all()

    def form(self) -> str:
        """The media type of the body, without its parameters."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()

    def answer(self, status: int, form: str, body: bytes) -> None:
        """Answer in the form of the request."""
        self.send_response(status)
        self.send_header("Content-Type", form)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request that HTTP knows."""
        is_grpc = self.raw_requestline.startswith(b"PRI * HTTP/2")
        phrase = HTTPStatus(code).phrase
        self.turn_away(
            code, "gRPC, which is not taken: export by http/protobuf" if is_grpc else phrase
        )

    def turn_away(self, status: int, reason: str) -> None:
        """Refuse a request of which part may be unread, so that the connection ends with it: when
        the answer can be read, for closing on unread bytes would cut it off."""
        self.server.receiver.refuse(reason)
        self.close_connection = True
        asked = self.form() if getattr(self, "headers", None) else ""
        form = otlp.PROTOBUF if asked == otlp.PROTOBUF else otlp.JSON
        self.answer(status, form, otlp.refused(form, reason))
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(LINGER)
        unread = LARGEST
        while unread > 0 and (piece := self.connection.recv(STEP)):
            unread -= len(piece)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the run's own output is the command's."""
