"""Ranks that come after the first ingest: `tokman recount` reads the logs again, and says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.sources.providers.test_estimate import ASKED, CHUNKS
from tests.sources.providers.test_estimate import a_token_a_byte as a_token_a_byte
from tokman import ranks

EXACT = (3 + 3 + len("user") + 368, 37)
RECORD = {"request": ASKED, "response": CHUNKS}


@pytest.fixture(autouse=True)
def read_without_ranks(tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(ranks, "encoding", lambda name: None)
        (tmp_path / "a.jsonl").write_text(json.dumps(RECORD) + "\n")
        assert tokman("ingest", "a.jsonl").code == 0
        assert counted(tokman) == (100, 10, "bytes")
        assert "Nothing would change" in tokman("recount").out


def row(tokman: Run) -> dict[str, Any]:
    [found] = json.loads(tokman("sql", "from charges", "-f", "json").out)
    return dict(found)


def counted(tokman: Run) -> tuple[int, int, str]:
    found = row(tokman)
    return found["input_tokens"], found["output_tokens"], found["count_basis"]


@pytest.mark.usefixtures("a_token_a_byte")
def test_a_call_counted_by_size_is_counted_by_the_encoding(tokman: Run) -> None:
    before = row(tokman)
    assert tokman("ingest", "a.jsonl").code == 0
    assert row(tokman) == before
    shown = tokman("recount", "--yes")
    assert shown.code == 0
    assert "1 call by the model's own encoding: their logs were read again" in (
        " ".join(shown.out.split())
    )
    after = row(tokman)
    assert counted(tokman) == (*EXACT, "exact")
    assert after["list_cost"] > before["list_cost"]
    assert after["ingest_id"] == before["ingest_id"]
    assert "exactly, by the model's own" in " ".join(tokman("report").out.split())
    assert "Nothing would change" in tokman("recount", "--yes").out


@pytest.mark.usefixtures("a_token_a_byte")
def test_the_numbers_for_a_program(tokman: Run) -> None:
    found = json.loads(tokman("recount", "--yes", "-f", "json").out)
    [told] = found["rows"] if isinstance(found, dict) else found[:1]
    assert (told["count_basis"], told["calls"], told["tokens"]) == ("exact", 1, 110)
    assert told["new_tokens"] == sum(EXACT)


@pytest.mark.usefixtures("a_token_a_byte")
def test_nothing_changes_without_consent(tokman: Run) -> None:
    before = row(tokman)
    assert tokman("recount").code == 2
    assert row(tokman) == before


@pytest.mark.usefixtures("a_token_a_byte")
@pytest.mark.parametrize("rest", [None, {"request": ASKED, "response": [{**CHUNKS[0], "id": "x"}]}])
def test_a_log_that_is_gone_or_holds_other_calls(tokman: Run, tmp_path: Path, rest: Any) -> None:
    log = tmp_path / "a.jsonl"
    log.write_text(json.dumps(rest) + "\n") if rest else log.unlink()
    shown = tokman("recount", "--yes")
    assert shown.code == 0
    assert "1 call could be counted by the model's encoding, if the logs" in (
        " ".join(shown.out.split())
    )
    assert counted(tokman) == (100, 10, "bytes")


@pytest.mark.usefixtures("a_token_a_byte")
def test_a_count_that_a_log_states_stays(tokman: Run, tmp_path: Path) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    told = {"request": ASKED, "response": [*CHUNKS, {**CHUNKS[0], "choices": [], "usage": usage}]}
    (tmp_path / "b.jsonl").write_text(json.dumps(told) + "\n")
    tokman("ingest", "b.jsonl")
    assert "Nothing would change" in tokman("recount", "--yes").out
    assert counted(tokman) == (3, 1, "reported")


def test_other_ranks_than_the_models_change_nothing(
    tokman: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranks, "encoding", lambda name: object() if name == "cl100k_base" else None)
    assert "Nothing would change" in tokman("recount", "--yes").out
