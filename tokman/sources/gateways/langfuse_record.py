"""What is read of a Langfuse export (typed: texts stay undecoded, but for those of calls).

Fields: https://langfuse.com/docs/api-and-data-platform/features/blob-storage-export-fields for blob
storage (snake_case), https://api.reference.langfuse.com for the API and the exports of the UI.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from tokman.errors import BadRecord
from tokman.sources.traces.names import Facts
from tokman.sources.traces.record import flat_facts

_NULL = msgspec.Raw(b"null")

Details = dict[str, Any] | str | None
"""A map, or its JSON in a cell of a table."""


class Observation(msgspec.Struct, kw_only=True):
    """One observation: a span, a generation, an event, …"""

    id: str | None = None
    type: str | None = None
    environment: str | None = None
    level: str | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None
    tags: list[str] | str | None = None
    metadata: msgspec.Raw = _NULL
    input: msgspec.Raw = _NULL
    output: msgspec.Raw = _NULL

    traceId: str | None = None
    parentObservationId: str | None = None
    startTime: str | None = None
    endTime: str | None = None
    completionStartTime: str | None = None
    updatedAt: str | None = None
    modelParameters: Details = None
    usageDetails: Details = None
    providedCostDetails: Details = None
    inputUsage: int | None = None
    outputUsage: int | None = None
    totalUsage: int | None = None
    unit: str | None = None
    traceName: str | None = None
    traceTags: list[str] | str | None = None
    userId: str | None = None
    sessionId: str | None = None

    trace_id: str | None = None
    parent_observation_id: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    completion_start_time: str | None = None
    updated_at: str | None = None
    provided_model_name: str | None = None
    model_parameters: Details = None
    usage_details: Details = None
    provided_cost_details: Details = None
    trace_name: str | None = None
    user_id: str | None = None
    session_id: str | None = None


class Score(msgspec.Struct):
    """What somebody or something thinks of a trace or, where that is named, an observation."""

    name: Any = None
    dataType: Any = None
    value: Any = None
    observationId: Any = None


class Trace(msgspec.Struct):
    """What a trace says of all its observations."""

    id: str | None = None
    name: str | None = None
    tags: list[str] | None = None
    environment: str | None = None
    userId: str | None = None
    sessionId: str | None = None
    scores: msgspec.Raw = _NULL


class Record(Observation, kw_only=True):
    """An observation, or a trace with its observations."""

    name: str | None = None
    trace: Trace | None = None
    observations: list[Observation] | None = None
    scores: msgspec.Raw = _NULL


class Given(msgspec.Struct, rename={"resource": "resourceAttributes"}):
    """The attributes of the span an observation was made of, in its metadata."""

    attributes: msgspec.Raw = _NULL
    resource: msgspec.Raw = _NULL
    ls_provider: Any = None
    workflow: Any = None
    feature: Any = None
    task: Any = None


UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeError)

_NAMES = frozenset(field.name for field in msgspec.structs.fields(Record))
_given = msgspec.json.Decoder(Given)
_text = msgspec.json.Decoder(str)
_scores = msgspec.json.Decoder(list[Score])
_NOTHING = Given()


def from_row(row: dict[str, Any]) -> Record:
    """A row of a CSV (texts) or a Parquet file (maps are lists of pairs there)."""
    read = {}
    for name, value in row.items():
        if name not in _NAMES or value in ("", "\\N", None):
            continue
        if isinstance(value, datetime):
            value = value.astimezone(UTC) if value.tzinfo else value
            value = value.isoformat()
        elif isinstance(value, list) and value and isinstance(value[0], tuple):
            value = dict(value)
        if name in ("metadata", "input", "output"):
            value = msgspec.Raw(msgspec.json.encode(value))
        read[name] = value
    return msgspec.convert(read, Record, strict=False)


def text(raw: msgspec.Raw) -> Any:
    """What was asked or answered, as it was logged; None where it cannot be read."""
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return None


def details(value: Details, field: str) -> dict[str, Any]:
    """A map of numbers by name, be it JSON in a cell."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value, type=dict[str, Any] | None)
        except UNREADABLE:
            raise BadRecord(f"{field}: not a map") from None
    return value or {}


def labels(value: list[str] | str | None) -> list[str]:
    """Tags, be they a JSON list in a cell."""
    if isinstance(value, str):
        try:
            return msgspec.json.decode(value, type=list[str])
        except UNREADABLE:
            return []
    return value or []


def given(raw: msgspec.Raw) -> Given:
    """The metadata, an object or the JSON of one; nothing where it is anything else."""
    if raw == _NULL:
        return _NOTHING
    try:
        return _given.decode(_opened(raw))
    except UNREADABLE:
        return _NOTHING


def facts_of(given: Given) -> Facts:
    """What the attributes in the metadata state."""
    if given.attributes == _NULL:
        return {}
    try:
        return flat_facts(_opened(given.attributes))
    except UNREADABLE:
        return {}


def _opened(raw: msgspec.Raw) -> msgspec.Raw:
    """An object that may be written as the text of one."""
    if bytes(memoryview(raw)[:1]) != b'"':
        return raw
    return msgspec.Raw(_text.decode(raw).encode())


def successes(raw: msgspec.Raw) -> dict[str | None, bool]:
    """Whether the work was done right, by the observation scored; None stands for the trace.

    Only a boolean score named `success` says so: of any other, high may be bad (`toxicity`), and
    what is high is not known. Of several all must be true.
    """
    if raw == _NULL:
        return {}
    try:
        scores = _scores.decode(raw)
    except UNREADABLE:
        return {}
    found: dict[str | None, bool] = {}
    for score in scores:
        of = score.observationId
        told = score.name == "success" and score.dataType == "BOOLEAN" and score.value in (0, 1)
        if told and (of is None or isinstance(of, str)):
            found[of] = found.get(of, True) and bool(score.value)
    return found
