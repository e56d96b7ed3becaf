"""opencode messages: rows of its SQLite database, exported sessions, in older versions a JSON file
each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.agents.opencode_record import (
    Cache,
    Exported,
    Failure,
    Message,
    Model,
    Place,
    Record,
    Tokens,
)
from tokman.sources.agents.opencode_tools import Held, Sessions
from tokman.sources.agents.parts import each
from tokman.sources.base import Context, FromTables, Refused, basename
from tokman.sources.facts import pico, word
from tokman.usage import Usage

PROVIDERS = {
    "google": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "google-vertex-anthropic": "gcp.vertex_ai",
    "amazon-bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "moonshotai": "moonshot_ai",
    "togetherai": "together",
    "fireworks-ai": "fireworks",
}
"""https://models.dev names of providers that OpenTelemetry spells otherwise."""

_EXPORTED = msgspec.json.Decoder(Exported)
_MESSAGE = msgspec.json.Decoder(Message)


class OpenCode(FromTables):
    """Reads `opencode.db` and the message files of versions before it.

    Version 2 copied the messages of version 1 under their ids, and a fork copies them under new
    ones: what names a call is when it ran, its model and its counts. Today's output excludes
    reasoning (https://github.com/anomalyco/opencode/issues/17566); in older versions it depended on
    the provider. `total` tells which; where it is missing and there was reasoning, the output as
    stated is counted and marked partial, unless reasoning exceeds it. `cost` is opencode's own
    reckoning, and 0 for subscriptions and in early version 2, so a 0 says nothing. Versions of
    mid-2025 made several calls a message and kept the last one's tokens beside the sum of their
    costs. Parts of a message lie in a table of their own, or in the message; those of message
    files are files too and not looked for. Written from the program's code; no real database was
    at hand.
    """

    name: ClassVar[str] = "opencode"
    title: ClassVar[str] = "opencode's database and messages"
    locations: ClassVar[tuple[str, ...]] = (
        "$XDG_DATA_HOME/opencode/opencode*.db",
        "$XDG_DATA_HOME/opencode/storage/message",
        "~/.local/share/opencode/opencode*.db",
        "~/.local/share/opencode/storage/message",
    )
    splittable: ClassVar[bool] = False
    record_type: ClassVar[Any] = Record
    tables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "message": ("id", "session_id", "data"),
        "session_message": ("id", "session_id", "data", "type"),
        "part": ("id", "session_id", "data", "message_id"),
    }

    def __init__(self, context: Context) -> None:
        self.context = context
        self.counted: set[str] = set()
        self.sessions = Sessions(context)

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """A message names itself `msg_…`, its session and its role, an exported session itself."""
        info = record.get("info")
        if isinstance(info, dict):
            if "messages" in record:
                return str(info.get("id")).startswith("ses")
            record = info if "parts" in record else record
        return (
            "role" in record
            and str(record.get("sessionID")).startswith("ses")
            and str(record.get("id")).startswith("msg")
        )

    @staticmethod
    def from_table(table: str, row: dict[str, Any]) -> bytes:
        """The row's JSON with what its columns say in front, that of a part in a record of it."""
        data = row["data"]
        body = data.strip() if isinstance(data, bytes) else b""
        if body[:1] != b"{":
            raise BadRecord("data: not a JSON object")
        names = {"id": "id", "session_id": "sessionID", "type": "role"}
        head = {
            name: row[column].decode("utf-8", "replace")
            for column, name in names.items()
            if isinstance(row.get(column), bytes)
        }
        rest = body[1:].lstrip()
        whole = msgspec.json.encode(head)[:-1] + (b"" if rest[:1] == b"}" else b",") + rest
        if table != "part":
            return whole
        message = row["message_id"] if isinstance(row["message_id"], bytes) else b""
        named = msgspec.json.encode(message.decode("utf-8", "replace"))
        return b'{"messageID":%b,"part":%b}' % (named, whole)

    def parse(self, record: Record, line: int) -> Iterable[Usage | Refused]:
        """Hold the calls of a record back until those before and after them are known."""
        if record.messages is not None:
            return list(each(record.messages, "message", line, partial(self.exported, line)))
        if record.messageID:
            self.sessions.part(record.messageID, record.part)
        elif record.info:
            self.message(_MESSAGE.decode(record.info), record.parts, line)
        else:
            self.message(record, record.content, line)
        return ()

    def exported(self, line: int, written: msgspec.Raw) -> Iterable[Usage]:
        """A message of an exported session."""
        found = _EXPORTED.decode(written)
        self.message(found.info, found.parts, line)
        return ()

    def finish(self) -> Iterator[Usage]:
        """The calls, each with what it was told and did."""
        return self.sessions.rows()

    def state(self) -> bytes:
        """What the next call of each session is told."""
        return self.sessions.state()

    def resume(self, state: bytes) -> None:
        """Go on from another instance's state."""
        self.sessions.resume(state)

    def message(self, record: Message, parts: bytes, line: int) -> None:
        """Hold a message back: somebody's, or a call of the model that is over."""
        row = self.call(record, line) if record.role == "assistant" else None
        if record.id and (row is not None or record.role == "user"):
            created = record.time.created if record.time else None
            self.sessions.parts(record.id, parts)
            self.sessions.held.append(Held(record.id, record.sessionID or "", created or 0, row))

    def call(self, record: Message, line: int) -> Usage | None:
        """The call of a model's message, once it is over."""
        tokens, time = record.tokens, record.time
        if tokens is None or time is None:
            return None
        if not record.id:
            raise BadRecord("a message without an id")
        if record.id in self.counted:
            return None
        cache = tokens.cache if isinstance(tokens.cache, Cache) else Cache()
        spent = tokens.input + tokens.output + tokens.reasoning + cache.read + cache.write
        if not time.completed and record.error is None:
            if spent:
                raise BadRecord("the message is not completed, its counts may still grow")
            return None
        nested = record.model if isinstance(record.model, Model) else Model()
        output, certain = _output(tokens, cache, apart=nested.id is not None)
        model, provider = record.modelID or nested.id, record.providerID or nested.providerID
        counts = (tokens.input, tokens.output, tokens.reasoning, cache.read, cache.write)
        facts = (time.created, time.completed, provider, model, counts)
        known = self.context.hash_text(msgspec.json.encode(facts).decode())
        place = record.path.cwd if isinstance(record.path, Place) else None
        project = basename(place)
        failure = record.error.name if isinstance(record.error, Failure) else record.error
        aborted = failure == "MessageAbortedError"
        failed = record.error is not None and not aborted
        took = (time.completed or 0) - (time.created or 0)
        self.counted.add(record.id)
        return Usage(
            call_id=f"opencode:{known}" if spent else f"opencode:{record.id}",
            started_at=None if time.created is None else time.created * 1000,
            duration_ms=took if time.created and took >= 0 else None,
            provider_name=PROVIDERS.get(provider or "", word(provider)),
            request_model=word(model),
            status="error" if failed else "ok",
            error_type=(word(failure) or "error") if failed else None,
            finish_reason="aborted" if aborted else word(record.finish),
            uncached_input_tokens=tokens.input,
            cache_read_input_tokens=cache.read,
            cache_write_5m_input_tokens=cache.write,
            output_tokens=output,
            reasoning_output_tokens=min(tokens.reasoning, output),
            output_basis="final" if certain and spent and not aborted else "partial",
            billed_cost=pico(record.cost) or None,
            conversation_id=word(record.sessionID),
            agent_name=word(record.agent or record.mode),
            project=project,
            workflow=project,
            workflow_basis="default" if project else None,
            line=line,
        )


def _output(tokens: Tokens, cache: Cache, *, apart: bool) -> tuple[int, bool]:
    """All tokens generated, and False if they may be more; BadRecord if the total disagrees.
    `apart`: the output is known to exclude reasoning."""
    whole = tokens.output + tokens.reasoning
    if tokens.total:
        rest = tokens.total - tokens.input - cache.read - cache.write
        if rest == whole:
            return whole, True
        if rest == tokens.output >= tokens.reasoning:
            return rest, True
        raise BadRecord(
            f"tokens.total ({tokens.total}) is not the sum of input {tokens.input}, cache "
            f"{cache.read} + {cache.write}, output {tokens.output}, reasoning {tokens.reasoning}"
        )
    if apart or not tokens.reasoning or tokens.reasoning > tokens.output:
        return whole, True
    return tokens.output, False
