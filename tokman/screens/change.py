"""Why spend moved: one sentence, a waterfall, the change by dimension, what it was drawn from."""

from __future__ import annotations

import shutil
import textwrap
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TextIO

from tokman import render
from tokman.render.cells import Column, cents, exact, harmless
from tokman.screens.change_notes import notes
from tokman.screens.change_table import NAMES, exact_names, exact_row, table
from tokman.screens.change_words import cause_of, rounded, sentence, usd

if TYPE_CHECKING:
    from tokman.change import Moved
    from tokman.change.compare import Answer
    from tokman.change.drawn import Drawn

Row = dict[str, Any]

ROWS = 12
"""Rows of a screen before the rest is one."""

BAR = 32
"""Characters of a bar in a pipe, and the least on a terminal."""

SPEND, MORE, LESS = "█", "▓", "░"

ZOOMED = 0.5
"""Where spend never falls below this share of its most, bars do not begin at nothing."""

LABELS = {
    "length": "Length of the period",
    "volume": "Volume (calls)",
    "paid_share": "Calls that buy something",
    "input_per_call": "Input per call",
    "output_per_call": "Output per call",
    "reasoning_per_call": "Reasoning per call",
    "requests_per_call": "Searches, fees per call",
    "tokens_per_call": "Tokens per call",
    "caching": "Caching",
    "tier_mix": "Tier",
    "prompt_length_mix": "Long prompts",
    "price": "List price",
    "discount": "Discount",
}


def show(answer: Answer, form: str, to: TextIO, *, top: int | None = None) -> None:
    """The change in one of the formats of `tokman.render`; csv is the table by dimension."""
    rows = answer.change.by(*answer.by)
    if form in ("table", "markdown") or top:
        rows = answer.change.folded(rows, top or ROWS)
    if form == "json":
        from tokman.render.machine import json_text

        to.write(json_text(exact(_document(answer, rows))))
        return
    if form == "csv":
        flat = [exact_row(answer, row) for row in rows]
        kinds = [Column(name, name, "plain") for name in exact_names(answer)]
        render.show(flat, kinds, "csv", to)
        return
    if form == "markdown":
        from tokman.render.markdown import escaped

        to.write(f"{escaped(sentence(answer))}\n\n")
    else:
        width = min(shutil.get_terminal_size((80, 24)).columns, 100)
        told = textwrap.fill(harmless(sentence(answer)), width, break_on_hyphens=False)
        to.write(told + "\n")
    _waterfall(answer, form, to)
    to.write("\n" if form == "markdown" else "")
    shown, columns, total = table(answer, rows)
    render.show(shown, columns, form, to, total=total, notes=notes(answer))


def label(factor: str) -> str:
    """A factor as a person calls it."""
    if factor in LABELS:
        return LABELS[factor]
    return factor.removesuffix("_mix").replace("_", " ").capitalize() + " mix"


def _waterfall(answer: Answer, form: str, to: TextIO) -> None:
    """From spend before to spend after, factor by factor; as shown the amounts add up."""
    change = answer.change
    before, after = change.spent_before, change.spent_after
    digits = cents([usd(before), usd(after), *map(usd, change.parts.values())])
    parts = {name: part for name, part in change.parts.items() if part}
    steps = [before]
    for part in parts.values():
        steps.append(steps[-1] + part)
    low, width = _axis(steps), _bar_width(to)
    rows: list[Row] = [
        {"part": f"Before: {answer.before.name}", "amount": rounded(before, digits)},
        *({"part": f"  {label(name)}"} for name in parts),
        {"part": f"After: {answer.after.name}", "amount": rounded(after, digits)},
    ]
    amounts = _adding_up(list(parts.values()), rows[-1]["amount"] - rows[0]["amount"], digits)
    scale = width / ((max(steps) - low) or 1)
    rows[0]["bar"] = _bar(low, before, low, scale, SPEND)
    rows[-1]["bar"] = _bar(low, after, low, scale, SPEND)
    for row, amount, (old, new) in zip(rows[1:-1], amounts, pairwise(steps), strict=True):
        row["amount"] = amount
        row["bar"] = _bar(old, new, low, scale, MORE if new > old else LESS)
    start = f", bars from {render.cells.dollars(usd(low))}" if low else ""
    columns = [
        Column("part", "A day" if answer.per_day else "Spend"),
        Column("amount", "Amount", "money", digits=digits),
        Column(
            "bar",
            f"{SPEND} spend  {MORE} more  {LESS} less{start}",
            "plain",
            screen=form == "table",
            keep=1,
        ),
    ]
    render.show(rows, columns, form, to)


def _adding_up(parts: list[int], total: Decimal, digits: int) -> list[Decimal]:
    """The parts with so many digits, as they add up; what is too small for them stays as it is."""
    from tokman.change.lmdi import whole

    scaled = whole([part / 10 ** (12 - digits) for part in parts], int(total.scaleb(digits)))
    return [
        Decimal(shown).scaleb(-digits) if shown else usd(part)
        for shown, part in zip(scaled, parts, strict=True)
    ]


def _axis(steps: list[int]) -> int:
    """Where the bars begin, pico-dollars."""
    least, most = min(steps), max(steps)
    if least < ZOOMED * most or least == most:
        return min(least, 0)
    return max(0, least - (most - least) // 4)


def _bar_width(to: TextIO) -> int:
    if not to.isatty():
        return BAR
    return max(BAR, min(2 * BAR, shutil.get_terminal_size((80, 24)).columns - 52))


def _bar(start: int, end: int, low: int, scale: float, char: str) -> str:
    left, right = sorted((start - low, end - low))
    at = round(left * scale)
    return " " * at + char * max(1, round(right * scale) - at)


def _document(answer: Answer, rows: list[Moved]) -> Row:
    change = answer.change
    return {
        "sentence": sentence(answer),
        "per_day": answer.per_day,
        "before": _side(answer.before, change.spent_before),
        "after": _side(answer.after, change.spent_after),
        "change": usd(change.amount),
        "parts": {name: usd(part) for name, part in change.parts.items()},
        "causes": [
            {
                "kind": cause.kind,
                "who": list(cause.who),
                "amount": usd(cause.amount),
                "growth": cause.growth,
                "shares": list(cause.shares) if cause.shares else None,
                "from": cause.origin,
                "to": cause.to,
                "words": cause_of(cause, answer),
            }
            for cause in answer.told
        ],
        "by": [NAMES.get(name, name) for name in answer.by],
        "rows": [exact_row(answer, row) for row in rows],
        "notes": notes(answer),
    }


def _side(drawn: Drawn, cost: int) -> Row:
    first, last = drawn.period
    made = {name: getattr(drawn, name) for name in drawn.__struct_fields__ if name != "period"}
    return made | {"first_call": first, "last_call": last, "spend": usd(cost)}
