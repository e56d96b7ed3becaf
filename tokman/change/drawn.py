"""One side as it was asked for, and what it is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tokman import report, when
from tokman.change.period import DAY, Period, days
from tokman.errors import NothingToJudge
from tokman.query import run

if TYPE_CHECKING:
    from datetime import tzinfo

    import duckdb

Span = tuple[datetime, datetime]
"""Beginning of a first day and end of a last one, naive UTC."""


class Asked(msgspec.Struct, kw_only=True):
    """One side as it was asked for."""

    connection: duckdb.DuckDBPyConnection
    span: Span | None = None
    """The days that its ledger has calls of; see `spans`."""
    period: Period | None = None
    """None: all there is."""
    where: str | None = None
    """SQL over the columns of `charges`."""
    name: str | None = None
    """What `where` is called."""


class Drawn(msgspec.Struct, kw_only=True):
    """What one side was drawn from."""

    name: str
    """The period as it was asked for, or the condition, or all calls."""
    period: tuple[datetime | None, datetime | None]
    """First and last call, naive UTC."""
    days: float | None
    """Of the period, as far as the ledger goes; None where none was asked for."""
    days_asked: float | None
    calls: int
    failed_calls: int
    unpriced_calls: int
    unpriced_tokens: int
    estimated_calls: int
    partial_calls: int
    undated_calls: int
    unpriced_workflows: list[str | None]
    """Those with calls that have no price."""
    priced_models: list[str]
    unpriced_models: list[str]
    """Those of which no call has a price."""
    sources: list[str]
    rate_cards: list[str]


def spans(
    connections: Sequence[duckdb.DuckDBPyConnection], place: tzinfo
) -> tuple[Span | None, ...]:
    """From the first day of each ledger's calls to the end of the last; None without calls."""
    return tuple(_span(connection, place) for connection in connections)


def last_week(connection: duckdb.DuckDBPyConnection, place: tzinfo) -> Period:
    """The last whole calendar week (from Monday) of the ledger's calls."""
    span = _span(connection, place)
    if span is None:
        raise NothingToJudge("no calls", "run `tokman ingest` first")
    end = when.local(span[1], place).date()
    monday = end - timedelta(days=end.weekday())
    return days(monday - timedelta(weeks=1), monday, place)


def _span(connection: duckdb.DuckDBPyConnection, place: tzinfo) -> Span | None:
    # A call dated by its file may have been made long before.
    first, last = connection.sql(
        "select coalesce(min(started_at) filter (time_basis = 'log'), min(started_at)), "
        "coalesce(max(started_at) filter (time_basis = 'log'), max(started_at)) from charges"
    ).fetchall()[0]
    if first is None:
        return None
    edges = when.local(first, place).date(), when.local(last, place).date() + timedelta(days=1)
    return when.instant(f"{edges[0]}", place), when.instant(f"{edges[1]}", place)


def covered(side: Asked, place: tzinfo) -> Period | None:
    """The part of the period that the ledger's calls reach over."""
    if side.period is None:
        return None
    if side.span is None:
        raise NothingToJudge("no calls", "the ledger is empty: run `tokman ingest`")
    part = side.period.clipped(*side.span)
    if part.start == part.end:
        first, last = (when.local(edge, place).date() for edge in side.span)
        raise NothingToJudge(
            f"no calls in {side.period.text}",
            f"the ledger's calls are from {first} to {last - timedelta(days=1)}",
        )
    return part


def scope(side: Asked, period: Period | None, tz: str) -> None:
    """View `scope` with the calls of a side."""
    edges = (period.start, period.end) if period else (None, None)
    since, until = (None if edge is None else f"{edge.isoformat()}+00:00" for edge in edges)
    report.scope(side.connection, since=since, until=until, tz=tz, where=side.where)


def drawn_from(side: Asked, period: Period | None, place: tzinfo) -> Drawn:
    """What view `scope` holds of a side; `period` is the part of the one asked for."""
    whole = report.report(side.connection, ["status"])
    total = whole.total
    length = asked = None
    if side.period is not None and period is not None:
        length = asked = period.seconds(place) / DAY
        if side.period.start is not None and side.period.end is not None:
            asked = side.period.seconds(place) / DAY
    names = [side.period.text] if side.period else []
    names += [side.name or side.where] if side.where else []
    rows = run(side.connection, "change_unpriced")
    workflows = {row["workflow"] for row in rows if row["unpriced"]}
    models = {row["model"] or "(none)" for row in rows}
    priced = {row["model"] or "(none)" for row in rows if row["priced"]}
    counts = {name: total[name] or 0 for name in Drawn.__struct_fields__ if name in total}
    return Drawn(
        name=", ".join(names) or "all calls",
        period=whole.period,
        days=length,
        days_asked=asked,
        unpriced_workflows=sorted(workflows, key=lambda name: (name is None, name or "")),
        priced_models=sorted(priced),
        unpriced_models=sorted(models - priced),
        sources=whole.sources,
        rate_cards=whole.rate_cards,
        **counts,
    )


def has_statements(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the ledger has lines of statements."""
    return bool(connection.sql("select count(*) from statements").fetchall()[0][0])
