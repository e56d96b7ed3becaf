"""Run a command as a whole process and say what it took."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class Failed(Exception):
    """A command did not end as it should."""


@dataclass
class Sample:
    """Seconds by the clock and of the processors, and the most memory held at once."""

    wall: float = 0.0
    cpu: float = 0.0
    peak_mb: float = 0.0

    def __add__(self, other: Sample) -> Sample:
        return Sample(
            self.wall + other.wall, self.cpu + other.cpu, max(self.peak_mb, other.peak_mb)
        )


def run(
    command: Sequence[str], env: Mapping[str, str], folder: Path, out: Path, *, memory: bool = False
) -> Sample:
    """Run `command` in `folder` with its answer into `out`.

    With `memory` the peak of the whole tree of processes is watched, which takes time of its own:
    such a run is not one to time. Without it, peak_mb is that of the largest single process.
    """
    errors = out.with_suffix(".err")
    with out.open("wb") as stdout, errors.open("wb") as stderr:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=dict(env), cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout,
            stderr=stderr,
        )  # fmt: skip
        watch = _Watch(process.pid) if memory else None
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    peak = used.ru_maxrss / 1024
    if watch is not None:
        peak = watch.stop() / 1024
    if process.returncode != 0:
        tail = errors.read_text(errors="replace").strip().splitlines()[-3:]
        raise Failed(
            f"{' '.join(command)[:120]}: exit code {process.returncode}: {' / '.join(tail)}"
        )
    return Sample(wall, used.ru_utime + used.ru_stime, peak)


class _Watch:
    """Adds up the memory of a process and its descendants every few milliseconds.

    Proportional set size: a page that several of them share counts once.
    """

    def __init__(self, root: int) -> None:
        self.root, self.peak, self.over = root, 0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def stop(self) -> int:
        """The peak in KiB."""
        self.over.set()
        self.thread.join()
        return self.peak

    def _watch(self) -> None:
        while not self.over.wait(0.01):
            self.peak = max(self.peak, sum(map(_held, _tree(self.root))))


def _tree(root: int) -> list[int]:
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        # A child belongs to the thread that started it.
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                todo += map(int, (task / "children").read_text().split())
    return found


def _held(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
