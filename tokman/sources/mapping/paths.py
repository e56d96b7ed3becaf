"""Dotted paths compiled to a typed record, so that what is not mapped is skipped undecoded."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from tokman.errors import BadRecord

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
        self._raw_groups = any(paths[n] in self._raw for _, group in self._groups for n in group)
        self._depth = {n: len(path) for path, group in self._groups for n in group}
        self._telling = sorted(self._depth)
        telling = {paths[n] for n in self._telling}
        self.record_type: type[msgspec.Struct] = _struct(
            tree, (), self._raw, {path: path in telling for path in paths}
        )
        self._attributes: list[str] = []
        self._late: list[tuple[int, Path]] = []
        for index, path in enumerate(paths):
            above = next((n for n in range(1, len(path)) if path[:n] in self._raw), len(path))
            self._attributes.append(_attribute(tree, path[:above]))
            if above < len(path):
                self._late.append((index, path[above:]))
        deep = {index for index, _ in self._late}
        self._texts = [n for n, path in enumerate(paths) if path in self._raw and n not in deep]
        self._get: Callable[[Any], Any] = attrgetter(*self._attributes)

    def values(self, record: Any) -> list[Any]:
        """The values of a decoded record, in the order of the paths; BadRecord where it lacks a
        key that is needed."""
        try:
            found = self._get(record)
            values = list(found) if len(self._attributes) > 1 else [found]
        except AttributeError:
            values = [self._followed(record, n) for n in range(len(self._paths))]
        if msgspec.UNSET in values or self._raw_groups:
            for path, group in self._groups:
                if all(_absent(values[index]) for index in group):
                    raise BadRecord(f"{'.'.join(path)}: missing")
            for index in self._telling:
                if values[index] is msgspec.UNSET:
                    values[index] = None
        for index, rest in self._late:
            values[index] = scalar(walk(_text(values[index]), rest))
        for index in self._texts:
            values[index] = _text(values[index])
            if self._paths[index] in self._scalar_text:
                values[index] = scalar(opened(values[index]))
        return values

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


def _absent(value: Any) -> bool:
    """True for a key that the record does not have, False for one with null."""
    return value is msgspec.UNSET or (isinstance(value, msgspec.Raw) and bytes(value) == b"")


def scalar(value: Any) -> Any:
    """The value if it is a single one; None for an object or an array."""
    return None if isinstance(value, dict | list) else value


def _text(value: Any) -> Any:
    """The bytes of a value left undecoded; None for a missing one and for null."""
    if isinstance(value, msgspec.Raw):
        text = bytes(value)
        return None if text in (b"", b"null") else text
    return value


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
            fields.append((name, msgspec.Raw, msgspec.Raw(b"")))
        elif path in leaves:
            kind = _SCALAR | msgspec.UnsetType if leaves[path] else _SCALAR
            fields.append((name, kind, msgspec.UNSET if leaves[path] else None))
        else:
            inner = _struct(below, path, raw, leaves)
            kind = inner | str | int | float | bool | list[Any] | None
            fields.append((name, kind, msgspec.field(default_factory=inner)))
    names = {f"f{index}": key for index, key in enumerate(tree)}
    return msgspec.defstruct("Record", fields, rename=names, gc=False)
