"""The gate's answer, the verdict first."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, TextIO

import msgspec

from tokman import render
from tokman.render.cells import Column, exact, harmless, signed

if TYPE_CHECKING:
    from tokman.check import Judgement


def show(answer: Judgement, form: str, to: TextIO) -> None:
    """The gate's answer, the verdict first."""
    if form == "json":
        from tokman.render.machine import json_text

        to.write(json_text(exact(msgspec.to_builtins(answer, builtin_types=(Decimal, date)))))
        return
    rows = [{name: getattr(row, name) for name in row.__struct_fields__} for row in answer.rows]
    for row in rows:
        row["rise"] = signed(row["change"]) if row["change"] is not None else None
        row["units_seen"] = f"{row['base_units']:,} → {row['units']:,}"
    columns = [
        Column("workflow", "Workflow", missing="(unattributed)"),
        Column("units_seen", f"{answer.unit.capitalize()}s", "plain"),
        Column("base_cost_per_unit", "Before", "money"),
        Column("cost_per_unit", "Now", "money"),
        Column("rise", "Change", "plain"),
        Column("verdict", "Verdict"),
    ]
    verdict = _verdict(answer)
    prices = (
        f"Both sides at the prices of {answer.priced_at:%Y-%m-%d}, rate card {answer.rate_card}; "
        f"allowed: {signed(answer.max_increase)}"
    )
    notes = [prices]
    if answer.base_unpriced_calls or answer.unpriced_calls:
        notes.append(
            "Calls without a price, in no cost above: "
            f"{answer.base_unpriced_calls:,} before, {answer.unpriced_calls:,} now"
        )
    if form == "markdown":
        from tokman.render.markdown import escaped

        to.write(f"<!-- tokman check -->\n### tokman check: {escaped(verdict)}\n\n")
        render.show(rows, columns, "markdown", to, notes=notes)
        return
    to.write(harmless(verdict) + "\n")
    render.show(rows, columns, "table", to, notes=notes)


def _verdict(answer: Judgement) -> str:
    """The outcome in one sentence."""
    dearer = [row for row in answer.rows if row.verdict == "regression"]
    if not dearer:
        total = f" ({signed(answer.change)} in all)" if answer.change is not None else ""
        return f"pass: no workflow costs more per {answer.unit} than allowed{total}"
    worst = max(dearer, key=lambda row: row.change if row.change is not None else float("inf"))
    rise = signed(worst.change) if worst.change is not None else "from nothing"
    others = f", and {len(dearer) - 1} more" if len(dearer) > 1 else ""
    name = "(unattributed)" if worst.workflow is None else worst.workflow
    return f"regression: {name} costs {rise} per {answer.unit}{others}"
