"""The values a mapping needs of a record: named by path, found in a decoded record or a row."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from tokman.sources.mapping.paths import Shape, parse, scalar, walk


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

    def by_column(self, columns: dict[str, list[Any]], size: int) -> list[list[Any]]:
        """The values of many rows, a list for each path."""
        empty: list[Any] = [None] * size
        found = [columns.get(name, empty) for name in self._names]
        for index, text, path in self._deep:
            if text not in columns and path[0] in columns:
                inner = [walk({path[0]: value}, path) for value in columns[path[0]]]
                found[index] = inner
        for text, index in self._places.items():
            if text not in self._raw:
                found[index] = _singles(found[index])
        return found

    def values(self, record: Any) -> list[Any]:
        """The values of a decoded record, or of a row that `row` has read."""
        return record if type(record) is list else self.shape.values(record)

    def row(self, row: dict[str, Any]) -> list[Any]:
        """The values of a table's row: a path is a column's name, or leads into its JSON text."""
        found = list(map(row.get, self._names))
        for index, text, path in self._deep:
            if found[index] is None and text not in row and path[0] in row:
                inner = walk(row, path)
                found[index] = inner if text in self._raw else scalar(inner)
        return found


def _singles(column: list[Any]) -> list[Any]:
    """A column without the objects and lists in it, of which no single value comes."""
    if {dict, list}.isdisjoint(map(type, column)):
        return column
    return [scalar(value) for value in column]
