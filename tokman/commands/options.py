"""Options that commands share, and what they stand for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokman.errors import TokmanError

if TYPE_CHECKING:
    from tokman.config import Config
    from tokman.rates import Card

LedgerOption = Annotated[
    Path | None,
    typer.Option("--ledger", help="Folder of the ledger [default: TOKMAN_LEDGER, else .tokman]"),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Configuration file [default: tokman.toml]")
]
FormatOption = Annotated[
    str, typer.Option("--format", "-f", help="table, json, csv or markdown", metavar="FORMAT")
]
SinceOption = Annotated[
    str | None, typer.Option("--since", help="From then on: 2026-11-01, 2026-11, 7d, today")
]
UntilOption = Annotated[str | None, typer.Option("--until", help="Before then")]
ZoneOption = Annotated[str, typer.Option("--tz", help="Time zone of days, and of --since")]
WhereOption = Annotated[
    str | None, typer.Option("--where", help="SQL condition: \"model = 'gpt-5.5'\"")
]


def opened(ledger: Path | None, config: Path | None) -> tuple[Any, Config]:
    """The ledger and the configuration that the options name."""
    from tokman.ledger import Ledger, locate

    return Ledger(locate(ledger)), settings_of(config)


def settings_of(config: Path | None) -> Config:
    """The configuration that the option names, else the nearest."""
    from tokman.config import load

    return load(config)


def agreed(question: str, yes: bool) -> bool:
    """Whether the person at the terminal says so; a script must have said --yes."""
    if yes:
        return True
    sys.stdout.flush()
    if not sys.stdin.isatty():
        raise TokmanError("nothing was changed: no terminal to ask on", "add --yes to do it")
    try:
        return bool(typer.confirm(question, err=True))
    except typer.Abort:
        return False


def rate_card(settings: Config) -> Card:
    """The rate card under the user's own prices."""
    from tokman import rates

    return rates.load(settings.rates)


def form_of(form: str) -> str:
    """A format that answers come in; TokmanError for another."""
    from tokman.render import FORMATS

    if form not in FORMATS:
        raise TokmanError(f"no format {form!r}", f"choose from {', '.join(FORMATS)}")
    return form


def what_there_is(connection: Any) -> str:
    """What to do where a question finds no call."""
    first, last, calls = connection.sql(
        "select min(started_at)::date, max(started_at)::date, count(*) from charges"
    ).fetchall()[0]
    if not calls:
        return "the ledger is empty: run `tokman ingest`"
    return f"the ledger has {calls:,} calls from {first} to {last}; widen the question"
