"""What other prices change, model by model, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from tokman import render
from tokman.render.cells import Column, plural

if TYPE_CHECKING:
    from tokman.reprice import Difference, Last, Settled


def show(answer: Difference, form: str, to: TextIO, *, undo: Last | None = None) -> None:
    """The models whose amounts change; on a screen a sentence where none does."""
    notes = _notes(answer, undo)
    if not answer.rows and form in ("table", "markdown"):
        to.write("\n".join(notes) + "\n")
        return
    contracted = any(row["contracted_difference"] != row["difference"] for row in answer.rows)
    priced = bool(answer.total["newly_priced_calls"] or answer.total["no_longer_priced_calls"])
    new = "Before" if undo else "New"
    columns = [
        Column("model", "Model", missing="(no model)"),
        Column("provider", "Provider", missing="(none)", keep=3),
        Column("service_tier", "Tier", keep=4),
        Column("calls", "Calls", "count", keep=7),
        Column("changed_calls", "Changed", "count", keep=2),
        Column("list_cost", "Stored", "money"),
        Column("new_list_cost", new, "money"),
        Column("difference", "Difference", "money"),
        Column("contracted_cost", "Contracted", "money", screen=False),
        Column("new_contracted_cost", f"{new} contracted", "money", screen=contracted, keep=5),
        Column("contracted_difference", "Difference", "money", screen=contracted, keep=6),
        Column("newly_priced_calls", "Newly priced", "count", screen=priced, keep=8),
        Column("no_longer_priced_calls", "No longer priced", "count", screen=priced, keep=8),
    ]
    total = answer.total | {"model": "Total"}
    render.show(answer.rows, columns, form, to, total=total, notes=notes)


def settled(done: Settled, to: TextIO) -> None:
    """What was done."""
    words = f"{plural(done.calls, 'call')} repriced"
    if done.left:
        words += f"; {done.left:,} changed meanwhile and keep what they have"
    to.write(words + "\n")


def _notes(answer: Difference, undo: Last | None) -> list[str]:
    """Which calls these are, and by which cards."""
    calls = answer.total["calls"]
    if undo:
        what = f"The reprice of {undo.at} UTC by {undo.rate_card}: {plural(calls, 'call')}"
        return [f"{what} can go back to the costs before it"]
    if not calls:
        return [f"Nothing would change: every call is priced by {answer.rate_card}"]
    before = ", ".join(card or "no card" for card in answer.rate_cards)
    same = calls - answer.total["changed_calls"]
    notes = [f"{plural(calls, 'call')} priced by {before}, anew by {answer.rate_card}"]
    if same:
        notes[0] += f"; {same:,} of them cost what they did"
    if answer.total["newly_priced_calls"] or answer.total["no_longer_priced_calls"]:
        notes.append("A call without a price is in no stored or new cost, and never at $0")
    return notes
