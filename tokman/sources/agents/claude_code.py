"""Claude Code transcripts: one JSON line per content block of a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import msgspec

from tokman.sources.agents.claude_tools import Content, Threads
from tokman.sources.agents.work import Work, write
from tokman.sources.base import Context, Stateless, basename, micros
from tokman.sources.providers.claude_usage import ClaudeUsage, count, extra_calls, provider_of
from tokman.usage import Usage


class Message(msgspec.Struct, gc=False):
    """`message` of a line; only an assistant's has usage."""

    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: ClaudeUsage | None = None
    content: Content = None


class Reply(msgspec.Struct, gc=False):
    """A subagent's line, nested in a `progress` line."""

    type: str | None = None
    message: Message | str | list[Any] | None = None
    requestId: str | None = None
    timestamp: str | None = None


class Progress(msgspec.Struct, gc=False):
    """`data` of a `progress` line."""

    type: str | None = None
    agentId: Any = None
    message: Reply | str | list[Any] | None = None


class Line(msgspec.Struct, gc=False):
    """The fields of a transcript line that matter to the bill, or tell what was done."""

    type: str | None = None
    timestamp: str | None = None
    sessionId: str | None = None
    cwd: str | None = None
    gitBranch: str | None = None
    requestId: str | None = None
    uuid: str | None = None
    parentUuid: Any = None
    agentId: Any = None
    isApiErrorMessage: bool | None = None
    isSidechain: bool | None = None
    isMeta: Any = None
    isCompactSummary: Any = None
    error: Any = None
    message: Message | str | list[Any] | None = None
    data: Progress | str | list[Any] | None = None


class Kept(msgspec.Struct, gc=False):
    """The best line seen of one message, and when its first line was written."""

    line: Line
    message: Message
    number: int
    since: str
    started_at: int
    subagent: bool
    complete: bool
    work: Work


LINE_TYPES = frozenset(
    "assistant user progress system file-history-snapshot queue-operation summary attachment "
    "permission-mode last-prompt custom-title agent-name pr-link".split()
)


class ClaudeCode(Stateless):
    """Reads transcripts under `~/.claude/projects`.

    A message is written once per content block, the output count growing from a placeholder to
    the final one, and repeated in resumed sessions: the largest count stands. Versions that never
    wrote the final count (https://github.com/anthropics/claude-code/issues/22686) leave every
    line without a stop reason; such calls are `partial`. Subagents' calls may exist only inside
    `progress` lines; `toolUseResult` repeats usage and is never read. What tools came to stands
    before the message that is given it, so a transcript is read in order.
    """

    name: ClassVar[str] = "claude-code"
    title: ClassVar[str] = "Claude Code transcripts"
    locations: ClassVar[tuple[str, ...]] = (
        "$CLAUDE_CONFIG_DIR/projects",
        "~/.claude/projects",
        "~/.config/claude/projects",
    )
    splittable: ClassVar[bool] = False
    record_type: ClassVar[Any] = Line

    def __init__(self, context: Context) -> None:
        self.path = context.path
        self.kept: dict[str, Kept] = {}
        self.threads = Threads(context)

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """A transcript line names its type and its session, or is one of the session-less kinds."""
        kind = record.get("type")
        if not isinstance(kind, str):
            return False
        if kind in ("summary", "file-history-snapshot"):
            return "leafUuid" in record or "snapshot" in record
        return kind in LINE_TYPES and "sessionId" in record

    def parse(self, record: Line, line: int) -> Iterable[Usage]:
        """Keep the line if it is the fullest of its message; failed calls are returned at once."""
        if record.type == "assistant":
            if type(record.message) is Message and record.message.usage is not None:
                if record.message.model == "<synthetic>":
                    return self.failure(record, line)
                thread = self.thread(record)
                self.keep(
                    record, record.message, line, record.timestamp, record.isSidechain, thread
                )
        elif record.type == "user":
            if type(record.message) is Message:
                aside = record.isMeta is True or record.isCompactSummary is True
                self.threads.hear(self.thread(record), record.message.content, aside)
        elif record.type == "progress" and type(record.data) is Progress:
            reply = record.data.message
            if type(reply) is Reply and type(reply.message) is Message:
                agent, message = record.data.agentId, reply.message
                thread = agent if type(agent) is str else "progress"
                if reply.type == "assistant" and message.usage is not None:
                    since = reply.timestamp or record.timestamp
                    self.keep(record, message, line, since, True, thread)
                elif reply.type == "user":
                    self.threads.hear(thread, message.content, False)
        return ()

    def thread(self, line: Line) -> str:
        """Whom a line is a part of the conversation with: "" is the session's own agent."""
        if type(line.agentId) is str:
            return line.agentId
        if not line.isSidechain:
            return ""
        before = line.parentUuid if type(line.parentUuid) is str else None
        return self.threads.of_sidechain(line.uuid, before)

    def keep(
        self,
        line: Line,
        message: Message,
        number: int,
        since: str | None,
        subagent: bool | None,
        thread: str,
    ) -> None:
        """Remember the line of a message that carries the most output."""
        key = message.id or line.requestId or line.uuid
        if not key:
            raise ValueError("an assistant message without an id")
        if not since:
            raise ValueError("no timestamp")
        usage = message.usage
        assert usage is not None
        complete = message.stop_reason is not None
        known = self.kept.get(key)
        work = self.threads.does(thread, key, message.content, known.work if known else None)
        message.content = None
        if known is None:
            usage.check()
            self.kept[key] = Kept(
                line, message, number, since, micros(since), bool(subagent), complete, work
            )
            return
        best = known.message.usage
        assert best is not None
        known.complete = known.complete or complete
        known.subagent = known.subagent and bool(subagent)
        if since < known.since:
            known.since, known.started_at = since, min(known.started_at, micros(since))
        if usage.output_tokens > best.output_tokens:
            usage.check()
            known.line, known.message, known.number = line, message, number

    def failure(self, record: Line, number: int) -> Iterator[Usage]:
        """An API error shown as a message; other synthetic lines are no call at all."""
        if record.isApiErrorMessage and record.timestamp:
            usage = self.row(record.uuid or f"{self.path}:{number}", record, number)
            usage.started_at = micros(record.timestamp)
            usage.provider_name = "anthropic"
            usage.status = "error"
            usage.error_type = record.error if isinstance(record.error, str) else "api_error"
            yield usage

    def state(self) -> bytes:
        """The messages that may not be written whole, and results that none was given yet."""
        return self.threads.state()

    def resume(self, state: bytes) -> None:
        """Go on where another instance ended."""
        self.threads.resume(state)

    def finish(self) -> Iterator[Usage]:
        """One usage a message, and one for each sampling call its total does not cover."""
        for key, kept in self.kept.items():
            message, stated = kept.message, kept.message.usage
            assert stated is not None
            usage = self.row(key, kept.line, kept.number)
            usage.started_at = kept.started_at
            usage.provider_name = provider_of(message.model)
            usage.response_model = message.model
            usage.finish_reason = message.stop_reason
            count(usage, stated)
            if not kept.complete:
                usage.output_basis = "partial"
            if kept.subagent:
                usage.agent_name = "subagent"
            write(usage, kept.work)
            yield usage
            if stated.iterations:
                yield from self.extra(key, kept, stated)

    def extra(self, key: str, kept: Kept, stated: ClaudeUsage) -> Iterator[Usage]:
        """The sampling calls that the total of a message leaves out."""
        for number, call in enumerate(extra_calls(stated), 1):
            usage = self.row(f"{key}#{number}", kept.line, kept.number)
            usage.started_at = kept.started_at
            usage.response_model = call.model or kept.message.model
            usage.provider_name = provider_of(usage.response_model)
            usage.parent_id = key
            count(usage, call)
            yield usage

    def row(self, call_id: str, line: Line, number: int) -> Usage:
        """A row with its session and project; the project folder stands in for the workflow."""
        usage = Usage(call_id=call_id, line=number)
        project = basename(line.cwd)
        if project:
            usage.workflow = usage.project = project
            usage.workflow_basis = "default"
        usage.conversation_id = line.sessionId
        if line.gitBranch:
            usage.tags = [f"branch:{line.gitBranch}"]
        return usage
