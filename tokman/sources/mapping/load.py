"""Mappings read from TOML; a wrong one is named by the path of its key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tokman.errors import TokmanError
from tokman.sources.mapping import spec, values, work
from tokman.sources.mapping.paths import parse

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_HINT = "see the README, Any other log"


def read(text: bytes, file: str) -> list[spec.Mapping]:
    """The mappings of a TOML file; TokmanError where one is wrong."""
    try:
        found = msgspec.toml.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise TokmanError(f"{file}: {error}", _HINT) from error
    tables = found.get("sources") if isinstance(found, dict) else None
    if not isinstance(tables, dict) or not tables:
        raise TokmanError(f"{file}: no [sources.NAME] in it", _HINT)
    return [mapping(name, table, file) for name, table in tables.items()]


def mapping(name: str, table: Any, file: str) -> spec.Mapping:
    """One mapping, checked."""
    if not _NAME.fullmatch(name):
        raise _Wrong(file, f"sources.{name}", "use a-z, 0-9 and - in a name")
    try:
        found = msgspec.convert(table, spec.Mapping)
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


def _problems(found: spec.Mapping) -> Iterator[tuple[str, str]]:
    """(key, what is wrong with it; what to do)."""
    if not found.match.keys:
        yield "match.keys", "empty; list the keys that every record has"
    for column, given in found.map.items():
        key = f"map.{column}"
        if column not in spec.COLUMNS:
            known = ", ".join(sorted(spec.COLUMNS))
            yield key, f"no such column; the columns are {known}"
        try:
            stated = spec.column(given)
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


def _of_column(column: str, stated: spec.Column, key: str) -> Iterator[tuple[str, str]]:
    units: dict[str, Any] = {}
    if column in spec.TIMES or column in spec.DURATIONS:
        units = values.SECONDS
    if column == "billed_cost":
        units = values.DOLLARS
    if column == "block_sizes":
        units = {"tokens": 1, "bytes": 1}
    if stated.unit is not None and stated.unit not in units:
        choice = f"choose from {', '.join(units)}" if units else "this column takes none"
        yield f"{key}.unit", f"no unit {stated.unit!r} here; {choice}"
    if column in spec.DURATIONS and stated.unit is None:
        yield key, f'no unit; write {{ path = …, unit = "{" | ".join(units)}" }}'
    if (stated.format or stated.tz) and column not in spec.TIMES:
        yield key, "format and tz are for times; remove them"
    if stated.since is not None:
        yield from _of_origin(column, stated, key)
    if column in spec.LISTS | spec.HASHES:
        yield from _of_work(column, stated, key)
    if column != "block_hashes" and stated.cumulative is not None:
        yield key, "cumulative is for block_hashes; remove it"
    if stated.tz is not None:
        try:
            ZoneInfo(stated.tz)
        except (ValueError, OSError, KeyError):
            yield f"{key}.tz", f"no time zone {stated.tz!r}; write it like Europe/Berlin"
    if not stated.paths and stated.const is None:
        yield key, "neither path nor const; write one"
    if column == "status" and not set(stated.values.values()) <= {"ok", "error"}:
        yield f"{key}.values", "a status is ok or error; map each word to one of them"
    if column in spec.TRUTHS and not all(isinstance(v, bool) for v in stated.values.values()):
        yield f"{key}.values", "this column is true or false; map each word to one of them"
    if column not in spec.TRUTHS and any(isinstance(v, bool) for v in stated.values.values()):
        yield f"{key}.values", "true and false are not for this column; write texts"


def _of_work(column: str, stated: spec.Column, key: str) -> Iterator[tuple[str, str]]:
    """Of a column that is hashed, or made of a list."""
    if stated.values or stated.when or len(stated.paths) > 1:
        yield key, "this column takes one path, and neither values nor when; write its path"
    if column == "block_hashes" and stated.cumulative is None:
        hint = "write cumulative = true or false beside path"
        yield key, f"does each hash cover the blocks before it too?; {hint}"
    if column != "block_sizes":
        if stated.const is not None:
            yield key, "this column takes no const; write its path"
    elif stated.const is None:
        if stated.unit is None:
            yield key, 'no unit; write { path = …, unit = "tokens" } or "bytes"'
    elif type(stated.const) is not int or stated.const < 1:
        yield key, "const is no size; write the tokens of one block: const = 512"
    elif stated.unit == "bytes" or stated.paths:
        yield key, "const is the size of every block in tokens; remove unit and path"


def _of_origin(column: str, stated: spec.Column, key: str) -> Iterator[tuple[str, str]]:
    if column not in spec.TIMES or stated.unit is None:
        yield key, "since is for times with a unit; remove it, or write the unit"
    try:
        datetime.fromisoformat(stated.since or "")
    except ValueError:
        yield f"{key}.since", "not a time; write it like 2026-11-02"


def _of_paths(found: spec.Mapping) -> Iterator[tuple[str, str]]:
    places = [(f"map.{name}", path) for name, col in found.columns.items() for path in col.paths]
    stored = [(key, path) for key, path in places if key.removeprefix("map.") in spec.WORDS]
    stored += [("key", path) for part in found.key for path in spec.listed(part)]
    others = [("match.keys", path) for path in (*found.match.keys, *found.match.without)]
    others += [("match.values", path) for path in found.match.values]
    others += [("where", each.path) for each in (*found.where, *found.refuse)]
    whens = ((f"map.{name}.when", col.when) for name, col in found.columns.items())
    others += [(key, when.path) for key, when in whens if when]
    others += [("records", path) for path in found.record_paths]
    others += [("each", path) for path in found.each]
    others += [("bodies", path) for path in (found.bodies.paths if found.bodies else ())]
    for key, path in (*places, *stored, *others):
        try:
            plain = path.removeprefix("./") if found.each else path
            listed = key.removeprefix("map.") in spec.LISTS
            outer, inner = work.split(plain) if listed else (plain, ())
            last = (*parse(outer), *inner)[-1]
        except ValueError as error:
            yield key, f"{path!r} is {error}"
            return
        if (key, path) in stored and last.lower() in spec.TEXTS:
            yield key, f"{path!r} leads to a text; map names, ids and tags only: texts stay out"


def _flags(found: spec.Mapping) -> Iterator[tuple[str, str]]:
    """The questions that no default may answer."""
    columns = found.map
    if len({"block_hashes", "block_sizes"} & columns.keys()) == 1:
        hint = "write both; block_sizes = { const = 512 } where every block is that many tokens"
        yield "map.block_sizes", f"block_hashes and block_sizes go together; {hint}"
    cached = "input_tokens" in columns and any(part in columns for part in spec.INPUT_PARTS)
    if cached and found.cache_in_input is None:
        yield "cache_in_input", _unanswered("cached tokens counted in input_tokens")
    reasoning = {"output_tokens", "reasoning_output_tokens"} <= columns.keys()
    if reasoning and found.reasoning_in_output is None:
        yield "reasoning_in_output", _unanswered("reasoning tokens counted in output_tokens")
    if "started_at" not in columns and not found.bodies:
        yield "map.started_at", "missing; name the column with the time of the call"
    if not {"request_model", "response_model"} & columns.keys() and not found.bodies:
        yield "map.response_model", "missing; name the column with the model"
    if not {"input_tokens", "output_tokens", "billed_cost"} & columns.keys() and not found.bodies:
        yield "map.input_tokens", "missing; name the columns with the tokens, or a billed_cost"


def _unanswered(what: str) -> str:
    hint = "write true, false or 'unknown'; `tokman ingest --check FILE` proposes it"
    return f"missing: are {what}?; {hint}"
