"""What the readers of raw API traffic share: from an unwrapped call to a row."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar

from tokman.errors import BadRecord
from tokman.sources.base import Context, Stateless
from tokman.sources.facts import identity, provider, short, time_us, word
from tokman.sources.providers import blocks
from tokman.sources.providers.envelope import Call, Json, unwrap
from tokman.usage import Usage

_WHO = {
    "workflow": ("workflow", "feature", "task"),
    "user_id": ("user_id", "user", "end_user"),
    "team": ("team", "team_alias", "team_id"),
    "project": ("project", "project_id"),
    "environment": ("environment", "env"),
    "conversation_id": ("session_id", "conversation_id", "thread_id"),
    "agent_name": ("agent_name", "agent"),
    "api_key_alias": ("api_key_alias", "api_key_name"),
    "case_id": ("tokman.case", "tokman_case"),
}
_COLUMNS = {name: column for column, names in _WHO.items() for name in names}
_NAMES = frozenset(_COLUMNS)

MISSHAPEN = (AttributeError, IndexError, KeyError, TypeError)
"""What a list where an object belongs, or the like, leads to."""


class Traffic(Stateless):
    """Reads one family's bodies; what is peculiar to it is in `read`."""

    name: ClassVar[str]
    locations: ClassVar[tuple[str, ...]] = ()
    record_type: ClassVar[Any] = dict[str, Any]

    def __init__(self, context: Context) -> None:
        self.context = context

    def parse(self, record: Json, line: int) -> Iterable[Usage]:
        """The rows of one record: usually one, more where a call made further calls."""
        call = unwrap(record)
        if call is None or call.family != self.name:
            raise BadRecord(f"no {self.name} response in this record")
        try:
            rows = list(self.read(call))
        except MISSHAPEN as error:
            raise BadRecord(f"not the shape of an {self.name} response: {error}") from error
        for usage in rows:
            usage.line = line
        return rows

    def read(self, call: Call) -> Iterable[Usage]:
        """The usage of one call."""
        raise NotImplementedError

    def row(self, call: Call, body: Json, given: Any, model: Any, created: Any = None) -> Usage:
        """What every family's row has: identity, time, who, status and the hashed shape."""
        request = call.request or {}
        started = call.started_at if call.started_at is not None else time_us(created, "created")
        asked = _model(request.get("model"))
        answered = _model(model) or asked
        if given and started is not None:
            facts: tuple[Any, ...] = (answered, started, body.get("usage"))
        else:
            facts = (call.record,)
        usage = Usage(
            call_id=identity(self.context, self.name, given, *facts),
            started_at=started,
            provider_name=provider(call.url),
            request_model=asked,
            response_model=answered,
            service_tier="batch" if call.batch else None,
            duration_ms=call.duration_ms,
            source=self.name,
            file=self.context.path,
        )
        if call.failed:
            usage.status = "error"
            usage.error_type = error_type(call, body.get("error"))
        attribute(usage, call, self.context, body.get("metadata"))
        self.shape(usage, call, body)
        if usage.stream is None and isinstance(call.body, list):
            usage.stream = True
        return usage

    def shape(self, usage: Usage, call: Call, body: Json) -> None:
        """Hashes and settings of the request and its answer."""
        blocks.fill(usage, self.context, call.request, body)


def error_type(call: Call, error: Any) -> str:
    """The error's own name, else the HTTP status; never its message."""
    if isinstance(error, dict):
        inner = error.get("error")
        for place in (inner if isinstance(inner, dict) else {}, error):
            for key in ("type", "status", "code"):
                value = place.get(key)
                if value != "error" and (found := word(value)):
                    return found
    return str(call.status_code) if call.status_code else "error"


def error_id(call: Call) -> Any:
    """The provider's id of a request that failed, where any layer noted it."""
    error = call.body.get("error") if isinstance(call.body, dict) else None
    response = call.record.get("response")
    places = (call.body, error, response, call.record)
    for key in ("request_id", "id"):
        for place in places:
            if isinstance(place, dict) and isinstance(place.get(key), str):
                return place[key]
    return None


def attribute(usage: Usage, call: Call, context: Context, metadata: Any = None) -> None:
    """Write down who the call was for, from explicit fields and tags beside the bodies."""
    request = call.request or {}
    own = {} if call.body is call.record else call.record
    tags = own.get("tags") if own else None
    if isinstance(tags, dict):
        usage.tags = [tag for k, v in tags.items() if (tag := short(f"{k}:{v}"))] or None
    elif isinstance(tags, list):
        usage.tags = [tag for tag in map(short, tags[:50]) if tag] or None
        tags = dict(tag.split(":", 1) for tag in usage.tags or () if ":" in tag)
    for place in (own, own.get("metadata"), tags, request.get("metadata"), metadata):
        if place and isinstance(place, dict) and not _NAMES.isdisjoint(place):
            names = _NAMES.intersection(place)
            for name in names if len(names) == 1 else filter(names.__contains__, _COLUMNS):
                column = _COLUMNS[name]
                if getattr(usage, column) is None:
                    setattr(usage, column, short(place[name]))
    if usage.workflow:
        usage.workflow_basis = "explicit"
    if usage.user_id is None and "user" in request:
        usage.user_id = short(request["user"])
    if own and (key := short(own.get("api_key"))):
        usage.api_key_hash = _hash_of(context, key)


_hash_of = lru_cache(maxsize=1000)(Context.hash_text)


def _model(value: Any) -> str | None:
    return value.removeprefix("models/") if word(value) else None
