"""What a call did with tools, as the ledger keeps it: hashes, sizes and names, never a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from tokman.sources.base import Context, digest_of
from tokman.sources.form import MEDIA_BYTES, clean, encode, is_cut, is_media
from tokman.sources.polls import polls
from tokman.usage import Usage

_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")


ToolCall = tuple[int, str | None, bool]
"""One call of a tool: hash, name, whether it polls."""

ToolResult = tuple[int, int, bool | None]
"""What one came to: hash, bytes, and whether it failed; None where the format cannot say so."""


@lru_cache(maxsize=4096)
def name_of(value: Any) -> str | None:
    """A tool's name, None for anything like a text: a model may write what it likes there."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None


def tool_call(context: Context, name: str, arguments: Any, written: bytes) -> ToolCall:
    """A call by the tool's name and its arguments, decoded and as they are `written`."""
    known = name_of(name)
    digest = digest_of(context.key)(name.encode("utf-8", "surrogatepass") + b"\0" + written)
    return digest, known, known is not None and polls(known, arguments)


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
    return digest_of(context.key)(written), size, failed


def note_calls(usage: Usage, calls: Iterable[ToolCall]) -> None:
    """Write the calls of tools that a call made; none leaves the columns empty."""
    digests: list[int] = []
    names: list[str | None] = []
    all_wait = True
    for digest, name, waits in calls:
        digests.append(digest)
        names.append(name)
        all_wait = all_wait and waits
    if digests:
        usage.tool_call_hashes, usage.tool_names, usage.polls = digests, names, all_wait


def note_results(usage: Usage, results: Iterable[ToolResult | None]) -> None:
    """Write the results that a call was the first to be given; nothing where one is not whole."""
    digests: list[int] = []
    sizes: list[int] = []
    errors: int | None = None
    for result in results:
        if result is None:
            return
        digest, size, failed = result
        digests.append(digest)
        sizes.append(size)
        if failed is not None:
            errors = (errors or 0) + failed
    if digests:
        usage.tool_result_hashes, usage.tool_result_bytes = digests, sizes
        usage.tool_errors = errors
