"""What a call did with tools, as the ledger keeps it: hashes, sizes and names, never a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from tokman.sources.base import Context, brief
from tokman.sources.form import MEDIA_BYTES, clean, encode, is_cut, is_media
from tokman.sources.polls import polls
from tokman.usage import Usage

_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")


class ToolCall(NamedTuple):
    """One call of a tool."""

    digest: int
    name: str | None
    polls: bool


class ToolResult(NamedTuple):
    """What one call of a tool came to."""

    digest: int
    size: int
    failed: bool | None = None
    """None where the format has no way to say so."""


@lru_cache(maxsize=4096)
def name_of(value: Any) -> str | None:
    """A tool's name, None for anything like a text: a model may write what it likes there."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None


def tool_call(context: Context, name: str, arguments: Any, written: bytes) -> ToolCall:
    """A call by the tool's name and its arguments, decoded and `written` with their keys in
    order."""
    digest = context.hash(name.encode("utf-8", "surrogatepass"), brief(written))
    known = name_of(name)
    return ToolCall(digest, known, known is not None and polls(known, arguments))


def tool_result(context: Context, content: Any, failed: bool | None = None) -> ToolResult | None:
    """A result by its decoded content, one text being the same as a list of it alone; None where
    a gateway cut or redacted it."""
    parts = [clean(part) for part in content] if isinstance(content, list) else [content]
    written = encode(parts[0] if len(parts) == 1 and isinstance(parts[0], str) else parts)
    if is_cut(written):
        return None
    if isinstance(content, list):
        size = sum(MEDIA_BYTES if is_media(part) else len(encode(part)) for part in parts)
    else:
        size = len(encode(content))
    return ToolResult(context.hash(brief(written)), size, failed)


def note_calls(usage: Usage, calls: Sequence[ToolCall]) -> None:
    """Write the calls of tools that a call made; none leaves the columns empty."""
    if calls:
        usage.tool_call_hashes = [call.digest for call in calls]
        usage.tool_names = [call.name for call in calls]
        usage.polls = all(call.polls for call in calls)


def note_results(usage: Usage, results: Iterable[ToolResult | None]) -> None:
    """Write the results that a call was the first to be given; nothing where one is not whole."""
    known = list(results)
    whole = [result for result in known if result is not None]
    if whole and len(whole) == len(known):
        usage.tool_result_hashes = [result.digest for result in whole]
        usage.tool_result_bytes = [result.size for result in whole]
        told = [result.failed for result in whole if result.failed is not None]
        usage.tool_errors = sum(told) if told else None
