"""Bedrock's own `usage` object, of Converse and of Nova: its classes are disjoint already."""

from __future__ import annotations

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Count
from tokman.usage import Usage


class Written(msgspec.Struct, gc=False):
    """Tokens written to the cache for one lifetime: `5m` or `1h`."""

    ttl: str | None = None
    inputTokens: Count | None = 0


class ConverseUsage(msgspec.Struct, gc=False):
    """`TokenUsage`; the cache counts come under two names, for the same tokens.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
    """

    inputTokens: Count | None = None
    outputTokens: Count | None = None
    totalTokens: Count | None = None
    cacheReadInputTokens: Count | None = None
    cacheReadInputTokenCount: Count | None = None
    cacheWriteInputTokens: Count | None = None
    cacheWriteInputTokenCount: Count | None = None
    cacheDetails: list[Written] | None = None

    @property
    def read(self) -> int | None:
        """Tokens read from the cache, None where nothing is said of it."""
        return _either(self.cacheReadInputTokens, self.cacheReadInputTokenCount, "cacheRead")

    @property
    def written(self) -> int | None:
        """Tokens written to the cache for whatever lifetime."""
        return _either(self.cacheWriteInputTokens, self.cacheWriteInputTokenCount, "cacheWrite")

    @property
    def written_1h(self) -> int:
        """The part of `written` that is kept for an hour."""
        return sum(part.inputTokens or 0 for part in self.cacheDetails or () if part.ttl == "1h")

    def check(self) -> None:
        """BadRecord unless the total is the sum: `inputTokens` has none of the cached tokens."""
        stated = (self.inputTokens, self.outputTokens, self.read, self.written)
        if self.totalTokens is not None and self.totalTokens != sum(part or 0 for part in stated):
            raise BadRecord(
                f"totalTokens ({self.totalTokens}) is not the sum of "
                "input, output, cache read and cache write tokens"
            )


def fill(
    usage: Usage, uncached: int, read: int, written: int, written_1h: int, output: int
) -> None:
    """Write Bedrock's counts down; the part of the writes that no lifetime is said of is short."""
    if written_1h > written:
        raise BadRecord(f"1-hour cache writes ({written_1h}) exceed cache writes ({written})")
    usage.uncached_input_tokens = uncached
    usage.cache_read_input_tokens = read
    usage.cache_write_5m_input_tokens = written - written_1h
    usage.cache_write_1h_input_tokens = written_1h
    usage.output_tokens = output


def _either(first: int | None, second: int | None, name: str) -> int | None:
    if first is not None and second is not None and first != second:
        raise BadRecord(f"{name}InputTokens ({first}) and {name}InputTokenCount ({second}) differ")
    return first if first is not None else second
