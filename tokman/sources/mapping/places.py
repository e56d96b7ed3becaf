"""The values a mapping needs of a record: named by path, found in a decoded record or a row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from tokman.sources.mapping.paths import (
    Found,
    decoded,
    either,
    parse,
    scalar,
    singles,
    under,
    walk,
)
from tokman.sources.mapping.shape import Shape


class Places:
    """Paths in the order they were first asked for; the values of a record are a list in it."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._raw: set[str] = set()
        self._needed: list[str] = []

    def at(self, path: str, *, raw: bool = False) -> int:
        """The index of the value under a path; `raw` leaves an object or a number as written."""
        if raw:
            self._raw.add(path)
        return self._places.setdefault(path, len(self._places))

    def known(self, path: str) -> bool:
        """True if the value is asked for already."""
        return path in self._places

    def need(self, path: str) -> None:
        """Every record has this key, if only with null."""
        key = parse(path)
        if not any(parse(each)[: len(key)] == key for each in self._places):
            self.at(path, raw=True)
        self._needed.append(path)

    @cached_property
    def shape(self) -> Shape:
        """The typed record of the paths; made when all are known."""
        needed = [parse(text) for text in self._needed]
        return Shape([parse(t) for t in self._places], frozenset(map(parse, self._raw)), needed)

    @cached_property
    def _deep(self) -> list[tuple[int, str, tuple[str, ...]]]:
        paths = ((index, text, parse(text)) for text, index in self._places.items())
        return [(index, text, path) for index, text, path in paths if len(path) > 1]

    @cached_property
    def _names(self) -> list[str]:
        """The column of a table that holds each value as it is: a single key, or a whole path."""
        paths = ((text, parse(text)) for text in self._places)
        return [path[0] if len(path) == 1 else text for text, path in paths]

    @property
    def columns(self) -> list[str]:
        """The columns of a table that may hold the values: whole paths, and their first keys."""
        return list(dict.fromkeys([*self._names, *(path[0] for _, _, path in self._deep)]))

    def by_column(self, columns: dict[str, list[Any]], size: int) -> Found:
        """The values of many rows of a table."""
        empty: list[Any] = [None] * size
        values = [columns.get(name, empty) for name in self._names]
        opened = values.copy()
        objects: dict[str, list[Any]] = {}
        faults: dict[int, str] = {}
        for index, text, path in self._deep:
            if text not in columns and path[0] in columns:
                if path[0] not in objects:
                    objects[path[0]] = decoded(columns[path[0]], faults)
                values[index] = opened[index] = under(objects[path[0]], path[1:])
        for text, index in self._places.items():
            if text not in self._raw:
                values[index] = opened[index] = singles(values[index])
            elif self._names[index] in objects:
                opened[index] = either(objects[self._names[index]], values[index])
        return Found(values, opened, faults)

    def of_records(self, records: Sequence[Any]) -> Found:
        """The values of decoded records, or of rows that `row` has read."""
        if type(records[0]) is list:
            values = [list(column) for column in zip(*records, strict=True)]
            return Found(values, values, {})
        return self.shape.columns(records)

    def row(self, row: dict[str, Any]) -> list[Any]:
        """The values of a table's row: a path is a column's name, or leads into its JSON text."""
        found = list(map(row.get, self._names))
        for index, text, path in self._deep:
            if found[index] is None and text not in row and path[0] in row:
                inner = walk(row, path)
                found[index] = inner if text in self._raw else scalar(inner)
        return found
