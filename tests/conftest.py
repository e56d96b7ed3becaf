"""What tests share: the command line in-process, goldens, and a ledger of sample_logs/."""

from __future__ import annotations

import fcntl
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import hypothesis
import pytest

from tokman import sources
from tokman.cli import main

ROOT = Path(__file__).parent.parent
SAMPLE_LOGS = ROOT / "sample_logs"
SHARED = ROOT.parent / "shared" / "samples"
GOLDEN = Path(__file__).parent / "golden"


hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")  # the same commit twice gives the same verdict


class Result(NamedTuple):
    """What a run of the command line gave."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the goldens anew")


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every test has its own folder, a quiet terminal, and no ledger or configuration around; no
    mapping of a test before it is left."""
    sources.use(())
    monkeypatch.chdir(tmp_path)
    for name in ("TOKMAN_LEDGER", "TOKMAN_CONFIG", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture
def tokman(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line: `tokman("report", "--by", "model")`."""

    def run(*arguments: object, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "argv", ["tokman", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        written = capfd.readouterr()
        return Result(int(stopped.value.code or 0), written.out, written.err)

    return run


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with tests/golden/<name>, or write it there with --update-golden."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"no golden {name}: run `make golden` and review it"
        assert text == path.read_text()

    return compare


@pytest.fixture(scope="session")
def sample_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of sample_logs/, made once for all workers; tests only read it."""
    import subprocess

    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / "sample-ledger"
    with (shared / "sample-ledger.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            arguments = ["ingest", str(SAMPLE_LOGS), "--ledger", str(folder)]
            subprocess.run(
                [sys.executable, "-m", "tokman", *arguments], capture_output=True, check=False
            )
    return folder
