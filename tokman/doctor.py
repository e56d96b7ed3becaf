"""Everything in a ledger that could make a total wrong, the largest amount first.

A check is a SELECT in `sql/doctor` over `scope` and `rejects` that answers what, calls, tokens and
at_stake: dollars of list cost that are in the total and rest on a doubt, or that it may lack; NULL
where nobody can say. One check more is one file and one line below.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple

from tokman import sql
from tokman.query import run

if TYPE_CHECKING:
    import duckdb

    from tokman.rates import Card
    from tokman.reprice import Difference

Direction = Literal["too low", "too high", "either way"]


class Check(NamedTuple):
    """A question, which way a total errs where it finds something, and what to do then."""

    name: str
    direction: Direction
    advice: str


CHECKS = (
    Check(
        "unpriced",
        "too low",
        "state the model's price under [rates.models] in tokman.toml, then `tokman reprice`; where "
        "a log has no counts, have it record them",
    ),
    Check(
        "fees",
        "too low",
        "the tokens of these calls are priced, their searches are not: look at the provider's bill",
    ),
    Check("partial", "too low", "ingest a log of the same calls that records them to their end"),
    Check(
        "estimated",
        "either way",
        "have the log record the usage that the provider reports; `tokman recount` says whether "
        "this ledger knows better by now",
    ),
    Check("undated", "either way", "keep these files' dates, or log a time with each call"),
    Check("misdated", "either way", "look at the clock and the time unit of that log"),
    Check(
        "overlap",
        "too high",
        "if they log the same calls, `tokman ingest --match-fuzzy` makes them one where they are "
        "alike; else keep one of the two in this ledger",
    ),
    Check(
        "outlier",
        "either way",
        "only billed cost holds these values, list cost does not: ask who wrote that log",
    ),
    Check(
        "billed",
        "either way",
        "a contract: state it under [[rates.discounts]]; else a price or a tier here is wrong",
    ),
    Check("gap", "too low", "look for that day's log; if nobody worked, all is well"),
    Check(
        "untold",
        "either way",
        "not stated is not zero: `tokman reconcile` takes the split from your logs; pull the usage "
        "again with all its fields",
    ),
    Check("rejects", "too low", 'see why: tokman sql "from rejects"'),
)

CARDS = Check("rate card", "either way", "see `tokman rates diff`; `tokman reprice` takes it over")


class Finding(NamedTuple):
    """One thing that could make a total wrong."""

    check: str
    what: str
    calls: int | None
    tokens: int | None
    at_stake: Decimal | None
    """USD, exact; None where nobody can say."""
    direction: Direction
    """How a total may be wrong for it."""
    advice: str


def examine(connection: duckdb.DuckDBPyConnection, card: Card) -> list[Finding]:
    """What the checks find in views `scope` and `rejects`."""
    connection.register("rates_card", card.table)
    connection.execute("create or replace temp view compared as " + sql.text("doctor/compared"))
    return [
        Finding(check.name, **row, direction=check.direction, advice=check.advice)
        for check in CHECKS
        for row in run(connection, f"doctor/{check.name}")
    ]


def of_cards(difference: Difference) -> list[Finding]:
    """Calls whose price is of another rate card than the present one, if that changes amounts."""
    calls = difference.total["changed_calls"]
    if not calls:
        return []
    cards = ", ".join(card or "no card" for card in difference.rate_cards)
    moved = sum((abs(row["difference"]) for row in difference.rows), Decimal(0))
    what = f"priced by {cards}; {difference.rate_card} has other prices"
    return [Finding(CARDS.name, what, calls, None, moved, CARDS.direction, CARDS.advice)]


def ranked(findings: list[Finding]) -> list[Finding]:
    """The largest amount first; then what has none, by its tokens and calls."""
    return sorted(
        findings,
        key=lambda one: (
            one.at_stake is None,
            -(one.at_stake or 0),
            -(one.tokens or 0),
            -(one.calls or 0),
            one.check,
            one.what,
        ),
    )
