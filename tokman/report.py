"""Spend by any dimension, with a total that ties and the provenance of both."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tokman import sql, stated, when
from tokman.errors import TokmanError
from tokman.query import literal, reason, run

if TYPE_CHECKING:
    import duckdb
    import polars as pl

DIMENSIONS = {
    "workflow": "the unit of business work",
    "model": "the model that answered",
    "provider": "who bills the call",
    "source": "the log format it was read from",
    "user": "who it was for",
    "team": "the team behind the key or the call",
    "project": "the project, or a transcript's folder",
    "environment": "prod, staging, …",
    "api_key_alias": "the name of the key",
    "agent_name": "the agent or subagent",
    "conversation_id": "the session or conversation",
    "case_id": "the case of a test or eval suite",
    "run_id": "the run of a suite",
    "git_commit": "the revision that ran",
    "git_branch": "the branch it was on",
    "operation_name": "chat, embeddings, …",
    "service_tier": "the tier served",
    "status": "ok or error",
    "error_type": "why a call failed",
    "finish_reason": "why the answer ended",
    "price_basis": "where the price is from",
    "rate_card": "the version of the rate card",
    "file": "the log file",
    "hour": "hour, in --tz",
    "day": "day, in --tz",
    "week": "ISO week, in --tz",
    "month": "month, in --tz",
    "weekday": "day of the week, in --tz",
    "hour_of_day": "0 to 23, in --tz",
}

PICO_DOLLAR = Decimal("1e-12")

WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

SORTS = ("cost", "calls", "input", "output", "cost_per_call", "name")

CONDITION = "it is a SQL condition on the columns of charges: model = 'gpt-5.5' and team is null"

SUMS = (
    "calls",
    "failed_calls",
    "input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "list_cost",
    "contracted_cost",
    "billed_cost",
    "billed_calls",
    "unpriced_calls",
    "unpriced_tokens",
    "partial_calls",
    "estimated_calls",
    "undated_calls",
)
"""Columns that add up."""

CAME_OF_IT = ("outcomes", "successes", "outcome_value", "unvalued_successes")
"""Columns that do not: several groups may have worked on one outcome."""


class Margin(msgspec.Struct):
    """What the calls of a workflow leave of what its outcomes are worth."""

    workflow: str
    left: float
    """Share of the value; negative where more is spent than that."""
    wanted: float


class Report(msgspec.Struct, kw_only=True):
    """Rows by dimension, their total, and what they were drawn from."""

    by: list[str]
    rows: list[dict[str, Any]]
    total: dict[str, Any]
    sources: list[str]
    rate_cards: list[str]
    period: tuple[datetime | None, datetime | None]
    """First and last call, naive UTC."""
    tz: str
    rest: int = 0
    """How many groups the last row stands for; 0 where every group has its own."""
    counted: list[dict[str, Any]] = []
    """Calls and tokens whose log states no counts, by how they were counted, best first."""
    matched: int = 0
    """Calls that `ingest --match-fuzzy` made of two that were alike."""
    unattributed: dict[str, Any] | None = None
    """Calls of no workflow added up, where the workflow is asked for and some have none."""
    stated: dict[str, list[str]] = {}
    """Providers some of whose spend is from statements, and the exports those are from."""
    margins: list[Margin] = []
    """Workflows with a declared margin, and what is left of their outcomes' value."""
    money: str = "list_cost"
    """The amount that shares and costs per call are of: billed_cost where no list cost is known."""

    def frame(self) -> pl.DataFrame:
        """The rows as a frame; money as exact Decimal dollars."""
        import polars as pl

        names = [*self.by, *SUMS, "cost_share", "cost_per_call", *CAME_OF_IT, "cost_per_outcome"]
        costs = ("list_cost", "contracted_cost", "billed_cost", "cost_per_call")
        amounts = (*costs, "outcome_value", "cost_per_outcome")
        money = dict.fromkeys(amounts, pl.Decimal(38, 12))
        rows = [{name: row.get(name) for name in names} for row in self.rows]
        if self.rest and not isinstance(self.rows[0][self.by[0]], str):
            rows[-1][self.by[0]] = None
        return pl.DataFrame(rows, schema_overrides=money, infer_schema_length=None)


def dimensions(by: str) -> list[str]:
    """The dimensions in a comma-separated list; TokmanError for an unknown one."""
    import difflib

    names = [name.strip().lower().replace("-", "_") for name in by.split(",") if name.strip()]
    for name in names:
        if name not in DIMENSIONS:
            close = difflib.get_close_matches(name, DIMENSIONS, 1, cutoff=0.7)
            hint = f"did you mean {close[0]}?" if close else f"choose from {', '.join(DIMENSIONS)}"
            raise TokmanError(f"cannot report by {name!r}", hint)
    if not names:
        raise TokmanError("nothing to report by", f"choose from {', '.join(DIMENSIONS)}")
    return list(dict.fromkeys(names))


def scope(
    connection: duckdb.DuckDBPyConnection,
    *,
    since: str | None = None,
    until: str | None = None,
    tz: str = "UTC",
    where: str | None = None,
    basis: str = "calls",
) -> None:
    """View `scope`: the charges between `since` and `until` for which `where` (SQL) holds; with
    or from the lines of statements as `basis` (one of `stated.BASES`) says."""
    import duckdb

    place = when.zone(tz)
    text = sql.text("scope").replace("$tz", literal(tz))
    if tz.upper() in ("UTC", "ETC/UTC"):
        text = text.replace("timezone('UTC', timezone('UTC', started_at))", "started_at")
    text = stated.scoped(connection, text, basis)
    conditions = []
    if since is not None:
        conditions.append(f"started_at >= timestamp '{when.instant(since, place)}'")
    if until is not None:
        conditions.append(f"started_at < timestamp '{when.instant(until, place)}'")
    if where is not None:
        conditions.append(f"({_expression(connection, where)}\n)")
    if conditions:
        text = f"select * from ({text}) where {' and '.join(conditions)}"
    try:
        connection.execute(f"create or replace temp view scope as {text}")
        connection.execute("select * from scope limit 0")
    except duckdb.Error as error:
        raise TokmanError(
            f"--where {where!r}: {reason(error)}",
            CONDITION,
        ) from error


def narrow(connection: duckdb.DuckDBPyConnection, where: str) -> None:
    """The view `charges` with only the calls for which `where` (SQL) holds."""
    import duckdb

    condition = _expression(connection, where)
    try:
        connection.execute("alter view charges rename to all_charges")
        connection.execute(
            f"create view charges as select * from all_charges where ({condition}\n)"
        )
        connection.execute("select * from charges limit 0")
    except duckdb.Error as error:
        raise TokmanError(f"--where {where!r}: {reason(error)}", CONDITION) from error


def _expression(connection: duckdb.DuckDBPyConnection, where: str) -> str:
    """The condition, if it is one expression, also when it stands in brackets: nothing in it can
    close them, comment them out or start another statement."""
    import duckdb

    try:
        duckdb.SQLExpression(where)
        statements = connection.extract_statements(f"select 1 where ({where}\n)")
    except (duckdb.Error, RuntimeError, TypeError) as error:
        raise TokmanError(
            f"--where {where!r} is not a condition: {reason(error)}", CONDITION
        ) from error
    if len(statements) != 1:
        raise TokmanError(f"--where {where!r} is not one condition", CONDITION)
    return where


def report(
    connection: duckdb.DuckDBPyConnection,
    by: list[str],
    *,
    tz: str = "UTC",
    top: int | None = None,
    sort: str = "cost",
) -> Report:
    """What `scope` holds, by the dimensions `by`; beyond `top` rows the rest is one row."""
    rows = run(connection, "report", by=by)
    total = _sum(rows)
    _outcomes(connection, by, rows, total)
    money = "list_cost" if total["list_cost"] is not None else "billed_cost"
    for row in (*rows, total):
        _complete(row, money, total)
    untagged = [row for row in rows if row["workflow"] is None] if "workflow" in by else []
    rows.sort(key=lambda row: _rank(row, sort, by, money))
    folded = 0
    if top is not None and len(rows) > top:
        folded = len(rows) - top
        rest = _sum(rows[top:])
        rest.update(dict.fromkeys((*by, *CAME_OF_IT)))
        rest[by[0]] = f"{folded} more"
        _complete(rest, money, total)
        rows = [*rows[:top], rest]
    drawn = run(connection, "provenance")
    from_statements: dict[str, set[str]] = {}
    for row in drawn:
        if row["stated"]:
            from_statements.setdefault(row["provider"] or "(none)", set()).add(row["source"])
    return Report(
        by=by,
        rows=rows,
        total=total,
        sources=sorted({row["source"] for row in drawn if row["source"]}),
        rate_cards=sorted({row["rate_card"] for row in drawn if row["rate_card"]}),
        period=(total.pop("first_call", None), total.pop("last_call", None)),
        tz=tz,
        rest=folded,
        counted=run(connection, "counted") if total["estimated_calls"] else [],
        matched=sum(row["matched"] for row in drawn),
        unattributed=_sum(untagged) if untagged else None,
        stated={name: sorted(told) for name, told in sorted(from_statements.items())},
        margins=_margins(connection, rows) if by == ["workflow"] else [],
        money=money,
    )


def _margins(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> list[Margin]:
    """What is left of the value where a margin is declared and every success has a value."""
    wanted = dict(connection.sql("select workflow, margin from worth").fetchall())
    return [
        Margin(row["workflow"], float(1 - row["list_cost"] / row["outcome_value"]), margin)
        for row in rows
        if (margin := wanted.get(row["workflow"])) is not None
        and row["list_cost"] is not None
        and row["outcome_value"]
        and not row["unvalued_successes"]
    ]


def _outcomes(
    connection: duckdb.DuckDBPyConnection,
    by: list[str],
    rows: list[dict[str, Any]],
    total: dict[str, Any],
) -> None:
    """Write what came of the work into the rows and the total; 0 outcomes where none is known."""
    known = connection.execute(
        "select exists(from outcomes) or exists(from scope where success is not null)"
    ).fetchall()[0][0]
    nothing = dict.fromkeys(CAME_OF_IT, 0) | {"outcome_value": None}
    found = (
        {tuple(row[name] for name in by): row for row in run(connection, "outcomes", by=by)}
        if known
        else {}
    )
    for row in rows:
        told = found.get(tuple(row[name] for name in by), nothing)
        row.update({name: told[name] for name in CAME_OF_IT})
    # A call is never a line of a statement, so this groups by nothing.
    whole = run(connection, "outcomes", by=["stated"]) if known else []
    total.update({name: (whole[0] if whole else nothing)[name] for name in CAME_OF_IT})


def _sum(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows added up; None only where every row is None, and for a quantity of which a part is
    not known."""
    total: dict[str, Any] = {}
    for name in SUMS:
        values = [row[name] for row in rows if row[name] is not None]
        known = len(values) == len(rows) or name != "cache_read_input_tokens"
        total[name] = sum(values[1:], values[0]) if values and known else None
    for name, pick in (("first_call", min), ("last_call", max)):
        values = [row[name] for row in rows if row.get(name) is not None]
        total[name] = pick(values) if values else None
    if total["calls"] is None:
        total.update({name: 0 for name in SUMS if not name.endswith("_cost")})
    return total


def _complete(row: dict[str, Any], money: str, total: dict[str, Any]) -> None:
    """Write the share of the total and the cost of a priced call into the row."""
    priced = (row["calls"] or 0) - (row["unpriced_calls"] or 0)
    cost = row[money]
    each = cost / priced if cost is not None and priced else None
    row["cost_per_call"] = None if each is None else each.quantize(PICO_DOLLAR)
    row["cost_share"] = _share(cost, total[money])
    per = cost / row["successes"] if cost is not None and row["successes"] else None
    row["cost_per_outcome"] = None if per is None else per.quantize(PICO_DOLLAR)


def _share(part: Decimal | None, whole: Decimal | None) -> float | None:
    return float(part / whole) if part is not None and whole else None


def _rank(row: dict[str, Any], sort: str, by: list[str], money: str) -> tuple[Any, ...]:
    """Largest first, ties by name; by name for times, as a calendar runs."""
    name = tuple((row[column] is None, *_place(column, row[column])) for column in by)
    columns = {"cost": money, "calls": "calls", "input": "input_tokens"}
    columns |= {"output": "output_tokens", "cost_per_call": "cost_per_call"}
    if sort == "name":
        return name
    value = row[columns[sort]]
    return (value is None, -(value or 0), *name)


def _place(column: str, value: Any) -> tuple[float, str]:
    """Where a value comes by its name: hours as numbers, days of the week from Monday on."""
    if isinstance(value, int):
        return float(value), ""
    if column == "weekday" and value in WEEKDAYS:
        return float(WEEKDAYS.index(value)), ""
    return 0.0, str(value)
