"""Texts that come again and again, stored as numbers: a name then takes a byte or two of a call's
row, where DuckDB would take sixteen, and ten million rows stay in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import duckdb

    from tokman.rates import Card


class Words(NamedTuple):
    """Columns that share their words, and the parts of a charge that these come from."""

    columns: tuple[str, ...]
    sources: tuple[str, ...]


USAGE = (
    Words(("provider_name", "provider_id"), ("provider_name",)),
    Words(("request_model", "response_model", "model_id"), ("request_model", "response_model")),
    Words(("service_tier",), ("service_tier",)),
    Words(("speed",), ("speed",)),
    Words(("inference_geo",), ("inference_geo",)),
    Words(("status",), ("status",)),
    Words(("output_basis",), ("output_basis",)),
)
"""Those that levers may change."""

SEEN = (
    Words(("key",), ("api_key_alias", "api_key_hash")),
    Words(("thread",), ("agent_name",)),
    Words(("tool",), ("tool_names[1]",)),
    *(
        Words((name,), (name,))
        for name in "workflow environment error_type finish_reason reasoning_effort turn".split()
    ),
)

OTHERS = {
    "provider_name": "select provider_id from rates_card union all select provider_id from named",
    "request_model": "select model_id from rates_card union all select model_id from named",
    "service_tier": "select unnest(['batch', 'flex'])",
    "output_basis": "select 'final'",
}
"""Words that levers may write, though no charge has them."""

MANY = 100_000
"""Calls from which on this is worth its time."""

MOST = 10_000
"""Different words from which on a column is kept as it is."""


def replaced(connection: duckdb.DuckDBPyConnection, card: Card, charges: str) -> list[str]:
    """Each column that is to be an enumeration, as an item of REPLACE in a select over charges.

    The order of words is that of the texts, so that sorting gives the same. For a word that comes
    in later see `spell`.
    """
    connection.register("rates_card", card.table)
    items = []
    for words in (*USAGE, *SEEN):
        first = words.columns[0]
        parts = [f"select {source} as word from {charges}" for source in words.sources]
        parts += [OTHERS[first]] if first in OTHERS else []
        connection.execute(
            f"create or replace type {first}_word as enum (select word from (select distinct word "
            f"from ({' union all '.join(parts)}) where word is not null limit {MOST + 1}) "
            "order by word)"
        )
        (count,) = connection.execute(f"select len(enum_range(null::{first}_word))").fetchall()
        if count[0] <= MOST:
            items += [f"{name}::{first}_word as {name}" for name in words.columns]
    connection.unregister("rates_card")
    return items


def spell(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make the words that levers may change texts again."""
    for name in (name for words in USAGE for name in words.columns):
        connection.execute(f"alter table {table} alter column {name} type varchar")
