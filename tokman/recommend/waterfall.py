"""Levers one after another, each on what the one before left, so that savings add up."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from tokman.recommend import names
from tokman.recommend.lever import LEAST, Cell, LeftAlone, Lever, Scene
from tokman.recommend.scene import change, enter, keep
from tokman.usage import PICO

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping


NOTHING: Mapping[str, Collection[str | None]] = MappingProxyType({})


class Saving(NamedTuple):
    """What one cell of a lever saves; money in pico-dollars over the window."""

    name: str
    """Of the recommendation that it is, in full (`tokman.recommend.names`)."""
    lever: str
    cell: int
    about: Cell
    calls: int
    spend: int
    """What those calls cost before any lever."""
    saved: int
    conversations: int
    """About how many conversations they are of; a call of none counts as one."""


class Waterfall(NamedTuple):
    """A chain of levers: before − after is exactly the sum of the savings."""

    before: int
    after: int
    savings: list[Saving]
    left: list[LeftAlone]

    def by(self, lever: str) -> int:
        """Pico-dollars one lever saves."""
        return sum(saving.saved for saving in self.savings if saving.lever == lever)


def run(
    scene: Scene,
    levers: Iterable[Lever],
    into: str = "savings",
    *,
    dismissed: Collection[str] = (),
    spared: Mapping[str, Collection[str | None]] = NOTHING,
    watch: Callable[[Saving], None] | None = None,
) -> Waterfall:
    """Apply the levers in order, without the recommendations `dismissed` (full names), and none to
    the workflows that are `spared` it.

    Leaves the table `into` (call, call_id, lever, cell, amount). `amount` is USD, DECIMAL(18,12); a
    call that writes a cache for others may have a negative one. `watch` is told of every saving
    while `current` is still without it and the table `accepted` holds its rewritten usage.
    """
    enter(scene)
    before = total(scene)
    ledger_of_savings(scene, into)
    savings: list[Saving] = []
    left: list[LeftAlone] = []
    for lever in levers:
        found, aside = apply(scene, lever, into, dismissed, spared.get(lever.name, ()), watch)
        savings += found
        left += aside
    after = total(scene)
    booked = sum(saving.saved for saving in savings)
    if not 0 <= booked == before - after <= before:
        raise AssertionError(f"savings {booked} are not {before} before - {after} after")
    return Waterfall(before, after, savings, left)


def ledger_of_savings(scene: Scene, into: str) -> None:
    """An empty table of savings, one row a call and lever."""
    scene.connection.execute(
        f"create or replace temp table {into} "
        "(call bigint, call_id varchar, lever varchar, cell integer, amount decimal(18, 12))"
    )


def total(scene: Scene) -> int:
    """Pico-dollars that all calls cost as the levers so far have left them."""
    found = scene.connection.execute("select sum(cost) from calls").fetchone()
    return pico(found[0] if found else None)


def pico(usd: Decimal | None) -> int:
    """Whole pico-dollars of an exact amount in USD."""
    return int(usd * PICO) if usd is not None else 0


def apply(
    scene: Scene,
    lever: Lever,
    into: str,
    dismissed: Collection[str] = (),
    spared: Collection[str | None] = (),
    watch: Callable[[Saving], None] | None = None,
) -> tuple[list[Saving], list[LeftAlone]]:
    """One lever on `current`, but for the workflows it is to spare: its savings into the table
    `into`, its usage into `current`."""
    from tokman.rates import price

    execute = scene.connection.execute
    proposal = lever.propose(scene)
    if not proposal.cells:
        return [], proposal.left
    called = _names(lever, proposal.cells)
    gone = [cell for cell, name in enumerate(called) if name in dismissed]
    if gone:
        execute("delete from proposal where list_contains($gone::integer[], cell)", {"gone": gone})
    if spared:
        scene.note("spared", {"workflow": "varchar"}, [(name,) for name in spared])
        execute(
            "delete from proposal where call in (select call from calls join spared "
            "on spared.workflow is not distinct from calls.workflow)"
        )
    price(scene.connection, scene.card, "proposal", "proposed")
    scene.make("accepted", "accepted", together=lever.together, least=LEAST)
    savings = [
        Saving(
            name=called[row["cell"]],
            lever=lever.name,
            cell=row["cell"],
            about=proposal.cells[row["cell"]],
            calls=row["calls"],
            spend=pico(row["spend"]),
            saved=pico(row["saved"]),
            conversations=row["conversations"],
        )
        for row in scene.ask("cells")
    ]
    if watch is not None:
        for saving in savings:
            watch(saving)
    if savings:
        execute(
            f"insert into {into} select call, call_id, $lever, cell, amount "
            "from accepted join calls using (call)",
            {"lever": lever.name},
        )
        keep(scene)
        change(scene, "accepted")
    for table in ("proposal", "proposed", "accepted"):
        execute(f"drop table if exists {table}")
    return savings, proposal.left


def _names(lever: Lever, cells: list[Cell]) -> list[str]:
    """The full name of each cell; several of one place are told apart in the order of titles."""
    found = [names.full(lever.name, about) for about in cells]
    met: dict[str, int] = {}
    for cell in sorted(range(len(cells)), key=lambda cell: (cells[cell].title, cell)):
        place = found[cell]
        found[cell] = names.apart(place, met.get(place, 0))
        met[place] = met.get(place, 0) + 1
    return found
