"""The change by dimension: for a person with factors of a kind in one column, else in full."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tokman.render.cells import Column, cents
from tokman.screens.change_words import usd

if TYPE_CHECKING:
    from tokman.change import Change, Moved
    from tokman.change.compare import Answer

Row = dict[str, Any]

COLUMNS = {
    "calls": ("Calls", 7, ("length", "volume", "paid_share")),
    "models": ("Model", 5, ("model_mix",)),
    "tokens": (
        "Tokens",
        6,
        (
            "input_per_call",
            "output_per_call",
            "reasoning_per_call",
            "requests_per_call",
            "tokens_per_call",
        ),
    ),
    "cached": ("Caching", 4, ("caching",)),
    "terms": ("Tier", 3, ("tier_mix", "prompt_length_mix")),
    "prices": ("Price", 3, ("price", "discount")),
}
"""Title, how long a column stays, and its factors; all mixes but that of models are of calls."""

TITLES = {"bought": "Token class", "tier": "Tier", "prompt": "Prompt length"}

NAMES = {"bought": "token_class", "tier": "tier", "prompt": "prompt_length"}
"""What programs call the details that a change can be seen by."""

AMOUNTS = ("before", "after", "change", *COLUMNS)


def table(answer: Answer, rows: Sequence[Moved]) -> tuple[list[Row], list[Column], Row]:
    """Rows, columns and total."""
    names = answer.by
    shown: list[Row] = [
        dict(zip(names, map(_spoken, names, row.values), strict=True)) | _row(answer.change, row)
        for row in rows
    ]
    total: Row = {name: sum((row[name] for row in shown), Decimal(0)) for name in AMOUNTS}
    digits = cents([total["before"], total["after"], *(row["change"] for row in shown)])
    columns = [Column(name, title(name), missing=_missing(name)) for name in names]
    columns += [
        Column("before", "Before", "money", keep=5, digits=digits),
        Column("after", "After", "money", keep=8, digits=digits),
        Column("change", "Change", "money", digits=digits),
    ]
    for name, (head, keep, _) in COLUMNS.items():
        moved = any(row[name] for row in shown)
        columns.append(Column(name, head, "money", screen=moved, keep=keep, digits=digits))
    new = any(row["presence"] for row in shown)
    columns.append(Column("presence", "", missing="", screen=new, keep=7))
    for row in (*shown, total):
        row.update({name: row[name] or None for name in COLUMNS})
    return shown, columns, total | {names[0]: "Total"}


def exact_names(answer: Answer) -> list[str]:
    """Columns of a row for programs, in order."""
    own = [NAMES.get(name, name) for name in answer.by]
    return [*own, "before", "after", "change", *answer.change.factors, "presence"]


def exact_row(answer: Answer, row: Moved) -> Row:
    """A row for programs: every factor, exact dollars."""
    own = [NAMES.get(name, name) for name in answer.by]
    return {
        **dict(zip(own, row.values, strict=True)),
        "before": usd(row.before),
        "after": usd(row.after),
        "change": usd(row.amount),
        **{name: usd(part) for name, part in row.parts.items()},
        "presence": row.presence,
    }


def title(name: str) -> str:
    """A dimension as the head of a column."""
    plain = name.removesuffix("_id").removesuffix("_name").replace("_", " ").capitalize()
    return TITLES.get(name, plain)


def _row(change: Change, row: Moved) -> Row:
    made: Row = {"before": usd(row.before), "after": usd(row.after), "change": usd(row.amount)}
    mixes = tuple(f"{name}_mix" for name in change.dimensions if name != "model")
    for name, (_, _, factors) in COLUMNS.items():
        own = (*factors, *mixes) if name == "calls" else factors
        made[name] = usd(sum(row.parts[factor] for factor in own))
    return made | {"presence": None if row.presence == "both" else row.presence}


def _spoken(name: str, value: str | None) -> str | None:
    if name == "bought" and value is not None:
        return value.removesuffix("_tokens").replace("_", " ")
    return "any" if name == "prompt" and not value else value


def _missing(name: str) -> str:
    return "(unattributed)" if name in ("workflow", "user", "team", "project") else "(none)"
