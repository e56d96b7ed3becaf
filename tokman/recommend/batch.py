"""Other ways to serve calls that can wait: batch, flex, off-peak hours, no priority."""

from __future__ import annotations

from typing import Any

from tokman.recommend import patience
from tokman.recommend.lever import LEAST, Cell, LeftAlone, Proposal, Scene, label
from tokman.recommend.options import SAMPLE, Priced, priced
from tokman.recommend.patience import DAY, LIKELY, Patience
from tokman.recommend.peaks import PEAKS, peaks

SOON = 900
"""Seconds: what a flex call may wait for room (science.md §3.1)."""
WAYS = ("batch", "flex", "off-peak", "standard")
"""Where two save the same, the first."""
Row = dict[str, Any]

PATIENT = {
    "cell": "integer",
    "option": "varchar",
    "workflow": "varchar",
    "provider_id": "varchar",
    "model_id": "varchar",
    "calls": "bigint",
    "delay": "bigint",
}

BATCHES = {
    "openai": "send the requests through the Batch API (POST /v1/batches), or set "
    'service_tier="flex" on each call: the same price, answered while the call waits',
    "azure": "use a Global Batch deployment",
    "anthropic": "send the requests through Message Batches (POST /v1/messages/batches)",
    "google": "use the Batch mode of the Gemini API (models:batchGenerateContent)",
    "aws": "use Bedrock batch inference (CreateModelInvocationJob)",
    "mistral": "use the Batch API (POST /v1/batch/jobs)",
}


class Batch:
    """Workflows that can wait, for a minute or for a day."""

    name = "batch"
    together = False

    def propose(self, scene: Scene) -> Proposal:
        """Declared and likely workflows in the cheapest way open to each; possible ones without an
        amount."""
        proposal = Proposal()
        arrivals = {row["workflow"]: row for row in scene.ask("batch_workflows")}
        scene.note("peaks", PEAKS, peaks(scene.card))
        open_to: list[tuple[Row, Row, Patience, list[str]]] = []
        for cell in scene.ask("batch_cells"):
            row = arrivals.get(cell["workflow"])
            if row is None or cell["cost"] < LEAST:
                continue
            waits = patience.of(row, scene)
            if isinstance(waits, str):
                if waits and _sold(scene, cell, "batch"):
                    proposal.left.append(
                        LeftAlone(self.name, row["workflow"], str(cell["model_id"]), waits)
                    )
                continue
            ways = _ways(scene, cell, waits)
            if ways:
                open_to.append((cell, row, waits, ways))
            elif waits.chained and waits.seconds >= DAY and _sold(scene, cell, "batch"):
                why = "declared able to wait, but its calls need each other's answers: no batch"
                proposal.left.append(
                    LeftAlone(self.name, row["workflow"], str(cell["model_id"]), why)
                )
        if not open_to:
            return proposal
        offers = [(place, way) for place, (*_, ways) in enumerate(open_to) for way in ways]
        scene.note("patient", PATIENT, [_patient(n, way, *open_to[n]) for n, way in offers])
        scene.make("options", "batch", sample=SAMPLE)
        found = priced(scene, "options")
        chosen = []
        for place, (cell, row, waits, ways) in enumerate(open_to):
            way = _best(found.get(place, {}))
            if way is None:
                continue
            chosen.append(_patient(len(proposal.cells), way, cell, row, waits, ways))
            proposal.cells.append(_cell(cell, row, waits, way))
        scene.note("patient", PATIENT, chosen)
        scene.make("proposal", "batch", sample=0)
        scene.connection.execute("alter table proposal drop column option")
        return proposal


def _ways(scene: Scene, cell: Row, waits: Patience) -> list[str]:
    """The ways that are sold for the model and that the workflow can wait for."""
    ways = []
    if waits.seconds >= DAY and not waits.chained and _sold(scene, cell, "batch"):
        ways.append("batch")
    if waits.seconds >= SOON and _sold(scene, cell, "flex"):
        ways.append("flex")
    if cell["peaks"]:
        ways.append("off-peak")
    if cell["priority_calls"]:
        ways.append("standard")
    return ways


def _sold(scene: Scene, cell: Row, tier: str) -> bool:
    """The card has a price of the model at that tier."""
    match = scene.card.find(cell["provider_id"], cell["model_id"])
    return match is not None and scene.card.has(match, tier, "standard", None)


def _patient(
    place: int, way: str, cell: Row, row: Row, waits: Patience, _: list[str]
) -> tuple[object, ...]:
    """A row of the table `patient`."""
    where = (cell["workflow"], cell["provider_id"], cell["model_id"])
    return (place, way, *where, cell["calls"], waits.seconds)


def _best(options: dict[str, Priced]) -> str | None:
    """The way that saves most, if any does."""
    saving = [way for way in WAYS if way in options and options[way].saved > 0]
    return max(saving, key=lambda way: options[way].saved, default=None)


def _cell(cell: Row, row: Row, waits: Patience, way: str) -> Cell:
    words = {"batch": _batch, "flex": _flex, "off-peak": _off_peak, "standard": _standard}[way]
    title, change, risks, proof = words(label(row["workflow"]), cell, waits)
    declare = patience.declaration(row["workflow"])
    if waits.evidence is LIKELY:
        proof = (
            "ask the owner whether a result on the next morning does, and declare "
            f"{declare} in tokman.toml"
        )
    return Cell(
        title=title,
        workflow=row["workflow"],
        provider=cell["provider_id"],
        model=cell["model_id"],
        change=change,
        evidence=waits.evidence,
        facts=_facts(cell, row, way),
        risks=risks,
        proof=proof,
        rule=way,
        effort=1.0 if way == "batch" else 0.25,
    )


Words = tuple[str, str, list[str], str]


def _batch(workflow: str, cell: Row, _: Patience) -> Words:
    return (
        f"Run {workflow} on {cell['model_id']} as a batch",
        BATCHES.get(cell["provider_id"], "send the requests through the provider's batches"),
        [
            "a batch may take up to 24 hours, and what has not run by then comes back unanswered",
            "prompts that read a cache today may find it cold in a batch",
        ],
        "run one job as a batch and compare its bill and its delay",
    )


def _flex(workflow: str, cell: Row, waits: Patience) -> Words:
    return (
        f"Serve {workflow} on {cell['model_id']} at the flex tier",
        'service_tier="flex" on each call, with a longer time-out',
        [
            "a call may wait for minutes, or be refused when there is no room (429): try again, "
            "at the standard tier after the last try",
        ],
        f"run one hour of it and compare bill and delay; {_span(waits.seconds)} are declared",
    )


def _off_peak(workflow: str, cell: Row, waits: Patience) -> Words:
    return (
        f"Run {workflow} on {cell['model_id']} outside peak hours",
        "start the job when the price is low, or hold its calls back until then",
        ["the hours of a price change with the provider's notice: see `tokman rates`"],
        f"move one run and compare its bill; {_span(waits.seconds)} of delay are declared",
    )


def _standard(workflow: str, cell: Row, waits: Patience) -> Words:
    return (
        f"Serve {workflow} on {cell['model_id']} without priority",
        'leave out service_tier="priority"',
        ["answers come more slowly when the provider is busy"],
        f"leave it out for a day and compare the delays; {_span(waits.seconds)} are declared",
    )


def _span(seconds: int) -> str:
    """A time in words: 90 seconds, 15 minutes, 4 hours."""
    for size, word in ((DAY, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {word}" + "s" * (seconds != size)
    return "no time"


def _facts(cell: Row, row: Row, way: str) -> list[str]:
    calls = row["calls"]
    every = "day" if (row["by_day"] or 0) >= 0.9 else "hour"
    regular = max(row["by_day"] or 0.0, row["by_hour"] or 0.0)
    facts = [f"{calls:,} calls on {row['days']} days"]
    if way == "standard":
        facts.append(f"{cell['priority_calls']:,} of them served with priority")
    if way == "off-peak":
        facts.append(f"{cell['peaks']:,} of them at hours of a higher price")
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
    return facts
