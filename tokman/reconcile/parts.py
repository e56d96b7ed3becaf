"""The difference between bill and books, split into named parts that sum to it exactly."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from tokman.reconcile import clock as clocks
from tokman.reconcile.books import WHOLES, Cell, Ours, Statements, Theirs
from tokman.reconcile.prices import Prices

MISSING = "calls missing from our logs"
ONLY_OURS = "calls only in our logs"
TOKENS = "token counts"
PRICE = "unit price"
UNPRICED = "our calls without a price"
EDGE = "time zone or edge of a day"
FEES = "fees that are not tokens"
CREDITS = "credits and taxes"
ROUNDING = "rounding"
UNEXPLAINED = "unexplained"
ORDER = (MISSING, ONLY_OURS, TOKENS, PRICE, UNPRICED, EDGE, FEES, CREDITS, ROUNDING, UNEXPLAINED)
"""The parts, as they are shown."""

SHARED = Fraction(8, 10)
"""Of the cells' amount a discount must fit to be tried before other explanations."""


class Part(NamedTuple):
    """One reason and its amount in USD: bill minus books."""

    name: str
    detail: str
    cell: Cell
    amount: Fraction
    units: int = 0
    """How many of what `detail` names, where it is something counted."""


class Gap(NamedTuple):
    """What a cell's prices leave: billed against what the same tokens cost by our card."""

    cell: Cell
    billed: Fraction
    expected: Fraction
    bound: Fraction
    """Rounding of its lines."""
    tokens: dict[str, int]


class Discount(NamedTuple):
    """A discount that closes the gap of prices, and how much of the bill it fits."""

    percent: Fraction
    models: list[str]
    cells: int


def split(
    stated: Statements,
    ours: dict[Cell, Ours],
    usual: dict[Cell, Ours],
    clock: clocks.Clock,
    prices: Prices,
) -> tuple[list[Part], list[Discount]]:
    """All parts. `ours` are our cells by the provider's clock, `usual` by start in UTC: the edge
    parts are what lies between the two."""
    parts: list[Part] = []
    gaps: list[Gap] = []
    for cell in sorted(ours.keys() | usual.keys(), key=_order):
        moved = ours.get(cell, Ours()).cost - usual.get(cell, Ours()).cost
        parts.append(Part(EDGE, clock.words(), cell, moved))
    for cell in sorted(stated.cells.keys() | ours.keys(), key=_order):
        theirs, mine = stated.cells.get(cell, Theirs()), ours.get(cell, Ours())
        found, gap = _cell(cell, theirs, mine, stated, prices)
        parts += found
        if gap:
            gaps.append(gap)
    priced, discounts = _priced(gaps, stated, prices)
    parts += priced
    for extra in stated.extras:
        name = FEES if extra.category == "usage" else CREDITS
        parts.append(Part(name, extra.what, Cell(extra.bucket, None, None, None), extra.amount))
    return [part for part in parts if part.amount], discounts


def _order(cell: Cell) -> tuple[str, ...]:
    return tuple(name or "" for name in cell)


def _cell(
    cell: Cell, theirs: Theirs, mine: Ours, stated: Statements, prices: Prices
) -> tuple[list[Part], Gap | None]:
    """Missing calls and differing counts of a cell, and what is left to its prices."""
    counted = theirs.counted()
    absent = theirs.billed is None and not any((counted or {}).values())
    if absent and stated.has_bill | stated.has_tokens:
        return [Part(ONLY_OURS, "calls", cell, -mine.cost, mine.calls)], None
    unit = prices.standard(stated.provider, cell.model, clocks.moment_of(cell.bucket, stated))
    if not mine.calls:
        worth = sum((unit.get(n, Fraction(0)) * c for n, c in (counted or {}).items()), Fraction(0))
        amount = theirs.billed or Fraction(0) if stated.has_bill else worth
        total = sum((counted or {}).values())
        detail = "tokens" if total else "calls the bill does not count"
        return [Part(MISSING, detail, cell, amount, total)], None
    parts = []
    expected, tokens = mine.cost, counted and _filled(counted, mine, theirs.untold)
    mine = mine.as_told(theirs.untold)
    for name in mine.tokens.keys() | (counted or {}).keys() if counted is not None else ():
        more = (counted or {}).get(name, 0) - mine.tokens.get(name, 0)
        if more:
            amount = more * _each(name, mine, unit)
            words = _told(name, theirs.untold)
            parts.append(Part(_cause(more, theirs, mine), words, cell, amount, more))
            expected += amount
    billed = theirs.billed
    if billed is None:
        if not stated.has_bill:
            return parts, None
        billed = Fraction(0)
    if theirs.listed is not None and theirs.listed != billed:
        saved = billed - theirs.listed
        parts.append(Part(PRICE, "the discount that the bill states", cell, saved))
        expected += saved
    if mine.unpriced == mine.calls:
        amount = billed - expected
        return [*parts, Part(UNPRICED, "calls", cell, amount, mine.unpriced)], None
    bound = stated.unit / 2 * theirs.lines
    return parts, Gap(cell, billed, expected, bound, tokens or mine.tokens)


def _filled(counted: dict[str, int], mine: Ours, untold: Iterable[str]) -> dict[str, int]:
    """The bill's counts, those that it does not tell taken from our own calls where they fit."""
    filled = dict(counted)
    for name in untold:
        filled[name] = filled.get(name, 0) + mine.tokens.get(name, 0)
        filled[WHOLES[name]] = filled.get(WHOLES[name], 0) - mine.tokens.get(name, 0)
    return filled if all(count >= 0 for count in filled.values()) else counted


def _told(name: str, untold: Iterable[str]) -> str:
    """What a count counts, in words."""
    inside = {WHOLES[each] for each in untold}
    if name not in inside:
        return name.replace("_", " ")
    return "input tokens, cached or not" if name.startswith("uncached") else "output of any kind"


def _each(name: str, mine: Ours, unit: dict[str, Fraction]) -> Fraction:
    """What a token of a class costs: as our own calls of the cell were priced, else by the card."""
    if mine.tokens.get(name) and name in mine.costs:
        return mine.costs[name] / mine.tokens[name]
    return unit.get(name, Fraction(0))


def _cause(more: int, theirs: Theirs, mine: Ours) -> str:
    """Whether a differing count is for calls that one side lacks, where the requests tell it."""
    requests = mine.calls if theirs.requests is None else theirs.requests
    if requests > mine.calls and more > 0:
        return MISSING
    return ONLY_OURS if requests < mine.calls and more < 0 else TOKENS


def _priced(
    gaps: list[Gap], stated: Statements, prices: Prices
) -> tuple[list[Part], list[Discount]]:
    """Each gap by its reason: rounding, a discount shared by all, another rate of the card, a
    discount of some, else unexplained."""
    parts: list[Part] = []
    left: list[Gap] = []
    for gap in gaps:
        if abs(gap.billed - gap.expected) <= gap.bound:
            parts.append(_part(ROUNDING, "amounts of the bill are rounded", gap))
        else:
            left.append(gap)
    discounts: list[Discount] = []
    whole = sum((gap.expected for gap in gaps), Fraction(0))
    shared = _shared(left)
    if shared and sum((gap.expected for gap in shared[1]), Fraction(0)) >= whole * SHARED:
        left = _discount(shared, left, parts, discounts)
    still = []
    for gap in left:
        at = clocks.moment_of(gap.cell.bucket, stated)
        others = prices.alternatives(stated.provider, gap.cell.model, at, gap.tokens)
        known = next((p for p in others if abs(p.amount - gap.billed) <= gap.bound), None)
        if known:
            parts.append(_part(PRICE, known.why, gap))
        else:
            still.append(gap)
    while shared := _shared(still):
        still = _discount(shared, still, parts, discounts)
    for gap in still:
        why = "no price of the card gives it" if gap.billed else "counted, but not on the bill"
        parts.append(_part(UNEXPLAINED, why, gap))
    return parts, discounts


def _discount(
    shared: tuple[Fraction, list[Gap]],
    left: list[Gap],
    parts: list[Part],
    discounts: list[Discount],
) -> list[Gap]:
    """Book the gaps that share a rate; those that do not are returned."""
    ratio, fitting = shared
    percent = (1 - ratio) * 100
    words = "discount" if percent > 0 else "surcharge"
    detail = f"{words} of {float(abs(percent)):g}%"
    for gap in fitting:
        rounded = gap.expected * ratio - gap.billed
        parts.append(Part(PRICE, detail, gap.cell, gap.billed - gap.expected + rounded))
        parts.append(Part(ROUNDING, "amounts of the bill are rounded", gap.cell, -rounded))
    models = sorted({gap.cell.model or "all models" for gap in fitting})
    discounts.append(Discount(percent, models, len(fitting)))
    return [gap for gap in left if gap not in fitting]


def _shared(gaps: Iterable[Gap]) -> tuple[Fraction, list[Gap]] | None:
    """The share of our price that fits most of the gaps' amount, in hundredths of a percent, and
    the gaps that it fits; None where no two agree on one that rounding alone would not give."""
    gaps = [gap for gap in gaps if gap.expected > 0 and gap.billed > 0]
    best: tuple[Fraction, Fraction, list[Gap]] | None = None
    for ratio in {Fraction(round(gap.billed / gap.expected * 10_000), 10_000) for gap in gaps}:
        fit = [gap for gap in gaps if abs(gap.billed - gap.expected * ratio) <= gap.bound]
        telling = [gap for gap in fit if abs(gap.billed - gap.expected) > 4 * gap.bound]
        weight = sum((gap.expected for gap in fit), Fraction(0))
        if len(telling) > 1 and ratio != 1 and (best is None or (weight, ratio) > best[:2]):
            best = weight, ratio, fit
    return best and (best[1], best[2])


def _part(name: str, detail: str, gap: Gap) -> Part:
    return Part(name, detail, gap.cell, gap.billed - gap.expected)
