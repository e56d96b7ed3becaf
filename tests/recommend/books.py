"""Small ledgers for the recommender's tests, priced by a card of their own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from tokman import query, rates, sql
from tokman.config import Config, Model, Rates
from tokman.rates import Card, price
from tokman.usage import Usage, arrow_schema

if TYPE_CHECKING:
    import duckdb

MONDAY = datetime(2026, 10, 19, tzinfo=UTC)

USD_PER_MILLION: dict[str, tuple[Any, ...]] = {
    # model: provider, input, output, cache read, write 5m, write 1h, batch or not
    "gpt-5.5": ("openai", 5, 30, "0.5", None, None, True),
    "gpt-5.4-mini": ("openai", "0.75", "4.5", "0.075", None, None, True),
    "claude-sonnet-4-5": ("anthropic", 3, 15, "0.3", "3.75", 6, True),
    "claude-haiku-4-5": ("anthropic", 1, 5, "0.1", "1.25", 2, True),
    "mistral-large-4": ("mistral", 2, 6, None, None, None, False),
    "mistral-small-2603": ("mistral", "0.2", "0.6", None, None, None, False),
    "mistral-medium-3-5": ("mistral", "1.5", "7.5", "0.15", None, None, False),
    "grok-4.7": ("x-ai", 2, 6, "0.5", None, None, False),
    "kimi-k2.6": ("moonshotai", "0.95", 4, "0.16", None, None, False),
    "deepseek-v4-flash": ("deepseek", "0.3", "1.2", "0.006", None, None, False),
    "house-7b": ("mistral", 2, 6, None, None, None, False),
}


@cache
def card() -> Card:
    """Prices that no new catalogue can change."""
    models: dict[str, Model | list[Model]] = {}
    for name, (provider, inp, out, read, write_5m, write_1h, batch) in USD_PER_MILLION.items():
        tiers = [(None, Decimal(1))] + ([("batch", Decimal("0.5"))] if batch else [])
        models[name] = [
            Model(
                provider=provider,
                tier=tier,
                input=_part(inp, share) or 0,
                output=_part(out, share) or 0,
                cache_read=_part(read, share),
                cache_write_5m=_part(write_5m, share),
                cache_write_1h=_part(write_1h, share),
            )
            for tier, share in tiers
        ]
    return rates.load(Rates(models=models))


def _part(price: str | int | None, share: Decimal) -> str | None:
    return None if price is None else str(Decimal(price) * share)


def books(usages: Iterable[Usage], prices: Card | None = None) -> duckdb.DuckDBPyConnection:
    """A connection as `query.connect` gives it."""
    rows = [msgspec.to_builtins(usage) for usage in usages]
    return opened(pa.Table.from_pylist(rows, schema=arrow_schema()), prices)


def opened(usage: pa.Table, prices: Card | None = None) -> duckdb.DuckDBPyConnection:
    """The same of a table with the columns of Usage."""
    connection = query.database()
    connection.register("incoming", usage)
    price(connection, prices or card(), "incoming", "priced")
    connection.execute("create table usage as select *, started_at::date as day from priced")
    connection.execute("drop table priced")
    connection.unregister("incoming")
    connection.execute(f"create view charges as {sql.text('charges')}")
    return connection


def call(number: int, at: datetime, **what: Any) -> Usage:
    """One call; what is not said is a plain one of gpt-5.5."""
    model = what.pop("model", "gpt-5.5")
    plain: dict[str, Any] = {
        "call_id": f"call-{what.get('workflow', 'work')}-{number}",
        "started_at": int(at.timestamp() * 1_000_000),
        "provider_name": USD_PER_MILLION[model][0],
        "request_model": model,
        "response_model": model,
        "uncached_input_tokens": 600,
        "output_tokens": 300,
        "workflow": "work",
        "source": "openai",
    }
    return Usage(**plain | what)


def office(count: int, days: int = 28, **what: Any) -> list[Usage]:
    """Calls spread over the office hours of every day, at times that keep to no schedule."""
    per_day = -(-count // days)
    rows = []
    for number in range(count):
        day, place = divmod(number, per_day)
        seconds = (place * 36_000 // per_day + number * 7919 % 1800) % 36_000
        at = MONDAY + timedelta(days=day, hours=8, seconds=seconds)
        rows.append(call(number, at, **what))
    return rows


def nightly(per_night: int = 60, nights: int = 28, **what: Any) -> list[Usage]:
    """A job that starts at 02:10 UTC every night, one call a second."""
    return [
        call(
            night * per_night + number,
            MONDAY + timedelta(days=night, hours=2, minutes=10, seconds=number),
            **what,
        )
        for night in range(nights)
        for number in range(per_night)
    ]


def config(**workflows: Any) -> Config:
    """A configuration that declares workflows: `config(digest={"interactive": False})`."""
    return msgspec.convert({"workflows": workflows}, Config)
