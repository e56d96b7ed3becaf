"""Both sides in cells of the same make: a period, a model and what else was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tokman import sql
from tokman.query import rows
from tokman.stated import lines as statement_lines
from tokman.usage import FEES, INPUT_CLASSES, OUTPUT_CLASSES, QUANTITIES

if TYPE_CHECKING:
    import duckdb

    from tokman.config import Reconcile
    from tokman.rates import Card

SUMS = ", ".join(f"sum({name})::bigint as {name}" for name in QUANTITIES)
TOKENS = tuple(name for name in QUANTITIES if name not in FEES)
WHOLES = dict.fromkeys(INPUT_CLASSES[1:], "uncached_input_tokens")
WHOLES |= dict.fromkeys(OUTPUT_CLASSES[1:], "output_tokens")
"""Where a class is counted by a provider that does not tell it."""

_WITHIN = {
    "cache_read_audio_input_tokens": "cache_read_input_tokens",
    "cache_write_1h_input_tokens": "cache_write_5m_input_tokens",
}
"""Classes that are counted in another one where that is told."""

_UNTOLD = """sum({whole}) filter (
    kind = 'usage' and token_class is null and uncached_input_tokens is not null
    and output_tokens is not null and {name} is null and {within} is null
)::bigint as untold_{name}"""
UNTOLD = ", ".join(
    _UNTOLD.format(name=name, whole=whole, within=_WITHIN.get(name, name))
    for name, whole in WHOLES.items()
)


class Cell(NamedTuple):
    """What the two sides are compared by; None where the bill does not tell it."""

    bucket: str
    """A day in UTC, or `all` where the bill's lines are longer than a day."""
    model: str | None
    project: str | None
    key: str | None


class Served(NamedTuple):
    """How a line of a statement says its tokens were served."""

    tier: str | None
    speed: str | None
    geo: str | None
    context: str | None


class Ours(msgspec.Struct):
    """A cell of our logs. Amounts in USD, exact."""

    calls: int = 0
    unpriced: int = 0
    cost: Fraction = Fraction(0)
    tokens: dict[str, int] = {}
    costs: dict[str, Fraction] = {}
    """The part of `cost` that each class has; a class may be missing where its rate is unknown."""

    def as_told(self, untold: Iterable[str]) -> Ours:
        """With the classes that the other side does not tell counted where it counts them."""
        if not untold:
            return self
        told = msgspec.structs.replace(self, tokens=dict(self.tokens), costs=dict(self.costs))
        for name in untold:
            whole = WHOLES[name]
            if name in told.tokens:
                told.tokens[whole] = told.tokens.get(whole, 0) + told.tokens.pop(name)
            if name in told.costs:
                told.costs[whole] = told.costs.get(whole, Fraction(0)) + told.costs.pop(name)
        return told


class Theirs(msgspec.Struct):
    """A cell of the provider's statements."""

    billed: Fraction | None = None
    listed: Fraction | None = None
    """At the list price that the bill itself states, for all of it; None where it states none."""
    lines: int = 0
    requests: int | None = None
    tokens: dict[Served, dict[str, int]] | None = None
    """None: the statements count no tokens for this cell."""
    untold: set[str] = set()
    """Classes that some line counts in their whole without telling them."""

    def counted(self) -> dict[str, int] | None:
        """Tokens by class, however they were served."""
        if self.tokens is None:
            return None
        total: dict[str, int] = {}
        for classes in self.tokens.values():
            for name, count in classes.items():
                total[name] = total.get(name, 0) + count
        return total


class Extra(NamedTuple):
    """A line of the bill that is not for tokens of a model."""

    category: str
    what: str
    bucket: str
    amount: Fraction


class Statements(msgspec.Struct):
    """What one provider states for a period."""

    provider: str | None
    start: datetime
    end: datetime
    spans: list[tuple[datetime, datetime]]
    """The stretches that its lines cover; a silence of a week or more is between two of them."""
    daily: bool
    """False: some line for tokens is longer than a day, so all of the period is one bucket."""
    by_model: bool
    has_bill: bool
    has_tokens: bool
    billed: Fraction
    """All of the bill in USD."""
    unit: Fraction
    """The smallest amount the bill's lines tell apart."""
    sources: list[str]
    aside: list[str]
    """Other exports of the same days, which would tell the same spend twice."""
    cells: dict[Cell, Theirs]
    extras: list[Extra]
    foreign: dict[str, Fraction]
    """Billed in other currencies: in no comparison."""
    untold: dict[str, int]
    """Class → tokens of the lines that do not tell it: not stated, which is not zero."""


Slot = tuple[Cell, datetime, datetime]
"""Cell without its bucket, half hour of the start, half hour of the end."""


def providers(connection: duckdb.DuckDBPyConnection, since: Any, until: Any) -> list[str | None]:
    """Who has statements in the period; makes `statement_lines` of them."""
    statement_lines(connection, since, until)
    found = connection.execute(
        "select distinct provider_name from statement_lines order by all"
    ).fetchall()
    return [name for (name,) in found]


def statements(
    connection: duckdb.DuckDBPyConnection,
    provider: str | None,
    name_of: Callable[[str | None], str | None],
    by: Iterable[str],
    names: Reconcile,
) -> Statements:
    """The cells of a provider's statements; `name_of` gives a model one name on both sides, `names`
    a key or project the one that our logs have."""
    select = sql.text("reconcile/statement").replace("$sums", f"{SUMS}, {UNTOLD}")
    found = rows(connection.execute(select))
    lines = [row for row in found if row["provider"] == provider]
    cost = [row for row in lines if row["kind"] == "cost"]
    for_tokens = [row for row in cost if _is_for_tokens(row)]
    usage = [row for row in lines if row["kind"] == "usage"]
    counted = usage or [row for row in for_tokens if _classes(row)]
    by_model = any(row["model"] for row in for_tokens) or not cost
    widths = [row["period_end"] - row["period_start"] for row in (*for_tokens, *counted)]
    places = max((row["places"] or 0 for row in cost), default=0)
    answer = Statements(
        provider=provider,
        start=min(row["period_start"] for row in lines),
        end=max(row["period_end"] for row in lines),
        spans=_spans(lines),
        daily=all(width <= timedelta(days=1) for width in widths),
        by_model=by_model,
        has_bill=bool(cost),
        has_tokens=bool(counted),
        billed=sum((_dollars(row) for row in cost), Fraction(0)),
        unit=Fraction(1, 10 ** max(2, places)),
        sources=_names(connection, "statement_lines", provider),
        aside=[],
        cells={},
        extras=[],
        foreign={},
        untold={},
    )
    told = _names(connection, "statements where inference and part <> 'claude_code'", provider)
    answer.aside = [name for name in told if name not in answer.sources]
    by = set(by)

    def cell(row: dict[str, Any]) -> Theirs:
        place = Cell(
            f"{row['period_start']:%Y-%m-%d}" if answer.daily else "all",
            name_of(row["model"]) if by_model else None,
            names.projects.get(row["project"], row["project"]) if "project" in by else None,
            names.keys.get(row["key"], row["key"]) if "key" in by else None,
        )
        return answer.cells.setdefault(place, Theirs())

    for row in cost:
        if row["currency"] != "USD":
            known = answer.foreign.get(row["currency"], Fraction(0))
            answer.foreign[row["currency"]] = known + Fraction(row["billed"] or 0)
        elif _is_for_tokens(row):
            _bill(cell(row), row)
        else:
            bucket = f"{row['period_start']:%Y-%m-%d}"
            category, amount = row["charge_category"], Fraction(row["billed"] or 0)
            answer.extras.append(Extra(category, row["line_item"] or category, bucket, amount))
    for row in counted:
        place = cell(row)
        _count(place, row, first_hand=bool(usage))
        for name in WHOLES:
            if tokens := row[f"untold_{name}"]:
                place.untold.add(name)
                answer.untold[name] = answer.untold.get(name, 0) + tokens
    return answer


def _spans(lines: list[dict[str, Any]]) -> list[tuple[datetime, datetime]]:
    """An export leaves out days on which nothing was used; a week of them is no part of it."""
    spans: list[tuple[datetime, datetime]] = []
    for start, end in sorted((row["period_start"], row["period_end"]) for row in lines):
        if spans and start - spans[-1][1] < timedelta(days=7):
            spans[-1] = spans[-1][0], max(end, spans[-1][1])
        else:
            spans.append((start, end))
    return spans


def _is_for_tokens(row: dict[str, Any]) -> bool:
    """A charge for a model's tokens, or for everything where the bill tells no model at all."""
    if row["charge_category"] != "usage" or row["token_class"] in FEES:
        return False
    return bool(row["model"] or row["token_class"] or row["whole"])


def _dollars(row: dict[str, Any]) -> Fraction:
    return Fraction(row["billed"] or 0) if row["currency"] == "USD" else Fraction(0)


def _classes(row: dict[str, Any]) -> dict[str, int]:
    return {name: row[name] for name in TOKENS if row[name]}


def _bill(cell: Theirs, row: dict[str, Any]) -> None:
    first = cell.billed is None
    cell.billed = (cell.billed or Fraction(0)) + Fraction(row["billed"] or 0)
    cell.lines += row["lines"]
    if row["listed"] is None:
        cell.listed = None
    elif first or cell.listed is not None:
        cell.listed = (cell.listed or Fraction(0)) + Fraction(row["listed"])


def _count(cell: Theirs, row: dict[str, Any], *, first_hand: bool) -> None:
    served = Served(row["service_tier"], row["speed"], row["inference_geo"], row["context_window"])
    if cell.tokens is None:
        cell.tokens = {}
    classes = cell.tokens.setdefault(served, {})
    for name, count in _classes(row).items():
        classes[name] = classes.get(name, 0) + count
    if first_hand and row["requests"] is not None:
        cell.requests = (cell.requests or 0) + row["requests"]


def _names(connection: duckdb.DuckDBPyConnection, where: str, provider: str | None) -> list[str]:
    text = f"select distinct source, provider_name from {where}"
    return sorted(s for s, p in connection.execute(text).fetchall() if p == provider)


def slots(
    connection: duckdb.DuckDBPyConnection,
    card: Card,
    stated: Statements,
    name_of: Callable[[str | None], str | None],
    by: Iterable[str],
) -> dict[Slot, Ours]:
    """The provider's calls in our logs, a day and a half around what its statements cover."""
    around = timedelta(hours=36)
    select = sql.text("reconcile/ledger").replace("$sums", SUMS)
    found = rows(
        connection.execute(
            select, {"earliest": stated.start - around, "latest": stated.end + around}
        )
    )
    seller, by = card.names.seller(stated.provider) or stated.provider, set(by)
    prices = _prices(card)
    answer: dict[Slot, Ours] = {}
    for row in found:
        if (card.names.seller(row["provider"]) or row["provider"]) != seller:
            continue
        place = Cell(
            "",
            name_of(row["model"]) if stated.by_model else None,
            row["project"] if "project" in by else None,
            row["key"] if "key" in by else None,
        )
        ours = answer.setdefault((place, row["started"], row["ended"]), Ours())
        listed, cost = Fraction(row["listed"] or 0), Fraction(row["cost"] or 0)
        paid = cost / listed if listed else Fraction(1)
        ours.calls += row["calls"]
        ours.unpriced += row["unpriced"]
        ours.cost += cost
        unit = prices.get(row["rate_id"], {})
        for name, count in _classes(row).items():
            ours.tokens[name] = ours.tokens.get(name, 0) + count
            each = unit.get(name)
            if each is not None:
                known = ours.costs.get(name, Fraction(0))
                ours.costs[name] = known + Fraction(each * count, 10**12) * paid
    return answer


def add(into: Ours, more: Ours) -> None:
    """Both together."""
    into.calls += more.calls
    into.unpriced += more.unpriced
    into.cost += more.cost
    for name, count in more.tokens.items():
        into.tokens[name] = into.tokens.get(name, 0) + count
    for name, cost in more.costs.items():
        into.costs[name] = into.costs.get(name, Fraction(0)) + cost


def _prices(card: Card) -> dict[str | None, dict[str, int | None]]:
    """Pico-dollars a token of each class, by rate."""
    names = card.table.column("rate_id").to_pylist()
    columns = {name: card.table.column(f"price_{name}").to_pylist() for name in TOKENS}
    return {
        rate: {name: columns[name][index] for name in TOKENS} for index, rate in enumerate(names)
    }
