"""One side of a comparison: the clusters of each workflow, and what they cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np

from tokman import rates
from tokman.check.baseline import Baseline
from tokman.check.clusters import cluster
from tokman.check.spread import alike
from tokman.errors import NothingToJudge

if TYPE_CHECKING:
    import duckdb
    import numpy.typing as npt
    import pyarrow as pa

    from tokman.rates import Card

    Floats: TypeAlias = npt.NDArray[np.float64]

COUNTS = ("calls", "conversations", "judged", "successes")

UNITS = {"call": "calls", "conversation": "conversations", "outcome": "successes"}
"""A unit of work and the count that tells how many there are."""


class Work(msgspec.Struct, kw_only=True):
    """One workflow. Arrays have one element a cluster; there is at least one."""

    workflow: str | None
    cost: Decimal | None
    """USD of all clusters, exactly; None: no call has a price."""
    counts: dict[str, int]
    """All of each of COUNTS."""
    costs: Floats
    """USD; without calls that have no price."""
    counted: dict[str, Floats]
    """Of each of COUNTS."""
    stands_for: npt.NDArray[np.int64]
    """How many clusters each is, where only a sample of them was kept."""
    cases: list[str | None]

    def units(self, unit: str) -> int:
        """All units of work; of cases, the runs of them."""
        if unit == "case":
            return int(self.of_suite.sum())
        return self.counts[UNITS[unit]]

    @property
    def of_suite(self) -> npt.NDArray[np.int64]:
        """How many runs of a case each cluster is; 0 of what belongs to no case."""
        runs = np.array([case is not None for case in self.cases])
        found: npt.NDArray[np.int64] = self.stands_for * runs
        return found


class Side(msgspec.Struct, kw_only=True):
    """The work of one side by workflow, and how much of it could be priced."""

    work: dict[str | None, Work]
    calls: int
    unpriced: int
    models: list[str]
    """Without a price, a few."""


def of_ledger(connection: duckdb.DuckDBPyConnection, card: Card, day: date) -> Side:
    """The charges of view `scope` at the prices of `day` (UTC); makes view `bought`, the calls."""
    found = cluster(connection, card, day)
    connection.execute("create or replace temp view bought as select *, 1 as times from priced")
    work = {}
    if not any(found.column("calls").to_pylist()):
        raise NothingToJudge("no successful calls to judge", "run `tokman ingest` first")
    for workflow, rows in _by_workflow(found):
        work[workflow] = Work(
            workflow=workflow,
            cost=_sum(rows.column("cost")),
            counts={name: int(_sum(rows.column(name)) or 0) for name in COUNTS},
            costs=_floats(rows.column("cost")),
            counted={name: _floats(rows.column(name)) for name in COUNTS},
            stands_for=np.ones(rows.num_rows, np.int64),
            cases=rows.column("case_id").to_pylist(),
        )
    return _counted(work, connection, "1", "true")


def of_baseline(
    connection: duckdb.DuckDBPyConnection, baseline: Baseline, card: Card, day: date
) -> Side:
    """A baseline's work at the prices of `day` (UTC); makes view `bought`, the calls."""
    alike(connection, baseline, day)
    rates.price(connection, card, "alike", "priced")
    connection.execute("create temp view bought as from priced where sample is null")
    costs: dict[str | None, dict[int | None, Decimal | None]] = defaultdict(dict)
    for place, sample, cost in connection.execute(
        "select place, sample, sum(contracted_cost * times) from priced group by place, sample"
    ).fetchall():
        costs[baseline.work[place].workflow][sample] = cost
    work = {}
    for each in baseline.work:
        paid = costs[each.workflow]
        held = [[getattr(sample, name) for sample in each.samples] for name in COUNTS]
        stands_for = np.array([sample.stands_for for sample in each.samples], np.int64)
        totals = {name: getattr(each, name) for name in COUNTS}
        spent = np.array([float(paid.get(at) or 0) for at in range(len(stands_for))])
        work[each.workflow] = Work(
            workflow=each.workflow,
            cost=paid.get(None),
            counts=totals,
            costs=_fitted(spent, stands_for, float(paid.get(None) or 0)),
            counted={
                name: _fitted(np.array(counts, float), stands_for, totals[name])
                for name, counts in zip(COUNTS, held, strict=True)
            },
            stands_for=stands_for,
            cases=[sample.case for sample in each.samples],
        )
    return _counted(work, connection, "times", "sample is null")


def _fitted(values: Floats, stands_for: npt.NDArray[np.int64], total: float) -> Floats:
    """The values with those that stand for several scaled so that all of them make the total."""
    sampled = stands_for > 1
    rest = total - values[~sampled].sum()
    told = (values * stands_for)[sampled].sum()
    if told <= 0 or rest < 0:
        return values
    return np.where(sampled, values * (rest / told), values)


def _by_workflow(found: pa.Table) -> Iterator[tuple[str | None, pa.Table]]:
    """The rows of each workflow; they lie together."""
    names = found.column("workflow").to_pylist()
    starts = [at for at, name in enumerate(names) if not at or names[at - 1] != name]
    for start, end in pairwise([*starts, len(names)]):
        yield names[start], found.slice(start, end - start)


def _sum(column: pa.ChunkedArray) -> Decimal | None:
    import pyarrow.compute as pc

    total: Decimal | None = pc.sum(column).as_py()
    return total


def _floats(column: pa.ChunkedArray) -> Floats:
    import pyarrow as pa

    floats: Floats = column.cast(pa.float64()).fill_null(0).to_numpy()
    return floats


def _counted(
    work: dict[str | None, Work], connection: duckdb.DuckDBPyConnection, times: str, where: str
) -> Side:
    """The side, with how many calls of `priced` there are and how many have no price."""
    calls, unpriced, models = connection.execute(
        f"select coalesce(sum({times}), 0), "
        f"coalesce(sum({times}) filter (list_cost is null), 0), "
        "list(distinct coalesce(response_model, request_model, 'no model')) "
        f"filter (list_cost is null) from priced where {where}"
    ).fetchall()[0]
    return Side(
        work=work, calls=int(calls), unpriced=int(unpriced), models=sorted(models or [])[:3]
    )


def refuse_unpriced(side: Side, name: str, allowed: float) -> None:
    """NothingToJudge where more than this share of a side's calls has no price."""
    if side.unpriced > allowed * side.calls:
        raise NothingToJudge(
            f"{side.unpriced:,} of {side.calls:,} calls in {name} have no price "
            f"({', '.join(side.models)})",
            "price them under [rates.models] in tokman.toml, or allow some: --max-unpriced 2%",
        )


def days(connection: duckdb.DuckDBPyConnection) -> float | None:
    """Days that the calls of view `scope` span, at least one; None where none has a time."""
    found = connection.execute(
        "select epoch_us(max(started_at)) - epoch_us(min(started_at)) from scope"
    ).fetchall()[0][0]
    return None if found is None else max(1.0, found / 86_400_000_000)
