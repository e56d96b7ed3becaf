"""The provider's own response inside a gateway's record: its usage and id come before the log's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from tokman.errors import BadRecord
from tokman.sources import by_name
from tokman.sources.base import Context
from tokman.usage import Usage

_OF_THE_LOG = (
    *("started_at", "status", "error_type", "response_cache_hit", "duration_ms"),
    *("time_to_first_token_ms", "retry_of", "attempt", "billed_cost", "workflow"),
    *("workflow_basis", "user_id", "team", "project", "environment", "api_key_alias"),
    *("api_key_hash", "conversation_id", "parent_id", "agent_name", "tags", "line"),
    *("case_id", "run_id", "git_commit", "git_branch"),
)
"""Columns that the gateway knows and the provider's response does not, or not as well."""

_OF_EITHER = (
    *("provider_name", "request_model", "response_model", "service_tier", "finish_reason"),
    *("stream", "reasoning_effort", "temperature", "structured_output"),
)
"""Columns taken from the gateway where the response is silent."""

_family = cache(by_name)


def read(bodies: Sequence[Any], usage: Usage, context: Context) -> list[Usage]:
    """The calls that the record's response speaks of, given with its request and address; none
    where it is no response we know."""
    response, request, url = bodies
    if not (response := _message(response)):
        return []
    from tokman.sources.providers.envelope import unwrap

    record: dict[str, Any] = {
        "response": response,
        "request": _message(request),
        "url": str(url or ""),
    }
    try:
        call = unwrap(record)
        if call is None or call.family is None:
            return []
        source: Any = _family(call.family)(context)
        rows: list[Usage] = list(source.read(call))
    except ValueError as error:
        raise BadRecord(f"response: {error}") from error
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise BadRecord("response: not of the shape it seems to have") from error
    if rows and rows[0].call_id.startswith(f"{call.family}:"):
        rows[0].call_id = ""  # made up, where the response has no id: the gateway's is better
    return rows


def joined(usage: Usage, inner: list[Usage]) -> list[Usage]:
    """The response's calls with what the gateway knows of them; its cost is that of the first."""
    for number, call in enumerate(inner):
        for column in _OF_THE_LOG:
            value = getattr(usage, column)
            if value is not None and not (column == "billed_cost" and number):
                setattr(call, column, value)
        for column in _OF_EITHER:
            if getattr(call, column) is None:
                setattr(call, column, getattr(usage, column))
        if usage.provider_name:
            call.provider_name = usage.provider_name
    return inner


def _message(value: Any) -> Any:
    """A body that the record holds as an object, or as text."""
    if isinstance(value, bytes):
        return msgspec.json.decode(value)
    return value
