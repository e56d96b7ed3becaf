"""What a mapping may say: the tables of its TOML and the columns it may fill."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import msgspec

NAMES = frozenset(
    "operation_name provider_name request_model response_model service_tier speed inference_geo "
    "error_type finish_reason reasoning_effort".split()
)
LABELS = frozenset(
    "workflow user_id team project environment api_key_alias conversation_id agent_name "
    "case_id run_id git_commit git_branch".split()
)
LINKS = frozenset(("parent_id", "retry_of"))
TIMES = frozenset(("started_at", "ended_at"))
DURATIONS = frozenset(("duration_ms", "time_to_first_token_ms"))
TRUTHS = frozenset(("response_cache_hit", "stream", "structured_output", "success", "polls"))
INPUT_PARTS = (
    "cache_read_input_tokens",
    "cache_write_5m_input_tokens",
    "cache_write_1h_input_tokens",
)
COUNTS = frozenset(
    (
        *("input_tokens", *INPUT_PARTS, "output_tokens", "reasoning_output_tokens"),
        *("total_tokens", "web_search_requests", "file_search_requests", "attempt"),
        *("tool_errors", "tool_blocks", "system_blocks", "output_bytes", "choices"),
        "max_output_tokens",
    )
)
HASHES = frozenset(("request_hash", "response_hash", "tools_hash", "steady_hash"))
"""Columns that keep the keyed hash of whatever the log has there."""

LISTS = frozenset(
    "block_hashes block_sizes tool_call_hashes tool_names tool_result_hashes tool_result_bytes "
    "tools_offered tools_offered_bytes".split()
)
"""Columns made of a list in the log; what is a hash there is hashed again, with the key."""

COLUMNS = (
    NAMES | LABELS | LINKS | TIMES | DURATIONS | TRUTHS | COUNTS | HASHES | LISTS
    | {"call_id", "status", "billed_cost", "api_key_hash", "tags", "temperature", "turn"}
)  # fmt: skip
"""What `map` may fill: the columns of `Usage`, with `input_tokens` for the log's own count of the
input, `total_tokens` to check it by, and `ended_at` where there is no duration."""

WORDS = NAMES | LABELS | LINKS | {"call_id", "tags", "tool_names", "tools_offered"}
"""Columns that store words of the log."""

TEXTS = frozenset(
    "prompt prompts completion completions message messages content contents text texts input "
    "inputs output outputs query question answer instructions system body request_body "
    "response_body arguments".split()
)
"""Last keys of a path that lead to what people and models wrote, which is never stored."""


class Condition(msgspec.Struct, forbid_unknown_fields=True, rename={"is_in": "in"}):
    """Something that can be said of one value; what is left out is not asked."""

    path: str
    equals: str | int | float | bool | None = None
    is_in: list[str | int | float | bool] | None = None
    not_in: list[str | int | float | bool] | None = None
    present: bool | None = None
    above: int | float | None = None
    reason: str = ""
    """In `refuse`: what the refused line is told."""


class Match(msgspec.Struct, forbid_unknown_fields=True):
    """How a record of this format is told from any other."""

    keys: list[str]
    """Paths that every record has, if only with null."""
    values: dict[str, list[str]] = {}
    without: list[str] = []


class Column(msgspec.Struct, forbid_unknown_fields=True):
    """Where one column of the ledger comes from."""

    path: str | list[str] = []
    """Several: the first that has a value."""
    const: str | int | bool | None = None
    """The value where the paths have none."""
    unit: str | None = None
    format: str | None = None
    tz: str | None = None
    since: str | None = None
    """The moment that times are counted from, where that is not 1970."""
    cumulative: bool | None = None
    """Of block hashes: does each cover the blocks before it too?"""
    values: dict[str, str | bool] = {}
    """The log's word → the ledger's."""
    when: Condition | None = None
    """Only where this holds; elsewhere the column stays empty."""

    @property
    def paths(self) -> list[str]:
        """The paths in order."""
        return listed(self.path)


class Bodies(msgspec.Struct, forbid_unknown_fields=True):
    """Where the record keeps the provider's own messages; their usage stands before the log's."""

    response: str | list[str]
    request: str | list[str] = []
    url: str | list[str] = []

    @property
    def paths(self) -> list[str]:
        """All of them."""
        return [*listed(self.response), *listed(self.request), *listed(self.url)]


def listed(given: str | list[str]) -> list[str]:
    """One path or several, as several."""
    return [given] if isinstance(given, str) else given


class Mapping(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One `[sources.NAME]`."""

    name: str = ""
    title: str = ""
    unverified: str = ""
    """What tokman's authors could not check on real logs."""
    locations: list[str] = []
    match: Match
    records: str | list[str] = []
    """Paths of the list of records inside a page."""
    each: list[str] = []
    """Paths of the calls that one record may hold; in `map`, `./` begins a path inside of one."""
    where: list[Condition] = []
    """All must hold; records for which one does not are no calls."""
    refuse: list[Condition] = []
    """Records for which one holds are refused."""
    missing: list[str] = []
    """Texts that mean no value, beside the usual ones."""
    key: list[str | list[str]] = []
    """Paths that together are the call's id in this log; a list in it: the first with a value."""
    bodies: Bodies | None = None
    cache_in_input: bool | Literal["unknown"] | None = None
    reasoning_in_output: bool | Literal["unknown"] | None = None
    """unknown: the log cannot tell, so calls that have such tokens are refused."""
    map: dict[str, Any]
    """Column of the ledger → path, paths or `Column`."""
    file: str = ""
    """Where it was read."""

    @property
    def columns(self) -> dict[str, Column]:
        """`map` with every short form written out."""
        return {name: column(given) for name, given in self.map.items()}

    @property
    def record_paths(self) -> list[str]:
        """`records` as a list."""
        return listed(self.records)


def column(given: Any) -> Column:
    """A column's short form written out; msgspec.ValidationError where it is none."""
    if isinstance(given, str | list):
        given = {"path": given}
    if isinstance(given, dict) and isinstance(given.get("since"), date):
        given = given | {"since": given["since"].isoformat()}
    return msgspec.convert(given, Column)
