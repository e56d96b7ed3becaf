"""The gate in CI."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from tokman.commands.options import (
    ConfigOption,
    LedgerOption,
    SinceOption,
    UntilOption,
    WhereOption,
    ZoneOption,
    opened,
    rate_card,
)
from tokman.errors import TokmanError

if TYPE_CHECKING:
    import duckdb

    from tokman.check.baseline import Baseline
    from tokman.check.settings import Settings
    from tokman.check.verdict import Verdict
    from tokman.config import Config
    from tokman.ledger import Ledger

Given = str | None


def check(
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="Compare with this file")
    ] = None,
    against: Annotated[
        Given,
        typer.Option("--against", help="Compare with a window: last-month, 7d, 2026-10, FROM..TO"),
    ] = None,
    against_ledger: Annotated[
        Path | None, typer.Option("--against-ledger", help="Compare with another ledger")
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="Make the baseline file, on the main branch")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Save on any branch")] = False,
    mode: Annotated[
        Given,
        typer.Option(
            "--mode",
            help="suite (the same cases, paired), traffic, or static (budgets only) "
            "[default: what fits]",
        ),
    ] = None,
    unit: Annotated[
        Given,
        typer.Option(
            "--unit",
            help="call, conversation, outcome or case "
            "[default: case of a suite, else conversation]",
        ),
    ] = None,
    max_increase: Annotated[
        Given, typer.Option("--max-increase", help="Allowed rise per unit [default: 5%]")
    ] = None,
    min_impact: Annotated[
        Given,
        typer.Option(
            "--min-impact",
            help="USD in 30 days, or of one run of a suite, below which a rise is let pass "
            "[default: 0]",
        ),
    ] = None,
    strictness: Annotated[
        Given,
        typer.Option(
            "--strictness",
            help="strict: any rise above the allowed fails; balanced: one beyond chance; "
            "lenient: one that is shown to be above the allowed [default: balanced]",
        ),
    ] = None,
    alpha: Annotated[
        Given,
        typer.Option("--alpha", help="Share of unchanged builds that may fail [default: 5%]"),
    ] = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            "--budget",
            help="Most USD per unit, [WORKFLOW/]UNIT=USD: conversation=0.40, support-*/case=0.02",
        ),
    ] = None,
    inconclusive: Annotated[
        Given,
        typer.Option(
            "--inconclusive", help="pass, warn or fail where the data cannot tell [default: warn]"
        ),
    ] = None,
    max_unpriced: Annotated[
        Given,
        typer.Option(
            "--max-unpriced", help="Share of calls that may be without a price [default: 0%]"
        ),
    ] = None,
    informational: Annotated[
        bool, typer.Option("--informational", help="Exit with 0 whatever happens")
    ] = False,
    since: SinceOption = None,
    until: UntilOption = None,
    tz: ZoneOption = "UTC",
    where: WhereOption = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="text, json, markdown (a comment), junit, sarif, github (annotations), gitlab "
            "(code quality) or benchmark",
            metavar="FORMAT",
        ),
    ] = "text",
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            "-o",
            help="Also into a file: junit=report.xml; summary: the step's in GitHub Actions; "
            "may be repeated",
            metavar="FORMAT=PATH",
        ),
    ] = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Fail when a unit of work costs more than it did, beyond chance and at the same prices.

    Exit code 0: pass or warn. 1: regression. 2: wrong use. 3: nothing to judge, or unpriced calls.
    4: inconclusive, with --inconclusive fail. With --informational always 0.
    """
    from tokman.check import baseline as files
    from tokman.check import branch, keep
    from tokman.check.settings import Flags, settings
    from tokman.screens import ci
    from tokman.screens.check import show
    from tokman.screens.ci import files as reports
    from tokman.screens.ci.words import repository

    with _told(informational):
        if sum(each is not None for each in (baseline, against or against_ledger, save)) > 1:
            raise TokmanError(
                "choose one of --baseline, --against and --save", "tokman check --help"
            )
        if form not in ci.FORMATS:
            raise TokmanError(f"no format {form!r}", f"choose from {', '.join(ci.FORMATS)}")
        if output and save is not None:
            raise TokmanError("--save judges nothing that --output could tell", "drop one")
        also = reports.outputs(output or ())
        store, stated = opened(ledger, config)
        flags = Flags(
            *(mode, unit, max_increase, min_impact, strictness, alpha, inconclusive, max_unpriced),
            tuple(budget or ()),
        )
        held = settings(stated, flags)
        asked = Asked(baseline, against, against_ledger, since, until, tz, where)
        if save is not None:
            if not force:
                branch.refuse_elsewhere(save, stated.check.main)
            now = _scope(store, stated, asked, since, until)
            made = keep.save(now, rate_card(stated), save)
            calls = sum(work.calls for work in made.work)
            print(f"{save}: {calls:,} calls of {len(made.work):,} workflows", file=sys.stderr)
            return 0
        if baseline is None and against is None and against_ledger is None and not held.limits:
            raise TokmanError(
                "nothing to compare with",
                "--baseline FILE, --against last-month, --against-ledger PATH, --budget call=0.04",
            )
        before = None if baseline is None else files.read(baseline)
        answer = _judged(store, stated, held, asked, before, informational)
        with suppress(BrokenPipeError):  # a reader that had enough does not change the verdict
            if form == "text":
                show(answer, form, sys.stdout)  # as wide as the screen
            else:
                sys.stdout.write(ci.rendered(form, answer, repository()))
        reports.write(also, answer, repository())
        return answer.exit_code


@contextmanager
def _told(informational: bool) -> Iterator[None]:
    """Within, what is wrong ends the program as always, but with exit code 0 where a job only wants
    to be informed."""
    try:
        yield
    except TokmanError as error:
        if informational:
            error.exit_code = 0
        raise


class Asked(NamedTuple):
    """Which calls to judge, and what to compare them with."""

    baseline: Path | None
    against: str | None
    against_ledger: Path | None
    since: str | None
    until: str | None
    tz: str
    where: str | None


def _judged(
    store: Ledger,
    stated: Config,
    held: Settings,
    asked: Asked,
    before: Baseline | None,
    informational: bool,
) -> Verdict:
    """The verdict on what was asked."""
    from tokman.check import judge, side, window
    from tokman.check.moved import moved
    from tokman.check.place import place
    from tokman.ledger import Ledger
    from tokman.query import database
    from tokman.when import zone

    card, day = rate_card(stated), judge.today()
    since, until, base, name, then = asked.since, asked.until, None, None, None
    if before is not None:
        name, of = str(asked.baseline), "the baseline"
        then = database()
        base = side.of_baseline(then, before, card, day)
    elif asked.against is not None:
        found = window.windows(
            asked.against, zone(asked.tz), since, until, apart=asked.against_ledger is not None
        )
        name, of = asked.against, f"the calls of {asked.against}"
        other = store if asked.against_ledger is None else Ledger(asked.against_ledger)
        then = _scope(other, stated, asked, *map(window.text, found.base))
        base = side.of_ledger(then, card, day)
        since = window.text(found.since) if found.since is not None else None
    elif asked.against_ledger is not None:
        name = of = str(asked.against_ledger)
        then = _scope(Ledger(asked.against_ledger), stated, asked, since, until)
        base = side.of_ledger(then, card, day)
    scoped = _scope(store, stated, asked, since, until)
    now = side.of_ledger(scoped, card, day)
    if base is not None:
        side.refuse_unpriced(base, of, held.max_unpriced)
    side.refuse_unpriced(now, "the ledger", held.max_unpriced)
    given = judge.Given(
        base=name,
        days=side.days(scoped),
        rate_card=card.version,
        today=day,
        informational=informational,
        place=partial(place, asked.baseline, stated.path),
        moved=None if then is None else moved(then, scoped, card),
    )
    return judge.judge(base, now, held, stated, given)


def _scope(
    store: Ledger, stated: Config, asked: Asked, since: str | None, until: str | None
) -> duckdb.DuckDBPyConnection:
    """A connection whose view `scope` has the calls of a ledger in a window."""
    from tokman import report
    from tokman.query import connect

    connection = connect(store, stated)
    report.scope(connection, since=since, until=until, tz=asked.tz, where=asked.where)
    return connection
