"""The same call in a trace, a gateway's log, a transcript and a raw answer is one row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sources.agents import test_claude_code as claude_code
from tests.sources.gateways import test_litellm as litellm
from tests.sources.gateways import test_mapped as mapped
from tests.sources.providers import test_anthropic as anthropic
from tests.sources.providers import test_openai as openai
from tests.sources.records import Json, lines, read
from tests.sources.traces import test_otel as otel
from tokman import rates
from tokman.columns import to_batch
from tokman.commit import Committed, commit
from tokman.config import Config
from tokman.ledger import Ledger
from tokman.query import connect
from tokman.usage import Usage, arrow_schema

CARD = rates.load()
AT = "2026-09-21 14:13:20"
"""The start of the traces."""
CHAT, MESSAGE = "chatcmpl-0a1b2c3d4e5f6789", "msg_014VwiXbi91y3JMjcpyGBHX5"


def usages(*records: Json) -> list[Usage]:
    """The rows of a log of these records, named after its first row's source."""
    found = read(lines(records))
    assert found.rows and not found.reasons, found.reasons
    for row in found.rows:
        row.file = f"{row.source}.jsonl"
    return found.rows


def span(response: str, model: str, given: int, answered: int, **more: Any) -> Json:
    gen = {"response.id": response, "request.model": model, "conversation.id": "c-1", **more}
    return otel.batch(otel.chat(1, None, given, answered, gen=gen), service_name="shop")


def gateway(response: str, model: str, given: int, answered: int, **more: Any) -> Json:
    counts = {"prompt_tokens": given, "completion_tokens": answered}
    times = {"startTime": f"{AT}+00:00", "endTime": "2026-09-21 14:13:22+00:00"}
    record = {"request_id": response, "model": model, "total_tokens": given + answered}
    return litellm.row(**record, **counts, **times, **more)


def chat() -> list[Usage]:
    """One chat completion: the span without the cached part, the gateway with the team."""
    who = {"user_api_key_team_alias": "search", "user_api_key_alias": "prod"}
    body = openai.chat({"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120})
    body["usage"] |= {"prompt_tokens_details": {"cached_tokens": 64}}
    body["usage"].pop("completion_tokens_details", None)
    body |= {"id": CHAT, "model": "gpt-4o-2024-08-06", "created": otel.START // otel.SECOND + 2}
    return [
        *usages(span(CHAT, "gpt-4o", 100, 20)),
        *usages(gateway(CHAT, "gpt-4o", 100, 20, metadata=who)),
        *usages({"request": {"model": "gpt-4o", "messages": []}, "response": body}),
    ]


def message() -> list[Usage]:
    """One message: the transcript saw a first count, the answer, which has no time, the last."""
    spent = {"input_tokens": 11, "output_tokens": 36}
    model, maker = "claude-sonnet-4-5-20250929", {"custom_llm_provider": "anthropic"}
    started = claude_code.said(MESSAGE, tokens={**spent, "output_tokens": 1}, timestamp=f"{AT}Z")
    return [
        *usages(started),
        *usages(anthropic.message(spent)),
        *usages(span(MESSAGE, model, 11, 36)),
        *usages(gateway(MESSAGE, model, 11, 36) | maker),
    ]


SEEN = {"chat": chat, "message": message}
EXPECTED: dict[str, Json] = {
    "chat": {
        "uncached_input_tokens": 36,
        "cache_read_input_tokens": 64,
        "output_tokens": 20,
        "output_basis": "final",
        "team": "search",
        "conversation_id": "c-1",
        "api_key_alias": "prod",
    },
    "message": {
        "uncached_input_tokens": 11,
        "output_tokens": 36,
        "output_basis": "final",
        "workflow": "web",
        "finish_reason": "end_turn",
    },
}


def put(ledger: Ledger, *sightings: Usage) -> Committed:
    table = pa.Table.from_batches([to_batch(sightings, arrow_schema())])
    return commit(ledger, table, CARD, "test")


def rows(ledger: Ledger, table: str = "usage") -> list[Json]:
    frame: pl.DataFrame = connect(ledger, Config()).sql(f"from {table} order by call_id").pl()
    return frame.drop("ingest_id").to_dicts()


@pytest.mark.parametrize("name", SEEN)
def test_one_row_with_what_each_layer_knows(name: str, tmp_path: Path) -> None:
    seen = SEEN[name]()
    assert len({row.call_id for row in seen}) == 1
    assert len({row.source for row in seen}) == len(seen) >= 3
    ledger = Ledger(tmp_path / "l", create=True)
    assert put(ledger, *seen) == Committed(added=1)
    [row] = rows(ledger)
    assert {column: row[column] for column in EXPECTED[name]} == EXPECTED[name]
    places = [*row["also_seen"], {key: row[key] for key in ("source", "file", "line")}]
    assert sorted(place["source"] for place in places) == sorted(each.source for each in seen)


@pytest.mark.parametrize("name", SEEN)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(choice=st.randoms(use_true_random=False))
def test_neither_order_nor_batches_of_the_layers_matter(
    name: str, choice: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    seen = SEEN[name]()
    at_once = Ledger(tmp_path_factory.mktemp("once") / "l", create=True)
    put(at_once, *seen)
    [expected] = rows(at_once)
    order = [*choice.sample(seen, len(seen)), choice.choice(seen)]
    parts = Ledger(tmp_path_factory.mktemp("parts") / "l", create=True)
    while order:
        size = choice.randint(1, len(order))
        put(parts, *order[:size])
        del order[:size]
    assert rows(parts) == [expected]


def test_a_hit_of_the_gateway_s_cache_is_a_call_that_cost_nothing(tmp_path: Path) -> None:
    """It answers with the first call's response id, which must not make the two one."""
    again = {"cache_hit": "True", "spend": 0.0}
    hit = gateway(f"{CHAT}_cache_hit17.5", "gpt-4o", 100, 20) | again
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, *usages(gateway(CHAT, "gpt-4o", 100, 20), hit), *chat())
    bought, free = sorted(rows(ledger, "charges"), key=lambda row: row["response_cache_hit"])
    assert (bought["call_id"], free["response_cache_hit"]) == (CHAT, True)
    assert (bought["list_cost"] > 0, free["list_cost"]) == (True, 0)
    assert free["output_tokens"] == 20, "its tokens stay visible"


def test_retries_and_fallbacks_stay_calls_of_their_own(tmp_path: Path) -> None:
    first = mapped.BIFROST | {"status": "error", "id": "9e3c0f44-1111-4222-8333-000000000001"}
    second = mapped.BIFROST | {
        "id": "9e3c0f44-1111-4222-8333-000000000002",
        "parent_request_id": first["id"],
        "fallback_index": 1,
        "provider": "openai",
        "model": "gpt-4o",
    }
    third = litellm.row(request_id=CHAT, metadata={"attempted_retries": 2})
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, *usages(first, second), *usages(third))
    failed, fallback, retried = sorted(
        rows(ledger), key=lambda row: (row["source"] != "bifrost", row["retry_of"] is not None)
    )
    assert (failed["status"], fallback["status"]) == ("error", "ok")
    assert fallback["retry_of"] == failed["call_id"]
    assert retried["attempt"] == 3
