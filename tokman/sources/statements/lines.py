"""What statement sources share: amounts to the letter, views, and the ids of lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Context as Arithmetic
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context, Record
from tokman.sources.facts import amount
from tokman.sources.form import encode
from tokman.statement import Statement

DAY, HOUR, MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000
"""Microseconds."""

_WIDTHS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"))
EXACT = Arithmetic(prec=130)
"""Enough digits for any amount that is believed."""

_LONGEST = 60
"""Places on either side of the point that are believed; bills go to 30 behind it."""

Dimensions = dict[str, str | None]
"""Values of what an export groups by, under the provider's names; None is not grouped or none."""


class Draft(msgspec.Struct):
    """A line whose view is known once the other lines of its bucket are."""

    statement: Statement
    by: Dimensions
    beside: Dimensions = {}
    """What tells the line apart without being grouped by of its own."""


class Counting:
    """Part of every source of tables: rows that are alike but for amounts are counted through."""

    splittable: ClassVar[bool] = False
    from_row: ClassVar[Callable[[dict[str, Any]], Any] | None] = dict

    def __init__(self, context: Context) -> None:
        self.context = context
        self.seen: Counter[str] = Counter()

    def finish(self) -> Iterable[Record]:
        """Nothing is held back."""
        return ()

    def state(self) -> bytes:
        """How many rows of each kind were read."""
        return msgspec.json.encode(self.seen)

    def resume(self, state: bytes) -> None:
        """Count on from there."""
        self.seen.update(msgspec.json.decode(state, type=dict[str, int]))


def settle(
    context: Context, source: str, drafts: Iterable[Draft], seen: Counter[str] | None = None
) -> list[Statement]:
    """The lines with view and id: a dimension was grouped by where a line of the bucket has it."""
    seen = Counter() if seen is None else seen
    buckets: dict[tuple[str, str, int, int], list[Draft]] = {}
    for draft in drafts:
        line = draft.statement
        bucket = (line.kind, line.part, line.period_start, line.period_end)
        buckets.setdefault(bucket, []).append(draft)
    settled = []
    for (_, _, start, end), found in buckets.items():
        grouped = {name for draft in found for name, value in draft.by.items() if value is not None}
        view = view_of(start, end, grouped)
        settled += [place(context, source, draft, view, seen) for draft in found]
    return settled


def view_of(start: int, end: int, grouped: Iterable[str]) -> str:
    """How an export with such buckets groups: `1d by model,project_id`."""
    names = ",".join(sorted(grouped))
    return f"{width(start, end)} by {names}" if names else width(start, end)


def place(context: Context, source: str, draft: Draft, view: str, seen: Counter[str]) -> Statement:
    """The line with its view and its id; `seen` counts lines that are alike but for amounts."""
    line = draft.statement
    line.view = view
    dimensions = (_stated(draft.by), _stated(draft.beside))
    facts = (
        *(line.kind, line.part, view, line.period_start, line.period_end, line.account_id),
        dimensions,
    )
    known = context.hash_text(encode(facts).decode())
    number = seen[known] = seen.get(known, 0) + 1
    line.statement_id = f"{source}:{known}" if number == 1 else f"{source}:{known}#{number}"
    return line


def _stated(told: Dimensions) -> Dimensions:
    return {name: value for name, value in told.items() if value is not None}


def width(start: int, end: int) -> str:
    """The length of a bucket, in the largest unit that it is whole in: `1d`, `1h`, `90s`."""
    length = end - start
    for unit, letter in _WIDTHS:
        if length and length % unit == 0:
            return f"{length // unit}{letter}"
    return f"{length // 1_000_000}s"


def letter(value: Decimal, field: str) -> str:
    """An amount digit by digit, as it is stated, without an exponent."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_LONGEST or value.adjusted() > _LONGEST:
        raise BadRecord(f"{field}: no plausible amount")
    return f"{value:f}"


def cents(value: Decimal, field: str) -> Decimal | None:
    """Cents in dollars, exactly."""
    letter(value, field)
    return amount(EXACT.scaleb(value, -2), field)


def counted(value: Decimal | None, field: str) -> Decimal | None:
    """A quantity that cannot be below zero."""
    quantity = amount(value, field)
    if quantity is not None and quantity < 0:
        raise BadRecord(f"{field}: below zero")
    return quantity


def signed(line: Statement, words: str | None) -> None:
    """Tell credits and corrections, which are below zero, from what was used.

    https://focus.finops.org/focus-specification/v1-2/: a credit is granted by the provider, an
    adjustment corrects an earlier charge.
    """
    if line.billed_amount is not None and line.billed_amount < 0:
        line.charge_category = "credit" if "credit" in (words or "").lower() else "adjustment"
