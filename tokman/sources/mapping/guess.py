"""Which column of an unknown log is which of the ledger's, by its name and its values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tokman.sources.mapping import survey, values
from tokman.sources.mapping.spec import INPUT_PARTS, TEXTS, WORDS
from tokman.sources.mapping.survey import Seen


class Rule(NamedTuple):
    """Words that name a column, those that forbid it, and what its values must be."""

    column: str
    named: tuple[str, ...]
    """Each a set of words, all of which are in the path; the first that fits is the best."""
    unless: str
    holds: Callable[[Any], bool]


_PARTS = "cache cached read write creation reasoning thinking thoughts total cost price audio image"
_RULES = (
    Rule("cache_read_input_tokens", ("cache read", "cached tokens", "cached", "cache hit tokens"),
         "write creation cost price id status", survey.is_count),
    Rule("cache_write_5m_input_tokens", ("cache write", "cache creation", "cached write"),
         "1 hour cost price", survey.is_count),
    Rule("reasoning_output_tokens", ("reasoning tokens", "thinking tokens", "thoughts", "reasoning",
         "thinking", "think"), "cost price effort", survey.is_count),
    Rule("input_tokens", ("input tokens", "prompt tokens", "tokens in", "tokens prompt",
         "tokens input", "prompt token", "input token", "req units", "usage in", "usage input",
         "usage prompt", "tokens sent", "in tok", "tok in"), _PARTS, survey.is_count),
    Rule("output_tokens", ("output tokens", "completion tokens", "tokens out", "tokens completion",
         "tokens output", "completion token", "output token", "generated tokens", "res units",
         "usage out", "usage output", "usage completion", "tokens received", "out tok",
         "tok out"), _PARTS,
         survey.is_count),
    Rule("total_tokens", ("total tokens", "tokens total", "total units", "usage total",
         "total tok", "total"),
         "cost price cents usd ms", survey.is_count),
    Rule("started_at", ("started at", "start time", "request time", "created at", "timestamp",
         "request created at", "created", "datetime", "ts", "time", "date", "when"),
         "end ended completed updated response duration first", survey.is_time),
    Rule("ended_at", ("ended at", "end time", "completed at", "finished at", "response created at"),
         "first", survey.is_time),
    Rule("response_model", ("response model", "model name", "model id", "model"),
         "request requested asked group provider", survey.is_name),
    Rule("request_model", ("request model", "requested model", "model requested", "model"),
         "response provider", survey.is_name),
    Rule("provider_name", ("provider name", "provider", "vendor", "llm provider", "ai org"),
         "id model", survey.is_name),
    Rule("billed_cost", ("total cost", "cost usd", "cost", "spend", "charged", "usd", "amount",
         "price"),
         "input output prompt completion cached per rate currency", survey.is_amount),
    Rule("time_to_first_token_ms", ("time first token", "ttft", "first token"), "",
         survey.is_amount),
    Rule("duration_ms", ("duration", "latency", "elapsed", "response time", "took", "delay"),
         "first token per queue", survey.is_amount),
    Rule("status", ("status code", "http status", "status", "success", "is success", "outcome"),
         "finish cache", survey.is_status),
    Rule("finish_reason", ("finish reason", "stop reason"), "", survey.is_name),
    Rule("response_cache_hit", ("cache hit", "cached", "cache status", "from cache"), "tokens",
         survey.is_truth),
    Rule("stream", ("stream", "streamed", "streaming"), "ms time", survey.is_truth),
    Rule("workflow", ("workflow", "feature", "use case", "task", "job", "app name", "application"),
         "id", survey.is_label),
    Rule("user_id", ("user id", "end user", "user email", "user", "customer id", "customer"),
         "agent name key", survey.is_label),
    Rule("team", ("team name", "team alias", "team", "team id"), "", survey.is_label),
    Rule("project", ("project name", "project", "project id"), "", survey.is_label),
    Rule("environment", ("environment", "env"), "", survey.is_label),
    Rule("conversation_id", ("session id", "conversation id", "thread id", "trace id", "session"),
         "name", survey.is_label),
    Rule("api_key_alias", ("api key name", "api key alias", "key name", "key alias"), "",
         survey.is_label),
)  # fmt: skip


def choose(seen: Sequence[Seen]) -> dict[str, Seen]:
    """The best path of each column; one path serves one column."""
    chosen: dict[str, Seen] = {}
    for rule in _RULES:
        taken = {source.path for source in chosen.values()}
        best: tuple[int, int, int] | None = None
        for order, each in enumerate(seen):
            rank = _rank(rule, each)
            if rank is None or each.path in taken or each.share(rule.holds) < 0.95:
                continue
            if best is None or (rank, len(each.words), order) < best:
                best = (rank, len(each.words), order)
                chosen[rule.column] = each
    if not {"response_model", "request_model"} & chosen.keys():
        taken = {source.path for source in chosen.values()}
        for each in seen:
            if each.path not in taken and each.share(survey.is_model) >= 0.95:
                chosen.setdefault("response_model", each)
    return {column: chosen[column] for column in _PLACE if column in chosen}


_PLACE = [
    *("started_at", "ended_at", "provider_name", "request_model", "response_model"),
    *("input_tokens", *INPUT_PARTS, "output_tokens", "reasoning_output_tokens", "total_tokens"),
    *("billed_cost", "duration_ms", "time_to_first_token_ms", "status", "finish_reason", "stream"),
    *("response_cache_hit", "workflow", "user_id", "team", "project", "environment"),
    *("conversation_id", "api_key_alias"),
]


def _rank(rule: Rule, each: Seen) -> int | None:
    words = each.words
    if not words or not set(rule.unless.split()).isdisjoint(words):
        return None
    if rule.column in WORDS and each.path.rpartition(".")[2].strip('"').lower() in TEXTS:
        return None
    for rank, named in enumerate(rule.named):
        if set(named.split()) <= set(words):
            return rank
    return None


def identity(seen: Sequence[Seen]) -> Seen | None:
    """The column that names the call: an `id` whose values are all there and all different."""
    for wanted in ("request id", "call id", "generation id", "response id", "id", "uuid"):
        for each in seen:
            if set(wanted.split()) <= set(each.words) and len(each.words) <= 3:
                present = each.present
                if len(set(map(str, present))) == len(each.values) and each.share(_is_id) == 1:
                    return each
    return None


def _is_id(value: Any) -> bool:
    return values.label(value) is not None and not isinstance(value, float)
