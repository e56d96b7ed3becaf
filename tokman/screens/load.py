"""The load curve, as an energy manager would draw it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from tokman import render
from tokman.render.cells import Column, harmless, percent, plural

if TYPE_CHECKING:
    from tokman.recommend.load import Load

WIDTH = 32
"""Characters of the longest bar."""
FIRM, SHIFTABLE = "█", "░"


def show(curve: Load, form: str, to: TextIO) -> None:
    """Every hour with its cost, firm and shiftable, and what that comes to."""
    most = max(row["cost"] for row in curve.rows)
    rows = [dict(row, curve=_bar(row, most), hour=f"{row['hour_of_day']:02}") for row in curve.rows]
    columns = [
        Column("hour", "Hour", "plain", screen=form in ("table", "markdown")),
        Column("hour_of_day", "Hour", "plain", screen=False),
        Column("calls", "Calls", "count"),
        Column("shiftable_calls", "Shiftable calls", "count", screen=False),
        Column("cost", "Cost", "money"),
        Column("shiftable_cost", "Shiftable", "money"),
        Column("curve", f"{FIRM} firm  {SHIFTABLE} shiftable", "plain"),
    ]
    if form in ("json", "csv"):
        columns = [column for column in columns if column.name not in ("hour", "curve")]
    render.show(rows, columns, form, to, notes=_notes(curve))


def _bar(row: dict[str, Any], most: Any) -> str:
    if not most:
        return ""
    whole = round(float(row["cost"] / most) * WIDTH)
    moved = round(float(row["shiftable_cost"] / most) * WIDTH)
    return FIRM * (whole - moved) + SHIFTABLE * moved


def _notes(curve: Load) -> list[str]:
    notes = [
        f"{plural(curve.days, 'day')} added up, hours in {curve.tz}; the dearest hour costs "
        f"{curve.peak_to_average:.1f} times the mean one; {percent(curve.shiftable)} of the cost "
        "could be at another hour"
    ]
    if curve.patient:
        told = ", ".join(f"{name} ({word})" for name, word in sorted(curve.patient.items()))
        notes.append(f"Able to wait: {told}")
    else:
        notes.append(
            "No workflow is known to be able to wait: declare workflows.NAME.max_delay in "
            "tokman.toml"
        )
    if curve.timeless:
        notes.append(f"{plural(curve.timeless, 'call')} without a time of their own in no hour")
    return [harmless(note) for note in notes]
