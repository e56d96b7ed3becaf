"""Bills read as an ingest reads them, without a ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from tokman.pieces import Outcome, Piece
from tokman.reading import Reader
from tokman.rows import Rows
from tokman.statement import AMOUNTS, Statement

FILE_TIME = 1_790_000_000_000_000


class _Kept(Rows):
    def flush(self) -> None:
        """Keep every row."""


def read(path: Path) -> tuple[list[Statement], Outcome]:
    """The rows of a file and what came of its reading."""
    rows = _Kept(path.parent)
    outcome = Reader(Piece(path=str(path), mtime=FILE_TIME), b"k" * 32, rows).run()
    assert not rows.held, "a bill is no call"
    return rows.stated, outcome


def read_lines(folder: Path, *records: dict[str, Any]) -> tuple[list[Statement], Outcome]:
    """The same of records, written as JSON lines."""
    path = folder / "bill.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return read(path)


def total(rows: Iterable[Statement], name: str = "billed_amount") -> Decimal:
    """Sum of one of the amounts."""
    assert name in AMOUNTS
    return sum((getattr(row, name) or Decimal(0) for row in rows), Decimal(0))
