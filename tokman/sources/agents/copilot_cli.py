"""GitHub Copilot CLI sessions: events, of which only the last states the whole usage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context, Count, Stateless, basename
from tokman.sources.facts import short, time_us, word
from tokman.usage import Usage, part_of


class Spent(msgspec.Struct, gc=False):
    """A model's tokens since the session was entered; input includes what the cache holds."""

    inputTokens: Count = 0
    outputTokens: Count = 0
    cacheReadTokens: Count = 0
    cacheWriteTokens: Count = 0
    reasoningTokens: Count = 0


class Requests(msgspec.Struct, gc=False):
    """How many calls there were."""

    count: Count | None = None


class Metrics(msgspec.Struct, gc=False):
    """One model of `modelMetrics`."""

    usage: Spent | None = None
    requests: Requests | None = None


class Place(msgspec.Struct, gc=False):
    """Where the session works."""

    cwd: str | None = None
    branch: str | None = None


class Data(msgspec.Struct, gc=False):
    """The fields of all events that matter here; those that differ between them are looked at."""

    sessionId: Any = None
    model: Any = None
    apiCallId: Any = None
    messageId: Any = None
    outputTokens: Count | None = None
    context: Place | str | list[Any] | None = None
    modelMetrics: dict[str, Metrics] | None = None


class Event(msgspec.Struct, gc=False):
    """One line."""

    type: str | None = None
    id: str | None = None
    timestamp: str | int | None = None
    data: Data | str | list[Any] | None = None


class Held(msgspec.Struct):
    """A call of which only the output is known yet."""

    model: str | None
    output: int
    started_at: int
    line: int


class State(msgspec.Struct):
    """What a session says once, and the calls that its next totals will cover."""

    session: str | None = None
    cwd: str | None = None
    branch: str | None = None
    held: dict[str, Held] = {}


MOST_CALLS = 100_000
"""More calls between entering and leaving a session are no count of calls."""

KINDS = frozenset("session assistant user tool subagent hook skill system permission".split())


class CopilotCLI(Stateless):
    """Reads `events.jsonl` under `~/.copilot/session-state`.

    A message states its output only. On leaving the session, session.shutdown states each model's
    totals since it was entered (https://github.com/getagentseal/codeburn/pull/684: input includes
    the cached part; a session entered again starts from nothing). The rows of a model add up to
    its totals exactly: every message with its own output, the other calls with equal shares of the
    rest (marked estimated), and all with equal shares of the input, since totals given to one call
    would be priced as one very long prompt. A session that was killed has no totals: its messages
    are partial. Reasoning is part of the output
    (https://github.com/github/copilot-sdk/issues/1160); where it exceeds it, output is partial.
    Premium requests and AI units are not read as money. No real session was at hand.
    """

    name: ClassVar[str] = "copilot-cli"
    title: ClassVar[str] = "GitHub Copilot CLI sessions"
    locations: ClassVar[tuple[str, ...]] = (
        "$COPILOT_HOME/session-state",
        "~/.copilot/session-state",
    )
    splittable: ClassVar[bool] = False
    record_type: ClassVar[Any] = Event

    def __init__(self, context: Context) -> None:
        self.path = context.path
        self.now = State()

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """An event is {type, data, id, timestamp, parentId}, its type dotted."""
        kind, dot, _ = str(record.get("type")).partition(".")
        named = "id" in record and "timestamp" in record and "parentId" in record
        return bool(dot) and kind in KINDS and named and isinstance(record.get("data"), dict)

    def state(self) -> bytes:
        """The session and the calls it holds."""
        return msgspec.msgpack.encode(self.now)

    def resume(self, state: bytes) -> None:
        """Take up another instance's session."""
        self.now = msgspec.msgpack.decode(state, type=State)

    def parse(self, record: Event, line: int) -> Iterable[Usage]:
        """Hold messages back until the totals that cover them."""
        data, now = record.data, self.now
        if type(data) is not Data:
            return ()
        if record.type in ("session.start", "session.resume"):
            now.session = word(data.sessionId) or now.session
            if isinstance(data.context, Place):
                now.cwd, now.branch = data.context.cwd, data.context.branch
            left, now.held = self.partial(), {}
            return left
        if record.type == "assistant.message" and data.outputTokens is not None:
            self.hold(record, data, data.outputTokens, line)
        elif record.type == "session.shutdown" and data.modelMetrics:
            return self.totals(record, data.modelMetrics, line)
        return ()

    def hold(self, record: Event, data: Data, output: int, line: int) -> None:
        """Remember a message; of several of one call the largest output."""
        started = time_us(record.timestamp, "timestamp")
        if started is None:
            raise BadRecord("no timestamp")
        key = word(data.apiCallId) or word(data.messageId) or word(record.id)
        if key is None:
            raise BadRecord("a message without an id")
        known = self.now.held.get(key)
        if known is None or output > known.output:
            self.now.held[key] = Held(word(data.model), output, started, line)

    def finish(self) -> Iterable[Usage]:
        """Calls that no totals cover yet; they stay held for a file that grows."""
        return self.partial()

    def partial(self) -> list[Usage]:
        """The held calls with what is known of them."""
        return [
            self.row(key, held.model, held.started_at, held.line, held.output, "partial")
            for key, held in self.now.held.items()
        ]

    def totals(self, record: Event, metrics: dict[str, Metrics], line: int) -> Iterator[Usage]:
        """The calls since the session was entered, with each model's totals shared among them."""
        ended = time_us(record.timestamp, "timestamp")
        if ended is None:
            raise BadRecord("no timestamp")
        for place, (model, stated) in enumerate(metrics.items(), 1):
            spent = stated.usage or Spent()
            mine = {
                key: held
                for key, held in self.now.held.items()
                if held.model == model or (held.model is None and len(metrics) == 1)
            }
            rows = [
                self.row(key, word(model), held.started_at, held.line, held.output, "final")
                for key, held in mine.items()
            ]
            count = (stated.requests.count if stated.requests else None) or 0
            used = spent.inputTokens + spent.outputTokens
            if count > MOST_CALLS:
                raise BadRecord(f"requests.count: {count} is no count of calls")
            rest = part_of(spent.outputTokens, [row.output_tokens for row in rows], "outputTokens")
            others = max(count - len(rows), 1 if (rest or not rows) and used else 0)
            for number, share in enumerate(_shares(rest, others), 1):
                key = f"{word(record.id) or ended}:{place}:{number}"
                rows.append(self.row(key, word(model), ended, line, share, "estimated"))
            _spread(rows, spent)
            for key in mine:
                del self.now.held[key]
            yield from rows
        yield from self.partial()
        self.now.held = {}

    def row(
        self, key: str, model: str | None, started: int, line: int, output: int, basis: Any
    ) -> Usage:
        """A call of this session."""
        now, project = self.now, basename(self.now.cwd)
        return Usage(
            call_id=f"copilot-cli:{now.session or self.path}:{key}",
            started_at=started,
            provider_name="github_copilot",
            request_model=model,
            output_tokens=output,
            output_basis=basis,
            conversation_id=now.session,
            project=project,
            workflow=project,
            workflow_basis="default" if project else None,
            tags=[f"branch:{now.branch}"] if short(now.branch) else None,
            line=line,
        )


def _shares(total: int, parts: int) -> list[int]:
    """`total` in equal whole parts; the first are one larger where it does not divide."""
    if not parts:
        return []
    each, over = divmod(total, parts)
    return [each + (number < over) for number in range(parts)]


def _spread(rows: list[Usage], spent: Spent) -> None:
    """Share a model's input and reasoning among its calls."""
    read, written = spent.cacheReadTokens, spent.cacheWriteTokens
    fresh = part_of(spent.inputTokens, [read, written], "inputTokens")
    classes = (_shares(total, len(rows)) for total in (fresh, read, written))
    reasoning = spent.reasoningTokens
    beyond = reasoning > spent.outputTokens
    for row, *shares in zip(rows, *classes, strict=True):
        row.uncached_input_tokens, row.cache_read_input_tokens = shares[0], shares[1]
        row.cache_write_5m_input_tokens = shares[2]
        if beyond:
            row.output_basis = "partial"
            continue
        row.reasoning_output_tokens = min(reasoning, row.output_tokens)
        reasoning -= row.reasoning_output_tokens
