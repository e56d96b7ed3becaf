"""The command line: which command is which function."""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from tokman import __version__, ending
from tokman.commands import advice, books, change, gate, logs, prices, runs, spend, worth

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


app.command()(logs.ingest)
app.command(context_settings={"allow_interspersed_args": False})(runs.record)
app.command()(spend.report)
app.command()(change.diff)
app.command()(advice.recommend)
app.command()(advice.label)
app.command()(spend.load)
app.command()(logs.sources)
app.command("reprice")(prices.reprice_)
app.command()(books.doctor)
app.command("recount")(logs.recount_)
app.command()(logs.ranks)
app.command()(spend.sql)
app.command()(gate.check)
app.command()(books.reconcile)

rates_app = typer.Typer(cls=_ModelFirst, subcommand_metavar="MODEL | COMMAND [ARGS]...")
app.add_typer(
    rates_app,
    name="rates",
    help="Show the price of a model, or what newer prices would change: tokman rates gpt-5.5",
)
rates_app.command("of")(prices.rates_of)
rates_app.command("diff")(prices.rates_diff)

outcomes_app = typer.Typer(
    name="outcomes",
    help="What came of the work: resolved, merged, sold; joined to the calls behind it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(outcomes_app)
outcomes_app.command("add")(worth.outcomes_add)
outcomes_app.command("list")(worth.outcomes_list)

exports = typer.Typer(
    name="export",
    help="Write the ledger in the format of another program.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(exports)
exports.command()(books.focus)


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


def program() -> NoReturn:
    """Run the command line as all that this process is for."""
    ending.at_once(ending.of(lambda: app(standalone_mode=False)))
