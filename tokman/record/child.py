"""The command: its surroundings, its signals, and how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from urllib.parse import quote

FAILED, NOT_RUNNABLE, NOT_FOUND = 125, 126, 127
"""Exit codes of what runs other commands, as env(1) and timeout(1) have them."""

OF_TERMINAL = frozenset((signal.SIGINT, signal.SIGQUIT))
"""Signals that a terminal sends to the command too."""

PASSED_ON = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGUSR1, signal.SIGUSR2),
)

OTLP_ENDPOINTS = tuple(
    f"OTEL_EXPORTER_OTLP_{signal}ENDPOINT" for signal in ("", "TRACES_", "LOGS_", "METRICS_")
)
OTLP_PROTOCOLS = tuple(
    f"OTEL_EXPORTER_OTLP_{signal}PROTOCOL" for signal in ("", "TRACES_", "LOGS_", "METRICS_")
)
OTLP_HEADERS = tuple(
    f"OTEL_EXPORTER_OTLP_{signal}HEADERS" for signal in ("", "TRACES_", "LOGS_", "METRICS_")
)
PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


class CannotRun(Exception):
    """The command cannot be started; how this is said in an exit code."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


def surroundings(
    given: Mapping[str, str], *, run_id: str, case_id: str | None, port: int | None
) -> dict[str, str]:
    """The environment of the command, which exports to `port` if there is one.

    https://opentelemetry.io/docs/specs/otel/protocol/exporter/: what is set for one signal goes
    before what is set for all, so it must give way. Headers hold the keys of another receiver.
    """
    environment = {**given, "TOKMAN_RUN": run_id}
    if case_id is not None:
        environment["TOKMAN_CASE"] = case_id
        stated = [
            given.get("OTEL_RESOURCE_ATTRIBUTES", ""),
            f"tokman.case={quote(case_id, safe='')}",
        ]
        environment["OTEL_RESOURCE_ATTRIBUTES"] = ",".join(filter(None, stated))
    if port is None:
        return environment
    for name in (*OTLP_ENDPOINTS, *OTLP_PROTOCOLS, *OTLP_HEADERS):
        environment.pop(name, None)
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{port}"
    environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
    if any(given.get(name) for name in PROXIES):
        for name in ("no_proxy", "NO_PROXY"):
            environment[name] = ",".join(filter(None, (given.get(name), "127.0.0.1")))
    return environment


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command on this process's own input and output; its exit code, 128 + n where signal
    n ended it. CannotRun where it cannot be started."""
    with _passing() as started:
        try:
            child = subprocess.Popen(command, env=environment)
        except (OSError, ValueError) as error:
            missing = isinstance(error, FileNotFoundError)
            reason = getattr(error, "strerror", None) or str(error)
            raise CannotRun(
                f"{command[0]}: {reason}", NOT_FOUND if missing else NOT_RUNNABLE
            ) from error
        started(child)
        code = child.wait()
    return code if code >= 0 else 128 - code


class _Signals:
    """Signals on their way to the command; those that come before it has started wait."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None
        self.early: list[int] = []

    def __call__(self, child: subprocess.Popen[bytes]) -> None:
        self.child = child
        for number in self.early:
            child.send_signal(number)

    def receive(self, number: int, _: FrameType | None) -> None:
        if self.child is None:
            self.early.append(number)
        elif number not in OF_TERMINAL or not _in_foreground():
            self.child.send_signal(number)


@contextmanager
def _passing() -> Iterator[_Signals]:
    """Every signal that would end this process goes to the command instead, which may take its
    time; one that is ignored stays so, as under nohup."""
    signals = _Signals()
    before = {}
    for number in PASSED_ON:
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, signals.receive)
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """A signal that would end this process raises KeyboardInterrupt, so that what is open is
    closed."""
    before = {}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """True where the terminal's signals reach this process, and so the command as well."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
