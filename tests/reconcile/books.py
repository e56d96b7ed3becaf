"""Books and statements for tests: calls by LiteLLM's log, bills line by line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.ledgers import call, made
from tokman import rates
from tokman.columns import to_batch
from tokman.commit import commit_statements
from tokman.config import Config, Rates, Reconcile
from tokman.ledger import Ledger
from tokman.query import connect
from tokman.reconcile import Reconciliation, reconcile
from tokman.statement import Statement, arrow_schema

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(day: str) -> int:
    moment = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


def line(day: str = "2026-11-02", *, kind: str = "cost", days: int = 1, **values: Any) -> Statement:
    """A line of OpenAI's bill for one day; amounts are decimal strings."""
    for name in ("billed_amount", "list_amount"):
        if name in values:
            values[name] = Decimal(values[name])
    start = micros(day)
    fields: dict[str, Any] = {
        "view": "1d by line_item,model",
        "part": "costs" if kind == "cost" else "completions",
        "provider_name": "openai",
        "source": f"openai-{kind}",
        "issued_at": start,
        **values,
    }
    known = [str(v) for k, v in sorted(fields.items()) if k not in ("billed_amount", "issued_at")]
    return Statement(
        statement_id=f"{kind}:{day}:{':'.join(known)}",
        kind=kind,  # type: ignore[arg-type]
        period_start=start,
        period_end=start + days * 86_400_000_000,
        **fields,
    )


def closed(
    folder: Path,
    calls: list[dict[str, Any]],
    lines: list[Statement],
    *,
    by: tuple[str, ...] = (),
    prices: Rates | None = None,
    allowed: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0)),
    names: Reconcile | None = None,
) -> Reconciliation:
    """The one reconciliation of these calls and lines."""
    ledger = Ledger(made(folder, calls, prices) if calls else folder, create=True)
    commit_statements(ledger, pa.Table.from_batches([to_batch(lines, arrow_schema())]), "test")
    settings = Config(rates=prices or Rates())
    card = rates.load(settings.rates)
    connection = connect(ledger, settings)
    [answer] = reconcile(connection, card, by=list(by), allowed=allowed, names=names)
    return answer


def parts(answer: Reconciliation) -> dict[str, str]:
    """The parts with their amounts, to the cent unless they are smaller."""
    return {part.part: f"{part.amount.normalize():f}" for part in answer.parts if part.amount}


__all__ = ["call", "closed", "line", "parts"]
