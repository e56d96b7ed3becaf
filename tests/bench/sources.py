"""`python -m tests.bench.sources`: MB/s of each source against Claude Code's transcripts.

Every source reads records of its own tests, each made a call of its own and filled up with text to
the bytes that a call takes in a transcript; in one process and short of the ledger; processor
time, best of three.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import re
import time
from typing import Any

from tests.bench.text import Pool
from tests.bench.transcripts import Session
from tests.sources.records import MTIME, Held, Json, Log, lines, sound
from tokman.pieces import Piece
from tokman.reading import Reader
from tokman.sources import sources

FIRST = "claude-code"
TARGET = 0.5
OWN_ID = re.compile(r"id|.*(_id|Id|ID)|timestamp")
SHARED_ID = re.compile(r"session|trace|parent|conversation|thread|project|user|account|model|key")


def anew(value: Any, number: int, name: str = "") -> Any:
    """The value with its ids made those of another call."""
    if isinstance(value, dict):
        return {key: anew(inner, number, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [anew(inner, number) for inner in value]
    is_id = OWN_ID.fullmatch(name) and not SHARED_ID.search(name.lower())
    if is_id and name != "timestamp" and isinstance(value, str) and value:
        return f"{value}{number:06}"
    return value


def transcript(size: int) -> bytes:
    """A made-up session of Claude Code of about that many bytes."""
    session = Session(random.Random(1), Pool(1, chunks=2000))
    session.grow(size)
    return "\n".join(session.lines).encode() + b"\n"


def file_of(log: Log, records: int, size: int) -> bytes:
    """A log of that many records of `size` bytes."""
    *before, last = log
    made: list[Json] = list(before)
    for number in range(records):
        record = anew(copy.deepcopy(last), number)
        record["zzz_text"] = "lorem ipsum " * max(0, (size - len(json.dumps(record))) // 12)
        made.append(record)
    return lines(made)


def seconds(content: bytes, source: str) -> tuple[float, int]:
    """Processor time of reading it, the best of three, and the rows it gave."""
    best, rows = float("inf"), 0
    for _ in range(3):
        held = Held()
        reader = Reader(Piece(path="log.jsonl", data=content, mtime=MTIME), b"k" * 32, held)
        began = time.process_time()
        outcome = reader.run()
        best = min(best, time.process_time() - began)
        assert outcome.source == source and not outcome.rejects, (source, outcome.rejects[:1])
        rows = len(held.held) + len(held.stated)
    return best, rows


def main() -> int:
    """Print the table; exit code 1 if a source is slower than the target."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sources", description=__doc__)
    parser.add_argument("--kb", type=int, default=4000, help="size of each log [4000]")
    asked = parser.parse_args()
    baseline = transcript(asked.kb * 1000)
    took, calls = seconds(baseline, FIRST)
    first, each = len(baseline) / took / 1e6, len(baseline) // calls
    print(f"{FIRST:20} {each:7,} bytes a call {first:8,.0f} MB/s")
    slow = 0
    for source in sources():
        content = file_of(sound(source.name)[-1], len(baseline) // each, each)
        took, calls = seconds(content, source.name)
        ratio = len(content) / took / 1e6 / first
        slow += ratio < TARGET
        late = "" if ratio >= TARGET else "  below the target"
        print(
            f"{source.name:20} {len(content) // calls:7,} bytes a call "
            f"{ratio * first:8,.0f} MB/s {ratio:6.2f}{late}",
            flush=True,
        )
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
