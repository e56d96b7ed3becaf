"""Paths compiled to a typed record, so that what is not mapped is skipped undecoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from operator import attrgetter, is_not
from typing import Any

import msgspec

from tokman.sources.mapping.paths import Found, Path, decoded, either, scalar, singles, under, walk

_SCALAR = str | int | float | bool | None


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
        self._attributes: list[Path] = []
        self._inside: dict[Path, list[tuple[int, Path]]] = {}
        """Paths that lead into JSON text: the text's attribute → each path's rest behind it."""
        for index, path in enumerate(paths):
            above = next((n for n in range(1, len(path)) if path[:n] in self._raw), len(path))
            self._attributes.append(_attribute(tree, path[:above]))
            if above < len(path):
                self._inside.setdefault(self._attributes[-1], []).append((index, path[above:]))
        deep = {index for rests in self._inside.values() for index, _ in rests}
        self._texts = [n for n, path in enumerate(paths) if path in self._raw and n not in deep]
        self._level = _Level(self.record_type, list(enumerate(self._attributes)))

    def columns(self, records: Sequence[Any]) -> Found:
        """The values of decoded records, of which there is one at least."""
        values: list[list[Any]] = [[]] * len(self._paths)
        self._filled(self._level, records, records, values)
        faults: dict[int, str] = {}
        for path, group in self._groups:
            for number in _lacking([values[index] for index in group]):
                faults.setdefault(number, f"{'.'.join(path)}: missing")
        for index in self._depth:
            if msgspec.UNSET in values[index]:
                values[index] = [None if v is msgspec.UNSET else v for v in values[index]]
        objects: dict[Path, list[Any]] = {}
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

    def _filled(
        self, level: _Level, found: Sequence[Any], records: Sequence[Any], values: list[list[Any]]
    ) -> None:
        """Set the values of all paths that lead through a level, of which `found` are the structs
        in the records."""
        columns = [list(column) for column in zip(*map(level.get, found), strict=True)]
        for places, column in zip(level.places, columns, strict=False):
            for place in places:
                values[place] = column
        for below, column in zip(level.below, columns[len(level.places) :], strict=False):
            if not any(map(is_not, column, repeat(below.missing))):
                for place, value in below.nothing:
                    values[place] = [value] * len(column)
                continue
            others = [n for n, each in enumerate(column) if type(each) is not below.kind]
            for number in others:
                column[number] = below.missing
            self._filled(below, column, records, values)
            for number in others:
                for place, _ in below.nothing:
                    values[place][number] = self._followed(records[number], place)

    def _followed(self, record: Any, index: int) -> Any:
        """One value by small steps, for records where some level is missing or is JSON text."""
        names, keys = self._attributes[index], self._paths[index]
        for depth, name in enumerate(names):
            if not isinstance(record, msgspec.Struct):
                found = walk(record, keys[depth : len(names)])
                if found is None:
                    return None if depth >= self._depth.get(index, 0) else msgspec.UNSET
                wanted = keys in self._raw or len(names) < len(keys)
                return msgspec.json.encode(found) if wanted else scalar(found)
            record = getattr(record, name)
        return record


class _Level:
    """One struct of a record: how to get at the values in it, and the structs below."""

    def __init__(self, kind: type[msgspec.Struct], attributes: list[tuple[int, Path]]) -> None:
        self.kind, self.missing = kind, kind()
        ends: dict[str, list[int]] = {}
        deeper: dict[str, list[tuple[int, Path]]] = {}
        for place, (name, *rest) in attributes:
            if rest:
                deeper.setdefault(name, []).append((place, tuple(rest)))
            else:
                ends.setdefault(name, []).append(place)
        self.places = list(ends.values())
        """Which paths each value is of; the values come first, the structs after them."""
        self.below: list[_Level] = []
        for name, inner in deeper.items():
            default = getattr(self.missing, name)
            self.below.append(_Level(type(default), inner))
            self.below[-1].missing = default
        one_more = "__class__"  # makes it a tuple where there is one name
        self.get: Callable[[Any], tuple[Any, ...]] = attrgetter(*ends, *deeper, one_more)
        self.nothing = [
            (place, attrgetter(".".join(names))(self.missing)) for place, names in attributes
        ]
        """What each path gives where a record has nothing of this level."""


_NOTHING = msgspec.Raw(b"")
"""The JSON text of a key that the record does not have."""


def _lacking(columns: Sequence[Sequence[Any]]) -> set[int]:
    """The records that have none of the keys; null is a value."""
    found = set(range(len(columns[0])))
    if any(msgspec.UNSET not in column and _NOTHING not in column for column in columns):
        return set()
    for column in columns:
        found = {n for n in found if column[n] is msgspec.UNSET or column[n] is _NOTHING}
        if not found:
            break
    return found


def _texts(column: Sequence[Any]) -> list[Any]:
    """The bytes of values left undecoded; None for a missing one and for null."""
    if column.count(_NOTHING) == len(column):
        return [None] * len(column)
    texts = [bytes(v) if type(v) is msgspec.Raw else v for v in column]
    return [None if text in _NO_VALUE else text for text in texts]


_NO_VALUE = (None, b"", b"null")


def _branch(tree: dict[str, Any], path: Path) -> bool:
    for key in path:
        tree = tree[key]
    return bool(tree)


def _attribute(tree: dict[str, Any], path: Path) -> Path:
    names = []
    for key in path:
        names.append(f"f{list(tree).index(key)}")
        tree = tree[key]
    return tuple(names)


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
