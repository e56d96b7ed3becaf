"""Logs: read them, show what is read, count what they leave out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokman.commands.options import (
    ConfigOption,
    FormatOption,
    LedgerOption,
    agreed,
    form_of,
    opened,
    rate_card,
)
from tokman.errors import NothingToJudge, TokmanError

if TYPE_CHECKING:
    from tokman.config import Config


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
    use_mappings(settings, maps or [])
    use_ranks(settings)
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
            lambda: rate_card(settings),
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


def sources(form: FormatOption = "table", config: ConfigOption = None) -> int:
    """List the log formats tokman reads, and where each tool keeps its logs."""
    from tokman.config import load
    from tokman.screens.rows import sources as show
    from tokman.sources import sources as every

    use_mappings(load(config), [])
    rows = [
        {"source": each.name, "reads": each.title, "usual_places": list(each.locations)}
        for each in every()
    ]
    show(rows, form_of(form), sys.stdout)
    return 0


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

    form = form_of(form)
    use_ranks(load(config))
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


def recount_(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking")] = False,
    form: FormatOption = "table",
    ledger: LedgerOption = None,
    config: ConfigOption = None,
) -> int:
    """Make estimated token counts better: by ranks come since, or by the model's own calls.

    For calls whose log has texts and no counts. Where tiktoken's ranks are at hand that were not
    when it was read, the log is read again; else counts are scaled by what at least 20 calls of the
    same provider and model report. Shows the difference first. Counts that a log states never
    change.

    Exit code 0: done, or nothing to do. 1: declined.
    """
    from tokman import recount
    from tokman.screens.recount import show

    form = form_of(form)
    store, settings = opened(ledger, config)
    use_mappings(settings, [])
    use_ranks(settings)
    card = rate_card(settings)
    answer = recount.propose(store, card)
    show(answer, form, sys.stdout)
    if not answer.rows:
        return 0
    if not agreed("Give the calls these counts?", yes):
        return 1
    print(f"{recount.apply(store, card):,} calls recounted", file=sys.stderr)
    return 0


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


def use_mappings(settings: Config, maps: list[Path]) -> None:
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


def use_ranks(settings: Config) -> None:
    """Count with the ranks in the folder that the configuration names, if it does."""
    from tokman import ranks

    stated = settings.tiktoken.ranks
    beside = Path(settings.path).parent if settings.path else Path()
    ranks.use(beside / Path(stated).expanduser() if stated else None)


def _write_rejects(path: Path, rejects: list[Any]) -> None:
    from tokman.render.cells import Column
    from tokman.render.machine import as_csv

    rows = [{"path": r.path, "line": r.line, "reason": r.reason} for r in rejects]
    columns = [Column("path", "path"), Column("line", "line"), Column("reason", "reason")]
    path.write_text(as_csv(rows, columns), encoding="utf-8")
