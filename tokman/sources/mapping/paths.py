"""Dotted paths compiled to a typed record, so that what is not mapped is skipped undecoded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

Path = tuple[str, ...]
"""The keys from the record's top down to a value."""

_SEGMENT = re.compile(r'(?:"([^"]+)"|([^."]+))(\.|$)')
_SCALAR = str | int | float | bool | None
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def parse(text: str) -> Path:
    """`usage.input` as its keys; a key with a dot in it is quoted: `attributes."user.id"`."""
    keys, at = [], 0
    while at < len(text):
        found = _SEGMENT.match(text, at)
        if found is None:
            break
        keys.append(found[1] or found[2])
        at = found.end()
        if at == len(text) and not found[3]:
            return tuple(keys)
    raise ValueError('not a path; write keys as a.b.c, and quote one with a dot: a."b.c"')


def walk(value: Any, keys: Path) -> Any:
    """What lies under the keys; objects kept as JSON text are opened. None where nothing does."""
    for key in keys:
        value = opened(value)
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def opened(value: Any) -> Any:
    """An object or array that is kept as JSON text, decoded; anything else as it is."""
    if isinstance(value, bytes):
        value = msgspec.json.decode(value)
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)
        except _UNREADABLE:
            return None
    return value


class Found(NamedTuple):
    """The values of many records: by path, then by record."""

    values: list[list[Any]]
    opened: list[list[Any]]
    """The same, with JSON text decoded where some path leads into it."""
    faults: dict[int, str]
    """Why a record is refused, by its number from 0."""


class Shape:
    """The record type of some paths, and the way to their values.

    A path in `raw` gives the JSON text of its value as `bytes`, undecoded; any other gives a
    text, a number, a truth value or None. A record has every key in `needed`, if only with null.
    """

    def __init__(self, paths: Sequence[Path], raw: frozenset[Path], needed: Sequence[Path]) -> None:
        self._paths = paths
        tree: dict[str, Any] = {}
        for path in paths:
            level = tree
            for key in path:
                level = level.setdefault(key, {})
        ends = {path for path in paths if _branch(tree, path)}
        self._raw = raw | ends
        self._scalar_text = ends - raw
        self._groups = [
            (path, [n for n, each in enumerate(paths) if each[: len(path)] == path])
            for path in needed
        ]
        self._depth = {n: len(path) for path, group in self._groups for n in group}
        telling = {paths[n] for n in self._depth}
        self.record_type: type[msgspec.Struct] = _struct(
            tree, (), self._raw, {path: path in telling for path in paths}
        )
        self._attributes: list[str] = []
        self._inside: dict[str, list[tuple[int, Path]]] = {}
        """Paths that lead into JSON text: the text's attribute → each path's rest behind it."""
        for index, path in enumerate(paths):
            above = next((n for n in range(1, len(path)) if path[:n] in self._raw), len(path))
            self._attributes.append(_attribute(tree, path[:above]))
            if above < len(path):
                self._inside.setdefault(self._attributes[-1], []).append((index, path[above:]))
        deep = {index for rests in self._inside.values() for index, _ in rests}
        self._texts = [n for n, path in enumerate(paths) if path in self._raw and n not in deep]
        one_more = "__class__"  # makes it a tuple where there is one path
        self._get: Callable[[Any], tuple[Any, ...]] = attrgetter(*self._attributes, one_more)

    def columns(self, records: Sequence[Any]) -> Found:
        """The values of decoded records, of which there is one at least."""
        columns = list(zip(*map(self._row, records), strict=True))
        values = [list(column) for column in columns[: len(self._paths)]]
        faults: dict[int, str] = {}
        for path, group in self._groups:
            for number in _lacking([values[index] for index in group]):
                faults.setdefault(number, f"{'.'.join(path)}: missing")
        for index in self._depth:
            values[index] = [None if v is msgspec.UNSET else v for v in values[index]]
        objects: dict[str, list[Any]] = {}
        for attribute, rests in self._inside.items():
            objects[attribute] = decoded(_texts(values[rests[0][0]]), faults)
            for index, rest in rests:
                values[index] = singles(under(objects[attribute], rest))
        opened = values.copy()
        for index in self._texts:
            found = objects.get(self._attributes[index])
            values[index] = opened[index] = _texts(values[index])
            if found is not None and self._paths[index] in self._scalar_text:
                values[index] = opened[index] = singles(found)
            elif found is not None:
                opened[index] = either(found, values[index])
        return Found(values, opened, faults)

    def _row(self, record: Any) -> tuple[Any, ...]:
        try:
            return self._get(record)
        except AttributeError:
            return tuple(self._followed(record, index) for index in range(len(self._paths)))

    def _followed(self, record: Any, index: int) -> Any:
        """One value by small steps, for records where some level is missing or is JSON text."""
        names, keys = self._attributes[index].split("."), self._paths[index]
        for depth, name in enumerate(names):
            if not isinstance(record, msgspec.Struct):
                found = walk(record, keys[depth : len(names)])
                if found is None:
                    return None if depth >= self._depth.get(index, 0) else msgspec.UNSET
                wanted = keys in self._raw or len(names) < len(keys)
                return msgspec.json.encode(found) if wanted else scalar(found)
            record = getattr(record, name)
        return record


_NOTHING = msgspec.Raw(b"")
"""The JSON text of a key that the record does not have."""


def _lacking(columns: Sequence[Sequence[Any]]) -> set[int]:
    """The records that have none of the keys; null is a value."""
    found = set(range(len(columns[0])))
    for column in columns:
        found = {n for n in found if column[n] is msgspec.UNSET or column[n] is _NOTHING}
        if not found:
            break
    return found


def decoded(texts: Iterable[Any], faults: dict[int, str]) -> list[Any]:
    """JSON texts decoded; one that cannot be is a fault of its record."""
    objects: list[Any] = []
    for number, text in enumerate(texts):
        try:
            objects.append(opened(text))
        except _UNREADABLE as error:
            faults.setdefault(number, str(error))
            objects.append(None)
    return objects


def under(objects: Iterable[Any], keys: Path) -> list[Any]:
    """What lies under the keys of opened objects, None where nothing does."""
    for depth, key in enumerate(keys):
        found = map(opened, objects) if depth else objects
        objects = [value.get(key) if isinstance(value, dict) else None for value in found]
    return list(objects)


def either(first: list[Any], second: list[Any]) -> list[Any]:
    """The values of the first column, and of the second where it has none."""
    return [b if a is None else a for a, b in zip(first, second, strict=True)]


def singles(column: list[Any]) -> list[Any]:
    """A column without the objects and lists in it, of which no single value comes."""
    if {dict, list}.isdisjoint(map(type, column)):
        return column
    return [scalar(value) for value in column]


def scalar(value: Any) -> Any:
    """The value if it is a single one; None for an object or an array."""
    return None if isinstance(value, dict | list) else value


def _texts(column: Sequence[Any]) -> list[Any]:
    """The bytes of values left undecoded; None for a missing one and for null."""
    texts = [bytes(v) if type(v) is msgspec.Raw else v for v in column]
    return [None if text in _NO_VALUE else text for text in texts]


_NO_VALUE = (None, b"", b"null")


def _branch(tree: dict[str, Any], path: Path) -> bool:
    for key in path:
        tree = tree[key]
    return bool(tree)


def _attribute(tree: dict[str, Any], path: Path) -> str:
    names = []
    for key in path:
        names.append(f"f{list(tree).index(key)}")
        tree = tree[key]
    return ".".join(names)


def _struct(
    tree: dict[str, Any], above: Path, raw: frozenset[Path], leaves: dict[Path, bool]
) -> type[msgspec.Struct]:
    """A struct with a field for each key; levels between may hold anything without harm.

    `leaves` says which paths must tell a missing key from null.
    """
    fields: list[tuple[str, Any, Any]] = []
    for index, (key, below) in enumerate(tree.items()):
        path, name = (*above, key), f"f{index}"
        if path in raw:
            fields.append((name, msgspec.Raw, _NOTHING))
        elif path in leaves:
            kind = _SCALAR | msgspec.UnsetType if leaves[path] else _SCALAR
            fields.append((name, kind, msgspec.UNSET if leaves[path] else None))
        else:
            inner = _struct(below, path, raw, leaves)
            kind = inner | str | int | float | bool | list[Any] | None
            fields.append((name, kind, inner()))
    names = {f"f{index}": key for index, key in enumerate(tree)}
    return msgspec.defstruct("Record", fields, rename=names, frozen=True, gc=False)
