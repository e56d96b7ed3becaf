"""json and csv: the output scripts rely on."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from tokman.render.cells import Column, exact

Row = dict[str, Any]

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters by which a spreadsheet takes a cell for a formula:
https://owasp.org/www-community/attacks/CSV_Injection"""


def as_json(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """A JSON array of objects; amounts are numbers in full, missing values null."""
    encoder = msgspec.json.Encoder(decimal_format="number")
    named = [{column.name: exact(row.get(column.name)) for column in columns} for row in rows]
    return msgspec.json.format(encoder.encode(named), indent=2).decode() + "\n"


def as_csv(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """CSV with a header of column names; text that a spreadsheet would run gets a quote mark."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([_cell(row.get(column.name)) for column in columns])
    return out.getvalue()


def _cell(value: Any) -> Any:
    value = exact(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return "'" + value
    return "" if value is None else value
