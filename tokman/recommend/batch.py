"""Half price for calls that nobody waits for: declared by the user, or seen in how they arrive."""

from __future__ import annotations

import json
import re
from math import exp
from typing import Any

from tokman.recommend.lever import LEAST, Cell, Evidence, LeftAlone, Proposal, Scene, label

DECLARED = Evidence(
    "E4", "declared", "tokman.toml says that nobody waits for this workflow", (48, 2)
)
LIKELY = Evidence(
    "E0",
    "likely",
    "the calls start like a scheduled job, without users and without depending on each other",
    (6, 4),
)
LARGE_JOB = 20
"""Calls: smaller jobs may be somebody's polling (science.md §3.2)."""
Row = dict[str, Any]

PATIENT = {
    "cell": "integer",
    "workflow": "varchar",
    "provider_id": "varchar",
    "model_id": "varchar",
}

CHANGES = {
    "openai": "send the requests through the Batch API (POST /v1/batches), or set "
    'service_tier="flex" on each call: the same price, answered while the call waits',
    "azure": "use a Global Batch deployment",
    "anthropic": "send the requests through Message Batches (POST /v1/messages/batches)",
    "google": "use the Batch mode of the Gemini API (models:batchGenerateContent)",
    "aws": "use Bedrock batch inference (CreateModelInvocationJob)",
    "mistral": "use the Batch API (POST /v1/batch/jobs)",
}


class Batch:
    """Workflows that can wait up to a day."""

    name = "batch"
    together = False

    def propose(self, scene: Scene) -> Proposal:
        """Declared and likely workflows, repriced as a batch; possible ones without an amount."""
        proposal = Proposal()
        arrivals = {row["workflow"]: row for row in scene.ask("batch_workflows")}
        patient = []
        for cell in scene.ask("batch_cells"):
            row = arrivals.get(cell["workflow"])
            if row is None or cell["cost"] < LEAST or not _sold(scene, cell):
                continue
            evidence = _judge(row, scene)
            if isinstance(evidence, str):
                if evidence:
                    proposal.left.append(
                        LeftAlone(self.name, row["workflow"], str(cell["model_id"]), evidence)
                    )
                continue
            place = (cell["workflow"], cell["provider_id"], cell["model_id"])
            patient.append((len(proposal.cells), *place))
            proposal.cells.append(_cell(cell, row, evidence))
        if proposal.cells:
            scene.note("patient", PATIENT, patient)
            scene.make("proposal", "batch")
        return proposal


def _sold(scene: Scene, cell: Row) -> bool:
    """The card has a batch price of the model."""
    match = scene.card.find(cell["provider_id"], cell["model_id"])
    return match is not None and scene.card.has(match, "batch", "standard", None)


def _judge(row: Row, scene: Scene) -> Evidence | str:
    """The evidence that a workflow can wait; else why it might, or an empty text if it cannot."""
    declared = scene.config.workflows.get(row["workflow"] or "")
    if declared is not None and declared.interactive is not None:
        if declared.interactive:
            return ""
        if _chained(row):
            return "declared able to wait, but its calls need each other's answers: no batch"
        return DECLARED
    if row["workflow"] is None or row["calls"] < LARGE_JOB:
        return ""
    if row["streamed"] or row["humanless"] < 0.95 * row["calls"] or _chained(row):
        return ""
    if row["conversing"] > 0.05 * row["calls"]:
        return ""
    unsure = _unsure(row, scene)
    if unsure is None:
        return LIKELY
    return (
        f"no users and no conversations in the log, so it may be able to wait, but {unsure}; "
        f"if it can, declare it in tokman.toml: {_declaration(row['workflow'])}"
    )


def _declaration(workflow: str | None) -> str:
    """The line of tokman.toml that says a workflow can wait."""
    name = workflow or "<name>"
    plain = re.fullmatch(r"[A-Za-z0-9_-]+", name)
    return f"workflows.{name if plain else json.dumps(name)}.interactive = false"


def _chained(row: Row) -> bool:
    """Calls that need the answer of the one before, as in an agent's loop of tool calls."""
    return bool(row["agent_calls"] or row["tool_calls"] > 0.05 * row["calls"])


def _unsure(row: Row, scene: Scene) -> str | None:
    """What is missing to call a workflow a scheduled job; None if nothing is."""
    repeats = max(row["by_day"] or 0.0, row["by_hour"] or 0.0)
    chance = exp(-(row["jobs"] or 0) * repeats**2)
    if scene.days < 14:
        return f"{scene.days} days are too few to see a schedule"
    if repeats < 0.9 or chance > 1e-6 or row["jobs"] < 8 or row["job_days"] < 5:
        return "its calls keep to no schedule"
    if row["calls"] < LARGE_JOB * row["jobs"]:
        return f"its runs are small ({row['calls'] / row['jobs']:.0f} calls)"
    return None


def _cell(cell: Row, row: Row, evidence: Evidence) -> Cell:
    calls, workflow = row["calls"], label(row["workflow"])
    every = "day" if (row["by_day"] or 0) >= 0.9 else "hour"
    regular = max(row["by_day"] or 0.0, row["by_hour"] or 0.0)
    facts = [f"{calls:,} calls on {row['days']} days"]
    if row["deferred"]:
        facts.append(f"{row['deferred']:,} of them batch or flex already")
    if row["jobs"] and regular >= 0.9:
        facts.append(
            f"{row['jobs']:,} runs of about {calls / row['jobs']:.0f} calls at the same time of "
            f"the {every}, usually from {row['usual_start']} UTC (regularity {regular:.2f} of 1)"
        )
    facts.append(
        f"no user in {row['humanless'] / calls:.0%} of calls, "
        f"{row['off_hours'] / calls:.0%} outside 07–20 UTC on weekdays, none streamed"
        if not row["streamed"]
        else f"{row['streamed'] / calls:.0%} of calls are streamed"
    )
    if row["burstiness"] is not None and row["burstiness"] >= 0.5:
        facts.append(
            f"calls come in bursts: {row['burstiness']:.2f}, where 0 is by chance and 1 all at once"
        )
    return Cell(
        title=f"Run {workflow} on {cell['model_id']} as a batch",
        workflow=row["workflow"],
        provider=cell["provider_id"],
        model=cell["model_id"],
        change=CHANGES.get(cell["provider_id"], "send the requests through the provider's batches"),
        evidence=evidence,
        facts=facts,
        risks=[
            "a batch may take up to 24 hours, and what has not run by then comes back unanswered",
            "prompts that read a cache today may find it cold in a batch",
        ],
        proof="ask the owner whether a result on the next morning does, and declare "
        f"{_declaration(row['workflow'])} in tokman.toml"
        if evidence is LIKELY
        else "run one job as a batch and compare its bill and its delay",
    )
