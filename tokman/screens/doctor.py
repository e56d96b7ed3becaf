"""What could make a total wrong, one line a finding, and what to do about each kind."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TextIO

from tokman import render
from tokman.render.cells import Column, plural

if TYPE_CHECKING:
    from tokman.doctor import Finding

MOST = 5
"""Findings of a kind that a screen shows; json and csv have them all."""


def show(findings: list[Finding], calls: int, form: str, to: TextIO) -> None:
    """The findings, the largest amount first."""
    if not findings and form in ("table", "markdown"):
        to.write(f"Nothing found that could make a total wrong, in {plural(calls, 'call')}\n")
        return
    rows: list[dict[str, Any]] = [finding._asdict() for finding in findings]
    notes: list[str] = []
    if form in ("table", "markdown"):
        seen: Counter[str] = Counter()
        for row in rows:
            seen[row["check"]] += 1
            row["shown"] = seen[row["check"]] <= MOST
        rows = [row for row in rows if row["shown"]]
        notes = [
            f"{name}: {advice}" + (f" · {seen[name] - MOST:,} more not shown" * (seen[name] > MOST))
            for name, advice in {row["check"]: row["advice"] for row in rows}.items()
        ]
        notes.insert(
            0, f"In {plural(calls, 'call')}. At stake: list cost that rests on it or may be missing"
        )
    columns = [
        Column("check", "Finding", "plain"),
        Column("what", "What"),
        Column("calls", "Calls", "count", keep=6),
        Column("tokens", "Tokens", "count", keep=5),
        Column("at_stake", "At stake", "money", missing="unknown"),
        Column("direction", "Total may be", "plain", keep=7),
        Column("advice", "What to do", screen=False),
    ]
    render.show(rows, columns, form, to, notes=notes)
