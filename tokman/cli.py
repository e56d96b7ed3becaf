"""The command line: arguments in, one call, one screen, an exit code."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from tokman import __version__, ending
from tokman.errors import NothingToJudge, TokmanError

if TYPE_CHECKING:
    from tokman.config import Config
    from tokman.rates import Card

app = typer.Typer(
    name="tokman",
    help="The token manager: what every model call cost, why, and how to spend less.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _ModelFirst(TyperGroup):
    """`tokman rates gpt-5.5` is `tokman rates of gpt-5.5`: no model is named like a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["of", *args]
        return super().parse_args(ctx, args)


rates_app = typer.Typer(cls=_ModelFirst, subcommand_metavar="MODEL | COMMAND [ARGS]...")
app.add_typer(
    rates_app,
    name="rates",
    help="Show the price of a model, or what newer prices would change: tokman rates gpt-5.5",
)

exports = typer.Typer(
    name="export",
    help="Write the ledger in the format of another program.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(exports)

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


@app.command()
def ingest(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Files, folders, globs; `-` for standard input", show_default=False),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Read everything as this format")
    ] = None,
    maps: Annotated[
        list[Path] | None,
        typer.Option("--map", help="Read formats that this TOML file describes", metavar="FILE"),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Store nothing: say what is read, or propose a mapping")
    ] = False,
    match_fuzzy: Annotated[
        bool,
        typer.Option(
            "--match-fuzzy",
            help="Take calls of two logs for one where model, tokens and second agree",
        ),
    ] = False,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", help="Write every refused line to this CSV file")
    ] = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Read logs into the ledger. Without a path: from the tools' usual places.

    Exit code 0: all read. 1: read, with lines refused. 3: nothing to read, or with --check a file
    that no format fits.
    """
    from tokman import discover
    from tokman.config import load
    from tokman.ingest import ingest as read
    from tokman.ledger import Ledger, locate
    from tokman.progress import bar
    from tokman.screens.ingest import show as ingested
    from tokman.sources import by_name, sources

    settings = load(config)
    _use_mappings(settings, maps or [])
    _use_ranks(settings)
    if source is not None:
        try:
            by_name(source)
        except KeyError:
            names = ", ".join(each.name for each in sources())
            raise TokmanError(f"no source {source!r}", f"choose from {names}") from None
    if not paths:
        places = list(discover.usual_places())
        for name, folder in places:
            print(f"found {name} logs in {folder}", file=sys.stderr)
        paths = [folder for _, folder in places]
        if not paths:
            raise NothingToJudge(
                "no logs in the usual places of this machine",
                "name files or folders, as in: tokman ingest gateway-logs/",
            )
    if check:
        return _look(paths, source)
    store = Ledger(locate(ledger), create=True)
    with bar() as progress:
        done = read(
            paths,
            store,
            lambda: _card(settings),
            source=source,
            stdin=sys.stdin.buffer if "-" in paths else None,
            match_fuzzy=match_fuzzy,
            progress=progress,
        )
    if rejects:
        _write_rejects(rejects, done.rejects)
    ingested(done, sys.stderr)
    if not done.files and not done.unchanged:
        print("hint: `tokman sources` lists the formats tokman reads", file=sys.stderr)
        return 3
    return 1 if done.rejects else 0


@app.command()
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

    form = _form(form)
    if basis not in stated.BASES:
        raise TokmanError(f"no basis {basis!r}", f"choose from {', '.join(stated.BASES)}")
    dimensions = reporting.dimensions(by)
    calendar = dimensions[0] in ("day", "week", "month", "hour", "weekday", "hour_of_day")
    sort = sort or ("name" if calendar else "cost")
    if sort not in reporting.SORTS:
        raise TokmanError(f"cannot sort by {sort!r}", f"choose from {', '.join(reporting.SORTS)}")
    store, settings = _open(ledger, config)
    connection = connect(store, settings)
    reporting.scope(connection, since=since, until=until, tz=tz, where=where, basis=basis)
    answer = reporting.report(connection, dimensions, tz=tz, top=top, sort=sort)
    if not answer.rows:
        raise NothingToJudge("no calls", _what_there_is(connection))
    show(answer, form, sys.stdout)
    return 0


@app.command()
def recommend(
    since: SinceOption = None,
    until: UntilOption = None,
    tz: ZoneOption = "UTC",
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Show where the same work could cost less, ranked, without counting a dollar twice."""
    from tokman import rates, when
    from tokman.query import connect
    from tokman.recommend import recommend as advise
    from tokman.screens.plan import show

    form = _form(form)
    store, settings = _open(ledger, config)
    place = when.zone(tz)
    plan = advise(
        connect(store, settings),
        rates.load(settings.rates),
        settings,
        since=when.instant(since, place) if since else None,
        until=when.instant(until, place) if until else None,
    )
    show(plan, form, sys.stdout)
    return 0


@app.command()
def sources(form: FormatOption = "table", config: ConfigOption = None) -> int:
    """List the log formats tokman reads, and where each tool keeps its logs."""
    from tokman.config import load
    from tokman.screens.rows import sources as show
    from tokman.sources import sources as every

    _use_mappings(load(config), [])
    rows = [
        {"source": each.name, "reads": each.title, "usual_places": list(each.locations)}
        for each in every()
    ]
    show(rows, _form(form), sys.stdout)
    return 0


@rates_app.command("of")
def rates_of(
    model: Annotated[str, typer.Argument(help="Model as logs or the catalogue name it")],
    at: Annotated[str | None, typer.Option("--at", help="In force then [default: now]")] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Who bills it")] = None,
    form: FormatOption = "table",
    config: ConfigOption = None,
) -> int:
    """Show the price of a model at a moment. The word `of` may be left out."""
    from tokman import rates as card_of
    from tokman import when
    from tokman.screens.prices import show

    form = _form(form)
    moment = when.instant(at, when.zone("UTC")) if at else datetime.now(UTC).replace(tzinfo=None)
    card = _card(_settings(config))
    rows = card_of.lookup(card, model, provider, moment)
    show(rows, moment, form, sys.stdout)
    return 0


@rates_app.command("diff")
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

    form = _form(form)
    store, settings = _open(ledger, config)
    connection = connect(store, settings)
    report.scope(connection, since=since, until=until, tz=tz, where=where)
    show(reprice.compare(store, connection, _card(settings)), form, sys.stdout)
    return 0


@app.command("reprice")
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

    form = _form(form)
    store, settings = _open(ledger, config)
    if undo:
        if since or until or where:
            raise TokmanError("--undo takes back a whole reprice", "leave the rest out")
        last = reprice.last(store)
        show(reprice.undoing(store, last), form, sys.stdout, undo=last)
        if not _agreed("Bring these costs back?", yes):
            return 1
        settled(reprice.undo(store, last), sys.stderr)
        return 0
    card = _card(settings)
    connection = connect(store, settings)
    report.scope(connection, since=since, until=until, tz=tz, where=where)
    with reprice.Draft(store, card.version) as draft:
        show(reprice.propose(store, connection, card, draft), form, sys.stdout)
        if not draft.calls:
            return 0
        if not _agreed("Give the calls these costs?", yes):
            return 1
        settled(reprice.apply(store, draft), sys.stderr)
    return 0


@app.command()
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

    form = _form(form)
    store, settings = _open(ledger, config)
    connection = connect(store, settings)
    report.scope(connection, since=since, until=until, tz=tz, where=where)
    calls = connection.sql("select count(*) from scope").fetchall()[0][0]
    findings = ward.examine(connection)
    if not calls and not findings:
        raise NothingToJudge("no calls", _what_there_is(connection))
    findings += ward.of_cards(reprice.compare(store, connection, _card(settings)))
    show(ward.ranked(findings), calls, form, sys.stdout)
    return 1 if findings else 0


@app.command("recount")
def recount_(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking")] = False,
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Scale estimated token counts by what the ledger's own calls of the model report.

    For calls whose log has texts and no counts, where at least 20 calls of the same provider and
    model have both. Shows the difference first. Counts that a log states never change.

    Exit code 0: done, or nothing to do. 1: declined.
    """
    from tokman import recount
    from tokman.screens.recount import show

    form = _form(form)
    store, settings = _open(ledger, config)
    card = _card(settings)
    answer = recount.propose(store, card)
    show(answer, form, sys.stdout)
    if not answer.rows:
        return 0
    if not _agreed("Give the calls these counts?", yes):
        return 1
    print(f"{recount.apply(store, card):,} calls recounted", file=sys.stderr)
    return 0


@app.command()
def ranks(
    download: Annotated[
        bool, typer.Option("--download", help="Fetch those that are missing from OpenAI")
    ] = False,
    form: FormatOption = "table",
    config: ConfigOption = None,
) -> int:
    """Show where tiktoken's ranks are, by which tokman counts texts whose log has no counts.

    Exit code 0: all found. 1: some file was refused or is missing. Nothing but --download, here,
    ever makes tokman use the network.
    """
    from tokman import ranks as files
    from tokman.config import load
    from tokman.screens.rows import ranks as show

    form = _form(form)
    _use_ranks(load(config))
    places = {name: files.find(name) for name in files.SHA256}
    if download:
        for name, place in places.items():
            if place.path is None:
                files.download(name)
                places[name] = files.find(name)
    show(places, form, sys.stdout)
    for place in places.values():
        for reason in place.refused:
            print(f"refused {reason}", file=sys.stderr)
    return 0 if all(place.path and not place.refused for place in places.values()) else 1


@app.command()
def sql(
    question: Annotated[str, typer.Argument(help="A SELECT over charges, usage or rejects")],
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Ask the ledger in SQL. Read-only: it reaches the ledger's files and nothing else."""
    from tokman import query
    from tokman.screens.rows import show

    form = _form(form)
    connection = query.connect(*_open(ledger, config))
    rows = query.ask(connection, question)
    show(rows, query.names(connection), form, sys.stdout)
    return 0


@exports.command()
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
    store, settings = _open(ledger, config)
    connection = connect(store, settings)
    report.scope(connection, since=since, until=until, tz=tz, where=where)
    done = export(connection, rates.load(settings.rates), version=version, tz=tz, account=account)
    if not done.rows:
        screen.say(done, sys.stderr)
        raise NothingToJudge("no calls with a cost", _what_there_is(connection))
    if parquet:
        screen.write_parquet(done, version, parquet)
    elif csv:
        screen.write_csv(done, version, csv)
    else:
        sys.stdout.write(screen.csv_text(done, version))
    screen.say(done, sys.stderr)
    return 0


@app.command()
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
    store, settings = _open(ledger, config)
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


@app.command()
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

    form = _form(form)
    allowed = closing.tolerance(tolerance)
    dimensions = [name.strip() for name in (by or "").split(",") if name.strip()]
    store, settings = _open(ledger, config)
    utc = when.zone("UTC")
    answers = closing.reconcile(
        connect(store, settings),
        rates.load(settings.rates),
        by=dimensions,
        provider=provider,
        since=when.instant(since, utc) if since else None,
        until=when.instant(until, utc) if until else None,
        allowed=allowed,
    )
    show(answers, dimensions, form, sys.stdout)
    return 0 if all(each.closes for each in answers) else 1


@app.callback(invoke_without_command=True)
def tokman(
    version: Annotated[bool, typer.Option("--version", help="Show the version")] = False,
) -> None:
    """The token manager: what every model call cost, why, and how to spend less."""
    if version:
        print(f"tokman {__version__}")
        raise typer.Exit


def main() -> NoReturn:
    """Run the command line."""
    raise SystemExit(ending.of(lambda: app(standalone_mode=False)))


def _open(ledger: Path | None, config: Path | None) -> tuple[Any, Config]:
    from tokman.ledger import Ledger, locate

    return Ledger(locate(ledger)), _settings(config)


def _settings(config: Path | None) -> Config:
    from tokman.config import load

    return load(config)


def _agreed(question: str, yes: bool) -> bool:
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


def _look(paths: list[str], source: str | None) -> int:
    """Show what an ingest would read: 0 all of it, 1 some lines refused, 3 some file unknown."""
    from tokman.looking import look
    from tokman.screens.looking import show

    code = 0
    for seen in look(paths, source=source, stdin=sys.stdin.buffer if "-" in paths else None):
        show(seen, sys.stdout)
        unknown = bool(seen.proposal) or seen.outcome.source is None
        code = max(code, 3 if unknown and seen.named else bool(seen.outcome.rejects))
    return code


def _use_mappings(settings: Config, maps: list[Path]) -> None:
    """Read with the mappings of the configuration and of the files."""
    from tokman import sources

    if not settings.sources and not maps:
        sources.use(())
        return
    from tokman.sources.mapping import load as mappings

    found = [
        mappings.mapping(name, table, str(settings.path))
        for name, table in settings.sources.items()
    ]
    for path in maps:
        try:
            found += mappings.read(path.read_bytes(), str(path))
        except OSError as error:
            raise TokmanError(f"{path}: {error.strerror}", "name a TOML file") from None
    sources.use(found)


def _use_ranks(settings: Config) -> None:
    """Count with the ranks in the folder that the configuration names, if it does."""
    from tokman import ranks

    stated = settings.tiktoken.ranks
    beside = Path(settings.path).parent if settings.path else Path()
    ranks.use(beside / Path(stated).expanduser() if stated else None)


def _card(settings: Config) -> Card:
    from tokman import rates

    return rates.load(settings.rates)


def _form(form: str) -> str:
    from tokman.render import FORMATS

    if form not in FORMATS:
        raise TokmanError(f"no format {form!r}", f"choose from {', '.join(FORMATS)}")
    return form


def _what_there_is(connection: Any) -> str:
    first, last, calls = connection.sql(
        "select min(started_at)::date, max(started_at)::date, count(*) from charges"
    ).fetchall()[0]
    if not calls:
        return "the ledger is empty: run `tokman ingest`"
    return f"the ledger has {calls:,} calls from {first} to {last}; widen the question"


def _write_rejects(path: Path, rejects: list[Any]) -> None:
    from tokman.render.cells import Column
    from tokman.render.machine import as_csv

    rows = [{"path": r.path, "line": r.line, "reason": r.reason} for r in rejects]
    columns = [Column("path", "path"), Column("line", "line"), Column("reason", "reason")]
    path.write_text(as_csv(rows, columns), encoding="utf-8")
