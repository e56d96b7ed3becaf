"""What a recount changes, model by model, and what it was learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from tokman import render
from tokman.render.cells import Column, plural

if TYPE_CHECKING:
    from tokman.recount import Recount


def show(answer: Recount, form: str, to: TextIO) -> None:
    """The models whose estimates change; on a screen a sentence where none does."""
    if not answer.rows and form in ("table", "markdown"):
        to.write("Nothing would change: no model has both estimated calls and new evidence\n")
        to.writelines(note + "\n" for note in _gone(answer))
        return
    columns = [
        Column("model", "Model", missing="(no model)"),
        Column("provider", "Provider", missing="(none)", keep=3),
        Column("count_basis", "Counted", missing="", keep=8),
        Column("calls", "Calls", "count"),
        Column("learned_from", "Learned from", "count", missing="", keep=5),
        Column("input_tokens_per_byte", "Input tokens a byte", "plain", screen=False),
        Column("output_tokens_per_byte", "Output tokens a byte", "plain", screen=False),
        Column("margin", "±", "share", keep=6),
        Column("tokens", "Tokens", "count"),
        Column("new_tokens", "New", "count"),
        Column("list_cost", "Stored", "money"),
        Column("new_list_cost", "New", "money"),
    ]
    total = answer.total | {"model": "Total", "provider": ""}
    learned = sum(row["calls"] for row in answer.rows if row["count_basis"] == "ratio")
    notes = []
    if learned:
        notes.append(
            f"{plural(learned, 'call')} whose log states no counts, by what this ledger's own "
            "calls of the model report for their texts; ±: nine in ten of these lie within"
        )
    if told := answer.total["calls"] - learned:
        notes.append(
            f"{plural(told, 'call')} by the model's own encoding: their logs were read again with "
            "the ranks that are at hand now"
        )
    notes += _gone(answer)
    render.show(answer.rows, columns, form, to, total=total, notes=notes)


def _gone(answer: Recount) -> list[str]:
    """What keeps calls from better counts."""
    if not answer.gone:
        return []
    calls = plural(answer.gone, "call")
    return [f"{calls} could be counted by the model's encoding, if the logs were where they were"]
