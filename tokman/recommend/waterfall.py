"""Levers one after another, each on what the one before left, so that savings add up."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tokman import sql
from tokman.errors import NothingToJudge
from tokman.recommend.lever import LEAST, Cell, LeftAlone, Lever, Scene
from tokman.usage import PICO

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import duckdb

    from tokman.config import Config
    from tokman.rates import Card


class Saving(NamedTuple):
    """What one cell of a lever saves; money in pico-dollars over the window."""

    lever: str
    cell: int
    about: Cell
    calls: int
    spend: int
    """What those calls cost before any lever."""
    saved: int


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
    workflows: Collection[str | None] | None = None,
) -> Waterfall:
    """Apply the levers in order to all workflows, or to those given.

    Leaves the table `into` (call, call_id, lever, cell, amount). `amount` is USD, DECIMAL(18,12); a
    call that writes a cache for others may have a negative one.
    """
    only = None if workflows is None else [name or "" for name in workflows]
    scene.make("current", "scope", workflows=only)
    before = total(scene, "current")
    scene.connection.execute(
        f"create or replace temp table {into} "
        "(call bigint, call_id varchar, lever varchar, cell integer, amount decimal(18, 12))"
    )
    savings: list[Saving] = []
    left: list[LeftAlone] = []
    for lever in levers:
        found, aside = _apply(scene, lever, into)
        savings += found
        left += aside
    after = total(scene, "current")
    booked = sum(saving.saved for saving in savings)
    if not 0 <= booked == before - after <= before:
        raise AssertionError(f"savings {booked} are not {before} before - {after} after")
    return Waterfall(before, after, savings, left)


def total(scene: Scene, table: str) -> int:
    """Pico-dollars a table of usage costs."""
    found = scene.connection.execute(f"select sum(cost) from {table}").fetchone()
    return pico(found[0] if found else None)


def pico(usd: Decimal | None) -> int:
    """Whole pico-dollars of an exact amount in USD."""
    return int(usd * PICO) if usd is not None else 0


def _apply(scene: Scene, lever: Lever, into: str) -> tuple[list[Saving], list[LeftAlone]]:
    from tokman.rates import price

    execute = scene.connection.execute
    proposal = lever.propose(scene)
    if not proposal.cells:
        return [], proposal.left
    price(scene.connection, scene.card, "proposal", "proposed")
    scene.make("accepted", "accepted", together=lever.together, least=LEAST)
    execute(
        f"insert into {into} select call, call_id, $lever, cell, amount "
        "from accepted join calls using (call)",
        {"lever": lever.name},
    )
    execute("delete from current where call in (select call from accepted)")
    execute("insert into current by name select * exclude (cell, amount) from accepted")
    savings = [
        Saving(
            lever=lever.name,
            cell=row["cell"],
            about=proposal.cells[row["cell"]],
            calls=row["calls"],
            spend=pico(row["spend"]),
            saved=pico(row["saved"]),
        )
        for row in scene.ask("cells")
    ]
    for table in ("proposal", "proposed", "accepted"):
        execute(f"drop table if exists {table}")
    return savings, proposal.left


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
