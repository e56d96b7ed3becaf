"""What each command shows: which columns, in which words, with which notes beneath."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from tokman import render, when
from tokman.render.cells import Column, compact, dollars, exact, harmless, percent, signed

if TYPE_CHECKING:
    from tokman.check import Judgement
    from tokman.ingest import Ingested
    from tokman.report import Report

NAMED_REJECTS = 10
"""Refused lines shown one by one; the rest is counted, and all are in --rejects FILE."""


def report(answer: Report, form: str, to: TextIO) -> None:
    """Spend by dimension, the total, and one line of provenance."""
    total = dict(answer.total)
    total[answer.by[0]] = "Total"
    rows = [dict(row) for row in answer.rows]
    if answer.rest and form in ("table", "markdown"):
        rows[-1].update(dict.fromkeys(answer.by[1:], ""))
    for row in rows:
        _share_of_input(row)
    _share_of_input(total)
    columns = [Column(name, _title(name), missing=_missing(name)) for name in answer.by]
    columns += _report_columns(total)
    render.show(rows, columns, form, to, total=total, notes=report_notes(answer))


def _report_columns(total: dict[str, Any]) -> list[Column]:
    discounted = total["contracted_cost"] != total["list_cost"]
    billed, unpriced = bool(total["billed_calls"]), bool(total["unpriced_calls"])
    return [
        Column("calls", "Calls", "count"),
        Column("failed_calls", "Failed", "count", screen=False),
        Column("input_tokens", "Input", "count", keep=6),
        Column("cache_read_input_tokens", "From cache", "count", screen=False),
        Column("cached_share", "Cached", "share", keep=4),
        Column("output_tokens", "Output", "count", keep=5),
        Column("list_cost", "List cost", "money"),
        Column("contracted_cost", "Contracted", "money", screen=discounted),
        Column("cost_share", "Share", "share", keep=7),
        Column("cost_per_call", "Per call", "money", keep=8),
        Column("billed_cost", "Billed", "money", screen=billed, keep=2),
        Column("billed_calls", "Billed calls", "count", screen=False),
        Column("unpriced_calls", "Unpriced", "count", screen=unpriced, keep=3),
        Column("unpriced_tokens", "Unpriced tokens", "count", screen=False),
        Column("partial_calls", "Partial", "count", screen=False),
        Column("estimated_calls", "Estimated", "count", screen=False),
    ]


def _share_of_input(row: dict[str, Any]) -> None:
    whole, cached = row.get("input_tokens"), row.get("cache_read_input_tokens")
    row["cached_share"] = cached / whole if whole else None


def _title(name: str) -> str:
    return name.removesuffix("_id").removesuffix("_name").replace("_", " ").capitalize()


def _missing(name: str) -> str:
    return "(unattributed)" if name in ("workflow", "user", "team", "project") else "(none)"


def report_notes(answer: Report) -> list[str]:
    """Period, sources, calls, what is unpriced and by which card, in one line; doubts below."""
    total = answer.total
    first, last = answer.period
    if not total["calls"] or first is None or last is None:
        return ["no calls"]
    place = when.zone(answer.tz)
    first, last = when.local(first, place), when.local(last, place)
    days = (
        f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
        if first.date() != last.date()
        else f"{first:%Y-%m-%d}"
    )
    calls, unpriced = total["calls"], total["unpriced_calls"]
    parts = [f"{days} {answer.tz}", ", ".join(answer.sources), _plural(calls, "call")]
    if total["failed_calls"]:
        parts.append(f"{total['failed_calls']:,} failed")
    parts.append(
        f"{unpriced:,} unpriced ({compact(total['unpriced_tokens'])} tokens)"
        if unpriced
        else "all priced"
    )
    parts.append(f"list prices of {', '.join(answer.rate_cards)}")
    notes = [" · ".join(parts)]
    if answer.unattributed:
        notes.append(_unattributed(answer.unattributed, total))
    if unpriced:
        notes.append(
            "Unpriced calls are in no amount above: `tokman report --by model --where unpriced` "
            "names them, [rates.models] in tokman.toml prices them"
        )
    if total["estimated_calls"]:
        notes.append(
            f"{total['estimated_calls']:,} calls state no token counts: theirs are estimated from "
            "their texts, to about 20%"
        )
    if total["undated_calls"]:
        notes.append(
            f"{total['undated_calls']:,} calls are dated by their file: their log states no time"
        )
    if total["partial_calls"]:
        notes.append(
            f"{total['partial_calls']:,} calls were logged before their output was complete: their "
            "output and cost are lower bounds"
        )
    return [harmless(note) for note in notes]


def _unattributed(missing: dict[str, Any], total: dict[str, Any]) -> str:
    """How much has no workflow, in calls and in money where it has a price."""
    calls, cost, whole = missing["calls"], missing["list_cost"], total["list_cost"]
    much = f"{_plural(calls, 'call')} of {total['calls']:,}"
    if cost is None:
        much += ", unpriced,"
    elif whole:
        much += f" and {percent(float(cost / whole))} of the cost ({dollars(cost)})"
    verb = "has" if calls == 1 and not (cost is not None and whole) else "have"
    return f"{much} {verb} no workflow: tag the calls, or write a rule in tokman.toml"


def ingested(done: Ingested, to: TextIO) -> None:
    """What an ingest read, added and refused; goes to stderr, since an ingest answers nothing."""

    def say(text: str) -> None:
        to.write(harmless(text) + "\n")

    for reject in done.rejects[:NAMED_REJECTS]:
        place = f"{reject.path}:{reject.line}" if reject.line else reject.path
        say(f"{place}: {reject.reason}")
    if len(done.rejects) > NAMED_REJECTS:
        say(f"… and {len(done.rejects) - NAMED_REJECTS:,} more; --rejects FILE lists them all")
    read = ", ".join(f"{count:,} {name}" for name, count in sorted(done.files.items()))
    parts = [f"read {_plural(sum(done.files.values()), 'file')}" + (f" ({read})" if read else "")]
    if done.unchanged:
        parts.append(f"{done.unchanged:,} unchanged")
    parts.append(f"{_plural(done.added, 'call')} added")
    repeated = done.sightings - done.added
    if done.completed:
        parts.append(f"{done.completed:,} completed")
    if repeated > 0:
        parts.append(f"{_plural(repeated, 'repeat')} counted once")
    if done.rejects:
        parts.append(f"{_plural(len(done.rejects), 'line')} refused")
    say(" · ".join(parts))
    if done.not_logs:
        names = ", ".join(path.rsplit("/", 1)[-1] for path in done.not_logs[:3])
        more = f" and {len(done.not_logs) - 3:,} more" if len(done.not_logs) > 3 else ""
        say(f"not logs, passed over: {names}{more}")


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def judgement(answer: Judgement, form: str, to: TextIO) -> None:
    """The gate's answer, the verdict first."""
    if form == "json":
        from tokman.render.machine import json_text

        to.write(json_text(exact(msgspec.to_builtins(answer, builtin_types=(Decimal, date)))))
        return
    rows = [{name: getattr(row, name) for name in row.__struct_fields__} for row in answer.rows]
    for row in rows:
        row["rise"] = signed(row["change"]) if row["change"] is not None else None
        row["units_seen"] = f"{row['base_units']:,} → {row['units']:,}"
    columns = [
        Column("workflow", "Workflow", missing="(unattributed)"),
        Column("units_seen", f"{answer.unit.capitalize()}s", "plain"),
        Column("base_cost_per_unit", "Before", "money"),
        Column("cost_per_unit", "Now", "money"),
        Column("rise", "Change", "plain"),
        Column("verdict", "Verdict"),
    ]
    verdict = _verdict(answer)
    prices = (
        f"Both sides at the prices of {answer.priced_at:%Y-%m-%d}, rate card {answer.rate_card}; "
        f"allowed: {signed(answer.max_increase)}"
    )
    notes = [prices]
    if answer.base_unpriced_calls or answer.unpriced_calls:
        notes.append(
            "Calls without a price, in no cost above: "
            f"{answer.base_unpriced_calls:,} before, {answer.unpriced_calls:,} now"
        )
    if form == "markdown":
        from tokman.render.markdown import escaped

        to.write(f"<!-- tokman check -->\n### tokman check: {escaped(verdict)}\n\n")
        render.show(rows, columns, "markdown", to, notes=notes)
        return
    to.write(harmless(verdict) + "\n")
    render.show(rows, columns, "table", to, notes=notes)


def _verdict(answer: Judgement) -> str:
    """The outcome in one sentence."""
    dearer = [row for row in answer.rows if row.verdict == "regression"]
    if not dearer:
        total = f" ({signed(answer.change)} in all)" if answer.change is not None else ""
        return f"pass: no workflow costs more per {answer.unit} than allowed{total}"
    worst = max(dearer, key=lambda row: row.change if row.change is not None else float("inf"))
    rise = signed(worst.change) if worst.change is not None else "from nothing"
    others = f", and {len(dearer) - 1} more" if len(dearer) > 1 else ""
    name = "(unattributed)" if worst.workflow is None else worst.workflow
    return f"regression: {name} costs {rise} per {answer.unit}{others}"


def price_rows(rows: list[dict[str, Any]], form: str, to: TextIO, notes: Iterable[str]) -> None:
    """The rate card's rows for one model."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    filled = Counter(name for row in rows for name, value in row.items() if value is not None)
    columns = [
        Column(
            name, name.replace("_tokens", "").replace("_", " "), "plain", screen=bool(filled[name])
        )
        for name in names
    ]
    render.show(rows, columns, form, to, notes=notes)


def answer(rows: list[dict[str, Any]], names: list[str], form: str, to: TextIO) -> None:
    """The rows of a query as they are; of its columns only those of text may be cut."""
    texts = {name for name in names if all(isinstance(row[name], str | None) for row in rows)}
    columns = [Column(name, name, "text" if name in texts else "plain") for name in names]
    render.show(rows, columns, form, to)
