"""Rows as a table for people, or as json, csv and markdown for programs and pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from tokman.render.cells import Column

FORMATS = ("table", "json", "csv", "markdown")

Row = dict[str, Any]


def show(
    rows: Sequence[Row],
    columns: Sequence[Column],
    form: str,
    to: TextIO,
    *,
    total: Row | None = None,
    notes: Iterable[str] = (),
) -> None:
    """Write the rows. A table and markdown end with the total and the notes; csv and json hold
    exactly the rows, every count and amount in full."""
    if form == "json":
        from tokman.render.machine import as_json

        to.write(as_json(rows, columns))
    elif form == "csv":
        from tokman.render.machine import as_csv

        to.write(as_csv(rows, columns))
    elif form == "markdown":
        from tokman.render.markdown import as_markdown

        to.write(as_markdown(rows, columns, total, notes))
    else:
        from tokman.render.table import print_table

        print_table(rows, columns, to, total=total, notes=notes)
