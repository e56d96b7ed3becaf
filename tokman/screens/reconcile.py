"""Bill and books side by side, the difference in named parts, one sentence at the end."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from tokman import render
from tokman.render.cells import Column, dollars, exact, harmless, percent

if TYPE_CHECKING:
    from tokman.reconcile import Reconciliation
    from tokman.reconcile.compare import Unmet

DETAILS = 5
"""Details of a part shown on a screen; programs get all."""

NAMES = 5
"""Names that only one side has, shown likewise."""


def show(answers: list[Reconciliation], by: list[str], form: str, to: TextIO) -> None:
    """Each provider: the parts of the difference, then both sides by the dimensions asked for."""
    if form == "json":
        from tokman.render.machine import json_text

        documents = [
            msgspec.to_builtins(each, builtin_types=(Decimal, datetime))
            | {"closes": each.closes, "sentence": sentence(each)}
            for each in answers
        ]
        to.write(json_text(exact(documents)))
        return
    if form == "csv":
        render.show([row for each in answers for row in _flat(each)], FLAT, "csv", to)
        return
    for number, each in enumerate(answers):
        if number:
            to.write("\n")
        _parts(each, form, to)
        if by:
            to.write("\n")
            _sides(each, by, form, to)
        to.write("\n" + harmless(sentence(each)) + "\n")


FLAT = [
    Column("provider", "provider"),
    Column("part", "part"),
    Column("detail", "detail"),
    Column("amount", "amount", "exact"),
]


def _flat(answer: Reconciliation) -> list[dict[str, Any]]:
    return [
        {"provider": answer.provider, "part": part.part, "detail": detail, "amount": amount}
        for part in answer.parts
        for detail, amount in part.details
    ]


def _parts(answer: Reconciliation, form: str, to: TextIO) -> None:
    what = "Billed" if answer.basis == "bill" else "Counted, at our prices"
    rows: list[dict[str, Any]] = [
        {"part": f"{what} by {answer.provider}", "amount": answer.stated},
        {"part": "In our logs", "amount": answer.ours},
        {"part": "Difference", "amount": answer.difference},
    ]
    for part in answer.parts:
        rows.append({"part": f"  {part.part}", "amount": part.amount})
        shown = part.details[:DETAILS]
        rows += [{"part": f"      {words}", "detail": amount} for words, amount in shown]
        if more := part.details[DETAILS:]:
            rest = sum((amount for _, amount in more), Decimal(0))
            rows.append({"part": f"      {len(more)} more", "detail": rest})
    columns = [
        Column("part", "Where it differs"),
        Column("detail", "Of which", "money", missing=""),
        Column("amount", "USD", "money", missing=""),
    ]
    render.show(rows, columns, form, to, notes=_notes(answer))


def _sides(answer: Reconciliation, by: list[str], form: str, to: TextIO) -> None:
    columns = [Column(name, name.capitalize(), missing="(not told)") for name in by]
    columns += [
        Column("stated", "Stated", "money"),
        Column("ours", "Ours", "money"),
        Column("difference", "Difference", "money"),
        Column("unexplained", "Unexplained", "money"),
        Column("reason", "Mostly"),
    ]
    rows = [
        {name: getattr(row, name) for name in row.__struct_fields__} | row.names
        for row in answer.rows
    ]
    render.show(rows, columns, form, to)


def _notes(answer: Reconciliation) -> list[str]:
    last = answer.end - timedelta(microseconds=1)
    notes = [
        f"{answer.start:%Y-%m-%d} to {last:%Y-%m-%d} UTC · statements: "
        f"{', '.join(answer.sources)} · {answer.calls:,} calls in our logs"
    ]
    if answer.basis == "tokens":
        notes.append("There is no bill among the statements: counts are compared, at our prices")
    if answer.aside:
        notes.append(f"Not added, since they tell the same days again: {', '.join(answer.aside)}")
    for currency, amount in answer.foreign.items():
        notes.append(f"Billed in {currency} and in no amount above: {amount.normalize():f}")
    for name, tokens in answer.untold.items():
        notes.append(
            f"Not stated: how many of {tokens:,} {_whole(name)} tokens are "
            f"{name.removesuffix('_tokens').replace('_', ' ')}; taken as in our logs"
        )
    notes += map(_names, answer.unmet)
    for each in answer.proposals:
        if each.percent > 0:
            models = "" if each.models == ["all models"] else f" on {', '.join(each.models)}"
            notes.append(
                f"A discount of {each.percent.normalize():f}%{models} would close that part of the "
                "price: if it is in your contract, state it under [[rates.discounts]]"
            )
    return [harmless(note) for note in notes]


def _whole(name: str) -> str:
    return "output" if "output" in name else "input"


def _names(unmet: Unmet) -> str:
    """Keys or projects that only one side names, and how to say which are one."""
    what, notes = f"{unmet.dimension}s", []
    for side, names in (("in the statements", unmet.stated), ("in our logs", unmet.ours)):
        if names:
            more = f" and {len(names) - NAMES:,} more" if len(names) > NAMES else ""
            notes.append(f"only {side}: {', '.join(names[:NAMES])}{more}")
    said = f"{what.capitalize()} {'; '.join(notes)}"
    if not (unmet.stated and unmet.ours):
        return said
    pair = " = ".join(json.dumps(name) for name in (unmet.stated[0], unmet.ours[0]))
    return f"{said}. Where two are one, say so in tokman.toml, as in: [reconcile.{what}] {pair}"


def sentence(answer: Reconciliation) -> str:
    """What a finance person needs to know, in one sentence."""
    last = answer.end - timedelta(microseconds=1)
    verb = "billed" if answer.basis == "bill" else "counted usage worth"
    told = (
        f"{answer.provider} {verb} {_cents(answer.stated)} for {answer.start:%Y-%m-%d} to "
        f"{last:%Y-%m-%d} and our logs come to {_cents(answer.ours)}"
    )
    if not answer.difference:
        return f"{told}: they agree to the last digit."
    named = [part for part in answer.parts if part.part != "unexplained" and _tells(part.amount)]
    named.sort(key=lambda part: -abs(part.amount))
    reasons = ", ".join(f"{_signed(part.amount)} {part.part}" for part in named)
    loose = (
        f"{_cents(answer.unexplained)} ({percent(_share(answer))} of the bill) is unexplained"
        if answer.unexplained
        else "nothing is unexplained"
    )
    whole = f"the difference of {_signed(answer.difference)}"
    return f"{told}; {whole} is {reasons or 'small'}; {loose}."


def _tells(amount: Decimal) -> bool:
    return abs(amount) >= Decimal("0.005")


def _share(answer: Reconciliation) -> float:
    return float(answer.unexplained / abs(answer.stated)) if answer.stated else 1.0


def _signed(amount: Decimal) -> str:
    return ("+" if amount > 0 else "−") + _cents(abs(amount))


def _cents(amount: Decimal) -> str:
    """To the cent; what is less than half of one keeps its digits."""
    return dollars(amount, 2) if not amount or _tells(amount) else dollars(amount)
