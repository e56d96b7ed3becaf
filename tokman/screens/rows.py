"""Answers as they are: of a question in SQL, and of what tokman reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from tokman import render
from tokman.render.cells import Column

if TYPE_CHECKING:
    from tokman.ranks import Place


def show(rows: list[dict[str, Any]], names: list[str], form: str, to: TextIO) -> None:
    """The rows of a query as they are; of its columns only those of text may be cut."""
    texts = {name for name in names if all(isinstance(row[name], str | None) for row in rows)}
    columns = [Column(name, name, "text" if name in texts else "plain") for name in names]
    render.show(rows, columns, form, to)


def sources(rows: list[dict[str, Any]], form: str, to: TextIO) -> None:
    """The formats; on a screen each usual place has a line of its own."""
    if form in ("table", "markdown"):
        rows = [
            {**row, "usual_place": place} if number == 0 else {"usual_place": place}
            for row in rows
            for number, place in enumerate(row["usual_places"] or ["wherever you log to"])
        ]
    if form == "csv":
        rows = [row | {"usual_places": ", ".join(row["usual_places"])} for row in rows]
    columns = [
        Column("source", "Source", "plain", missing=""),
        Column("reads", "Reads", missing=""),
        Column("usual_places", "Usual places", "plain", screen=False),
        Column("usual_place", "Usual places", "plain"),
    ]
    render.show(rows, columns[:3] if form in ("json", "csv") else columns, form, to)


def ranks(places: dict[str, Place], form: str, to: TextIO) -> None:
    """Each encoding and the file that it is read from."""
    rows = [
        {"encoding": name, "file": str(place.path) if place.path else None}
        for name, place in places.items()
    ]
    columns = [
        Column("encoding", "Encoding", "plain"),
        Column("file", "Ranks", "plain", missing="none: texts are counted by their size"),
    ]
    render.show(rows, columns, form, to)
