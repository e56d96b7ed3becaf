"""Why spend moved between two sides of a ledger, or of two, with what both were drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

from tokman import report, when
from tokman.change import taken
from tokman.change.causes import Cause, causes
from tokman.change.decompose import Change, decompose
from tokman.change.drawn import (
    Asked,
    Drawn,
    covered,
    drawn_from,
    has_statements,
    scope,
)
from tokman.change.period import DAY
from tokman.change.side import Side
from tokman.errors import NothingToJudge, TokmanError

if TYPE_CHECKING:
    from tokman.rates import Card

CALENDAR = ("hour", "day", "week", "month", "conversation_id")
"""Dimensions that two periods have nothing in common in."""

DETAILS = {
    "token_class": "bought",
    "service_tier": "tier",
    "tier": "tier",
    "prompt_length": "prompt",
}
"""What a change can be seen by beside dimensions of calls, and its name in a `Change`."""


class Answer(msgspec.Struct, kw_only=True):
    """The change, what caused it, and what it was drawn from."""

    change: Change
    told: list[Cause]
    """The causes worth a word, largest first."""
    rest: list[Cause]
    before: Drawn
    after: Drawn
    by: list[str]
    """Names in a `Change` that it is to be seen by."""
    tz: str
    per_day: bool
    overlap: bool
    """Some calls are on both sides."""
    scaled_calls: int
    unsplit_calls: int
    statements: bool
    """Either ledger has statements, which are not compared."""
    repriced: list[str]
    """Models that have a price on one side only."""


def seen_by(by: str) -> tuple[list[str], list[str]]:
    """What a change is to be seen by, and the dimensions that its sides need for it, in the order
    of their mixes; TokmanError for a name that says nothing here."""
    stated = [name.strip().lower().replace("-", "_") for name in by.split(",") if name.strip()]
    plain = [name for name in stated if name not in DETAILS]
    own = report.dimensions(",".join(plain)) if plain or not stated else []
    for name in own:
        if name in CALENDAR:
            raise TokmanError(
                f"two periods share no {name}: nothing moved by {name!r}",
                "see it by workflow, model, user, token_class, …",
            )
    outer = [name for name in own if name not in ("workflow", "model")]
    names = [DETAILS.get(name, name) for name in stated]
    return list(dict.fromkeys(names)), [*outer, "workflow", "model"]


def compare(
    before: Asked,
    after: Asked,
    card: Card,
    *,
    by: str = "workflow",
    tz: str = "UTC",
    per_day: bool = False,
) -> Answer:
    """The change in spend from one side to the other.

    NothingToJudge where a ledger has no call in a period, or neither side has one with a price.
    """
    place = when.zone(tz)
    names, dimensions = seen_by(by)
    asked = (before, after)
    periods = [covered(side, place) for side in asked]
    seen: set[str] = set()
    drawn = []
    for side, period in zip(asked, periods, strict=True):
        scope(side, period, tz)
        seen.update(taken.seen(side.connection))
        drawn.append(drawn_from(side, period, place))
        if side.where and not drawn[-1].calls:
            raise NothingToJudge(
                f"no calls: {drawn[-1].name}",
                "tokman sql 'select distinct unnest(tags) from charges' lists tags; a condition "
                "is of the columns of charges",
            )
    rates = taken.Rates(card, seen)
    found = []
    for side, period in zip(asked, periods, strict=True):
        scope(side, period, tz)
        found.append(taken.groups(side.connection, dimensions, rates))
    told = taken.sides(found[0], found[1], dimensions, rates)
    if not told.before.calls and not told.after.calls:
        raise NothingToJudge(
            "no calls with a price on either side",
            "price their models under [rates.models] in tokman.toml, or ask for other calls",
        )
    change = _change(told.before, told.after, dimensions, drawn, per_day)
    largest, rest = causes(change)
    return Answer(
        change=change,
        told=largest,
        rest=rest,
        before=drawn[0],
        after=drawn[1],
        by=names,
        tz=tz,
        per_day=per_day,
        overlap=_overlap(before, after),
        scaled_calls=told.scaled_calls,
        unsplit_calls=told.unsplit_calls,
        statements=any(has_statements(side.connection) for side in asked),
        repriced=_repriced(drawn[0], drawn[1]),
    )


def _change(
    before: Side, after: Side, dimensions: list[str], drawn: Sequence[Drawn], per_day: bool
) -> Change:
    """The change over the periods, whose lengths are a factor, or in a day of each."""
    lengths = [side.days for side in drawn]
    if None in lengths:
        if per_day:
            raise TokmanError("--per-day needs two periods", "name them: --from and --to")
        return decompose(before, after, dimensions)
    before.length, after.length = (round((length or 0) * DAY) for length in lengths)
    if not per_day:
        return decompose(before, after, dimensions)
    # Each as often as the other is long, so that both are of one length and every number is whole.
    alike = decompose(before.times(after.length), after.times(before.length), dimensions)
    return alike.divided(Fraction(before.length * after.length, DAY))


def _repriced(before: Drawn, after: Drawn) -> list[str]:
    lost = {*before.priced_models} & {*after.unpriced_models}
    return sorted(lost | ({*before.unpriced_models} & {*after.priced_models}))


def _overlap(before: Asked, after: Asked) -> bool:
    same = before.connection is after.connection and before.where == after.where
    one, two = before.period, after.period
    if not same:
        return False
    if one is None or two is None:
        return True
    starts = [each.start or datetime.min for each in (one, two)]
    ends = [each.end or datetime.max for each in (one, two)]
    return max(starts) < min(ends)
