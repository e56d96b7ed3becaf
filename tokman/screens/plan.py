"""The plan as a person reads it: one table to choose from, then each choice in plain words."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from tokman import render
from tokman.recommend.advice import usd
from tokman.render.cells import Column, dollars, harmless, percent
from tokman.render.machine import json_text
from tokman.render.markdown import escaped

if TYPE_CHECKING:
    from tokman.recommend import Estimate, Plan, Recommendation

Row = dict[str, Any]

LEFT_SHOWN = 6
"""Places looked at and left alone that a screen names; json has all."""

MONEY = ("spend", "identified_saving", "expected_saving", "expected_low", "expected_high")


def show(answer: Plan, form: str, to: TextIO) -> None:
    """The plan in one of the formats of `tokman.render`."""
    rows = [_row(one, answer.per) for one in answer.recommendations]
    if form == "json":
        to.write(_as_json(answer, rows))
    elif form == "csv":
        names = [name for name in _row_names() if name not in ("facts", "risks")]
        kinds = [Column(name, name, "money" if name in MONEY else "plain") for name in names]
        render.show(rows, kinds, "csv", to)
    else:
        for row, one in zip(rows, answer.recommendations, strict=True):
            row["range"] = span(one.amounts)
        for line in summary(answer):
            to.write((line if form == "markdown" else textwrap.fill(line, _width())) + "\n")
        if rows:
            render.show(rows, _columns(answer), form, to)
        _details(answer, form, to)


def summary(answer: Plan) -> list[str]:
    """What is spent, what can be expected to be saved, and how sure that is."""
    amounts, per = answer.amounts, f"per {answer.per}"
    spent = f"Spend {dollars(usd(amounts.spend))} {per}"
    seen = f"seen from {answer.start:%Y-%m-%d} to {answer.end:%Y-%m-%d} ({answer.days} days)"
    lines = [f"{spent}, {seen}, rate card {answer.rate_card}."]
    if not answer.recommendations:
        return [*lines, "Nothing to recommend."]
    share = amounts.expected / amounts.spend if amounts.spend else 0.0
    lines.append(
        f"Expected saving {dollars(usd(amounts.expected))} {per} ({percent(share)}), "
        f"8 times in 10 between {span(amounts)}; "
        f"at most {dollars(usd(amounts.identified))} if all of it works for every call."
    )
    lines.append("Each recommendation counts only what those before it leave: no dollar twice.")
    if answer.month is None:
        lines.append("Less than 14 days of calls: too few to speak of a month.")
    return [harmless(line) for line in lines]


def span(amounts: Estimate) -> str:
    """Where 8 of 10 outcomes lie."""
    return f"{dollars(usd(amounts.low), 2)} and {dollars(usd(amounts.high), 2)}"


def _columns(answer: Plan) -> list[Column]:
    return [
        Column("rank", "#", "plain"),
        Column("change", "Do"),
        Column("expected_saving", "Expected", "money"),
        Column("range", "8 in 10 between", "plain", keep=5),
        Column("identified_saving", "At most", "money", keep=6),
        Column("spend", f"Of, per {answer.per}", "money", keep=7),
        Column("calls", "Calls", "count", keep=3),
        Column("evidence", "Evidence", "plain", keep=8),
    ]


def _row_names() -> list[str]:
    return (
        "rank lever workflow provider model change calls spend identified_saving expected_saving "
        "expected_low expected_high per evidence_level evidence evidence_words how facts risks "
        "proof"
    ).split()


def _row(one: Recommendation, per: str) -> Row:
    amounts = one.amounts
    values: Sequence[Any] = (
        one.rank,
        one.lever,
        one.workflow,
        one.provider,
        one.model,
        one.title,
        one.calls,
        usd(amounts.spend),
        usd(amounts.identified),
        usd(amounts.expected),
        usd(amounts.low),
        usd(amounts.high),
        per,
        one.evidence_level,
        one.evidence,
        one.evidence_words,
        one.change,
        one.facts,
        one.risks,
        one.proof,
    )
    return dict(zip(_row_names(), values, strict=True))


def _as_json(answer: Plan, rows: list[Row]) -> str:
    amounts = answer.amounts
    whole = {
        "start": answer.start,
        "end": answer.end,
        "days": answer.days,
        "rate_card": answer.rate_card,
        "per": answer.per,
        "spend": usd(amounts.spend),
        "identified_saving": usd(amounts.identified),
        "expected_saving": usd(amounts.expected),
        "expected_low": usd(amounts.low),
        "expected_high": usd(amounts.high),
        "window_spend_before": usd(answer.spend),
        "window_spend_after": usd(answer.spend_after),
        "levers": [
            {
                "lever": lever.lever,
                "window_standalone": usd(lever.standalone),
                "window_incremental": usd(lever.incremental),
            }
            for lever in answer.levers
        ],
        "recommendations": rows,
        "left_alone": answer.left,
    }
    return json_text(whole)


def _details(answer: Plan, form: str, to: TextIO) -> None:
    """Each recommendation in words, and what was left alone."""
    page = form == "markdown"
    width = _width()
    for one in answer.recommendations:
        lines = [
            ("why", "; ".join(one.facts)),
            ("evidence", f"{one.evidence}: {one.evidence_words}"),
            ("do", one.change),
            ("risk", "; ".join(one.risks)),
            ("prove", one.proof),
        ]
        heading = f"{one.rank}. {one.title}"
        to.write(f"\n**{escaped(heading)}**\n\n" if page else f"\n{harmless(heading)}\n")
        for name, text in lines:
            if page:
                to.write(f"- {name}: {_code(text) if name == 'do' else escaped(text)}\n")
            else:
                to.write(_wrapped(name, text, width) + "\n")
    if answer.left:
        to.write("\nLooked at and left alone:\n" + ("\n" if page else ""))
        for left in answer.left[:LEFT_SHOWN]:
            place = " · ".join(filter(None, (left.workflow, left.model))) or "everything"
            text = f"{left.lever}, {place}: {left.why}"
            to.write((f"- {escaped(text)}" if page else _wrapped("", text, width)) + "\n")
        if len(answer.left) > LEFT_SHOWN:
            to.write(f"\n  and {len(answer.left) - LEFT_SHOWN} more; --format json names them\n")


def _width() -> int:
    """Prose is set in lines that can be read, also where the screen is wider."""
    return min(shutil.get_terminal_size((80, 24)).columns, 100)


def _wrapped(name: str, text: str, width: int) -> str:
    """A named paragraph, indented; lines of a snippet keep their own breaks."""
    lines: list[str] = []
    for number, line in enumerate(text.splitlines() or [""]):
        head = f"   {name:<9}" if number == 0 and name else " " * (12 if name else 2)
        lines += textwrap.wrap(
            harmless(line),
            width,
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_long_words=False,
            break_on_hyphens=False,
        ) or [head.rstrip()]
    return "\n".join(lines)


def _code(text: str) -> str:
    return (
        "\n\n  ```\n" + "\n".join(f"  {harmless(line)}" for line in text.splitlines()) + "\n  ```"
    )
