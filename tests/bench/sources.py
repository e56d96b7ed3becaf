"""`python -m tests.bench.sources`: MB/s of each source against Claude Code's transcripts.

Compared are calls that take the same bytes. Claude Code's are those of a made-up session, a dozen
kilobytes over several lines each; with `--bytes N`, calls of N bytes on a line of their own, which
is the harder comparison, since then a line of either log makes a row. The other sources read
records of their own tests, each made a call of its own and filled up with text to those bytes:

- beside: the text lies where the source does not look, as a transcript's does;
- prompt: the text is part of the prompt, where the source finds prompts in its records. It must be
  hashed then, which no transcript asks for: so Claude Code's time is taken together with that of
  hashing as many bytes, and the plain ratio is printed behind it.

In one process, without the garbage collector as in a worker, and short of the ledger; processor
time, the best of several runs that take turns with Claude Code's.
"""

from __future__ import annotations

import argparse
import copy
import gc
import hashlib
import json
import random
import re
import time
from collections.abc import Iterator
from typing import Any

from tests.bench.text import Pool
from tests.bench.transcripts import Session
from tests.sources.records import MTIME, Held, Json, Log, lines, read, sound
from tokman.pieces import Piece
from tokman.reading import Reader
from tokman.sources import sources
from tokman.usage import Usage

FIRST = "claude-code"
TARGET = 0.5
RUNS = 7
KEY = b"k" * 32
OWN_ID = re.compile(r"id|.*(_id|Id|ID)|timestamp")
SHARED_ID = re.compile(r"session|trace|parent|conversation|thread|project|user|account|model|key")
FILLER = "lorem ipsum "

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


def hashing(size: int, records: int) -> float:
    """Processor time of hashing texts of that size, once each."""
    text = (FILLER * (size // len(FILLER))).encode()
    began = time.process_time()
    for _ in range(records):
        hashlib.blake2b(text, digest_size=8, key=KEY).digest()
    return time.process_time() - began


def compared(first: bytes, content: bytes, source: str, size: int, hashed: bool) -> str | None:
    """Print one line of the table; what is below the target."""
    best = {"first": 9e9, "other": 9e9, "hash": 9e9}
    for _ in range(RUNS):
        best["first"] = min(best["first"], seconds(first, FIRST)[0])
        took, calls = seconds(content, source)
        best["other"] = min(best["other"], took)
        best["hash"] = min(best["hash"], hashing(size, calls) if hashed else 0.0)
    rate = len(content) / best["other"] / 1e6
    plain = rate / (len(first) / best["first"] / 1e6)
    ratio = plain
    if hashed:
        # Claude Code's time for as many bytes, and the time of hashing the texts in them.
        alike = best["first"] * len(content) / len(first) + best["hash"]
        ratio = alike / best["other"]
    late = "" if ratio >= TARGET else "  below the target"
    text = "prompt" if hashed else "beside"
    behind = f"  {plain:5.2f} plain" if hashed else ""
    print(
        f"{source:20} {text}  {len(content) // calls:7,} bytes a call {rate:6,.0f} MB/s "
        f"{ratio:6.2f}{behind}{late}",
        flush=True,
    )
    return f"{source} ({text})" if late else None


def main() -> int:
    """Print the table; exit code 1 if a source is slower than the target."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sources", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("sources", nargs="*", help="the sources to measure [all]")
    parser.add_argument("--kb", type=int, default=4000, help="size of each log [4000]")
    parser.add_argument("--bytes", type=int, help="of a call, on a line of its own")
    asked = parser.parse_args()
    if asked.bytes:
        first = file_of(sound(FIRST)[0], asked.kb * 1000 // asked.bytes, asked.bytes)
    else:
        first = transcript(asked.kb * 1000)
    gc.disable()
    took, calls = min(seconds(first, FIRST) for _ in range(RUNS))
    each = len(first) // calls
    print(f"{FIRST:20}         {each:7,} bytes a call {len(first) / took / 1e6:6,.0f} MB/s")
    late: list[str | None] = []
    for source in sources():
        if source.name == FIRST or (asked.sources and source.name not in asked.sources):
            continue
        logs = sound(source.name)
        content = file_of(logs[-1], len(first) // each, each)
        late.append(compared(first, content, source.name, each, hashed=False))
        places = ((log, prompt_of(log)) for log in logs)
        log, place = next(((log, place) for log, place in places if place), (logs[-1], None))
        if place:
            content = file_of(log, len(first) // each, each, place)
            late.append(compared(first, content, source.name, each, hashed=True))
        gc.collect()
    return 1 if any(late) else 0


if __name__ == "__main__":
    raise SystemExit(main())
