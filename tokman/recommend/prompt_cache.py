"""Prompts that begin alike, replayed at the times they really came against the provider's cache."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from tokman.recommend.cache_causes import causes
from tokman.recommend.cache_words import MEASURED, Today, cell_of, left_words
from tokman.recommend.ladder import CacheRule, cache_rule
from tokman.recommend.lever import LEAST, LeftAlone, Proposal, Scene
from tokman.recommend.options import SAMPLE, Priced, priced
from tokman.recommend.reach import reach

ENOUGH = {"explicit": 0.8, "automatic": 0.5}
"""Share of the possible reads at which a cache is as good as it gets; own judgement."""
HOLDS = 0.8
"""Share of turns in time that read all that was cached: below, it is not pauses that lose it."""
MATERIAL = Decimal("0.05")
"""Share of a cell's cost from which on another lifetime is worth the change; own judgement."""
TURNS = 10
"""Growing turns, from which on it is told whether their history is cached; own judgement."""
PINGS = (1, 3)
"""How many calls in a row are tried to keep a prefix alive."""
CACHING = {
    "cell": "integer",
    "provider_id": "varchar",
    "model_id": "varchar",
    "workflow": "varchar",
    "agent": "boolean",
    "place": "bigint",
    "calls": "bigint",
    "hashed": "boolean",
    "retimed": "boolean",
    "watched": "boolean",
    "kind": "varchar",
    "minimum": "bigint",
    "step": "bigint",
    "short": "bigint",
    "long": "bigint",
    "hits": "bigint",
    "lookback": "bigint",
}
CHOICE = {
    "cell": "integer",
    "option": "varchar",
    "kind": "varchar",
    "path": "varchar",
    "lifetime": "varchar",
    "writes": "varchar",
    "pings": "integer",
}
Row = dict[str, Any]


class Option(NamedTuple):
    """One way to cache a cell's prompts."""

    kind: str
    path: str = "blocks"
    lifetime: str = "short"
    writes: str = "5m"
    pings: int = 0

    @property
    def name(self) -> str:
        """Which option it is, among those of a cell."""
        return " ".join(map(str, self))


class PromptCache:
    """Static prefixes and growing conversations that are paid in full again and again.

    Google's explicit caches (`cachedContents`) are not simulated: they are billed by the hour they
    are kept, a price that the catalogue does not have (genai-prices knows none by token and hour).
    """

    name = "prompt cache"
    together = True

    def propose(self, scene: Scene) -> Proposal:
        """The cheapest way to cache each workflow on each model, where it beats today's."""
        proposal = Proposal()
        cells = _look_at(scene)
        if not cells:
            return proposal
        reach(scene)
        scene.connection.execute("insert into reach by name " + _question("cache_growth"))
        pauses = {row["cell"]: row for row in scene.ask("cache_pauses")}
        offered = {
            cell: _offered(row, rule, pauses.get(cell)) for cell, (row, rule) in enumerate(cells)
        }
        _choose(scene, offered)
        scene.make("options", "cache", sample=SAMPLE)
        found = priced(scene, "options")
        chosen = {cell: _cheapest(offered[cell], found.get(cell, {})) for cell in offered}
        _choose(scene, {cell: [option] for cell, option in chosen.items() if option})
        scene.make("proposal", "cache", sample=0)
        scene.connection.execute("alter table proposal drop column option")
        results = {row["cell"]: row for row in scene.ask("cache_result")}
        worth = _worth(scene)
        lost = _lost(scene, cells, pauses)
        broken = causes(scene)
        scene.drop("reach", "turned", "causes")
        aside = []
        for cell, (row, rule) in enumerate(cells):
            option, result = chosen[cell], results.get(cell, {})
            today = Today(
                worth.get(_place(row)), pauses.get(cell), lost.get(cell), broken.get(cell, [])
            )
            if option is None or _good_already(option, rule, result, found[cell]):
                aside.append(cell)
                option = None
                note = left_words(row, today)
                if note:
                    left = LeftAlone(self.name, row["workflow"], row["model_id"], note)
                    proposal.left.append(left)
            proposal.cells.append(
                cell_of(row, rule, option or Option("none"), result, found.get(cell, {}), today)
            )
        gone = "delete from proposal where list_contains($cells::integer[], cell)"
        scene.connection.execute(gone, {"cells": aside})
        return proposal


def _look_at(scene: Scene) -> list[tuple[Row, CacheRule]]:
    """Table `caching`: cells whose provider's rules are known and whose prompts can be followed."""
    cells: list[tuple[Row, CacheRule]] = []
    noted = []
    scene.make("turned", "cache_turned")
    turns = {row["place"]: row for row in scene.ask("cache_turns")}
    for row in scene.ask("cache_workflows"):
        rule = cache_rule(row["provider_id"], row["model_id"])
        hashed = row["hashed"] >= MEASURED * row["calls"]
        row["turns"] = turns.get(row["place"])
        row["stuck"] = not hashed and not row["agent"] and _stuck(row["turns"])
        retimed = not hashed and not row["stuck"] and row["cache_written"] > 0
        if rule is None or row["cost"] < LEAST:
            continue
        if not (hashed or retimed or (row["later_turns"] and not row["agent"])):
            continue
        row |= {"is_hashed": hashed, "retimed": retimed}
        short, long = rule.lifetimes[0].seconds, rule.lifetimes[-1].seconds
        place = (*_place(row), row["place"], row["calls"])
        rules = (rule.minimum, rule.step, short * 10**6, long * 10**6, rule.hits, rule.lookback)
        cached = row["cache_read"] + row["cache_written"] > 0
        watched = hashed and (cached or rule.kind == "automatic")
        noted.append((len(cells), *place, hashed, retimed, watched, rule.kind, *rules))
        cells.append((row, rule))
    scene.note("caching", CACHING, noted)
    return cells


def _stuck(turns: Row | None) -> bool:
    """Prompts grow from turn to turn, and what is read of them stays the same."""
    return bool(turns and turns["grown"] >= TURNS and turns["stuck"] >= HOLDS * turns["grown"])


def _offered(row: Row, rule: CacheRule, pauses: Row | None) -> list[Option]:
    """The ways to cache that are open to a cell, simple ones first."""
    options = []
    spans = list(zip(("short", "long"), rule.lifetimes, strict=False))
    paths = ("blocks", "steady", "tools") if row["is_hashed"] else ("blocks",)
    if rule.kind == "automatic":
        return [
            Option("automatic", path, lifetime, "5m") for path in paths for lifetime, _ in spans
        ]
    if row["cache_read"] or row["cache_written"]:
        options.append(Option("none", "counts" if row["retimed"] else "blocks"))
    if row["retimed"]:
        if pauses and pauses["held"] >= HOLDS * pauses["turns"]:
            options += [
                Option("rolling", "counts", lifetime, span.writes) for lifetime, span in spans
            ]
        return options
    kinds = ["static", "rolling"] if row["is_hashed"] else ["rolling"]
    if row["is_hashed"] and rule.lookback:
        kinds.append("stepped")
    options += [
        Option(kind, "blocks", lifetime, s.writes) for kind in kinds for lifetime, s in spans
    ]
    if row["is_hashed"]:
        options += [Option("warm", "blocks", lifetime, span.writes) for lifetime, span in spans]
        options += [
            Option("static", path, lifetime, span.writes)
            for path in paths[1:]
            for lifetime, span in spans
        ]
        first = rule.lifetimes[0].writes
        options += [Option("ping", "blocks", "short", first, pings) for pings in PINGS]
    return options


def _choose(scene: Scene, offered: dict[int, list[Option]]) -> None:
    """Table `choice`: the ways to cache each cell that `cache.sql` works out."""
    rows = [(cell, each.name, *each) for cell, options in offered.items() for each in options]
    scene.note("choice", CHOICE, rows)


def _cheapest(offered: list[Option], found: dict[str, Priced]) -> Option | None:
    """The option that saves most, the simplest of equals; None where none saves anything."""
    best = max(
        (option for option in offered if option.name in found),
        key=lambda option: (found[option.name].saved, -offered.index(option)),
        default=None,
    )
    return best if best is not None and found[best.name].saved > 0 else None


def _good_already(option: Option, rule: CacheRule, result: Row, options: dict[str, Priced]) -> bool:
    """Today's cache reads nearly what could be read, or lives nearly as long as is best."""
    if option.kind == "none":
        return False
    if option.path == "counts":
        return options[option.name].saved < MATERIAL * options[option.name].now
    return bool(result["read_today"] >= ENOUGH[rule.kind] * result["read_then"])


def _place(row: Row) -> tuple[object, ...]:
    return row["provider_id"], row["model_id"], row["workflow"], row["agent"]


def _worth(scene: Scene) -> dict[tuple[object, ...], Decimal]:
    """What today's cache saves, in USD, of each provider, model and workflow; exact."""
    from tokman.rates import price

    scene.make("cached", "cache_today")
    price(scene.connection, scene.card, "cached", "uncached", keep=("call",))
    worth = {_place(row): row["worth"] for row in scene.ask("cache_worth")}
    scene.drop("cached", "uncached")
    return worth


def _lost(
    scene: Scene, cells: list[tuple[Row, CacheRule]], pauses: dict[int, Row]
) -> dict[int, Decimal]:
    """What pauses of more than the lifetime cost, USD, where what was cached is written again."""
    kept = {
        cell: [Option("kept", "counts", "long", cells[cell][1].lifetimes[0].writes)]
        for cell, row in pauses.items()
        if row["again"]
    }
    if not kept:
        return {}
    _choose(scene, kept)
    scene.make("options", "cache", sample=0)
    return {
        cell: next(iter(each.values())).saved for cell, each in priced(scene, "options").items()
    }


def _question(name: str) -> str:
    from tokman import sql

    return sql.text(f"recommend/{name}")
