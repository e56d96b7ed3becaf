"""Two baselines side by side: which workflow's unit of work became dearer, and by how much."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from tokman import rates
from tokman.check.baseline import COUNTED, Baseline, Group
from tokman.errors import NothingToJudge, TokmanError

if TYPE_CHECKING:
    import duckdb

    from tokman.rates import Card

Verdict = Literal["pass", "regression", "new", "gone", "unpriced"]
"""new, gone: on one side only. unpriced: no call of a side has a price. These are not judged."""


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
    base_unpriced_calls: int
    """Let through by --max-unpriced; they are in no cost."""
    unpriced_calls: int
    rate_card: str
    priced_at: date
    """Both sides cost what they would on that day, so that a vendor's new price fails no build."""


def percentage(text: str) -> float:
    """`5%` as 0.05; TokmanError for anything but a percentage of at least 0."""
    stated = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*%\s*", text)
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
    today: date | None = None,
) -> Judgement:
    """Compare cost per unit by workflow, at the prices of `today` (UTC).

    NothingToJudge if no workflow is on both sides, or if more than `max_unpriced` of a side's calls
    have no price.
    """
    from tokman.query import database

    connection = database()
    today = today or datetime.now(UTC).date()
    costs = [
        _costs(connection, side, card, today, max_unpriced, name)
        for side, name in ((base, "the baseline"), (now, "the ledger"))
    ]
    paid, unpriced = zip(*costs, strict=True)
    then = {work.workflow: getattr(work, f"{unit}s") for work in base.work}
    here = {work.workflow: getattr(work, f"{unit}s") for work in now.work}
    rows = []
    for workflow in sorted({*then, *here}, key=lambda name: (name is None, name or "")):
        before = _Side(then.get(workflow, 0), paid[0].get(workflow))
        after = _Side(here.get(workflow, 0), paid[1].get(workflow))
        rows.append(_row(workflow, before, after, max_increase))
    shared = [row for row in rows if row.verdict in ("pass", "regression")]
    if not shared:
        both = any(row.verdict == "unpriced" for row in rows)
        raise NothingToJudge(
            "no workflow has a price on both sides"
            if both
            else "no workflow is in both the baseline and the ledger",
            "price its models under [rates.models] in tokman.toml"
            if both
            else "ingest the same workflows, or make the baseline anew with --save",
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
        base_unpriced_calls=unpriced[0],
        unpriced_calls=unpriced[1],
        rate_card=card.version,
        priced_at=today,
    )


class _Side(NamedTuple):
    """One workflow on one side: units of work, and USD where a call of it has a price."""

    units: int
    cost: Decimal | None

    @property
    def per_unit(self) -> Decimal | None:
        return self.cost / self.units if self.cost is not None and self.units else None


def _row(workflow: str | None, before: _Side, after: _Side, max_increase: float) -> Row:
    change: float | None = None
    verdict: Verdict
    if not before.units:
        verdict = "new"
    elif not after.units:
        verdict = "gone"
    elif before.cost is None or after.cost is None:
        verdict = "unpriced"
    else:
        # Multiplied out, for a quotient that was rounded could miss a rise that is just allowed.
        rise = Fraction(after.cost) * before.units
        base = Fraction(before.cost) * after.units
        change = float(rise / base) - 1 if base else None
        dearer = rise > base * (1 + Fraction(str(max_increase)))
        verdict = "regression" if dearer else "pass"
    return Row(
        workflow=workflow,
        base_units=before.units,
        units=after.units,
        base_cost_per_unit=before.per_unit,
        cost_per_unit=after.per_unit,
        change=change,
        verdict=verdict,
    )


def _costs(
    connection: duckdb.DuckDBPyConnection,
    side: Baseline,
    card: Card,
    day: date,
    max_unpriced: float,
    name: str,
) -> tuple[dict[str | None, Decimal | None], int]:
    """Contracted cost of each workflow in USD, at the prices of `day`, None where no call has one;
    and how many calls have none."""
    _alike(connection, side, day)
    rates.price(connection, card, "alike", "priced")
    calls, unpriced, models = connection.execute(
        "select coalesce(sum(times), 0), coalesce(sum(times) filter (list_cost is null), 0), "
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
        "select workflow, sum(contracted_cost * times) from priced group by workflow"
    ).fetchall()
    return dict(found), int(unpriced)


def _alike(connection: duckdb.DuckDBPyConnection, side: Baseline, day: date) -> None:
    """Table `alike`: the side's calls as a card prices them, dated `day` at the time of day of
    their group. Calls that come out alike are one row, with their number in `times`."""
    import pyarrow as pa

    midnight = datetime(day.year, day.month, day.day)
    keys = (
        "provider_name request_model response_model service_tier speed inference_geo "
        "response_cache_hit output_basis"
    ).split()
    rows = [
        {
            "workflow": work.workflow,
            **{key: getattr(group, key) for key in keys},
            "started_at": midnight + timedelta(microseconds=group.time_of_day),
            "status": "ok",
            "times": times,
            **tokens,
        }
        for work in side.work
        for group in work.groups
        for times, tokens in spread(group)
    ]
    special = {"started_at": pa.timestamp("us"), "response_cache_hit": pa.bool_()}
    special |= dict.fromkeys(("times", *COUNTED), pa.int64())
    columns = ("workflow", *keys, "started_at", "status", "times", *COUNTED)
    schema = pa.schema([(column, special.get(column, pa.string())) for column in columns])
    connection.register("alike", pa.Table.from_pylist(rows, schema=schema))


def spread(group: Group) -> Iterator[tuple[int, dict[str, int]]]:
    """The group's tokens spread evenly over its calls, to the last token: how many calls, with
    what each.

    The leftovers of one quantity go to the calls after those that got the leftovers of the one
    before, so that no two prompts differ by more than a token: all stay in their price band.
    """
    begins, at = {}, 0
    cuts = {0, group.calls}
    for name in COUNTED:
        begins[name] = at
        at = (at + group.tokens.get(name, 0)) % group.calls
        cuts.add(at)
    for turn, end in pairwise(sorted(cuts)):
        yield (
            end - turn,
            {
                name: total // group.calls
                + ((turn - begins[name]) % group.calls < total % group.calls)
                for name, total in ((name, group.tokens.get(name, 0)) for name in COUNTED)
            },
        )
