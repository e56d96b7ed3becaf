"""Which work looks simple enough for a smaller model, and what speaks against trying one."""

from __future__ import annotations

from typing import Any, NamedTuple

from tokman.recommend.ladder import Step

Row = dict[str, Any]

ENOUGH = 200
"""Calls from which on a cell of less than a week can be judged."""
FAILING = 0.02
"""Share of attempts that fail or are tried again, above which there is no room to lose any."""


class Shape(NamedTuple):
    """The kind of simple work that calls look like."""

    rule: str
    words: str


def shape(row: Row) -> Shape | None:
    """The kind of simple work of a cell's calls; None if they look like none (science.md §1.2)."""
    calls, written = row["calls"], row["written"]
    if not calls or (calls < ENOUGH and row["days"] < 7):
        return None
    if not written or row["reasoned"] > 0.05 * written:
        return None
    median, most = row["output_median"], row["output_p95"]
    if _one_tool(row):
        share = row["tool_times"] / row["tool_calls"]
        words = f"each calls one tool, {row['tool']} in {share:.0%}, and writes {median} tokens"
        return Shape("tool step", words)
    if median <= 16 and most <= 64:
        return Shape("labels", f"answers of {median} tokens, 95 % within {most}")
    if most > 400:
        return None
    if (row["answered"] or 0) >= 0.95 * calls:
        covered = row["answered"] / calls
        return Shape("fixed answers", f"{row['answers']} different answers cover {covered:.0%}")
    if row["structured"] >= 0.95 * calls:
        return Shape("forms", f"filled forms (structured output) of {median} tokens")
    return None


def veto(row: Row) -> str | None:
    """Why no cheaper model may be tried here whatever it costs; None where nothing speaks against.

    An empty text is a reason that needs no words: other work than a model's answer.
    """
    calls = row["calls"]
    if row["embeddings"] or row["agent_calls"] or not calls:
        return ""
    if row["escalations"] > 0.05 * row["attempts"]:
        share = row["escalations"] / row["attempts"]
        return f"{share:.0%} of its calls try again what a cheaper model has failed at"
    if row["media"]:
        return "its calls hold images or audio, which each model counts and takes in its own way"
    if row["early"] > 0.05 * calls:
        share = row["early"] / calls
        return f"{share:.0%} of its calls begin plans of more than five further tool calls"
    return None


def ready(row: Row) -> bool:
    """Work of a simple shape may be nominated on its shape: it hardly fails, and it is no part of
    a loop of tools or of a long talk, where what it looks like says little of what it decides."""
    return bool(
        row["failures"] <= FAILING * row["attempts"]
        and (_one_tool(row) or row["tool_calls"] <= 0.1 * row["calls"])
        and row["calls"] <= 5 * row["conversations"]
    )


def too_long(row: Row, step: Step) -> bool:
    """The longest prompt would fill more than half of what the target takes in."""
    return bool(row["longest_prompt"] * step.tokens > step.context / 2)


def _one_tool(row: Row) -> bool:
    """Nearly every call is one call of nearly always the same tool, which then rarely fails."""
    calls = row["calls"]
    return bool(
        row["tool_calls"] >= 0.95 * calls
        and (row["tool_times"] or 0) >= 0.9 * row["tool_calls"]
        and row["output_p95"] <= 200
        and row["tool_results"]
        and row["tool_errors"] <= 0.01 * row["tool_results"]
    )
