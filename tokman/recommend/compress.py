"""Shorter prompts: histories that are summed up, tool results that are cut, tools left out.

Every way is priced after the cache of today (science.md §4): what is taken out of a prompt is taken
from the cheapest class first, so that a well-cached history is not sold as a large saving.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tokman.recommend.lever import LEAST, Cell, Evidence, LeftAlone, Proposal, Scene, label
from tokman.recommend.options import SAMPLE, cheapest, priced

CAPS = (50_000, 100_000, 150_000, 250_000, 400_000)
"""Tokens of prompt at which a history could be summed up."""
AGENTS_FROM = 100_000
"""The smallest cap that Claude Code takes (`autoCompactWindow`)."""
MOST = 4_000
"""Tokens of one tool result that are worth sending again with every later turn."""
REACH = 0.3
"""How far above a length price a prompt may be to be shortened below it."""
ENOUGH = 300
"""Conversations in which a tool was offered and never called: by the rule of three fewer than one
in a hundred needs it (Hanley and Lippman-Hand 1983)."""
CONVERSATIONS = 5

SUMMED_UP = Evidence(
    "E1",
    "benchmark",
    "agents whose history is summed up or masked solve as many tasks in published tests "
    "(arXiv 2508.21433, 2509.23586); nothing here proves it for yours",
    (3, 3),
)
CUT = Evidence(
    "E0",
    "candidate",
    "the size of the results suggests it; what is cut may have been needed",
    (5, 3),
)
JUST_OVER = Evidence(
    "E0",
    "candidate",
    "the prompts are only just over the length from which the whole call costs more",
    (5, 3),
)
UNUSED = Evidence(
    "E2",
    "likely",
    "your own calls: offered again and again, never called",
    (8, 2),
)

WAYS = {
    "cell": "integer",
    "option": "varchar",
    "kind": "varchar",
    "most": "bigint",
    "workflow": "varchar",
    "provider_id": "varchar",
    "model_id": "varchar",
    "calls": "bigint",
    "tool_sets": "bigint[]",
}
BANDS = {"provider_id": "varchar", "model_id": "varchar", "length": "bigint"}
Row = dict[str, Any]
Place = tuple[str | None, str, str]
"""Workflow, provider, model."""


class Way(NamedTuple):
    """One way to shorten the prompts of a place."""

    kind: str
    """cap, results, long, tools: as in shorter.sql."""
    most: int
    """Tokens: of the cap, of one result, of the length, of the tools left out."""
    row: Row
    tools: tuple[str, ...] = ()
    tool_sets: tuple[int, ...] = ()

    @property
    def option(self) -> str:
        """Its name among the options of a cell."""
        return f"{self.kind} {self.most}"


class Compress:
    """Workflows whose prompts carry what the model hardly needs."""

    name = "compress"
    together = True

    def propose(self, scene: Scene) -> Proposal:
        """Of the ways that are open to a workflow on a model, the one that saves most."""
        proposal = Proposal()
        scene.make("turns", "compress/turns", most=MOST)
        found: dict[Place, list[Way]] = {}
        for place, way in (*_histories(scene), *_just_over(scene), *_never_called(scene)):
            found.setdefault(place, []).append(way)
        places = list(found)
        if not places:
            return proposal
        scene.note("ways", WAYS, _rows(found, places))
        scene.make("options", "compress/shorter", sample=SAMPLE, reach=REACH)
        offers = priced(scene, "options")
        chosen: dict[Place, list[Way]] = {}
        for cell, place in enumerate(places):
            option = cheapest(offers.get(cell, {}))
            best = next((way for way in found[place] if way.option == option), None)
            if best is None:
                left = _too_short(found[place])
                if left:
                    proposal.left.append(LeftAlone(self.name, place[0], place[2], left))
                continue
            chosen[place] = [best]
            others = [way for way in found[place] if way.kind != best.kind]
            proposal.cells.append(_cell(place, best, others))
        if not chosen:
            return proposal
        scene.note("ways", WAYS, _rows(chosen, list(chosen)))
        scene.make("proposal", "compress/shorter", sample=0, reach=REACH)
        scene.connection.execute("alter table proposal drop column option")
        scene.drop("turns")
        return proposal


def _histories(scene: Scene) -> list[tuple[Place, Way]]:
    """Conversations that grow past a cap, and results of tools that are carried along."""
    ways: list[tuple[Place, Way]] = []
    for row in scene.ask("compress/cells"):
        if row["conversations"] < CONVERSATIONS or row["cost"] < LEAST:
            continue
        place = _place(row)
        least = AGENTS_FROM if row["agent"] else 0
        caps = [cap for cap in CAPS if least <= cap < row["longest_prompt"]]
        ways += [(place, Way("cap", cap, row)) for cap in caps]
        if row["result_tokens"]:
            ways.append((place, Way("results", MOST, row)))
    return ways


def _just_over(scene: Scene) -> list[tuple[Place, Way]]:
    """Calls just above a length from which the whole call costs more."""
    scene.note("bands", BANDS, _bands(scene))
    return [
        (_place(row), Way("long", row["length"], row))
        for row in scene.ask("compress/long", reach=REACH)
        if row["cost"] >= LEAST
    ]


def _never_called(scene: Scene) -> list[tuple[Place, Way]]:
    """Tools that are offered and never called, all of a place as one way."""
    places: dict[Place, list[Row]] = {}
    for row in scene.ask("compress/offered", enough=ENOUGH):
        places.setdefault(_place(row), []).append(row)
    return [
        (
            place,
            Way(
                "tools",
                sum(row["bytes"] for row in rows) // 4,
                rows[0],
                tuple(row["tool"] for row in rows),
                tuple(sorted(set.intersection(*(set(row["tool_sets"]) for row in rows)))),
            ),
        )
        for place, rows in places.items()
    ]


def _bands(scene: Scene) -> list[tuple[str, str, int]]:
    """Lengths of prompt from which a model costs more, of the card's standard prices."""
    table = scene.card.table
    names = ("provider_id", "model_id", "tier", "prompt_gt")
    rows = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    long = ((provider, model, over) for provider, model, tier, over in rows if tier == "standard")
    return sorted({(provider, model, over) for provider, model, over in long if over})


def _place(row: Row) -> Place:
    return row["workflow"], row["provider_id"], row["model_id"]


def _rows(ways: dict[Place, list[Way]], places: list[Place]) -> list[tuple[object, ...]]:
    """Rows of the table `ways`."""
    return [
        (cell, way.option, way.kind, way.most, *place, way.row["calls"], list(way.tool_sets))
        for cell, place in enumerate(places)
        for way in ways[place]
    ]


def _too_short(ways: list[Way]) -> str | None:
    """Why a long history is left as it is."""
    caps = [way for way in ways if way.kind == "cap"]
    if not caps:
        return None
    return (
        f"prompts grow to {caps[0].row['longest_prompt']:,} tokens, but conversations end before a "
        "summary would have paid for itself: what is carried along is read from the cache"
    )


def _cell(place: Place, way: Way, others: list[Way]) -> Cell:
    workflow, provider, model = place
    words = {"cap": _cap, "results": _results, "long": _long, "tools": _tools}[way.kind]
    title, change, evidence, facts, risks, proof = words(label(workflow), model, provider, way)
    if others:
        facts.append(f"{_listed(others)} would save less and is not counted beside it")
    return Cell(
        title=title,
        workflow=workflow,
        provider=provider,
        model=model,
        change=change,
        evidence=evidence,
        facts=facts,
        risks=risks,
        proof=proof,
        rule=way.kind,
        effort=2.0 if way.kind == "cap" else 1.0,
    )


Words = tuple[str, str, Evidence, list[str], list[str], str]


def _cap(workflow: str, model: str, provider: str, way: Way) -> Words:
    row = way.row
    trigger = f'"trigger": {{"type": "input_tokens", "value": {way.most}}}'
    changes = {
        ("anthropic", False): 'context_management={"edits": [{"type": "clear_tool_uses_20250919", '
        f"{trigger}}}]}}",
        ("anthropic", True): f'in the settings of Claude Code: "autoCompactWindow": {way.most}',
        ("openai", False): "sum the history up with /v1/responses/compact once it has "
        f"{way.most:,} tokens",
        ("openai", True): f"in Codex's config.toml: model_auto_compact_token_limit = {way.most}",
    }
    plain = f"replace the history by a summary once it has {way.most:,} tokens"
    return (
        f"Sum up histories of {workflow} on {model} at {way.most:,} tokens",
        changes.get((provider, row["agent"]), plain),
        SUMMED_UP,
        [
            f"{row['calls']:,} calls in {row['conversations']:,} conversations; prompts of "
            f"{row['median_prompt']:,} tokens in the middle, {row['longest_prompt']:,} at most",
            "each summary is paid for: a call that reads the whole history and writes 15 % of it, "
            "and a cold cache after it",
        ],
        [
            "a summary forgets: what an early turn decided may be asked again",
            "summing up too often costs more than it saves",
        ],
        "run the same tasks with and without it and compare how many are done right",
    )


def _results(workflow: str, model: str, _: str, way: Way) -> Words:
    row = way.row
    return (
        f"Cut tool results of {workflow} on {model} at {way.most:,} tokens",
        f"cut each tool result at {way.most * 4:,} bytes, and say in it how to ask for the rest",
        CUT,
        [
            f"{row['bloated']:,} of {row['calls']:,} calls were handed results of more than "
            f"{way.most:,} tokens; beyond that, {row['result_tokens']:,} tokens of results were "
            "sent or sent again (bytes / 4)",
            "most of it is read from a cache where there is one: priced as such",
        ],
        ["the model may ask for the rest: a call more", "what is cut may have been needed"],
        "turn it on for half of the conversations and compare calls and tasks done right",
    )


def _long(workflow: str, model: str, _: str, way: Way) -> Words:
    row = way.row
    return (
        f"Keep prompts of {workflow} on {model} within {way.most:,} tokens",
        f"drop or sum up the oldest part of a prompt of more than {way.most:,} tokens",
        JUST_OVER,
        [
            f"{row['calls']:,} calls are over {way.most:,} tokens by no more than {REACH:.0%}, "
            f"{row['median_excess']:,} tokens in the middle: every token of such a call costs more"
        ],
        ["what is dropped may have been needed"],
        "shorten them for a week and compare the answers",
    )


def _tools(workflow: str, model: str, _: str, way: Way) -> Words:
    row = way.row
    named = ", ".join(way.tools[:8]) + (f" and {len(way.tools) - 8} more" * (len(way.tools) > 8))
    several = f"{len(way.tools)} tools" if len(way.tools) > 1 else "a tool"
    return (
        f"Offer {several} less to {workflow} on {model}",
        f"leave out: {named}",
        UNUSED,
        [
            f"offered in {row['conversations']:,} conversations or more, never called: fewer than "
            f"1 in {row['conversations'] // 3:,} needs one (95 %)",
            f"their descriptions take about {way.most:,} tokens of each prompt (bytes / 4), mostly "
            "read from a cache where there is one: priced as such",
        ],
        ["the tools are a prefix: leaving them out makes every cache cold once"],
        "leave them out for a day: a call that needs one fails by name",
    )


def _listed(ways: list[Way]) -> str:
    names = {
        "cap": "a summary of long histories",
        "results": "cutting tool results",
        "long": "staying within the length price",
        "tools": "leaving out tools",
    }
    return ", ".join(dict.fromkeys(names[way.kind] for way in ways))
