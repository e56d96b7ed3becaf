"""Amp threads: one JSON document each, with the usage of its messages or a ledger of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.agents.parts import each
from tokman.sources.base import Context, Count, Refused, Stateless
from tokman.sources.facts import time_us, word
from tokman.usage import Usage, part_of


class Spent(msgspec.Struct, gc=False):
    """`usage` of a message: input excludes what the cache holds, the total input includes it."""

    model: str | None = None
    timestamp: str | None = None
    inputTokens: Count = 0
    outputTokens: Count = 0
    cacheCreationInputTokens: Count | None = None
    cacheReadInputTokens: Count | None = None
    totalInputTokens: Count | None = None


class Message(msgspec.Struct, gc=False):
    """A message; only the model's carry usage."""

    role: str | None = None
    messageId: int | str | None = None
    usage: Spent | None = None


class Counted(msgspec.Struct, gc=False):
    """`tokens` of a ledger event."""

    input: Count | None = None
    output: Count | None = None
    total: Count | None = None


class Event(msgspec.Struct, gc=False):
    """A ledger event."""

    id: str | None = None
    timestamp: str | None = None
    model: str | None = None
    tokens: Counted | None = None
    toMessageId: int | str | None = None
    operationType: str | None = None


class Ledger(msgspec.Struct, gc=False):
    """`usageLedger` of threads until January 2026."""

    events: list[msgspec.Raw] | None = None


class Thread(msgspec.Struct, gc=False):
    """A whole thread."""

    id: str | None = None
    messages: list[msgspec.Raw] | None = None
    usageLedger: Ledger | None = None


_MESSAGE = msgspec.json.Decoder(Message)
_EVENT = msgspec.json.Decoder(Event)


class Amp(Stateless):
    """Reads threads under `~/.local/share/amp/threads`.

    Where a thread has a ledger, its events are the calls; the message that an event leads to adds
    the cached tokens, which the ledger lacks. Messages that no event leads to are calls of their
    own if every event says where it leads, and are refused otherwise, since they may be counted
    already. `credits` are Amp's own unit and are not read. Written from what other programs read of
    these files (https://github.com/ccusage/ccusage); no real thread was at hand.
    """

    name: ClassVar[str] = "amp"
    title: ClassVar[str] = "Amp threads"
    locations: ClassVar[tuple[str, ...]] = (
        "$AMP_DATA_DIR/threads",
        "$XDG_DATA_HOME/amp/threads",
        "~/.local/share/amp/threads",
    )
    record_type: ClassVar[Any] = Thread

    def __init__(self, context: Context) -> None:
        """A thread stands alone."""

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """A thread names itself `T-…` and has messages or a ledger."""
        return str(record.get("id")).startswith("T-") and (
            isinstance(record.get("usageLedger"), dict) or isinstance(record.get("messages"), list)
        )

    def parse(self, record: Thread, line: int) -> Iterable[Usage | Refused]:
        """The calls of a thread."""
        if not record.id:
            raise BadRecord("id: missing")
        events = (record.usageLedger.events if record.usageLedger else None) or []
        return _Calls(record.id, line).read(events, record.messages or [])


class _Calls:
    """The calls of one thread."""

    def __init__(self, thread: str, line: int) -> None:
        self.thread, self.line = thread, line
        self.messages: dict[int | str, Spent] = {}
        self.reached: set[int | str] = set()
        self.every_event_leads = True
        self.ledger = False

    def read(
        self, events: list[msgspec.Raw], messages: list[msgspec.Raw]
    ) -> Iterator[Usage | Refused]:
        """Events first, then the messages they leave."""
        self.ledger = bool(events)
        for raw in messages:
            self.remember(raw)
        parts = chain(((self.event, raw) for raw in events), ((self.left, raw) for raw in messages))
        return each(list(parts), "entry", self.line, lambda part: part[0](part[1]))

    def remember(self, raw: msgspec.Raw) -> None:
        """Keep a message's usage for the event that leads to it."""
        try:
            message = _MESSAGE.decode(raw)
        except (ValueError, RecursionError):
            return  # named when it is read for itself
        if message.usage is not None and message.messageId is not None:
            self.messages[message.messageId] = message.usage

    def event(self, raw: msgspec.Raw) -> Iterator[Usage]:
        """A ledger event with the cached tokens of its message."""
        event = _EVENT.decode(raw)
        target = event.toMessageId
        self.every_event_leads = self.every_event_leads and target is not None
        first = target is not None and target not in self.reached
        if target is not None:
            self.reached.add(target)
        tokens = event.tokens or Counted()
        if tokens.input is None or tokens.output is None:
            if tokens.total == 0 or event.tokens is None:
                return
            raise BadRecord("tokens: input and output are not both stated")
        cached = self.messages.get(target) if first and target is not None else None
        read = (cached.cacheReadInputTokens or 0) if cached else 0
        written = (cached.cacheCreationInputTokens or 0) if cached else 0
        fresh = tokens.input
        if cached and read + written and fresh != cached.inputTokens:
            fresh = part_of(tokens.input, [read, written], "tokens.input")
            if fresh != cached.inputTokens:
                raise BadRecord(
                    f"tokens.input ({tokens.input}) is neither the input of its message "
                    f"({cached.inputTokens}) nor that with its cached tokens"
                )
        sums = (fresh + tokens.output, fresh + read + written + tokens.output)
        if tokens.total and tokens.total not in sums:
            raise BadRecord(f"tokens.total ({tokens.total}) is not the sum of its parts")
        key = target if first or not event.id else event.id
        row = self.row(key, event.timestamp, event.model)
        row.uncached_input_tokens, row.output_tokens = fresh, tokens.output
        row.cache_read_input_tokens, row.cache_write_5m_input_tokens = read, written
        yield row

    def left(self, raw: msgspec.Raw) -> Iterator[Usage]:
        """A message with usage that no event leads to."""
        message = _MESSAGE.decode(raw)
        spent = message.usage
        if spent is None or message.role != "assistant" or message.messageId in self.reached:
            return
        read, written = spent.cacheReadInputTokens or 0, spent.cacheCreationInputTokens or 0
        whole = spent.inputTokens + read + written
        if not whole + spent.outputTokens:
            return
        if self.ledger and not self.every_event_leads:
            raise BadRecord("usage: the thread's ledger does not say whether it has this message")
        if spent.totalInputTokens is not None and spent.totalInputTokens != whole:
            raise BadRecord(
                f"usage.totalInputTokens ({spent.totalInputTokens}) is not the sum of input "
                f"{spent.inputTokens}, cache {read} + {written}"
            )
        row = self.row(message.messageId, spent.timestamp, spent.model)
        row.uncached_input_tokens, row.output_tokens = spent.inputTokens, spent.outputTokens
        row.cache_read_input_tokens, row.cache_write_5m_input_tokens = read, written
        yield row

    def row(self, key: int | str | None, timestamp: str | None, model: str | None) -> Usage:
        """A call of this thread without its tokens."""
        started = time_us(timestamp, "timestamp")
        if started is None:
            raise BadRecord("no timestamp")
        if word(model) is None:
            raise BadRecord("model: missing")
        name = word(str(key)) if key is not None else None
        return Usage(
            call_id=f"amp:{word(self.thread)}:{name or started}",
            started_at=started,
            request_model=word(model),
            conversation_id=word(self.thread),
            line=self.line,
        )
