"""Advice: what could cost less, what stands behind it, and what people make of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
)
from tokman.errors import TokmanError

if TYPE_CHECKING:
    from datetime import datetime

    from tokman.recommend import Plan
    from tokman.recommend.decisions import Decided

IdOption = Annotated[str | None, typer.Option(metavar="ID")]


def recommend(
    since: SinceOption = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Before then; with --dismiss: until then")
    ] = None,
    tz: ZoneOption = "UTC",
    where: WhereOption = None,
    lever: Annotated[
        list[str] | None, typer.Option("--lever", help="Show this lever only; may be repeated")
    ] = None,
    workflow: Annotated[
        list[str] | None, typer.Option("--workflow", help="Show this workflow only; repeatable")
    ] = None,
    min_saving: Annotated[
        float, typer.Option("--min-saving", min=0, help="Show what is expected to save so many USD")
    ] = 0,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="ID", help="Show its calls and its sums")
    ] = None,
    accept: Annotated[
        str | None, typer.Option("--accept", metavar="ID", help="Mark as decided for")
    ] = None,
    dismiss: Annotated[
        str | None, typer.Option("--dismiss", metavar="ID", help="Leave out of the plan")
    ] = None,
    reopen: Annotated[
        str | None, typer.Option("--reopen", metavar="ID", help="Forget what was decided")
    ] = None,
    because: Annotated[str, typer.Option("--because", help="Why it is accepted or dismissed")] = "",
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Show where the same work could cost less, ranked, without counting a dollar twice."""
    from tokman.recommend import decisions
    from tokman.recommend.explain import Watcher
    from tokman.screens import explained as explained_screen
    from tokman.screens import plan as plan_screen

    form = form_of(form)
    asked = [name for name in (explain, accept, dismiss, reopen) if name is not None]
    if len(asked) > 1:
        raise TokmanError("one of --explain, --accept, --dismiss and --reopen at a time")
    if because and not (accept or dismiss):
        raise TokmanError("--because says nothing here", "add --accept ID or --dismiss ID")
    store, settings = opened(ledger, config)
    decided = decisions.load(store.folder)
    holds_until = _date(until) if dismiss is not None and until is not None else None
    watcher = Watcher(explain) if explain is not None else None
    plan, card, _ = _planned(
        store,
        settings,
        decided,
        since,
        None if dismiss is not None else until,
        tz,
        where,
        watcher,
    )
    if watcher is not None:
        explained_screen.show(plan, watcher.explained(plan, card), form, sys.stdout)
    elif asked:
        choice = "accepted" if accept is not None else "dismissed" if dismiss is not None else ""
        _decide(store.folder, plan, decided, asked[0], choice, holds_until, because)
    else:
        known = {each.lever for each in plan.levers}
        for name in lever or ():
            if name not in known:
                raise TokmanError(f"no lever {name!r}", f"choose from {', '.join(sorted(known))}")
        shown = plan.showing(lever, workflow, min_saving)
        plan_screen.show(shown, form, sys.stdout)
    return 0


def label(
    name: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A recommendation: its rule is judged")
    ] = None,
    lever: Annotated[str | None, typer.Option("--lever", help="Lever of the rule")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Name of the rule")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="CSV: written if it is not there, else its answers are kept"),
    ] = None,
    count: Annotated[int, typer.Option("--sample", min=1, max=1000, help="How many hits")] = 30,
    since: SinceOption = None,
    until: UntilOption = None,
    tz: ZoneOption = "UTC",
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Judge what a rule found: right or not. Rules that prove wrong are not expected to save."""
    from tokman.recommend import decisions, hits, names, precision
    from tokman.screens import label as screen

    form = form_of(form)
    store, settings = opened(ledger, config)
    decided = decisions.load(store.folder)
    if file is not None and file.exists():
        return _answers(file, store)
    plan, _, connection = _planned(store, settings, decided, since, until, tz)
    judged = precision.by_rule(decided.judgements)
    if name is None and lever is None and rule is None:
        screen.rules(hits.rules(plan), judged, form, sys.stdout)
        return 0
    if name is not None:
        whole = names.meant((one.name for one in plan.recommendations), name)
        (one,) = [each for each in plan.recommendations if each.name == whole]
        lever, rule = one.lever, one.rule
    meant = hits.chosen(plan, lever, rule)
    known = [
        each.hit for each in decided.judgements if (each.lever, each.rule) == (meant[0], meant[1])
    ]
    sample = hits.sample(connection, plan, meant, count, known)
    if file is not None:
        with file.open("w", encoding="utf-8", newline="") as out:
            screen.hits(sample, "csv", out)
        print(
            f"{len(sample)} hits of {hits.spoken(meant.lever, meant.rule)} written to {file}: "
            f"answer y or n in the column `right`, then run `tokman label --file {file}`",
            file=sys.stderr,
        )
    elif sys.stdin.isatty() and sys.stdout.isatty() and form == "table":
        _ask(sample, store.folder)
        kept = decisions.load(store.folder).judgements
        screen.rules([meant], precision.by_rule(kept), form, sys.stdout)
    else:
        screen.hits(sample, form, sys.stdout)
    return 0


def _planned(
    store: Any,
    settings: Any,
    decided: Decided,
    since: str | None,
    until: str | None,
    tz: str,
    where: str | None = None,
    watch: Any = None,
) -> tuple[Plan, Any, Any]:
    """The plan, the rate card, and the connection that the plan leaves its tables on."""
    from tokman import rates, report, when
    from tokman.query import connect
    from tokman.recommend import recommend as advise

    place = when.zone(tz)
    connection = connect(store, settings)
    if where is not None:
        report.narrow(connection, where)
    card = rates.load(settings.rates)
    plan = advise(
        connection,
        card,
        settings,
        since=when.instant(since, place) if since else None,
        until=when.instant(until, place) if until else None,
        decided=decided,
        watch=watch,
    )
    return plan, card, connection


def _decide(
    folder: Path,
    plan: Plan,
    decided: Decided,
    stated: str,
    choice: Any,
    until: Any,
    because: str,
) -> None:
    """Keep or forget a decision, and say so."""
    from tokman.recommend import decisions, names
    from tokman.render.cells import harmless

    titles = {one.name: one.title for one in decided.decisions}
    if choice:
        titles |= {one.name: one.title for one in plan.recommendations}
    name = names.meant(titles, stated)
    if not choice:
        decisions.reconsider(folder, name)
        print(harmless(f"reopened {name[:4]}: {titles[name]}"))
        return
    decision = decisions.Decision(
        name=name, choice=choice, until=until, because=because, title=titles[name], at=_now()
    )
    decisions.decide(folder, [decision])
    ends = f" until {until}" if until else ""
    print(harmless(f"{choice}{ends} {name[:4]}: {titles[name]}"))


def _date(stated: str) -> Any:
    """A day to come."""
    from datetime import UTC, date, datetime

    try:
        found = date.fromisoformat(stated)
    except ValueError as error:
        raise TokmanError(f"--until {stated!r} is not a date", "write 2027-03-31") from error
    if found <= datetime.now(UTC).date():
        raise TokmanError(f"--until {stated} is not to come", "a dismissal ends on a later day")
    return found


def _answers(file: Path, store: Any) -> int:
    """Keep the judgements of a CSV; 1 where a line was refused."""
    from tokman.recommend import decisions, hits

    found, refused = hits.read(file, _now())
    decisions.judge(store.folder, found)
    for line, reason in refused:
        print(f"{file}:{line}: {reason}", file=sys.stderr)
    print(
        f"{len(found)} judgements kept, {len(refused)} lines refused; `tokman label` shows how "
        "often each rule is right",
        file=sys.stderr,
    )
    return 1 if refused else 0


def _ask(sample: list[Any], folder: Path) -> None:
    """Each hit in turn; what is answered is kept at once."""
    from tokman.recommend import decisions
    from tokman.screens import label as screen

    print("Read the calls at the places named. Is it what the rule says? y, n, s to skip, q to end")
    for number, hit in enumerate(sample, 1):
        print(screen.spoken(hit, number, len(sample)))
        answer = ""
        while answer not in ("y", "n", "s", "q"):
            try:
                answer = input("right? [y/n/s/q] ").strip().lower()[:1] or "s"
            except EOFError:
                answer = "q"
        if answer == "q":
            break
        if answer != "s":
            judged = decisions.Judgement(
                lever=hit.lever, rule=hit.rule, hit=hit.hit, right=answer == "y", at=_now()
            )
            decisions.judge(folder, [judged])


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC).replace(tzinfo=None)
