"""Anthropic's own account of the weeks: its usage and cost reports, with three differences.

They end a day before the logs do, as reports pulled on the last morning would.
"""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

from making.books import DAYS, FIRST_DAY, HAIKU, PRICES, Json, Maker, Tokens, zulu

CLASSES = (
    ("uncached_input_tokens", "Input"),
    ("cache_read_input_tokens", "Cache Read"),
    ("cache_creation.ephemeral_5m_input_tokens", "Cache Write 5m"),
    ("cache_creation.ephemeral_1h_input_tokens", "Cache Write 1h"),
    ("output_tokens", "Output"),
)
DISCOUNT_FROM, DISCOUNT = FIRST_DAY + timedelta(days=13), Decimal("0.05")
NOTEBOOK = {
    FIRST_DAY + timedelta(days=8): Tokens(812_400, output=96_130),
    FIRST_DAY + timedelta(days=9): Tokens(1_204_750, output=141_002),
    FIRST_DAY + timedelta(days=10): Tokens(377_318, output=58_876),
}
"""Calls of a key that goes past the gateway, so that no log has them."""
SEARCHES = {FIRST_DAY + timedelta(days=4): 21, FIRST_DAY + timedelta(days=17): 16}
SEARCH_CENTS = 1
"""$10 per thousand: https://platform.claude.com/docs/en/about-claude/pricing."""


def bill(m: Maker) -> None:
    """Write both reports and note what is planted in them."""
    served = dict(m.books.days)
    missing = Decimal(0)
    for day, tokens in NOTEBOOK.items():
        before = served.get((day, HAIKU), Tokens())
        served[day, HAIKU] = Tokens(*map(sum, zip(before, tokens, strict=True)))
        missing += Decimal(tokens.cost(HAIKU)) / 10**12
    usage, costs, saved = [], [], Decimal(0)
    for number in range(DAYS - 1):
        day = FIRST_DAY + timedelta(days=number)
        models = sorted(model for date, model in served if date == day)
        bucket = {"starting_at": zulu(day)[:19] + "Z"}
        bucket |= {"ending_at": zulu(day + timedelta(days=1))[:19] + "Z"}
        usage.append(bucket | {"results": [_used(served[day, model], model) for model in models]})
        lines: list[Json] = []
        for model in models:
            less = DISCOUNT if day >= DISCOUNT_FROM else Decimal(0)
            found, list_price = _charged(served[day, model], model, less)
            lines += found
            saved += list_price * less
        if searches := SEARCHES.get(day):
            lines.append(
                _line("Web Search Usage", "web_search", None, None, searches * SEARCH_CENTS)
            )
        costs.append(bucket | {"results": lines})
    for name, buckets in (("usage", usage), ("cost", costs)):
        page = {"data": buckets, "has_more": False, "next_page": None}
        path = m.logs / "statements" / f"anthropic_{name}_report.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(page, indent=1) + "\n", encoding="utf-8")
    m.books.bill = {
        "calls missing from our logs": f"{missing:f}",
        "unit price": f"{-saved.normalize():f}",
        "fees that are not tokens": f"{Decimal(sum(SEARCHES.values()) * SEARCH_CENTS) / 100:f}",
    }


def _used(tokens: Tokens, model: str) -> Json:
    return {
        "uncached_input_tokens": tokens.uncached_input,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation": tokens.written_by_lifetime,
        "output_tokens": tokens.output,
        "server_tool_use": {"web_search_requests": 0},
        "model": model,
    }


def _charged(tokens: Tokens, model: str, less: Decimal) -> tuple[list[Json], Decimal]:
    """The lines of a model's day, and its list price in dollars."""
    lines, total = [], Decimal(0)
    for (kind, words), count, price in zip(CLASSES, tokens[:5], PRICES[model], strict=True):
        if count:
            dollars = count * Decimal(str(price)) / 10**6
            total += dollars
            cents = dollars * 100 * (1 - less)
            lines.append(_line(f"{model} Usage - {words} Tokens", "tokens", model, kind, cents))
    return lines, total


def _line(
    words: str, cost_type: str, model: str | None, token_type: str | None, cents: Decimal | int
) -> Json:
    return {
        "amount": f"{Decimal(cents).normalize():f}",
        "currency": "USD",
        "cost_type": cost_type,
        "description": words,
        "model": model,
        "service_tier": "standard" if model else None,
        "token_type": token_type,
        "context_window": "0-200k" if model else None,
        "workspace_id": None,
    }
