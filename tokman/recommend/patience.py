"""Who can wait for an answer, and how long: declared by the user, or seen in how calls arrive."""

from __future__ import annotations

import json
import re
from math import exp
from typing import Any, NamedTuple

from tokman import economics
from tokman.recommend.lever import Evidence, Scene

DECLARED = Evidence("E4", "declared", "tokman.toml says how long this workflow can wait", (48, 2))
LIKELY = Evidence(
    "E0",
    "likely",
    "the calls start like a scheduled job, without users and without depending on each other",
    (6, 4),
)
LARGE_JOB = 20
"""Calls: smaller jobs may be somebody's polling (science.md §3.2)."""
REGULAR = 0.9
"""Length of the mean of starts, as points on the circle of a day or an hour (science.md §3.2)."""
PUNCTUAL = 0.999
"""Of starts that keep to within 10 minutes of a day: a machine's. People who start their day or
their shift with a job, at about the same hour, reach 0.99."""
DAY = 86_400
"""Seconds: what a batch may take, and what a workflow that nobody waits for may."""
WAITING = 60
"""Seconds: who declares less is waiting."""
Row = dict[str, Any]


class Patience(NamedTuple):
    """How long the calls of a workflow can wait."""

    seconds: int
    chained: bool
    """Calls need the answer of the one before, as in an agent's loop: no batch is open to them."""
    evidence: Evidence


def of(row: Row, scene: Scene) -> Patience | str:
    """How long a workflow can wait, by a row of batch_workflows; else why it might be able to, or
    an empty text if it cannot."""
    declared = economics.terms(scene.config, row["workflow"])
    if declared.interactive or (declared.max_delay is not None and declared.max_delay < WAITING):
        return ""
    if declared.interactive is False or declared.max_delay is not None:
        seconds = DAY if declared.max_delay is None else declared.max_delay
        return Patience(seconds, chained(row), DECLARED)
    if row["workflow"] is None or row["calls"] < LARGE_JOB:
        return ""
    if row["streamed"] or row["humanless"] < 0.95 * row["calls"] or chained(row):
        return ""
    if row["conversing"] > 0.05 * row["calls"]:
        return ""
    unsure = _unsure(row, scene)
    if unsure is None:
        return Patience(DAY, False, LIKELY)
    return (
        f"no users and no conversations in the log, so it may be able to wait, but {unsure}; "
        f"if it can, declare it in tokman.toml: {declaration(row['workflow'])}"
    )


def declaration(workflow: str | None) -> str:
    """The line of tokman.toml that says a workflow can wait."""
    name = workflow or "<name>"
    plain = re.fullmatch(r"[A-Za-z0-9_-]+", name)
    return f"workflows.{name if plain else json.dumps(name)}.interactive = false"


def chained(row: Row) -> bool:
    """Calls that need the answer of the one before, as in an agent's loop of tool calls."""
    return bool(row["agent_calls"] or row["tool_calls"] > 0.05 * row["calls"])


def _unsure(row: Row, scene: Scene) -> str | None:
    """What is missing to call a workflow a scheduled job; None if nothing is."""
    daily, hourly = row["by_day"] or 0.0, row["by_hour"] or 0.0
    repeats = max(daily, hourly)
    chance = exp(-(row["jobs"] or 0) * repeats**2)
    if scene.days < 14:
        return f"{scene.days} days are too few to see a schedule"
    if repeats < REGULAR or chance > 1e-6 or row["jobs"] < 8 or row["job_days"] < 5:
        return "its calls keep to no schedule"
    if daily < PUNCTUAL and hourly < REGULAR:
        return "it starts at no exact time, as if somebody started it"
    if row["calls"] < LARGE_JOB * row["jobs"]:
        return f"its runs are small ({row['calls'] / row['jobs']:.0f} calls)"
    return None
