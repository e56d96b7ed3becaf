"""Calls that two logs saw under ids of their own are one call only where it is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.test_identity import CARD, put, rows
from tokman.alike import match
from tokman.commit import Committed
from tokman.ledger import Ledger
from tokman.usage import Usage

AT = 1_767_225_600_000_000
CHAT = "chatcmpl-0a1b2c3d4e5f"


def seen(source: str, call_id: str | None = None, **more: Any) -> Usage:
    facts: dict[str, Any] = {"started_at": AT, "request_model": "gpt-4o-mini"}
    counts = {"uncached_input_tokens": 100, "output_tokens": 20}
    place = {"source": source, "file": f"{source}.jsonl", "line": 1}
    return Usage(call_id=call_id or f"{source}:1", **{**facts, **counts, **place, **more})


BODY = seen("openai", CHAT, response_model="gpt-4o-mini-2024-07-18", provider_name="openai")
GATEWAY = seen("kong", team="search", provider_name="openai", started_at=AT + 900_000)
SPAN = seen("otel", f"{'4bf92f35' * 4}:{'00f067aa' * 2}", conversation_id="c-1")

ONE: dict[str, list[Usage]] = {
    "a gateway's own id and a response id": [BODY, GATEWAY],
    "a span and a gateway's own id": [SPAN, GATEWAY],
    "a model named with its provider": [BODY, seen("kong", request_model="openai/GPT-4o-mini")],
}
SEVERAL: dict[str, list[Usage]] = {
    "one source": [seen("kong"), seen("kong", "kong:2")],
    "two response ids": [BODY, seen("litellm", "chatcmpl-other0000001")],
    "three alike": [BODY, GATEWAY, SPAN],
    "three alike, two of one source": [BODY, GATEWAY, seen("kong", "kong:2")],
    "another second": [BODY, seen("kong", started_at=AT + 1_000_000)],
    "another class": [BODY, seen("kong", uncached_input_tokens=90, cache_read_input_tokens=10)],
    "another output": [BODY, seen("kong", output_tokens=21)],
    "another model": [BODY, seen("kong", request_model="gpt-4o")],
    "no model": [BODY, seen("kong", request_model=None)],
    "no tokens": [
        seen(name, uncached_input_tokens=0, output_tokens=0, status="error")
        for name in ("kong", "cloudflare")
    ],
    "a failure and a success": [BODY, seen("kong", status="error")],
    "a hit of the gateway's cache": [BODY, seen("kong", response_cache_hit=True)],
    "a time that is the file's": [BODY, seen("kong", time_basis="file")],
    "an output that was cut short": [BODY, seen("kong", output_basis="partial")],
}


@pytest.mark.parametrize("case", ONE)
def test_alike_is_one_call_on_demand(case: str, tmp_path: Path) -> None:
    found = []
    for number, order in enumerate((ONE[case], ONE[case][::-1])):
        ledger = Ledger(tmp_path / str(number), create=True)
        put(ledger, *order)
        assert len(rows(ledger)) == 2, "not without being asked"
        assert match(ledger, CARD, "test") == 1
        assert match(ledger, CARD, "test") == 0
        [row] = rows(ledger)
        assert len(row["matched_ids"]) == len(row["also_seen"]) == 1
        assert put(ledger, *order) == Committed(known=1), "the same logs again"
        assert rows(ledger) == [row]
        found.append(row)
    assert found[0] == found[1]


@pytest.mark.parametrize("case", SEVERAL)
def test_what_is_left_alone(case: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, *SEVERAL[case])
    before = rows(ledger)
    assert len(before) == len(SEVERAL[case])
    assert match(ledger, CARD, "test") == 0
    assert rows(ledger) == before


def test_the_row_has_what_both_knew_at_the_price_it_had(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, BODY)
    [before] = rows(ledger)
    put(ledger, GATEWAY)
    match(ledger, CARD, "test")
    [row] = rows(ledger)
    assert (row["call_id"], row["matched_ids"]) == (CHAT, ["kong:1"])
    assert (row["team"], row["response_model"]) == ("search", "gpt-4o-mini-2024-07-18")
    assert row["list_cost"] == before["list_cost"] > 0


def test_a_third_that_comes_later_stays_a_call_of_its_own(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, BODY, GATEWAY)
    assert match(ledger, CARD, "test") == 1
    put(ledger, SPAN)
    assert match(ledger, CARD, "test") == 0
    assert len(rows(ledger)) == 2


def test_a_match_is_shown(tokman: Run, tmp_path: Path) -> None:
    """A Kong log and the bodies behind it: two calls, or one and a note."""
    from tests.sources.gateways.test_mapped import KONG
    from tests.sources.providers.test_openai import chat

    usage = {"prompt_tokens": 28, "completion_tokens": 20, "total_tokens": 48}
    kong = json.loads(json.dumps(KONG))
    kong["ai"]["proxy"]["meta"] |= {"request_model": "gpt-4o", "provider_name": "openai"}
    body = chat() | {"created": KONG["started_at"] // 1000, "model": "gpt-4o", "usage": usage}
    (tmp_path / "kong.jsonl").write_text(json.dumps(kong) + "\n")
    (tmp_path / "bodies.jsonl").write_text(json.dumps(body) + "\n")
    plain = tokman("ingest", "kong.jsonl", "bodies.jsonl", "--ledger", "apart")
    assert "2 calls added" in plain.err
    done = tokman("ingest", "kong.jsonl", "bodies.jsonl", "--ledger", "l", "--match-fuzzy")
    assert "1 call matched by likeness" in done.err, done.err
    report = tokman("report", "--ledger", "l")
    assert "1 call · 1 matched by likeness" in report.err + report.out
    apart = tokman("report", "--ledger", "apart")
    assert "2 calls" in apart.err + apart.out
    assert "likeness" not in apart.err + apart.out
    again = tokman("ingest", "--ledger", "apart", "--match-fuzzy", "kong.jsonl")
    assert "1 call matched by likeness" in again.err, "asked for later, of unchanged files"
