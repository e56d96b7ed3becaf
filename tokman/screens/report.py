"""Spend by dimension: which columns, and what is said beneath them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from tokman import render, when
from tokman.render.cells import Column, compact, dollars, harmless, percent, plural

if TYPE_CHECKING:
    from tokman.report import Report


def show(answer: Report, form: str, to: TextIO) -> None:
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
    came = bool(total["outcomes"])
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
        Column("outcomes", "Outcomes", "count", screen=False),
        Column("successes", "Successes", "count", screen=came, keep=2),
        Column("cost_per_outcome", "Per success", "money", screen=came, keep=2),
        Column("outcome_value", "Worth", "money", screen=came, keep=3),
        Column("unvalued_successes", "Not valued", "count", screen=False),
    ]


def _share_of_input(row: dict[str, Any]) -> None:
    whole, cached = row.get("input_tokens"), row.get("cache_read_input_tokens")
    row["cached_share"] = cached / whole if whole and cached is not None else None


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
    parts = [f"{days} {answer.tz}", ", ".join(answer.sources), plural(calls, "call")]
    if answer.matched:
        parts.append(f"{answer.matched:,} matched by likeness")
    if total["failed_calls"]:
        parts.append(f"{total['failed_calls']:,} failed")
    parts.append(
        f"{unpriced:,} unpriced ({compact(total['unpriced_tokens'])} tokens)"
        if unpriced
        else "all priced"
    )
    if answer.rate_cards:
        parts.append(f"list prices of {', '.join(answer.rate_cards)}")
    notes = [" · ".join(parts)]
    if answer.stated:
        told = "; ".join(f"{name} ({', '.join(of)})" for name, of in answer.stated.items())
        notes.append(
            f"From statements, for days without calls in our logs: {told}. Their amounts are under "
            "Billed; --basis calls leaves them out"
        )
    if total["cache_read_input_tokens"] is None:
        notes.append("Cached is not known where statements do not say what was read from a cache")
    if answer.unattributed:
        notes.append(_unattributed(answer.unattributed, total))
    if unpriced:
        notes.append(
            "Unpriced calls are in no amount above: `tokman report --by model --where unpriced` "
            "names them, [rates.models] in tokman.toml prices them"
        )
    notes += _what_came(answer)
    if answer.counted:
        notes.append(_counted(answer.counted))
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


def _what_came(answer: Report) -> list[str]:
    """How many outcomes there were, which have no value, and what is left where too little is."""
    total = answer.total
    if not total["outcomes"]:
        return []
    notes = [
        f"{total['successes']:,} of {plural(total['outcomes'], 'outcome')} a success; an outcome "
        "that several rows worked on is in each of them, and once in the total"
    ]
    if total["unvalued_successes"]:
        notes.append(
            f"{total['unvalued_successes']:,} of the successes have no value: give one in the "
            "file of outcomes, or as `value` under [workflows.NAME] in tokman.toml"
        )
    for margin in answer.margins:
        if margin.left < margin.wanted:
            notes.append(
                f"{margin.workflow} leaves {percent(margin.left)} of what its outcomes are worth, "
                f"less than the {percent(margin.wanted)} declared"
            )
    return notes


COUNTED = {
    "exact": "exactly, by the model's own encoding",
    "ratio": "by their size, as this ledger's own calls of the model report{margin}",
    "tiktoken": "by the model's own encoding, without hidden reasoning and the form of tools",
    "bytes": "by their size alone, roughly (see `tokman recount`, `tokman ranks`)",
}


def _counted(counted: list[dict[str, Any]]) -> str:
    """How calls were counted whose log does not, each way with its tokens."""
    ways = []
    for row in counted:
        margin = f", ±{percent(row['margin'])}" if row["margin"] is not None else ""
        way = COUNTED[row["count_basis"]].format(margin=margin)
        ways.append(f"{row['calls']:,} ({compact(row['tokens'])} tokens) {way}")
    calls = sum(row["calls"] for row in counted)
    verb = "states" if calls == 1 else "state"
    return f"{plural(calls, 'call')} {verb} no token counts, so tokman counted: {'; '.join(ways)}"


def _unattributed(missing: dict[str, Any], total: dict[str, Any]) -> str:
    """How much has no workflow, in calls and in money where it has a price."""
    calls, cost, whole = missing["calls"], missing["list_cost"], total["list_cost"]
    much = f"{plural(calls, 'call')} of {total['calls']:,}"
    if cost is None:
        much += ", unpriced,"
    elif whole:
        much += f" and {percent(float(cost / whole))} of the cost ({dollars(cost)})"
    verb = "has" if calls == 1 and not (cost is not None and whole) else "have"
    return f"{much} {verb} no workflow: tag the calls, or write a rule in tokman.toml"
