"""The price of one model at a moment, as a person compares it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, TextIO

from tokman import render
from tokman.render.cells import Column, compact
from tokman.usage import FEES, QUANTITIES

Row = dict[str, Any]

FIRST = {
    "uncached_input_tokens": "Input",
    "cache_read_input_tokens": "Cache read",
    "cache_write_5m_input_tokens": "Write",
    "cache_write_1h_input_tokens": "Write 1h",
    "output_tokens": "Output",
}
"""Token classes that every model has."""

LIKE = {
    "audio_input_tokens": "uncached_input_tokens",
    "image_input_tokens": "uncached_input_tokens",
    "cache_read_audio_input_tokens": "cache_read_input_tokens",
    "audio_output_tokens": "output_tokens",
    "image_output_tokens": "output_tokens",
    "reasoning_output_tokens": "output_tokens",
}
"""Token classes shown only where they cost something else than these."""

USUAL = ("standard", None)

DAY = 86_400_000_000


def show(rows: list[Row], moment: datetime, form: str, to: TextIO) -> None:
    """The card's rows for a model; json and csv have every field, prices as numbers."""
    priced = {*QUANTITIES, "reasoning_output_tokens", "per_request"}
    rows = [
        {
            name: Decimal(value) if name in priced and value is not None else value
            for name, value in row.items()
        }
        for row in rows
    ]
    if form in ("json", "csv"):
        render.show(rows, [Column(name, name, "plain") for name in rows[0]], form, to)
        return
    others = [name for name, like in LIKE.items() if any(row[name] != row[like] for row in rows)]
    fees = [name for name in (*FEES, "per_request") if any(row[name] for row in rows)]
    columns = [
        Column("served", "Served", "plain"),
        Column("prompt", "Prompt", "plain"),
        Column("hours", "Hours UTC", "plain", screen=any(_hours(row) for row in rows)),
        *(Column(name, title, "exact") for name, title in FIRST.items()),
        *(Column(name, _title(name), "exact", keep=5) for name in others),
        *(Column(name, f"{_title(name)}/1k", "exact", keep=4) for name in fees),
        Column("basis", "Basis", "plain", keep=6),
    ]
    for row in rows:
        row |= {"served": _served(row), "prompt": _prompt(row), "hours": _hours(row)}
    render.show(rows, columns, form, to, notes=_notes(rows, moment))


def _notes(rows: list[Row], moment: datetime) -> list[str]:
    first = rows[0]
    notes = [
        f"{first['provider_id']} {first['model_id']} at {moment:%Y-%m-%d %H:%M} UTC, in USD per "
        f"million tokens · rate card {first['version']}"
    ]
    for source in dict.fromkeys(row["source"] for row in rows):
        named = dict.fromkeys(row["served"] for row in rows if row["source"] == source)
        notes.append(f"{', '.join(named)}: {source}")
    return notes


def _served(row: Row) -> str:
    """Tier, speed and place, as far as they are not the usual ones."""
    unusual = [part for part in (row["tier"], row["speed"], row["geo"]) if part not in USUAL]
    return " ".join(unusual) or "standard"


def _prompt(row: Row) -> str:
    """The prompt lengths a row is for."""
    above, to = row["prompt_gt"], row["prompt_le"]
    if above is None and to is None:
        return "any"
    if above is None:
        return f"to {compact(to)}"
    return f"over {compact(above)}" + (f" to {compact(to)}" if to is not None else "")


def _hours(row: Row) -> str | None:
    """The hours of the day a row is for, None for all of it."""
    start, end = row["tod_from"], row["tod_to"]
    return None if (start, end) == (0, DAY) else f"{_clock(start)}–{_clock(end)}"


def _clock(micros: int) -> str:
    minutes = micros // 60_000_000
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _title(name: str) -> str:
    return name.removesuffix("_tokens").removesuffix("_requests").replace("_", " ").capitalize()
