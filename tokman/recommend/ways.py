"""Cheaper ways to do a cell's calls, and what each of them is known to change."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tokman.recommend.lever import Evidence
from tokman.recommend.matched import Comparison, Ratio
from tokman.recommend.options import SAMPLE
from tokman.recommend.trials import Result

if TYPE_CHECKING:
    from tokman.recommend.lever import Scene

Row = dict[str, Any]

COLD = timedelta(minutes=5)
"""How long a new model's reads are taken to find nothing: the shortest lifetime of a cache."""
UNKNOWN = Ratio(1.0, 0.6, 2.0)
"""Output of a model not seen on this work: one that reasons by default writes more
(science.md §1.3)."""

CANDIDATE = Evidence(
    "E0",
    "candidate",
    "the shape of the calls suggests it; nothing here proves equal quality",
    (2, 4),
)
WAYS = {
    "cell": "integer",
    "option": "varchar",
    "provider_id": "varchar",
    "model_id": "varchar",
    "workflow": "varchar",
    "step": "bigint",
    "effort": "varchar",
    "calls": "bigint",
    "to_provider": "varchar",
    "to_model": "varchar",
    "input": "bigint",
    "answer": "bigint",
    "reasoning": "bigint",
    "minimum": "bigint",
    "kept": "bigint",
    "warm_at": "timestamp",
    "elsewhere": "boolean",
}


class Way(NamedTuple):
    """One cheaper way to do the calls of one row of cells."""

    row: Row
    provider: str
    model: str
    effort: str | None
    """The effort to ask for; None: as today."""
    rule: str
    input: Ratio
    answer: Ratio
    """Tokens of the answer, and for another model of its reasoning too."""
    reasoning: Ratio
    minimum: int
    """Tokens below which nothing is cached."""
    comparison: Comparison | None = None
    result: Result | None = None

    @property
    def elsewhere(self) -> bool:
        """At another provider, where today's cache counts for nothing."""
        return bool(self.provider != self.row["provider_id"])

    @property
    def kept(self) -> int:
        """Calls in a thousand that come back to today's model, as seen."""
        return round(1000 * self.comparison.escalated) if self.comparison else 0

    @property
    def again(self) -> float:
        """Attempts of the cheaper way for every call that it moves for good: retries, and the
        failed first attempts of those that come back."""
        if self.comparison is None:
            return 1.0
        return (1 + self.comparison.retries) / (1 - self.kept / 1000)


class Amount(NamedTuple):
    """What a way would save of its cell, by the card on a sample of the calls."""

    middle: Decimal
    """USD over the window."""
    low: Decimal
    """If it writes and counts as many tokens as it may."""
    high: Decimal
    then: Decimal
    """USD that the calls would cost in the window."""


def amounts(scene: Scene, ways: list[Way]) -> list[Amount | None]:
    """Of each way, from the calls that it makes cheaper; None where some call has no price in it,
    or no call is moved."""
    from tokman.rates import price

    ends = {"middle": 0, "low": 2, "high": 1}
    rows = [
        _row(place, f"{place} {name}", way, end)
        for place, way in enumerate(ways)
        for name, end in ends.items()
    ]
    scene.note("ways", WAYS, rows)
    scene.make("options", "rewritten", sample=SAMPLE)
    price(
        scene.connection, scene.card, "options", "priced_options", keep=("cell", "option", "call")
    )
    saved = {row["option"]: row["saved"] / row["now"] for row in scene.ask("ways_priced")}
    scene.drop("options", "priced_options")
    found: list[Amount | None] = []
    for place, way in enumerate(ways):
        cost: Decimal = way.row["cost"]
        moved = cost * (1000 - way.kept) / 1000
        middle, low, high = (moved * saved.get(f"{place} {name}", Decimal(0)) for name in ends)
        known = f"{place} middle" in saved
        found.append(Amount(middle, low, high, cost - middle) if known else None)
    return found


def rewrite(scene: Scene, chosen: list[Way]) -> None:
    """Table `proposal`: every call of the cells as the chosen ways would have billed it."""
    scene.note("ways", WAYS, [_row(cell, "", way, 0) for cell, way in enumerate(chosen)])
    scene.make("proposal", "rewritten", sample=0)
    scene.connection.execute("alter table proposal drop column option")


def _row(cell: int, option: str, way: Way, end: int) -> tuple[object, ...]:
    """A row of the table `ways`; `end` chooses the value of each ratio or one of its limits."""
    row = way.row
    first: datetime | None = row["first_seen"]

    def thousandths(ratio: Ratio) -> int:
        return round(1000 * ratio[end] * way.again)

    return (
        cell,
        option,
        *(row["provider_id"], row["model_id"], row["workflow"], row["step"], row.get("effort")),
        row["calls"],
        *(way.provider, way.model),
        *(thousandths(way.input), thousandths(way.answer), thousandths(way.reasoning)),
        way.minimum,
        way.kept,
        first + COLD if first is not None and way.model != row["model_id"] else None,
        way.elsewhere,
    )
