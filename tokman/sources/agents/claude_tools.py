"""What the calls of a Claude Code transcript did with tools.

A call's tools are spread over the lines of its message; what they came to stands in lines of the
user's, and is first given to the next message of the same thread: the session's own, or one of a
subagent's. Results that are written while the message still streams are given to the next one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tokman.sources.agents.work import Work
from tokman.sources.base import Context, digest_of
from tokman.sources.polls import polls, polls_by_name
from tokman.sources.tool_use import ToolCall, ToolResult, name_of, tool_result

_OPEN_THREADS = 16
"""Threads that are remembered until the file has grown."""


class Block(msgspec.Struct, gc=False):
    """A block of a message; texts are passed over, arguments and results left as they are."""

    id: Any = None
    name: Any = None
    input: msgspec.Raw = msgspec.Raw()
    tool_use_id: Any = None
    """Of a result alone; an `input` is a call's alone."""
    content: msgspec.Raw = msgspec.Raw()
    is_error: Any = None


Content = list[Block | str | float | bool | list[Any] | None] | Block | str | float | bool | None
"""Any JSON: what is no list of blocks tells nothing, and costs no call its row."""


class Thread(msgspec.Struct):
    """A conversation with one agent: its latest message, and what was said since."""

    latest: str | None = None
    work: Work = msgspec.field(default_factory=Work)
    said: Work = msgspec.field(default_factory=Work)


_STATE = msgspec.msgpack.Decoder(dict[str, Thread])


class Threads:
    """The threads of one transcript."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.digest = digest_of(context.key)
        self.threads: dict[str, Thread] = {}
        self.roots: dict[str, str] = {}
        """The first line of each subagent's thread, for versions that did not name the agent."""

    def state(self) -> bytes:
        """What the lines still to be written may go on with."""
        latest = list(self.threads.items())[-_OPEN_THREADS:]
        return msgspec.msgpack.encode(dict(latest))

    def resume(self, state: bytes) -> None:
        """Go on from another instance's state."""
        self.threads = _STATE.decode(state)

    def of_sidechain(self, line: str | None, before: str | None) -> str:
        """The thread of a subagent's line that does not name the agent, by the line before it."""
        root = self.roots.get(before or "", line or "")
        if line:
            self.roots[line] = root
        return root

    def hear(self, name: str, content: Content, aside: bool) -> None:
        """A line of the user's: what tools came to, or somebody's words unless they are an aside
        of the program's."""
        thread = self.threads.get(name)
        if thread is None:
            thread = self.threads[name] = Thread()
        said = thread.said
        told = spoken = False
        if type(content) is list:
            for block in content:
                if type(block) is Block and block.tool_use_id is not None:
                    told = True
                    said.results[str(block.tool_use_id)] = self.result(block)
                else:
                    spoken = True
        elif content:
            spoken = True
        if told:
            said.turn = "tool"
        elif spoken and not aside:
            said.turn = "user"

    def does(self, name: str, message: str, content: Content, known: Work | None) -> Work:
        """A line of the message `message`, whose work so far is `known`."""
        thread = self.threads.get(name)
        if thread is None:
            thread = self.threads[name] = Thread()
        if thread.latest == message:
            work = thread.work
        elif known is not None:
            work = known
        else:
            work, thread.said = thread.said, Work()
            thread.latest, thread.work = message, work
        if type(content) is list:
            for block in content:
                if type(block) is Block and type(block.name) is str:
                    call = self.call(block.name, bytes(block.input))
                    work.calls[str(block.id or call[0])] = call
        return work

    def call(self, name: str, written: bytes) -> ToolCall:
        """The call of a tool, its arguments as the model wrote them: by the order of a schema."""
        digest = self.digest(name.encode("utf-8", "surrogatepass") + b"\0" + written)
        known = name_of(name)
        waits = polls_by_name(name)
        if waits is None:
            waits = polls(name, msgspec.json.decode(written) if written else None)
        return digest, known, waits and known is not None

    def result(self, block: Block) -> ToolResult | None:
        """What a tool came to. A text is hashed as the line has it, which is how bodies have it
        too, for JavaScript writes letters as they are."""
        written = bytes(block.content)
        failed = block.is_error is True
        if written[:1] == b'"':
            return self.digest(written), len(written), failed
        content = msgspec.json.decode(written) if written else None
        return tool_result(self.context, content, failed)
