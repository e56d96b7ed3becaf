"""json and csv: the output scripts rely on."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from tokman.render.cells import Column, exact, harmless

Row = dict[str, Any]

FORMULA = tuple("=+-@＝＋－＠")
"""First characters by which a spreadsheet takes a cell for a formula:
https://owasp.org/www-community/attacks/CSV_Injection"""


def as_json(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """A JSON array of objects; amounts are numbers in full, missing values null."""
    return json_text(
        [{column.name: exact(row.get(column.name)) for column in columns} for row in rows]
    )


def json_text(value: Any) -> str:
    """Indented JSON with amounts as numbers. Characters that a terminal would obey are escaped,
    so that a reader gets them back and a screen does not."""
    encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
    return quiet(msgspec.json.format(encoder.encode(value), indent=2).decode() + "\n")


def quiet(text: str) -> str:
    """The same JSON with every character escaped that does not print, but line ends, and what a CI
    runner takes for a command wherever it is in a line."""
    text = text.replace("##[", "##\\u005b")
    if text.isascii():
        return text.replace("\x7f", "\\u007f")
    return "".join(char if char.isprintable() or char == "\n" else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def as_csv(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """CSV with a header of column names; text that a spreadsheet would run gets a quote mark, and
    what a terminal would obey is shown as in a table."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_cell(column.name) for column in columns])
    for row in rows:
        writer.writerow([_cell(row.get(column.name)) for column in columns])
    return out.getvalue()


def _cell(value: Any) -> Any:
    value = exact(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if value is None or isinstance(value, (bool, int, float)):
        return "" if value is None else value
    text = harmless(str(value))
    return "'" + text if text.lstrip(" ").startswith(FORMULA) else text
