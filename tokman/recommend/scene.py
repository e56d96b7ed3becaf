"""The calls that levers look at: priced anew, changed as levers are applied, and changed back."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import uuid4

from tokman import sql
from tokman.errors import NothingToJudge
from tokman.recommend import words
from tokman.recommend.lever import Scene

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import duckdb

    from tokman.config import Config
    from tokman.rates import Card

PACKED = "packed"
"""The database in memory that keeps tables compressed."""

AT_ONCE = 1_000_000
"""Calls that are packed at once."""


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
    """Table `calls`, each numbered in the order of time; its `cost` follows the levers.

    It is filled a stretch of time after another, and each is packed before the next comes: so large
    windows stay in memory, and are read quicker.
    """
    from tokman.rates import price

    execute = scene.connection.execute
    count, columns = scene.count("window_charges"), "*"
    if count >= words.MANY and (
        coded := words.replaced(scene.connection, scene.card, "window_charges")
    ):
        columns = f"* replace ({', '.join(coded)})"
    seen = f"select {columns} from ({sql.text('recommend/calls')})"

    def fill(table: str, stretch: str, append: bool) -> None:
        execute(f"create or replace temp view seen as {seen} where {stretch}")
        money = ("contracted_cost",)
        price(scene.connection, scene.card, "seen", table, money=money, append=append)

    execute(f"attach if not exists ':memory:' as {PACKED} (compress)")
    execute(f"set search_path = 'memory.main,{PACKED}.main'")
    fill("none", "false", append=False)
    execute(f"create or replace table {PACKED}.calls as from none; drop table none")
    for stretch in _stretches(scene, count):
        fill(f"{PACKED}.calls", stretch, append=True)
        execute(f"checkpoint {PACKED}")
    execute("drop view seen; drop view window_charges")
    execute("delete from calls where contracted_cost is null")
    execute("alter table calls rename column contracted_cost to cost")
    execute("alter table calls add column call bigint; update calls set call = rowid")


def _stretches(scene: Scene, count: int) -> list[str]:
    """Conditions on the time of a call that part them into so many as are packed at once."""
    parts = count // AT_ONCE + 1
    if parts == 1:
        return ["true"]
    ((cuts,),) = scene.connection.execute(
        "select approx_quantile(epoch_us(started_at), $shares::float[]) from window_charges",
        {"shares": [place / parts for place in range(1, parts)]},
    ).fetchall()
    ends = sorted(set(cuts))
    return [
        f"started_at < make_timestamp({ends[0]}) or started_at is null",
        *(
            f"started_at >= make_timestamp({low}) and started_at < make_timestamp({high})"
            for low, high in pairwise(ends)
        ),
        f"started_at >= make_timestamp({ends[-1]})",
    ]


def enter(scene: Scene) -> None:
    """The usage as it was before any lever."""
    change(scene, "original")
    scene.connection.execute("delete from original")


def keep(scene: Scene) -> None:
    """Note in `original` the calls of `accepted` as they are, unless it has them already."""
    scene.connection.execute(
        "insert into original from current semi join accepted using (call) "
        "anti join original using (call)"
    )


def change(scene: Scene, table: str) -> None:
    """The usage and cost of `calls` as a table of columns of `current` has them."""
    import duckdb

    execute = scene.connection.execute
    if not (changed := _changed(scene, table)):
        return
    sets = ", ".join(f"{name} = {table}.{name}" for name in changed)
    update = f"update calls set {sets} from {table} where {table}.call = calls.call"
    try:
        execute(update)
    except duckdb.ConversionException:  # a word that no call had so far
        words.spell(scene.connection, "calls")
        execute(update)


def _changed(scene: Scene, table: str) -> list[str]:
    """The columns in which a table differs from `current`: writing a column costs most, for it may
    have to come back from disk."""
    execute = scene.connection.execute
    names = [name for name, *_ in execute("select * from current limit 0").description or ()]
    differ = ", ".join(f"bool_or({table}.{name} is distinct from current.{name})" for name in names)
    found = execute(f"select {differ} from {table} join current using (call)").fetchone() or ()
    return [name for name, differs in zip(names, found, strict=True) if differs]


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
