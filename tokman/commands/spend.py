"""Spend: shown, and asked about in SQL."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tokman.commands.options import (
    ConfigOption,
    FormatOption,
    LedgerOption,
    SinceOption,
    UntilOption,
    WhereOption,
    ZoneOption,
    form_of,
    opened,
    rate_card,
    what_there_is,
)
from tokman.errors import NothingToJudge, TokmanError


def report(
    by: Annotated[str, typer.Option("--by", help="workflow, model, user, day, …; several: a,b")] = (
        "workflow"
    ),
    since: SinceOption = None,
    until: UntilOption = None,
    tz: ZoneOption = "UTC",
    where: WhereOption = None,
    top: Annotated[int | None, typer.Option("--top", min=1, help="Rows before the rest is one")] = (
        None
    ),
    sort: Annotated[
        str | None, typer.Option("--sort", help="cost, calls, input, output, cost_per_call, name")
    ] = None,
    basis: Annotated[
        str, typer.Option("--basis", help="calls, statements, or both without overlap: auto")
    ] = "auto",
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Show spend by workflow, model, user, day or any other dimension."""
    from tokman import report as reporting
    from tokman import stated
    from tokman.query import connect
    from tokman.screens.report import show

    form = form_of(form)
    if basis not in stated.BASES:
        raise TokmanError(f"no basis {basis!r}", f"choose from {', '.join(stated.BASES)}")
    dimensions = reporting.dimensions(by)
    calendar = dimensions[0] in ("day", "week", "month", "hour", "weekday", "hour_of_day")
    sort = sort or ("name" if calendar else "cost")
    if sort not in reporting.SORTS:
        raise TokmanError(f"cannot sort by {sort!r}", f"choose from {', '.join(reporting.SORTS)}")
    store, settings = opened(ledger, config)
    connection = connect(store, settings)
    reporting.scope(connection, since=since, until=until, tz=tz, where=where, basis=basis)
    answer = reporting.report(connection, dimensions, tz=tz, top=top, sort=sort)
    if not answer.rows:
        raise NothingToJudge("no calls", what_there_is(connection))
    show(answer, form, sys.stdout)
    return 0


def load(
    since: SinceOption = None,
    until: UntilOption = None,
    tz: ZoneOption = "UTC",
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Show what each hour of the day costs, and how much of it could be at another hour."""
    from tokman import when
    from tokman.query import connect
    from tokman.recommend.load import load as curve
    from tokman.screens.load import show

    form = form_of(form)
    store, settings = opened(ledger, config)
    place = when.zone(tz)
    answer = curve(
        connect(store, settings),
        rate_card(settings),
        settings,
        since=when.instant(since, place) if since else None,
        until=when.instant(until, place) if until else None,
        tz=tz,
    )
    show(answer, form, sys.stdout)
    return 0


def sql(
    question: Annotated[str, typer.Argument(help="A SELECT over charges, usage or rejects")],
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Ask the ledger in SQL. Read-only: it reaches the ledger's files and nothing else."""
    from tokman import query
    from tokman.screens.rows import show

    form = form_of(form)
    connection = query.connect(*opened(ledger, config))
    rows = query.ask(connection, question)
    show(rows, query.names(connection), form, sys.stdout)
    return 0
