"""Conversations that went on for nothing: without an answer, or without an end."""

from __future__ import annotations

from math import ceil, floor, log10

from tokman.recommend.lever import Evidence
from tokman.recommend.stop.rule import Found, Rule, Words, dearest, dollars, plural


def cap(usd: float) -> str:
    """A limit just above an amount, in two digits or whole cents."""
    unit = max(10.0 ** (floor(log10(usd)) - 1), 0.01) if usd > 0 else 0.01
    return dollars(max(ceil(round(usd / unit, 6)) * unit, 0.01))


def _abandoned(found: Found) -> Words:
    row = found.row
    return Words(
        title=f"End work of {found.place} that no longer gets anywhere",
        change=f"let the agent of {found.place} answer, or ask for help, after a number of tool "
        f"calls (LiteLLM: max_iterations; today up to {row['size']} calls follow the last answer); "
        f"begin with {found.worst[0].name}",
        facts=[
            f"{plural(row['episodes'], 'conversation')} reported as failed spent half of their "
            f"cost or more after the last answer: {plural(row['calls'], 'call')}",
            dearest(found, "conversations"),
        ],
        risks=["some of these would have succeeded a few calls later"],
        proof="compare how many conversations succeed after as many calls without an answer",
    )


def _runaway(found: Found) -> Words:
    row = found.row
    limit = cap(row["measure"])
    return Words(
        title=f"Limit what one conversation of {found.place} may cost",
        change=f"end or pause a conversation of {found.place} at {limit} (LiteLLM: "
        f"max_budget_per_session: {limit[1:].replace(',', '')}); begin with {found.worst[0].name}",
        facts=[
            f"{plural(row['episodes'], 'conversation')} far outside of what the others cost: "
            f"995 in 1,000 end at {dollars(row['measure'])} or less, these have up to "
            f"{row['size']:,} turns; counted are {plural(row['calls'], 'call')} after that mark",
            "no user took a turn after it, and no success is reported",
            dearest(found, "conversations"),
        ],
        risks=["a dear conversation may be worth its price where no outcome is logged"],
        proof="read the conversations named here, and log whether their work succeeded",
    )


ABANDONED = Rule(
    "abandoned work",
    Evidence(
        "E2",
        "likely",
        "your own log says that these failed; own judgement: two in five could have been ended "
        "there",
        (4, 6),
    ),
    1.0,
    _abandoned,
)
RUNAWAY = Rule(
    "runaway conversation",
    Evidence(
        "E0",
        "suspected",
        "only their cost and length speak for it; own judgement: two in five are waste",
        (4, 6),
    ),
    0.5,
    _runaway,
)
