"""Two sides of a comparison, taken from the calls of one ledger or two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tokman.change.side import Group, Line, Side
from tokman.change.split import Bought, Prices, prices_of, split, unsplit
from tokman.query import run
from tokman.rates.columns import DAY, Rate
from tokman.rates.columns import rows as rates_of
from tokman.usage import QUANTITIES

if TYPE_CHECKING:
    import duckdb

    from tokman.rates import Card

_EXACT = Context(prec=60)


class Rates:
    """What the rate card says of the rates that priced the calls of both sides."""

    def __init__(self, card: Card, seen: Iterable[str]) -> None:
        wanted = set(seen)
        self._rates: dict[str, Rate] = {}
        doubled: set[str] = set()
        for rate in rates_of(card.table):
            name = rate.rate_id
            if name in wanted and self._rates.setdefault(name, rate).prices != rate.prices:
                doubled.add(name)
        for name in doubled:
            del self._rates[name]
        self._prices = {name: prices_of(rate) for name, rate in self._rates.items()}
        self._edges: dict[tuple[str, str], Edges] = {}
        for model in {_model(rate) for rate in self._rates.values()}:
            own = [rate for rate in self._rates.values() if _model(rate) == model]
            self._edges[model] = Edges(
                sorted({rate.prompt_gt for rate in own if rate.prompt_gt is not None}),
                sorted({hour for rate in own for hour in (rate.tod_from, rate.tod_to)} - {0, DAY}),
            )

    def prices(self, rate_id: str) -> Prices | None:
        """Prices by that name; None where today's card has no such rate, or two."""
        return self._prices.get(rate_id)

    def terms(self, row: dict[str, Any]) -> tuple[str, str]:
        """At which terms a group bought, and in which band of prompt lengths.

        A band or an hour is told by every edge that either side meets, so that a vendor who begins
        to charge by them changes a price, and a call that crosses one changes its terms.
        """
        rate = self._rates[row["rate_id"]]
        edges = self._edges[_model(rate)]
        terms = [rate.provider_id, *([rate.tier] if rate.tier != "standard" else [])]
        terms += [rate.speed] if rate.speed != "standard" else []
        terms += [rate.geo] if rate.geo else []
        if edges.hours:
            hours = [0, *edges.hours, DAY]
            at = row["part_of_day"]
            terms.append(f"{_clock(hours[at])}–{_clock(hours[at + 1])} UTC")
        band = f"over {edges.lengths[row['band'] - 1]:,} tokens" if row["band"] else ""
        return " ".join(terms), band

    def lay(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Table `rate_edges`: the edges of every rate whose price has some."""
        rows = [
            (name, *edges)
            for name, rate in self._rates.items()
            if any(edges := self._edges[_model(rate)])
        ]
        connection.execute(
            "create or replace temp table rate_edges as select unnest($ids::varchar[]) as rate_id, "
            "unnest($lengths::bigint[][]) as lengths, unnest($hours::bigint[][]) as hours",
            {
                "ids": [row[0] for row in rows],
                "lengths": [row[1] for row in rows],
                "hours": [row[2] for row in rows],
            },
        )


class Edges(NamedTuple):
    """Where a model's price changes."""

    lengths: list[int]
    """Tokens of a prompt; the price is another above each."""
    hours: list[int]
    """Microseconds since midnight UTC."""


class Taken(msgspec.Struct, kw_only=True):
    """The two sides, and how well their costs are told apart."""

    before: Side
    after: Side
    scaled_calls: int = 0
    """Calls priced by another card than today's, whose cost is shared out by today's prices."""
    unsplit_calls: int = 0
    """Calls whose cost today's card cannot share out at all."""


def seen(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The rates that priced the calls in view `scope`."""
    return [row["rate_id"] for row in run(connection, "change_rates")]


def groups(
    connection: duckdb.DuckDBPyConnection, dimensions: Sequence[str], rates: Rates
) -> list[dict[str, Any]]:
    """The priced calls in view `scope`, added up where they share dimensions, rate and terms."""
    rates.lay(connection)
    found = run(connection, "change", by=list(dimensions), quantities=list(QUANTITIES))
    for row in found:
        row["list_cost"] = _pico(row["list_cost"])
        row["cost"] = _pico(row["contracted_cost"])
    return found


def sides(
    before: list[dict[str, Any]],
    after: list[dict[str, Any]],
    dimensions: Sequence[str],
    rates: Rates,
) -> Taken:
    """Two lists of `groups` as sides whose costs are told apart by what was bought.

    Where that cannot be known of some calls of a group, the group is one lump on both sides: half
    a group told apart would look like a change of what is bought.
    """
    taken = Taken(before=Side(), after=Side())
    lumps: set[Group] = set()
    parted: list[list[tuple[Group, dict[str, Any], list[Bought]]]] = []
    for rows in (before, after):
        parted.append([])
        for row in rows:
            values = (row[name] for name in dimensions)
            group = tuple(None if value is None else str(value) for value in values)
            bought: list[Bought] = []
            if row["paid"]:
                prices = rates.prices(row["rate_id"])
                told = split(row, prices) if prices is not None else None
                if told is None:
                    lumps.add(group)
                else:
                    bought, exact = told
                    taken.scaled_calls += 0 if exact else row["calls"]
            parted[-1].append((group, row, bought))
    for side, rows_of in zip((taken.before, taken.after), parted, strict=True):
        for group, row, bought in rows_of:
            side.add_calls(group, row["calls"], row["calls"] if row["paid"] else 0)
            if row["paid"] and group in lumps:
                taken.unsplit_calls += row["calls"]
                bought = [unsplit(row)]
            terms = ("", "") if group in lumps else rates.terms(row) if bought else ()
            for each in bought:
                side.add(Line(group, each.name, *terms), each.units, each.list_cost, each.cost)
    return taken


def _model(rate: Rate) -> tuple[str, str]:
    return rate.provider_id, rate.model_id


def _clock(microseconds: int) -> str:
    minutes = microseconds // 60_000_000
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _pico(amount: Decimal) -> int:
    return int(_EXACT.scaleb(amount, 12))
