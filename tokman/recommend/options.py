"""Which of several ways to rewrite the same calls is cheapest, cell by cell."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tokman.recommend.lever import Scene

SAMPLE = 5_000
"""Calls of a cell that are enough to choose by; the amounts are then computed on all of them."""


class Priced(NamedTuple):
    """What the calls that an option would change cost now and then, USD, of a cell's sample."""

    now: Decimal
    then: Decimal

    @property
    def saved(self) -> Decimal:
        """USD; negative where the option costs more."""
        return self.now - self.then


def priced(scene: Scene, options: str) -> dict[int, dict[str, Priced]]:
    """Cell → option → its price, of the table `options` (cell, option and a call's usage), which
    this uses up.

    An option that leaves a call of the cell without a price is left out.
    """
    from tokman.rates import price

    price(scene.connection, scene.card, options, "priced_options", keep=("cell", "option", "call"))
    rows = scene.connection.execute(
        "select cell, option, sum(current.cost), sum(contracted_cost) "
        "from priced_options join current using (call) "
        "group by cell, option having count(contracted_cost) = count(*) order by cell, option"
    ).fetchall()
    scene.drop(options, "priced_options")
    found: dict[int, dict[str, Priced]] = {}
    for cell, option, now, then in rows:
        found.setdefault(cell, {})[option] = Priced(now, then)
    return found


def cheapest(options: dict[str, Priced]) -> str | None:
    """The option that saves most, if any does."""
    best = max(options, key=lambda name: (options[name].saved, name), default=None)
    return best if best is not None and options[best].saved > 0 else None
