"""A command is run and its calls are in the ledger, with its output, exit code and signals its own.

The suite exports with OpenTelemetry's own SDK, which knows nothing of tokman.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.record.conftest import SUITE, Record, calls, left_behind

CANARY = "CANARY-ab12cd34"


@pytest.mark.parametrize("packed", [[], ["--gzip"]])
def test_the_calls_of_a_suite(packed: list[str], record: Record) -> None:
    done = record("--", *SUITE, "login", "search", *packed)
    assert done.code == 0, done.err
    assert "2 calls recorded as run " in done.err and "2 cases" in done.err
    first, second = calls()
    assert (first["case_id"], second["case_id"]) == ("login", "search")
    assert first["run_id"] == second["run_id"] and first["run_id"] in done.err
    assert (first["uncached_input_tokens"], second["uncached_input_tokens"]) == (1000, 2000)
    assert (first["output_tokens"], first["request_model"]) == (50, "gpt-5.5")
    assert first["list_cost"] and first["time_basis"] == "log"
    assert (first["source"], first["file"], first["line"]) == ("otel", "<otlp>", 1)
    trace, _, span = first["call_id"].partition(":")
    assert (len(bytes.fromhex(trace)), len(bytes.fromhex(span))) == (16, 8)
    assert left_behind() == []


def test_logs_and_metrics_are_taken_and_hold_no_call(record: Record) -> None:
    done = record("--", *SUITE, "login", "--log-records")
    assert done.code == 0, done.err
    assert "OpenTelemetry: 3 requests, 1 span · 1 log record" in done.err
    assert len(calls()) == 1


def test_the_commands_output_is_its_own(record: Record) -> None:
    program = "import sys; sys.stdout.buffer.write(b'\\x00\\xff\\r\\n'); sys.stderr.write('e')"
    done = subprocess.run(
        [sys.executable, "-m", "tokman", "record", "--quiet", "--", sys.executable, "-c", program],
        capture_output=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"\x00\xff\r\n", b"e")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 3"], 3),
        (["sh", "-c", "kill -9 $$"], 137),
        (["sh", "-c", "kill -SEGV $$"], 139),
        (["no-such-command"], 127),
        (["/"], 126),
        (["sh", "-c", "exit 125"], 125),
    ],
)
def test_exit_codes(command: list[str], code: int, record: Record) -> None:
    done = record("--", *command)
    assert done.code == code
    assert "Traceback" not in done.err
    assert left_behind() == []


@pytest.mark.parametrize(("more", "code"), [(["--exit", "3"], 3), (["--signal", "9"], 137)])
def test_what_a_command_that_fails_had_sent(more: list[str], code: int, record: Record) -> None:
    done = record("--", *SUITE, "login", *more)
    assert done.code == code
    assert [call["case_id"] for call in calls()] == ["login"]


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--ledger", "/dev/null/x"], "choose --ledger"),
        (["--config", "no.toml"], "no.toml"),
        (["--case", "a\nb"], "--case"),
        (["--case", "x" * 201], "--case"),
        (["--run", " \x1b[2J"], "--run"),
        (["--map", "no.toml"], "no.toml"),
    ],
)
def test_nothing_runs_where_nothing_could_be_recorded(
    options: list[str], hint: str, record: Record, tmp_path: Path
) -> None:
    done = record(*options, "--", "touch", "ran")
    assert (done.code, done.out) == (125, "")
    assert done.err.startswith("error: ") and hint in done.err and "Traceback" not in done.err
    assert not (tmp_path / "ran").exists()


def test_a_ledger_that_breaks_meanwhile(record: Record) -> None:
    """The command's own failure goes before that of the recording."""
    breaks = "rm -r .tokman/usage; echo x > .tokman/usage; exit $0"
    record("--", *SUITE, "login")
    for code, expected in ((0, 125), (3, 3)):
        subprocess.run(["rm", "-rf", ".tokman/usage"], check=True)
        command = " ".join([*SUITE, "login"])
        done = record("--", "sh", "-c", f"{command}; {breaks}", code)
        assert done.code == expected, done.err
        assert "error: " in done.err and "Traceback" not in done.err
        assert left_behind() == []


def test_the_case_of_the_whole_run(record: Record) -> None:
    assert record("--case", "nightly", "--run", "r-1", "--", *SUITE).code == 0
    assert record("--run", "r-2", "--", *SUITE, TOKMAN_CASE="evening").code == 0
    assert {(c["case_id"], c["run_id"]) for c in calls()} == {
        ("nightly", "r-1"),
        ("evening", "r-2"),
    }


def test_a_process_a_case(record: Record) -> None:
    """Each says its case in the resource; runs inside a run are part of it."""
    inner = f"{sys.executable} -m tokman record -q --case inner -- {' '.join(SUITE)}"
    outer = f"OTEL_RESOURCE_ATTRIBUTES=tokman.case=one%20two {' '.join(SUITE)}; {inner}"
    done = record("--run", "r-1", "--", "sh", "-c", f"unset TOKMAN_CASE; {outer}")
    assert done.code == 0, done.err
    assert {(c["case_id"], c["run_id"]) for c in calls()} == {("one two", "r-1"), ("inner", "r-1")}


def test_commit_and_branch_are_those_of_the_folder(record: Record, tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        return subprocess.check_output(["git", *who, *arguments], text=True).strip()

    git("init", "-q", "-b", "cheaper")
    (tmp_path / "prompt.txt").write_text("hello")
    git("add", "prompt.txt")
    git("commit", "-qm", "first")
    head = git("rev-parse", "HEAD")
    record("--run", "r-1", "--", *SUITE, "a")
    (tmp_path / "prompt.txt").write_text("hello, dear model")
    record("--run", "r-2", "--", *SUITE, "a")
    git("checkout", "-q", "--detach", "--force")
    record("--run", "r-3", "--", *SUITE, "a", GITHUB_HEAD_REF="from-ci", GITHUB_SHA="0" * 40)
    assert {c["run_id"]: (c["git_commit"], c["git_branch"]) for c in calls()} == {
        "r-1": (head, "cheaper"),
        "r-2": (f"{head}-dirty", "cheaper"),
        "r-3": (head, "from-ci"),
    }


def test_what_is_exported_elsewhere_comes_here_meanwhile(record: Record) -> None:
    """Endpoints of a signal, proxies and keys of another receiver do not lead it away."""
    shows = 'sh -c "env | grep -E ^OTEL_EXPORTER | sort"'
    elsewhere = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=secret",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "NO_PROXY": "example.com",
    }
    done = record("--", "sh", "-c", f"{' '.join(SUITE)} login && {shows}", **elsewhere)
    assert done.code == 0, done.err
    assert len(calls()) == 1
    assert "secret" not in done.out and "grpc" not in done.out
    left = record("--no-otlp", "--", "sh", "-c", shows, **elsewhere)
    assert "authorization=secret" in left.out and "127.0.0.1:9/v1/traces" in left.out


@pytest.mark.parametrize(
    ("environment", "hint"),
    [
        ({}, "hint: the command exported no spans; --log PATH"),
        ({"OTEL_SDK_DISABLED": "true"}, "hint: OTEL_SDK_DISABLED=true keeps the command"),
    ],
)
def test_nothing_recorded_says_why(environment: dict[str, str], hint: str, record: Record) -> None:
    done = record("--", "true", **environment)
    assert done.code == 0
    assert "0 calls recorded" in done.err and hint in done.err


def started(*arguments: str, surroundings: dict[str, str]) -> subprocess.Popen[str]:
    """A recording that is under way: its command has said so."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tokman", "record", "--", *arguments],
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_heeded,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _heeded() -> None:
    """The signals are not ignored, as SIGHUP is where the tests themselves run under nohup."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_the_commands(number: int, surroundings: dict[str, str]) -> None:
    """It gets them, may take its time, and says how it ends; what it sent before is recorded."""
    suite = " ".join([*SUITE, "login"])
    waits = (
        f"trap 'echo caught; exit 9' {number}; {suite}; echo ready; while :; do sleep 0.05; done"
    )
    process = started("sh", "-c", waits, surroundings=surroundings)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (9, "caught\n"), err
    assert len(calls()) == 1 and left_behind() == []


def test_a_recording_that_is_killed_leaves_no_text(
    surroundings: dict[str, str], record: Record, tmp_path: Path
) -> None:
    suite = " ".join([*SUITE, "login", "--prompt", CANARY])
    process = started(
        "sh", "-c", f"{suite}; echo ready; while :; do sleep 0.05; done", surroundings=surroundings
    )
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    (Path(".tokman/tmp") / f"{process.pid}-0.arrow").write_bytes(b"as of a longer one")
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept and not any(CANARY.encode() in content for content in kept)
    assert record("--", "true").code == 0
    assert left_behind() == []


def test_no_text_is_on_disk_while_it_runs(surroundings: dict[str, str], tmp_path: Path) -> None:
    suite = " ".join([*SUITE, "login", "--prompt", CANARY])
    process = started(
        "sh", "-c", f"{suite}; echo ready; while :; do sleep 0.05; done", surroundings=surroundings
    )
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM and len(calls()) == 1, err
    assert kept and not any(CANARY.encode() in content for content in kept)


def test_what_outlives_the_command_is_not_waited_for(record: Record) -> None:
    """A server that a test leaves running: the receiver closes, the run ends."""
    begun = time.monotonic()
    done = record("--", "sh", "-c", f"sleep 100 >/dev/null 2>&1 & {' '.join(SUITE)} login")
    assert done.code == 0 and time.monotonic() - begun < 60
    assert len(calls()) == 1


def test_many_record_into_one_ledger_at_once(surroundings: dict[str, str]) -> None:
    def begin(number: int) -> subprocess.Popen[bytes]:
        cases = [f"case-{number}-{each}" for each in range(5)]
        command = [sys.executable, "-m", "tokman", "record", "--run", f"r-{number}", "--"]
        return subprocess.Popen(
            [*command, *SUITE, *cases], env=surroundings, stderr=subprocess.DEVNULL
        )

    processes = [begin(number) for number in range(4)]
    assert [process.wait(120) for process in processes] == [0] * 4
    found = sorted((call["run_id"], call["case_id"]) for call in calls())
    assert found == [(f"r-{n}", f"case-{n}-{each}") for n in range(4) for each in range(5)]
    assert left_behind() == []


def test_children_of_the_command_send_too(record: Record) -> None:
    program = (
        "import subprocess, sys\n"
        f"many = [subprocess.Popen({SUITE!r} + [f'case-{{n}}']) for n in range(3)]\n"
        "sys.exit(sum(each.wait() for each in many))"
    )
    assert record("--", sys.executable, "-c", program).code == 0
    assert [call["case_id"] for call in calls()] != []
    assert {call["case_id"] for call in calls()} == {"case-0", "case-1", "case-2"}


def test_no_text_is_kept_or_shown(record: Record, tmp_path: Path) -> None:
    prompt = f"summarise {CANARY}"
    done = record("--", *SUITE, "login", "--prompt", prompt, "--log-records")
    assert done.code == 0 and len(calls()) == 1
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept and not any(CANARY.encode() in content for content in kept)
    assert CANARY not in done.out + done.err
    assert CANARY not in json.dumps(calls(), default=str)
