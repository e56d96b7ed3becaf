"""The plan as a person reads it: one table to choose from, and what all of it may save."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from tokman import render
from tokman.economics import PLAIN
from tokman.recommend.advice import MONTH, YEAR, usd
from tokman.render.cells import Column, dollars, harmless, percent, plural
from tokman.render.machine import json_text
from tokman.render.markdown import escaped

if TYPE_CHECKING:
    from tokman.recommend import Estimate, Plan, Recommendation

Row = dict[str, Any]

LEFT_SHOWN = 6
"""Places looked at and left alone that a screen names; json has all."""

AMOUNTS = {
    "spend": "spend",
    "identified_saving": "identified",
    "expected_saving": "expected",
    "expected_low": "low",
    "expected_high": "high",
    "bankable_saving": "bankable",
}
"""Columns of money and the part of an estimate that each is."""

LISTS = ("facts", "risks", "judged", "net")
"""Columns that a CSV has no room for."""


def show(answer: Plan, form: str, to: TextIO) -> None:
    """The plan in one of the formats of `tokman.render`."""
    rows = [row(one, answer.per) for one in answer.recommendations]
    if form == "json":
        to.write(json_text(_whole(answer, rows)))
    elif form == "csv":
        names = [name for name in row_names() if name not in LISTS]
        money = {*AMOUNTS, "net_value"}
        kinds = [Column(name, name, "money" if name in money else "plain") for name in names]
        render.show(rows, kinds, "csv", to)
    else:
        page = form == "markdown"
        for each, one in zip(rows, answer.recommendations, strict=True):
            each["range"] = (
                f"{dollars(usd(one.amounts.low), 2)}–{dollars(usd(one.amounts.high), 2)}"
            )
            each["mark"] = "accepted" if one.accepted else one.evidence
        _say(seen(answer), page, to)
        if rows:
            render.show(rows, _columns(answer), form, to)
            to.write("\n" if page else "")
        for line in headline(answer):
            _say(line, page, to)
        if answer.hidden:
            also = plural(answer.hidden, "recommendation")
            _say(f"{also} of this plan not shown: the amounts above are of all.", page, to)
        if page:
            for one in answer.recommendations:
                details(one, form, to)
        _foot(answer, page, to)


def seen(answer: Plan) -> str:
    """What is spent, and what it was seen from."""
    window = f"{answer.start:%Y-%m-%d} to {answer.end:%Y-%m-%d} ({plural(answer.days, 'day')})"
    spent = f"Spend {dollars(usd(answer.amounts.spend))} in {answer.per}"
    if answer.lead == answer.days:
        return f"Spend {dollars(usd(answer.spend))}, {window}, rate card {answer.rate_card}."
    return f"{spent} at the pace of {window}, rate card {answer.rate_card}."


def headline(answer: Plan) -> list[str]:
    """What can be expected to be saved, how sure that is, and over which time."""
    if not answer.recommendations and not answer.hidden:
        return ["Nothing to recommend."]
    amounts = answer.amounts
    share = amounts.expected / amounts.spend if amounts.spend else 0.0
    first = "in the first" if answer.lead != answer.days else "in these"
    lines = [
        f"Expected saving {dollars(usd(amounts.expected))} {first} {answer.per} "
        f"({percent(share)} of spend), 8 times in 10 between {span(amounts)}. "
        f"{dollars(usd(amounts.bankable))} of it is bankable: measured, tested or declared. "
        f"At most {dollars(usd(amounts.identified))}, if all of it works for every call."
    ]
    if answer.month is None:
        lines.append("Less than 14 days of calls: too few to speak of a month.")
    elif answer.run_rate is None:
        lines.append("Less than 28 days of calls: too few to speak of more than a month.")
    else:
        lines.append(
            f"That is {dollars(usd(answer.month.expected))} in {MONTH} days and a run rate of "
            f"{dollars(usd(answer.run_rate.expected))} in {YEAR}: what it would be if calls and "
            "prices stayed as they are."
        )
    lines.append("Each recommendation counts only what the others leave: no dollar twice.")
    lost = [one for one in answer.recommendations if one.net.value < 0]
    if lost:
        lines.append(
            f"{len(lost)} of {plural(len(answer.recommendations), 'recommendation')} would cost "
            f"more in {plural(lost[0].net.horizon_days, 'day')} than they save: they have a "
            "negative net value."
        )
    if _overlap(answer):
        parts = [
            f"{lever.lever} {dollars(usd(lever.standalone), 2)} alone, "
            f"{dollars(usd(lever.incremental), 2)} in this plan, "
            f"{dollars(usd(lever.shapley), 2)} as its share"
            for lever in answer.levers
            if lever.standalone or lever.incremental
        ]
        note = "" if answer.split_costed == 1 else f" ({percent(answer.split_costed)} costed)"
        lines.append(f"By lever, in these {answer.days} days{note}: {'; '.join(parts)}.")
    return lines


def span(amounts: Estimate) -> str:
    """Where 8 of 10 outcomes lie."""
    return f"{dollars(usd(amounts.low), 2)} and {dollars(usd(amounts.high), 2)}"


def details(one: Recommendation, form: str, to: TextIO) -> None:
    """One recommendation in words."""
    page, width = form == "markdown", prose_width()
    heading = f"{one.id}  {one.title}"
    to.write(f"**{escaped(heading)}**\n\n" if page else f"{harmless(heading)}\n\n")
    for name, text in _words(one):
        if page:
            to.write(f"- {name}: {_code(text) if name == 'do' else escaped(text)}\n")
        else:
            to.write(wrapped(name, text, width) + "\n")
    if page:
        to.write("\n")


def _words(one: Recommendation) -> list[tuple[str, str]]:
    """What there is to say of a recommendation, by name."""
    lines = [
        ("do", one.change),
        ("why", "; ".join(one.facts)),
        ("evidence", f"{one.evidence_level} {one.evidence}: {one.evidence_words}"),
        ("prove", one.proof),
        ("risk", "; ".join(one.risks)),
        ("effort", f"about {plural_days(one.effort)} of one engineer"),
        ("net", _net(one)),
    ]
    if one.judged is not None:
        lines.insert(3, ("judged", judged(one)))
    if one.owner:
        lines.append(("owner", one.owner))
    return lines


def _net(one: Recommendation) -> str:
    """What is left of the saving over the horizon."""
    net = one.net
    parts = [f"{dollars(usd(net.saving), 2)} saved as this business weighs it"]
    if net.effort:
        parts.append(f"less {dollars(usd(net.effort), 2)} of work")
    if net.quality:
        parts.append(f"less {dollars(usd(net.quality), 2)} that worse answers may cost")
    if net.effort and net.payback_days is not None:
        parts.append(f"paid back after {net.payback_days:,.0f} days")
    over = f"{dollars(usd(net.value), 2)} in {plural(net.horizon_days, 'day')}"
    return f"{over}: {', '.join(parts)}"


def judged(one: Recommendation) -> str:
    """What people made of the hits of its rule."""
    found = one.judged
    assert found is not None
    text = (
        f"{found.right} of {plural(found.judged, 'hit')} right, 90 % sure of at least "
        f"{percent(found.low)}"
    )
    if not found.enough:
        return f"{text}; too few to count"
    return text if found.counts else f"{text}: too few, so nothing is expected of it"


def plural_days(days: float) -> str:
    """Half a day, 1 day, 2.5 days."""
    return "half a day" if days == 0.5 else f"{days:g} day" + ("" if days == 1 else "s")


def _overlap(answer: Plan) -> bool:
    return any(lever.standalone != lever.incremental for lever in answer.levers)


def _columns(answer: Plan) -> list[Column]:
    return [
        Column("id", "Id", "plain"),
        Column("change", "Do", least=30),
        Column("expected_saving", "Expected", "money"),
        Column("range", "8 in 10 in", "plain", keep=6),
        Column("net_value", _net_title(answer), "money", keep=7, screen=answer.profile != PLAIN),
        Column("identified_saving", "At most", "money", keep=5),
        Column("spend", f"Of, in {answer.per}", "money", keep=4),
        Column("calls", "Calls", "count", keep=3),
        Column("owner", "Owner", "plain", keep=2, screen=_owned(answer)),
        Column("mark", "Evidence", "plain", keep=8),
    ]


def _net_title(answer: Plan) -> str:
    return f"Net in {plural(answer.recommendations[0].net.horizon_days, 'day')}"


def _owned(answer: Plan) -> bool:
    return any(one.owner for one in answer.recommendations)


def row_names() -> list[str]:
    """The columns of a recommendation, for programs."""
    return (
        "rank id lever rule workflow provider model owner change calls spend identified_saving "
        "expected_saving expected_low expected_high bankable_saving per evidence_level evidence "
        "evidence_words how effort_days net_value net accepted facts judged risks proof"
    ).split()


def row(one: Recommendation, per: str) -> Row:
    """A recommendation as programs read it; money for the span `per`."""
    amounts = [usd(getattr(one.amounts, part)) for part in AMOUNTS.values()]
    values: Sequence[Any] = (
        one.rank,
        one.id,
        one.lever,
        one.rule or None,
        one.workflow,
        one.provider,
        one.model,
        one.owner,
        one.title,
        one.calls,
        *amounts,
        per,
        one.evidence_level,
        one.evidence,
        one.evidence_words,
        one.change,
        one.effort,
        usd(one.net.value),
        {
            "horizon_days": one.net.horizon_days,
            "saving": usd(one.net.saving),
            "effort": usd(one.net.effort),
            "quality": usd(one.net.quality),
            "value": usd(one.net.value),
            "payback_days": one.net.payback_days,
        },
        one.accepted,
        one.facts,
        one.judged,
        one.risks,
        one.proof,
    )
    return dict(zip(row_names(), values, strict=True))


def _whole(answer: Plan, rows: list[Row]) -> Row:
    """The plan as one object."""
    return {
        "start": answer.start,
        "end": answer.end,
        "days": answer.days,
        "rate_card": answer.rate_card,
        "profile": answer.profile,
        "per": answer.per,
        **_amounts(answer.amounts),
        "per_30_days": _amounts(answer.month) if answer.month else None,
        "run_rate_365_days": _amounts(answer.run_rate) if answer.run_rate else None,
        "window_spend_before": usd(answer.spend),
        "window_spend_after": usd(answer.spend_after),
        "levers": [
            {
                "lever": lever.lever,
                "window_standalone": usd(lever.standalone),
                "window_incremental": usd(lever.incremental),
                "window_shapley": usd(lever.shapley),
            }
            for lever in answer.levers
        ],
        "levers_costed_share": answer.split_costed,
        "recommendations": rows,
        "left_alone": answer.left,
        "decisions": answer.decisions,
    }


def _amounts(of: Estimate) -> Row:
    return {name: usd(getattr(of, part)) for name, part in AMOUNTS.items()}


def _foot(answer: Plan, page: bool, to: TextIO) -> None:
    """What was decided, what was left alone, and where to read on."""
    if answer.decisions:
        lines = []
        for one in answer.decisions:
            until = f" until {one.until}" if one.until else ""
            because = f": {one.because}" if one.because else ""
            lines.append(f"{one.choice}{until}, {one.name[:4]}, {one.title}{because}")
        _list("Decided:", lines, page, to)
    if answer.left:
        lines = []
        for left in answer.left[:LEFT_SHOWN]:
            place = " · ".join(filter(None, (left.workflow, left.model))) or "everything"
            lines.append(f"{left.lever}, {place}: {left.why}")
        if len(answer.left) > LEFT_SHOWN:
            lines.append(f"and {len(answer.left) - LEFT_SHOWN} more; --format json names them")
        _list("Looked at and left alone:", lines, page, to)
    if answer.recommendations and not page:
        first = answer.recommendations[0].id
        text = f"What to change, why, and what may go wrong: tokman recommend --explain {first}"
        to.write("\n" + textwrap.fill(text, prose_width(), break_on_hyphens=False) + "\n")


def _list(title: str, lines: list[str], page: bool, to: TextIO) -> None:
    to.write(f"\n{title}\n" + ("\n" if page else ""))
    for text in lines:
        to.write((f"- {escaped(text)}" if page else wrapped("", text, prose_width())) + "\n")


def _say(line: str, page: bool, to: TextIO) -> None:
    """A paragraph."""
    to.write(
        escaped(line) + "\n\n" if page else textwrap.fill(harmless(line), prose_width()) + "\n"
    )


def prose_width() -> int:
    """Prose is set in lines that can be read, also where the screen is wider."""
    return min(shutil.get_terminal_size((80, 24)).columns, 100)


def wrapped(name: str, text: str, width: int) -> str:
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
