"""Two baselines side by side: which workflow's unit of work became dearer, and by how much."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import msgspec

from tokman import rates, sql
from tokman.check.baseline import Baseline
from tokman.errors import NothingToJudge, TokmanError
from tokman.usage import QUANTITIES

if TYPE_CHECKING:
    import duckdb

    from tokman.rates import Card

Verdict = Literal["pass", "regression", "new", "gone"]


class Row(msgspec.Struct, kw_only=True):
    """One workflow on both sides; costs are USD per unit of work."""

    workflow: str | None
    base_units: int
    units: int
    base_cost_per_unit: Decimal | None
    cost_per_unit: Decimal | None
    change: float | None
    verdict: Verdict


class Judgement(msgspec.Struct, kw_only=True):
    """The gate's answer."""

    verdict: Literal["pass", "regression"]
    unit: str
    max_increase: float
    change: float | None
    """Cost per unit, now over then, less 1, with the mix of workflows held as it was."""
    rows: list[Row]
    rate_card: str
    priced_at: date
    """Both sides cost what they would on that day, so that a vendor's new price fails no build."""


def percentage(text: str) -> float:
    """`5%` as 0.05; TokmanError for anything but a percentage of at least 0."""
    stated = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", text)
    if not stated:
        raise TokmanError(f"not a percentage: {text!r}", "write it as in --max-increase 5%")
    return float(Decimal(stated[1]) / 100)


def judge(
    base: Baseline,
    now: Baseline,
    card: Card,
    *,
    max_increase: float,
    unit: str = "call",
    max_unpriced: float = 0.0,
) -> Judgement:
    """Compare cost per unit by workflow. NothingToJudge if no workflow is on both sides, or if
    more than `max_unpriced` of a side's calls have no price."""
    from tokman.query import database

    connection = database()
    today = datetime.now(UTC).date()
    costs = [
        _costs(connection, side, card, today, max_unpriced, name)
        for side, name in ((base, "the baseline"), (now, "the ledger"))
    ]
    then = {work.workflow: getattr(work, f"{unit}s") for work in base.work}
    here = {work.workflow: getattr(work, f"{unit}s") for work in now.work}
    rows = []
    for workflow in sorted({*then, *here}, key=lambda name: (name is None, name or "")):
        before = _per_unit(costs[0].get(workflow), then.get(workflow, 0))
        after = _per_unit(costs[1].get(workflow), here.get(workflow, 0))
        rows.append(_row(workflow, then, here, before, after, max_increase))
    shared = [row for row in rows if row.verdict in ("pass", "regression")]
    if not shared:
        raise NothingToJudge(
            "no workflow is in both the baseline and the ledger",
            "ingest the same workflows, or make the baseline anew with --save",
        )
    before_all = sum((row.base_cost_per_unit or 0) * row.base_units for row in shared)
    after_all = sum((row.cost_per_unit or 0) * row.base_units for row in shared)
    failed = any(row.verdict == "regression" for row in shared)
    change = float(after_all / before_all) - 1 if before_all else None
    return Judgement(
        verdict="regression" if failed else "pass",
        unit=unit,
        max_increase=max_increase,
        change=change,
        rows=rows,
        rate_card=card.version,
        priced_at=today,
    )


def _row(
    workflow: str | None,
    then: dict[str | None, int],
    here: dict[str | None, int],
    before: Decimal | None,
    after: Decimal | None,
    max_increase: float,
) -> Row:
    change: float | None = None
    verdict: Verdict
    if before is None:
        verdict = "new"
    elif after is None:
        verdict = "gone"
    else:
        if before:
            change = float(after / before) - 1
        dearer = after > before * (1 + Decimal(str(max_increase)))
        verdict = "regression" if dearer else "pass"
    return Row(
        workflow=workflow,
        base_units=then.get(workflow, 0),
        units=here.get(workflow, 0),
        base_cost_per_unit=before,
        cost_per_unit=after,
        change=change,
        verdict=verdict,
    )


def _per_unit(cost: Decimal | None, units: int) -> Decimal | None:
    return cost / units if cost is not None and units else None


def _costs(
    connection: duckdb.DuckDBPyConnection,
    side: Baseline,
    card: Card,
    day: date,
    max_unpriced: float,
    name: str,
) -> dict[str | None, Decimal]:
    """Contracted cost of each workflow in USD, at the prices of `day`."""
    import pyarrow as pa

    keys = (
        "provider_name request_model response_model service_tier speed inference_geo "
        "response_cache_hit time_of_day calls"
    ).split()
    counted = (*QUANTITIES, "reasoning_output_tokens")
    rows = [
        {
            "workflow": work.workflow,
            **{key: getattr(group, key) for key in keys},
            **{quantity: group.tokens.get(quantity, 0) for quantity in counted},
        }
        for work in side.work
        for group in work.groups
    ]
    number = {"time_of_day", "calls", *counted}
    schema = pa.schema(
        [
            (column, pa.int64() if column in number else pa.string())
            if column != "response_cache_hit"
            else (column, pa.bool_())
            for column in ("workflow", *keys, *counted)
        ]
    )
    connection.register("groups", pa.Table.from_pylist(rows, schema=schema))
    connection.execute(
        "create or replace temp table spread as " + sql.text("check_spread"),
        {"day": datetime(day.year, day.month, day.day)},
    )
    rates.price(connection, card, "spread", "priced")
    calls, unpriced, models = connection.execute(
        "select count(*), count(*) filter (list_cost is null), "
        "list(distinct coalesce(response_model, request_model)) filter (list_cost is null) "
        "from priced"
    ).fetchall()[0]
    if unpriced > max_unpriced * calls:
        raise NothingToJudge(
            f"{unpriced:,} of {calls:,} calls in {name} have no price "
            f"({', '.join(sorted(model or 'no model' for model in models)[:3])})",
            "price them under [rates.models] in tokman.toml, or allow some: --max-unpriced 2%",
        )
    found = connection.execute(
        "select workflow, sum(contracted_cost) from priced group by workflow"
    ).fetchall()
    return {workflow: cost if cost is not None else Decimal(0) for workflow, cost in found}
