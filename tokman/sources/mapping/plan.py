"""A mapping compiled: which values a record needs, and what each becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tokman.errors import BadRecord
from tokman.sources.mapping import spec, values
from tokman.sources.mapping.paths import Path, either, opened, parse, scalar, walk
from tokman.sources.mapping.places import Places
from tokman.sources.mapping.values import plain
from tokman.sources.mapping.vocabulary import provider
from tokman.sources.mapping.work import Taken, split


class Asked(NamedTuple):
    """One condition on one value."""

    place: int
    holds: Callable[[Any], bool]
    reason: str


class Step(NamedTuple):
    """One column of the ledger: where its value may lie and what is made of it."""

    column: str
    places: tuple[int, ...]
    convert: values.Convert
    const: Any
    when: Asked | None


LONG = 200
"""Texts longer than that are not remembered."""

MOST_TAGS = 50
"""Tags of one call."""

_WHOLE = spec.LISTS | spec.HASHES | {"tags"}
"""Columns that are made of lists and objects too."""

_MANY = (dict, list, type(None))


def _label(tag: str) -> str | None:
    return tag if values.label(tag) else None


def _tag(name: str, value: Any) -> str | None:
    return _label(f"{name}:{plain(value)}")


_known = lru_cache(maxsize=10_000, typed=True)(_tag)


class Plan:
    """What `Mapped` does with a record's values, for the call at `base` where it has several."""

    def __init__(self, mapping: spec.Mapping, places: Places, base: str = "") -> None:
        self.mapping, self.base = mapping, base
        self._places = places
        self.missing = values.MISSING | frozenset(mapping.missing)
        self.inside: list[int] = []
        """Places of the values under `base`."""
        columns = mapping.columns
        self.steps = [
            Step(
                column,
                tuple(self._at(path, raw=column == "billed_cost") for path in stated.paths),
                self._converter(column, stated),
                self._const(column, stated),
                self._condition(stated.when) if stated.when else None,
            )
            for column, stated in columns.items()
            if column not in _WHOLE
        ]
        tags = columns["tags"].paths if "tags" in columns else []
        self.tags = [(self._at(path, raw=True), parse(path)[-1]) for path in tags]
        self.key = [self._all(part) for part in mapping.key]
        self.where = [self._condition(each) for each in mapping.where]
        self.refuse = [self._condition(each) for each in mapping.refuse]
        self.bodies = (
            [
                self._all(bodies.response, raw=True),
                self._all(bodies.request, raw=True),
                self._all(bodies.url),
            ]
            if (bodies := mapping.bodies)
            else []
        )
        self.work = [
            self._taken(column, stated)
            for column, stated in columns.items()
            if column in spec.LISTS | spec.HASHES
        ]
        for path in mapping.match.keys:
            places.need(path)
        self.own = [self._own(path, words) for path, words in mapping.match.values.items()]

    def first(self, columns: Sequence[list[Any]], places: tuple[int, ...], size: int) -> list[Any]:
        """The first value that is there, for each record."""
        merged: list[Any] = [None] * size
        for place in places:
            found = [
                None if type(value) is str and value.strip() in self.missing else value
                for value in columns[place]
            ]
            merged = found if place == places[0] else either(merged, found)
        return merged

    def tagged(self, values: Sequence[Any]) -> list[str] | None:
        """`name:value` of single values and of an object's; a list's items as they are."""
        pairs: list[tuple[str, Any]] = []
        tags: list[str] = []
        for (_, name), value in zip(self.tags, map(opened, values), strict=True):
            if isinstance(value, dict):
                pairs += [item for item in value.items() if item[0].lower() not in spec.TEXTS]
            elif isinstance(value, list):
                tags += [plain(item) for item in value if scalar(item) is not None]
            elif not (isinstance(value, str) and value.strip() in self.missing):
                pairs.append((name, value))
        single = [pair for pair in pairs if type(pair[1]) not in _MANY]
        made = [*map(_label, tags[:MOST_TAGS])]
        made += [
            _tag(name, value)
            if isinstance(value, str) and len(value) > LONG
            else _known(name, value)
            for name, value in single[: MOST_TAGS - len(made)]
        ]
        return [tag for tag in made if tag] or None

    def _at(self, path: str, *, raw: bool = False) -> int:
        inside = path.startswith("./")
        place = self._places.at(f"{self.base}.{path[2:]}" if inside else path, raw=raw)
        if inside:
            self.inside.append(place)
        return place

    def _taken(self, column: str, stated: spec.Column) -> Taken:
        outer, inner = split(stated.paths[0]) if stated.paths else ("", ())
        return Taken(column, self._at(outer, raw=True) if outer else None, inner, stated)

    def _all(self, paths: str | list[str], *, raw: bool = False) -> tuple[int, ...]:
        paths = [paths] if isinstance(paths, str) else paths
        return tuple(self._at(path, raw=raw) for path in paths)

    def _const(self, column: str, stated: spec.Column) -> Any:
        if stated.const is None:
            return None
        return self._converter(column, stated)(stated.const)

    def _converter(self, column: str, stated: spec.Column) -> values.Convert:
        convert = _plain_converter(column, stated, self.missing)
        if stated.values:
            convert = _looked_up(stated.values, convert)
        return convert

    def _own(self, path: str, words: list[str]) -> Asked:
        accepted = frozenset(words)
        reason = f"{path}: not a value that {self.mapping.name} has"
        return Asked(self._at(path), lambda value: plain(value) in accepted, reason)

    def _condition(self, asked: spec.Condition) -> Asked:
        only_present = asked.present is not None
        place = self._at(asked.path, raw=only_present and not self._places.known(asked.path))
        reason = asked.reason or f"{asked.path}: refused by the mapping"
        return Asked(place, _holds(asked), reason)


def matcher(mapping: spec.Mapping) -> Callable[[dict[str, Any]], bool]:
    """Whether a record, or a table's row, is of the mapping's format."""
    keys = [(text, parse(text)) for text in mapping.match.keys]
    without = [(text, parse(text)) for text in mapping.match.without]
    wanted = [(text, parse(text), set(vs)) for text, vs in mapping.match.values.items()]

    def matches(record: dict[str, Any]) -> bool:
        return (
            all(_has(record, text, path) for text, path in keys)
            and not any(_has(record, text, path) for text, path in without)
            and all(
                plain(record[text] if text in record else walk(record, path)) in accepted
                for text, path, accepted in wanted
            )
        )

    return matches


def _has(record: dict[str, Any], text: str, path: Path) -> bool:
    if text in record:
        return True
    above = opened(walk(record, path[:-1])) if len(path) > 1 else record
    return isinstance(above, dict) and path[-1] in above


def _plain_converter(column: str, stated: spec.Column, missing: frozenset[str]) -> values.Convert:
    if column in spec.COUNTS:
        return values.count(column)
    if column in spec.TIMES:
        zone: tzinfo = ZoneInfo(stated.tz) if stated.tz else UTC
        return values.moment(column, stated.unit, stated.format, zone, stated.since)
    if column in spec.DURATIONS:
        return values.milliseconds(stated.unit or "ms")
    if column == "success":
        return values.verdict
    if column in spec.TRUTHS:
        return values.truth(column)
    if column == "provider_name":
        return lambda value: provider(plain(value))
    if column in spec.NAMES:
        return values.name(column)
    if column == "status":
        return values.status
    if column == "billed_cost":
        return values.money(column, stated.unit or "usd", missing)
    if column == "turn":
        return values.turn
    if column == "temperature":
        return values.number
    return plain if column in ("api_key_hash", "call_id") else values.label


def _looked_up(words: dict[str, str | bool], convert: values.Convert) -> values.Convert:
    """The mapping's own word for a value, else what the column makes of it."""

    def look_up(value: Any) -> Any:
        return words.get(plain(value)) if plain(value) in words else convert(value)

    return look_up


def _holds(asked: spec.Condition) -> Callable[[Any], bool]:
    equal = None if asked.equals is None else plain(asked.equals)
    among = None if asked.is_in is None else frozenset(map(plain, asked.is_in))
    outside = None if asked.not_in is None else frozenset(map(plain, asked.not_in))
    above = None if asked.above is None else Decimal(str(asked.above))

    def holds(value: Any) -> bool:
        there = value is not None and not (type(value) is str and value.strip() in values.MISSING)
        text = plain(value) if there else None
        if asked.present is not None and asked.present != there:
            return False
        if equal is not None and text != equal:
            return False
        if among is not None and text not in among:
            return False
        if outside is not None and text in outside:
            return False
        return above is None or (text is not None and _amount(text, asked.path) > above)

    return holds


def _amount(text: str, path: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise BadRecord(f"{path}: not a number") from None
