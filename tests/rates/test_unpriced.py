"""A call without a price says why; it is never free, and never stops the run."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.rates.conftest import Charge, price_all
from tokman import rates
from tokman.rates import Card

REASONS: list[tuple[dict[str, Any], str]] = [
    ({"request_model": "mystery-9", "uncached_input_tokens": 37_400_000}, "unknown model"),
    ({"provider_name": "openai", "output_tokens": 1}, "no model stated"),
    (
        {"request_model": "claude-opus-5", "service_tier": "priority", "output_tokens": 1},
        "no price for tier priority",
    ),
    (
        {"request_model": "gemini-2.5-pro", "service_tier": "priority", "output_tokens": 1},
        "no price for tier priority",
    ),
    (
        {"request_model": "gpt-5", "service_tier": "solar", "output_tokens": 1},
        "no price for tier solar",
    ),
    (
        {"request_model": "gpt-5.3-codex", "service_tier": "batch", "output_tokens": 1},
        "no price for tier batch",
    ),
    (
        {
            "request_model": "grok-4.3",
            "service_tier": "batch",
            "output_tokens": 1,
            "started_at": datetime(2026, 9, 1),
        },
        "no price for tier batch at that date",
    ),
    (
        {"request_model": "claude-haiku-4-5", "speed": "fast", "output_tokens": 1},
        "no price for speed fast",
    ),
    (
        {
            "request_model": "claude-opus-5",
            "speed": "fast",
            "service_tier": "batch",
            "output_tokens": 1,
        },
        "no price for tier batch at speed fast",
    ),
    ({"request_model": "gpt-5", "output_tokens": 1, "started_at": None}, "no time stated"),
    ({"request_model": "whisper-1", "output_tokens": 1}, "no price for output tokens"),
    ({"request_model": "gpt-5", "output_tokens": 10**15}, "amount out of range"),
    (
        {"request_model": "gpt-5", "uncached_input_tokens": 10**18, "output_tokens": 10**18},
        "amount out of range",
    ),
    ({"request_model": "gpt-5", "output_tokens": None}, "a quantity is missing"),
    (
        {
            "provider_name": "perplexity",
            "request_model": "sonar-deep-research",
            "output_tokens": 1,
            "reasoning_output_tokens": 9,
        },
        "amount out of range",
    ),
]


@pytest.mark.parametrize(("call", "reason"), REASONS)
def test_an_unpriced_call_says_why(charge: Charge, call: dict[str, Any], reason: str) -> None:
    row = charge(**call)
    assert row["unpriced_reason"] == reason
    assert (
        row["list_cost"] is row["contracted_cost"] is row["rate_id"] is row["price_basis"] is None
    )


@pytest.mark.parametrize("tier", [None, "standard", "default", "AUTO", "on_demand", "scale"])
def test_names_of_the_standard_tier(charge: Charge, tier: str | None) -> None:
    assert charge(request_model="gpt-5", service_tier=tier, output_tokens=1)["rate_id"] == (
        "openai/gpt-5/standard"
    )


def test_a_batch_call_is_never_priced_as_standard(card: Card) -> None:
    """Over every model: without a price of its own a tier has none."""
    table = card.table.select(["provider_id", "model_id", "tier", "speed", "geo"]).to_pylist()
    tiers: dict[tuple[str, str], set[str]] = {}
    for row in table:
        if row["speed"] == "standard":
            tiers.setdefault((row["provider_id"], row["model_id"]), set()).add(row["tier"])
    models = [key for key, found in tiers.items() if "batch" not in found]
    usage = [
        {"provider_name": p, "request_model": m, "service_tier": "batch", "output_tokens": 1}
        for p, m in models
    ]
    for row in price_all(card, usage):
        assert row["list_cost"] is None or "/batch" in row["rate_id"]


def test_a_cache_of_the_gateway_costs_nothing(charge: Charge) -> None:
    row = charge(request_model="mystery", response_cache_hit=True, output_tokens=9)
    assert (row["list_cost"], row["price_basis"]) == (0, "response cache")
    assert row["rate_id"] is row["unpriced_reason"] is None


@pytest.mark.parametrize("model", ["<synthetic>", "claude-opus-5", "sonar", None])
def test_nothing_used_costs_nothing(charge: Charge, model: str | None) -> None:
    row = charge(request_model=model, status="error", started_at=None)
    assert (row["list_cost"], row["contracted_cost"]) == (0, 0)
    assert (row["price_basis"], row["unpriced_reason"]) == ("nothing used", None)


HOSTILE = [
    "'; DROP TABLE usage; --",
    '"; DROP TABLE usage; --',
    "$1 {model} %s \\",
    "gpt-5\n\t\r",
    "模型🙂é\u202e",
    "x" * 10_000,
    "/" * 200,
    "publishers//models/",
    "(" * 250,
    "a-20261399",
]


@pytest.mark.parametrize("field", ["request_model", "provider_name", "service_tier", "speed"])
def test_names_in_a_log_are_only_names(card: Card, field: str) -> None:
    usual = {"request_model": "gpt-5", "provider_name": "openai", "output_tokens": 1}
    rows = price_all(card, [{**usual, field: text, "inference_geo": text} for text in HOSTILE])
    assert [row[field] for row in rows] == HOSTILE
    assert all((row["list_cost"] is None) != (row["unpriced_reason"] is None) for row in rows)
    assert max(len(row["unpriced_reason"] or "") for row in rows) < 100


def test_old_prices_are_replaced_and_the_rest_is_kept(card: Card) -> None:
    with duckdb.connect() as connection:
        first = price_all(card, [{"request_model": "gpt-5", "output_tokens": 1}])[0]
        names = list(first)
        connection.execute(
            "CREATE TABLE old AS SELECT 'kept' AS extra, 1 AS line, "
            + ", ".join(f"$v{i} AS {name}" for i, name in enumerate(names) if name != "line"),
            {f"v{i}": first[name] for i, name in enumerate(names) if name != "line"},
        )
        rates.price(connection, card, "old", "again")
        rates.price(connection, card, "again", "again")
        row = connection.execute("SELECT * FROM again").fetchone()
        columns = [column[0] for column in connection.description or ()]
    assert sorted(columns) == sorted([*names, "extra"])
    assert row is not None
    assert dict(zip(columns, row, strict=True)) == {**first, "extra": "kept", "line": 1}


def test_no_usage_gives_no_charges(card: Card) -> None:
    assert price_all(card, [{"request_model": "gpt-5"}])[0]["list_cost"] == Decimal(0)
    with duckdb.connect() as connection:
        rates.price(connection, card, _empty(connection), "charges")
        assert connection.execute("SELECT count(*) FROM charges").fetchone() == (0,)


def _empty(connection: duckdb.DuckDBPyConnection) -> str:
    from tokman.usage import arrow_schema

    connection.register("no usage", arrow_schema().empty_table())
    return "no usage"
