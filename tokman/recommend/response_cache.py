"""Requests that come again, word for word, answered from a cache of one's own."""

from __future__ import annotations

from typing import Any

from tokman.recommend.lever import LEAST, Cell, Evidence, LeftAlone, Proposal, Scene, label

LIFETIMES = {300: "5 minutes", 3600: "1 hour", 86400: "24 hours"}
"""Seconds for which answers are kept, to see what the length is worth."""
CHOSEN = 3600
"""Seconds: the lifetime that is recommended."""
STEADY = 0.95
"""Share of repeats with the very same answer, from which on answers do not vary."""
COMPARED = 20
"""Repeats whose answers must be comparable before their share says anything; own judgement."""

SEEN = Evidence(
    "E2",
    "exact",
    "the same requests were sent again and paid again, and their answers were the same",
    (18, 2),
)
EMBEDDED = Evidence(
    "E2",
    "exact",
    "the same texts were embedded again and paid again; a model embeds a text always alike",
    (18, 2),
)
DECLARED = Evidence(
    "E4", "declared", "tokman.toml says that answers of this workflow may be given again", (48, 2)
)
KEEPING = {
    "cell": "integer",
    "workflow": "varchar",
    "provider_id": "varchar",
    "model_id": "varchar",
    "declared": "boolean",
}
Row = dict[str, Any]
Place = tuple[str | None, str, str]
"""Workflow, provider, model."""


class ResponseCache:
    """Exact repeats of a tenant, where the log shows that a second answer says nothing new."""

    name = "response cache"
    together = False

    def propose(self, scene: Scene) -> Proposal:
        """The repeats of the hour after an answer, as calls that are not made."""
        proposal = Proposal()
        scene.make("repeats", "repeats")
        curve: dict[int, dict[Place, Row]] = {}
        # The chosen lifetime comes last, so that `served` is left as it has it.
        for seconds in sorted(LIFETIMES, key=lambda seconds: seconds == CHOSEN):
            _serve(scene, seconds)
            curve[seconds] = {_place(row): row for row in scene.ask("repeats_cells")}
        keeping = []
        for place, row in curve[CHOSEN].items():
            evidence = _judge(row, scene)
            saved = row["saved"] if evidence is DECLARED else row["saved_of_steady"]
            if row["saved"] < LEAST or evidence is None:
                continue
            if isinstance(evidence, str) or saved < LEAST:
                why = evidence if isinstance(evidence, str) else _varying(row)
                proposal.left.append(LeftAlone(self.name, row["workflow"], row["model_id"], why))
                continue
            rows = {seconds: found.get(place) for seconds, found in curve.items()}
            keeping.append((len(proposal.cells), *place, evidence is DECLARED))
            proposal.cells.append(_cell(row, rows, evidence))
        scene.note("keeping", KEEPING, keeping)
        scene.make("proposal", "response_cache")
        return proposal


def _serve(scene: Scene, seconds: int) -> None:
    """Table `served`: what a cache that keeps answers for so long would have answered.

    An answer is kept when none is alive, so each kept answer leads to the next one of the same
    request; which calls lie on that chain is found by jumps that double in length (Wyllie 1979).
    """
    execute = scene.connection.execute
    scene.make("jump", "repeats_next", lifetime=seconds * 10**6)
    execute(
        "create or replace temp table stored as "
        "select min(place) as place from repeats where whole group by request"
    )
    while scene.count("jump"):
        execute("insert into stored select following from jump semi join stored using (place)")
        execute(
            "create or replace temp table jump as select jump.place, further.following "
            "from jump inner join jump as further on further.place = jump.following"
        )
    scene.make("served", "repeats_served", lifetime=seconds * 10**6)


def _place(row: Row) -> Place:
    return row["workflow"], row["provider_id"], row["model_id"]


def _judge(row: Row, scene: Scene) -> Evidence | str | None:
    """The evidence that a kept answer does; else why it may not, or None where it is ruled out."""
    declared = scene.config.workflows.get(row["workflow"] or "")
    if declared is not None and declared.cacheable is not None:
        return DECLARED if declared.cacheable else None
    if row["embeds"]:
        return EMBEDDED
    if row["compared"] < COMPARED or row["compared"] < row["hits"] / 2:
        return (
            f"{row['hits']:,} requests come again within {LIFETIMES[CHOSEN]} "
            f"(${row['saved']:,.2f}), but the log does not show whether their answers vary; if one "
            "answer does, set cacheable = true for the workflow in tokman.toml"
        )
    if row["alike"] < STEADY * row["compared"]:
        return _varying(row)
    return SEEN


def _varying(row: Row) -> str:
    return (
        f"{row['hits']:,} requests come again within {LIFETIMES[CHOSEN]} "
        f"(${row['saved']:,.2f}), but answers vary ({row['alike'] / row['compared']:.0%} of "
        f"{row['compared']:,} repeats got the same one); caching fixes one of them. If one does, "
        "set cacheable = true for the workflow in tokman.toml"
    )


def _cell(row: Row, curve: dict[int, Row | None], evidence: Evidence) -> Cell:
    workflow, hits = label(row["workflow"]), row["hits"]
    money = "saved" if evidence is DECLARED else "saved_of_steady"
    worth = ", ".join(
        f"{name} ${(found[money] if (found := curve[seconds]) else 0):,.2f}"
        for seconds, name in LIFETIMES.items()
    )
    facts = [
        f"{hits:,} calls ask word for word what the same team, project, key and user asked up to "
        f"{LIFETIMES[CHOSEN]} before ({row['requests']:,} different requests)",
        f"answers kept for {worth}",
    ]
    if row["compared"]:
        facts.append(
            f"{row['alike'] / row['compared']:.1%} of {row['compared']:,} repeats got the very "
            f"same answer; temperature 0 in {row['cold'] / (hits + row['too_early']):.0%}"
        )
    if row["varying"]:
        facts.append(
            f"{row['varying']:,} requests whose answers changed are "
            + ("counted too" if evidence is DECLARED else "left out")
        )
    if row["too_early"]:
        facts.append(f"{row['too_early']:,} more came before the first answer was there")
    return Cell(
        title=f"Keep answers of {workflow} on {row['model_id']} for {LIFETIMES[CHOSEN]}",
        workflow=row["workflow"],
        provider=row["provider_id"],
        model=row["model_id"],
        change=(
            "keep each answer by the hash of model, prompt, settings and tenant; in LiteLLM:\n"
            "litellm_settings: {cache: true, cache_params: "
            f"{{type: redis, mode: default_off, ttl: {CHOSEN}}}}}\n"
            'and in each request of the workflow: "cache": {"use-cache": true, '
            f'"ttl": {CHOSEN}, "namespace": "<team, project and user>"}}'
        ),
        evidence=evidence,
        facts=facts,
        risks=[
            f"an answer may be {LIFETIMES[CHOSEN]} old: shorten that where facts change sooner",
            "a cache that tenants share gives one the answer of another: put the tenant in its key",
        ],
        proof="count the cache's hits for one week, and compare a sample of kept answers with "
        "fresh ones",
        rule="exact repeats",
        effort=1.0,
    )
