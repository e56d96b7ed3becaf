"""What a mapping may say, read from TOML; a wrong one is named by the path of its key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tokman.errors import TokmanError
from tokman.sources.mapping import values
from tokman.sources.mapping.paths import parse

NAMES = frozenset(
    "operation_name provider_name request_model response_model service_tier speed inference_geo "
    "error_type finish_reason reasoning_effort".split()
)
LABELS = frozenset(
    "workflow user_id team project environment api_key_alias conversation_id agent_name".split()
)
LINKS = frozenset(("parent_id", "retry_of"))
TIMES = frozenset(("started_at", "ended_at"))
DURATIONS = frozenset(("duration_ms", "time_to_first_token_ms"))
TRUTHS = frozenset(("response_cache_hit", "stream", "structured_output"))
INPUT_PARTS = (
    "cache_read_input_tokens",
    "cache_write_5m_input_tokens",
    "cache_write_1h_input_tokens",
)
COUNTS = frozenset(
    (
        *("input_tokens", *INPUT_PARTS, "output_tokens", "reasoning_output_tokens"),
        *("total_tokens", "web_search_requests", "file_search_requests", "attempt"),
    )
)
COLUMNS = (
    NAMES | LABELS | LINKS | TIMES | DURATIONS | TRUTHS | COUNTS
    | {"call_id", "status", "billed_cost", "api_key_hash", "tags", "temperature"}
)  # fmt: skip
"""What `map` may fill: the columns of `Usage`, with `input_tokens` for the log's own count of the
input, `total_tokens` to check it by, and `ended_at` where there is no duration."""

TEXTS = frozenset(
    "prompt prompts completion completions message messages content contents text texts input "
    "inputs output outputs query question answer instructions system body request_body "
    "response_body arguments".split()
)
"""Last keys of a path that lead to what people and models wrote, which is never stored."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_HINT = "see the README, Any other log"


class Condition(msgspec.Struct, forbid_unknown_fields=True, rename={"is_in": "in"}):
    """Something that can be said of one value; what is left out is not asked."""

    path: str
    equals: str | int | float | bool | None = None
    is_in: list[str | int | float | bool] | None = None
    not_in: list[str | int | float | bool] | None = None
    present: bool | None = None
    above: int | float | None = None
    reason: str = ""
    """In `refuse`: what the refused line is told."""


class Match(msgspec.Struct, forbid_unknown_fields=True):
    """How a record of this format is told from any other."""

    keys: list[str]
    """Paths that every record has, if only with null."""
    values: dict[str, list[str]] = {}
    without: list[str] = []


class Column(msgspec.Struct, forbid_unknown_fields=True):
    """Where one column of the ledger comes from."""

    path: str | list[str] = []
    """Several: the first that has a value."""
    const: str | int | bool | None = None
    """The value where the paths have none."""
    unit: str | None = None
    format: str | None = None
    tz: str | None = None
    values: dict[str, str | bool] = {}
    """The log's word → the ledger's."""

    @property
    def paths(self) -> list[str]:
        """The paths in order."""
        return [self.path] if isinstance(self.path, str) else self.path


class Bodies(msgspec.Struct, forbid_unknown_fields=True):
    """Where the record keeps the provider's own messages; their usage stands before the log's."""

    response: str
    request: str | None = None
    url: str | None = None


class Mapping(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One `[sources.NAME]`."""

    name: str = ""
    title: str = ""
    unverified: str = ""
    """What tokman's authors could not check on real logs."""
    locations: list[str] = []
    match: Match
    records: str | None = None
    """Path of the list of records inside a page."""
    where: list[Condition] = []
    """All must hold; records for which one does not are no calls."""
    refuse: list[Condition] = []
    """Records for which one holds are refused."""
    missing: list[str] = []
    """Texts that mean no value, beside the usual ones."""
    key: list[str] = []
    """Paths that together are the call's id in this log."""
    bodies: Bodies | None = None
    cache_in_input: bool | None = None
    reasoning_in_output: bool | None = None
    map: dict[str, Any]
    """Column of the ledger → path, paths or `Column`."""
    file: str = ""
    """Where it was read."""

    @property
    def columns(self) -> dict[str, Column]:
        """`map` with every short form written out."""
        return {name: _column(given) for name, given in self.map.items()}


def read(text: bytes, file: str) -> list[Mapping]:
    """The mappings of a TOML file; TokmanError where one is wrong."""
    try:
        found = msgspec.toml.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise TokmanError(f"{file}: {error}", _HINT) from error
    tables = found.get("sources") if isinstance(found, dict) else None
    if not isinstance(tables, dict) or not tables:
        raise TokmanError(f"{file}: no [sources.NAME] in it", _HINT)
    return [mapping(name, table, file) for name, table in tables.items()]


def mapping(name: str, table: Any, file: str) -> Mapping:
    """One mapping, checked."""
    if not _NAME.fullmatch(name):
        raise _Wrong(file, f"sources.{name}", "use a-z, 0-9 and - in a name")
    try:
        found = msgspec.convert(table, Mapping)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        raise _Wrong(file, f"sources.{name}{place.rstrip('`')}", reason) from error
    found.name, found.file = name, file
    found.title = found.title or f"the mapping in {file}"
    for key, problem in _problems(found):
        raise _Wrong(file, f"sources.{name}.{key}", problem)
    return found


class _Wrong(TokmanError):
    def __init__(self, file: str, key: str, problem: str) -> None:
        problem, _, hint = problem.partition("; ")
        super().__init__(f"{file}: {key}: {problem}", hint or _HINT)


def _column(given: Any) -> Column:
    if isinstance(given, str | list):
        given = {"path": given}
    return msgspec.convert(given, Column)


def _problems(found: Mapping) -> Iterator[tuple[str, str]]:
    """(key, what is wrong with it; what to do)."""
    if not found.match.keys:
        yield "match.keys", "empty; list the keys that every record has"
    for column, given in found.map.items():
        key = f"map.{column}"
        if column not in COLUMNS:
            known = ", ".join(sorted(COLUMNS))
            yield key, f"no such column; the columns are {known}"
        try:
            stated = _column(given)
        except msgspec.ValidationError as error:
            yield key, f"{error}; write a path, a list of paths or a table with path and unit"
            return
        yield from _of_column(column, stated, key)
    yield from _of_paths(found)
    yield from _flags(found)
    for list_name, conditions in (("where", found.where), ("refuse", found.refuse)):
        for index, condition in enumerate(conditions):
            asked = [condition.equals, condition.is_in, condition.not_in, condition.present]
            if all(each is None for each in [*asked, condition.above]):
                one = "equals, in, not_in, present or above"
                yield f"{list_name}[{index}]", f"asks nothing; add {one}"


def _of_column(column: str, stated: Column, key: str) -> Iterator[tuple[str, str]]:
    units: dict[str, Any] = {}
    if column in TIMES or column in DURATIONS:
        units = values.SECONDS
    if column == "billed_cost":
        units = values.DOLLARS
    if stated.unit is not None and stated.unit not in units:
        choice = f"choose from {', '.join(units)}" if units else "this column takes none"
        yield f"{key}.unit", f"no unit {stated.unit!r} here; {choice}"
    if column in DURATIONS and stated.unit is None:
        yield key, f'no unit; write {{ path = …, unit = "{" | ".join(units)}" }}'
    if (stated.format or stated.tz) and column not in TIMES:
        yield key, "format and tz are for times; remove them"
    if stated.tz is not None:
        try:
            ZoneInfo(stated.tz)
        except (ValueError, OSError, KeyError):
            yield f"{key}.tz", f"no time zone {stated.tz!r}; write it like Europe/Berlin"
    if not stated.paths and stated.const is None:
        yield key, "neither path nor const; write one"
    if column == "status" and not set(stated.values.values()) <= {"ok", "error"}:
        yield f"{key}.values", "a status is ok or error; map each word to one of them"
    if column in TRUTHS and not all(isinstance(v, bool) for v in stated.values.values()):
        yield f"{key}.values", "this column is true or false; map each word to one of them"
    if column not in TRUTHS and any(isinstance(v, bool) for v in stated.values.values()):
        yield f"{key}.values", "true and false are not for this column; write texts"


def _of_paths(found: Mapping) -> Iterator[tuple[str, str]]:
    places = [(f"map.{name}", path) for name, col in found.columns.items() for path in col.paths]
    places += [("key", path) for path in found.key]
    others = [("match.keys", path) for path in (*found.match.keys, *found.match.without)]
    others += [("match.values", path) for path in found.match.values]
    others += [("where", each.path) for each in (*found.where, *found.refuse)]
    if found.records:
        others.append(("records", found.records))
    if found.bodies:
        given = (found.bodies.response, found.bodies.request, found.bodies.url)
        others += [("bodies", path) for path in given if path]
    for key, path in (*places, *others):
        try:
            last = parse(path)[-1]
        except ValueError as error:
            yield key, f"{path!r} is {error}"
            return
        if (key, path) in places and last.lower() in TEXTS:
            yield key, f"{path!r} leads to a text; map names, ids and tags only: texts stay out"


def _flags(found: Mapping) -> Iterator[tuple[str, str]]:
    """The two questions that no default may answer."""
    columns = found.map
    cached = "input_tokens" in columns and any(part in columns for part in INPUT_PARTS)
    if cached and found.cache_in_input is None:
        yield "cache_in_input", _unanswered("cached tokens counted in input_tokens")
    reasoning = {"output_tokens", "reasoning_output_tokens"} <= columns.keys()
    if reasoning and found.reasoning_in_output is None:
        yield "reasoning_in_output", _unanswered("reasoning tokens counted in output_tokens")
    if "started_at" not in columns:
        yield "map.started_at", "missing; name the column with the time of the call"
    if not {"request_model", "response_model"} & columns.keys():
        yield "map.response_model", "missing; name the column with the model"
    if not {"input_tokens", "output_tokens", "billed_cost"} & columns.keys() and not found.bodies:
        yield "map.input_tokens", "missing; name the columns with the tokens, or a billed_cost"


def _unanswered(what: str) -> str:
    return f"missing: are {what}?; write true or false: `tokman ingest --check FILE` proposes it"
