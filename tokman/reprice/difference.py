"""Calls priced by another rate card than the present one, priced anew beside what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from tokman import rates, sql
from tokman.commit import PRICED_BY
from tokman.errors import TokmanError
from tokman.query import files, literal, reason, rows
from tokman.reprice.record import Draft

if TYPE_CHECKING:
    import duckdb

    from tokman.rates import Card

SUMS = (
    "calls",
    "changed_calls",
    "list_cost",
    "new_list_cost",
    "contracted_cost",
    "new_contracted_cost",
    "newly_priced_calls",
    "no_longer_priced_calls",
)
"""Columns that add up; costs are exact USD, None where no call has a price."""

DIFFERENCES = {"difference": "list_cost", "contracted_difference": "contracted_cost"}

KEY = ("provider", "model", "service_tier")


class Difference(msgspec.Struct, kw_only=True):
    """What calls are held to cost, and what they would by another rate card."""

    rate_card: str
    """The card of the new costs."""
    rate_cards: list[str | None] = []
    """Those of the costs as they are."""
    rows: list[dict[str, Any]] = []
    """By provider, model and tier: `SUMS`, `difference` and `contracted_difference`; the largest
    difference first. Models whose amounts stay as they are are left out."""
    total: dict[str, Any] = {}
    """All calls added up, those of the models left out too."""


def compare(connection: duckdb.DuckDBPyConnection, card: Card) -> Difference:
    """What `card` makes of the calls in view `scope` that are priced by another."""
    return summed(card.version, _priced(connection, card))


def propose(connection: duckdb.DuckDBPyConnection, card: Card, draft: Draft) -> Difference:
    """The same, and every call of it with both prices written to `draft`."""

    def written() -> Iterator[list[dict[str, Any]]]:
        for summary in _priced(connection, card):
            draft.write(connection.sql("from moved").to_arrow_table())
            yield summary

    return summed(card.version, written())


def _priced(connection: duckdb.DuckDBPyConnection, card: Card) -> Iterator[list[dict[str, Any]]]:
    """File by file, so that memory does not grow with the ledger: `moved`, and its summary."""
    for file in files(connection, "usage"):
        with answering():
            connection.execute(
                f"create or replace view usage as from read_parquet({literal(file)})"
            )
            connection.execute(
                "create or replace temp table elsewhere as " + sql.text("reprice/elsewhere"),
                {"card": card.version, "priced_by": list(PRICED_BY)},
            )
            rates.price(connection, card, "elsewhere", "priced")
            connection.execute(
                "create or replace temp table moved as " + sql.text("reprice/moved"),
                {"card": card.version},
            )
            yield summary(connection)


def summary(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """What the calls in `moved` cost before and after, by model and tier."""
    return rows(connection.execute(sql.text("reprice/difference")))


def summed(rate_card: str, summaries: Iterator[list[dict[str, Any]]]) -> Difference:
    """The summaries of all files as one."""
    models: dict[tuple[Any, ...], dict[str, Any]] = {}
    total: dict[str, Any] = {name: 0 for name in SUMS if name.endswith("_calls")} | {"calls": 0}
    cards: set[str | None] = set()
    for row in chain.from_iterable(summaries):
        cards.update(row["held_rate_cards"])
        named = {name: row[name] for name in KEY}
        for into in (models.setdefault(tuple(named.values()), named), total):
            for name in SUMS:
                into[name] = _plus(into.get(name), row[name])
    for row in (*models.values(), total):
        for name, kind in (
            ("difference", "list_cost"),
            ("contracted_difference", "contracted_cost"),
        ):
            row[name] = (row.get(f"new_{kind}") or 0) - (row.get(kind) or 0)
    changed = [row for row in models.values() if row["changed_calls"]]
    changed.sort(
        key=lambda row: (
            -abs(row["difference"]),
            -abs(row["contracted_difference"]),
            *(row[name] or "" for name in KEY),
        )
    )
    return Difference(
        rate_card=rate_card,
        rate_cards=sorted(cards, key=lambda name: name or ""),
        rows=changed,
        total=total,
    )


def _plus(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else one + other


@contextmanager
def answering() -> Iterator[None]:
    """What DuckDB cannot answer is one line and a hint."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise TokmanError(
            f"the ledger gives no answer: {reason(error)}",
            "if there is a --where, it fails on some call; else a file of the ledger is damaged",
        ) from error
