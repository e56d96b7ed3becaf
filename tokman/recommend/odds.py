"""How much of a saving to expect: clusters of calls drawn again, times what may become real."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from tokman.recommend.lever import Scene
from tokman.usage import PICO

if TYPE_CHECKING:
    from collections.abc import Collection

    from tokman.recommend.waterfall import Saving

DRAWS = 400
SLOTS = 4_000
"""Groups that clusters are drawn in: for 40 workflows 14 a weekday each, which gets the width of a
range right to 8 %; where there are fewer clusters, each is drawn by itself."""
WORKFLOWS = 60
"""Strata for workflows; some share one where there are more."""
SEED = 20261123
"""Fixed, so that the same ledger always gives the same plan."""

Key = tuple[str, int]
"""(lever, cell)."""


class Range(NamedTuple):
    """Pico-dollars: of ten outcomes one is below `low`, one above `high`, half below `middle`."""

    low: int
    middle: int
    high: int


class Few(NamedTuple):
    """The one in a hundred clusters (at least one) that save most, and their share of a saving."""

    few: int
    clusters: int
    share: float


class Odds(NamedTuple):
    """The range of each cell's saving, of all together, and how few clusters they hang on."""

    cells: dict[Key, Range]
    together: Range
    few: dict[Key, Few]


def odds(scene: Scene, savings: list[Saving], refuted: Collection[Key] = ()) -> Odds:
    """P10, P50 and P90 of each cell's saving and of their sum, none above what was identified.

    A cluster is a conversation, else a user's day (`cluster` in calls.sql). They are drawn again
    with replacement, within their workflow and, where there are two full weeks, weekday (Efron and
    Tibshirani 1993, §8.6); a draw of the same clusters serves every cell. Each is multiplied by a
    share realised, drawn from the Beta distribution of the cell's evidence: high or low for all
    cells of a lever together, for the reasons that advice fails are mostly those of its kind. Cells
    in `refuted` are expected to save nothing.
    """
    if not savings:
        return Odds({}, Range(0, 0, 0), {})
    scene.make("cluster_savings", "cluster_savings")
    weekdays = scene.days >= 14
    scene.make("clusters", "clusters", weekdays=weekdays, slots=SLOTS, workflows=WORKFLOWS)
    few = {(row["lever"], row["cell"]): _few(row) for row in scene.ask("few")}
    weights = _weights([row["stratum"] for row in scene.ask("slots")])
    scene.note("draws", {"draw": "integer", "weights": "double[]"}, list(enumerate(weights)))
    drawn = {(row["lever"], row["cell"]): row["drawn"] for row in scene.ask("drawn")}
    for table in ("clusters", "cluster_savings", "draws"):
        scene.connection.execute(f"drop table {table}")
    realised = _Realised()
    values: dict[Key, list[int]] = {}
    for saving in savings:
        key = (saving.lever, saving.cell)
        shares = realised.shares(saving)
        values[key] = [
            0 if key in refuted else max(0, min(int(again * share * PICO), saving.saved))
            for again, share in zip(drawn[key], shares, strict=True)
        ]
    sums = [sum(column) for column in zip(*values.values(), strict=True)]
    return Odds({key: _range(each) for key, each in values.items()}, _range(sums), few)


def expected(saving: Saving) -> int:
    """The mean: the amount times the mean share realised, rounded down."""
    a, b = saving.about.evidence.realisation
    return saving.saved * a // (a + b)


class _Realised:
    """Draws of the share realised; those of one lever are ranked alike, whatever its evidence."""

    def __init__(self) -> None:
        self.sorted: dict[tuple[int, int], list[float]] = {}
        self.ranks: dict[str, list[int]] = {}

    def shares(self, saving: Saving) -> list[float]:
        kind = saving.about.evidence.realisation
        if kind not in self.sorted:
            random = Random(f"{SEED} {kind}")
            self.sorted[kind] = sorted(random.betavariate(*kind) for _ in range(DRAWS))
        if saving.lever not in self.ranks:
            ranks = list(range(DRAWS))
            Random(f"{SEED} {saving.lever}").shuffle(ranks)
            self.ranks[saving.lever] = ranks
        return [self.sorted[kind][rank] for rank in self.ranks[saving.lever]]


def _weights(strata: list[int]) -> list[list[float]]:
    """How often each slot is in each draw, given the stratum of each; equal strata are together."""
    random = Random(SEED)
    sizes = Counter(strata)
    ranges, start = [], 0
    for stratum in dict.fromkeys(strata):
        ranges.append(range(start, start + sizes[stratum]))
        start += sizes[stratum]
    weights = []
    for _ in range(DRAWS):
        times = [0.0] * len(strata)
        for slots in ranges:
            for slot in random.choices(slots, k=len(slots)):
                times[slot] += 1
        weights.append(times)
    return weights


def _few(row: dict[str, Any]) -> Few:
    return Few(row["few"], row["clusters"], row["share"])


def _range(values: list[int]) -> Range:
    ordered = sorted(values)
    last = len(ordered) - 1
    low, middle, high = (ordered[round(last * share)] for share in (0.1, 0.5, 0.9))
    return Range(low, middle, high)
