"""A table for a terminal or a pipe."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tokman.render.cells import Column, texts

Row = dict[str, Any]

WIDE = 10_000
"""Width where nobody's screen sets a limit: a pipe gets every cell whole."""

NAME = 20
"""Names are not cut shorter than this while a column of numbers could leave instead."""


def console(to: TextIO) -> Console:
    """A console as wide as the terminal, or as wide as needed in a pipe; obeys NO_COLOR."""
    screen = to.isatty()
    width = shutil.get_terminal_size((80, 24)).columns if screen else WIDE
    return Console(file=to, width=width, highlight=False, emoji=False, markup=False)


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
    telling columns leave, and a note says which.
    """
    every = [*rows, total] if total is not None else list(rows)
    cells = {
        column.name: texts([row.get(column.name) for row in every], column)
        for column in columns
        if column.screen
    }
    screen = console(to)
    shown, gone = _fitting([c for c in columns if c.screen], cells, screen.width)
    table = Table(
        box=box.SIMPLE_HEAD, show_footer=total is not None, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for column in shown:
        words = column.kind in ("text", "plain")
        own = total is not None and column.name in total
        table.add_column(
            column.title,
            footer=Text(cells[column.name][-1] if own else ""),
            justify="left" if words else "right",
            overflow="ellipsis",
            no_wrap=True,
            min_width=None if column.kind == "text" else _width(column, cells),
        )
    for index in range(len(rows)):
        table.add_row(*(Text(cells[column.name][index]) for column in shown))
    screen.print(table)
    if gone:
        names = ", ".join(column.title for column in gone)
        notes = [*notes, f"Not shown for want of width: {names}"]
    for note in notes:
        screen.print(Text(note, style="dim"), soft_wrap=not to.isatty())


def _fitting(
    columns: list[Column], cells: dict[str, list[str]], width: int
) -> tuple[list[Column], list[Column]]:
    """The columns that fit with names cut to no less than NAME, and those that had to leave."""
    shown = list(columns)
    while True:
        need = sum(
            min(_width(column, cells), NAME) if column.kind == "text" else _width(column, cells)
            for column in shown
        ) + 2 * len(shown)
        least = min(shown, key=lambda column: (column.keep, -shown.index(column)))
        if need <= width or least.keep == 9:
            return shown, [column for column in columns if column not in shown]
        shown.remove(least)


def _width(column: Column, cells: dict[str, list[str]]) -> int:
    return max(cell_len(text) for text in [column.title, *cells[column.name]])
