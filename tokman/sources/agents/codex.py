"""Codex rollouts: cumulative token counters of one session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import msgspec

from tokman.sources.base import Context, Count, Stateless, basename, micros
from tokman.usage import Usage, part_of


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


class Line(msgspec.Struct, gc=False):
    """One rollout line."""

    timestamp: str | None = None
    type: str | None = None
    payload: Payload | str | list[Any] | None = None


class State(msgspec.Struct):
    """What a rollout says once and means for every later line."""

    session: str | None = None
    cwd: str | None = None
    branch: str | None = None
    provider: str | None = None
    model: str | None = None
    effort: str | None = None
    total: Counters = Counters()
    replay_second: str | None = None
    """The second in which a fork wrote down its parent's history; counts in it are the parent's."""


ZERO = Counters()
KINDS = frozenset({"session_meta", "turn_context", "event_msg", "response_item", "compacted"})


class Codex(Stateless):
    """Reads rollouts under `~/.codex/sessions`.

    A token_count event repeats the session's running total, often unchanged
    (https://github.com/ccusage/ccusage/issues/1288): a call is a change of the total. A counter
    that went back is a new baseline (context compaction). A forked session first writes down its
    parent's events, all in one second: those are the parent's calls.
    """

    name: ClassVar[str] = "codex"
    title: ClassVar[str] = "Codex CLI rollouts"
    locations: ClassVar[tuple[str, ...]] = (
        "$CODEX_HOME/sessions",
        "~/.codex/sessions",
        "~/.codex/archived_sessions",
    )
    splittable: ClassVar[bool] = False
    record_type: ClassVar[Any] = Line

    def __init__(self, context: Context) -> None:
        self.path = context.path
        self.now = State()

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """Every rollout line is {timestamp, type, payload} with a known type."""
        kind = record.get("type")
        return isinstance(kind, str) and kind in KINDS and "payload" in record

    def state(self) -> bytes:
        """The running total and the session's context."""
        return msgspec.msgpack.encode(self.now)

    def resume(self, state: bytes) -> None:
        """Take up another instance's running total."""
        self.now = msgspec.msgpack.decode(state, type=State)

    def parse(self, record: Line, line: int) -> Iterable[Usage]:
        """Follow the session's context; a changed total is a call."""
        payload = record.payload
        if type(payload) is not Payload:
            return ()
        if record.type == "event_msg":
            if payload.type == "token_count" and payload.info is not None:
                return self.count(payload.info, record.timestamp, line)
        elif record.type == "turn_context":
            self.now.model = payload.model or self.now.model
            self.now.effort = payload.effort or self.now.effort
        elif record.type == "session_meta" and self.now.session is None:
            now = self.now
            now.session, now.cwd, now.provider = payload.id, payload.cwd, payload.model_provider
            now.branch = payload.git.branch if payload.git else None
            if payload.forked_from_id or "thread_spawn" in str(payload.source):
                now.replay_second = (record.timestamp or "")[:19] or None
        return ()

    def count(self, info: Info, timestamp: str | None, line: int) -> Iterator[Usage]:
        """The call behind a change of the running total."""
        now, total = self.now, info.total_token_usage
        if total is None or total == now.total:
            return
        if not timestamp:
            raise ValueError("no timestamp")
        spent = total.minus(now.total) or info.last_token_usage or ZERO
        now.total = total
        if now.replay_second == timestamp[:19]:
            return
        now.replay_second = None
        if spent == ZERO:
            return
        cached, written = spent.cached_input_tokens, spent.cache_write_input_tokens
        part_of(spent.output_tokens, [spent.reasoning_output_tokens], "output_tokens")
        project = basename(now.cwd)
        counters = ".".join(str(count) for count in msgspec.structs.astuple(total))
        yield Usage(
            call_id=f"codex:{now.session or self.path}:{counters}",
            started_at=micros(timestamp),
            provider_name=now.provider,
            request_model=now.model,
            reasoning_effort=now.effort,
            uncached_input_tokens=part_of(spent.input_tokens, [cached, written], "input_tokens"),
            cache_read_input_tokens=cached,
            cache_write_5m_input_tokens=written,
            output_tokens=spent.output_tokens,
            reasoning_output_tokens=spent.reasoning_output_tokens,
            conversation_id=now.session,
            project=project,
            workflow=project,
            workflow_basis="default" if project else None,
            tags=[f"branch:{now.branch}"] if now.branch else None,
            line=line,
        )
