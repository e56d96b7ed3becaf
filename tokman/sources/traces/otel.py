"""OpenTelemetry traces: GenAI conventions, OpenInference, OpenLLMetry, in OTLP/JSON or flat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, ClassVar

from tokman.sources.base import Refused
from tokman.sources.facts import short, word
from tokman.sources.traces import conventions, texts
from tokman.sources.traces.names import RESOURCE, WANTED, Facts, facts_of
from tokman.sources.traces.record import (
    Attribute,
    Batch,
    Entry,
    FlatResource,
    Line,
    Status,
    attributes_of,
    flat_facts,
    flat_spoken,
    flat_us,
    hex_id,
    nano_us,
    readable_id,
    spoken_of,
)
from tokman.sources.traces.spoken import Spoken, answered, asked
from tokman.sources.traces.tree import Kind, OfTraces, Span
from tokman.usage import Usage

_OTLP = ("resourceSpans", "resourceLogs", "resourceMetrics")
_SNAKE = ("resource_spans", "resource_logs", "resource_metrics")
_RESOURCE = frozenset(name for names in RESOURCE.values() for name in names)
_EVENTS = frozenset(("gen_ai.client.inference.operation.details",))
"""Log records that repeat the counts of the span they belong to."""

_HANDED_DOWN = (
    ("workflow", "workflow"),
    ("user", "user_id"),
    ("session", "conversation_id"),
    ("agent", "agent_name"),
    ("case", "case_id"),
)
"""Facts of a span that hold for the calls below it too."""


class OpenTelemetry(OfTraces):
    """Reads spans, and the log records that repeat them; metrics are sums, not calls.

    A call has the provider's response id if the span states it, else `traceId:spanId`. Spans are
    held back until their whole trace is read, wherever in the file it lies. A trace that is spread
    over several files is judged in each by itself: an agent's sum apart from its calls is refused,
    a framework's span apart from the SDK's is a second call.

    Not verified on real files with counts: none is public. The shapes are those of the documents
    named in record.py and conventions.py.
    """

    name: ClassVar[str] = "otel"
    title: ClassVar[str] = "OpenTelemetry traces (OTLP/JSON, span lines, Phoenix)"
    locations: ClassVar[tuple[str, ...]] = ("$COPILOT_OTEL_FILE_EXPORTER_PATH", "~/.copilot/otel")
    record_type: ClassVar[Any] = Line
    from_row: ClassVar[Any] = None

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True for a batch of OTLP and for a flat record with a span's ids and attributes."""
        if any(isinstance(record.get(key), list) for key in _OTLP + _SNAKE):
            return True
        if not isinstance(record.get("attributes"), dict):
            return False
        context = record.get("context", record.get("spanContext"))
        if isinstance(context, dict):
            return "trace_id" in context or "traceId" in context
        if record.get("type") in ("span", "log", "metric"):
            return True
        return "traceId" in record and ("spanId" in record or "id" in record)

    def parse(self, record: Line, line: int) -> Iterable[Usage | Refused]:
        """Hold back the spans of one record; a span that cannot be read is refused alone."""
        spans = record.resourceSpans or record.resource_spans
        logs = record.resourceLogs or record.resource_logs
        if spans or logs:
            return self._batches(spans or (), logs or (), line)
        return self._flat(record, line) if len(record.attributes) > 2 else ()

    def _batches(
        self, spans: Iterable[Batch], logs: Iterable[Batch], line: int
    ) -> Iterator[Usage | Refused]:
        for batch in spans:
            scopes = batch.scopeSpans or batch.scope_spans or batch.instrumentationLibrarySpans
            resource = _resource(dict(attributes_of(_listed(batch), _RESOURCE)))
            for entry in (e for scope in scopes or () for e in scope.spans or ()):
                yield from self._entry(entry, resource, line, "step")
        for batch in logs:
            resource = _resource(dict(attributes_of(_listed(batch), _RESOURCE)))
            for scope in batch.scopeLogs or batch.scope_logs or ():
                for entry in scope.logRecords or scope.log_records or ():
                    yield from self._entry(entry, resource, line, "event")

    def _entry(
        self, entry: Entry, resource: Resource, line: int, kind: Kind
    ) -> Iterator[Usage | Refused]:
        known = readable_id(entry.traceId or entry.trace_id)
        owned = self.trees.owns(known)
        if kind == "step":
            yield from self.trees.see(known)
            if not owned:
                return
        try:
            facts = facts_of(attributes_of(entry.attributes, WANTED))
            spoken = partial(spoken_of, entry.attributes)
            trace = hex_id(entry.traceId or entry.trace_id)
            span_id = hex_id(entry.spanId or entry.span_id)
            if kind == "event":
                name = entry.eventName or entry.event_name or word(facts.get("event"))
                if name not in _EVENTS:
                    return
                yield from self.trees.see(known)
                if not owned:
                    return
                start = nano_us(entry.timeUnixNano or entry.time_unix_nano, "timeUnixNano")
                end, parent = None, span_id
            else:
                start = nano_us(entry.startTimeUnixNano or entry.start_time_unix_nano, "startTime")
                end = nano_us(entry.endTimeUnixNano or entry.end_time_unix_nano, "endTime")
                parent = hex_id(entry.parentSpanId or entry.parent_span_id)
            failed = entry.status is not None and entry.status.failed()
            span = self._span(facts, spoken, resource, kind, start, end, failed)
        except (ValueError, RecursionError) as error:
            if owned:
                yield Refused(line=line, reason=str(error))
            return
        span.parent, span.line = parent, line
        yield from self._hold(trace, span_id, span, start)

    def _flat(self, record: Line, line: int) -> Iterator[Usage | Refused]:
        if record.type == "metric":
            return
        ids = record.context or record.spanContext
        given = (ids and (ids.trace_id or ids.traceId)) or record.traceId
        known = readable_id(given)
        owned = self.trees.owns(known)
        try:
            facts = flat_facts(record.attributes)
            spoken = partial(flat_spoken, record.attributes)
            if record.span_kind:
                facts.setdefault("span_kind", record.span_kind)
            own = record.id if isinstance(record.id, str) and record.context is None else None
            trace = hex_id(given)
            span_id = hex_id((ids and (ids.span_id or ids.spanId)) or record.spanId or own)
            parent = hex_id(record.parentSpanId or record.parentId or record.parent_id)
            if record.parentSpanContext is not None:
                parent = hex_id(record.parentSpanContext.spanId)
            kind: Kind = "step"
            if record.type == "log" or (record.type != "span" and facts.get("event")):
                if word(facts.get("event")) not in _EVENTS:
                    return
                kind, parent = "event", span_id
            yield from self.trees.see(known)
            if not owned:
                return
            start = flat_us(
                record.startTime
                or record.start_time
                or record.timestamp
                or record.time
                or record.hrTime,
                "start time",
            )
            end = flat_us(record.endTime or record.end_time, "end time")
            lasted = record.duration
            if start and end is None and isinstance(lasted, int | float) and 0 <= lasted < 1e12:
                end = start + round(lasted)
            status = record.status if isinstance(record.status, Status) else None
            code = record.status_code or (record.status if isinstance(record.status, str) else None)
            failed = (status or Status(code=code)).failed()
            resource = _flat_resource(record.resource)
            span = self._span(facts, spoken, resource, kind, start, end, failed)
        except (ValueError, RecursionError) as error:
            if known is None:
                raise
            if owned:
                yield Refused(line=line, reason=str(error))
            return
        span.parent, span.line = parent, line
        yield from self._hold(trace, span_id, span, start)

    def _hold(
        self, trace: str | None, span_id: str | None, span: Span, start: int | None
    ) -> Iterator[Usage | Refused]:
        if trace is None or span_id is None:
            if span.usage is not None:
                yield Refused(line=span.line, reason="a call without traceId or spanId")
            return
        if span.usage is not None:
            span.usage.call_id = f"{trace}:{span_id}"
            span.usage.line = span.line
        if span.kind == "event":
            span_id = f"{span_id}@{start}"
        self.trees.add(trace, span_id, span)

    def _span(
        self,
        facts: Facts,
        spoken: Callable[[], Spoken],
        resource: Resource,
        kind: Kind,
        start: int | None,
        end: int | None,
        failed: bool,
    ) -> Span:
        """The span and the row it becomes if it turns out to be a call."""
        told, operation = conventions.kind_of(facts)
        span = Span(parent=None, kind=told if kind == "step" else kind)
        span.response_id = conventions.response_id(facts)
        for fact, field in _HANDED_DOWN:
            if fact in facts:
                setattr(span, field, short(facts[fact]))
        if told == "sum":
            span.stated = kind != "event" and conventions.states_counts(facts)
        if told != "call":
            return span
        usage = Usage(
            call_id="",
            started_at=start,
            operation_name=operation,
            status="error" if failed else "ok",
            error_type=conventions.error_of(facts) if failed else None,
            duration_ms=(end - start) // 1000 if start and end and end >= start else None,
            workflow_basis="default" if "workflow" in resource else None,
        )
        for column, value in resource.items():
            setattr(usage, column, value)
        span.stated = conventions.count(usage, facts)
        if not span.stated and not failed:
            usage.output_basis = "partial"
        conventions.describe(usage, facts)
        if said := spoken():
            texts.fill(usage, self.context, asked(said), answered(said), counted=span.stated)
        span.usage = usage
        return span


Resource = dict[str, str]
"""The columns that the resource fills: the service as workflow, and what RESOURCE names."""


def _listed(batch: Batch) -> list[Attribute] | None:
    return batch.resource.attributes if batch.resource else None


def _resource(attributes: dict[str, Any]) -> Resource:
    found: Resource = {}
    for column, names in RESOURCE.items() if attributes else ():
        for name in names:
            if name in attributes and (value := short(attributes[name])):
                found[column] = value
                break
    if found.get("workflow", "").startswith("unknown_service"):
        del found["workflow"]
    return found


def _flat_resource(resource: FlatResource | None) -> Resource:
    return _resource((resource and resource.attributes) or {})
