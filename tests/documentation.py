"""The generated parts of README.md: run by cog, checked by `make lint`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
AS_OF = 1_763_164_800 + 365 * 86_400
"""2026-11-15: the time given to sample files, for calls whose log states none."""


@cache
def ledger() -> str:
    """A ledger of sample_logs/ whose files are all of one date."""
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(ROOT / "sample_logs", folder / "sample_logs")
    for path in (folder / "sample_logs").rglob("*"):
        os.utime(path, (AS_OF, AS_OF))
    run("ingest", str(folder / "sample_logs"), "--ledger", str(folder / "ledger"))
    return str(folder / "ledger")


def run(*arguments: str) -> str:
    """What a command prints on stdout, 100 columns wide."""
    surroundings = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERMINAL_WIDTH": "100"}
    done = subprocess.run(
        [sys.executable, "-m", "tokman", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=surroundings,
        check=False,
    )
    return done.stdout


def screen(*arguments: str) -> None:
    """A command's screen on sample_logs/."""
    lines = (line.rstrip() for line in run(*arguments, "--ledger", ledger()).splitlines())
    show("```\n" + "\n".join(lines).strip("\n") + "\n```")


def gate() -> None:
    """The gate on the cost suite's longer prompt."""
    suite = ROOT / ".github" / "cost-suite"
    folder = tempfile.mkdtemp()
    run("ingest", str(suite / "pull_request.jsonl"), "--ledger", folder)
    printed = run("check", "--baseline", str(suite / "baseline.json"), "--ledger", folder)
    lines = [line.rstrip() for line in printed.splitlines() if "at the prices of" not in line]
    show("```\n" + "\n".join(lines).strip("\n") + "\n```")


def commands() -> None:
    """The help of every command."""
    from typer.main import get_command

    from tokman.cli import app

    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        for words in ([name], *([name, part] for part in getattr(command, "commands", ()))):
            show(f"### tokman {' '.join(words)}\n\n```\n{run(*words, '--help').strip()}\n```\n")


def sources() -> None:
    """The formats as a table."""
    show(run("sources", "--format", "markdown").strip())


def other_log() -> None:
    """A log of a format nobody knows, and what `--check` makes of it."""
    folder = Path(tempfile.mkdtemp())
    lines = []
    for number in range(200):
        cached = 96 * (number % 4)
        usage = {"in": 400 + number, "cached": cached, "out": 30, "total": 430 + number}
        line = {
            "ts": 1793520000250 + 1500 * number,
            "req": f"r-{number:05}-7c1e",
            "vendor": "azure",
        }
        line |= {
            "vendor": "azure",
            "model": "gpt-5.5",
            "usage": usage,
            "cost_cents": 0.31,
            "took_ms": 840,
        }
        line |= {"job": "triage", "prompt": "…"}
        lines.append(json.dumps(line, ensure_ascii=False))
    (folder / "house.jsonl").write_text("\n".join(lines))
    printed = run("ingest", "--check", str(folder / "house.jsonl")).replace(f"{folder}/", "")
    shown = f"$ head -1 house.jsonl\n{lines[0]}\n$ tokman ingest --check house.jsonl\n{printed}"
    show(f"```\n{shown.strip()}\n```")


def show(text: str) -> None:
    """Into the README."""
    import cog

    cog.outl(text)
