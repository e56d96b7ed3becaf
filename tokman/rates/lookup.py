"""What a model costs at a moment, for a person to read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from tokman.errors import TokmanError
from tokman.rates import columns
from tokman.rates.card import Card
from tokman.rates.columns import PRICED, Rate
from tokman.usage import FEES

MILLION = Decimal(10**6)


def lookup(card: Card, model: str, provider: str | None, at: datetime) -> list[dict[str, Any]]:
    """Every row in force at a moment (naive is UTC) for a model as logs or the catalogue name it.

    Token prices are decimal strings in USD per million tokens, fees and `per_request` in USD per
    thousand; None is not priced. An unknown model is an error with near names as its hint.
    """
    moment = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
    match = card.find(provider, model)
    card.names.save()
    known = columns.rows(card.table)
    if match is None:
        raise TokmanError(f'no price for the model "{model[:100]}"', _near(model, known))
    rows = [rate for rate in known if (rate.provider_id, rate.model_id) == match[:2]]
    in_force = [
        rate
        for rate in rows
        if (rate.valid_from or moment) <= moment and (not rate.valid_to or moment < rate.valid_to)
    ]
    if not in_force:
        raise TokmanError(
            f'no price for the model "{model[:100]}" on {moment:%Y-%m-%d}',
            f"prices start on {min(r.valid_from for r in rows if r.valid_from):%Y-%m-%d}"
            if all(rate.valid_from for rate in rows)
            else None,
        )
    return [_readable(rate, card.version) for rate in sorted(in_force, key=_order)]


def _order(rate: Rate) -> tuple[bool, str, str, str, int, int]:
    other = (rate.tier, rate.speed) != ("standard", "standard")
    gt = -1 if rate.prompt_gt is None else rate.prompt_gt
    return (other, rate.tier, rate.speed, rate.geo or "", rate.tod_from, gt)


def _readable(rate: Rate, version: str) -> dict[str, Any]:
    row: dict[str, Any] = {"rate_id": rate.rate_id} | rate._asdict()
    del row["prices"]
    for name, price in zip(PRICED, rate.prices, strict=True):
        row[name] = None if price is None else _usd(price, name)
    reasoning, output = row["reasoning_output_tokens"], row["output_tokens"]
    if reasoning is not None and output is not None:
        row["reasoning_output_tokens"] = _plain(Decimal(reasoning) + Decimal(output))
    return row | {"version": version}


def _usd(pico: int, name: str) -> str:
    """Pico-USD per unit as USD per million tokens, or per thousand of what is counted singly."""
    singly = name in (*FEES, "per_request")
    return _plain(Decimal(pico) / (10**9 if singly else MILLION))


def _plain(amount: Decimal) -> str:
    whole = amount.normalize()
    return f"{whole:f}" if whole else "0"


def _near(model: str, known: list[Rate]) -> str:
    ids = sorted({rate.model_id for rate in known})
    near = get_close_matches(model[:100].lower(), ids, n=3, cutoff=0.5)
    advice = "state its price or an alias under [rates] in tokman.toml"
    return f"near: {', '.join(near)}; or {advice}" if near else advice
