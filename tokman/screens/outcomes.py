"""Outcomes: what a file of them gave, and what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from tokman import render
from tokman.render.cells import Column, harmless, plural

if TYPE_CHECKING:
    from tokman.outcomes import Added

NAMED_REJECTS = 10


def added(done: Added, there: list[dict[str, Any]], to: TextIO) -> None:
    """What was added and refused, and what no call belongs to; on stderr."""

    def say(text: str) -> None:
        to.write(harmless(text) + "\n")

    for reject in done.rejects[:NAMED_REJECTS]:
        say(f"{reject.path}:{reject.line}: {reject.reason}")
    if len(done.rejects) > NAMED_REJECTS:
        say(f"… and {len(done.rejects) - NAMED_REJECTS:,} more")
    parts = [f"{plural(done.rows, 'outcome')} added or replaced, {done.successes:,} a success"]
    if done.rejects:
        parts.append(f"{plural(len(done.rejects), 'row')} refused")
    say(" · ".join(parts))
    for row in there:
        alone = row["outcomes"] - row["joined"]
        if alone:
            say(
                f"{alone:,} of {plural(row['outcomes'], 'outcome')} {row['outcome']!r} by "
                f"{row['key']} belong to no call in the ledger"
            )


def show(rows: list[dict[str, Any]], form: str, to: TextIO) -> None:
    """Outcomes by kind and key."""
    columns = [
        Column("outcome", "Outcome"),
        Column("key", "By"),
        Column("outcomes", "Outcomes", "count"),
        Column("successes", "Successes", "count"),
        Column("joined", "With calls", "count"),
        Column("calls", "Calls", "count"),
    ]
    render.show(rows, columns, form, to)
