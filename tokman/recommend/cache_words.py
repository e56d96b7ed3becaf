"""What a prompt-cache recommendation says: evidence, numbers seen, the lines to paste."""

from __future__ import annotations

from typing import Any

from tokman.recommend.ladder import CacheRule
from tokman.recommend.lever import Cell, Evidence, label
from tokman.recommend.options import Priced

MEASURED = 0.9
"""Share of a cell's calls whose prompts are hashed, from which on they alone are judged."""

PREFIX = Evidence(
    "E2",
    "measured prefix",
    "equal beginnings of your own prompts, replayed at their real times; that the provider hits is "
    "not guaranteed",
    (8, 2),
)
BOUND = Evidence(
    "E0",
    "upper bound",
    "no prompts were hashed, so it is assumed that each turn repeats the one before",
    (2, 2),
)
EXACT = Evidence("E2", "exact", "writes and reads as the provider billed them", (18, 2))

Row = dict[str, Any]


def cell_of(
    row: Row, rule: CacheRule, option: str, result: Row, options: dict[str, Priced]
) -> Cell:
    """The words for one workflow on one model and the way of caching chosen for it."""
    workflow, model = label(row["workflow"]), row["model_id"]
    titles = {
        "none": f"Stop writing prompts of {workflow} to a cache that nobody reads",
        "automatic": f"Make prompts of {workflow} hit the cache of {model}",
    }
    return Cell(
        title=titles.get(option, f"Cache the prompts of {workflow} on {model}"),
        workflow=row["workflow"],
        provider=row["provider_id"],
        model=model,
        change=_change(rule, option),
        evidence=EXACT if option == "none" else PREFIX if row["is_hashed"] else BOUND,
        facts=_facts(row, rule, option, result, options),
        risks=_risks(rule, option),
        proof="turn it on for one day and compare the cached tokens that the provider reports",
    )


def _change(rule: CacheRule, option: str) -> str:
    if option == "none":
        return "remove the cache_control marks of these requests"
    if option == "automatic":
        key = ', and set prompt_cache_key="<workflow>"' if "openai" in rule.provider else ""
        return f"put what never changes first in the prompt and what changes last{key}"
    if "openai" in rule.provider:
        return (
            'set prompt_cache_key="<workflow>" and a cache breakpoint after the part that never '
            "changes (https://developers.openai.com/api/docs/guides/prompt-caching)"
        )
    ttl = ', "ttl": "1h"' if option.endswith("1h") else ""
    mark = f'"cache_control": {{"type": "ephemeral"{ttl}}}'
    if option.startswith("rolling"):
        return f"add to the request: {mark}"
    return f'end the system prompt with: {{"type": "text", "text": SYSTEM, {mark}}}'


def _facts(
    row: Row, rule: CacheRule, option: str, result: Row, options: dict[str, Priced]
) -> list[str]:
    read, calls = row["cache_read"], row["calls"]
    facts = [
        f"{calls:,} calls on {row['days']} days, {read / row['all_input']:.0%} of input read from "
        f"a cache today, {row['cache_written'] / row['all_input']:.0%} written"
    ]
    if not result or option == "none":
        return facts
    if row["is_hashed"] and result["static_median"]:
        facts.append(
            f"{result['static_median']:,} tokens at the beginning of a prompt are shared "
            f"({result['static_share']:.0%} of all input)"
        )
    if option != "automatic":
        lifetime = _span(rule.lifetimes[-1 if option.endswith("1h") else 0].seconds)
        facts.append(
            f"replayed with a lifetime of {lifetime}: {result['hits'] / result['calls']:.0%} of "
            f"calls find their prefix, {result['read_then']:,} tokens read, "
            f"{result['written_then']:,} written"
        )
        facts += _others(rule, option, options)
    else:
        facts.append(
            f"{result['read_then']:,} tokens could have been read, "
            f"with {rule.hits} % of hits counted"
        )
    return facts


def _others(rule: CacheRule, option: str, options: dict[str, Priced]) -> list[str]:
    """How the same marks would do with the other lifetimes."""
    kind, _, writes = option.partition(" ")
    saved = options[option].saved
    return [
        f"with {_span(lifetime.seconds)} it would save "
        f"{max(0.0, float(options[other].saved / saved)):.0%} of that"
        for lifetime in rule.lifetimes
        if lifetime.writes != writes and (other := f"{kind} {lifetime.writes}") in options and saved
    ]


def _span(seconds: int) -> str:
    return "1 hour" if seconds == 3600 else f"{seconds // 60} minutes"


def _risks(rule: CacheRule, option: str) -> list[str]:
    if option == "none":
        return ["if traffic grows denser, the cache may start to pay"]
    risks = ["a date, an id or another order of tools at the beginning makes every call miss"]
    if rule.kind == "explicit":
        risks.append("calls sent at the same moment all miss and all pay for the write")
    else:
        risks.append("the provider promises no hit")
    if rule.minimum:
        risks.append(f"prefixes below {rule.minimum:,} tokens are not cached")
    return risks
