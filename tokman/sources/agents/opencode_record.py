"""The fields of opencode's records that matter to the bill, and its tools."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tokman.sources.base import Count


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
    content: msgspec.Raw = msgspec.Raw()
    """Its parts, in version 2."""


class Record(Message, gc=False):
    """A message, a row of the table of parts, a message with its parts, or a session exported."""

    messageID: str | None = None
    part: msgspec.Raw = msgspec.Raw()
    info: msgspec.Raw = msgspec.Raw()
    parts: msgspec.Raw = msgspec.Raw()
    messages: list[msgspec.Raw] | None = None


class Exported(msgspec.Struct, gc=False):
    """A message with its parts."""

    info: Message
    parts: msgspec.Raw = msgspec.Raw()
