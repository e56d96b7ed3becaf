"""What a lever is: it finds cells of calls that could cost less and rewrites what they consumed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tokman import sql

if TYPE_CHECKING:
    import duckdb

    from tokman.config import Config
    from tokman.rates import Card

LEAST = Decimal("0.01")
"""USD in the window: a cell that saves less is not worth a line."""


class Evidence(NamedTuple):
    """How far a saving is proven, and the realisation this leads to expect."""

    level: str
    """E0 eligible by its shape · E1 others' benchmarks, or a proxy · E2 seen in your own
    logs · E3 tested on your own calls · E4 proven or declared."""
    word: str
    """candidate, upper bound, measured prefix, likely, declared, exact."""
    why: str
    realisation: tuple[int, int]
    """(a, b) of a Beta distribution: the share of the amount that is likely to become real."""


class Cell(NamedTuple):
    """One place where a lever applies: a workflow on a model."""

    title: str
    workflow: str | None
    provider: str
    model: str
    change: str
    """What to do, ready to paste where that is possible."""
    evidence: Evidence
    facts: list[str]
    risks: list[str]
    proof: str
    """What would raise the evidence."""
    rule: str = ""
    """Which of the lever's rules found it, where it has several."""
    effort: float = 0.5
    """Days of one engineer that the change is likely to take; own judgement."""
    experiment: Sequence[str] = ()
    """The trial that would prove it, step by step."""


class LeftAlone(NamedTuple):
    """A place that was looked at and is not in the plan, with the reason and without an amount."""

    lever: str
    workflow: str | None
    model: str | None
    why: str


@dataclass
class Proposal:
    """The answer of a lever. The temporary table `proposal` holds the rewritten usage: a column
    `cell`, the index in `cells`, and every column of `current` but its cost."""

    cells: list[Cell] = field(default_factory=list)
    left: list[LeftAlone] = field(default_factory=list)


@dataclass(frozen=True)
class Scene:
    """What levers look at: the table `calls`, what is seen of each call and what it consumes and
    costs, as the levers before have left it; its view `current` has the usage alone."""

    connection: duckdb.DuckDBPyConnection
    card: Card
    config: Config
    start: datetime
    end: datetime
    days: int
    """Calendar days (UTC) from the first to the last call, both counted."""

    def make(self, table: str, question: str, **params: object) -> None:
        """The temporary table that `sql/recommend/<question>.sql` describes."""
        text = sql.text(f"recommend/{question}")
        self.connection.execute(f"create or replace temp table {table} as {text}", params or None)

    def ask(self, question: str, **params: object) -> list[dict[str, Any]]:
        """The rows that `sql/recommend/<question>.sql` answers with."""
        asked = self.connection.execute(sql.text(f"recommend/{question}"), params or None)
        names = [column[0] for column in asked.description or ()]
        return [dict(zip(names, row, strict=True)) for row in asked.fetchall()]

    def note(self, table: str, columns: dict[str, str], rows: Iterable[Sequence[object]]) -> None:
        """The temporary table of these rows; `columns` gives each name its DuckDB type."""
        import pyarrow as pa

        values = [pa.array(column) for column in zip(*rows, strict=True)]
        typed = ", ".join(f"{name}::{kind} as {name}" for name, kind in columns.items())
        noted = pa.table(values or [[]] * len(columns), names=list(columns))
        self.connection.register("noted", noted)
        self.connection.execute(
            f"create or replace temp table {table} as select {typed} from noted"
        )
        self.connection.unregister("noted")

    def drop(self, *tables: str) -> None:
        """Give up temporary tables that no later question asks: the largest hold 250 B a call."""
        for table in tables:
            self.connection.execute(f"drop table if exists {table}")

    def count(self, table: str) -> int:
        """Rows of a table."""
        (found,) = self.connection.execute(f"select count(*) from {table}").fetchall()
        return int(found[0])


class Lever(Protocol):
    """A way to spend less."""

    name: str
    together: bool
    """A cell's calls stand or fall together, as where one writes what others read."""

    def propose(self, scene: Scene) -> Proposal:
        """Cells with their evidence, and the usage they would have in the table `proposal`."""
        ...


def label(workflow: str | None) -> str:
    """How a workflow is called in a sentence."""
    return workflow or "calls without a workflow"
