"""What an agent's call of a model was told and did, gathered over the lines of a log."""

from __future__ import annotations

from typing import Literal

import msgspec

from tokman.sources.tool_use import ToolCall, ToolResult, note_calls, note_results
from tokman.usage import Usage


class Work(msgspec.Struct):
    """What one message was told and did: results and calls by the id that links them."""

    turn: Literal["user", "tool"] | None = None
    results: dict[str, ToolResult | None] = {}
    calls: dict[str, ToolCall] = {}


def write(usage: Usage, work: Work) -> None:
    """Write down what a message was told and did."""
    usage.turn = work.turn
    if work.calls:
        note_calls(usage, work.calls.values())
    if work.results:
        note_results(usage, work.results.values())
