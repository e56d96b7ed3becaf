"""Answers of BigQuery's REST API, `{schema, rows}`, as plain rows.

https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Record, Refused


class Field(msgspec.Struct):
    """A column; a RECORD has columns of its own, a REPEATED one is a list."""

    name: str
    mode: str = "NULLABLE"
    fields: list[Field] = []


class Schema(msgspec.Struct):
    """The columns of the answer."""

    fields: list[Field]


def columns(record: dict[str, Any]) -> frozenset[str]:
    """Names of an answer's columns; empty for anything that is no such answer."""
    schema, rows = record.get("schema"), record.get("rows")
    if not isinstance(schema, dict) or not isinstance(rows, list):
        return frozenset()
    fields = schema.get("fields")
    if not isinstance(fields, list):
        return frozenset()
    names = (field.get("name") for field in fields if isinstance(field, dict))
    return frozenset(name for name in names if isinstance(name, str))


def row(fields: list[Field], cells: Any) -> dict[str, Any]:
    """One row by column name, empty cells left out; BadRecord if it is not of these columns."""
    listed = cells.get("f") if isinstance(cells, dict) else None
    if not isinstance(listed, list) or len(listed) != len(fields):
        raise BadRecord("not a row of the columns in `schema`")
    found = {}
    for field, cell in zip(fields, listed, strict=True):
        value = cell.get("v") if isinstance(cell, dict) else None
        if field.mode == "REPEATED":
            value = [_value(field, each.get("v")) for each in _cells(value)]
        else:
            value = _value(field, value)
        if value not in (None, "", []):
            found[field.name] = value
    return found


def each(
    record: Any,
    line: int,
    from_row: Callable[[dict[str, Any]], Any],
    read: Callable[[Any, int], Iterable[Record]],
) -> Iterable[Record]:
    """What `read` makes of a record, or of every row where it is an answer; a bad row is refused
    alone."""
    if record.schema is None or record.rows is None:
        yield from read(record, line)
        return
    for number, cells in enumerate(record.rows, 1):
        try:
            yield from read(from_row(row(record.schema.fields, cells)), number)
        except ValueError as reason:
            yield Refused(number, str(reason))


def _cells(value: Any) -> list[dict[str, Any]]:
    listed = value if isinstance(value, list) else []
    return [each for each in listed if isinstance(each, dict)]


def _value(field: Field, value: Any) -> Any:
    return row(field.fields, value) if field.fields and value is not None else value
