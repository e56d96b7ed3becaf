"""Prompts that begin alike, replayed at the times they really came against the provider's cache."""

from __future__ import annotations

from typing import Any

from tokman.recommend.cache_words import MEASURED, cell_of
from tokman.recommend.ladder import CacheRule, cache_rule
from tokman.recommend.lever import LEAST, LeftAlone, Proposal, Scene
from tokman.recommend.options import SAMPLE, Priced, cheapest, priced

ENOUGH = {"explicit": 0.8, "automatic": 0.5}
"""Share of the possible reads at which a cache is as good as it gets; own judgement."""
CACHING = {
    "cell": "integer",
    "provider_id": "varchar",
    "model_id": "varchar",
    "workflow": "varchar",
    "calls": "bigint",
    "hashed": "boolean",
    "minimum": "bigint",
    "step": "bigint",
    "short": "bigint",
    "long": "bigint",
    "hits": "bigint",
    "lookback": "bigint",
}
CHOICE = {"cell": "integer", "option": "varchar", "kind": "varchar", "writes": "varchar"}
Row = dict[str, Any]


class PromptCache:
    """Static prefixes and growing conversations that are paid in full again and again."""

    name = "prompt cache"
    together = True

    def propose(self, scene: Scene) -> Proposal:
        """The cheapest way to cache each workflow on each model, where it beats today's."""
        proposal = Proposal()
        cells = _look_at(scene)
        if not cells:
            return proposal
        scene.make("reach", "cache_reach")
        scene.connection.execute("insert into reach " + _question("cache_growth"))
        offered = _offered(cells)
        scene.note("choice", CHOICE, offered)
        scene.make("options", "cache", sample=SAMPLE)
        found = priced(scene, "options")
        chosen = {cell: cheapest(options) for cell, options in found.items()}
        kept = [offer for offer in offered if chosen.get(offer[0]) == offer[1]]
        scene.note("choice", CHOICE, kept)
        scene.make("proposal", "cache", sample=0)
        scene.connection.execute("alter table proposal drop column option")
        results = {row["cell"]: row for row in scene.ask("cache_result")}
        aside = []
        for cell, (row, rule) in enumerate(cells):
            option, result = chosen.get(cell), results.get(cell)
            if option is None or result is None or _good_already(option, rule, result):
                aside.append(cell)
                note = _today(row, found.get(cell, {}))
                if note:
                    proposal.left.append(
                        LeftAlone(self.name, row["workflow"], row["model_id"], note)
                    )
            proposal.cells.append(
                cell_of(row, rule, option or "none", result or {}, found.get(cell, {}))
            )
        gone = "delete from proposal where list_contains($cells::integer[], cell)"
        scene.connection.execute(gone, {"cells": aside})
        return proposal


def _look_at(scene: Scene) -> list[tuple[Row, CacheRule]]:
    """Table `caching`: cells whose provider's rules are known and whose prompts can be followed."""
    cells: list[tuple[Row, CacheRule]] = []
    noted = []
    for row in scene.ask("cache_workflows"):
        rule = cache_rule(row["provider_id"], row["model_id"])
        hashed = row["hashed"] >= MEASURED * row["calls"]
        if (
            rule is None
            or row["cost"] < LEAST
            or not (hashed or row["later_turns"] or row["cache_written"])
        ):
            continue
        row["is_hashed"] = hashed
        short, long = rule.lifetimes[0].seconds, rule.lifetimes[-1].seconds
        place = (row["provider_id"], row["model_id"], row["workflow"], row["calls"])
        rules = (rule.minimum, rule.step, short * 10**6, long * 10**6, rule.hits, rule.lookback)
        noted.append((len(cells), *place, hashed, *rules))
        cells.append((row, rule))
    scene.note("caching", CACHING, noted)
    return cells


def _offered(cells: list[tuple[Row, CacheRule]]) -> list[tuple[int, str, str, str]]:
    """Rows of the table `choice`: the ways to cache that are open to each cell."""
    rows = []
    for cell, (row, rule) in enumerate(cells):
        if row["cache_read"] or row["cache_written"]:
            rows.append((cell, "none", "none", "5m"))
        if rule.kind == "automatic":
            rows.append((cell, "automatic", "automatic", "5m"))
            continue
        kinds = ("static", "rolling") if row["is_hashed"] else ("rolling",)
        rows += [
            (cell, f"{kind} {lifetime.writes}", kind, lifetime.writes)
            for kind in kinds
            for lifetime in rule.lifetimes
        ]
    return rows


def _good_already(option: str, rule: CacheRule, result: Row) -> bool:
    """Today's cache reads nearly what could be read."""
    if option == "none":
        return False
    return bool(result["read_today"] >= ENOUGH[rule.kind] * result["read_then"])


def _today(row: Row, options: dict[str, Priced]) -> str | None:
    """What the cache of today is worth, from the usage alone: its reads less its writes."""
    none = options.get("none")
    share = row["cache_read"] / row["all_input"]
    if none is None or none.saved >= 0 or share < 0.2:
        return None
    worth = f"${-none.saved:,.2f}" if row["calls"] <= SAMPLE else "its writes and more"
    return f"cached already: {share:.0%} of input is read from the cache, which saves {worth}"


def _question(name: str) -> str:
    from tokman import sql

    return sql.text(f"recommend/{name}")
