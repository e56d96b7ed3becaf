"""opencode messages: rows of its SQLite database, in older versions a JSON file each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context, Count, FromTables, basename
from tokman.sources.facts import pico, word
from tokman.usage import Usage


class Cache(msgspec.Struct, gc=False):
    """Tokens read from and written to a prompt cache."""

    read: Count = 0
    write: Count = 0


class Tokens(msgspec.Struct, gc=False):
    """`tokens` of a message: input excludes what the cache holds."""

    input: Count = 0
    output: Count = 0
    reasoning: Count = 0
    cache: Cache | int | None = None
    total: Count | None = None


class Time(msgspec.Struct, gc=False):
    """Milliseconds since 1970."""

    created: Count | None = None
    completed: Count | None = None


class Model(msgspec.Struct, gc=False):
    """The model in messages of version 2."""

    id: str | None = None
    providerID: str | None = None


class Place(msgspec.Struct, gc=False):
    """Where the session worked."""

    cwd: str | None = None


class Failure(msgspec.Struct, gc=False):
    """Why a call failed; its message is a text and not read."""

    name: str | None = None


class Message(msgspec.Struct, gc=False):
    """The fields of a message that matter to the bill."""

    id: str | None = None
    sessionID: str | None = None
    role: str | None = None
    time: Time | None = None
    modelID: str | None = None
    providerID: str | None = None
    model: Model | str | None = None
    agent: str | None = None
    mode: str | None = None
    path: Place | str | None = None
    cost: Decimal | None = None
    tokens: Tokens | None = None
    finish: str | None = None
    error: Failure | str | None = None


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


class OpenCode(FromTables):
    """Reads `opencode.db` and the message files of versions before it.

    Version 2 copied the messages of version 1 under their ids, and a fork copies them under new
    ones: what names a call is when it ran, its model and its counts. Today's output excludes
    reasoning (https://github.com/anomalyco/opencode/issues/17566); in older versions it depended on
    the provider. `total` tells which; where it is missing and there was reasoning, the output as
    stated is counted and marked partial, unless reasoning exceeds it. `cost` is opencode's own
    reckoning, and 0 for subscriptions and in early version 2, so a 0 says nothing. Versions of
    mid-2025 made several calls a message and kept the last one's tokens beside the sum of their
    costs. Written from the program's code; no real database was at hand.
    """

    name: ClassVar[str] = "opencode"
    title: ClassVar[str] = "opencode's database and messages"
    locations: ClassVar[tuple[str, ...]] = (
        "$XDG_DATA_HOME/opencode/opencode*.db",
        "$XDG_DATA_HOME/opencode/storage/message",
        "~/.local/share/opencode/opencode*.db",
        "~/.local/share/opencode/storage/message",
    )
    record_type: ClassVar[Any] = Message
    tables: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "message": ("id", "session_id", "data"),
        "session_message": ("id", "session_id", "data", "type"),
    }

    def __init__(self, context: Context) -> None:
        self.context = context
        self.counted: set[str] = set()

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """A message names itself `msg_…`, its session and its role."""
        return (
            "role" in record
            and str(record.get("sessionID")).startswith("ses")
            and str(record.get("id")).startswith("msg")
        )

    @staticmethod
    def from_table(table: str, row: dict[str, Any]) -> bytes:
        """The row's JSON with what its columns say in front."""
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
        return msgspec.json.encode(head)[:-1] + (b"" if rest[:1] == b"}" else b",") + rest

    def parse(self, record: Message, line: int) -> Iterable[Usage]:
        """The call of a model's message, once it is over."""
        tokens, time = record.tokens, record.time
        if record.role != "assistant" or tokens is None or time is None:
            return ()
        if not record.id:
            raise BadRecord("a message without an id")
        if record.id in self.counted:
            return ()
        cache = tokens.cache if isinstance(tokens.cache, Cache) else Cache()
        spent = tokens.input + tokens.output + tokens.reasoning + cache.read + cache.write
        if not time.completed and record.error is None:
            if spent:
                raise BadRecord("the message is not completed, its counts may still grow")
            return ()
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
        return [
            Usage(
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
        ]


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
