"""What a prompt-cache recommendation says: evidence, numbers seen, the lines to paste."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tokman.recommend.cache_causes import Cause
from tokman.recommend.ladder import CacheRule
from tokman.recommend.lever import LEAST, Cell, Evidence, label
from tokman.recommend.options import Priced

if TYPE_CHECKING:
    from tokman.recommend.prompt_cache import Option

MEASURED = 0.9
"""Share of a cell's calls whose prompts are hashed, from which on they alone are judged."""

PREFIX = Evidence(
    "E2",
    "measured prefix",
    "equal beginnings of your own prompts, replayed at their real times; that the provider hits is "
    "not guaranteed",
    (8, 2),
)
STEADY = Evidence(
    "E2",
    "measured prefix",
    "tools and system prompts that are equal but for what is named here, replayed at their real "
    "times; that the provider hits is not guaranteed",
    (8, 2),
)
BOUND = Evidence(
    "E0",
    "upper bound",
    "no prompts were hashed, so it is assumed that each turn repeats the one before",
    (2, 2),
)
EXACT = Evidence("E2", "exact", "writes and reads as the provider billed them", (18, 2))
RETIMED = Evidence(
    "E2",
    "measured prefix",
    "writes and reads as the provider billed them, with what was written again after a pause read "
    "instead",
    (8, 2),
)

WORD = Decimal("0.03")
"""Share of a cell's cost from which on a cause is named; own judgement."""

Row = dict[str, Any]


class Today(NamedTuple):
    """What is known of the cache as it is."""

    worth: Decimal | None
    """USD that it saves against none at all; None where nothing is cached."""
    pauses: Row | None
    """How often a cached prompt held until the next turn, where that can be told."""
    lost: Decimal | None
    """USD that was paid to write again what had died in a pause."""
    causes: list[Cause]
    """Why calls read less than they could, the dearest first; empty where nothing is hashed."""

    def named(self, cost: Decimal) -> list[Cause]:
        """The causes that cost a share of `cost` (USD) that is worth a word."""
        return [cause for cause in self.causes if cause.usd >= max(LEAST, WORD * cost)]


def cell_of(
    row: Row, rule: CacheRule, option: Option, result: Row, options: dict[str, Priced], today: Today
) -> Cell:
    """The words for one workflow on one model and the way of caching chosen for it."""
    return Cell(
        title=_title(row, option),
        workflow=row["workflow"],
        provider=row["provider_id"],
        model=row["model_id"],
        change=_change(row, rule, option, bool(result.get("static_median"))),
        evidence=_evidence(row, option),
        facts=_facts(row, rule, option, result, options, today),
        risks=_risks(rule, option),
        proof="turn it on for one day and compare the cached tokens that the provider reports",
        rule=_rule(option),
        effort=1.0
        if option.path in ("steady", "tools") or option.kind in ("ping", "warm")
        else 0.5,
    )


def left_words(row: Row, today: Today) -> str | None:
    """Why a cell is left as it is, with what its cache is worth; None where that is no news."""
    words = []
    share = row["cache_read"] / row["all_input"]
    if today.worth is not None and today.worth > 0 and share >= 0.2:
        words.append(
            f"cached already: {share:.0%} of input is read from the cache, which saves "
            f"${today.worth:,.2f}"
        )
    if today.pauses and today.lost:
        words.append(_lost(today) + ", less than longer lives would cost")
    words += [f"{cause}; {cause.remedy}" for cause in today.named(row["cost"])]
    return "; ".join(words) or None


def _lost(today: Today) -> str:
    pauses = today.pauses or {}
    return (
        f"{pauses['again']:,} turns came after the cache had died and wrote "
        f"{pauses['again_tokens']:,} tokens again (${today.lost:,.2f})"
    )


def _evidence(row: Row, option: Option) -> Evidence:
    if option.kind == "none":
        return EXACT
    if option.path == "counts":
        return RETIMED
    if option.path in ("steady", "tools"):
        return STEADY
    return PREFIX if row["is_hashed"] else BOUND


def _rule(option: Option) -> str:
    """The rule that found it, for labels and for what was dismissed."""
    paths = {"steady": "date or id in the prefix", "tools": "order of tools"}
    kinds = {
        "none": "written and not read",
        "warm": "cold start in parallel",
        "ping": "kept alive",
        "stepped": "look-back",
    }
    if option.path == "counts" and option.kind != "none":
        return "lifetime"
    return paths.get(option.path) or kinds.get(option.kind, "not cached")


def _title(row: Row, option: Option) -> str:
    workflow, model = label(row["workflow"]), row["model_id"]
    if option.kind == "none":
        return f"Stop writing prompts of {workflow} to a cache that nobody reads"
    if option.path == "steady":
        return f"Move dates and ids of {workflow} behind its system prompt, and cache that"
    if option.path == "tools":
        return f"Send the tools of {workflow} in one order, and cache them"
    if option.path == "counts":
        life = "1 hour" if option.lifetime == "long" else "5 minutes"
        return f"Let cached prompts of {workflow} on {model} live {life}"
    if option.kind == "automatic":
        return f"Make prompts of {workflow} hit the cache of {model}"
    if option.kind == "warm":
        return f"Cache the prompts of {workflow} on {model}, one call ahead of the others"
    if option.kind == "ping":
        return f"Cache the prompts of {workflow} on {model} and keep them alive"
    return f"Cache the prompts of {workflow} on {model}"


def _change(row: Row, rule: CacheRule, option: Option, shared: bool) -> str:
    openai = "openai" in rule.provider
    if row["agent"]:
        return _agent_change(option)
    if option.kind == "none":
        if openai:
            return (
                'set prompt_cache_options={"mode": "explicit"} and no prompt_cache_breakpoint, so '
                "that nothing is written"
            )
        return "remove the cache_control marks of these requests"
    if option.path == "counts":
        return f'in every cache_control of the workflow: "ttl": "{option.writes}"'
    first = {
        "steady": "move what changes from call to call (dates, times, ids) out of the system "
        "prompt into the last message; then ",
        "tools": "sort the tools by name before every call; then ",
    }.get(option.path, "")
    if option.kind == "automatic":
        return first + _automatic_change(rule, option)
    return first + _marks(rule, option, shared)


def _agent_change(option: Option) -> str:
    """The settings of Claude Code: https://code.claude.com/docs/en/settings."""
    if option.kind == "none":
        return "export DISABLE_PROMPT_CACHING=1 where this runs"
    return f'in the settings of Claude Code: "promptCacheTtl": "{option.writes}"'


def _automatic_change(rule: CacheRule, option: Option) -> str:
    words = "" if option.path != "blocks" else (
        "put what never changes first in the prompt and what changes last"
    )  # fmt: skip
    if rule.key:
        words = f"{words}, and set {rule.key}" if words else f"set {rule.key}"
        if option.lifetime == "long":
            words += ' and prompt_cache_retention="24h"'
    return words or "nothing else: this provider caches by itself"


def _marks(rule: CacheRule, option: Option, shared: bool) -> str:
    """Where the marks go, in the provider's own words."""
    if "openai" in rule.provider:
        mark = '"prompt_cache_breakpoint": {"mode": "explicit"}'
        ends = "the last part that never changes"
        if option.kind == "rolling":
            ends += " and the last part of each message, and leave them there"
        marks = f'set prompt_cache_key="<workflow>" and put {mark} on {ends}'
    else:
        ttl = ', "ttl": "1h"' if option.writes == "1h" else ""
        mark = f'"cache_control": {{"type": "ephemeral"{ttl}}}'
        if option.path == "tools":
            marks = f"put on the last tool: {mark}"
        elif option.kind in ("rolling", "stepped"):
            also = ", and to the last part that conversations share" if shared else ""
            marks = f"add to the request{also}: {mark}"
            if option.kind == "stepped":
                marks += (
                    f"; and to the parts {rule.lookback} and {2 * rule.lookback} before the end, "
                    "for a mark finds no entry further back"
                )
        else:
            marks = (
                f'end the system prompt with: {{"type": "text", "text": SYSTEM, {mark}}}'
                if option.path == "steady"
                else f"put on the last part that never changes, such as the system prompt: {mark}"
            )
    if option.kind == "warm":
        marks += "; of calls that start together send one, and the rest when its answer begins"
    if option.kind == "ping":
        rest = rule.lifetimes[0].seconds * 9 // 10
        times = "once" if option.pings == 1 else f"up to {option.pings} times"
        marks += (
            f"; {rest} seconds after the last call send the same prefix with max_tokens=1, {times}"
        )
    return marks


def _facts(
    row: Row, rule: CacheRule, option: Option, result: Row, options: dict[str, Priced], today: Today
) -> list[str]:
    read, calls = row["cache_read"], row["calls"]
    now = (
        f"{calls:,} calls on {row['days']} days, {read / row['all_input']:.0%} of input read from "
        f"a cache today, {row['cache_written'] / row['all_input']:.0%} written"
    )
    if today.worth is not None:
        sign = "saves" if today.worth >= 0 else "loses"
        now += f", which {sign} ${abs(today.worth):,.2f} against no cache at all"
    facts = [now, *map(str, today.named(row["cost"])), *_counted(row)]
    if not result or option.kind == "none":
        return facts
    if today.pauses and option.path == "counts":
        held = today.pauses
        facts.append(
            f"{held['held'] / max(held['turns'], 1):.0%} of {held['turns']:,} turns in time read "
            "all that the turn before had cached"
        )
        if today.lost:
            facts.append(_lost(today))
        return facts
    if row["is_hashed"] and result["static_median"]:
        what = {
            "steady": "are tools and system prompt, equal but for dates, times and ids",
            "tools": "are tools, equal but for their order",
        }.get(option.path, "at the beginning of a prompt are shared")
        facts.append(
            f"{result['static_median']:,} tokens {what} ({result['static_share']:.0%} of all input)"
        )
    if option.kind == "automatic":
        facts.append(
            f"{result['read_then']:,} tokens could have been read, "
            f"with {rule.hits} % of hits counted"
        )
        return facts
    lifetime = rule.lifetimes[-1 if option.lifetime == "long" else 0].seconds
    facts.append(
        f"replayed with a lifetime of {_span(lifetime)}: {result['hits'] / result['calls']:.0%} of "
        f"calls find their prefix, {result['read_then']:,} tokens read, "
        f"{result['written_then']:,} written"
    )
    return facts + _others(rule, option, options)


def _counted(row: Row) -> list[str]:
    """What the counts alone say of a cache that does not work."""
    turns = row["turns"]
    if row["stuck"]:
        return [
            f"{turns['stuck']:,} of {turns['grown']:,} growing turns read just what the turn "
            "before read: only the beginning is cached, not the history"
        ]
    if turns and turns["writing"] >= 0.9 * turns["calls"] and not turns["reading"]:
        return ["nearly every call writes and none reads: the prefix changes with every call"]
    return []


def _others(rule: CacheRule, option: Option, options: dict[str, Priced]) -> list[str]:
    """How the same would do with the other lifetime, and what more care brings."""
    saved = options[option.name].saved
    if not saved:
        return []
    facts = []
    for lifetime, span in zip(("short", "long"), rule.lifetimes, strict=False):
        other = option._replace(lifetime=lifetime, writes=span.writes)
        if other != option and other.name in options:
            share = max(0.0, float(options[other.name].saved / saved))
            facts.append(f"with {_span(span.seconds)} it would save {share:.0%} of that")
    plain = option._replace(kind="static", pings=0)
    if option.kind in ("warm", "ping") and plain.name in options:
        share = max(0.0, float(options[plain.name].saved / saved))
        what = "sent all at once" if option.kind == "warm" else "without keeping it alive"
        facts.append(f"{what}, it would save {share:.0%} of that")
    return facts


def _span(seconds: int) -> str:
    hours = seconds // 3600
    return f"{seconds // 60} minutes" if not hours else f"{hours} hour{'s' * (hours > 1)}"


def _risks(rule: CacheRule, option: Option) -> list[str]:
    if option.kind == "none":
        return ["if traffic grows denser, the cache may start to pay"]
    if option.path == "counts":
        return ["every write costs the price of the chosen life, also where no pause follows"]
    risks = ["a date, an id or another order of tools at the beginning makes every call miss"]
    if rule.kind == "explicit" and option.kind != "warm":
        risks.append("calls sent at the same moment all miss and all pay for the write")
    elif rule.kind != "explicit":
        risks.append("the provider promises no hit")
    if rule.minimum:
        risks.append(f"prefixes below {rule.minimum:,} tokens are not cached")
    return risks
