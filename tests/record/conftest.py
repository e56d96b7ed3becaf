"""What the tests of recordings share: the command line as a process, and what a ledger holds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tokman.config import Config
from tokman.ledger import Ledger
from tokman.query import connect, rows

SUITE = [sys.executable, str(Path(__file__).with_name("suite.py"))]


class Done(NamedTuple):
    """How a process of tokman ended."""

    code: int
    out: str
    err: str


Record = Callable[..., Done]


@pytest.fixture
def surroundings() -> dict[str, str]:
    """An environment in which nothing is said of OpenTelemetry, of a run or of a case."""
    told = ("OTEL_", "TOKMAN_", "GITHUB_", "CI_")
    return {name: value for name, value in os.environ.items() if not name.startswith(told)}


@pytest.fixture
def record(surroundings: dict[str, str]) -> Record:
    """`record("--case", "x", "--", "sh", "-c", "…")`, in the test's folder."""

    def run(*arguments: object, **environment: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "tokman", "record", *map(str, arguments)],
            env={**surroundings, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            start_new_session=True,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


def calls(folder: str | Path = ".tokman") -> list[dict[str, Any]]:
    """Every call of a ledger, by what it was given."""
    connection = connect(Ledger(Path(folder)), Config())
    return rows(connection.execute("from usage order by uncached_input_tokens, call_id"))


def left_behind(folder: str | Path = ".tokman") -> list[str]:
    """What lies in the ledger's folder of rows on their way in."""
    return [path.name for path in (Path(folder) / "tmp").iterdir()]
