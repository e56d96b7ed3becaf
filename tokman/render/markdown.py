"""A markdown table for a page or a comment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tokman.render.cells import Column, texts

Row = dict[str, Any]

SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>|~#"} | {"&": "&amp;"})


def as_markdown(
    rows: Sequence[Row], columns: Sequence[Column], total: Row | None, notes: Iterable[str]
) -> str:
    """A GitHub table with the total in bold, then the notes; log text cannot be markup."""
    shown = [column for column in columns if column.screen]
    lines = [
        _line(column.title for column in shown),
        _line("---" if column.kind in ("text", "plain") else "---:" for column in shown),
    ]
    every = [*rows, total] if total is not None else rows
    cells = [texts([row.get(column.name) for row in every], column) for column in shown]
    harmless = [[text.translate(SPECIAL) for text in line] for line in zip(*cells, strict=True)]
    if total is not None and harmless:
        harmless[-1] = [
            f"**{text}**" if column.name in total else ""
            for text, column in zip(harmless[-1], shown, strict=True)
        ]
    lines += map(_line, harmless)
    text = "\n".join(lines) + "\n"
    for note in notes:
        text += f"\n{note.translate(SPECIAL)}\n"
    return text


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
