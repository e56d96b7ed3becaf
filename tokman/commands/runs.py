"""A command run with its model calls recorded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tokman import ending
from tokman.commands.logs import use_mappings, use_ranks
from tokman.commands.options import ConfigOption, LedgerOption, rate_card
from tokman.errors import TokmanError


def record(
    command: Annotated[
        list[str], typer.Argument(help="The command and its arguments", show_default=False)
    ],
    log: Annotated[
        list[str] | None,
        typer.Option(
            "--log", help="Read what this file, folder or glob gets meanwhile", metavar="PATH"
        ),
    ] = None,
    usual_places: Annotated[
        bool, typer.Option("--usual-places", help="Also what tools' logs in their usual places get")
    ] = False,
    otlp: Annotated[
        bool,
        typer.Option("--otlp/--no-otlp", help="Receive what the command exports by OpenTelemetry"),
    ] = True,
    case: Annotated[
        str | None,
        typer.Option("--case", envvar="TOKMAN_CASE", help="Case of the calls that state none"),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--run", envvar="TOKMAN_RUN", help="Name of the run [default: time and chance]"
        ),
    ] = None,
    maps: Annotated[
        list[Path] | None,
        typer.Option("--map", help="Read formats that this TOML file describes", metavar="FILE"),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say only what was refused or went wrong")
    ] = False,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Run a test or eval command and record the model calls it makes: tokman record -- pytest.

    Calls come from the OpenTelemetry spans that the command exports, which are received on this
    machine while it runs, and from the logs it writes (--log). They get the run, the commit and
    branch worked on, and the case that their span or resource states as tokman.case.

    Exit code: that of the command; 128 + n where signal n ended it. 125: tokman failed, before the
    command or, where the command itself succeeded, in recording it. 126: the command cannot be run.
    127: there is no such command.
    """
    from tokman.config import load
    from tokman.ledger import Ledger, locate
    from tokman.record import FAILED, Broken, CannotRun, Plan, label, revision
    from tokman.record import record as run_and_record
    from tokman.run import new_ingest
    from tokman.screens.record import show

    try:
        settings = load(config)
        use_mappings(settings, maps or [])
        use_ranks(settings)
        commit, branch = revision()
        plan = Plan(
            command=command,
            logs=[*(log or ()), *(_usual() if usual_places else ())],
            otlp=otlp,
            run_id=label("--run", run) if run else new_ingest(),
            case_id=label("--case", case) if case else None,
            git_commit=commit,
            git_branch=branch,
        )
        store, card = Ledger(locate(ledger), create=True), rate_card(settings)
    except TokmanError as error:
        error.exit_code = FAILED
        raise
    try:
        done = run_and_record(plan, store, card)
    except CannotRun as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except Broken as broken:
        cause = broken.__cause__
        failed = ending.of(lambda: _raise(cause))
        return broken.code or (failed if failed == ending.INTERRUPTED else FAILED)
    show(done, sys.stderr, quiet=quiet)
    if done.code == 0 and done.tally and done.tally.failure:
        return FAILED
    return done.code


def _usual() -> list[str]:
    """Where tools keep their logs on this machine."""
    from tokman import discover

    return [folder for _, folder in discover.usual_places()]


def _raise(error: BaseException | None) -> None:
    assert error is not None
    raise error
