"""A markdown table for a page or a comment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tokman.render.cells import Column, harmless, texts

Row = dict[str, Any]

SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>|~#"} | {"&": "&amp;"})

LINK = re.compile(r"(?<=\w)(:)(?=//)|(?<=\bwww)(\.)", re.IGNORECASE)
"""Where GitHub makes a link of a bare address."""

MENTION = re.compile(r"(?<!\w)@(?=\w)")
"""Where GitHub notifies the person named; a comment in between is seen by nobody."""


def escaped(text: str) -> str:
    """The text of a log as plain words in markdown: no markup, link or mention."""
    quiet = LINK.sub(r"\\\g<0>", harmless(text).translate(SPECIAL))
    return MENTION.sub("@<!-- -->", quiet)


def as_markdown(
    rows: Sequence[Row], columns: Sequence[Column], total: Row | None, notes: Iterable[str]
) -> str:
    """A GitHub table with the total in bold, then the notes; log text cannot be markup."""
    shown = [column for column in columns if column.screen]
    lines = [
        _line(escaped(column.title) for column in shown),
        _line("---" if column.kind in ("text", "plain") else "---:" for column in shown),
    ]
    every = [*rows, total] if total is not None else rows
    cells = [texts([row.get(column.name) for row in every], column) for column in shown]
    table = [[escaped(text) for text in line] for line in zip(*cells, strict=True)]
    if total is not None and table:
        table[-1] = [
            f"**{text}**" if column.name in total else ""
            for text, column in zip(table[-1], shown, strict=True)
        ]
    lines += map(_line, table)
    text = "\n".join(lines) + "\n"
    for note in notes:
        text += f"\n{escaped(note)}\n"
    return text


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
