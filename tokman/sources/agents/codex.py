"""Codex rollouts: a record of each response, in older ones the session's cumulative counters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.agents.codex_lines import Counters, Info, Line, Payload
from tokman.sources.agents.codex_tools import Doing
from tokman.sources.agents.work import Work, write
from tokman.sources.base import Context, Stateless, basename, micros
from tokman.usage import Usage, part_of


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
    records: bool = False
    """The program writes usage records here, so its counters say nothing new."""
    counted_id: str | None = None
    counted: Counters = Counters()
    """The last call that was counted by a counter."""
    doing: Doing = msgspec.field(default_factory=Doing)


ZERO = Counters()
KINDS = frozenset(
    "session_meta turn_context event_msg response_item compacted token_usage_record".split()
)


class Codex(Stateless):
    """Reads rollouts under `~/.codex/sessions`.

    Since version 0.153 each response has a token_usage_record
    (https://github.com/openai/codex/pull/41912), written before the token_count of the same
    response; it also covers compaction, which the counters leave out. Where records are,
    counters are not counted: a session taken back to an older version would miss its later calls.
    Copies of a record inside compacted lines never count. No real rollout with records was at hand.

    Without records a token_count event repeats the session's running total, often unchanged
    (https://github.com/ccusage/ccusage/issues/1288): a call is a change of the total. A counter
    that went back is a new baseline (context compaction). A forked session first writes down its
    parent's events, all in one second: those are the parent's calls.

    The stream of `codex exec --json` is refused: it names no time and no model, its usage is a
    running total, and the same calls are in the session's rollout.
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
        self.context = context
        self.now = State()

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """Every rollout line is {timestamp, type, payload} with a known type."""
        kind = record.get("type")
        if kind == "thread.started":
            return "thread_id" in record
        if kind == "turn.completed":
            return "usage" in record
        return isinstance(kind, str) and kind in KINDS and "payload" in record

    def state(self) -> bytes:
        """The running total and the session's context."""
        return msgspec.msgpack.encode(self.now)

    def resume(self, state: bytes) -> None:
        """Take up another instance's running total."""
        self.now = msgspec.msgpack.decode(state, type=State)

    def parse(self, record: Line, line: int) -> Iterable[Usage]:
        """Follow the session's context; a usage record, else a changed total, is a call."""
        payload = record.payload
        if record.type == "turn.completed":
            raise BadRecord(
                "the stream of `codex exec --json` names no time and no model: "
                "ingest the session's rollout under ~/.codex/sessions instead"
            )
        if type(payload) is not Payload:
            return ()
        if record.type == "token_usage_record":
            return self.response(payload, record.timestamp, line)
        if record.type == "compacted":
            self.now.records |= payload.latest_token_usage_record is not None
        elif record.type == "event_msg":
            if payload.type == "token_count" and payload.info is not None:
                return self.count(payload.info, record.timestamp, line)
            self.now.doing.event(payload)
        elif record.type == "response_item":
            self.now.doing.item(payload, self.context)
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

    def response(self, payload: Payload, timestamp: str | None, line: int) -> Iterator[Usage]:
        """The call that a usage record states."""
        now, first = self.now, not self.now.records
        now.records = True
        if payload.usage is None:
            raise BadRecord("usage: missing")
        spent = payload.usage.checked()
        work = now.doing.take()
        identity = payload.response_id
        if first and now.counted_id and spent == now.counted:
            identity = now.counted_id  # a counter before its record, perhaps in another ingest
        elif not identity and payload.thread_token_usage is not None:
            identity = self.counter_id(payload.thread_token_usage)
        if not identity:
            raise BadRecord("response_id: missing")
        yield self.row(identity, spent, timestamp, line, work, payload.thread_id)

    def count(self, info: Info, timestamp: str | None, line: int) -> Iterator[Usage]:
        """The call behind a change of the running total."""
        now, total = self.now, info.total_token_usage
        if now.records or total is None or total == now.total:
            return
        if not timestamp:
            raise BadRecord("no timestamp")
        work = now.doing.take()
        spent = total.minus(now.total) or info.last_token_usage or ZERO
        now.total = total
        if now.replay_second == timestamp[:19]:
            return
        now.replay_second = None
        if spent == ZERO:
            return
        identity = self.counter_id(total)
        row = self.row(identity, spent, timestamp, line, work)
        now.counted_id, now.counted = identity, spent
        yield row

    def counter_id(self, total: Counters) -> str:
        """What names a call that has no response id: its session and the total after it."""
        counters = ".".join(str(count) for count in msgspec.structs.astuple(total))
        return f"codex:{self.now.session or self.path}:{counters}"

    def row(
        self,
        identity: str,
        spent: Counters,
        timestamp: str | None,
        line: int,
        work: Work,
        thread: str | None = None,
    ) -> Usage:
        """A call with the session's context at this line."""
        if not timestamp:
            raise BadRecord("no timestamp")
        now, project = self.now, basename(self.now.cwd)
        cached, written = spent.cached_input_tokens, spent.cache_write_input_tokens
        part_of(spent.output_tokens, [spent.reasoning_output_tokens], "output_tokens")
        row = Usage(
            call_id=identity,
            started_at=micros(timestamp),
            provider_name=now.provider,
            request_model=now.model,
            reasoning_effort=now.effort,
            uncached_input_tokens=part_of(spent.input_tokens, [cached, written], "input_tokens"),
            cache_read_input_tokens=cached,
            cache_write_5m_input_tokens=written,
            output_tokens=spent.output_tokens,
            reasoning_output_tokens=spent.reasoning_output_tokens,
            conversation_id=thread or now.session,
            project=project,
            workflow=project,
            workflow_basis="default" if project else None,
            tags=[f"branch:{now.branch}"] if now.branch else None,
            line=line,
        )
        write(row, work)
        return row
