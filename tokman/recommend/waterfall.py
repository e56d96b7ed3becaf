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
    """The priced calls of the window in the table `calls`, at the prices of the card; what they
    consume and cost also as the view `current`."""
    scene = Scene(connection, card, config, datetime.min, datetime.min, 0)
    _charges(connection, since, until)
    _name_models(scene)
    _price(scene)
    if not scene.count("calls"):
        raise NothingToJudge(
            "no priced calls to make recommendations on",
            "ingest logs first, or widen --since and --until",
        )
    connection.execute(
        f"create or replace temp view current as {sql.text('recommend/current')};"
        "create or replace temp table original as from current limit 0"
    )
    (span,) = scene.ask("span")
    if span["start"] is None:
        raise NothingToJudge("no priced call states its time", "add times to the logs")
    return Scene(connection, card, config, span["start"], span["end"], span["days"])


def _charges(
    connection: duckdb.DuckDBPyConnection, since: datetime | None, until: datetime | None
) -> None:
    """View `window_charges`: the priced charges from `since` to `until`."""
    within = ["list_cost is not null"]
    if since is not None:
        within.append(f"started_at >= timestamp '{since}'")
    if until is not None:
        within.append(f"started_at < timestamp '{until}'")
    connection.execute(
        "create or replace temp view window_charges as "
        f"select * from charges where {' and '.join(within)}"
    )


def _price(scene: Scene) -> None:
    """Table `calls`, each numbered in the order of the log: `cost` follows the levers, `first_cost`
    is before any."""
    from tokman.rates import price

    execute = scene.connection.execute
    execute(f"create or replace temp view seen as {sql.text('recommend/calls')}")
    price(scene.connection, scene.card, "seen", "calls")
    execute("drop view seen; drop view window_charges")
    execute("delete from calls where contracted_cost is null")
    for name in ("list_cost", "rate_id", "price_basis", "unpriced_reason"):
        execute(f"alter table calls drop column {name}")
    execute("alter table calls rename column contracted_cost to cost")
    execute("alter table calls add column call bigint; update calls set call = rowid")
    execute("alter table calls add column first_cost decimal(18, 12)")
    execute("update calls set first_cost = cost")


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


def enter(scene: Scene) -> None:
    """The usage as it was before any lever."""
    change(scene, "original")
    scene.connection.execute("delete from original")


def keep(scene: Scene, table: str) -> None:
    """Note in a table of usage the calls of `accepted` as they are, but for those it has already."""
    scene.connection.execute(
        f"insert into {table} from current semi join accepted using (call) "
        f"anti join {table} using (call)"
    )


def change(scene: Scene, table: str) -> None:
    """The usage and cost of `calls` as a table of columns of `current` has them."""
    sets = ", ".join(f"{name} = {table}.{name}" for name in _usage(scene))
    scene.connection.execute(
        f"update calls set {sets} from {table} where {table}.call = calls.call"
    )


def _usage(scene: Scene) -> list[str]:
    """What a lever may change: columns of `current`."""
    described = scene.connection.execute("select * from current limit 0").description or ()
    return [name for name, *_ in described if name != "call"]


@contextmanager
def narrowed(scene: Scene, workflows: Collection[str | None]) -> Iterator[None]:
    """Within, the table `calls` holds these workflows only; it may be nested."""
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
        keep(scene, "original")
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


def _name_models(scene: Scene) -> None:
    """Table `named`: each provider and model in the logs, as the card calls it."""
    names = ("provider_name", "request_model", "response_model", "provider_id", "model_id")
    found = []
    for provider, asked, answered in scene.connection.execute(
        f"select distinct {', '.join(names[:3])} from window_charges"
    ).fetchall():
        match = scene.card.find(provider, answered) or scene.card.find(provider, asked)
        ids = (match.provider_id, match.model_id) if match else (None, None)
        found.append((provider, asked, answered, *ids))
    scene.note("named", dict.fromkeys(names, "varchar"), found)
