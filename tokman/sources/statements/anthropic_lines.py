"""One result of Anthropic's usage and cost reports as a line of a statement.

https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-messages-usage-report and
https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-cost-report. Token classes are
disjoint as they are stated; amounts are cents, with fractions, in a decimal string.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Count
from tokman.sources.facts import short, word
from tokman.sources.statements.lines import Dimensions, Draft, cents, letter, signed
from tokman.statement import Statement

_LIFETIMES = {
    "ephemeral_5m_input_tokens": "cache_write_5m_input_tokens",
    "ephemeral_1h_input_tokens": "cache_write_1h_input_tokens",
}
_CLASSES = {
    "uncached_input_tokens": "uncached_input_tokens",
    "cache_read_input_tokens": "cache_read_input_tokens",
    "output_tokens": "output_tokens",
    **{f"cache_creation.{name}": column for name, column in _LIFETIMES.items()},
}
_USED_BY = (
    *("account_id", "api_key_id", "context_window", "inference_geo", "model", "product"),
    *("service_account_id", "service_tier", "speed", "workspace_id"),
)
_DESCRIBED = (
    *("description", "cost_type", "token_type", "model", "context_window", "service_tier"),
    *("inference_geo", "speed"),
)
"""Set together when costs are grouped by description."""


class ServerTools(msgspec.Struct, gc=False):
    """Tools that run at the provider."""

    web_search_requests: Count | None = None


class Result(msgspec.Struct, gc=False):
    """A result of either report, or of the Enterprise analytics reports of the same shape."""

    account_id: str | None = None
    api_key_id: str | None = None
    context_window: str | None = None
    cost_type: str | None = None
    description: str | None = None
    inference_geo: str | None = None
    model: str | None = None
    product: str | None = None
    service_account_id: str | None = None
    service_tier: str | None = None
    speed: str | None = None
    token_type: str | None = None
    workspace_id: str | None = None

    uncached_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: dict[str, Count | None] | None = None
    output_tokens: Count | None = None
    server_tool_use: ServerTools | None = None
    requests: Count | msgspec.UnsetType | None = msgspec.UNSET
    """In the analytics reports alone, null where it is not known."""

    amount: Decimal | None = None
    list_amount: Decimal | None = None
    currency: str | None = None


def standing(value: str | None) -> str | None:
    """A tier or speed, None for the standard one."""
    return None if value in ("", "standard") else word(value)


def geo(value: str | None) -> str | None:
    """A place of inference, None where it was not told."""
    return None if value in ("", "not_available") else word(value)


def draft(result: Result, start: int, end: int, line: int) -> Draft:
    """The line of one result of a bucket from `start` to `end` (µs)."""
    costs = result.amount is not None
    analytics = result.requests is not msgspec.UNSET or result.list_amount is not None
    stated = Statement(
        statement_id="",
        kind="cost" if costs else "usage",
        view="",
        part="analytics" if analytics else "costs" if costs else "messages",
        issued_at=0,
        period_start=start,
        period_end=end,
        provider_name="anthropic",
        project=word(result.workspace_id),
        api_key_id=word(result.api_key_id),
        user_id=word(result.account_id or result.service_account_id),
        model=word(result.model),
        service_tier=standing(result.service_tier),
        speed=standing(result.speed),
        inference_geo=geo(result.inference_geo),
        context_window=short(result.context_window),
        requests=None if result.requests is msgspec.UNSET else result.requests,
        line=line,
    )
    if not costs:
        stated.service_name = word(result.product)
        _count(stated, result)
        return Draft(stated, {name: getattr(result, name) for name in _USED_BY})
    _bill(stated, result)
    described = {name: getattr(result, name) for name in _DESCRIBED}
    by: Dimensions = {"workspace_id": result.workspace_id, "product": result.product}
    if any(value is not None for value in described.values()):
        by["description"] = result.description or ""
    return Draft(stated, by, described)


def _count(stated: Statement, result: Result) -> None:
    stated.uncached_input_tokens = result.uncached_input_tokens
    stated.cache_read_input_tokens = result.cache_read_input_tokens
    for lifetime, tokens in (result.cache_creation or {}).items():
        if lifetime in _LIFETIMES:
            setattr(stated, _LIFETIMES[lifetime], tokens)
        elif tokens:
            raise BadRecord("cache_creation: a lifetime that is not known")
    stated.output_tokens = result.output_tokens
    if result.server_tool_use is not None:
        stated.web_search_requests = result.server_tool_use.web_search_requests


def _bill(stated: Statement, result: Result) -> None:
    if result.currency != "USD":
        raise BadRecord("currency: not USD, so the unit of the amount is not known")
    assert result.amount is not None
    stated.billed_amount = cents(result.amount, "amount")
    stated.stated_amount = f"{letter(result.amount, 'amount')} cents"
    if result.list_amount is not None:
        stated.list_amount = cents(result.list_amount, "list_amount")
    stated.service_name = word(result.cost_type) or word(result.product)
    stated.line_item = short(result.description)
    stated.token_class = _CLASSES.get(result.token_type or "")
    if result.cost_type == "web_search":
        stated.token_class = "web_search_requests"
    signed(stated, result.description)
