"""Rows of the rate card, and answers to a question in SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, TextIO

from tokman import render
from tokman.render.cells import Column


def prices(rows: list[dict[str, Any]], form: str, to: TextIO, notes: Iterable[str]) -> None:
    """The rate card's rows for one model."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    filled = Counter(name for row in rows for name, value in row.items() if value is not None)
    columns = [
        Column(
            name, name.replace("_tokens", "").replace("_", " "), "plain", screen=bool(filled[name])
        )
        for name in names
    ]
    render.show(rows, columns, form, to, notes=notes)


def show(rows: list[dict[str, Any]], names: list[str], form: str, to: TextIO) -> None:
    """The rows of a query as they are; of its columns only those of text may be cut."""
    texts = {name for name in names if all(isinstance(row[name], str | None) for row in rows)}
    columns = [Column(name, name, "text" if name in texts else "plain") for name in names]
    render.show(rows, columns, form, to)
