"""The baseline of a ledger: all that was consumed by group, and of the clusters a fair sample."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokman.check.baseline import (
    COUNTED,
    FORMAT,
    Baseline,
    Group,
    Part,
    Sample,
    Work,
    sealed,
    text_of,
)
from tokman.check.clusters import cluster
from tokman.errors import NothingToJudge
from tokman.query import run
from tokman.written import write_whole

if TYPE_CHECKING:
    import duckdb

    from tokman.rates import Card

TAIL = 100
"""The dearest clusters of a workflow are all kept, so that runaways are seen."""

BODY = 200
"""Of the others one is kept of each of so many equal shares of them, the middle one by cost."""

KEY = (
    "provider_name request_model response_model service_tier speed inference_geo rate_id "
    "response_cache_hit output_basis band part_of_day"
).split()
"""Columns of `check/parts` that make a group."""


def save(connection: duckdb.DuckDBPyConnection, card: Card, path: Path) -> Baseline:
    """Write the baseline of view `scope` to `path`, whole or not at all."""
    baseline = take(connection, card)
    write_whole(
        path,
        text_of(baseline),
        "name a file that can be written: tokman check --save baseline.json",
    )
    return baseline


def take(connection: duckdb.DuckDBPyConnection, card: Card) -> Baseline:
    """The baseline of the charges in view `scope`; NothingToJudge if there are none."""
    today = datetime.now(UTC).date()
    by_workflow: dict[str | None, list[dict[str, Any]]] = {}
    for row in cluster(connection, card, today).to_pylist():
        by_workflow.setdefault(row["workflow"], []).append(row)
    if not any(row["calls"] for rows in by_workflow.values() for row in rows):
        raise NothingToJudge("no successful calls to judge", "run `tokman ingest` first")
    kept = {
        workflow: chosen(len(rows), any(row["case_id"] is not None for row in rows))
        for workflow, rows in by_workflow.items()
    }
    names = [
        (workflow, by_workflow[workflow][at]["cluster"])
        for workflow, places in kept.items()
        for at, _ in places
    ]
    groups, parts = _consumed(connection, card, names)
    work = [
        Work(
            workflow=workflow,
            saved=today.isoformat(),
            **{
                name: sum(row[name] for row in rows)
                for name in ("calls", "conversations", "judged", "successes")
            },
            groups=groups[workflow],
            samples=[
                _sample(rows[at], stands_for, parts[workflow, rows[at]["cluster"]])
                for at, stands_for in kept[workflow]
            ],
            seal="",
        )
        for workflow, rows in by_workflow.items()
    ]
    return Baseline(tokman_baseline=FORMAT, work=[sealed(each) for each in work])


def _sample(row: dict[str, Any], stands_for: int, parts: list[Part]) -> Sample:
    calls, conversations = row["calls"], row["conversations"]
    judged, successes = row["judged"], row["successes"]
    return Sample(stands_for, calls, conversations, judged, successes, row["case_id"], parts)


def chosen(count: int, suite: bool = False) -> list[tuple[int, int]]:
    """Which of so many clusters, cheapest first, are kept, and how many each stands for; all of a
    suite, for its cases are compared one by one."""
    body = max(0, count - TAIL)
    if suite or count <= TAIL + BODY:
        return [(at, 1) for at in range(count)]
    edges = [body * share // BODY for share in range(BODY + 1)]
    middles = [((a + b) // 2, b - a) for a, b in zip(edges, edges[1:], strict=False)]
    return [*middles, *((at, 1) for at in range(body, count))]


def _consumed(
    connection: duckdb.DuckDBPyConnection, card: Card, names: Sequence[tuple[str | None, str]]
) -> tuple[dict[str | None, list[Group]], dict[tuple[str | None, str], list[Part]]]:
    """The groups of each workflow, and what the clusters of these names consumed of them."""
    asked = {
        "workflow": [workflow for workflow, _ in names],
        "cluster": [name for _, name in names],
    }
    connection.execute(
        "create or replace temp table kept as select unnest($workflow::varchar[]) as workflow, "
        "unnest($cluster::varchar[]) as cluster",
        asked,
    )
    groups: dict[str | None, list[Group]] = {}
    places: dict[tuple[Any, ...], int] = {}
    parts: dict[tuple[str | None, str], list[Part]] = {name: [] for name in names}
    for row in run(connection, "check/parts", **_edges(card)):
        workflow = row["workflow"]
        same = (workflow, *(row[name] for name in KEY))
        if row["cluster"] is None:
            tokens = {name: row[name] for name in COUNTED if row[name]}
            plain = {
                name: row[name]
                for name in Group.__struct_fields__
                if name in row and name != "tokens"
            }
            known = groups.setdefault(workflow, [])
            places[same] = len(known)
            known.append(Group(**plain, tokens=tokens))
        else:
            place = places[same]
            each = [row[name] for name in groups[workflow][place].tokens]
            parts[workflow, row["cluster"]].append(Part(place, row["calls"], each))
    return groups, parts


def _edges(card: Card) -> dict[str, list[Any]]:
    """Where the card's prices change with a prompt's length or the hour, at whatever date: calls
    on two sides of an edge are kept apart, though one price held for both when they were made."""
    names = ("provider_id", "model_id", "prompt_gt", "tod_from")
    rows = list(zip(*(card.table.column(name).to_pylist() for name in names), strict=True))
    return {
        "lengths": sorted({length for _, _, length, _ in rows if length is not None}),
        "hours": sorted({hour for _, _, _, hour in rows if hour}),
        "hourly": sorted({f"{owner}/{model}/" for owner, model, _, hour in rows if hour}),
    }
