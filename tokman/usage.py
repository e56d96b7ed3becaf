"""The one record: what a single billable model call consumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from tokman.errors import BadRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

SCHEMA_VERSION = 4
"""Raised when a ledger written before could no longer be read as it is."""

PICO = 10**12
"""Money is counted in whole pico-dollars: 1e-12 USD."""

INPUT_CLASSES = (
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_write_5m_input_tokens",
    "cache_write_1h_input_tokens",
    "audio_input_tokens",
    "cache_read_audio_input_tokens",
    "image_input_tokens",
)
"""Disjoint: their sum is every token of the prompt."""

OUTPUT_CLASSES = ("output_tokens", "audio_output_tokens", "image_output_tokens")
"""Disjoint: their sum is every token generated, reasoning included."""

FEES = ("web_search_requests", "file_search_requests")
"""Things billed by the request beside the tokens."""

QUANTITIES = INPUT_CLASSES + OUTPUT_CLASSES + FEES


class Usage(msgspec.Struct, kw_only=True, gc=False):
    """One row of the ledger: one call that a provider could bill.

    Token classes are disjoint, so totals are plain sums; `reasoning_output_tokens` is the one
    exception, a part of `output_tokens`. Names follow the OpenTelemetry GenAI attributes.
    """

    # What call this is
    call_id: str
    """The provider's response id where there is one, else an id the source makes from its own."""
    started_at: int | None = None
    """Microseconds since 1970 UTC; None where the log does not say."""
    time_basis: Literal["log", "file"] = "log"
    """file: the log states no time, so that of the file stands in."""
    operation_name: str = "chat"
    """chat, text_completion, embeddings, generate_content, …"""
    provider_name: str | None = None
    """openai, anthropic, gcp.gemini, gcp.vertex_ai, aws.bedrock, azure.ai.openai, …"""
    request_model: str | None = None
    response_model: str | None = None
    """The model that answered; it is the one billed."""
    service_tier: str | None = None
    """The tier served, never the one asked for: batch, flex, priority; None is the standard."""
    speed: str | None = None
    """`fast` where the provider sells a faster mode at another price; None otherwise."""
    inference_geo: str | None = None
    """Where the provider says the call ran, if that can change its price."""

    # How it went
    status: Literal["ok", "error"] = "ok"
    error_type: str | None = None
    finish_reason: str | None = None
    response_cache_hit: bool = False
    """A gateway answered from its own cache: tokens are shown, nothing was bought."""
    stream: bool | None = None
    duration_ms: int | None = None
    time_to_first_token_ms: int | None = None
    retry_of: str | None = None
    attempt: int | None = None

    # What it consumed
    uncached_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_write_5m_input_tokens: int = 0
    """Written to a prompt cache at the provider's default lifetime (5 minutes at Anthropic)."""
    cache_write_1h_input_tokens: int = 0
    """Written at the longer lifetime that is sold at a higher price (1 hour at Anthropic)."""
    audio_input_tokens: int = 0
    cache_read_audio_input_tokens: int = 0
    image_input_tokens: int = 0
    output_tokens: int = 0
    """Text generated, reasoning included, as billed."""
    reasoning_output_tokens: int = 0
    """The part of `output_tokens` that was reasoning."""
    audio_output_tokens: int = 0
    image_output_tokens: int = 0
    web_search_requests: int = 0
    file_search_requests: int = 0
    output_basis: Literal["final", "partial", "estimated"] = "final"
    """partial: the log is known to have recorded the output before it was complete; estimated: it
    states no counts, so they are from its texts."""
    count_basis: Literal["reported", "exact", "ratio", "tiktoken", "bytes"] = "reported"
    """How estimated counts were made, best first. exact: by the model's own encoding, of a call
    that is all text; ratio: from sizes, by what this ledger's own calls of the model reported a
    byte; tiktoken: by its own encoding, without what no text shows (hidden reasoning, the form of
    tools); bytes: from sizes alone."""
    count_margin: float | None = None
    """Of a ratio: nine in ten of the calls it was learned from lie within this share of it."""
    billed_cost: int | None = None
    """Pico-dollars the log itself says this call cost."""

    # Who it was for
    workflow: str | None = None
    workflow_basis: Literal["explicit", "default"] | None = None
    """explicit: a tag or metadata in the log; default: a stand-in such as a project folder."""
    user_id: str | None = None
    team: str | None = None
    project: str | None = None
    environment: str | None = None
    api_key_alias: str | None = None
    api_key_hash: str | None = None
    """Keyed hash: the same key in two logs of one ledger gives the same value."""
    conversation_id: str | None = None
    parent_id: str | None = None
    agent_name: str | None = None
    tags: list[str] | None = None

    # Which test or eval made it
    case_id: str | None = None
    """The case of the suite that made the call."""
    run_id: str | None = None
    """The run of the suite: the first that made the call, where a later one replays its answer."""
    git_commit: str | None = None
    """The revision that ran, `-dirty` behind it where files were changed since."""
    git_branch: str | None = None

    # What its shape was
    reasoning_effort: str | None = None
    temperature: float | None = None
    structured_output: bool | None = None
    request_hash: int | None = None
    """Keyed 64-bit hash of the whole request; the ledger never holds its text."""
    response_hash: int | None = None
    block_hashes: list[int] | None = None
    """Cumulative keyed hashes of the prompt's blocks in order: equal at i means equal up to i."""
    block_sizes: list[int] | None = None
    """Bytes of each block; scaled to the reported input tokens where tokens are needed."""
    output_bytes: int | None = None
    """Bytes of the texts and tool calls that the model wrote."""
    tool_blocks: int | None = None
    """How many of the blocks, the first ones, are tools; `system_blocks` of the system prompt
    follow."""
    system_blocks: int | None = None
    tools_hash: int | None = None
    """Keyed hash of the tools offered, whatever their order."""
    steady_hash: int | None = None
    """Keyed hash of tools and system prompt without the dates, times and ids in them."""
    choices: int | None = None
    """How many answers were asked for, where that is stated and not one."""
    max_output_tokens: int | None = None
    """The most that the request allows the model to write."""

    # What it did with tools
    turn: Literal["user", "tool"] | None = None
    """Who spoke last before the model: somebody, or a tool it had called; None: not to be seen."""
    tool_call_hashes: list[int] | None = None
    """Keyed hash of (name, arguments) of each tool call the model made."""
    tool_names: list[str | None] | None = None
    """The name of each of those tools; None where the model wrote something that is no name."""
    polls: bool | None = None
    """True: the tools called only wait, or ask how something stands."""
    tool_result_hashes: list[int] | None = None
    """Keyed hash of each tool result that this call is the first to be given."""
    tool_result_bytes: list[int] | None = None
    """Bytes of each of those results."""
    tool_errors: int | None = None
    """How many of those results say that the tool failed."""
    tools_offered: list[str | None] | None = None
    """The name of each tool the model could have called; None for what is no name."""
    tools_offered_bytes: list[int] | None = None
    """Bytes of each of those tools' descriptions."""

    # What came of it
    success: bool | None = None
    """Whether the work was done right, where the log says so: a score, a reaction, a test."""

    # Where it was read
    source: str = ""
    file: str = ""
    line: int = 0


def part_of(whole: int, parts: Sequence[int], what: str) -> int:
    """The rest of `whole` without its `parts`; BadRecord when the parts exceed it."""
    rest = whole - sum(parts)
    if rest < 0:
        raise BadRecord(f"{what}: the parts ({sum(parts)}) exceed the whole ({whole})")
    return rest


def arrow_schema() -> pa.Schema:
    """The columns of Usage in Arrow types, in order; times naive UTC in microseconds."""
    import pyarrow as pa

    text, count, money = pa.string(), pa.int64(), pa.decimal128(18, 12)
    special: dict[str, pa.DataType] = {
        "started_at": pa.timestamp("us"),
        "response_cache_hit": pa.bool_(),
        "stream": pa.bool_(),
        "structured_output": pa.bool_(),
        "temperature": pa.float64(),
        "count_margin": pa.float64(),
        "billed_cost": money,
        "tags": pa.list_(text),
        "block_hashes": pa.list_(count),
        "block_sizes": pa.list_(count),
        "tool_call_hashes": pa.list_(count),
        "tool_names": pa.list_(text),
        "polls": pa.bool_(),
        "tool_result_hashes": pa.list_(count),
        "tool_result_bytes": pa.list_(count),
        "tools_offered": pa.list_(text),
        "tools_offered_bytes": pa.list_(count),
        "success": pa.bool_(),
    }
    counts = {*QUANTITIES, "reasoning_output_tokens", "duration_ms", "time_to_first_token_ms"}
    counts |= {"attempt", "request_hash", "response_hash", "output_bytes", "line"}
    counts |= {"tool_blocks", "system_blocks", "tools_hash", "steady_hash", "tool_errors"}
    counts |= {"choices", "max_output_tokens"}
    return pa.schema(
        [
            pa.field(name, special.get(name, count if name in counts else text))
            for name in Usage.__struct_fields__
        ]
    )


def stored_schema() -> pa.Schema:
    """The columns of a row of the ledger: usage, its day (UTC), what it cost, by which ingest.

    `also_seen` lists the other places where the call was read: {source, file, line};
    `matched_ids` the ids of calls of other logs that `--match-fuzzy` took to be this one.
    """
    import pyarrow as pa

    text, money = pa.string(), pa.decimal128(18, 12)
    place = pa.struct([("source", text), ("file", text), ("line", pa.int64())])
    beside = {
        "started_at": [("day", pa.date32())],
        "billed_cost": [
            ("list_cost", money),
            ("contracted_cost", money),
            ("rate_id", text),
            ("price_basis", text),
            ("unpriced_reason", text),
            ("rate_card", text),
        ],
        "line": [
            ("also_seen", pa.list_(place)),
            ("matched_ids", pa.list_(text)),
            ("ingest_id", text),
        ],
    }
    fields = []
    for field in arrow_schema():
        fields += [field, *(pa.field(*added) for added in beside.get(field.name, []))]
    return pa.schema(fields)
