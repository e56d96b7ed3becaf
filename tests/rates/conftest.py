from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tokman import rates
from tokman.usage import QUANTITIES, arrow_schema

COLUMNS = (
    "started_at",
    "provider_name",
    "request_model",
    "response_model",
    "service_tier",
    "speed",
    "inference_geo",
    "response_cache_hit",
    "status",
    "output_basis",
    *QUANTITIES,
    "reasoning_output_tokens",
)
DEFAULTS: dict[str, Any] = {
    "started_at": datetime(2026, 11, 1, 12),
    "response_cache_hit": False,
    "status": "ok",
    "output_basis": "final",
} | dict.fromkeys((*QUANTITIES, "reasoning_output_tokens"), 0)

Charge = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of the tests' own; later tests of a session find it warm."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(home))
        yield home


@pytest.fixture(scope="session")
def card() -> rates.Card:
    return rates.load()


@pytest.fixture(scope="session")
def charge(card: rates.Card) -> Charge:
    """Price one call: `charge(request_model="gpt-5", output_tokens=1, card=…)` → its row."""

    def one(card: rates.Card = card, **values: Any) -> dict[str, Any]:
        return price_all(card, [values])[0]

    return one


def price_all(card: rates.Card, usage: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The charges of some calls, in their order."""
    rows = [{"line": line, **DEFAULTS, **values} for line, values in enumerate(usage)]
    fields = [arrow_schema().field(name) for name in (*COLUMNS, "line")]
    table = pa.Table.from_pylist(rows, schema=pa.schema(fields))
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.register("usage", table)
        rates.price(connection, card, "usage", "charges")
        found = connection.execute("SELECT * FROM charges ORDER BY line")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def overlapping(card: rates.Card) -> list[Any]:
    """Pairs of rows that could price the same call, and windows that wrap midnight."""
    with duckdb.connect() as connection:
        connection.register("card", card.table)
        return connection.execute(
            """
            SELECT a.rate_id, b.rate_id
            FROM card AS a JOIN card AS b USING (provider_id, model_id, tier, speed)
            WHERE a.geo IS NOT DISTINCT FROM b.geo AND a.rate_id < b.rate_id
              AND coalesce(a.valid_from, '-infinity') < coalesce(b.valid_to, 'infinity')
              AND coalesce(b.valid_from, '-infinity') < coalesce(a.valid_to, 'infinity')
              AND a.tod_from < b.tod_to AND b.tod_from < a.tod_to
              AND coalesce(a.prompt_gt, -1) < coalesce(b.prompt_le, 10::BIGINT ** 18)
              AND coalesce(b.prompt_gt, -1) < coalesce(a.prompt_le, 10::BIGINT ** 18)
            UNION ALL
            SELECT rate_id, rate_id FROM card WHERE tod_from >= tod_to
            """
        ).fetchall()
