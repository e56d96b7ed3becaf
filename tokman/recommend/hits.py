"""What a rule found, to be judged by a person: places and amounts, never the text."""

from __future__ import annotations

import csv
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tokman.errors import TokmanError
from tokman.render.machine import FORMULA

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import duckdb

    from tokman.recommend.advice import Plan
    from tokman.recommend.decisions import Judgement

ANSWERS = {"y": True, "yes": True, "1": True, "true": True} | {
    "n": False,
    "no": False,
    "0": False,
    "false": False,
}

SHOWN = 30
"""Hits that are sampled where nothing else is asked for (science.md §5)."""


class Hit(NamedTuple):
    """One conversation, or a call of none, in which a rule found something."""

    lever: str
    rule: str
    hit: str
    """The first of its calls that the rule found."""
    workflow: str | None
    at: datetime | None
    calls: int
    """How many calls of it the rule found."""
    saved: Decimal
    """USD."""
    source: str
    file: str
    line: int


class Rule(NamedTuple):
    """One rule of a lever in a plan."""

    lever: str
    rule: str
    recommendations: int
    saved: int
    """Pico-dollars identified in the window."""


def rules(plan: Plan) -> list[Rule]:
    """Every rule that a recommendation comes from, the most money first."""
    found: dict[tuple[str, str], Rule] = {}
    for one in plan.recommendations:
        key = (one.lever, one.rule)
        had = found.get(key, Rule(*key, 0, 0))
        found[key] = Rule(*key, had.recommendations + 1, had.saved + one.window.identified)
    return sorted(found.values(), key=lambda rule: (-rule.saved, rule.lever, rule.rule))


def chosen(plan: Plan, lever: str | None, rule: str | None) -> Rule:
    """The one rule of that lever and name; TokmanError where none or several fit."""
    known = rules(plan)
    fit = [
        each
        for each in known
        if (lever is None or each.lever == lever) and (rule is None or each.rule == rule)
    ]
    if len(fit) == 1:
        return fit[0]
    listed = ", ".join(spoken(each.lever, each.rule) for each in (fit or known)) or "none"
    raise TokmanError(
        "several rules fit" if fit else "no such rule found anything in this plan",
        f"choose with --lever and --rule from: {listed}",
    )


def spoken(lever: str, rule: str) -> str:
    """How a rule is called in a sentence."""
    return f"{lever}/{rule}" if rule else lever


def sample(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    rule: Rule,
    shown: int = SHOWN,
    without: Collection[str] = (),
) -> list[Hit]:
    """Some hits of a rule, dearest first, equally many from each third of its dollars: so the share
    judged right is that of the dollars. Needs the tables that `plan.recommend` leaves."""
    from tokman import sql

    cells = [
        one.cell for one in plan.recommendations if (one.lever, one.rule) == (rule.lever, rule.rule)
    ]
    rows = connection.execute(
        sql.text("recommend/hits"),
        {"lever": rule.lever, "cells": cells, "shown": shown, "without": list(without)},
    ).fetchall()
    return [Hit(rule.lever, rule.rule, *row) for row in rows]


def read(path: Path, at: datetime) -> tuple[list[Judgement], list[tuple[int, str]]]:
    """The judgements of a CSV that `tokman label --file` wrote, and the lines refused with reasons.

    A line without an answer is passed over. TokmanError where it is no such file.
    """
    from tokman.recommend.decisions import Judgement

    judgements, refused = [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = sorted({"lever", "rule", "hit", "right"} - {*(reader.fieldnames or ())})
            if missing:
                raise TokmanError(
                    f"{path} has no column {missing[0]!r}", "have `tokman label --file` write it"
                )
            for row in reader:
                answer = (row["right"] or "").strip().lower()
                if answer and answer not in ANSWERS:
                    refused.append((reader.line_num, f"{answer[:20]!r} is not y or n"))
                elif answer and not (row["lever"] and row["hit"]):
                    refused.append((reader.line_num, "no lever or no hit"))
                elif answer:
                    judgements.append(
                        Judgement(
                            lever=_unquoted(row["lever"]),
                            rule=_unquoted(row["rule"] or ""),
                            hit=_unquoted(row["hit"]),
                            right=ANSWERS[answer],
                            at=at,
                        )
                    )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TokmanError(f"{path}: {error}", "give a CSV in UTF-8") from error
    return judgements, refused


def _unquoted(text: str) -> str:
    """The text without the mark that keeps a spreadsheet from running it (`render.machine`)."""
    return text[1:] if text.startswith("'") and text[1:].lstrip(" ").startswith(FORMULA) else text
