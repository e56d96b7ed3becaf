"""Judging hits at a terminal: what is answered is kept, at once."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from select import select
from typing import Any

import pytest

from tokman.recommend import decisions

Ask = Callable[..., str]


@pytest.fixture
def ledger(sample_ledger: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample_ledger, tmp_path / "own"))


@pytest.fixture
def ask(ledger: Path) -> Ask:
    """`tokman label` at a terminal of its own, fed with these answers; what it showed."""

    def run(answers: str, *arguments: Any) -> str:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "tokman", "label", *map(str, arguments)]
        running = subprocess.Popen(
            [*command, "--ledger", str(ledger)], stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        shown = bytearray()
        waiting = list(answers)
        while True:
            try:
                if not select([ours], [], [], 60)[0]:
                    running.kill()
                    raise AssertionError(f"it waits: {shown.decode()}")
                shown += os.read(ours, 4096)
            except OSError:  # the terminal's other side is closed
                break
            if shown.endswith(b"[y/n/s/q] ") and waiting:
                os.write(ours, waiting.pop(0).replace("^", "\x04").encode() + b"\n")
        os.close(ours)
        assert running.wait(60) == 0, shown.decode()
        return shown.decode().replace("\r\n", "\n")

    return run


def kept(ledger: Path) -> list[bool]:
    return [one.right for one in decisions.load(ledger).judgements]


def test_each_hit_is_asked_about_and_what_is_answered_is_kept(ask: Ask, ledger: Path) -> None:
    shown = ask("yns?yq", "--lever", "downgrade", "--sample", 5)
    assert "1 of 5  downgrade" in shown and "4 of 5" in shown
    assert shown.count("right? [y/n/s/q]") == 6  # `?` is none of them, so it is asked again
    assert sorted(kept(ledger)) == [False, True, True]
    assert "by the prior: too few judged" in shown
    again = ask("q", "--lever", "downgrade", "--sample", 1000)
    first = [line for line in shown.splitlines() if " of 5  downgrade" in line]
    asked = [line.split("first ")[1].split(" at ")[0] for line in first]
    assert len(asked) == 5
    assert asked[0] not in again and asked[1] not in again


def test_the_end_of_input_ends_it_and_loses_nothing(ask: Ask, ledger: Path) -> None:
    shown = ask("n^", "--lever", "downgrade", "--sample", 5)
    assert kept(ledger) == [False]
    assert "Traceback" not in shown and "3 of 5" not in shown


def test_without_a_terminal_nothing_is_asked(ledger: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tokman", "label", "--lever", "downgrade", "--ledger", str(ledger)],
        input="y\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "right?" not in done.stdout
    assert kept(ledger) == []
