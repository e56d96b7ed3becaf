"""Spans of traces, and which of them are calls: the leaf generations, not what repeats them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Literal
from zlib import crc32

import msgspec

from tokman.sources.base import Context, Refused
from tokman.usage import Usage

Kind = Literal["call", "sum", "tool", "step", "event"]
"""call: asks a model; sum: an agent, chain or workflow, whose counts can only repeat those of the
calls below it; tool: may hold another agent's calls; step: anything else; event: a log record that
repeats a span's counts."""

HELD = 100_000
"""Spans held back at most; beyond it the trace that was quiet longest is settled."""

REMEMBERED = 5_000
"""Spans known again when a file has grown, so that a late parent is not taken for a call."""


class Span(msgspec.Struct, kw_only=True, gc=False):
    """What must be known of a span until its whole trace has been seen."""

    parent: str | None
    kind: Kind
    line: int = 0
    version: str = ""
    """Of two records of one span the later version counts, of equal ones the last."""
    settled: bool = False
    stated: bool = False
    """It states token counts."""
    usage: Usage | None = None
    """The row it becomes if it is a call; None once that was handed on."""
    response_id: str | None = None
    workflow: str | None = None
    user_id: str | None = None
    conversation_id: str | None = None
    agent_name: str | None = None
    case_id: str | None = None


Spans = dict[str, Span]


class Trees:
    """Collects spans in any order and tells the calls once a trace is complete.

    A span that states counts is a call only if no other call that does is below it: frameworks
    wrap SDKs, and both are traced. The counts of an agent or a workflow are sums over calls
    (https://github.com/langfuse/langfuse/issues/14754), which cannot be priced as one call: they
    are passed over where calls below them are known, and refused where not. What runs inside a
    tool is another agent's and never repeats the model call above the tool.
    """

    def __init__(self, share: tuple[int, int] = (0, 1)) -> None:
        self._share, self._shares = share
        self.traces: dict[str, Spans] = {}
        self._seen: dict[str, int] = {}
        """Spans seen of every trace, be it another's share, the quietest first."""
        self._held = 0

    def owns(self, trace: str | None) -> bool:
        """True if the trace is in this share; what has no trace is in the last."""
        if self._shares == 1:
            return True
        owner = crc32(trace.encode()) % self._shares if trace else self._shares - 1
        return owner == self._share

    def see(self, trace: str | None) -> Iterator[Usage | Refused]:
        """Count a span, whoever owns it, so that every share settles a trace where one that has
        them all does; the rows of the quietest trace where too many are held."""
        if not trace:
            return
        self._seen[trace] = self._seen.pop(trace, 0) + 1
        self._held += 1
        while self._held > HELD and len(self._seen) > 1:
            quietest = next(iter(self._seen))
            self._held -= self._seen.pop(quietest)
            yield from settle(self.traces.pop(quietest, {}))

    def add(self, trace: str, span_id: str, span: Span) -> None:
        """Hold back a span that was seen and is owned."""
        spans = self.traces.setdefault(trace, {})
        if span.parent == span_id:
            span.parent = None
        known = spans.get(span_id)
        if known is not None and (
            span.version < known.version or (known.settled and span.version == known.version)
        ):
            return
        spans[span_id] = span

    def finish(self) -> Iterator[Usage | Refused]:
        """The rows of every trace held back; the spans stay known for what may follow."""
        for trace in self._seen:
            yield from settle(self.traces.get(trace, {}))

    def state(self) -> bytes:
        """The links of the traces touched last; those of another's share are empty."""
        kept, room = [], REMEMBERED
        for trace, count in reversed(self._seen.items()):
            room -= count
            if room < 0:
                break
            spans = self.traces.get(trace, {})
            links = [(s, span.parent, span.kind, span.stated) for s, span in spans.items()]
            if links or self._shares > 1:
                kept.append((trace, links))
        return _encoded(kept[::-1])

    def resume(self, state: bytes) -> None:
        """Know the spans of another instance's `state` again."""
        for trace, links in _decoded(state):
            self._held += len(links)
            self._seen[trace] = len(links)
            if self.owns(trace):
                self.traces[trace] = {
                    span_id: Span(parent=parent, kind=kind, stated=stated, settled=True)
                    for span_id, parent, kind, stated in links
                }


class OfTraces:
    """Part of every source of spans: they are held back until their whole trace is read."""

    splittable: ClassVar[bool] = False

    def __init__(self, context: Context) -> None:
        self.context = context
        self.trees = Trees(context.share)

    def state(self) -> bytes:
        """The links between the spans seen last."""
        return self.trees.state()

    def resume(self, state: bytes) -> None:
        """Know another instance's spans again."""
        self.trees.resume(state)

    def finish(self) -> Iterator[Usage | Refused]:
        """The calls of every trace."""
        return self.trees.finish()

    @staticmethod
    def joined(states: Sequence[bytes]) -> bytes:
        """The state of one that had every trace, from those of all that shared them."""
        links: dict[str, _Links] = {}
        for state in states:
            for trace, found in _decoded(state):
                links[trace] = found or links.get(trace, [])
        return _encoded([(trace, found) for trace, found in links.items() if found])


_Links = list[tuple[str, str | None, Kind, bool]]
_State = list[tuple[str, _Links]]


def _encoded(kept: _State) -> bytes:
    return msgspec.msgpack.encode(kept) if kept else b""


def _decoded(state: bytes) -> _State:
    return msgspec.msgpack.decode(state, type=_State) if state else []


def settle(spans: Spans) -> Iterator[Usage | Refused]:
    """The calls among the spans of one trace, and the refusals of what may or may not be one."""
    stated = [s for s, span in spans.items() if span.kind == "call" and span.stated]
    above = _above(spans, stated)
    calls = [spans[s] for s in stated if s not in above]
    if stated and not calls:
        yield from _refuse([spans[s] for s in stated], "every span has a call below it: a circle")
        return
    calls += _uncounted(spans, above)
    calls += [span for s, span in spans.items() if _is_lone_event(spans, s, span, above)]
    fresh = [span for span in calls if span.usage is not None]
    _identify(fresh)
    for span in fresh:
        yield _attributed(spans, span)
    sums = [span for s, span in spans.items() if span.kind == "sum" and s not in above]
    yield from _refuse(
        [span for span in sums if span.stated and not span.settled],
        "an agent's or chain's sum, but no call it would be the sum of is in this file",
    )
    for span in spans.values():
        span.usage, span.settled = None, True


def _refuse(spans: list[Span], reason: str) -> Iterator[Refused]:
    return (Refused(line=span.line, reason=reason) for span in spans)


def _above(spans: Spans, starts: Iterable[str]) -> set[str]:
    """Every span above one of `starts`, up to the tool it runs in."""
    found: set[str] = set()
    for start in starts:
        parent = spans[start].parent
        while parent and parent not in found and parent != start:
            found.add(parent)
            span = spans.get(parent)
            if span is None or span.kind == "tool":
                break
            parent = span.parent
    return found


def _uncounted(spans: Spans, above: set[str]) -> list[Span]:
    """Calls that state no counts and are no part of one that does."""
    bare = [s for s, span in spans.items() if span.kind == "call" and not span.stated]
    if not bare:
        return []
    wrapping = above | _above(spans, bare)
    return [spans[s] for s in bare if s not in wrapping and not _is_below_counts(spans, s)]


def _is_below_counts(spans: Spans, start: str) -> bool:
    return any(span.kind == "call" and span.stated for span in _ancestors(spans, start, "tool"))


def _ancestors(spans: Spans, start: str, end: Kind | None = None) -> Iterator[Span]:
    """The spans above `start`, the nearest first, up to one of kind `end`."""
    seen = {start}
    parent = spans[start].parent
    while parent and parent not in seen:
        seen.add(parent)
        span = spans.get(parent)
        if span is None or span.kind == end:
            return
        yield span
        parent = span.parent


def _is_lone_event(spans: Spans, key: str, event: Span, above: set[str]) -> bool:
    """True for a log record whose call no span tells: not its own span, none below that."""
    if event.kind != "event" or not event.stated:
        return False
    owner = spans.get(event.parent or "")
    is_told = owner is not None and owner.kind == "call" and owner.stated
    return not is_told and event.parent not in above


def _identify(calls: list[Span]) -> None:
    """Give calls the provider's response id, unless it names several that ran one by one.

    Frameworks state the id of an OpenAI Assistants run, which spans several responses, as
    `gen_ai.response.id`. Calls that overlap in time are one call seen by two layers.
    """
    named: dict[str, list[Usage]] = {}
    for span in calls:
        if span.usage is not None and span.response_id:
            named.setdefault(span.response_id, []).append(span.usage)
    for response_id, usages in named.items():
        if len(usages) == 1 or not _one_by_one(usages):
            for usage in usages:
                usage.call_id = response_id


def _one_by_one(usages: list[Usage]) -> bool:
    times = sorted(
        (u.started_at or 0, (u.started_at or 0) + (u.duration_ms or 0) * 1000) for u in usages
    )
    return all(end <= start for (_, end), (start, _) in zip(times, times[1:], strict=False))


def _attributed(spans: Spans, span: Span) -> Usage:
    """The call's row with what only the spans above it tell."""
    usage = span.usage
    assert usage is not None
    lineage = [span]
    if span.parent:
        owner = spans.get(span.parent)
        lineage += [owner, *_ancestors(spans, span.parent)] if owner else []
    for above in lineage:
        usage.user_id = usage.user_id or above.user_id
        usage.conversation_id = usage.conversation_id or above.conversation_id
        usage.agent_name = usage.agent_name or above.agent_name
        if above.workflow and usage.workflow_basis != "explicit":
            usage.workflow, usage.workflow_basis = above.workflow, "explicit"
    usage.case_id = next((each.case_id for each in lineage if each.case_id), usage.case_id)
    return usage
