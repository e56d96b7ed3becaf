"""LiteLLM: rows of `LiteLLM_SpendLogs` and StandardLoggingPayload objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context, Stateless
from tokman.sources.facts import identity, pico, short, time_us, word
from tokman.sources.gateways.litellm_record import (
    OPERATIONS,
    PROVIDERS,
    Failure,
    Metadata,
    Row,
    count,
)
from tokman.sources.providers import blocks
from tokman.sources.providers.envelope import decoded
from tokman.usage import Usage

_UPKEEP = re.compile(r"file|list|batch|mcp|vector_store|delete|get_|cancel|health")
"""Calls of the proxy that no model answers, unless they carry tokens or a cost."""
_TAGS = {"workflow": 0, "feature": 0, "task": 0, "env": 1, "environment": 1}
_EMPTY: tuple[Any, ...] = (None, "", "{}", "[]", "null", {}, [])

_metadata = msgspec.json.Decoder(Metadata)
_NO_METADATA = Metadata()

Tags = tuple[str | None, str | None, list[str] | None]
"""Workflow, environment, all tags."""


class LiteLLM(Stateless):
    """Reads what a LiteLLM proxy or SDK logs, from its database, its API or its callbacks."""

    name: ClassVar[str] = "litellm"
    title: ClassVar[str] = "LiteLLM spend logs and payloads"
    locations: ClassVar[tuple[str, ...]] = ()
    record_type: ClassVar[Any] = Row

    def __init__(self, context: Context) -> None:
        self._context = context
        self._keys: dict[str, str] = {}
        self._tags: dict[Any, Tags] = {}

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True for a row, a payload, or the daily sums the API gives in place of rows."""
        if "startTime" not in record:
            return False
        row = "request_id" in record and ("spend" in record or "call_type" in record)
        payload = "id" in record and "call_type" in record
        return row or payload or ("spend" in record and "users" in record and "models" in record)

    @staticmethod
    def _read_row(row: dict[str, str]) -> Row:
        known = (item for item in row.items() if item[1] not in ("", "\\N", "NULL", None))
        return msgspec.convert(dict(known), Row, strict=False)

    from_row: ClassVar[Callable[[dict[str, str]], Any] | None] = _read_row

    def parse(self, record: Row, line: int) -> Iterable[Usage]:
        """The one call of a row; the sums of `/spend/logs?summarize=true` are refused."""
        row = record
        if row.startTime is None or (row.request_id is None and row.id is None):
            if row.users is not None:
                raise BadRecord("a daily sum, not a call: ask /spend/logs with summarize=false")
            raise BadRecord("request_id or startTime: missing")
        meta = row.metadata
        if isinstance(meta, str):
            meta = _parsed(meta)
        if meta is None:
            meta = _NO_METADATA
        usage = self._usage(row, meta, line)
        count(usage, row, meta)
        if not (row.total_tokens or row.prompt_tokens or usage.billed_cost):
            if usage.status == "ok" and _UPKEEP.search(row.call_type or ""):
                return ()
        elif row.call_type and "retrieve_batch" in row.call_type:
            usage.service_tier = "batch"
            models = meta.batch_models
            if isinstance(models, list) and len(models) == 1 and not row.model:
                usage.response_model = word(models[0])
        if (
            row.messages not in _EMPTY
            or row.response not in _EMPTY
            or row.proxy_server_request not in _EMPTY
            or row.model_parameters
        ):
            _content(usage, row, self._context)
        return (usage,)

    def _usage(self, row: Row, meta: Metadata, line: int) -> Usage:
        start, end, first = row.startTime, row.endTime, row.completionStartTime
        started = time_us(start, "startTime")
        duration = row.request_duration_ms
        if duration is None and end:
            duration = _passed(started, time_us(end, "endTime"))
        wait = None
        if first and first != end:
            wait = _passed(started, time_us(first, "completionStartTime"))
        provider = row.custom_llm_provider
        model = row.model or None
        if provider and model and model.startswith(provider):
            model = model.removeprefix(provider + "/")
        cost = row.spend if row.spend is not None else row.response_cost
        if row.zero_cost_diagnostic and not cost:
            cost = None
        given = row.request_id or row.id
        hit = row.cache_hit is True or row.cache_hit in ("True", "true")
        if hit and given:
            # LiteLLM appends the moment of writing, which differs between row and payload.
            given = f"{given.partition('_cache_hit')[0]}_cache_hit{started}"
        workflow, environment, tags = self._tagged(row.request_tags) if row.request_tags else _BARE
        if meta.spend_logs_metadata or meta.requester_metadata:
            workflow = _stated(meta) or workflow
        alias = meta.user_api_key_alias or None
        key = row.api_key or meta.user_api_key_hash
        # Set one by one: a call with so many named arguments takes three times as long.
        usage = Usage(
            call_id=identity(self._context, "litellm", given, started, model, row.total_tokens),
            started_at=started,
            source="litellm",
            file=self._context.path,
            line=line,
        )
        if row.call_type:
            usage.operation_name = OPERATIONS.get(row.call_type.lstrip("_a"), "chat")
        if provider:
            usage.provider_name = PROVIDERS.get(provider, provider)
        usage.request_model, usage.response_model = row.model_group or model, model
        if row.status == "failure":
            usage.status = "error"
            usage.error_type = _reason(row.error_information or meta.error_information)
        usage.response_cache_hit = hit
        usage.stream = row.stream
        usage.duration_ms, usage.time_to_first_token_ms = duration, wait
        if meta.attempted_retries is not None:
            usage.attempt = meta.attempted_retries + 1
        if cost is not None:
            usage.billed_cost = pico(cost, "spend")
        if workflow or alias:
            usage.workflow = workflow or alias
            usage.workflow_basis = "explicit" if workflow else "default"
        usage.user_id = (
            row.end_user
            or meta.user_api_key_user_email
            or row.user
            or meta.user_api_key_user_id
            or None
        )
        usage.team = (
            meta.user_api_key_team_alias or row.team_id or meta.user_api_key_team_id or None
        )
        usage.project = meta.user_api_key_project_alias or meta.user_api_key_project_id
        usage.environment, usage.tags = environment, tags
        usage.api_key_alias = alias
        if key:
            usage.api_key_hash = self._keys.get(key) or self._key(key)
        usage.conversation_id = row.session_id or row.trace_id or None
        return usage

    def _key(self, key: str) -> str:
        return self._keys.setdefault(key, self._context.hash_text(key))

    def _tagged(self, given: list[str] | str | dict[str, Any]) -> Tags:
        if isinstance(given, dict):
            given = [f"{name}:{value}" for name, value in given.items()]
        memo = given if isinstance(given, str) else tuple(given)
        if (known := self._tags.get(memo)) is not None:
            return known
        found: list[str | None] = [None, None]
        listed = _listed(given) if isinstance(given, str) else given
        tags = [tag for tag in listed if isinstance(tag, str) and short(tag)]
        for name, _, value in (tag.partition(":") for tag in tags):
            place = _TAGS.get(name)
            if place is not None and value and found[place] is None:
                found[place] = value.strip()
        if len(self._tags) > 10_000:
            self._tags.clear()
        return self._tags.setdefault(memo, (found[0], found[1], tags or None))


_BARE: Tags = (None, None, None)


def _parsed(text: str) -> Metadata | None:
    try:
        return _metadata.decode(text) if text else None
    except msgspec.DecodeError as error:
        raise BadRecord(f"metadata: {error}") from None


def _listed(text: str) -> list[Any]:
    """Tags of a JSON list, or of a PostgreSQL array as `COPY` writes it."""
    try:
        listed = msgspec.json.decode(text)
    except msgspec.DecodeError:
        listed = text.strip("{}").replace('"', "").split(",")
    return listed if isinstance(listed, list) else []


def _passed(start: int | None, end: int | None) -> int | None:
    if start is None or end is None or end < start:
        return None
    return (end - start) // 1000


def _stated(meta: Metadata) -> str | None:
    """The workflow that the caller named in its request's metadata."""
    for place in (meta.spend_logs_metadata, meta.requester_metadata):
        if isinstance(place, dict):
            for name in ("workflow", "feature", "task"):
                if value := short(place.get(name)):
                    return value
    return None


def _reason(failure: Failure | None) -> str:
    return word(failure and (failure.error_class or failure.error_code)) or "error"


def _content(usage: Usage, row: Row, context: Context) -> None:
    """Hashes and settings, where LiteLLM was told to keep the content."""
    asked = decoded(row.proxy_server_request)
    request = asked.get("body", asked) if isinstance(asked, dict) else None
    if not isinstance(request, dict) or not request:
        request = dict(row.model_parameters) if isinstance(row.model_parameters, dict) else {}
    messages = decoded(row.messages)
    if messages and "messages" not in request and "input" not in request:
        request["messages"] = messages
        request["model"] = usage.request_model
    stream = usage.stream
    blocks.fill(usage, context, request, decoded(row.response))
    usage.stream = stream if stream is not None else usage.stream
