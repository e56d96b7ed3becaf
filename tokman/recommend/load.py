"""The load curve: what each hour of the day costs, and how much of it could be at another hour."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tokman.recommend import patience
from tokman.recommend.batch import SOON
from tokman.recommend.peaks import PEAKS, peaks
from tokman.recommend.scene import set_scene

if TYPE_CHECKING:
    import duckdb

    from tokman.config import Config
    from tokman.rates import Card

HOURS = 24


class Load(msgspec.Struct, kw_only=True):
    """A day as it was on average, hour by hour."""

    rows: list[dict[str, Any]]
    """Each hour of the day: calls, cost, shiftable_calls and shiftable_cost; USD in all."""
    days: int
    tz: str
    patient: dict[str, str]
    """Workflows that can wait, and the word of the evidence."""
    timeless: int
    """Calls without a time of their own: in no hour."""

    @property
    def peak_to_average(self) -> float:
        """Cost of the dearest hour over that of the mean hour; 1 is a flat day."""
        costs = [row["cost"] for row in self.rows]
        return float(max(costs) * HOURS / sum(costs)) if sum(costs) else 1.0

    @property
    def shiftable(self) -> float:
        """Share of the cost that could be at another hour."""
        cost = sum(row["cost"] for row in self.rows)
        return float(sum(row["shiftable_cost"] for row in self.rows) / cost) if cost else 0.0


def load(
    connection: duckdb.DuckDBPyConnection,
    card: Card,
    config: Config,
    since: datetime | None = None,
    until: datetime | None = None,
    tz: str = "UTC",
) -> Load:
    """The load curve of the priced calls from `since` (naive UTC) to `until` (exclusive).

    A workflow is shiftable where it is declared to wait a quarter of an hour or more, or starts
    like a scheduled job that nobody waits for. NothingToJudge where no call has a price.
    """
    scene = set_scene(connection, card, config, since, until)
    scene.note("peaks", PEAKS, peaks(card))
    patient = {}
    for row in scene.ask("batch_workflows"):
        waits = patience.of(row, scene)
        if not isinstance(waits, str) and waits.seconds >= SOON and row["workflow"] is not None:
            patient[row["workflow"]] = waits.evidence.word
    found = {row["hour_of_day"]: row for row in scene.ask("load", tz=tz, patient=sorted(patient))}
    nothing = {"calls": 0, "cost": Decimal(0), "shiftable_calls": 0, "shiftable_cost": Decimal(0)}
    rows = [found.get(hour, {"hour_of_day": hour, **nothing}) for hour in range(HOURS)]
    return Load(
        rows=rows,
        days=scene.days,
        tz=tz,
        patient=patient,
        timeless=scene.count("calls") - sum(row["calls"] for row in rows),
    )
