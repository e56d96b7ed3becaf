"""Levers one after another, each on what the one before left, so that savings add up."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from tokman import sql
from tokman.errors import NothingToJudge
from tokman.recommend import names
from tokman.recommend.lever import LEAST, Cell, LeftAlone, Lever, Scene
from tokman.usage import PICO

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    import duckdb

    from tokman.config import Config
    from tokman.rates import Card


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


def set_scene(
    connection: duckdb.DuckDBPyConnection,
    card: Card,
    config: Config,
    since: datetime | None,
    until: datetime | None,
) -> Scene:
    """Tables `calls` and `original`: the priced calls of the window, at the prices of the card."""
    from tokman.rates import price

    scene = Scene(connection, card, config, datetime.min, datetime.min, 0)
    scene.make("calls", "calls", since=since, until=until)
    billable = sql.text("recommend/billable")
    connection.execute(f"create or replace temp view billable as {billable}")
    price(connection, card, "billable", "priced")
    _name_models(scene)
    scene.make("original", "original")
    connection.execute("drop view billable")
    connection.execute("drop table priced")
    _forget(scene)
    if not scene.count("original"):
        raise NothingToJudge(
            "no priced calls to make recommendations on",
            "ingest logs first, or widen --since and --until",
        )
    (span,) = scene.ask("span")
    if span["start"] is None:
        raise NothingToJudge("no priced call states its time", "add times to the logs")
    return Scene(connection, card, config, span["start"], span["end"], span["days"])


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
    before = total(scene, "current")
    ledger_of_savings(scene, into)
    savings: list[Saving] = []
    left: list[LeftAlone] = []
    for lever in levers:
        found, aside = apply(scene, lever, into, dismissed, spared.get(lever.name, ()), watch)
        savings += found
        left += aside
    after = total(scene, "current")
    booked = sum(saving.saved for saving in savings)
    if not 0 <= booked == before - after <= before:
        raise AssertionError(f"savings {booked} are not {before} before - {after} after")
    return Waterfall(before, after, savings, left)


def enter(scene: Scene) -> None:
    """The table `current`: the usage as it was."""
    scene.connection.execute("create or replace temp table current as from original")


@contextmanager
def narrowed(scene: Scene, workflows: Collection[str | None]) -> Iterator[None]:
    """Within, the tables `calls` and `original` hold these workflows only; it may be nested."""
    execute = scene.connection.execute
    asked = execute("select distinct workflow from calls").fetchall()
    if {name for (name,) in asked} <= set(workflows):
        yield
        return
    scene.note("narrow", {"workflow": "varchar"}, [(name,) for name in workflows])
    whole = {table: f"{table}_{uuid4().hex}" for table in ("calls", "original")}
    for table, aside in whole.items():
        execute(f"alter table {table} rename to {aside}")
    execute(
        f"create temp table calls as select wide.* from {whole['calls']} as wide "
        "join narrow on narrow.workflow is not distinct from wide.workflow"
    )
    execute(f"create temp table original as from {whole['original']} semi join calls using (call)")
    try:
        yield
    finally:
        for table, aside in whole.items():
            execute(f"drop table {table}")
            execute(f"alter table {aside} rename to {table}")


def ledger_of_savings(scene: Scene, into: str) -> None:
    """An empty table of savings, one row a call and lever."""
    scene.connection.execute(
        f"create or replace temp table {into} "
        "(call bigint, call_id varchar, lever varchar, cell integer, amount decimal(18, 12))"
    )


def total(scene: Scene, table: str) -> int:
    """Pico-dollars a table of usage costs."""
    found = scene.connection.execute(f"select sum(cost) from {table}").fetchone()
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
        execute("delete from current where call in (select call from accepted)")
        execute("insert into current by name select * exclude (cell, amount) from accepted")
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


def _name_models(scene: Scene) -> None:
    """Table `named`: each provider and model in the logs, as the card calls it."""
    names = ("provider_name", "request_model", "response_model", "provider_id", "model_id")
    found = []
    for provider, asked, answered in scene.connection.execute(
        f"select distinct {', '.join(names[:3])} from calls"
    ).fetchall():
        match = scene.card.find(provider, answered) or scene.card.find(provider, asked)
        ids = (match.provider_id, match.model_id) if match else (None, None)
        found.append((provider, asked, answered, *ids))
    scene.note("named", dict.fromkeys(names, "varchar"), found)


def _forget(scene: Scene) -> None:
    """Drop from `calls` what `original` has."""
    kept = {"call", "response_cache_hit"}
    had, has = (
        scene.connection.execute(f"select * from {table} limit 0").description or ()
        for table in ("original", "calls")
    )
    for name in {column[0] for column in had} & {column[0] for column in has} - kept:
        scene.connection.execute(f'alter table calls drop column "{name}"')
