"""Prices a table of usage in one join; the SQL is `tokman/sql/price.sql`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tokman.rates.card import Card
from tokman.rates.match import Match
from tokman.rates.overrides import Share, shares, tier_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MONEY = ("list_cost", "contracted_cost", "rate_id", "price_basis", "unpriced_reason")
"""The columns that `price` adds, replacing older ones of the same names."""

KEY = (
    "provider_name",
    "request_model",
    "response_model",
    "service_tier",
    "speed",
    "inference_geo",
)
"""What a call's rate depends on, beside its time and the length of its prompt."""

Combination = tuple[str | None, ...]
"""Values of KEY."""


def price(connection: duckdb.DuckDBPyConnection, card: Card, usage: str, into: str) -> None:
    """Create or replace the temporary table `into`: the columns of `usage` and the five of MONEY.

    `usage` names a table or view with the columns of `tokman.usage`. Costs are DECIMAL(18,12) USD,
    exact to the pico-dollar; a call without a price has NULL costs and a reason.
    """
    old = ", ".join(f"'{name}'" for name in MONEY)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW rates_usage AS "
        f"SELECT COLUMNS(lambda name: name NOT IN ({old})) FROM {_quoted(usage)}"
    )
    found = connection.execute(f"SELECT DISTINCT {', '.join(KEY)} FROM rates_usage").fetchall()
    combinations, groups, paid = resolve(card, found)
    small = {
        "rates_card": card.table,
        "rates_combination": combinations,
        "rates_group": groups,
        "rates_share": paid,
    }
    for name, table in small.items():
        connection.register(name, table)
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {_quoted(into)} AS {_select()}")
    finally:
        for name in small:
            connection.unregister(name)
        connection.execute("DROP VIEW IF EXISTS rates_usage")


def resolve(card: Card, found: list[Combination]) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Three small tables: each combination's group or why it has none; the groups; their discounts.

    A group is a set of rows of the card (model, tier, speed, place) at one discount.
    """
    import pyarrow as pa

    groups: dict[tuple[object, ...], int] = {}
    rows = []
    for combination in found:
        provider, asked, answered, stated_tier, stated_speed, stated_geo = combination
        match, name = card.find(provider, answered), answered
        if match is None:
            match, name = card.find(provider, asked), asked
        tier, speed = tier_of(stated_tier), (stated_speed or "standard").strip().lower()
        if match is None:
            reason = "unknown model" if asked or answered else "no model stated"
            rows.append((*combination, None, reason))
            continue
        # Only Anthropic itself sells by place of inference; elsewhere the model's name says it.
        geo = (stated_geo or "").strip().lower() if match.seller == match.provider_id else ""
        place = geo if geo and card.has(match, tier, speed, geo) else None
        if not card.has(match, tier, speed, place):
            rows.append((*combination, None, _missing(card, match, tier, speed)))
            continue
        kind = (match.provider_id, match.model_id, tier, speed, place)
        group = groups.setdefault((*kind, tuple(_shares(card, match, provider, name))), len(groups))
        rows.append((*combination, group, _missing(card, match, tier, speed, "at that date")))
    card.names.save()
    text, number = pa.string(), pa.int32()
    columns = zip(*rows, strict=True) if rows else [()] * (len(KEY) + 2)
    names = (*KEY, "group_id", "reason")
    types = (*(text for _ in KEY), number, text)
    combinations = pa.table(
        [pa.array(list(c), t) for c, t in zip(columns, types, strict=True)], names=list(names)
    )
    kinds = [(*key[:-1], group) for key, group in groups.items()]
    card_key = ("provider_id", "model_id", "tier", "speed", "geo")
    group_table = pa.table(
        {
            **{n: pa.array([kind[i] for kind in kinds], text) for i, n in enumerate(card_key)},
            "group_id": pa.array([kind[-1] for kind in kinds], number),
        }
    )
    paid: list[tuple[int, Share]] = [
        (group, share)
        for key, group in groups.items()
        for share in key[-1]  # type: ignore[attr-defined]
    ]
    moment, count = pa.timestamp("us"), pa.int64()
    share_table = pa.table(
        {
            "group_id": pa.array([group for group, _ in paid], number),
            "share_from": pa.array([share.start for _, share in paid], moment),
            "share_to": pa.array([share.end for _, share in paid], moment),
            "numerator": pa.array([share.numerator for _, share in paid], count),
            "denominator": pa.array([share.denominator for _, share in paid], count),
        }
    )
    return combinations, group_table, share_table


def _shares(card: Card, match: Match, provider: str | None, model: str | None) -> list[Share]:
    """The discounts, whose globs may name what the log says or what the catalogue calls it."""
    providers = {match.seller, match.provider_id, provider or match.seller}
    return shares(card.rates.discounts, providers, {match.model_id, model or match.model_id})


def _missing(card: Card, match: Match, tier: str, speed: str, when: str = "") -> str:
    """Why there is no price: the first of tier and speed that the card does not have."""
    words = ["no price"]
    if tier != "standard":
        words.append(f"for tier {tier[:40]}")
    if speed != "standard" and (tier == "standard" or card.has(match, tier, "standard", None)):
        words.append(f"for speed {speed[:40]}" if len(words) == 1 else f"at speed {speed[:40]}")
    return " ".join([*words, when]).strip()


def _quoted(name: str) -> str:
    """An SQL identifier, part by part; names come from tokman's own code, never from a log."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


@cache
def _select() -> str:
    return (Path(__file__).parent.parent / "sql" / "price.sql").read_text(encoding="utf-8")
