"""Why the bill moved."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokman.commands.options import (
    ConfigOption,
    FormatOption,
    LedgerOption,
    WhereOption,
    ZoneOption,
    form_of,
    opened,
    rate_card,
)
from tokman.errors import TokmanError

if TYPE_CHECKING:
    from datetime import tzinfo

    from tokman.change.period import Period


def diff(
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Period before: 2026-09, 2026-W41, 2026-10-05, A..B, 7d"),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Period after  [default: the last whole week]")
    ] = None,
    by: Annotated[
        str,
        typer.Option("--by", help="See it by workflow, model, user, token_class, tier, …: a,b"),
    ] = "workflow",
    per_day: Annotated[
        bool, typer.Option("--per-day", help="Compare what a day costs, where lengths differ")
    ] = False,
    from_run: Annotated[
        str | None,
        typer.Option("--from-run", help="Run, tag, branch or commit before"),
    ] = None,
    to_run: Annotated[
        str | None, typer.Option("--to-run", help="Run, tag, branch or commit after")
    ] = None,
    from_where: Annotated[
        str | None, typer.Option("--from-where", help="SQL condition of the calls before")
    ] = None,
    to_where: Annotated[
        str | None, typer.Option("--to-where", help="SQL condition of the calls after")
    ] = None,
    from_ledger: Annotated[
        Path | None, typer.Option("--from-ledger", help="Ledger of the calls before")
    ] = None,
    where: WhereOption = None,
    tz: ZoneOption = "UTC",
    top: Annotated[int | None, typer.Option("--top", min=1, help="Rows before the rest is one")] = (
        None
    ),
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Show why spend moved: calls, models, tokens, caching, tiers and prices, adding up exactly.

    Two periods (--from, --to), two ledgers, or two runs, commits, tags or conditions.

    Exit code 3: no calls on a side.
    """
    from tokman import report, when
    from tokman.change import compare, drawn
    from tokman.query import connect
    from tokman.screens.change import show

    form = form_of(form)
    place = when.zone(tz)
    compare.seen_by(by)
    store, settings = opened(ledger, config)
    now = connect(store, settings)
    then = now
    if from_ledger is not None:
        then = connect(opened(from_ledger, config)[0], settings)
    other = from_ledger is not None or any((from_run, to_run, from_where, to_where))
    periods = _periods(from_, to, place, now, named_otherwise=other)
    spans = drawn.spans((then, now), place)
    if where is not None:
        report.narrow(now, where)
        if then is not now:
            report.narrow(then, where)
    before = drawn.Asked(
        connection=then,
        period=periods[0],
        span=spans[0],
        where=_condition(then, from_run, from_where),
        name=from_run or from_where,
    )
    after = drawn.Asked(
        connection=now,
        period=periods[1],
        span=spans[1],
        where=_condition(now, to_run, to_where),
        name=to_run or to_where,
    )
    answer = compare.compare(before, after, rate_card(settings), by=by, tz=tz, per_day=per_day)
    show(answer, form, sys.stdout, top=top)
    return 0


def _periods(
    from_: str | None, to: str | None, place: tzinfo, connection: Any, *, named_otherwise: bool
) -> tuple[Period | None, Period | None]:
    """The two periods: where only the later is named the one before it, where none is the last two
    whole weeks, and none at all where the sides are told apart by something else."""
    from tokman.change.drawn import last_week
    from tokman.change.period import one_before, period

    before = period(from_, place) if from_ is not None else None
    after = period(to, place) if to is not None else None
    if named_otherwise:
        return before, after
    if before is not None and after is None:
        raise TokmanError("--from needs --to", f"tokman diff --from {from_} --to 2026-10")
    after = after or last_week(connection, place)
    return before or one_before(after, place), after


def _condition(connection: Any, run: str | None, where: str | None) -> str | None:
    """A run and a condition as one condition."""
    from tokman.change import named
    from tokman.record.plan import commit_of

    parts = [f"({named.condition(connection, run, commit_of)})"] if run is not None else []
    parts += [f"({where}\n)" if parts else where] if where is not None else []
    return " and ".join(parts) or None
