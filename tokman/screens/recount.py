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
        return
    columns = [
        Column("model", "Model", missing="(no model)"),
        Column("provider", "Provider", missing="(none)", keep=3),
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
    total = answer.total | {"model": "Total", "provider": "", "learned_from": None}
    calls = plural(answer.total["calls"], "call")
    notes = [
        f"{calls} whose log states no counts, by what this ledger's own calls of the model report "
        "for their texts; ±: nine in ten of these lie within"
    ]
    render.show(answer.rows, columns, form, to, total=total, notes=notes)
