"""The gate in CI."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from tokman.commands.options import (
    ConfigOption,
    LedgerOption,
    SinceOption,
    UntilOption,
    WhereOption,
    ZoneOption,
    opened,
)
from tokman.errors import TokmanError


def check(
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="Judge the ledger against this file")
    ] = None,
    save: Annotated[Path | None, typer.Option("--save", help="Make the baseline file")] = None,
    max_increase: Annotated[
        str | None, typer.Option("--max-increase", help="Allowed rise per unit [default: 5%]")
    ] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", help="call or conversation [default: call]")
    ] = None,
    max_unpriced: Annotated[
        str, typer.Option("--max-unpriced", help="Share of calls that may be without a price")
    ] = "0%",
    since: SinceOption = None,
    until: UntilOption = None,
    tz: ZoneOption = "UTC",
    where: WhereOption = None,
    form: Annotated[
        str, typer.Option("--format", "-f", help="text, json or markdown", metavar="FORMAT")
    ] = "text",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Fail when a unit of work costs more than in the baseline.

    Exit code 0: pass. 1: regression. 2: wrong use. 3: nothing to judge, or unpriced calls.
    """
    from tokman import check as gate
    from tokman import rates, report
    from tokman.query import connect
    from tokman.screens.check import show

    if (baseline is None) == (save is None):
        raise TokmanError("choose one of --baseline FILE and --save FILE", "tokman check --help")
    if form not in ("text", "json", "markdown"):
        raise TokmanError(f"no format {form!r}", "choose from text, json, markdown")
    store, settings = opened(ledger, config)
    unit = unit or settings.check.unit or "call"
    if unit not in ("call", "conversation"):
        raise TokmanError(f"no unit {unit!r}", "choose from call, conversation")
    allowed = gate.percentage(max_increase or settings.check.max_increase or "5%")
    unpriced = gate.percentage(max_unpriced)
    before = gate.read(baseline) if baseline else None
    card = rates.load(settings.rates)
    connection = connect(store, settings)
    report.scope(connection, since=since, until=until, tz=tz, where=where)
    if before is None:
        assert save is not None
        made = gate.save(connection, card, save)
        calls = sum(work.calls for work in made.work)
        print(f"{save}: {calls:,} calls of {len(made.work):,} workflows", file=sys.stderr)
        return 0
    judgement = gate.judge(
        before,
        gate.take(connection, card),
        card,
        max_increase=allowed,
        unit=unit,
        max_unpriced=unpriced,
    )
    with suppress(BrokenPipeError):  # a reader that had enough does not change the verdict
        show(judgement, form, sys.stdout)
    return 1 if judgement.verdict == "regression" else 0
