"""The fields of rollout lines that matter to the bill."""

from __future__ import annotations

from typing import Any

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Count


class Counters(msgspec.Struct, gc=False, frozen=True):
    """Tokens so far: cached and written are parts of input, reasoning is a part of output."""

    input_tokens: Count = 0
    cached_input_tokens: Count = 0
    cache_write_input_tokens: Count = 0
    output_tokens: Count = 0
    reasoning_output_tokens: Count = 0

    def minus(self, other: Counters) -> Counters | None:
        """What was added since `other`; None where a counter went back."""
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        deltas = [mine - theirs for mine, theirs in pairs]
        return None if min(deltas) < 0 else Counters(*deltas)


class Stated(Counters, gc=False, frozen=True):
    """The tokens of one response, with their total as the provider gave it."""

    total_tokens: Count | None = None

    def checked(self) -> Counters:
        """The counters alone; BadRecord where they do not add up to the total."""
        if self.total_tokens and self.total_tokens != self.input_tokens + self.output_tokens:
            raise BadRecord(
                f"usage.total_tokens ({self.total_tokens}) is not the sum of "
                f"input {self.input_tokens} and output {self.output_tokens}"
            )
        return Counters(*msgspec.structs.astuple(self)[:-1])


class Copy(msgspec.Struct, gc=False):
    """Something that is there, but counted elsewhere."""


class Info(msgspec.Struct, gc=False):
    """`info` of a token_count event."""

    total_token_usage: Counters | None = None
    last_token_usage: Counters | None = None


class Git(msgspec.Struct, gc=False):
    """Where the session worked."""

    branch: str | None = None


class Payload(msgspec.Struct, gc=False):
    """The fields of all payload types that matter here."""

    type: str | None = None
    id: str | None = None
    cwd: str | None = None
    model: str | None = None
    model_provider: str | None = None
    effort: str | None = None
    forked_from_id: str | None = None
    source: Any = None
    git: Git | None = None
    info: Info | None = None
    thread_id: str | None = None
    response_id: str | None = None
    usage: Stated | None = None
    thread_token_usage: Counters | None = None
    latest_token_usage_record: Copy | None = None
    role: Any = None
    name: Any = None
    call_id: Any = None
    arguments: msgspec.Raw = msgspec.Raw()
    input: msgspec.Raw = msgspec.Raw()
    action: msgspec.Raw = msgspec.Raw()
    output: msgspec.Raw = msgspec.Raw()
    exit_code: Any = None
    success: Any = None


class Line(msgspec.Struct, gc=False):
    """One rollout line."""

    timestamp: str | None = None
    type: str | None = None
    payload: Payload | str | list[Any] | None = None
