"""Records of every source, from the tests of the sources themselves, and a way to read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import test_privacy
from tests.sources.agents import test_amp as amp
from tests.sources.agents import test_claude_code as claude_code
from tests.sources.agents import test_codex as codex
from tests.sources.agents import test_gemini_cli as gemini_cli
from tests.sources.agents import test_opencode as opencode
from tests.sources.gateways import test_langfuse as langfuse
from tests.sources.gateways import test_litellm as litellm
from tests.sources.gateways import test_mapped as mapped
from tests.sources.providers import test_anthropic as anthropic
from tests.sources.providers import test_azure as azure
from tests.sources.providers import test_bedrock as bedrock
from tests.sources.providers import test_cohere as cohere
from tests.sources.providers import test_converse as converse
from tests.sources.providers import test_gemini as gemini
from tests.sources.providers import test_openai as openai
from tests.sources.providers import test_vertex as vertex
from tests.sources.statements import test_anthropic as anthropic_bills
from tests.sources.statements import test_openai as openai_bills
from tests.sources.traces import test_otel as otel
from tokman import columns, discover, jobs
from tokman.pieces import Outcome, Piece
from tokman.reading import Reader
from tokman.rows import Rows
from tokman.sources.base import Record, Refused
from tokman.usage import Usage

Json = dict[str, Any]
Log = list[Json]
"""Records that, read in order, say something: one is enough where a record stands on its own."""

MTIME = 1_780_000_000_000_000
"""When every file read here was last changed, in µs."""

_TOKENS = langfuse.counted("a", 30, 12)

LOGS: dict[str, list[Log]] = {
    "claude-code": [
        [claude_code.said(stop="end_turn")],
        [claude_code.said("msg_2"), claude_code.progress(claude_code.said("msg_3", stop="x"))],
    ],
    "codex": [
        [*codex.START, codex.count(3, codex.tokens(1000, 400, 90, 60))],
        [*codex.START, codex.record(3, "resp_1", codex.tokens(1000, 400, 90, 60))],
    ],
    "gemini-cli": [[gemini_cli.HEAD, gemini_cli.said("m-1", gemini_cli.tokens(9, 8, 5, 3, 2))]],
    "opencode": [
        [opencode.message()],
        [opencode.version_2()],
        [{"info": opencode.message(), "parts": []}],
    ],
    "amp": [[amp.thread([amp.said()])]],
    "langfuse": [[_TOKENS], [langfuse.snake(_TOKENS)]],
    "otel": [[otel.batch(otel.chat(1, None, 30, 12))]],
}
LOGS["openai-admin"] = [[openai_bills.bucket({"input_tokens": 9, "output_tokens": 1})]]
LOGS["anthropic-admin"] = [
    [anthropic_bills.bucket(anthropic_bills.MESSAGES)],
    [anthropic_bills.bucket(anthropic_bills.COST)],
    [anthropic_bills.CODE],
]
for _module in (openai, anthropic, gemini, converse, cohere, bedrock, vertex, azure, litellm):
    _name = _module.__name__.rpartition("test_")[2]
    LOGS[_name] = [[record] for _, record, _ in _module.CASES]
for _name, _record, _ in mapped.EXPECTED:
    LOGS.setdefault(_name, []).append([_record])
for _name, _records in test_privacy.LOGS.items():
    LOGS.setdefault(_name, [[record] for record in _records])


class Held(Rows):
    """Rows that stay in memory."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))

    def flush(self) -> None:
        """Nothing is written."""


class Read(msgspec.Struct):
    """What reading some bytes gave."""

    outcome: Outcome
    rows: list[Any]
    refused_in_part: set[int]
    """Lines whose record holds several calls, one of which was refused by itself."""

    @property
    def reasons(self) -> list[str]:
        return [reject.reason for reject in self.outcome.rejects]

    def facts(self, *aside: str) -> list[Json]:
        """The rows without the file and line they were read at, in a fixed order."""
        aside = ("file", "line", *aside)
        facts = [msgspec.to_builtins(row) | dict.fromkeys(aside) for row in self.rows]
        return sorted(facts, key=lambda fact: json.dumps(fact, sort_keys=True))


def lines(records: Iterable[Any]) -> bytes:
    """The records as JSON lines."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def read(content: bytes) -> Read:
    """Read unpacked content as an ingest does, short of the ledger."""
    return _read(Piece(path="log.jsonl", data=content, mtime=MTIME))


def read_file(path: Path, content: bytes) -> Read:
    """Read a file of this content, packed or not."""
    path.write_bytes(content)
    return _read(Piece(path=str(path), mtime=MTIME))


def read_in_parts(path: Path, content: bytes, size: int, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read a file as an ingest does that cuts it every `size` bytes, all parts side by side."""
    monkeypatch.setattr(jobs, "SPLIT", size)
    path.write_bytes(content)
    found = discover.Found(str(path), len(content), MTIME * 1000, named=True)
    whole = Read(Outcome(path=str(path)), [], set())
    for job in jobs.of_files([(found, None)], None):
        part = _read(job.pieces[0])
        whole.rows += part.rows
        whole.outcome.rejects += part.outcome.rejects
        whole.outcome.lines += part.outcome.lines
    return whole


class _Reader(Reader):
    in_part: set[int]

    def keep(self, records: Iterable[Record], source: str) -> None:
        def noted() -> Iterator[Record]:
            for record in records:
                if isinstance(record, Refused) or (
                    isinstance(record, Usage) and columns.fault(record)
                ):
                    self.in_part.add(record.line)
                yield record

        super().keep(noted(), source)


def _read(piece: Piece) -> Read:
    held = Held()
    reader = _Reader(piece, b"k" * 32, held)
    reader.in_part = set()
    outcome = reader.run()
    return Read(outcome, [*held.held, *held.stated], reader.in_part)


def sound(source: str) -> list[Log]:
    """Logs of a source that are read whole, to at least one row each."""
    logs = [(log, read(lines(log))) for log in LOGS[source]]
    return [log for log, found in logs if found.rows and not found.outcome.rejects]


def tokens(row: Any) -> int:
    """All tokens of a call."""
    assert isinstance(row, Usage)
    return sum(getattr(row, name) for name in row.__struct_fields__ if name.endswith("_tokens"))
