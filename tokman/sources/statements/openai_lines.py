"""One result of OpenAI's Usage or Costs API as a line of a statement.

Fields and what includes what: https://platform.openai.com/docs/api-reference/usage.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Count
from tokman.sources.classes import split_input
from tokman.sources.facts import STANDARD_TIERS, short, word
from tokman.sources.statements.lines import Dimensions, Draft, counted
from tokman.sources.statements.openai_bill import Amount, bill, measure
from tokman.statement import Statement
from tokman.usage import Usage, part_of

PARTS = {
    "organization.costs.result": "costs",
    "organization.usage.completions.result": "completions",
    "organization.usage.embeddings.result": "embeddings",
    "organization.usage.moderations.result": "moderations",
    "organization.usage.images.result": "images",
    "organization.usage.audio_speeches.result": "audio_speeches",
    "organization.usage.audio_transcriptions.result": "audio_transcriptions",
    "organization.usage.vector_stores.result": "vector_stores",
    "organization.usage.code_interpreter_sessions.result": "code_interpreter_sessions",
    "organization.usage.file_searches.result": "file_search_calls",
    "organization.usage.web_searches.result": "web_search_calls",
}
"""Endpoint of each kind of result."""

_UNITS = {
    "images": ("images", "images"),
    "audio_speeches": ("characters", "characters"),
    "audio_transcriptions": ("seconds", "seconds"),
    "vector_stores": ("usage_bytes", "bytes"),
    "code_interpreter_sessions": ("num_sessions", "sessions"),
}
_DESCRIBED = ("api_source", "size", "source", "vector_store_id", "context_level")
_BY = (*("project_id", "user_id", "api_key_id", "model", "service_tier", "line_item"), *_DESCRIBED)
_SEARCHES = {
    "web_search_calls": "web_search_requests",
    "file_search_calls": "file_search_requests",
}


class Result(msgspec.Struct, gc=False):
    """A result of any endpoint; each has some of the fields."""

    object: str | None = None
    project_id: str | None = None
    user_id: str | None = None
    api_key_id: str | None = None
    model: str | None = None
    batch: bool | None = None
    service_tier: str | None = None
    api_source: str | None = None
    size: str | None = None
    source: str | None = None
    vector_store_id: str | None = None
    context_level: str | None = None
    line_item: str | None = None

    num_model_requests: Count | None = None
    input_tokens: Count | None = None
    input_uncached_tokens: Count | None = None
    input_cached_tokens: Count | None = None
    input_cache_write_tokens: Count | None = None
    input_cache_write_30m_tokens: Count | None = None
    input_cache_write_12h_tokens: Count | None = None
    input_text_tokens: Count | None = None
    input_audio_tokens: Count | None = None
    input_image_tokens: Count | None = None
    input_cached_text_tokens: Count | None = None
    input_cached_audio_tokens: Count | None = None
    input_cached_image_tokens: Count | None = None
    output_tokens: Count | None = None
    output_text_tokens: Count | None = None
    output_audio_tokens: Count | None = None
    output_image_tokens: Count | None = None
    images: Decimal | None = None
    characters: Decimal | None = None
    seconds: Decimal | None = None
    usage_bytes: Decimal | None = None
    num_sessions: Decimal | None = None
    num_requests: Count | None = None

    amount: Amount | None = None
    quantity: Decimal | None = None
    quantity_unit: str | None = None


def draft(result: Result, part: str, start: int, end: int, line: int) -> Draft:
    """The line of one result of endpoint `part`, of a bucket from `start` to `end` (µs)."""
    stated = Statement(
        statement_id="",
        kind="cost" if part == "costs" else "usage",
        view="",
        part=part,
        issued_at=0,
        period_start=start,
        period_end=end,
        provider_name="openai",
        project=word(result.project_id),
        api_key_id=word(result.api_key_id),
        user_id=short(result.user_id),
        line=line,
    )
    by = _dimensions(result)
    if part == "costs":
        bill(stated, result.amount, result.line_item)
        measure(stated, result.quantity, result.quantity_unit)
        return Draft(stated, by)
    stated.model = word(result.model)
    tier = "batch" if result.batch else result.service_tier
    stated.service_tier = None if tier in STANDARD_TIERS else word(tier)
    stated.requests = result.num_model_requests
    stated.line_item = _described(by)
    if part == "completions":
        _count_input(stated, result)
        _count_output(stated, result)
    elif part in _UNITS:
        field, stated.unit = _UNITS[part]
        stated.quantity = counted(getattr(result, field), field)
        if stated.quantity is None:
            raise BadRecord(f"{field}: missing")
    elif part in _SEARCHES:
        # The model requests that searched are counted among the completions.
        stated.requests = None
        setattr(stated, _SEARCHES[part], result.num_requests)
    else:
        stated.uncached_input_tokens = result.input_tokens
    return Draft(stated, by)


def _dimensions(result: Result) -> Dimensions:
    by: Dimensions = {name: getattr(result, name) for name in _BY}
    by["batch"] = None if result.batch is None else str(result.batch).lower()
    return by


def _described(by: Dimensions) -> str | None:
    """Dimensions that have no column of their own, in words."""
    found = ((name, word(value)) for name in _DESCRIBED if (value := by[name]))
    return ", ".join(f"{name} {value}" for name, value in found if value) or None


def _count_input(stated: Statement, result: Result) -> None:
    """Disjoint classes of `input_tokens`, which counts everything.

    Where `input_uncached_tokens` is stated, audio and image tokens are uncached ones and those that
    were cached are told apart; before that `input_audio_tokens` counted both. Where no cached
    tokens are stated at all the input is taken as uncached, and cache reads stay unknown.
    """
    whole, cached = result.input_tokens, result.input_cached_tokens
    if whole is None:
        raise BadRecord("input_tokens: missing")
    lasting, brief = result.input_cache_write_12h_tokens, result.input_cache_write_30m_tokens
    written = result.input_cache_write_tokens
    if written is None and (lasting is not None or brief is not None):
        written = (lasting or 0) + (brief or 0)
    if written is not None:
        part_of(written, (lasting or 0, brief or 0), "input_cache_write_tokens")
        stated.cache_write_5m_input_tokens = written - (lasting or 0)
        stated.cache_write_1h_input_tokens = lasting
    audio, image = result.input_audio_tokens, result.input_image_tokens
    heard = result.input_cached_audio_tokens
    if result.input_uncached_tokens is None:
        parts = Usage(call_id="")
        split_input(
            parts,
            whole,
            "input_tokens",
            read=cached or 0,
            written=written or 0,
            audio=audio or 0,
            image=image or 0,
            read_audio=heard or 0,
        )
        stated.uncached_input_tokens = parts.uncached_input_tokens
        stated.cache_read_input_tokens = _where(cached, parts.cache_read_input_tokens)
        both = parts.cache_read_audio_input_tokens
        stated.cache_read_audio_input_tokens = both or _where(heard, both)
        stated.audio_input_tokens = _where(audio, parts.audio_input_tokens)
        stated.image_input_tokens = _where(image, parts.image_input_tokens)
        return
    uncached = part_of(whole, (cached or 0, written or 0), "input_tokens")
    if uncached != result.input_uncached_tokens:
        raise BadRecord(
            f"input_uncached_tokens ({result.input_uncached_tokens}): not input_tokens ({whole}) "
            f"less cached ({cached or 0}) and written ({written or 0}) ones"
        )
    text = result.input_text_tokens or 0
    part_of(uncached, (text, audio or 0, image or 0), "input_uncached_tokens")
    seen = (result.input_cached_text_tokens or 0, result.input_cached_image_tokens or 0)
    part_of(cached or 0, (*seen, heard or 0), "input_cached_tokens")
    stated.uncached_input_tokens = uncached - (audio or 0) - (image or 0)
    stated.audio_input_tokens, stated.image_input_tokens = audio, image
    stated.cache_read_input_tokens = None if cached is None else cached - (heard or 0)
    stated.cache_read_audio_input_tokens = heard


def _where(stated: int | None, value: int) -> int | None:
    return None if stated is None else value


def _count_output(stated: Statement, result: Result) -> None:
    """Disjoint classes of `output_tokens`; reasoning is inside and not told."""
    whole = result.output_tokens
    if whole is None:
        raise BadRecord("output_tokens: missing")
    audio, image = result.output_audio_tokens, result.output_image_tokens
    stated.output_tokens = part_of(whole, (audio or 0, image or 0), "output_tokens")
    part_of(stated.output_tokens, (result.output_text_tokens or 0,), "output_tokens")
    stated.audio_output_tokens, stated.image_output_tokens = audio, image
