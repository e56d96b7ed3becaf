"""Several readers that share the traces of a file find together what one finds alone."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conftest import Run
from tests.sources.gateways import test_langfuse as langfuse
from tests.sources.records import MTIME, Held
from tests.sources.traces import test_otel as otel
from tests.test_bad_input import line as other_line
from tests.test_ingest import everything
from tokman.pieces import Outcome, Piece
from tokman.reading import Reader
from tokman.sources import by_name
from tokman.sources.base import ByTrace
from tokman.sources.traces import tree

Json = dict[str, Any]


def spans_of(trace: int, dice: random.Random) -> Iterator[Json]:
    """Spans of one trace: calls, what wraps them, sums, and some that cannot be read."""
    for number in range(1, dice.randint(2, 9)):
        parent = dice.choice([None, *range(1, number)])
        made = dice.choice([otel.chat, otel.chat, otel.chat, otel.agent])
        found = made(number, parent, dice.randint(1, 90), dice.randint(1, 90))
        found["traceId"] = f"{trace:032x}"
        if dice.random() < 0.1:
            found["attributes"] += otel.listed({"gen_ai.usage.total_tokens": 5})
        if dice.random() < 0.1:
            found["startTimeUnixNano"] = "yesterday"
        if dice.random() < 0.1:
            found["traceId"] = dice.choice(["", "not an id, but words"])
        yield found


def otlp(dice: random.Random) -> list[bytes]:
    """Lines of spans of many traces in any order, of several to a line, and of nothing readable."""
    spans = [each for trace in range(30) for each in spans_of(trace, dice)]
    dice.shuffle(spans)
    spans += dice.sample(spans, 5)
    lines = []
    while spans:
        some, spans = spans[: (size := dice.randint(1, 4))], spans[size:]
        lines.append(json.dumps(otel.batch(*some, service_name="shop")).encode())
    for number in range(8):
        flat: Json = {"traceId": f"{number:032x}", "id": "b7ad6b7169203331", "type": "span"}
        flat |= {"attributes": {"gen_ai.usage.input_tokens": 4, "gen_ai.usage.output_tokens": 2}}
        flat |= {"startTime": dice.choice(["2026-05-01T10:00:00Z", "never"])}
        lines.append(json.dumps(flat).encode())
    lines += [b"{torn", b"[1]", other_line(7), b"{}"]
    dice.shuffle(lines)
    return [json.dumps(otel.batch(otel.chat(99, None, 1, 1))).encode(), *lines]


def observations(dice: random.Random) -> list[bytes]:
    """Lines of Langfuse's observations of many traces in any order."""
    rows = []
    for trace in range(30):
        for number in range(dice.randint(1, 6)):
            parent = f"o{dice.randint(0, number)}" if dice.random() < 0.5 else None
            row = langfuse.counted(f"o{number}", dice.randint(1, 90), 5, parent=parent)
            row["traceId"] = f"trace-{trace}"
            row["type"] = dice.choice(["GENERATION", "GENERATION", "SPAN"])
            if dice.random() < 0.1:
                row["usageDetails"]["total"] = 1
            rows.append(row)
    dice.shuffle(rows)
    return [json.dumps(row).encode() for row in rows]


LOGS = {"otel": otlp, "langfuse": observations}


def share_of(
    lines: list[bytes], source: str, share: tuple[int, int], state: bytes = b"", first: int = 1
) -> tuple[list[bytes], Counter[tuple[int, str]], Outcome]:
    held = Held()
    data = b"\n".join(lines) + b"\n"
    piece = Piece(path="log.jsonl", data=data, mtime=MTIME, share=share, state=state, line=first)
    piece.source = source if state else None
    outcome = Reader(piece, b"k" * 32, held).run()
    assert outcome.source == source and not held.stated
    refused = Counter((reject.line, reject.reason) for reject in outcome.rejects)
    return list(map(msgspec.json.encode, held.held)), refused, outcome


@pytest.mark.parametrize("held", [tree.HELD, 40])
@pytest.mark.parametrize("source", LOGS)
@pytest.mark.parametrize("seed", range(4))
def test_shares_are_together_the_whole(
    seed: int, source: str, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "HELD", held)
    monkeypatch.setattr(tree, "REMEMBERED", 60)
    lines = LOGS[source](random.Random(seed))
    cut = len(lines) * 2 // 3
    shared = by_name(source)
    assert issubclass(shared, ByTrace)
    state = b""
    for part, first in ((lines[:cut], 1), (lines[cut:], cut + 1)):
        rows, refused, outcome = share_of(part, source, (0, 1), state, first)
        assert rows and refused and outcome.lines == len(part)
        for readers in (2, 3, 5):
            shares = [
                share_of(part, source, (number, readers), state, first) for number in range(readers)
            ]
            assert sum(bool(some) for some, _, _ in shares) > 1
            assert Counter(row for some, _, _ in shares for row in some) == Counter(rows)
            assert sum((some for _, some, _ in shares), Counter()) == refused
            ends = [(found.lines, found.consumed) for _, _, found in shares]
            assert ends[-1] == (outcome.lines, outcome.consumed)
            assert all(lines == 0 for lines, _ in ends[:-1])
            states = [found.state for _, _, found in shares]
            assert shared.joined(states) == outcome.state
        state = outcome.state


@pytest.mark.parametrize("source", LOGS)
def test_a_large_file_is_shared_and_grows(
    source: str, tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tokman import jobs, run

    lines = LOGS[source](random.Random(1))
    cut = len(lines) // 2
    monkeypatch.setattr(jobs, "SHARES", 3)
    monkeypatch.setattr(run, "ROWS", 20)
    told: dict[str, list[str]] = {}
    for ledger, split in (("whole", jobs.SPLIT), ("shared", 500)):
        monkeypatch.setattr(jobs, "SPLIT", split)
        for part in (lines[:cut], lines[cut:]):
            with (tmp_path / f"{ledger}.jsonl").open("ab") as log:
                log.write(b"\n".join(part) + b"\n")
            said = tokman("ingest", f"{ledger}.jsonl", "--ledger", ledger).err
            told.setdefault(ledger, []).append(said.replace(f"{ledger}.jsonl", "log"))
        assert "0 calls added" in tokman("ingest", f"{ledger}.jsonl", "--ledger", ledger).err
    assert told["shared"] == told["whole"]
    shared = everything(tokman, "shared").replace("shared.jsonl", "whole.jsonl")
    assert shared == everything(tokman, "whole")
