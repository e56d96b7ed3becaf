"""`python -m tests.bench.sources`: MB/s of each source against Claude Code's transcripts.

Compared are calls that take the same bytes. Claude Code's are those of a made-up session, a dozen
kilobytes over several lines each; with `--bytes N`, calls of N bytes on a line of their own, which
is the harder comparison, since then a line of either log makes a row. Such a line has what every
answer in a transcript has, a text and a call of a tool. The other sources read records of their own
tests, each made a call of its own and filled up with text to those bytes:

- beside: the text lies where the source does not look, as a transcript's does;
- prompt: the text is part of the prompt, where the source finds prompts in its records.

The shape of a call is hashed where its log holds it, which no transcript does. So Claude Code's
time for as many bytes is taken together with that of the same hashes by themselves; the ratio of
the plain rates is printed behind where that makes a difference. A source is on target from 0.5 on.

In one process, without the garbage collector as in a worker, and short of the ledger; processor
time, the best of several runs that take turns with Claude Code's.
"""

from __future__ import annotations

import argparse
import copy
import gc
import json
import random
import re
import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from tests.bench.text import Pool
from tests.bench.transcripts import Session
from tests.sources.records import MTIME, Held, Json, Log, lines, read, sound
from tokman.pieces import Piece
from tokman.reading import Reader
from tokman.sources import sources
from tokman.sources.base import Context
from tokman.usage import Usage

FIRST = "claude-code"
TARGET = 0.5
RUNS = 7
KEY = b"k" * 32
OWN_ID = re.compile(r"id|.*(_id|Id|ID)|timestamp")
SHARED_ID = re.compile(r"session|trace|parent|conversation|thread|project|user|account|model|key")
FILLER = "lorem ipsum "

ANSWER = [
    {"type": "text", "text": "Now the tests."},
    {"type": "tool_use", "id": "toolu_01", "name": "Read", "input": {"file_path": "/tmp/a.py"}},
]

Place = tuple[str | int, ...]
"""The way to a text of a record."""


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


def single_lines(calls: int, size: int) -> bytes:
    """Calls of Claude Code of that many bytes, each on one line."""
    said = copy.deepcopy(sound(FIRST)[0])
    said[-1]["message"]["content"] = ANSWER
    return file_of(said, calls, size, ("message", "content", 0, "text"))


def texts(value: Any, place: Place = ()) -> Iterator[Place]:
    """The way to each text in a record."""
    if isinstance(value, str):
        yield place
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(inner, (*place, key))


def with_text(record: Json, place: Place, text: str) -> Json:
    """The record with more text at a place; at none, under a key that no source knows."""
    record = copy.deepcopy(record)
    if not place:
        return record | {"zzz_text": text}
    *above, last = place
    holder: Any = record
    for key in above:
        holder = holder[key]
    holder[last] += text
    return record


def prompt_of(log: Log) -> Place | None:
    """Where the last record keeps a text of its prompt, as the row's sizes tell."""

    def size(records: Log) -> int:
        found = read(lines(records)).rows
        return sum(sum(row.block_sizes or ()) for row in found if isinstance(row, Usage))

    *before, last = log
    known = size(log)
    for place in texts(last):
        longer = with_text(last, place, FILLER * 20)
        if size([*before, longer]) - known >= len(FILLER) * 20:
            return place
    return None


def file_of(log: Log, records: int, size: int, place: Place = ()) -> bytes:
    """A log of that many records of `size` bytes, filled up at the place."""
    *before, last = log
    made: list[Json] = list(before)
    for number in range(records):
        record = anew(copy.deepcopy(last), number)
        missing = max(0, size - len(json.dumps(record)))
        made.append(with_text(record, place, FILLER * (missing // len(FILLER))))
    return lines(made)


def seconds(content: bytes, source: str) -> tuple[float, int]:
    """Processor time of reading it once, and the rows it gave."""
    held = Held()
    reader = Reader(Piece(path="log.jsonl", data=content, mtime=MTIME), KEY, held)
    began = time.process_time()
    outcome = reader.run()
    took = time.process_time() - began
    assert outcome.source == source and not outcome.rejects, (source, outcome.rejects[:1])
    return took, len(held.held) + len(held.stated)


def hashed_in(content: bytes, source: str) -> list[tuple[bytes, ...]]:
    """What is hashed while it is read."""
    parts: list[tuple[bytes, ...]] = []
    known = Context.hash

    def noted(self: Context, *given: bytes) -> int:
        parts.append(given)
        return known(self, *given)

    with patch.object(Context, "hash", noted):
        seconds(content, source)
    return parts


def hashing(parts: list[tuple[bytes, ...]]) -> float:
    """Processor time of hashing that by itself."""
    context = Context("log.jsonl", KEY)
    began = time.process_time()
    for given in parts:
        context.hash(*given)
    return time.process_time() - began


def is_late(first: bytes, content: bytes, source: str, text: str) -> bool:
    """Print one line of the table; True below the target."""
    once, other, hashes = float("inf"), float("inf"), float("inf")
    calls, parts = 1, hashed_in(content, source)
    for _ in range(RUNS):
        once = min(once, seconds(first, FIRST)[0])
        took, calls = seconds(content, source)
        other, hashes = min(other, took), min(hashes, hashing(parts))
    alike = once * len(content) / len(first)
    ratio, plain = (alike + hashes) / other, alike / other
    behind = f"  {plain:4.2f} plain" if plain < 0.99 * ratio else ""
    late = ratio < TARGET
    print(
        f"{source:20} {text}  {len(content) // calls:7,} bytes a call "
        f"{len(content) / other / 1e6:6,.0f} MB/s {ratio:6.2f}{behind:12}"
        f"{'  below the target' if late else ''}",
        flush=True,
    )
    return late


def main() -> int:
    """Print the table; exit code 1 if a source is slower than the target."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sources", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("sources", nargs="*", help="the sources to measure [all]")
    parser.add_argument("--kb", type=int, default=4000, help="size of each log [4000]")
    parser.add_argument("--bytes", type=int, help="of a call, on a line of its own")
    asked = parser.parse_args()
    if asked.bytes:
        first = single_lines(asked.kb * 1000 // asked.bytes, asked.bytes)
    else:
        first = transcript(asked.kb * 1000)
    gc.disable()
    took, calls = min(seconds(first, FIRST) for _ in range(RUNS))
    each = len(first) // calls
    print(f"{FIRST:20}         {each:7,} bytes a call {len(first) / took / 1e6:6,.0f} MB/s")
    late = 0
    for source in sources():
        if source.name == FIRST or (asked.sources and source.name not in asked.sources):
            continue
        logs = sound(source.name)
        late += is_late(first, file_of(logs[-1], len(first) // each, each), source.name, "beside")
        found = ((log, prompt_of(log)) for log in logs)
        log, place = next(((log, place) for log, place in found if place), (logs[-1], None))
        if place:
            content = file_of(log, len(first) // each, each, place)
            late += is_late(first, content, source.name, "prompt")
        gc.collect()
    return 1 if late else 0


if __name__ == "__main__":
    raise SystemExit(main())
