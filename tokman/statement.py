"""The other record: one line of what a provider itself says was used or billed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import msgspec

from tokman.usage import QUANTITIES

if TYPE_CHECKING:
    import pyarrow as pa

AMOUNTS = ("billed_amount", "list_amount", "contracted_amount", "effective_amount")
"""FOCUS: on the invoice / at list price / after the contract / with commitments spread out."""

SCALE = 18
"""Decimal places an amount or a quantity is kept with; `stated_amount` keeps all of them."""


ChargeCategory = Literal["usage", "purchase", "tax", "credit", "adjustment"]
"""As FOCUS 1.2 divides charges."""


class Statement(msgspec.Struct, kw_only=True, gc=False):
    """One row of the table of statements; never a row of the ledger, never added to it.

    What a line does not state is None: a dimension that is None was not grouped by, or does not
    apply; a quantity that is None was not reported, which is not zero.
    """

    # Which line this is
    statement_id: str
    """Made from everything but amounts and quantities: the same line in a later export of the
    same period replaces the earlier one."""
    kind: Literal["usage", "cost"]
    """usage: the provider's count of tokens or requests; cost: its bill."""
    view: str
    """How the export groups: `1d by model,project_id`. Lines of one source, account, kind and
    part add up within a view; two views of them are the same spend told twice."""
    part: str
    """The part of the account's spend or usage that the export covers: `completions`,
    `embeddings`, `costs`, … Parts are disjoint."""
    issued_at: int
    """When the export was made, in µs since 1970 UTC: the later stands. A source that cannot tell
    writes 0, which becomes the time of the file."""

    # What it covers
    period_start: int
    """Inclusive, µs since 1970 UTC."""
    period_end: int
    """Exclusive."""
    provider_name: str | None = None
    """As in the ledger: openai, anthropic, aws.bedrock, azure.ai.openai, gcp.vertex_ai, …"""
    account_id: str | None = None
    """Organisation, billing account or subscription."""
    project: str | None = None
    """Project, workspace or the like: its id where there is one, else its name."""
    api_key_id: str | None = None
    user_id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    """batch, flex, priority; None is the standard or not told."""
    speed: str | None = None
    inference_geo: str | None = None
    context_window: str | None = None
    """The length of prompt the line is for, in the provider's words: `0-200k`."""
    token_class: str | None = None
    """The one column of quantities the line is about, where it is about one."""
    service_name: str | None = None
    """Product or service, as the provider names it."""
    line_item: str | None = None
    """The line's own description or SKU."""
    charge_category: ChargeCategory = "usage"
    inference: bool = True
    """False: of another service of the same bill; summed up by day to tie to the file's total."""

    # What was used; None is not stated
    requests: int | None = None
    uncached_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_5m_input_tokens: int | None = None
    cache_write_1h_input_tokens: int | None = None
    audio_input_tokens: int | None = None
    cache_read_audio_input_tokens: int | None = None
    image_input_tokens: int | None = None
    output_tokens: int | None = None
    audio_output_tokens: int | None = None
    image_output_tokens: int | None = None
    web_search_requests: int | None = None
    file_search_requests: int | None = None
    quantity: Decimal | None = None
    """What the line counts, in `unit`, as stated."""
    unit: str | None = None

    # What it cost
    currency: str = "USD"
    billed_amount: Decimal | None = None
    list_amount: Decimal | None = None
    contracted_amount: Decimal | None = None
    effective_amount: Decimal | None = None
    stated_amount: str | None = None
    """The billed amount to the letter, with its unit where that is no currency: `1234.5678 cents`,
    `37756000 ticks`."""

    # Where it was read
    source: str = ""
    file: str = ""
    line: int = 0


def arrow_schema() -> pa.Schema:
    """The columns of Statement in Arrow types, in order; times naive UTC in microseconds."""
    import pyarrow as pa

    special: dict[str, pa.DataType] = dict.fromkeys(
        ("issued_at", "period_start", "period_end"), pa.timestamp("us")
    )
    special |= dict.fromkeys((*QUANTITIES, "requests", "line"), pa.int64())
    special |= dict.fromkeys((*AMOUNTS, "quantity"), pa.decimal128(38, SCALE))
    special["inference"] = pa.bool_()
    return pa.schema(
        [pa.field(name, special.get(name, pa.string())) for name in Statement.__struct_fields__]
    )


def stored_schema() -> pa.Schema:
    """The columns of a row of the table: the statement and the ingest that read it."""
    import pyarrow as pa

    return arrow_schema().append(pa.field("ingest_id", pa.string()))
