"""Known wrong answers of well-known tools: each log record here must cost what it costs by hand.

Records go through the source that claims them and the rate card. `peers` numbers are those of the
public reports named with them; prices are in USD per million tokens.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pytest

from tests.rates.conftest import cache_home, card
from tokman import columns, rates
from tokman.sources import claimants
from tokman.sources.base import Context
from tokman.usage import INPUT_CLASSES, OUTPUT_CLASSES, Usage, arrow_schema

__all__ = ["cache_home", "card"]

Json = dict[str, Any]
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
"""When a call was made whose record states no time."""


def seconds(moment: datetime) -> int:
    return round(moment.timestamp())


def read(*records: Json) -> list[Usage]:
    """The rows of records that follow each other in one file."""
    context = Context("log.jsonl", b"k" * 32)
    readers: dict[str, Any] = {}
    rows: list[Any] = []
    for line, record in enumerate(records, 1):
        (source,) = claimants(record)
        reader = readers.setdefault(source.name, source(context))
        decoded = msgspec.json.decode(json.dumps(record), type=source.record_type)
        rows += reader.parse(decoded, line)
    for reader in readers.values():
        rows += reader.finish()
    for row in rows:
        assert columns.fault(row) is None
        row.started_at = seconds(NOON) * 10**6 if row.started_at is None else row.started_at
    return rows


def charges(card: rates.Card, *records: Json) -> list[Json]:
    """The priced rows of records, in their order."""
    table = pa.Table.from_batches([columns.to_batch(read(*records), arrow_schema())])
    with duckdb.connect() as connection:
        connection.register("usage", table)
        rates.price(connection, card, "usage", "charges")
        found = connection.execute("SELECT * FROM charges ORDER BY line, call_id")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def cost(card: rates.Card, *records: Json) -> Decimal:
    """What the records cost together; each of them must have a price."""
    rows = charges(card, *records)
    assert all(row["unpriced_reason"] is None for row in rows)
    return sum((row["list_cost"] for row in rows), Decimal(0))


def claude(model: str, batch: bool = False, **usage: Any) -> Json:
    message = {
        "id": "msg_01AbCdEfGhIjKlMnOpQrStUv",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "usage": {"input_tokens": 0, "output_tokens": 0} | usage,
    }
    done = {"type": "succeeded", "message": message}
    return {"custom_id": "job-1", "result": done} if batch else message


def openai(model: str, prompt: int, completion: int, **more: Any) -> Json:
    """A chat completion; `cached`, `reasoning`, `at` and `extra` go where they belong."""
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": more.pop("cached", 0)},
        "completion_tokens_details": {"reasoning_tokens": more.pop("reasoning", 0)},
    }
    return {
        "id": "chatcmpl-AbCdEfGhIjKlMnOp",
        "object": "chat.completion",
        "created": seconds(more.pop("at", NOON)),
        "model": model,
        "choices": [],
        "usage": usage | more.pop("extra", {}),
    } | more


def gemini(model: str, **usage: Any) -> Json:
    body = {"responseId": "AbCdEfGhIjKlMnOp", "modelVersion": model, "usageMetadata": usage}
    return {"uri": "https://generativelanguage.googleapis.com/", "body": body}


def bedrock(model: str, output: int, **given: int) -> Json:
    return {
        "schemaType": "ModelInvocationLog",
        "timestamp": "2026-11-01T12:00:00Z",
        "requestId": "5346af27-8f56-4fb8-a6de-058be7a50818",
        "operation": "Converse",
        "modelId": model,
        "input": given,
        "output": {"outputTokenCount": output},
    }


TENTH = 100_000
CASES = [
    pytest.param(
        claude(
            "claude-3-7-sonnet-20250219",
            input_tokens=3,
            cache_creation_input_tokens=12_304,
            output_tokens=550,
        ),
        "0.054399",  # 3 × 3 + 12,304 × 3.75 + 550 × 15, not $0.091311
        id="T1 cache writes are no input as well (LiteLLM #9812)",
    ),
    pytest.param(
        claude(
            "claude-opus-4-7",
            input_tokens=6,
            cache_creation_input_tokens=159_217,
            cache_creation={"ephemeral_5m_input_tokens": 159_217},
            output_tokens=2_745,
        ),
        "1.06376125",  # 6 × 5 + 159,217 × 6.25 + 2,745 × 25, not $1.85984625
        id="T2 cache writes are counted once, not in total and by lifetime (Bifrost #3451)",
    ),
    pytest.param(
        bedrock(
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            12,
            inputTokenCount=3,
            cacheReadInputTokenCount=13_216,
            cacheWriteInputTokenCount=25,
        ),
        "0.004672305",  # 3 × 3.3 + 13,216 × 0.33 + 25 × 4.125 + 12 × 16.5, not $0.20
        id="T3 Bedrock's cache reads are no input (Phoenix #10036)",
    ),
    pytest.param(
        claude(
            "claude-sonnet-4-5",
            input_tokens=3,
            cache_read_input_tokens=7_917,
            cache_creation_input_tokens=350,
            output_tokens=442,
        ),
        "0.0103266",  # 442 × 15 = $0.00663 for the completion alone, and 0.0036966 for 8,270 in
        id="T4 the completion is 442 of 8,712 tokens (Phoenix #10783)",
    ),
    pytest.param(
        openai("gpt-5.4", 6_074, 285, cached=3_456),
        "0.011684",  # 2,618 × 2.5 + 3,456 × 0.25 + 285 × 15
        id="T5 cached tokens are a part of OpenAI's prompt (LiteLLM #27191)",
    ),
    pytest.param(
        gemini(
            "gemini-3-flash-preview",
            promptTokenCount=20_212,
            cachedContentTokenCount=16_298,
            candidatesTokenCount=931,
        ),
        "0.0055649",  # 3,914 × 0.5 + 16,298 × 0.05 + 931 × 3
        id="T6 and of Gemini's (pi #2148)",
    ),
    pytest.param(
        claude(
            "claude-sonnet-4-5",
            cache_creation_input_tokens=184_457,
            cache_creation={"ephemeral_5m_input_tokens": 31_490, "ephemeral_1h_input_tokens": 0},
        ),
        "0.69171375",  # 184,457 × 3.75: the split covers the first sampling only
        id="T13 the split by lifetime may be less than the total (LiteLLM #42663)",
    ),
    pytest.param(
        openai("gpt-5.4", 272_000, 1_000),
        "0.695",  # 272,000 × 2.5 + 1,000 × 15
        id="T15 272,000 tokens are not a long prompt (agentsview)",
    ),
    pytest.param(
        openai("gpt-5.4", 272_001, 1_000),
        "1.382505",  # 272,001 × 5 + 1,000 × 22.5: the whole request
        id="T15 272,001 are",
    ),
    pytest.param(
        openai("gpt-5.4", 272_001, 1_000, cached=272_000),
        "0.158505",  # 1 × 5 + 272,000 × 0.5 + 1,000 × 22.5
        id="cached tokens make a prompt long too (claude-code-karma #76)",
    ),
    pytest.param(
        openai("gpt-5-2025-08-07", 12, 1_351, reasoning=1_024),
        "0.013525",  # 12 × 1.25 + 1,351 × 10: a recorded response of pydantic/genai-prices
        id="reasoning is a part of OpenAI's completion (tokscale #1142)",
    ),
    pytest.param(
        gemini(
            "gemini-2.5-pro",
            promptTokenCount=1_106,
            candidatesTokenCount=778,
            thoughtsTokenCount=1_089,
            totalTokenCount=2_973,
        ),
        "0.0200525",  # 1,106 × 1.25 + (778 + 1,089) × 10: a recorded response
        id="Gemini's thoughts are billed on top of the candidates (Phoenix #7637)",
    ),
    pytest.param(
        {
            "id": "332bd54b-d862-b1d5-0a21-a866f9b59f89",
            "outputs": [{}],
            "created": "2026-01-16T17:04:40.247661156Z",
            "model": "grok-4-fast-non-reasoning",
            "usage": {
                "completion_tokens": 27,
                "prompt_tokens": 181,
                "total_tokens": 208,
                "cached_prompt_text_tokens": 162,
            },
        },
        "0.0000254",  # 19 × 0.2 + 162 × 0.05 + 27 × 0.5: a recorded response
        id="xAI's cached tokens are a part of its prompt",
    ),
    pytest.param(
        claude(
            "claude-opus-4-6",
            input_tokens=1_000,
            output_tokens=1_000,
            inference_geo="us",
            speed="fast",
        ),
        "0.198",  # 1.1 × 6 × (0.005 + 0.025)
        id="fast mode at six times the price, and 1.1 times that in the US (genai-prices #429)",
    ),
    pytest.param(
        claude("claude-opus-4-8", input_tokens=1_000, output_tokens=1_000, speed="fast"),
        "0.06",  # 2 × (0.005 + 0.025)
        id="at twice the price from Opus 4.8 on",
    ),
    pytest.param(
        claude("claude-opus-4-8", input_tokens=1_000, inference_geo="global"),
        "0.005",
        id="anywhere in the world at the list price",
    ),
    pytest.param(
        claude(
            "claude-opus-4-8",
            batch=True,
            cache_read_input_tokens=TENTH,
            cache_creation_input_tokens=2 * TENTH,
            cache_creation={
                "ephemeral_5m_input_tokens": TENTH,
                "ephemeral_1h_input_tokens": TENTH,
            },
            server_tool_use={"web_search_requests": 10},
        ),
        "0.9375",  # half of 0.05, 0.625 and 1, and the full $10 per 1,000 searches
        id="batch stacks with the cache, not with searches (genai-prices #547)",
    ),
    pytest.param(
        {
            "id": "batch_req_wnaDysabcd",
            "custom_id": "request-2",
            "response": {
                "status_code": 200,
                "body": openai("gpt-4o", 2 * TENTH, TENTH, cached=TENTH),
            },
        },
        "0.75",  # half of 0.25 and 1, and cached tokens at their full 0.125
        id="but OpenAI sells the cached tokens of this model at no batch price",
    ),
    pytest.param(
        {
            "id": "resp_026af6d29369608b006a",
            "object": "response",
            "created_at": seconds(NOON),
            "model": "gpt-5",
            "output": [
                {"type": "web_search_call", "action": {"type": "search"}},
                {"type": "web_search_call", "action": {"type": "open_page"}},
            ],
            "usage": {"input_tokens": 1_000, "output_tokens": 0, "total_tokens": 1_000},
        },
        "0.01125",  # 1,000 × 1.25, and one search at $10 per 1,000
        id="a search is a fee beside the tokens, opening a page is not",
    ),
]


@pytest.mark.parametrize(("record", "expected"), CASES)
def test_a_record_costs_what_it_costs_by_hand(
    card: rates.Card, record: Json, expected: str
) -> None:
    assert cost(card, record) == Decimal(expected)


def test_t7_reasoning_is_not_added_to_a_codex_session() -> None:
    total = {
        "input_tokens": 16_845_360,
        "cached_input_tokens": 16_358_912,
        "output_tokens": 63_820,
        "reasoning_output_tokens": 24_882,
        "total_tokens": 16_909_180,
    }
    at = "2026-11-01T12:00:0"
    rows = read(
        {"timestamp": at + "1Z", "type": "session_meta", "payload": {"id": "s", "cwd": "/w"}},
        {"timestamp": at + "2Z", "type": "turn_context", "payload": {"model": "gpt-5.5"}},
        {
            "timestamp": at + "3Z",
            "type": "event_msg",
            "payload": {"type": "token_count", "info": {"total_token_usage": total}},
        },
    )
    classes = (*INPUT_CLASSES, *OUTPUT_CLASSES)
    assert sum(getattr(row, name) for row in rows for name in classes) == 16_909_180
    assert sum(row.output_tokens for row in rows) == 63_820


def test_t12_a_cache_that_is_hardly_read_costs_more_than_none(card: rates.Card) -> None:
    plain = claude("claude-sonnet-4-5", input_tokens=21_000)
    cached = claude(
        "claude-sonnet-4-5", cache_read_input_tokens=1_000, cache_creation_input_tokens=20_000
    )
    assert cost(card, plain) - cost(card, cached) == Decimal("-0.0123")  # LiteLLM #36452


def test_calls_are_long_or_short_one_by_one_never_in_sum(card: rates.Card) -> None:
    """Two prompts of 150,000 tokens are not one of 300,000, whatever they add up to."""
    short = {**openai("gemini-2.5-pro", 150_000, 0), "id": "chatcmpl-AAAAAAAAAAAAAAAA"}
    other = {**short, "id": "chatcmpl-BBBBBBBBBBBBBBBB"}
    long = openai("gemini-2.5-pro", 300_000, 0)
    assert cost(card, short, other) == Decimal("0.375")  # 300,000 × 1.25
    assert cost(card, long) == Decimal("0.75")  # 300,000 × 2.5


@pytest.mark.parametrize(
    ("asked", "served", "rate"),
    [
        ("priority", "default", "openai/gpt-5.4/standard"),
        ("flex", None, "openai/gpt-5.4/standard"),
        ("auto", "priority", "openai/gpt-5.4/priority"),
        ("default", "flex", "openai/gpt-5.4/flex"),
    ],
)
def test_the_tier_served_is_billed_not_the_one_asked_for(
    card: rates.Card, asked: str, served: str | None, rate: str
) -> None:
    """LiteLLM #13810, PostHog #94200."""
    body = openai("gpt-5.4", 1_000, 1_000, service_tier=served)
    record = {"request": {"model": "gpt-5.4", "service_tier": asked}, "response": body}
    (row,) = charges(card, record)
    assert row["rate_id"].partition("@")[0] == rate


def test_bedrock_costs_by_where_a_profile_may_send_a_call(card: rates.Card) -> None:
    """`global.` is the list price, a region or `us.` a tenth more (claude-code #83690)."""
    profile = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/"
    name = "anthropic.claude-opus-4-6-v1"
    amounts = [
        cost(card, bedrock(model, TENTH, inputTokenCount=TENTH))
        for model in (f"global.{name}", f"{profile}global.{name}", f"us.{name}", f"eu.{name}", name)
    ]
    list_price, regional = Decimal("3"), Decimal("3.3")
    assert amounts == [list_price, list_price, regional, regional, regional]


def test_a_price_holds_from_midnight_utc_of_its_day(card: rates.Card) -> None:
    cut = datetime(2026, 7, 30, tzinfo=UTC)  # output 6 → 1.2 (ccusage #1636)
    before = openai("gpt-5.6-luna", 0, TENTH, at=cut - timedelta(seconds=1))
    after = openai("gpt-5.6-luna", 0, TENTH, at=cut)
    assert (cost(card, before), cost(card, after)) == (Decimal("0.6"), Decimal("0.12"))


def test_a_price_holds_for_its_hours_of_the_day(card: rates.Card) -> None:
    def at(hour: int, minute: int, second: int) -> Json:
        moment = datetime(2026, 11, 2, hour, minute, second, tzinfo=UTC)
        return {
            "uri": "https://api.deepseek.com/chat/completions",
            "body": openai("deepseek-v4-pro", 1_000, 0, at=moment),
        }

    assert cost(card, at(3, 59, 59)) == Decimal("0.00132")
    assert cost(card, at(4, 0, 0)) == Decimal("0.00066")


def test_t16_a_model_that_nobody_knows_is_not_free(card: rates.Card) -> None:
    (row,) = charges(card, openai("mystery-9", 37_400_000, 0))  # LiteLLM #35913
    assert (row["list_cost"], row["contracted_cost"]) == (None, None)
    assert row["unpriced_reason"] == "unknown model"


def test_a_price_of_minus_one_is_no_price(card: rates.Card) -> None:
    """OpenRouter lists −1 where the price depends on the model it routes to (genai-prices #400)."""
    prices = [name for name in card.table.column_names if name.startswith("price_")]
    beyond = "price_reasoning_output_tokens"  # what reasoning costs beyond output: may be less
    for name in prices:
        if name != beyond:
            stated = card.table.column(name).drop_null().to_pylist()
            assert min(stated, default=0) >= 0, name
    (row,) = charges(card, openai("openrouter/auto", 1_000, 1_000, id="gen-1784286312-3R0SU4Mb"))
    assert row["provider_name"] == "openrouter"
    assert row["list_cost"] is None or row["list_cost"] > 0


def test_an_absurd_cost_in_the_log_is_kept_and_is_no_list_price(card: rates.Card) -> None:
    plain = openai("gpt-5.4", 1_000, 1_000)
    absurd = openai("gpt-5.4", 1_000, 1_000, extra={"cost": 48_211.5})
    (row,), (usual,) = charges(card, absurd), charges(card, plain)
    assert row["billed_cost"] == Decimal("48211.5")
    assert row["list_cost"] == usual["list_cost"] == Decimal("0.0175")
    assert usual["billed_cost"] is None


@pytest.mark.parametrize("amount", [10**6, -1, "NaN", 1e300])
def test_a_cost_that_no_call_can_have_is_refused(amount: Any) -> None:
    with pytest.raises(ValueError, match="not the cost of one call"):
        read(openai("gpt-5.4", 1, 1, extra={"cost": amount}))
