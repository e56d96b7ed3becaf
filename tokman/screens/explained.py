"""One recommendation with its calls, and the arithmetic of one of them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

from tokman import render
from tokman.recommend.advice import usd
from tokman.render.cells import Column, dollars, harmless, plural
from tokman.render.machine import json_text
from tokman.render.markdown import escaped
from tokman.screens.plan import details, prose_width, row, span, wrapped

if TYPE_CHECKING:
    from tokman.recommend import Plan
    from tokman.recommend.explain import Example, Explained, Line

Row = dict[str, Any]


def show(plan: Plan, answer: Explained, form: str, to: TextIO) -> None:
    """In one of the formats of `tokman.render`; csv holds the calls."""
    calls = [_call(one) for one in answer.examples]
    lines = [_line(one) for one in answer.lines]
    if form == "json":
        whole = {
            **row(answer.recommendation, plan.per),
            "experiment": answer.recommendation.experiment,
            "window_days": plan.days,
            "window_identified_saving": usd(answer.recommendation.window.identified),
            "rate": answer.rate,
            "then_rate": answer.then_rate,
            "examples": calls,
            "arithmetic": lines,
        }
        to.write(json_text(whole))
        return
    if form == "csv":
        render.show(calls, [Column(name, name, "plain") for name in CALLS], "csv", to)
        return
    page = form == "markdown"
    one = answer.recommendation
    details(one, form, to)
    for number, step in enumerate(one.experiment, 1):
        text = f"{number}. {step}"
        to.write(
            f"- trial: {escaped(text)}\n" if page else wrapped("trial", text, prose_width()) + "\n"
        )
    amounts = one.amounts
    sums = (
        f"{dollars(usd(amounts.expected))} expected in {plan.per}, 8 times in 10 between "
        f"{span(amounts)}; at most {dollars(usd(amounts.identified))}. In these {plan.days} days "
        f"{plural(one.calls, 'call')} cost {dollars(usd(one.window.spend))} and would have cost "
        f"{dollars(usd(one.window.identified))} less."
    )
    to.write(
        f"- saves: {escaped(sums)}\n" if page else wrapped("saves", sums, prose_width()) + "\n"
    )
    _title("Some of its calls, from the one that saves most to the one that saves least", page, to)
    render.show([_seen(each) for each in calls], _columns(), form, to)
    first = answer.examples[0]
    _title(f"Call {first.call_id} in full, at list prices per million", page, to)
    total = {
        "quantity": "list price",
        "cost": sum((each["cost"] for each in lines), Decimal(0)),
        "then_cost": sum((each["then_cost"] for each in lines), Decimal(0)),
    }
    notes = [f"Now: {answer.rate or 'not bought'}. Then: {answer.then_rate or 'not bought'}."]
    paid = (usd(first.cost), usd(first.then_cost))
    if paid != (total["cost"], total["then_cost"]):
        notes.append(f"Paid after discounts: {dollars(paid[0])}, then {dollars(paid[1])}.")
    render.show(lines, _classes(), form, to, total=total, notes=notes)


CALLS = (
    "call_id at source file line model tier input_tokens output_tokens cost then_model then_tier "
    "then_input_tokens then_output_tokens then_cost saved"
).split()


def _call(one: Example) -> Row:
    values = {name: getattr(one, name) for name in CALLS}
    return values | {name: usd(values[name]) for name in ("cost", "then_cost", "saved")}


def _seen(call: Row) -> Row:
    """A call for a screen."""
    now, then = call["model"], call["then_model"]
    at = call["at"]
    return call | {
        "place": f"{call['file']}:{call['line']}",
        "when": f"{at:%m-%d %H:%M}" if at else None,
        "models": now if now == then else f"{now} → {then}",
        "tokens": f"{call['input_tokens']:,} + {call['output_tokens']:,}",
    }


def _columns() -> list[Column]:
    return [
        Column("when", "At (UTC)", "plain", keep=7),
        Column("call_id", "Call", "plain", keep=3),
        Column("tokens", "In + out", "plain", keep=6),
        Column("cost", "Cost", "money"),
        Column("then_cost", "Then", "money"),
        Column("place", "Read at"),
    ]


def _line(one: Line) -> Row:
    def price(each: int | None) -> Decimal | None:
        return None if each is None else usd(each) * 1_000_000

    return {
        "quantity": one.quantity,
        "count": one.counted,
        "price_per_million": price(one.price),
        "cost": usd(one.cost),
        "then_count": one.then_counted,
        "then_price_per_million": price(one.then_price),
        "then_cost": usd(one.then),
    }


def _classes() -> list[Column]:
    return [
        Column("quantity", "What", "plain"),
        Column("count", "Now", "plain"),
        Column("price_per_million", "Price", "exact", keep=5),
        Column("cost", "Cost", "exact"),
        Column("then_count", "Then", "plain"),
        Column("then_price_per_million", "Price", "exact", keep=5),
        Column("then_cost", "Cost", "exact"),
    ]


def _title(text: str, page: bool, to: TextIO) -> None:
    to.write(f"\n**{escaped(text)}**\n\n" if page else f"\n{harmless(text)}:\n")
