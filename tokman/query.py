"""The ledger as DuckDB sees it: `charges`, one row a call with its price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokman import sql
from tokman.errors import TokmanError

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from tokman.config import Config, WorkflowRule
    from tokman.ledger import Ledger

RULE_COLUMNS = frozenset(
    "source provider model operation_name user team project environment api_key_alias agent_name "
    "conversation_id workflow file tag".split()
)
"""What a workflow rule may look at; `tag` is any of a call's tags."""


def database() -> duckdb.DuckDBPyConnection:
    """A private in-memory DuckDB, in UTC, that loads nothing from anywhere."""
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"},
    )
    connection.execute("set TimeZone = 'UTC'")
    return connection


def connect(ledger: Ledger, config: Config) -> duckdb.DuckDBPyConnection:
    """`usage` (the table), `charges` (with workflow rules applied) and `rejects`, read-only.

    The connection can reach the ledger's own files and nothing else on the machine.
    """
    from tokman.bookmarks import Bookmarks

    connection = database()
    files = ledger.files()
    if files:
        listed = ", ".join(map(literal, files))
        connection.execute(f"create view usage as from read_parquet([{listed}])")
    else:
        _empty(connection)
    connection.execute(f"create view charges as {_ruled(sql.text('charges'), config)}")
    connection.execute("create table rejects (path varchar, line bigint, reason varchar)")
    with Bookmarks(ledger.folder) as bookmarks:
        rejects = [[r.path, r.line, r.reason] for r in bookmarks.rejects()]
    if rejects:
        connection.executemany("insert into rejects values (?, ?, ?)", rejects)
    connection.execute("set allowed_paths = $files", {"files": files})
    connection.execute("set enable_external_access = false")
    return connection


def run(connection: duckdb.DuckDBPyConnection, name: str, **params: Any) -> pl.DataFrame:
    """Ask the question in `sql/<name>.sql`."""
    frame: pl.DataFrame = connection.sql(sql.text(name), params=params).pl()
    return frame


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _empty(connection: duckdb.DuckDBPyConnection) -> None:
    """`usage` without a row, with the columns it would have."""
    from tokman.usage import arrow_schema

    connection.register("nothing", arrow_schema().empty_table())
    connection.execute(
        "create table settled as select *, null::decimal(18, 12) as list_cost, "
        "null::decimal(18, 12) as contracted_cost, null::varchar as rate_id, "
        "null::varchar as price_basis, null::varchar as unpriced_reason, "
        "null::varchar as rate_card from nothing"
    )
    connection.execute("create table usage as " + sql.text("stored"), {"ingest_id": ""})
    connection.execute("drop table settled")
    connection.unregister("nothing")


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
