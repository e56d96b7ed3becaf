"""Gemini CLI sessions: one JSON document a session, or JSON lines that are only appended to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.agents.gemini_tools import Doing, Tools
from tokman.sources.agents.parts import each
from tokman.sources.agents.work import write
from tokman.sources.base import Context, Count, Refused, Stateless, basename, micros
from tokman.sources.facts import word
from tokman.usage import Usage, part_of


class Tokens(msgspec.Struct, gc=False):
    """`tokens` of a message; cached is a part of input, thoughts and tool come on top.

    https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/services/chatRecordingTypes.ts
    """

    input: Count = 0
    output: Count = 0
    cached: Count = 0
    thoughts: Count | None = 0
    tool: Count | None = 0
    total: Count | None = 0
    """0 where the provider stated none."""


class Message(msgspec.Struct, gc=False):
    """A message; only the model's (`gemini`) carry tokens, and those only if they were reported."""

    id: str | None = None
    type: str | None = None
    timestamp: str | None = None
    model: str | None = None
    tokens: Tokens | None = None
    toolCalls: Tools = None


class Record(Message, gc=False):
    """A document, or one line: the head of the session, a message, a change (`$set`) of the head,
    or a rewind."""

    sessionId: str | None = None
    projectHash: str | None = None
    kind: str | None = None
    directories: list[str] | None = None
    messages: list[msgspec.Raw] | None = None
    changes: Record | None = msgspec.field(default=None, name="$set")


class State(msgspec.Struct):
    """What a session says once and means for every later line."""

    session: str | None = None
    folder_hash: str | None = None
    subagent: bool = False
    directory: str | None = None
    doing: Doing = msgspec.field(default_factory=Doing)


_MESSAGE = msgspec.json.Decoder(Message)
_HASH = re.compile(r"[0-9a-f]{64}")


class GeminiCLI(Stateless):
    """Reads sessions under `~/.gemini/tmp/<project>/chats`.

    A message is written anew whenever it changes, with the tools it called, so its id counts once.
    `$rewindTo` takes messages out of the conversation, and compression replaces them; their tokens
    were spent all the same. A message of the model without tokens is part of a call that another
    message carries. The log does not say who bills: prices are those of the Gemini API. Documents
    were checked on real sessions; JSON lines against the program's code only.
    """

    name: ClassVar[str] = "gemini-cli"
    title: ClassVar[str] = "Gemini CLI sessions"
    locations: ClassVar[tuple[str, ...]] = ("~/.gemini/tmp/*/chats",)
    splittable: ClassVar[bool] = False
    record_type: ClassVar[Any] = Record

    def __init__(self, context: Context) -> None:
        self.context, self.path = context, context.path
        self.now = State()
        self.counted: set[str] = set()

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """A head names its session and the hash of its folder; a line of it a model's message."""
        if "projectHash" in record:
            return "sessionId" in record
        if record.get("type") == "gemini":
            return "id" in record and "timestamp" in record
        return "$rewindTo" in record or isinstance(record.get("$set"), dict)

    def state(self) -> bytes:
        """The session's head."""
        return msgspec.msgpack.encode(self.now)

    def resume(self, state: bytes) -> None:
        """Take up another instance's head."""
        self.now = msgspec.msgpack.decode(state, type=State)

    def parse(self, record: Record, line: int) -> Iterable[Usage | Refused]:
        """The calls of a document, of a message, or of the messages that a change repeats."""
        if record.type == "gemini":
            return self.message(record, line)
        if record.type == "user":
            self.now.doing.asked()
        head = record.changes or record
        if head.sessionId:
            self.now.session = head.sessionId
            self.now.folder_hash = head.projectHash or self.now.folder_hash
        self.now.subagent = self.now.subagent or head.kind == "subagent"
        if head.directories:
            self.now.directory = head.directories[0]
        again = record.changes is not None
        return self.messages(head.messages, line, again) if head.messages else ()

    def messages(
        self, messages: list[msgspec.Raw], line: int, again: bool
    ) -> Iterator[Usage | Refused]:
        """The calls of every message; those of a change may have been written `again`."""

        def read(raw: msgspec.Raw) -> Iterable[Usage]:
            message = _MESSAGE.decode(raw)
            if message.type == "user" and not again:
                self.now.doing.asked()
            return self.message(message, line, again) if message.type == "gemini" else ()

        return each(messages, "message", line, read)

    def message(self, message: Message, line: int, again: bool = False) -> Iterator[Usage]:
        """The call that a message of the model reports: once more where the message is written anew
        with the tools it called, and not where it is only repeated."""
        tokens, doing = message.tokens, self.now.doing
        repeated = message.id in self.counted and (
            again or message.id != doing.latest or not message.toolCalls
        )
        if tokens is None or repeated:
            return
        if not message.id:
            raise BadRecord("a message without an id")
        if not message.timestamp:
            raise BadRecord("no timestamp")
        now = self.now
        thoughts, tool = tokens.thoughts or 0, tokens.tool or 0
        parts = tokens.input + tokens.output + thoughts + tool
        if tokens.total and tokens.total != parts:
            raise BadRecord(
                f"tokens.total ({tokens.total}) is not the sum of input {tokens.input}, "
                f"output {tokens.output}, thoughts {thoughts}, tool {tool}"
            )
        fresh = part_of(tokens.input, [tokens.cached], "tokens.input")
        project = self.project()
        row = Usage(
            call_id=f"gemini-cli:{now.session or self.path}:{message.id}",
            started_at=micros(message.timestamp),
            operation_name="generate_content",
            provider_name="gcp.gemini",
            request_model=word(message.model),
            uncached_input_tokens=fresh + tool,
            cache_read_input_tokens=tokens.cached,
            output_tokens=tokens.output + thoughts,
            reasoning_output_tokens=thoughts,
            conversation_id=now.session,
            agent_name="subagent" if now.subagent else None,
            project=project or (now.folder_hash or "")[:12] or None,
            workflow=project,
            workflow_basis="default" if project else None,
            line=line,
        )
        if not again:
            write(row, doing.does(message.id, message.toolCalls, self.context))
        self.counted.add(message.id)
        yield row

    def project(self) -> str | None:
        """The folder added to the session, else the name of its place under `~/.gemini/tmp`, which
        older versions made of the folder's hash."""
        if self.now.directory:
            return basename(self.now.directory)
        above, chats, _ = self.path.replace("\\", "/").rpartition("/chats/")
        place = basename(above) if chats else None
        return None if place is None or _HASH.fullmatch(place) else place
