"""Why the spend of now is not that of before: the change told apart by its causes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tokman.change import decompose
from tokman.change.lmdi import whole
from tokman.change.taken import Rates, sides
from tokman.check.baseline import COUNTED
from tokman.check.verdict import Moved, Part
from tokman.query import run
from tokman.render.cells import cents, dollars
from tokman.usage import PICO

if TYPE_CHECKING:
    import duckdb

    from tokman.rates import Card

BY = ("workflow", "model")

SHOWN = 3
"""Causes that the sentence has room for."""


def moved(
    before: duckdb.DuckDBPyConnection, now: duckdb.DuckDBPyConnection, card: Card
) -> Moved | None:
    """The change in spend from `before` to `now`, each a connection with a side's calls in view
    `bought`, in parts that add up to it; None where neither spent anything."""
    asked = "select distinct rate_id from bought where rate_id is not null"
    seen = {name for side in (before, now) for (name,) in side.execute(asked).fetchall()}
    rates = Rates(card, seen)
    rows = [_rows(side, rates) for side in (before, now)]
    taken = sides(rows[0], rows[1], BY, rates)
    change = decompose(taken.before, taken.after, BY)
    if not change.spent_before and not change.spent_after:
        return None
    parts = [
        Part(factor=name.replace("_", " "), amount=_usd(amount))
        for name, amount in change.parts.items()
    ]
    spent = (_usd(change.spent_before), _usd(change.spent_after))
    return Moved(before=spent[0], now=spent[1], parts=parts, sentence=sentence(*spent, parts))


def sentence(before: Decimal, now: Decimal, parts: list[Part]) -> str:
    """By how much spend moved, and by what most; the amounts in it add up."""
    told = sorted((part for part in parts if part.amount), key=lambda part: -abs(part.amount))
    if not told:
        return f"Spend stayed at {dollars(now, 2)}."
    digits = cents([now - before, *(part.amount for part in told[:SHOWN])])
    amounts = [part.amount for part in told[:SHOWN]]
    names = [part.factor for part in told[:SHOWN]]
    if told[SHOWN:]:
        amounts.append(sum((part.amount for part in told[SHOWN:]), Decimal(0)))
        names.append("the rest")
    total = round(now - before, digits)
    shown = whole([float(each.scaleb(digits)) for each in amounts], int(total.scaleb(digits)))
    verb = "rose" if total > 0 else "fell" if total < 0 else "stayed at"
    causes = [
        f"{dollars(Decimal(amount).scaleb(-digits), digits)} from {name}"
        for amount, name in zip(shown, names, strict=True)
    ]
    return f"Spend {verb} {dollars(abs(total) or now, digits)}: {', '.join(causes)}."


def _rows(side: duckdb.DuckDBPyConnection, rates: Rates) -> list[dict[str, Any]]:
    rates.lay(side)
    found = run(side, "check/bought", quantities=list(COUNTED))
    for row in found:
        row["list_cost"] = int(row["list_cost"] * PICO)
        row["cost"] = int(row["contracted_cost"] * PICO)
    return found


def _usd(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-12)
