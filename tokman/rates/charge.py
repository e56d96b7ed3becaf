"""Prices a table of usage in one join; the SQL is `tokman/sql/price.sql`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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


class Group(NamedTuple):
    """Rows of the card at one discount; its fields before the discounts are columns of the card."""

    provider_id: str
    model_id: str
    tier: str
    speed: str
    geo: str | None
    shares: tuple[Share, ...]


class Resolved(NamedTuple):
    """What a combination's calls are priced by, and the reason where that gives no price."""

    group: Group | None
    reason: str


def price(
    connection: duckdb.DuckDBPyConnection,
    card: Card,
    usage: str,
    into: str,
    *,
    keep: Sequence[str] = ("*",),
    money: Sequence[str] = MONEY,
    append: bool = False,
) -> None:
    """Create or replace the temporary table `into`, or append to the table of that name: the
    columns of `usage` and those of MONEY.

    `usage` names a table or view with the columns of `tokman.usage`, of which `into` has only those
    in `keep` and in `money`: fewer are quicker. Costs are DECIMAL(18,12) USD, exact to the
    pico-dollar; a call without a price has NULL costs and a reason.
    """
    old = ", ".join(f"'{name}'" for name in MONEY)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW rates_usage AS "
        f"SELECT COLUMNS(lambda name: name NOT IN ({old})) FROM {_quoted(usage)}"
    )
    found = connection.execute(f"SELECT DISTINCT {', '.join(KEY)} FROM rates_usage").fetchall()
    small = tables(found, [resolve(card, combination) for combination in found])
    small["rates_card"] = card.table
    card.names.save()
    for name, table in small.items():
        connection.register(name, table)
    try:
        asked = f"* exclude ({', '.join(MONEY)})" if keep == ("*",) else ", ".join(keep)
        kept = ", ".join((asked, *money))
        table = f"{'INSERT INTO' if append else 'CREATE OR REPLACE TEMP TABLE'} {_quoted(into)}"
        connection.execute(f"{table} {'' if append else 'AS'} SELECT {kept} FROM ({_select()})")
    finally:
        for name in small:
            connection.unregister(name)
        connection.execute("DROP VIEW IF EXISTS rates_usage")


def resolve(card: Card, combination: Combination) -> Resolved:
    """The group of a combination: by the model that answered, else by the one asked for."""
    provider, asked, answered, stated_tier, stated_speed, stated_geo = combination
    match, name = card.find(provider, answered), answered
    if match is None:
        match, name = card.find(provider, asked), asked
    if match is None:
        return Resolved(None, "unknown model" if asked or answered else "no model stated")
    tier, speed = tier_of(stated_tier), (stated_speed or "standard").strip().lower()
    # Only Anthropic itself sells by place of inference; elsewhere the model's name says it.
    place = (stated_geo or "").strip().lower() if match.seller == match.provider_id else ""
    geo = place if card.has(match, tier, speed, place) else None
    if not card.has(match, tier, speed, geo):
        return Resolved(None, _missing(card, match, tier, speed))
    group = Group(
        match.provider_id, match.model_id, tier, speed, geo, _shares(card, match, provider, name)
    )
    return Resolved(group, f"{_missing(card, match, tier, speed)} at that date")


def tables(found: list[Combination], resolved: list[Resolved]) -> dict[str, pa.Table]:
    """The small tables that `price.sql` joins, by the names it knows them by."""
    import pyarrow as pa

    groups = list(dict.fromkeys(one.group for one in resolved if one.group))
    number = {group: index for index, group in enumerate(groups)}
    text, whole, moment = pa.string(), pa.int64(), pa.timestamp("us")
    numbers = [None if one.group is None else number[one.group] for one in resolved]
    paid = [(number[group], *share) for group in groups for share in group.shares]
    return {
        "rates_combination": pa.table(
            {name: pa.array([c[i] for c in found], text) for i, name in enumerate(KEY)}
            | {"group_id": pa.array(numbers, whole)}
            | {"reason": pa.array([one.reason for one in resolved], text)}
        ),
        "rates_group": pa.table(
            {
                name: pa.array([g[i] for g in groups], text)
                for i, name in enumerate(Group._fields[:-1])
            }
            | {"group_id": pa.array(list(number.values()), whole)}
        ),
        "rates_share": pa.table(
            {
                name: pa.array([share[i] for share in paid], kind)
                for i, (name, kind) in enumerate(
                    (
                        ("group_id", whole),
                        ("share_from", moment),
                        ("share_to", moment),
                        ("numerator", whole),
                        ("denominator", whole),
                    )
                )
            }
        ),
    }


def _shares(card: Card, match: Match, provider: str | None, model: str | None) -> tuple[Share, ...]:
    """The discounts, whose globs may name what the log says or what the catalogue calls it."""
    providers = {match.seller, match.provider_id, provider or match.seller}
    models = {match.model_id, model or match.model_id}
    return tuple(shares(card.rates.discounts, providers, models))


def _missing(card: Card, match: Match, tier: str, speed: str) -> str:
    """Why there is no price: the first of tier and speed that the card does not have."""
    words = ["no price"]
    if tier != "standard":
        words.append(f"for tier {tier[:40]}")
    if speed != "standard" and (tier == "standard" or card.has(match, tier, "standard", None)):
        words.append(f"for speed {speed[:40]}" if len(words) == 1 else f"at speed {speed[:40]}")
    return " ".join(words)


def _quoted(name: str) -> str:
    """An SQL identifier, part by part; names come from tokman's own code, never from a log."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


@cache
def _select() -> str:
    return (Path(__file__).parent.parent / "sql" / "price.sql").read_text(encoding="utf-8")
