"""What the calls of a Gemini CLI session did with tools.

A message of the model lists the tools it called, each with what it came to once it is over; the
message is written anew then. The next message of the model is the first to be given the results.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tokman.sources.agents.work import Work
from tokman.sources.base import Context
from tokman.sources.form import encode
from tokman.sources.providers.tools import results_of
from tokman.sources.tool_use import ToolResult, tool_call, tool_result

_OVER = ("success", "error", "cancelled")
"""https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/scheduler/types.ts"""


class Tool(msgspec.Struct, gc=False):
    """A call of a tool; arguments and result stay as they are until they are hashed."""

    id: Any = None
    name: Any = None
    args: msgspec.Raw = msgspec.Raw()
    result: msgspec.Raw = msgspec.Raw()
    status: Any = None


Tools = list[Tool | str | float | bool | list[Any] | None] | Tool | str | float | bool | None
"""Any JSON: what is no list of tools tells nothing, and costs no message its row."""


class Doing(msgspec.Struct):
    """The message written last, and what was said since."""

    latest: str | None = None
    work: Work = msgspec.field(default_factory=Work)
    said: Work = msgspec.field(default_factory=Work)

    def asked(self) -> None:
        """Somebody has spoken."""
        self.said.turn = "user"

    def does(self, message: str, tools: Tools, context: Context) -> Work:
        """The work of a message of the model, as far as it is written."""
        if message != self.latest:
            self.latest, self.work, self.said = message, self.said, Work()
        for place, tool in enumerate(tools if isinstance(tools, list) else ()):
            if isinstance(tool, Tool) and isinstance(tool.name, str):
                link = tool.id if isinstance(tool.id, str) else str(place)
                args = _decoded(tool.args)
                self.work.calls[link] = tool_call(context, tool.name, args, encode(args))
                if tool.status in _OVER:
                    self.said.results[link] = _result(tool, context)
                    self.said.turn = self.said.turn or "tool"
        return self.work


def _result(tool: Tool, context: Context) -> ToolResult | None:
    """What the tool came to; None where the message does not hold it."""
    parts = _decoded(tool.result)
    found = [
        answer
        for part in (parts if isinstance(parts, list) else [parts])
        if isinstance(part, dict)
        for answer, _ in results_of(part)
    ]
    if len(found) != 1:
        return None
    return tool_result(context, found[0], tool.status == "error")


def _decoded(written: msgspec.Raw) -> Any:
    return msgspec.json.decode(written) if written else None
