"""Langfuse: exports of observations, and traces with theirs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

from tokman.errors import BadRecord
from tokman.sources.base import Refused
from tokman.sources.facts import pico, short, time_us, word
from tokman.sources.gateways import langfuse_record as shape
from tokman.sources.gateways import langfuse_usage
from tokman.sources.gateways.langfuse_record import Observation, Record, Trace
from tokman.sources.traces import conventions, texts
from tokman.sources.traces.tree import Kind, OfTraces, Span
from tokman.usage import Usage

_KINDS: dict[str, tuple[Kind, str]] = {
    "GENERATION": ("call", "chat"),
    "EMBEDDING": ("call", "embeddings"),
    "TOOL": ("tool", ""),
    "SPAN": ("sum", ""),
    "AGENT": ("sum", ""),
    "CHAIN": ("sum", ""),
    "RETRIEVER": ("sum", ""),
    "EVALUATOR": ("sum", ""),
    "GUARDRAIL": ("sum", ""),
    "EVENT": ("step", ""),
}
_CALLS = frozenset(name for name, (kind, _) in _KINDS.items() if kind == "call")
_NO_TRACE = Trace()
_TAG = re.compile(r"(?:workflow|feature|task):\s*(.+)", re.ASCII)
_OTEL = re.compile(r"[0-9a-f]{32}:[0-9a-f]{16}")
_ROW_KEYS = frozenset(("traceId", "trace_id"))
_TIME_KEYS = frozenset(("startTime", "start_time"))


class Langfuse(OfTraces):
    """Reads exports from blob storage and the UI (JSON, JSON lines, CSV, Parquet), and pages and
    traces of the API.

    Only generations and embeddings without another below them are calls. Of an observation written
    twice the latest `updatedAt` counts. Calls have the provider's response id where the metadata
    tell it, else `traceId:id`, as the spans they were made of. `billed_cost` is what the
    application itself stated (`providedCostDetails`): the other costs are Langfuse's multiplication
    with its own price list, of which exports from blob storage do not say whether it is one.
    Langfuse counts the tokens of some calls itself where none were stated and does not mark them;
    what neither states is estimated from the texts. A boolean score named `success` tells it of the
    observation scored, or of every call of its trace, if that has a session or but one call: an
    outcome is counted once a conversation.

    Not verified on real files: exports from blob storage (JSON lines, CSV, Parquet).
    """

    name: ClassVar[str] = "langfuse"
    title: ClassVar[str] = "Langfuse exports of observations and traces"
    locations: ClassVar[tuple[str, ...]] = ()
    record_type: ClassVar[Any] = Record
    from_row: ClassVar[Callable[[dict[str, Any]], Any] | None] = shape.from_row

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True for an observation, and for a trace with its observations."""
        observations = record.get("observations")
        if isinstance(observations, list):
            if "trace" in record:
                return True
            return "timestamp" in record and all(isinstance(o, dict) for o in observations[:1])
        kind = record.get("type")
        return (
            isinstance(kind, str)
            and kind in _KINDS
            and "id" in record
            and not _ROW_KEYS.isdisjoint(record)
            and not _TIME_KEYS.isdisjoint(record)
        )

    def parse(self, record: Record, line: int) -> Iterator[Usage | Refused]:
        """Hold back the observations of one record; one that cannot be read is refused alone."""
        trace = record.trace
        if record.observations is None:
            observations: Iterable[Observation] = (record,)
        else:
            observations = record.observations
            if trace is None:
                trace = Trace(
                    *(record.id, record.name, shape.labels(record.tags), record.environment),
                    *(record.userId, record.sessionId, record.scores),
                )
        told = shape.successes(trace.scores) if trace else {}
        alone = bool(told) and sum(each.type in _CALLS for each in observations) == 1
        for observation in observations:
            key = observation.traceId or observation.trace_id or (trace.id if trace else None)
            yield from self.trees.see(key)
            if not self.trees.owns(key):
                continue
            try:
                key, span_id, span = self._span(observation, key, trace, line)
            except ValueError as error:
                yield Refused(line=line, reason=str(error))
                continue
            if told and span.usage is not None:
                of_work = alone or span.usage.conversation_id is not None
                span.usage.success = told.get(span_id, told.get(None) if of_work else None)
            self.trees.add(key, span_id, span)

    def _span(
        self, seen: Observation, key: str | None, trace: Trace | None, line: int
    ) -> tuple[str, str, Span]:
        if not seen.id or not key:
            raise BadRecord("an observation without an id or a traceId")
        kind, operation = _KINDS.get(seen.type or "", ("step", ""))
        span = Span(
            parent=seen.parentObservationId or seen.parent_observation_id,
            kind=kind,
            line=line,
            version=seen.updatedAt or seen.updated_at or "",
        )
        if kind == "sum":
            span.stated = any(value not in (0, "0", None) for value in _counts(seen).values())
        elif kind == "call":
            span.usage = usage = self._usage(seen, trace, operation)
            usage.call_id, usage.line = self._id(key, seen.id), line
            span.stated = langfuse_usage.count(usage, _counts(seen))
            if not span.stated and usage.status == "ok":
                usage.output_basis = "partial"
            span.response_id = _describe(usage, seen)
            given, answered = shape.text(seen.input), shape.text(seen.output)
            texts.fill(usage, self.context, given, answered, counted=span.stated)
        return key, seen.id, span

    def _id(self, trace: str, observation: str) -> str:
        joined = f"{trace}:{observation}"
        if _OTEL.fullmatch(joined):
            return joined
        return "langfuse:" + (word(joined) or self.context.hash_text(joined))

    def _usage(self, seen: Observation, trace: Trace | None, operation: str) -> Usage:
        """The row but for its counts."""
        trace = trace or _NO_TRACE
        start = time_us(seen.startTime or seen.start_time, "startTime")
        end = time_us(seen.endTime or seen.end_time, "endTime")
        first = time_us(seen.completionStartTime or seen.completion_start_time, "completionStart")
        tags: list[str] = []
        tagged = None
        if listed := shape.labels(seen.traceTags or seen.tags) or trace.tags:
            tags = [tag for tag in map(short, listed) if tag]
            tagged = next((found[1] for tag in tags if (found := _TAG.fullmatch(tag))), None)
        name = short(seen.traceName or seen.trace_name or trace.name)
        failed = seen.level == "ERROR"
        environment = short(seen.environment or trace.environment)
        return Usage(
            call_id="",
            started_at=start,
            operation_name=operation,
            status="error" if failed else "ok",
            error_type="error" if failed else None,
            duration_ms=_passed(start, end),
            time_to_first_token_ms=_passed(start, first),
            workflow=tagged or name,
            workflow_basis="explicit" if tagged else "default" if name else None,
            user_id=short(seen.userId or seen.user_id or trace.userId),
            conversation_id=short(seen.sessionId or seen.session_id or trace.sessionId),
            environment=None if environment == "default" else environment,
            tags=tags or None,
        )


def _counts(seen: Observation) -> dict[str, Any]:
    """The map of counts, or the three of older exports."""
    stated = shape.details(seen.usageDetails or seen.usage_details, "usageDetails")
    if stated:
        return stated
    older = seen.usage or {}
    unit = older.get("unit", seen.unit)
    counts = {
        "input": older.get("input", seen.inputUsage),
        "output": older.get("output", seen.outputUsage),
        "total": older.get("total", seen.totalUsage),
    }
    if unit not in (None, "", "TOKENS") and any(counts.values()):
        raise BadRecord(f"usage in {word(unit) or 'another unit'}, not in tokens")
    return counts


def _describe(usage: Usage, seen: Observation) -> str | None:
    """Model, settings, stated cost, and what the metadata tell; the response id if they do."""
    metadata = shape.given(seen.metadata)
    facts = shape.facts_of(metadata)
    if facts:
        conventions.describe(usage, facts)
        usage.agent_name = short(facts.get("agent"))
    usage.response_model = usage.response_model or word(seen.model or seen.provided_model_name)
    if usage.provider_name is None:
        usage.provider_name = conventions.provider_of(metadata.ls_provider)
    settings = shape.details(seen.modelParameters or seen.model_parameters, "modelParameters")
    usage.temperature = conventions.number(settings.get("temperature"))
    usage.billed_cost = _stated_cost(seen)
    if usage.workflow_basis != "explicit":
        for named in (metadata.workflow, metadata.feature, metadata.task):
            if tagged := short(named):
                usage.workflow, usage.workflow_basis = tagged, "explicit"
                break
    answered = settings.get("id")
    if isinstance(answered, str) and answered.startswith("resp_"):
        # OpenInference lists a Responses API answer's fields among the parameters.
        return word(answered)
    return conventions.response_id(facts)


def _stated_cost(seen: Observation) -> int | None:
    """What the application says the call cost; zeros stand for nothing said."""
    costs = shape.details(
        seen.providedCostDetails or seen.provided_cost_details, "providedCostDetails"
    )
    if "total" in costs:
        return pico(costs["total"]) or None
    return sum(pico(cost) or 0 for cost in costs.values()) or None


def _passed(start: int | None, end: int | None) -> int | None:
    if start is None or end is None or end < start:
        return None
    return (end - start) // 1000
