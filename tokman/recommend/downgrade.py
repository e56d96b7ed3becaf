"""A smaller model where the shape of the calls suggests that it may do: a nomination, no proof."""

from __future__ import annotations

from typing import Any

from tokman.recommend import trial
from tokman.recommend.ladder import Step, step_below
from tokman.recommend.lever import Cell, Evidence, LeftAlone, Proposal, Scene, label
from tokman.recommend.options import SAMPLE, cheapest, priced

CANDIDATE = Evidence(
    "E0",
    "candidate",
    "the shape of the calls suggests it; nothing here proves equal quality",
    (2, 4),
)
STEPS = {
    "cell": "integer",
    "option": "varchar",
    "provider_id": "varchar",
    "model_id": "varchar",
    "workflow": "varchar",
    "calls": "bigint",
    "target": "varchar",
    "thousandths": "bigint",
    "minimum": "bigint",
}
Row = dict[str, Any]


class Downgrade:
    """Workflows whose calls look like labels or forms, on a model that has a smaller sister."""

    name = "downgrade"
    together = False

    def propose(self, scene: Scene) -> Proposal:
        """Nominate, price each step down the ladder, keep what could be proven in time."""
        proposal = Proposal()
        rows = scene.ask("downgrade_cells")
        nominated: list[tuple[Row, Step, str]] = []
        for row in rows:
            step = step_below(row["provider_id"], row["model_id"])
            shape = _shape(row)
            if step is None or shape is None or not _open_to_it(row, step, scene):
                continue
            nominated.append((row, step, shape))
        if not nominated:
            return proposal
        targets = _targets(scene, nominated)
        chosen = []
        for place, (row, step, shape) in enumerate(nominated):
            target = targets.get(place)
            if target is None:
                continue
            need = trial.farrington_manning(trial.BASELINE, trial.BASELINE, trial.MARGIN)
            days = trial.days(need, row["calls"] / scene.days)
            if days is None or days > trial.LONGEST:
                why = (
                    f"{target} might do ({shape}), but a trial of {2 * need:,} calls would take "
                    f"{days} days here: keep {row['model_id']}, not provable at this volume"
                )
                left = LeftAlone(self.name, row["workflow"], row["model_id"], why)
                proposal.left.append(left)
                continue
            serving = next((r for r in rows if _sister(r, row, target)), None)
            proposal.cells.append(_cell(row, step, target, shape, need, days, serving))
            chosen.append(_step(len(proposal.cells) - 1, row, step, target))
        scene.note("steps", STEPS, chosen)
        scene.make("proposal", "downgrade", sample=0)
        scene.connection.execute("alter table proposal drop column option")
        return proposal


def _shape(row: Row) -> str | None:
    """What kind of simple work the calls look like; None if they do not (science.md §1.2)."""
    if row["calls"] < 200 and row["days"] < 7:
        return None
    if not row["calls"] or not row["written"] or row["reasoned"] > 0.05 * row["written"]:
        return None
    if row["output_median"] <= 16 and row["output_p95"] <= 64:
        return f"answers of {row['output_median']} tokens, 95 % within {row['output_p95']}"
    if row["output_p95"] > 400:
        return None
    if (row["answered"] or 0) >= 0.95 * row["calls"]:
        return f"{row['answers']} different answers cover {row['answered'] / row['calls']:.0%}"
    if row["structured"] >= 0.95 * row["calls"]:
        return f"filled forms (structured output) of {row['output_median']} tokens"
    return None


def _open_to_it(row: Row, step: Step, scene: Scene) -> bool:
    """No veto: protected, agents and tool plans, failures, media, too long for the target."""
    declared = scene.config.workflows.get(row["workflow"] or "")
    return not (
        (declared is not None and declared.protected)
        or row["agent_calls"]
        or row["embeddings"]
        or row["media"]
        or row["tool_calls"] > 0.1 * row["calls"]
        or row["calls"] > 5 * row["conversations"]
        or row["failures"] > 0.02 * row["attempts"]
        or row["longest_prompt"] * step.tokens > step.context / 2
    )


def _targets(scene: Scene, nominated: list[tuple[Row, Step, str]]) -> dict[int, str]:
    """Of each nominated cell, the target of its step that is cheapest for its calls."""
    offered = [
        _step(place, row, step, target)
        for place, (row, step, _) in enumerate(nominated)
        for target in step.to
    ]
    scene.note("steps", STEPS, offered)
    scene.make("options", "downgrade", sample=SAMPLE)
    found = priced(scene, "options")
    chosen = {place: cheapest(options) for place, options in found.items()}
    return {place: target for place, target in chosen.items() if target}


def _step(cell: int, row: Row, step: Step, target: str) -> tuple[object, ...]:
    """A row of the table `steps`."""
    place = (row["provider_id"], row["model_id"], row["workflow"], row["calls"])
    return (cell, target, *place, target, round(step.tokens * 1000), step.minimum)


def _sister(other: Row, row: Row, target: str) -> bool:
    """The smaller model already answers at least 5 % of this workflow's calls."""
    return bool(
        other["workflow"] == row["workflow"]
        and other["provider_id"] == row["provider_id"]
        and other["model_id"] == target
        and other["calls"] >= 0.05 * (row["calls"] + other["calls"])
    )


def _cell(
    row: Row, step: Step, target: str, shape: str, need: int, days: int, serving: Row | None
) -> Cell:
    model, workflow = row["model_id"], label(row["workflow"])
    failed = row["failures"] / row["attempts"]
    facts = [
        f"{row['calls']:,} calls on {row['days']} days: {shape}",
        f"reasoning {row['reasoned'] / row['written']:.0%} of output, "
        f"failures and retries {failed:.1%}",
        _tokenizer(step, target),
    ]
    if serving:
        gap, low, high = trial.difference(
            serving["failures"], serving["attempts"], row["failures"], row["attempts"]
        )
        facts.append(
            f"{target} answers {serving['calls']:,} calls here already: failures "
            f"{gap * 100:+.1f} points against {model} (90 % interval {low * 100:+.1f} to "
            f"{high * 100:+.1f}), observed, not a trial"
        )
    risks = [
        f"{target} may label worse where cases are hard: failures seen here say nothing of "
        "wrong answers",
        "a model that reasons by default writes more: set its effort low",
    ]
    return Cell(
        title=f"Use {target} instead of {model} for {workflow}",
        workflow=row["workflow"],
        provider=row["provider_id"],
        model=model,
        change=f'model="{target}"',
        evidence=CANDIDATE,
        facts=facts,
        risks=risks,
        proof=(
            f"a trial: half of the calls on each model, {need:,} each, about {days} days at this "
            f"volume; it shows a loss of no more than {trial.MARGIN:.0%} of calls done right "
            f"(taken as {trial.BASELINE:.0%} today)"
        ),
    )


def _tokenizer(step: Step, target: str) -> str:
    low, high = step.tokens_range
    if low == high == step.tokens == 1:
        return f"{target} counts the same tokens"
    return f"{target} is taken to count {step.tokens:g} × the tokens ({low:g} to {high:g} ×)"
