"""What people decided about recommendations and judged of their hits: SQLite beside the ledger.

A few rows that are changed one at a time, by several processes at once: a table of Parquet files
would be rewritten for each. Decisions and judgements are keyed by names that are the same on every
machine, so that two ledgers' files merge by `insert or replace` of the later row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from tokman.errors import TokmanError
from tokman.recommend.names import first, now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "decisions.sqlite"
SCHEMA = """
create table if not exists decisions (
    name text primary key, choice text, until text, because text, title text, at text
) without rowid;
create table if not exists judgements (
    lever text, rule text, hit text, right integer, at text, primary key (lever, rule, hit)
) without rowid;
"""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about one recommendation."""

    name: str
    """Its full name (`tokman.recommend.names`)."""
    choice: Literal["accepted", "dismissed"]
    until: date | None = None
    """First day on which a dismissal no longer holds; None: for good."""
    because: str = ""
    title: str = ""
    """How the recommendation was called then: a dismissed one is in no plan to look it up in."""
    at: datetime
    """Naive UTC."""

    def holds(self, today: date) -> bool:
        """Whether it is in force."""
        return self.until is None or today < self.until


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a person found one hit of a rule to be rightly found."""

    lever: str
    rule: str
    hit: str
    """The call that the hit begins with."""
    right: bool
    at: datetime
    """Naive UTC."""


class Decided(msgspec.Struct, frozen=True):
    """All that was decided, as of one day."""

    decisions: tuple[Decision, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    today: date = date.min

    def named(self, choice: str) -> dict[str, Decision]:
        """Decisions of one kind in force, by the full name of the recommendation."""
        return {
            one.name: one
            for one in self.decisions
            if one.choice == choice and one.holds(self.today)
        }


def load(folder: Path, today: date | None = None) -> Decided:
    """What was decided on the ledger in `folder`; nothing where nobody has."""
    if not (folder / FILE).exists():
        return Decided(today=today or datetime.now(UTC).date())
    with _opened(folder) as connection:
        decisions = connection.execute(
            "select name, choice, until, because, title, at from decisions order by at, name"
        ).fetchall()
        judgements = connection.execute(
            "select lever, rule, hit, right, at from judgements order by lever, rule, hit"
        ).fetchall()
    names = ("name", "choice", "until", "because", "title", "at")
    return Decided(
        tuple(msgspec.convert(dict(zip(names, row, strict=True)), Decision) for row in decisions),
        tuple(
            Judgement(
                lever=lever, rule=now(lever, rule), hit=hit, right=bool(right), at=_moment(at)
            )
            for lever, rule, hit, right, at in judgements
        ),
        today or datetime.now(UTC).date(),
    )


def decide(folder: Path, decisions: Iterable[Decision]) -> None:
    """Keep the decisions, all or none; a later one of the same recommendation replaces it."""
    with _opened(folder) as connection, connection:
        connection.executemany(
            "insert or replace into decisions values (?, ?, ?, ?, ?, ?)",
            [
                (
                    one.name,
                    one.choice,
                    one.until.isoformat() if one.until else None,
                    one.because,
                    one.title,
                    one.at.isoformat(),
                )
                for one in decisions
            ],
        )


def reconsider(folder: Path, name: str) -> None:
    """Forget what was decided about a recommendation."""
    with _opened(folder) as connection, connection:
        connection.execute("delete from decisions where name = ?", (name,))


def judge(folder: Path, judgements: Iterable[Judgement]) -> None:
    """Keep the judgements, all or none; of the same hit the later one counts."""
    with _opened(folder) as connection, connection:
        connection.executemany(
            "insert into judgements values (?, ?, ?, ?, ?) on conflict do update "
            "set right = excluded.right, at = excluded.at where excluded.at >= at",
            [
                (one.lever, first(one.lever, one.rule), one.hit, int(one.right), one.at.isoformat())
                for one in judgements
            ],
        )


@contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / FILE
    try:
        connection = sqlite3.connect(path, timeout=120)
    except sqlite3.Error as error:
        raise TokmanError(f"{path}: {error}", "see that the folder can be written to") from error
    try:
        connection.executescript(SCHEMA)
        yield connection
    except (sqlite3.Error, msgspec.ValidationError, ValueError) as error:
        raise TokmanError(
            f"{path} is damaged: {error}", "restore it, or move it away to decide anew"
        ) from error
    finally:
        connection.close()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
