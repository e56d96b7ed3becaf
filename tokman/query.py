"""The ledger as DuckDB sees it: `charges`, one row a call with its price."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokman import economics, outcomes, sql, statement
from tokman.errors import TokmanError
from tokman.usage import stored_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb
    import pyarrow as pa

    from tokman.config import Config, WorkflowRule
    from tokman.ledger import Ledger, Table
    from tokman.pieces import Reject

RULE_COLUMNS = frozenset(
    "source provider model operation_name user team project environment api_key_alias agent_name "
    "conversation_id case_id git_branch workflow file tag".split()
)
"""What a workflow rule may look at; `tag` is any of a call's tags."""


MEMORY = 3_000_000_000
"""Bytes that the tables and sorts of a question may take; what is beyond waits on disk, in the
ledger's tmp folder, which DuckDB clears when it ends, and of what a killed process left there."""


def database() -> duckdb.DuckDBPyConnection:
    """A private in-memory DuckDB, in UTC, that loads nothing from anywhere."""
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    connection.execute("set TimeZone = 'UTC'")
    # Where Python runs no file, DuckDB draws one on stdout, in the midst of an answer.
    connection.execute("set enable_progress_bar = false")
    return connection


def connect(ledger: Ledger, config: Config) -> duckdb.DuckDBPyConnection:
    """`usage`, `statements` and `outcomes` (the tables), `rejects`, `charges` (with workflow rules
    applied, `success` as the outcomes tell), `outcome_calls` (which call worked on which outcome).

    Read-only: the connection can reach the ledger's own files and nothing else on the machine.
    """
    from tokman.bookmarks import Bookmarks

    connection = database()
    _bound(connection, ledger)
    charges = _ruled(sql.text("charges"), config)
    with _sound(ledger):
        reached = [
            *_view(connection, ledger, "usage", stored_schema),
            *_view(connection, ledger, "statements", statement.stored_schema),
            *_view(connection, ledger, "outcomes", outcomes.schema),
        ]
        _outcomes(connection, charges, config)
        with Bookmarks(ledger.folder, writing=False) as bookmarks:
            _hold(connection, bookmarks.rejects())
    connection.execute("set allowed_paths = $files", {"files": reached})
    connection.execute("set enable_external_access = false")
    return connection


def files(connection: duckdb.DuckDBPyConnection, name: Table) -> list[str]:
    """The files of a table as they were when `connect` opened it: no other can be reached."""
    paths = connection.sql("select unnest(current_setting('allowed_paths'))").fetchall()
    return sorted(path for (path,) in paths if Path(path).parent.name == name)


def run(connection: duckdb.DuckDBPyConnection, name: str, **params: Any) -> list[dict[str, Any]]:
    """The answer to the question in `sql/<name>.sql`, a dict a row."""
    import duckdb

    try:
        return rows(connection.execute(sql.text(name), params))
    except duckdb.Error as error:
        raise TokmanError(
            f"the ledger gives no answer: {reason(error)}",
            "if there is a --where, it fails on some call; else a file of the ledger is damaged",
        ) from error


def ask(connection: duckdb.DuckDBPyConnection, question: str) -> list[dict[str, Any]]:
    """The answer to the user's own SELECT, a dict a row; read its columns from `names`.

    Anything but one SELECT is refused: a COPY could write over the ledger's own files, which the
    connection can reach.
    """
    import duckdb

    readable = "write one SELECT over charges, usage or rejects; `describe charges` lists columns"
    try:
        statements = connection.extract_statements(question)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise TokmanError("that is not one SELECT", readable)
        connection.execute("begin transaction read only")
        return rows(connection.execute(statements[0]))
    except (duckdb.Error, RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise TokmanError(reason(error), readable) from error


def rows(answered: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """What a connection has just been asked, a dict a row."""
    columns = names(answered)
    return [dict(zip(columns, row, strict=True)) for row in answered.fetchall()]


def names(answered: duckdb.DuckDBPyConnection) -> list[str]:
    """Columns of what a connection has just been asked; a name met before gets a number."""
    seen: dict[str, None] = {}
    for name, *_ in answered.description or ():
        number, fresh = 1, name
        while fresh in seen:
            number += 1
            fresh = f"{name}_{number}"
        seen[fresh] = None
    return list(seen)


def reason(error: Exception) -> str:
    """What DuckDB says is wrong, in one line and without the statement that it quotes."""
    return " ".join(str(error).split("\n\n")[0].split())


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _bound(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    """Keep to MEMORY, or to the share of a smaller machine that DuckDB takes by itself."""
    connection.execute("set temp_directory = $folder", {"folder": str(ledger.folder / "tmp")})
    own = "select parse_formatted_bytes(current_setting('memory_limit')) > $most"
    if connection.execute(own, {"most": MEMORY}).fetchall() == [(True,)]:
        connection.execute("set memory_limit = $most", {"most": f"{MEMORY}B"})


@contextmanager
def _sound(ledger: Ledger) -> Iterator[None]:
    """A file of the ledger that is missing or damaged is one line, whoever stumbles over it."""
    import sqlite3

    import duckdb
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (duckdb.Error, DeltaError, sqlite3.Error) as error:
        raise TokmanError(
            f"the ledger in {ledger.folder} is damaged: {reason(error)}",
            "restore it, or ingest the logs into a new ledger",
        ) from error


def _hold(connection: duckdb.DuckDBPyConnection, rejects: list[Reject]) -> None:
    """Table `rejects`."""
    connection.execute(
        "create table rejects as select unnest($path::varchar[]) as path, "
        "unnest($line::bigint[]) as line, unnest($reason::varchar[]) as reason",
        {name: [getattr(each, name) for each in rejects] for name in ("path", "line", "reason")},
    )


def _view(
    connection: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    name: Table,
    schema: Callable[[], pa.Schema],
) -> list[str]:
    """Make the view of that name, without a row where nothing was committed; its files."""
    files = ledger.files(name)
    if files:
        listed = ", ".join(map(literal, files))
        connection.execute(f"create view {name} as from read_parquet([{listed}])")
    else:
        connection.register("nothing", schema().empty_table())
        connection.execute(f"create table {name} as from nothing")
        connection.unregister("nothing")
    return files


def _outcomes(connection: duckdb.DuckDBPyConnection, charges: str, config: Config) -> None:
    """Views `outcome_calls` and `charges`, and the table `worth`, what tokman.toml declares of a
    workflow's outcomes."""
    worth = [(name, economics.terms(config, name)) for name in config.workflows]
    connection.execute(
        "create table worth as select unnest($workflow::varchar[]) as workflow, "
        "unnest($outcome::varchar[]) as outcome, unnest($value::decimal(38, 12)[]) as value, "
        "unnest($margin::double[]) as margin",
        {
            "workflow": [name for name, _ in worth],
            "outcome": [terms.outcome for _, terms in worth],
            "value": [terms.value for _, terms in worth],
            "margin": [terms.margin for _, terms in worth],
        },
    )
    keys = connection.sql("select distinct key from outcomes order by key").fetchall()
    joins = [_joined(key) for (key,) in keys]
    nothing = "select call_id, outcomes.* from usage cross join outcomes limit 0"
    connection.execute(f"create view outcome_calls as {' union all '.join(joins) or nothing}")
    if joins:
        charges = sql.text("came_of_it").replace("$charges", f"({charges})")
    connection.execute(f"create view charges as {charges}")


def _joined(key: str) -> str:
    """The calls of the outcomes that have this key: a column of the ledger, or a tag `key:…`."""
    calls = "usage"
    if key in outcomes.COLUMNS:
        same = f"usage.{outcomes.COLUMNS[key]} = outcomes.key_value"
    else:
        calls = "(select call_id, unnest(list_distinct(tags)) as tag from usage)"
        same = f"usage.tag = {literal(key + ':')} || outcomes.key_value"
    return (
        f"select usage.call_id, outcomes.* from {calls} as usage "
        f"inner join outcomes on outcomes.key = {literal(key)} and {same}"
    )


def _ruled(charges: str, config: Config) -> str:
    """The charges with the workflow that the first matching rule gives to calls without a tag."""
    if not config.workflow_rules:
        return charges
    cases = " ".join(
        f"when {_condition(rule, config)} then {literal(rule.name)}"
        for rule in config.workflow_rules
    )
    explicit = "workflow_basis is not distinct from 'explicit'"
    return (
        f"select * replace (case when {explicit} then workflow {cases} else workflow end "
        f"as workflow) from ({charges})"
    )


def _condition(rule: WorkflowRule, config: Config) -> str:
    if not rule.name.strip():
        raise TokmanError(f"{config.path}: a workflow rule has no name", 'name = "code-review"')
    if not rule.match:
        raise TokmanError(
            f"{config.path}: workflow rule {rule.name!r} matches nothing",
            'give it a column: match.project = "web-*"',
        )
    parts = []
    for column, pattern in rule.match.items():
        if column not in RULE_COLUMNS:
            raise TokmanError(
                f"{config.path}: workflow rule {rule.name!r} names no column {column!r}",
                f"choose from {', '.join(sorted(RULE_COLUMNS))}",
            )
        if column == "tag":
            tags = f"list_filter(tags, lambda tag: tag glob {literal(pattern)})"
            parts.append(f"coalesce(len({tags}), 0) > 0")
        else:
            parts.append(f'"{column}" glob {literal(pattern)}')
    return "(" + " and ".join(parts) + ")"
