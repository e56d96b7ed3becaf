"""Prices: shown, compared with newer ones, taken over."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
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
    agreed,
    form_of,
    opened,
    rate_card,
    settings_of,
)
from tokman.errors import TokmanError


def rates_of(
    model: Annotated[str, typer.Argument(help="Model as logs or the catalogue name it")],
    at: Annotated[str | None, typer.Option("--at", help="In force then [default: now]")] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Who bills it")] = None,
    form: FormatOption = "table",
    config: ConfigOption = None,
) -> int:
    """Show the price of a model at a moment. The word `of` may be left out."""
    from tokman import rates, when
    from tokman.screens.prices import show

    form = form_of(form)
    moment = when.instant(at, when.zone("UTC")) if at else datetime.now(UTC).replace(tzinfo=None)
    card = rate_card(settings_of(config))
    rows = rates.lookup(card, model, provider, moment)
    show(rows, moment, form, sys.stdout)
    return 0


def rates_diff(
    since: SinceOption = None,
    until: UntilOption = None,
    tz: ZoneOption = "UTC",
    where: WhereOption = None,
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Show what the present prices would change in the ledger. Changes nothing.

    Calls that were priced by another rate card (an older catalogue, other settings in tokman.toml)
    are priced anew and compared with the cost they have; `tokman reprice` takes the new costs over.
    """
    from tokman import report, reprice
    from tokman.query import connect
    from tokman.screens.reprice import show

    form = form_of(form)
    store, settings = opened(ledger, config)
    connection = connect(store, settings)
    report.scope(connection, since=since, until=until, tz=tz, where=where)
    show(reprice.compare(connection, rate_card(settings)), form, sys.stdout)
    return 0


def reprice_(
    undo: Annotated[
        bool, typer.Option("--undo", help="Bring back the costs before the last reprice")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking")] = False,
    since: SinceOption = None,
    until: UntilOption = None,
    tz: ZoneOption = "UTC",
    where: WhereOption = None,
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Give past calls the present prices, after showing the difference; --undo takes it back.

    Exit code 0: done, or nothing to do. 1: declined. 3: nothing to undo.
    """
    from tokman import report, reprice
    from tokman.query import connect
    from tokman.screens.reprice import settled, show

    form = form_of(form)
    store, settings = opened(ledger, config)
    if undo:
        if since or until or where:
            raise TokmanError("--undo takes back a whole reprice", "leave the rest out")
        last = reprice.last(store)
        show(reprice.undoing(store, last), form, sys.stdout, undo=last)
        if not agreed("Bring these costs back?", yes):
            return 1
        settled(reprice.undo(store, last), sys.stderr)
        return 0
    card = rate_card(settings)
    connection = connect(store, settings)
    report.scope(connection, since=since, until=until, tz=tz, where=where)
    with reprice.Draft(store, card.version) as draft:
        show(reprice.propose(connection, card, draft), form, sys.stdout)
        if not draft.calls:
            return 0
        if not agreed("Give the calls these costs?", yes):
            return 1
        settled(reprice.apply(store, draft), sys.stderr)
    return 0
