"""A log that states no counts: estimated from both texts, unpriced where one is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiktoken

from tests.conftest import Run
from tokman.sources.providers import estimate

ASKED = {
    "model": "gpt-4o-mini",
    "stream": True,
    "messages": [{"role": "user", "content": "a" * 370}],
}
CHUNKS = [
    {
        "id": "chatcmpl-AbCdEfGhIjKl000001",
        "object": "chat.completion.chunk",
        "created": 1_767_225_600,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "delta": {"content": "b" * 37}}],
    }
]


@pytest.fixture(autouse=True)
def fresh() -> None:
    estimate._encoding.cache_clear()


def ingest(tokman: Run, folder: Path, *records: dict[str, Any]) -> list[dict[str, Any]]:
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    tokman("ingest", "a.jsonl")
    rows: list[dict[str, Any]] = json.loads(tokman("sql", "from charges", "-f", "json").out)
    return rows


def without_ranks(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(folder / "empty"))


def test_estimated_from_both_texts(
    tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_ranks(monkeypatch, tmp_path)
    [row] = ingest(tokman, tmp_path, {"request": ASKED, "response": CHUNKS})
    assert (row["input_tokens"], row["output_tokens"]) == (100, 10)
    assert row["output_basis"] == "estimated"
    assert row["list_cost"] > 0
    assert "1 calls state no token counts" in tokman("report").out


def test_without_the_question_it_is_unpriced_and_not_free(tokman: Run, tmp_path: Path) -> None:
    [row] = ingest(tokman, tmp_path, {"response": CHUNKS, "request": None})
    assert (row["list_cost"], row["unpriced_reason"]) == (None, "no token counts in the log")


def test_a_stated_count_beats_an_estimate(
    tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_ranks(monkeypatch, tmp_path)
    usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    stated = [*CHUNKS, {**CHUNKS[0], "choices": [], "usage": usage}]
    records = ({"request": ASKED, "response": part} for part in (CHUNKS, stated, CHUNKS))
    [row] = ingest(tokman, tmp_path, *records)
    assert (row["input_tokens"], row["output_basis"]) == (3, "final")


def test_the_models_own_encoding_where_its_ranks_are_at_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An encoding with a token a byte stands in for the real ranks."""
    bytewise = tiktoken.Encoding(
        "o200k_base",
        pat_str=r".+",
        mergeable_ranks={bytes([byte]): byte for byte in range(256)},
        special_tokens={},
    )
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: bytewise)
    assert estimate.count("hello", "gpt-5.5") == 5


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    without_ranks(monkeypatch, tmp_path)
    assert estimate.count("x" * 37, "gpt-5.5") == 10


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-5.5", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("gpt-4.1", "o200k_base"),
        ("something-else", "o200k_base"),
    ],
)
def test_which_encoding(model: str, name: str) -> None:
    assert estimate._name(model) == name
