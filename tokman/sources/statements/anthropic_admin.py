"""Anthropic's usage, cost and Claude Code reports of the Admin API, as their pages are saved.

https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-cost-report and
https://platform.claude.com/docs/en/api/admin-api/claude-code/get-claude-code-usage-report. A record
is a bucket, a row of the Claude Code report, or a page of either. Of the usage of Claude Code the
calls made with an API key are told a second time: they are among the messages too, so its part
stands apart, and its costs are estimates, kept as list amounts. Checked on the documented examples
and on made-up pages; that its input leaves out what was cached is inferred from the four counts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context, Count, Record, Refused, Stateless
from tokman.sources.facts import short, time_us, word
from tokman.sources.statements import anthropic_lines
from tokman.sources.statements.lines import DAY, Dimensions, Draft, cents, settle
from tokman.statement import Statement


class Bucket(msgspec.Struct, gc=False):
    """What was used or billed in a stretch of time."""

    starting_at: str
    ending_at: str
    """Exclusive."""
    results: list[msgspec.Raw]


class Actor(msgspec.Struct, gc=False):
    """A person, or a key by its name."""

    email_address: str | None = None
    api_key_name: str | None = None


class Tokens(msgspec.Struct, gc=False):
    """Four disjoint counts; cache writes of any lifetime."""

    input: Count = 0
    output: Count = 0
    cache_read: Count = 0
    cache_creation: Count = 0


class Estimate(msgspec.Struct, gc=False):
    """Cents."""

    amount: Decimal
    currency: str


class OfModel(msgspec.Struct, gc=False):
    """What one model did."""

    model: str
    tokens: Tokens
    estimated_cost: Estimate | None = None


class CodeDay(msgspec.Struct, gc=False):
    """A day of one actor's Claude Code in one kind of terminal."""

    date: str
    actor: Actor
    model_breakdown: list[OfModel]
    organization_id: str | None = None
    customer_type: str | None = None
    subscription_type: str | None = None
    terminal_type: str | None = None


class Head(msgspec.Struct, gc=False):
    """What tells a bucket from a row of the Claude Code report."""

    starting_at: Any = msgspec.UNSET


class Page(Head, gc=False):
    """A page; other records have no `data`."""

    data: list[msgspec.Raw] | None = None


_head = msgspec.json.Decoder(Head).decode
_page = msgspec.json.Decoder(Page).decode
_bucket = msgspec.json.Decoder(Bucket).decode
_code_day = msgspec.json.Decoder(CodeDay).decode


class AnthropicAdmin(Stateless):
    """Buckets of usage and costs, and rows of the Claude Code report."""

    name: ClassVar[str] = "anthropic-admin"
    title: ClassVar[str] = "Anthropic usage, cost and Claude Code reports"
    locations: ClassVar[tuple[str, ...]] = ()
    whole_buckets: ClassVar[bool] = True
    record_type: ClassVar[Any] = msgspec.Raw

    def __init__(self, context: Context) -> None:
        self.context = context

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """A bucket or a row of the Claude Code report, or a page that starts with one."""
        rows = record.get("data")
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            record = rows[0]
        if "starting_at" in record:
            return isinstance(record.get("results"), list)
        return "actor" in record and isinstance(record.get("model_breakdown"), list)

    def parse(self, record: msgspec.Raw, line: int) -> list[Record]:
        """The lines of every bucket or row in the record; those that can be read, if any can."""
        page = _page(record)
        rows = [(record, page)] if page.data is None else [(row, None) for row in page.data]
        read: list[Record] = []
        refused: list[Refused] = []
        for number, (row, head) in enumerate(rows, 1):
            try:
                read += self._read(row, head or _head(row), line)
            except ValueError as error:
                refused.append(Refused(line, f"row {number}: {error}"))
        if refused and not read:
            raise BadRecord(refused[0].reason)
        return [*refused, *read]

    def _read(self, row: msgspec.Raw, head: Head, line: int) -> list[Record]:
        if head.starting_at is msgspec.UNSET:
            return [*settle(self.context, self.name, _code_lines(_code_day(row), line))]
        bucket = _bucket(row)
        start = time_us(bucket.starting_at, "starting_at") or 0
        end = time_us(bucket.ending_at, "ending_at") or 0
        drafts: list[Draft] = []
        refused: list[Record] = []
        for number, raw in enumerate(bucket.results, 1):
            try:
                result = msgspec.json.decode(raw, type=anthropic_lines.Result)
                drafts.append(anthropic_lines.draft(result, start, end, line))
            except ValueError as error:
                refused.append(Refused(line, f"result {number} of a bucket: {error}"))
        return [*refused, *settle(self.context, self.name, drafts)]


def _code_lines(day: CodeDay, line: int) -> list[Draft]:
    start = time_us(day.date, "date")
    if start is None or start % DAY:
        raise BadRecord("date: not a day")
    drafts = []
    for used in day.model_breakdown:
        stated = Statement(
            statement_id="",
            kind="usage",
            view="",
            part="claude_code",
            issued_at=0,
            period_start=start,
            period_end=start + DAY,
            provider_name="anthropic",
            account_id=word(day.organization_id),
            api_key_id=short(day.actor.api_key_name),
            user_id=short(day.actor.email_address),
            model=word(used.model),
            service_name=word(day.customer_type),
            line_item=word(day.terminal_type),
            uncached_input_tokens=used.tokens.input,
            cache_read_input_tokens=used.tokens.cache_read,
            cache_write_5m_input_tokens=used.tokens.cache_creation,
            output_tokens=used.tokens.output,
            line=line,
        )
        cost = used.estimated_cost
        if cost is not None:
            if cost.currency != "USD":
                raise BadRecord("estimated_cost.currency: not USD, so its unit is not known")
            stated.list_amount = cents(cost.amount, "estimated_cost.amount")
        by: Dimensions = {
            "actor": day.actor.email_address or day.actor.api_key_name or "",
            "customer_type": day.customer_type or "",
            "model": used.model,
            "terminal_type": day.terminal_type or "",
        }
        drafts.append(Draft(stated, by, {"subscription_type": day.subscription_type}))
    return drafts
