"""Lines of a cloud bill: those of model inference one by one, the rest summed by day."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Context as Arithmetic
from decimal import Decimal
from operator import attrgetter
from pathlib import PurePath
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context, Record
from tokman.sources.facts import word
from tokman.sources.statements.meters import Meter, counted
from tokman.sources.statements.moments import moment
from tokman.statement import AMOUNTS, Statement

DAY = 86_400_000_000
"""Microseconds."""

_EXACT = Arithmetic(prec=60)
_MOST = Decimal(10**19)
_amounts = attrgetter(*AMOUNTS)
_PART = re.compile(r"(?:^|[-_.])part[-_](\d+)(?:[-_](\d+))?(?=[-_.]|$)|[-_](0\d{4,})(?=\.|$)")


class _State(msgspec.Struct):
    seen: dict[str, int]
    others: list[tuple[Sequence[Any], Statement]]


class Bill:
    """Part of every source of cloud bills.

    A bill has every service of an account. Lines of model inference become rows one by one; all
    others are summed into a row for each day (that they begin on), account, project, category and
    currency (and the period they are billed in), so that the rows of a file add up to its total
    without millions.
    """

    splittable: ClassVar[bool] = False
    name: ClassVar[str]

    def __init__(self, context: Context) -> None:
        self.context = context
        self.part = part_number(context.path)
        self.others: dict[tuple[Any, ...], Statement] = {}
        self.seen: Counter[str] = Counter()

    def line(self, statement: Statement, billed_in: Any, *dimensions: Any) -> Iterable[Record]:
        """The row of a line, known again by its dimensions and its number among lines that have
        the same ones; `statement` states the period, account, project, category and currency."""
        if not statement.inference:
            self.add(statement, billed_in)
            return ()
        known = self.identity(*_common(statement), statement.period_end, billed_in, *dimensions)
        self.seen[known] += 1
        number = self.seen[known]
        statement.statement_id = known if number == 1 else f"{known}#{number}"
        return (statement,)

    def add(self, statement: Statement, billed_in: Any) -> None:
        """Sum the line up with the others of its day."""
        statement.period_start -= statement.period_start % DAY
        statement.period_end = statement.period_start + DAY
        key = (*_common(statement), billed_in)
        total = self.others.get(key)
        if total is None:
            statement.statement_id = self.identity("others", self.part, *key)
            self.others[key] = msgspec.structs.replace(
                statement,
                **dict.fromkeys(("model", "token_class", "service_name", "line_item")),
                **dict.fromkeys(("provider_name", "service_tier", "context_window")),
                **dict.fromkeys(("quantity", "unit", "stated_amount")),
            )
            return
        sums = list(map(_sum, _amounts(total), _amounts(statement)))
        for name, value in zip(AMOUNTS, sums, strict=True):
            setattr(total, name, value)
        total.issued_at = max(total.issued_at, statement.issued_at)

    def identity(self, *facts: Any) -> str:
        """The same for the same facts, whatever file states them."""
        known = msgspec.json.encode(facts, order="deterministic", enc_hook=str)
        return f"{self.name}:{self.context.hash_text(known.decode())}"

    def finish(self) -> Iterable[Record]:
        """The lines of other services, summed."""
        return [msgspec.structs.replace(total) for total in self.others.values()]

    def state(self) -> bytes:
        """The lines counted and the sums so far, for a file of lines that grows."""
        return msgspec.json.encode(_State(self.seen, list(self.others.items())))

    def resume(self, state: bytes) -> None:
        """Count and sum on from there."""
        known = msgspec.json.decode(state, type=_State)
        self.seen.update(known.seen)
        self.others = {tuple(key): total for key, total in known.others}


def _common(statement: Statement) -> tuple[Any, ...]:
    return (
        statement.period_start,
        statement.account_id,
        statement.project,
        statement.charge_category,
        statement.currency,
    )


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return other if one is None else one
    total = _EXACT.add(one, other)
    if abs(total) >= _MOST:
        raise BadRecord(f"the sum of the day's other services, {total:f}, is no plausible amount")
    return total


def line_of(start: int, end: int, line: int) -> Statement:
    """A line of costs for a period, read on that line of its file."""
    return Statement(
        statement_id="",
        kind="cost",
        view="lines",
        part="costs",
        issued_at=0,
        period_start=start,
        period_end=end,
        line=line,
    )


def required(value: Any, field: str, *, month_first: bool = False) -> int:
    """A time that a line must state, in µs since 1970 UTC."""
    stated = moment(value, field, month_first=month_first)
    if stated is None:
        raise BadRecord(f"{field}: missing")
    return stated


def currency(value: Any, field: str) -> str:
    """The code of a national currency."""
    code = word(value)
    if code is None or len(code) != 3:
        raise BadRecord(f"{field}: not the code of a currency")
    return code.upper()


def part_number(path: str) -> str | None:
    """Which part of an export in several files this is, by the names that clouds give to parts:
    `part_1_0001.csv`, `export-00002.csv.gz`, `rows-000000000003.json`. None: not told."""
    found = _PART.search(PurePath(path.replace("\\", "/")).name)
    return "-".join(filter(None, found.groups())) if found else None


def told(statement: Statement, meter: Meter, *, one: int | None = None) -> None:
    """What the meter says of the line, and its tokens or requests in their own column.

    `one` says how many the line's unit is, where it is no word for tokens or requests.
    """
    statement.model = meter.model
    statement.token_class = meter.token_class
    statement.service_tier = meter.service_tier
    statement.context_window = meter.context_window
    one = one or counted(statement.unit, meter.token_class)
    if meter.token_class is None or statement.quantity is None or one is None:
        return
    count = _EXACT.multiply(statement.quantity, one)
    whole = count == count.to_integral_value() and abs(count) < 2**63
    if whole and statement.charge_category == "usage":
        setattr(statement, meter.token_class, int(count))
