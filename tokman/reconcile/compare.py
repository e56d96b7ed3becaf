"""`tokman reconcile`: every provider's statements beside our calls of the same period."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

from tokman.config import Reconcile
from tokman.errors import NothingToJudge, TokmanError
from tokman.reconcile import books, clock, parts
from tokman.reconcile.parts import ORDER, UNEXPLAINED, Part
from tokman.reconcile.prices import Prices

if TYPE_CHECKING:
    import duckdb

    from tokman.rates import Card

DIMENSIONS = ("day", "model", "project", "key")

TRILLIONTH = Decimal(1).scaleb(-12)


class Row(msgspec.Struct, kw_only=True):
    """One part of the difference, or one line of the two sides; amounts in USD."""

    names: dict[str, str | None]
    stated: Decimal
    ours: Decimal
    difference: Decimal
    unexplained: Decimal
    reason: str
    """The largest part of the difference."""


class Named(msgspec.Struct, kw_only=True):
    """A part of the difference and its details, the largest first."""

    part: str
    amount: Decimal
    details: list[tuple[str, Decimal]]


class Unmet(msgspec.Struct, kw_only=True):
    """Names of one dimension that only one side has."""

    dimension: str
    """project or key"""
    stated: list[str]
    ours: list[str]


class Proposal(msgspec.Struct, kw_only=True):
    """A contract discount that would close a part of the price difference; never applied."""

    percent: Decimal
    models: list[str]
    cells: int


class Reconciliation(msgspec.Struct, kw_only=True):
    """One provider's statements against our calls: `stated - ours = difference = sum of parts`."""

    provider: str
    start: datetime
    end: datetime
    sources: list[str]
    aside: list[str]
    basis: str
    """bill: against what was billed; tokens: there is no bill, so that counts are compared."""
    stated: Decimal
    ours: Decimal
    difference: Decimal
    parts: list[Named]
    rows: list[Row]
    by: list[str]
    calls: int
    unexplained: Decimal
    """Of both signs added up without them, so that two errors do not hide each other."""
    allowed: Decimal
    proposals: list[Proposal]
    unmet: list[Unmet]
    foreign: dict[str, Decimal]
    untold: dict[str, int]
    """Class → tokens of the statements' lines that do not state how many of them it is, so that it
    is compared together with the rest: cache reads, and others that our calls have."""

    @property
    def closes(self) -> bool:
        """Whether what is unexplained is within the tolerance."""
        return self.unexplained <= self.allowed


def tolerance(text: str) -> tuple[Fraction, Fraction]:
    """`0.5%` as (a share of the bill, no dollars), `$5` or `5` as (no share, dollars)."""
    found = re.fullmatch(r"\s*(\$?)(\d{1,12}(?:\.\d{1,12})?)(%?)\s*", text)
    if not found or (found[1] and found[3]):
        raise TokmanError(f"not a tolerance: {text!r}", "write 0.5% of the bill, or $5")
    amount = Fraction(found[2])
    return (amount / 100, Fraction(0)) if found[3] else (Fraction(0), amount)


def reconcile(
    connection: duckdb.DuckDBPyConnection,
    card: Card,
    *,
    by: list[str],
    provider: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    allowed: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0)),
    names: Reconcile | None = None,
) -> list[Reconciliation]:
    """One reconciliation a provider that has statements in the period; `names` says which keys and
    projects of the statements are which of our logs."""
    for name in by:
        if name not in DIMENSIONS:
            raise TokmanError(
                f"cannot reconcile by {name!r}", f"choose from {', '.join(DIMENSIONS)}"
            )
    stating = books.providers(connection, since, until)
    chosen = [name for name in stating if provider in (None, name)]
    if not chosen:
        have = ", ".join(name or "(none)" for name in stating)
        raise NothingToJudge(
            f"no statements of {provider or 'any provider'} in that period",
            f"there are statements of {have}" if have else "ingest a usage or cost export first",
        )
    prices = Prices(card)
    names = names or Reconcile()
    answers = [_one(connection, card, prices, name, by, allowed, names) for name in chosen]
    card.names.save()
    return answers


def _one(
    connection: duckdb.DuckDBPyConnection,
    card: Card,
    prices: Prices,
    provider: str | None,
    by: list[str],
    allowed: tuple[Fraction, Fraction],
    names: Reconcile,
) -> Reconciliation:
    def name_of(model: str | None) -> str | None:
        return prices.name(provider, model)

    stated = books.statements(connection, provider, name_of, by, names)
    slots = books.slots(connection, card, stated, name_of, by)
    right = clock.choose(slots, stated)
    ours, usual = clock.cells(slots, stated, right), clock.cells(slots, stated, clock.USUAL)
    found, discounts = parts.split(stated, ours, usual, right, prices)
    mine = sum((cell.cost for cell in usual.values()), Fraction(0))
    told = mine + sum((part.amount for part in found), Fraction(0))
    total = stated.billed if stated.has_bill else told
    nowhere = books.Cell("all", None, None, None)
    found.append(Part(UNEXPLAINED, "of the bill's lines, in no cell", nowhere, total - told))
    named = _named([part for part in found if part.amount])
    difference = _exact(total) - _exact(mine)
    _settle(named, difference)
    loose = (abs(part.amount) for part in found if part.name == UNEXPLAINED)
    return Reconciliation(
        provider=provider or "(no provider named)",
        start=stated.start,
        end=stated.end,
        sources=stated.sources,
        aside=stated.aside,
        basis="bill" if stated.has_bill else "tokens",
        stated=_exact(total),
        ours=_exact(mine),
        difference=difference,
        parts=named,
        rows=_rows(found, usual, by),
        by=by,
        calls=sum(cell.calls for cell in usual.values()),
        unexplained=_exact(sum(loose, Fraction(0))),
        allowed=_exact(abs(total) * allowed[0] + allowed[1]),
        proposals=[
            Proposal(percent=_exact(each.percent), models=each.models, cells=each.cells)
            for each in discounts
        ],
        unmet=_unmet(stated.cells, usual, by),
        foreign={name: _exact(amount) for name, amount in stated.foreign.items()},
        untold=_untold(stated, usual.values()),
    )


def _untold(stated: books.Statements, ours: Iterable[books.Ours]) -> dict[str, int]:
    """Classes that matter: cache reads always, others where our calls have any."""
    used = {name for cell in ours for name, count in cell.tokens.items() if count}
    used.add("cache_read_input_tokens")
    return {name: tokens for name, tokens in stated.untold.items() if name in used}


def _unmet(stated: Iterable[books.Cell], ours: Iterable[books.Cell], by: list[str]) -> list[Unmet]:
    """Keys and projects that only one side names, where both name any."""
    answer = []
    for dimension in sorted({"project", "key"} & set(by)):
        theirs, mine = (
            {name for cell in side if (name := getattr(cell, dimension)) is not None}
            for side in (stated, ours)
        )
        if theirs and mine and theirs != mine:
            one, other = sorted(theirs - mine), sorted(mine - theirs)
            answer.append(Unmet(dimension=dimension, stated=one, ours=other))
    return answer


def _settle(named: list[Named], difference: Decimal) -> None:
    """Make the parts, each rounded to the trillionth, sum to the difference exactly: what their
    own rounding leaves, a few trillionths, is a rounding too."""
    rest = difference - sum((each.amount for each in named), Decimal(0))
    if not rest:
        return
    words = ("trillionths of a dollar that shares of prices leave", rest)
    for each in named:
        if each.part == parts.ROUNDING:
            each.amount += rest
            each.details.append(words)
            return
    place = sum(1 for each in named if ORDER.index(each.part) < ORDER.index(parts.ROUNDING))
    named.insert(place, Named(part=parts.ROUNDING, amount=rest, details=[words]))


def _named(found: list[Part]) -> list[Named]:
    """The parts in order, with the counts and amounts of their details over all cells."""
    answer = []
    for name in ORDER:
        amounts: dict[tuple[str, str], Fraction] = {}
        counts: dict[tuple[str, str], int] = {}
        for part in found:
            if part.name == name:
                key = (part.cell.model or "", part.detail)
                amounts[key] = amounts.get(key, Fraction(0)) + part.amount
                counts[key] = counts.get(key, 0) + part.units
        details = [
            (_words(*key, counts[key]), _exact(amount))
            for key, amount in sorted(amounts.items(), key=lambda item: (-abs(item[1]), item[0]))
        ]
        if details:
            total = sum((amount for _, amount in details), Decimal(0))
            answer.append(Named(part=name, amount=total, details=details))
    return answer


def _words(model: str, detail: str, count: int) -> str:
    counted = f"{count:,} {detail}" if count else detail
    return f"{model}: {counted}" if model else counted


def _rows(found: list[Part], usual: dict[books.Cell, books.Ours], by: list[str]) -> list[Row]:
    """Both sides by the dimensions asked for."""
    fields = {"day": "bucket", "model": "model", "project": "project", "key": "key"}
    mine: dict[tuple[str | None, ...], Fraction] = {}
    reasons: dict[tuple[str | None, ...], dict[str, Fraction]] = {}

    def place(cell: books.Cell) -> tuple[str | None, ...]:
        return tuple(getattr(cell, fields[name]) for name in by)

    for cell, ours in usual.items():
        mine[place(cell)] = mine.get(place(cell), Fraction(0)) + ours.cost
    for part in found:
        named = reasons.setdefault(place(part.cell), {})
        named[part.name] = named.get(part.name, Fraction(0)) + part.amount
    answer = []
    for key in sorted(mine.keys() | reasons.keys(), key=lambda k: [name or "" for name in k]):
        known, own = reasons.get(key, {}), mine.get(key, Fraction(0))
        difference = sum(known.values(), Fraction(0))
        largest = max(known, key=lambda name: abs(known[name]), default="")
        answer.append(
            Row(
                names=dict(zip(by, key, strict=True)),
                stated=_exact(own + difference),
                ours=_exact(own),
                difference=_exact(difference),
                unexplained=_exact(known.get(UNEXPLAINED, Fraction(0))),
                reason=largest,
            )
        )
    return answer


def _exact(amount: Fraction) -> Decimal:
    """To the trillionth of a dollar, as money is kept everywhere."""
    return (Decimal(amount.numerator) / Decimal(amount.denominator)).quantize(TRILLIONTH)
