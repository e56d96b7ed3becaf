"""Anthropic's console exports: cost and usage as CSV, one row per day, key, model and class.

From https://platform.claude.com/usage and /cost, Export. Amounts are dollars (the Admin API's are
cents), mostly rounded to whole cents; `--` and an empty cell mean that a column does not apply.
Keys and workspaces go by name, models by id in one export and by display name in the other. The
headers are of real exports, the rows they were checked on are not; an hour in `usage_date_utc`,
which some report, is read as the start of an hour's bucket.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Count, Record
from tokman.sources.facts import amount, short, time_us, word
from tokman.sources.statements.anthropic_lines import geo, standing
from tokman.sources.statements.lines import (
    DAY,
    HOUR,
    Counting,
    Dimensions,
    Draft,
    letter,
    place,
    signed,
    view_of,
)
from tokman.statement import Statement

_CLASSES = {
    "input_no_cache": "uncached_input_tokens",
    "input_cache_read": "cache_read_input_tokens",
    "input_cache_write_5m": "cache_write_5m_input_tokens",
    "input_cache_write_1h": "cache_write_1h_input_tokens",
    "output": "output_tokens",
}
_WINDOWS = {"≤ 200k": "0-200k"}
"""As the Admin API calls them."""

_NAMED = re.compile(r"Claude (Opus|Sonnet|Haiku) ([4-9]|\d\d)(?:\.(\d+))?", re.ASCII)
"""Display names from Claude 4 on, whose ids are made in the same way."""

_BY = ("api_key", "context_window", "inference_geo", "model", "speed", "usage_type", "workspace")
_BY_COST = (*_BY, "cost_type", "token_type")
_COUNTS = {
    "uncached_input_tokens": "usage_input_tokens_no_cache",
    "cache_read_input_tokens": "usage_input_tokens_cache_read",
    "cache_write_5m_input_tokens": "usage_input_tokens_cache_write_5m",
    "cache_write_1h_input_tokens": "usage_input_tokens_cache_write_1h",
    "output_tokens": "usage_output_tokens",
    "web_search_requests": "web_search_count",
}


class Row(msgspec.Struct, gc=False):
    """A row of either export."""

    usage_date_utc: str
    model: str | None = None
    model_version: str | None = None
    workspace: str | None = None
    api_key: str | None = None
    api_key_id: str | None = None
    usage_type: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    token_type: str | None = None
    cost_type: str | None = None
    cost_usd: Decimal | None = None
    list_price_usd: Decimal | None = None
    usage_input_tokens_no_cache: Count | None = None
    usage_input_tokens_cache_read: Count | None = None
    usage_input_tokens_cache_write: Count | None = None
    """In older exports, of any lifetime."""
    usage_input_tokens_cache_write_5m: Count | None = None
    usage_input_tokens_cache_write_1h: Count | None = None
    usage_output_tokens: Count | None = None
    web_search_count: Count | None = None


class AnthropicConsole(Counting):
    """Rows of the console's exports."""

    name: ClassVar[str] = "anthropic-console"
    title: ClassVar[str] = "Anthropic console exports (cost and usage CSV)"
    locations: ClassVar[tuple[str, ...]] = ()
    record_type: ClassVar[Any] = dict[str, Any]

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """The exports' own date, and a cost or a count of tokens."""
        return "usage_date_utc" in record and not {"cost_usd", "usage_output_tokens"}.isdisjoint(
            record
        )

    def parse(self, record: dict[str, Any], line: int) -> tuple[Record, ...]:
        """The line of one row."""
        told = {name: cell for name, cell in record.items() if cell != "--"}
        row = msgspec.convert(told, Row, strict=False)
        start = time_us(row.usage_date_utc, "usage_date_utc")
        length = HOUR if len(row.usage_date_utc) > len("2026-01-31") else DAY
        if start is None or start % length:
            raise BadRecord("usage_date_utc: neither a day nor an hour")
        costs = row.cost_usd is not None
        stated = Statement(
            statement_id="",
            kind="cost" if costs else "usage",
            view="",
            part="costs" if costs else "messages",
            issued_at=0,
            period_start=start,
            period_end=start + length,
            provider_name="anthropic",
            project=short(row.workspace),
            api_key_id=word(row.api_key_id) or short(row.api_key),
            model=_model(row),
            speed=standing(row.speed),
            inference_geo=geo(row.inference_geo),
            context_window=short(_WINDOWS.get(row.context_window or "", row.context_window)),
            line=line,
        )
        if costs:
            _bill(stated, row)
        else:
            _count(stated, row)
        by: Dimensions = {name: getattr(row, name) for name in (_BY_COST if costs else _BY)}
        by |= {"api_key": row.api_key_id or row.api_key, "model": row.model_version or row.model}
        view = view_of(start, start + length, by)
        return (place(self.context, self.name, Draft(stated, by), view, self.seen),)


def _model(row: Row) -> str | None:
    """The id, made from a display name where names and ids are made alike: Claude Haiku 4.5."""
    named = _NAMED.fullmatch(row.model or "")
    if row.model_version or not named:
        return word(row.model_version) or word(row.model)
    return "-".join(("claude", *(part.lower() for part in named.groups() if part)))


def _bill(stated: Statement, row: Row) -> None:
    assert row.cost_usd is not None
    stated.billed_amount = amount(row.cost_usd, "cost_usd")
    stated.stated_amount = letter(row.cost_usd, "cost_usd")
    stated.list_amount = amount(row.list_price_usd, "list_price_usd")
    stated.service_tier = "batch" if "batch" in (row.usage_type or "") else None
    stated.service_name, stated.line_item = word(row.cost_type), short(row.token_type)
    stated.token_class = _CLASSES.get(row.token_type or "")
    if row.cost_type == "web_search":
        stated.token_class = "web_search_requests"
    if stated.model is None and row.model:
        stated.line_item = short(" ".join(filter(None, (row.model, row.token_type))))
    signed(stated, f"{row.cost_type} {row.token_type}")


def _count(stated: Statement, row: Row) -> None:
    stated.service_tier = standing(row.usage_type)
    for column, field in _COUNTS.items():
        setattr(stated, column, getattr(row, field))
    written = row.usage_input_tokens_cache_write
    if written is not None:
        if stated.cache_write_5m_input_tokens or stated.cache_write_1h_input_tokens:
            raise BadRecord("usage_input_tokens_cache_write: stated with and without lifetimes")
        stated.cache_write_5m_input_tokens = written
