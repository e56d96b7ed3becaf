"""The statements that may be added up, and their place among the charges where no log tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokman import sql

if TYPE_CHECKING:
    import duckdb

BASES = ("auto", "calls", "statements")
"""What a report is drawn from. auto: calls, and statements of days without calls."""


def lines(connection: duckdb.DuckDBPyConnection, since: Any = None, until: Any = None) -> int:
    """Make table `statement_lines` of the lines that add up; how many there are."""
    connection.execute(
        "create or replace temp table statement_lines as " + sql.text("statement_lines"),
        {"since": since, "until": until},
    )
    return int(connection.execute("select count(*) from statement_lines").fetchall()[0][0])


def scoped(connection: duckdb.DuckDBPyConnection, charges: str, basis: str) -> str:
    """The SELECT of `charges` with the statements among them, or of the statements alone."""
    found = 0 if basis == "calls" else lines(connection)
    if not found and basis != "statements":
        return charges
    stated = sql.text("stated").replace("$basis", f"'{basis}'")
    if basis == "statements":
        charges = f"from ({charges}) limit 0"
    return f"({charges}) union all by name from ({stated})"
