"""What the calls of opencode's sessions did with tools.

A message of the model holds the tools it called, each with what it came to; the next message of
the model in the session is the first to be given that. Neither rows of a database nor ids are in
the order of time (ids began anew in August 2026), so messages are put in order when all are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tokman.sources.agents.work import Work, write
from tokman.sources.base import Context
from tokman.sources.form import encode
from tokman.sources.tool_use import ToolCall, ToolResult, tool_call, tool_result
from tokman.usage import Usage

_CALLED = ("running", "completed", "error")
"""States of a tool whose arguments are whole."""

_SPOKEN = ("text", "file", "agent", "subtask")
"""Parts of somebody's message, unless the program wrote them."""

_OPEN_SESSIONS = 16
"""Sessions that are remembered until the file has grown."""


class State(msgspec.Struct, gc=False):
    """How far a tool is; version 1 has `output`, version 2 `content`."""

    status: Any = None
    input: Any = None
    output: Any = None
    content: Any = None
    attachments: Any = None
    error: Any = None


class Part(msgspec.Struct, gc=False):
    """A part of a message; texts are passed over."""

    id: Any = None
    type: Any = None
    synthetic: Any = None
    callID: Any = None
    tool: Any = None
    name: Any = None
    """The tool in version 2, where `id` is that of the call."""
    state: msgspec.Raw = msgspec.Raw()
    metadata: Any = None
    provider: Any = None
    executed: Any = None


class Step(msgspec.Struct, gc=False):
    """A tool called, or without one the model beginning to write once more."""

    order: str
    link: str = ""
    call: ToolCall | None = None
    result: ToolResult | None = None
    over: bool = False
    """The result is given to the model by the next call."""


class Held(msgspec.Struct, gc=False):
    """A message until all are read; without a row it is somebody's."""

    message: str
    session: str
    created: int
    row: Usage | None = None


_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_PART = msgspec.json.Decoder(Part)
_STATE = msgspec.json.Decoder(State)
_SAID = msgspec.msgpack.Decoder(dict[str, Work])


class Sessions:
    """The messages of one file, and what their parts tell."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.held: list[Held] = []
        self.steps: dict[str, list[Step]] = {}
        self.spoken: dict[str, bool] = {}
        """By message: whether a part of it is somebody's words."""
        self.said: dict[str, Work] = {}
        """By session: what the next call is told."""

    def state(self) -> bytes:
        """What messages still to be written may go on with."""
        return msgspec.msgpack.encode(dict(list(self.said.items())[-_OPEN_SESSIONS:]))

    def resume(self, state: bytes) -> None:
        """Go on from another instance's state."""
        self.said = _SAID.decode(state)

    def parts(self, message: str, written: bytes) -> None:
        """The parts that a message holds itself, in order; anything but a list tells nothing."""
        try:
            parts = _LIST.decode(written) if written else []
        except (ValueError, RecursionError):
            return
        for part in parts:
            self.part(message, part, ordered=True)

    def part(self, message: str, written: bytes, *, ordered: bool = False) -> None:
        """A part of a message, in order or to be put there by its id; one of a form unknown tells
        nothing, and costs no call its row."""
        try:
            part = _PART.decode(written)
            step = self.step(part, "" if ordered else str(part.id))
        except (ValueError, RecursionError):
            return
        if step is not None:
            self.steps.setdefault(message, []).append(step)
        spoken = part.type in _SPOKEN and part.synthetic is not True
        self.spoken[message] = self.spoken.get(message, False) or spoken

    def step(self, part: Part, order: str) -> Step | None:
        """What a part says of tools."""
        if part.type == "step-start":
            return Step(order)
        name = part.tool if isinstance(part.tool, str) else part.name
        if part.type != "tool" or not isinstance(name, str) or not part.state:
            return None
        state = _STATE.decode(part.state)
        if state.status not in _CALLED:
            return None
        link = str(part.callID or part.id)
        call = tool_call(self.context, name, state.input, encode(state.input))
        if state.status == "running" or _by_provider(part):
            return Step(order, link, call)
        failed = state.status == "error"
        result = tool_result(self.context, _content(state), failed)
        return Step(order, link, call, result, over=True)

    def rows(self) -> Iterator[Usage]:
        """The calls held, in the order they were read, each with what it was told and did."""
        held, self.held = self.held, []
        for message in sorted(held, key=lambda each: each.created):
            said = self.said.setdefault(message.session, Work())
            if message.row is not None:
                self.said[message.session] = self._does(message.row, message.message, said)
            elif self.spoken.get(message.message, True):
                said.turn = "user"
        for message in held:
            if message.row is not None:
                yield message.row

    def _does(self, row: Usage, message: str, work: Work) -> Work:
        """Write what the message was told and did; returns what the next one is told."""
        said = Work()
        for step in sorted(self.steps.get(message, ()), key=lambda each: each.order):
            if step.call is None:
                work.results |= said.results
                said = Work()
                continue
            work.calls[step.link] = step.call
            if step.over:
                said.results[step.link], said.turn = step.result, "tool"
        write(row, work)
        return said


def _by_provider(part: Part) -> bool:
    """True where the provider ran the tool within the call: no later call is given the result."""
    marks = [part.executed]
    if isinstance(part.metadata, dict):
        marks.append(part.metadata.get("providerExecuted"))
    if isinstance(part.provider, dict):
        marks.append(part.provider.get("executed"))
    return True in marks


def _content(state: State) -> Any:
    """What the model is given of a tool that is over."""
    if state.status == "error":
        error = state.error
        return error.get("message", error) if isinstance(error, dict) else error
    if state.content is not None:
        return state.content
    files = [
        {key: value for key, value in file.items() if key in ("type", "mime", "url")}
        for file in (state.attachments if isinstance(state.attachments, list) else ())
        if isinstance(file, dict)
    ]
    return [state.output, *files] if files else state.output
