"""The books: doubted, tied to the bill, handed on."""

from __future__ import annotations

import sys
from pathlib import Path
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


def doctor(
    since: SinceOption = None,
    until: UntilOption = None,
    tz: ZoneOption = "UTC",
    where: WhereOption = None,
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """List what could make a total wrong, the largest amount first, and what to do about it.

    Exit code 0: nothing found. 1: findings. 3: no calls to look at.
    """
    from tokman import doctor as ward
    from tokman import report, reprice
    from tokman.query import connect
    from tokman.screens.doctor import show

    form = form_of(form)
    store, settings = opened(ledger, config)
    connection = connect(store, settings)
    report.scope(connection, since=since, until=until, tz=tz, where=where)
    calls = connection.sql("select count(*) from scope").fetchall()[0][0]
    card = rate_card(settings)
    findings = ward.examine(connection, card)
    if not calls and not findings:
        raise NothingToJudge("no calls", what_there_is(connection))
    findings += ward.of_cards(reprice.compare(connection, card))
    show(ward.ranked(findings), calls, form, sys.stdout)
    return 1 if findings else 0


def reconcile(
    by: Annotated[
        str | None, typer.Option("--by", help="Both sides by day, model, project, key: a,b")
    ] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Only this one")] = None,
    tolerance: Annotated[
        str, typer.Option("--tolerance", help="Unexplained that is allowed: 0.5% or $5")
    ] = "0.5%",
    since: SinceOption = None,
    until: UntilOption = None,
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Tie the logs to the provider's own bill, and name every difference.

    Exit code 0: closed. 1: more is unexplained than allowed. 3: no statements to compare with.
    """
    from tokman import rates, when
    from tokman import reconcile as closing
    from tokman.query import connect
    from tokman.screens.reconcile import show

    form = form_of(form)
    allowed = closing.tolerance(tolerance)
    dimensions = [name.strip() for name in (by or "").split(",") if name.strip()]
    store, settings = opened(ledger, config)
    utc = when.zone("UTC")
    answers = closing.reconcile(
        connect(store, settings),
        rates.load(settings.rates),
        by=dimensions,
        provider=provider,
        since=when.instant(since, utc) if since else None,
        until=when.instant(until, utc) if until else None,
        allowed=allowed,
        names=settings.reconcile,
    )
    show(answers, dimensions, form, sys.stdout)
    return 0 if all(each.closes for each in answers) else 1


def focus(
    version: Annotated[str, typer.Option("--version", help="1.2 or 1.4")] = "1.2",
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write CSV here [default: standard output]")
    ] = None,
    parquet: Annotated[Path | None, typer.Option("--parquet", help="Write Parquet here")] = None,
    account: Annotated[
        str | None,
        typer.Option("--account", help="BillingAccountId [default: the provider's name]"),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    tz: ZoneOption = "UTC",
    where: WhereOption = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Write token spend in FOCUS, the open format of cloud bills.

    A row for each day, model, tier, token class, project, workflow, team and user. Calls without a
    price are not in it: their number is printed.
    """
    from tokman import rates, report
    from tokman.export.focus import export
    from tokman.export.focus_columns import VERSIONS
    from tokman.query import connect
    from tokman.screens import export as screen

    if version not in VERSIONS:
        raise TokmanError(f"no version {version!r}", f"choose from {', '.join(VERSIONS)}")
    if csv and parquet:
        raise TokmanError("one file at a time", "choose one of --csv FILE and --parquet FILE")
    store, settings = opened(ledger, config)
    connection = connect(store, settings)
    report.scope(connection, since=since, until=until, tz=tz, where=where)
    done = export(connection, rates.load(settings.rates), version=version, tz=tz, account=account)
    if not done.rows:
        screen.say(done, sys.stderr)
        raise NothingToJudge("no calls with a cost", what_there_is(connection))
    if parquet:
        screen.write_parquet(done, version, parquet)
    elif csv:
        screen.write_csv(done, version, csv)
    else:
        sys.stdout.write(screen.csv_text(done, version))
    screen.say(done, sys.stderr)
    return 0
