"""Dotted paths into records, and the values under them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

Path = tuple[str, ...]
"""The keys from the record's top down to a value."""

_SEGMENT = re.compile(r'(?:"([^"]+)"|([^."]+))(\.|$)')
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
