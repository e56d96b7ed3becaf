"""What came of the work: outcomes added and looked at."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tokman.commands.options import ConfigOption, FormatOption, LedgerOption, form_of, opened
from tokman.errors import NothingToJudge


def outcomes_add(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or Parquet, also packed")],
    key: Annotated[
        str,
        typer.Option(
            "--key",
            help="Column that says which calls: conversation_id, call_id, user, project, team, "
            "api_key_alias or a tag; KEY=COLUMN where the file calls it otherwise",
        ),
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="Kind of outcome: resolved, merged, …")
    ] = None,
    success: Annotated[
        str | None,
        typer.Option(
            "--success", help="Column of yes and no, or COLUMN=VALUE,VALUE [default: success]"
        ),
    ] = None,
    value: Annotated[
        str | None, typer.Option("--value", help="Column of USD one is worth [default: value]")
    ] = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Join what came of the work to the calls that worked on it. Adding it again replaces it.

    Exit code 0: all added. 1: added, with rows refused. 3: no outcome in the file.
    """
    from tokman import outcomes
    from tokman.query import connect
    from tokman.screens.outcomes import added

    store, settings = opened(ledger, config)
    done = outcomes.add(store, path, key, outcome=name, success=success, value=value)
    added(done, outcomes.joined(connect(store, settings)), sys.stderr)
    return 1 if done.rejects else 0


def outcomes_list(
    form: FormatOption = "table", ledger: LedgerOption = None, config: ConfigOption = None
) -> int:
    """Show the outcomes there are, by kind and key, and how many calls they explain."""
    from tokman import outcomes
    from tokman.query import connect
    from tokman.screens.outcomes import show

    form = form_of(form)
    rows = outcomes.joined(connect(*opened(ledger, config)))
    if not rows:
        raise NothingToJudge("no outcomes", "tokman outcomes add FILE --key conversation_id")
    show(rows, form, sys.stdout)
    return 0
