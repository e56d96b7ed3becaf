"""A log that states no counts: counted from both texts, unpriced where one is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tokman import ranks
from tokman.sources.providers import openai_count

ASKED = {
    "model": "gpt-4o-mini",
    "stream": True,
    "messages": [{"role": "user", "content": "a" * 368}],
}
CHUNKS = [
    {
        "id": "chatcmpl-AbCdEfGhIjKl000001",
        "object": "chat.completion.chunk",
        "created": 1_767_225_600,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "delta": {"content": "b" * 37}, "finish_reason": "stop"}],
    }
]
REAL = pytest.mark.skipif(
    not all(ranks.find(name).path for name in ranks.SHA256), reason="no ranks on this machine"
)


@pytest.fixture
def without_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "_folders", lambda: iter(()))
    ranks.encoding.cache_clear()


@pytest.fixture
def a_token_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoding with a token a byte stands in for the real ranks."""
    import tiktoken

    bytewise = tiktoken.Encoding(
        "o200k_base",
        pat_str=r".+",
        mergeable_ranks={bytes([byte]): byte for byte in range(256)},
        special_tokens={},
    )
    monkeypatch.setattr(ranks, "encoding", lambda name: bytewise)


def ingest(tokman: Run, folder: Path, *records: dict[str, Any]) -> list[dict[str, Any]]:
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    tokman("ingest", "a.jsonl")
    rows: list[dict[str, Any]] = json.loads(tokman("sql", "from charges", "-f", "json").out)
    return rows


@pytest.mark.usefixtures("without_ranks")
def test_without_ranks_by_size(tokman: Run, tmp_path: Path) -> None:
    [row] = ingest(tokman, tmp_path, {"request": ASKED, "response": CHUNKS})
    assert (row["input_tokens"], row["output_tokens"]) == (100, 10)
    assert (row["output_basis"], row["count_basis"]) == ("estimated", "bytes")
    assert row["list_cost"] > 0
    assert "1 call states no token counts, so tokman counted: 1 (110 tokens) by" in (
        " ".join(tokman("report").out.split())
    )


@pytest.mark.usefixtures("a_token_a_byte")
def test_with_ranks_by_the_models_own_encoding(tokman: Run, tmp_path: Path) -> None:
    [row] = ingest(tokman, tmp_path, {"request": ASKED, "response": CHUNKS})
    assert row["input_tokens"] == 3 + 3 + len("user") + 368
    assert (row["output_tokens"], row["count_basis"]) == (37, "exact")
    assert "exactly, by the model's own" in " ".join(tokman("report").out.split())


GEMINI = {
    "request": {"contents": [{"role": "user", "parts": [{"text": "a" * 368}]}]},
    "response": [
        {"candidates": [{"content": {"parts": [{"text": "b" * 37}]}, "finishReason": "STOP"}]},
        {"modelVersion": "gemini-2.5-pro", "responseId": "AbCdEfGhIjKl01", "candidates": []},
    ],
}
COHERE = {
    "request": {"model": "command-r", "messages": [{"role": "user", "content": "a" * 368}]},
    "response": [
        {"type": "message-start", "id": "AbCdEfGhIjKl02", "delta": {}},
        {"type": "content-delta", "delta": {"message": {"content": {"text": "b" * 37}}}},
    ],
}
CONVERSE = {
    "request": {
        "modelId": "amazon.nova-lite-v1:0",
        "messages": [{"role": "user", "content": [{"text": "a" * 368}]}],
    },
    "response": [
        {"contentBlockDelta": {"delta": {"text": "b" * 37}, "contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
    ],
}


@pytest.mark.parametrize("record", [GEMINI, COHERE, CONVERSE])
def test_streams_of_other_providers_that_lost_their_counts(
    tokman: Run, tmp_path: Path, record: dict[str, Any]
) -> None:
    """By size, whatever ranks there are; without the question they stay unpriced."""
    [row] = ingest(tokman, tmp_path, record)
    assert (row["input_tokens"], row["output_tokens"]) == (100, 10)
    assert (row["output_basis"], row["count_basis"]) == ("estimated", "bytes")
    rest = {"response": record["response"], "request": None}
    (tmp_path / "b.jsonl").write_text(json.dumps(rest))
    tokman("ingest", "b.jsonl", "--ledger", "other")
    [row] = json.loads(tokman("sql", "from charges", "-f", "json", "--ledger", "other").out)
    assert (row["output_basis"], row["list_cost"]) == ("partial", None)


def test_without_the_question_it_is_unpriced_and_not_free(tokman: Run, tmp_path: Path) -> None:
    [row] = ingest(tokman, tmp_path, {"response": CHUNKS, "request": None})
    assert (row["list_cost"], row["unpriced_reason"]) == (None, "no token counts in the log")


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0)])
@pytest.mark.parametrize("stated", [(3, 1), (0, 1)])
def test_an_estimate_never_replaces_a_stated_count(
    tokman: Run, tmp_path: Path, order: tuple[int, ...], stated: tuple[int, int]
) -> None:
    """In one file or one after the other, and however much smaller the stated count is."""
    usage = dict(zip(("prompt_tokens", "completion_tokens"), stated, strict=True))
    usage["total_tokens"] = sum(stated)
    seen = [CHUNKS, [*CHUNKS, {**CHUNKS[0], "choices": [], "usage": usage}]]
    records = [{"request": ASKED, "response": seen[index]} for index in order]
    for number, record in enumerate(records):
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(record))
        tokman("ingest", f"{number}.jsonl")
    [row] = ingest(tokman, tmp_path, *records)
    assert (row["input_tokens"], row["output_tokens"]) == stated
    assert (row["output_basis"], row["count_basis"]) == ("final", "reported")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-5.5", "o200k_base"),
        ("gpt-7", "o200k_base"),
        ("openai/gpt-oss-120b", "o200k_base"),
        ("o3-mini", "o200k_base"),
        ("gpt-4.1", "o200k_base"),
        ("ft:gpt-4.1-mini-2025-04-14:acme::abc", "o200k_base"),
        ("ft:gpt-3.5-turbo-1106:acme::abc", "cl100k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-35-turbo", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("text-davinci-003", "p50k_base"),
        ("claude-sonnet-4-5", None),
        ("gemini-2.5-pro", None),
        ("opus", None),
        ("", None),
    ],
)
def test_which_encoding(model: str, name: str | None) -> None:
    assert openai_count.encoding_of(model) == name


def choice(**values: Any) -> dict[str, Any]:
    return {"choices": [{"finish_reason": "stop", **values}]}


def asked(content: Any = "Is it?", **values: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], **values}


SAID = choice(message={"content": "Yes."})
CALLED = choice(message={"content": "Yes.", "tool_calls": [{}]})


@pytest.mark.usefixtures("a_token_a_byte")
@pytest.mark.parametrize(
    ("model", "request_", "answer", "exact"),
    [
        ("gpt-4o", asked(), SAID, True),
        ("gpt-4o", asked([{"type": "text", "text": "Is it?"}], n=1, temperature=0), SAID, True),
        ("gpt-3.5-turbo-instruct", {"prompt": "Is it?"}, choice(text="Yes."), True),
        ("gpt-5.5", asked(), SAID, False),
        ("o3-mini", asked(), SAID, False),
        ("gpt-4o-search-preview", asked(), SAID, False),
        ("gpt-3.5-turbo-0301", asked(), SAID, False),
        ("gpt-4o", asked(tools=[{"type": "function"}]), SAID, False),
        ("gpt-4o", asked(response_format={"type": "json_schema"}), SAID, False),
        ("gpt-4o", asked(n=2), SAID, False),
        ("gpt-4o", asked([{"type": "image_url"}]), SAID, False),
        ("gpt-4o", asked(""), SAID, False),
        ("gpt-4o", {"messages": [{"role": "user", "name": "a", "content": "b"}]}, SAID, False),
        ("gpt-4o", asked(), choice(message={"content": "Y"}, finish_reason=None), False),
        ("gpt-4o", asked(), CALLED, False),
        ("gpt-4o", {"input": "Is it?"}, {"output": []}, False),
    ],
)
def test_exact_only_where_the_texts_are_all_that_is_billed(
    model: str, request_: dict[str, Any], answer: dict[str, Any], exact: bool
) -> None:
    counted = openai_count.count(model, request_, answer)
    assert counted is not None
    assert counted.exact is exact


@REAL
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1", "gpt-4", "gpt-3.5-turbo"])
def test_a_prompt_as_it_is_billed(model: str) -> None:
    """https://platform.openai.com/docs/api-reference/chat/create: "prompt_tokens": 19."""
    turns = [("developer", "You are a helpful assistant."), ("user", "Hello!")]
    messages = [{"role": role, "content": content} for role, content in turns]
    counted = openai_count.count(model, {"messages": messages}, SAID)
    assert counted is not None
    assert counted.input_tokens == 19


@pytest.mark.parametrize("blank", [" ", "\t", "\u3000"])
@REAL
def test_a_text_that_would_overflow_the_encoder_is_counted_by_size(blank: str) -> None:
    assert openai_count.count("gpt-4o", {"prompt": "a" + blank * 1_000_000}, SAID) is None
