"""A table for a terminal or a pipe."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich.cells import cell_len, set_cell_size

from tokman.render.cells import Column, harmless, texts

Row = dict[str, Any]

LEAST = 3
"""Names are never cut shorter than this."""

ALIGNED = 100
"""In a pipe a text longer than this pushes the rest of its own line aside, and no other line."""


def print_table(
    rows: Sequence[Row],
    columns: Sequence[Column],
    to: TextIO,
    *,
    total: Row | None = None,
    notes: Iterable[str] = (),
) -> None:
    """Print the rows, the total beneath a rule, and the notes.

    No number is ever cut: where the screen is narrow, names are shortened first, then the least
    telling columns leave, and a note says which. A pipe gets every cell whole.
    """
    every = [*rows, total] if total is not None else list(rows)
    on_screen = [column for column in columns if column.screen]
    cells = {
        column.name: texts([row.get(column.name) for row in every], column) for column in on_screen
    }
    terminal = to.isatty()
    limit = shutil.get_terminal_size((80, 24)).columns if terminal else None
    shown, gone = _fitting(on_screen, cells, limit)
    widths = _widths(shown, cells, limit)
    head = _line([harmless(column.title) for column in shown], shown, widths, terminal)
    lines = ["", head, " " + "─" * (sum(widths.values()) + 2 * len(shown) - 2)]
    for index in range(len(rows)):
        lines.append(
            _line([cells[column.name][index] for column in shown], shown, widths, terminal)
        )
    lines.append("")
    bold = {1, len(lines)} if total is not None else {1}
    if total is not None:
        own = [cells[column.name][-1] if column.name in total else "" for column in shown]
        lines += [_line(own, shown, widths, terminal), ""]
    notes = [harmless(note) for note in notes]
    if gone:
        names = ", ".join(harmless(column.title) for column in gone)
        notes.append(f"Not shown for want of width: {names}")
    if limit is None:
        to.write("\n".join([*lines, *notes]) + "\n")
    else:
        _styled(lines, bold, notes, limit, to)


def _styled(lines: list[str], bold: set[int], notes: list[str], width: int, to: TextIO) -> None:
    """The same on a terminal: the head and the total bold, the notes dim; obeys NO_COLOR."""
    from rich.console import Console
    from rich.text import Text

    screen = Console(file=to, width=width, height=100, highlight=False, emoji=False, markup=False)
    for index, line in enumerate(lines):
        screen.print(Text(line, style="bold" if index in bold else ""), soft_wrap=True)
    for note in notes:
        screen.print(Text(note, style="dim"))


def _line(texts: list[str], columns: list[Column], widths: dict[str, int], cut: bool) -> str:
    """One line of the table, names to the left and numbers to the right."""
    parts = []
    for text, column in zip(texts, columns, strict=True):
        space = " " * (widths[column.name] - cell_len(text))
        if cut and cell_len(text) > widths[column.name]:
            text, space = _cut(text, widths[column.name]), ""
        parts.append(text + space if column.kind in ("text", "plain") else space + text)
    return (" " + "  ".join(parts)).rstrip()


def _cut(text: str, width: int) -> str:
    """The beginning of the text, so that it ends with … at `width`."""
    return set_cell_size(text, width - 1) + "…"


def _fitting(
    columns: list[Column], cells: dict[str, list[str]], limit: int | None
) -> tuple[list[Column], list[Column]]:
    """The columns that fit with names cut to no less than their least, and those that left."""
    shown = list(columns)
    while limit is not None and shown:
        need = sum(
            min(_width(column, cells), column.least)
            if column.kind == "text"
            else _width(column, cells)
            for column in shown
        ) + 2 * len(shown)
        least = min(shown, key=lambda column: (column.keep, -shown.index(column)))
        if need <= limit or least.keep == 9:
            break
        shown.remove(least)
    return shown, [column for column in columns if column not in shown]


def _widths(
    columns: list[Column], cells: dict[str, list[str]], limit: int | None
) -> dict[str, int]:
    """Width of each column; the longest names give way until the line fits."""
    widths = {column.name: _width(column, cells) for column in columns}
    if limit is None:
        texts = {column.name for column in columns if column.kind in ("text", "plain")}
        return {
            name: min(wide, ALIGNED) if name in texts else wide for name, wide in widths.items()
        }
    names = [column.name for column in columns if column.kind == "text"]
    room = limit - 2 * len(columns)
    while names and sum(widths.values()) > room:
        longest = max(names, key=lambda name: widths[name])
        if widths[longest] <= LEAST:
            break
        widths[longest] -= 1
    return widths


def _width(column: Column, cells: dict[str, list[str]]) -> int:
    return max(cell_len(text) for text in [harmless(column.title), *cells[column.name]])
