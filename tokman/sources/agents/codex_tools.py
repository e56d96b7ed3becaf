"""What the calls of a Codex rollout did with tools."""

from __future__ import annotations

from typing import Any

import msgspec

from tokman.sources.agents.codex_lines import Payload
from tokman.sources.agents.work import Work
from tokman.sources.base import Context
from tokman.sources.form import encode
from tokman.sources.providers.envelope import decoded
from tokman.sources.tool_use import ToolResult, tool_call, tool_result

_CALLS = frozenset(("function_call", "custom_tool_call", "local_shell_call"))
_RESULTS = frozenset(("function_call_output", "custom_tool_call_output"))
_ENDS = frozenset(("exec_command_end", "patch_apply_end"))
_REMEMBERED = 64
"""Ends of tools that are kept until the result itself is there."""


class Doing(msgspec.Struct):
    """The response being written, what was said since it began, and how tools ended."""

    begun: bool = False
    work: Work = msgspec.field(default_factory=Work)
    said: Work = msgspec.field(default_factory=Work)
    failed: dict[str, bool] = {}

    def take(self) -> Work:
        """The work of the response that is over."""
        work = self.work
        self.work, self.begun = Work(), False
        for call, result in work.results.items():
            failed = self.failed.pop(call, None)
            if result is not None and failed is not None:
                work.results[call] = (result[0], result[1], failed)
        return work

    def item(self, payload: Payload, context: Context) -> None:
        """A response_item: the model's own, a tool's, or somebody's."""
        kind = payload.type
        if kind in _RESULTS:
            self.said.results[str(payload.call_id)] = _result(payload, context)
            self.said.turn = "tool"
        elif kind != "message" or payload.role == "assistant":
            self._begin()
            if kind in _CALLS:
                name = payload.name if isinstance(payload.name, str) else "local_shell"
                given = _opened(payload.arguments or payload.input or payload.action)
                call = tool_call(context, name, given, encode(given))
                self.work.calls[str(payload.call_id or call[0])] = call
        elif payload.role == "user":
            self.said.turn = "user"

    def event(self, payload: Payload) -> None:
        """An event_msg that tells how a tool ended; it may come before or after its result."""
        if payload.type in _ENDS and isinstance(payload.call_id, str):
            if payload.type == "exec_command_end":
                failed = type(payload.exit_code) is int and payload.exit_code != 0
            else:
                failed = payload.success is False
            self.failed[payload.call_id] = failed
            while len(self.failed) > _REMEMBERED:
                del self.failed[next(iter(self.failed))]

    def _begin(self) -> None:
        if not self.begun:
            self.work, self.said, self.begun = self.said, Work(), True


def _result(payload: Payload, context: Context) -> ToolResult | None:
    """A tool's output: a text, parts, or in older versions an object that tells of success."""
    output = msgspec.json.decode(payload.output) if payload.output else None
    failed = None
    if isinstance(output, dict):
        failed = output["success"] is False if "success" in output else None
        output = output.get("content", output)
    return tool_result(context, output, failed)


def _opened(given: msgspec.Raw) -> Any:
    value = msgspec.json.decode(given) if given else None
    try:
        return decoded(value)
    except ValueError:
        return value
