"""Hits to be judged, and what was judged so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from tokman import render
from tokman.recommend.advice import usd
from tokman.render.cells import Column, dollars, harmless, plural

if TYPE_CHECKING:
    from tokman.recommend.hits import Hit, Rule
    from tokman.recommend.precision import Precision


def rules(
    found: Sequence[Rule],
    judged: Mapping[tuple[str, str], Precision],
    form: str,
    to: TextIO,
) -> None:
    """Each rule, what it finds, and how often people found it right."""
    rows = []
    for rule in found:
        so_far = judged.get((rule.lever, rule.rule))
        rows.append(
            {
                "lever": rule.lever,
                "rule": rule.rule or None,
                "recommendations": rule.recommendations,
                "identified_saving": usd(rule.saved),
                "judged": so_far.judged if so_far else 0,
                "right": so_far.right if so_far else 0,
                "at_least": so_far.low if so_far else None,
                "verdict": _verdict(so_far),
            }
        )
    columns = [
        Column("lever", "Lever", "plain"),
        Column("rule", "Rule", "plain"),
        Column("recommendations", "Places", "count", keep=5),
        Column("identified_saving", "At most", "money", keep=6),
        Column("judged", "Judged", "count"),
        Column("right", "Right", "count"),
        Column("at_least", "90 % sure of", "share", keep=7),
        Column("verdict", "In what is expected", "plain", keep=8),
    ]
    render.show(rows, columns, form, to)


def hits(sample: Sequence[Hit], form: str, to: TextIO) -> None:
    """The sample, with a column `right` to be filled in."""
    rows = [hit._asdict() | {"place": f"{hit.file}:{hit.line}", "right": ""} for hit in sample]
    columns = [
        Column("lever", "Lever", "plain", screen=False),
        Column("rule", "Rule", "plain", screen=False),
        Column("hit", "First call", "plain", keep=7),
        Column("workflow", "Workflow", keep=5),
        Column("at", "At (UTC)", "plain", keep=6),
        Column("calls", "Calls", "count"),
        Column("saved", "Saves", "money"),
        Column("source", "Source", "plain", keep=3),
        Column("place", "Read at", "plain"),
        Column("right", "right", "plain", screen=False),
    ]
    render.show(rows, columns, form, to)


def spoken(hit: Hit, number: int, of: int) -> str:
    """One hit for a person who is asked about it."""
    at = f"{hit.at:%Y-%m-%d %H:%M:%S}" if hit.at else "no time stated"
    rule = f"{hit.lever}, {hit.rule}" if hit.rule else hit.lever
    text = (
        f"{number} of {of}  {rule}: {plural(hit.calls, 'call')} of {hit.workflow or 'no workflow'} "
        f"from {at} on, {dollars(hit.saved)}; first {hit.hit} at {hit.file}:{hit.line}"
    )
    return "\n" + harmless(text)


def _verdict(judged: Precision | None) -> str:
    if judged is None:
        return "by the prior: not judged"
    if not judged.enough:
        return "by the prior: too few judged"
    return "no: not right often enough" if judged.refuted else "yes"
