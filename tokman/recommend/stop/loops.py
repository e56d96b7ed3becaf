"""Agents that turn in circles: the same tool calls with the same results, again and again."""

from __future__ import annotations

from tokman.recommend.lever import Evidence
from tokman.recommend.stop.rule import Found, Rule, Words, dearest, dollars, plural, shown

FREE = 3
"""Times that a cycle may come before it is waste (science.md §5: repetitions after the 3rd)."""


def _loop(found: Found) -> Words:
    row = found.row
    return Words(
        title=f"Stop agents of {found.place} that repeat a step without any progress",
        change=_limit(found, "the same tools, arguments and results"),
        facts=[
            f"{plural(row['calls'], 'call')} in {plural(row['episodes'], 'run')} repeated the same "
            f"tool calls and got the same results after the {FREE}rd time, up to {row['size']} "
            f"times in a cycle of {plural(int(row['measure']), 'step')} or less",
            "nobody wrote, nothing was edited and nothing else was called in between",
            *_tools(found),
            dearest(found, "conversations"),
        ],
        risks=["an agent that is stopped may still have to be helped: its task is not done"],
        proof="read the conversations named here and see whether the step could have succeeded",
    )


def _unseen(found: Found) -> Words:
    row = found.row
    return Words(
        title=f"Stop agents of {found.place} that seem to repeat one step",
        change=_limit(found, "the same tools and arguments"),
        facts=[
            f"{plural(row['calls'], 'call')} in {plural(row['episodes'], 'run')} repeated the same "
            f"tool calls after the {FREE}rd time, up to {row['size']} times",
            "the log has no results of tools, so a wait for something that changes looks the same",
            *_tools(found),
            dearest(found, "conversations"),
        ],
        risks=["a tool that waits, or whose answer changes, is asked again for a reason"],
        proof="log the results of tools: with them a loop can be told from a wait",
    )


def _long_run(found: Found) -> Words:
    row = found.row
    return Words(
        title=f"Look at agents of {found.place} that go on and on at one pace",
        change=f"end a conversation of {found.place} at {dollars(row['measure'])}, or ask its user "
        "whether to go on; in LiteLLM: max_iterations and max_budget_per_session",
        facts=[
            f"{plural(row['episodes'], 'stretch of tool turns').replace('turnss', 'turns')} up to "
            f"{row['size']} long, each turn of the same size, longer than 99 in 100 conversations",
            "the log does not say what the tools were asked: steady progress looks the same",
            f"counted are {plural(row['calls'], 'call')} after a conversation had cost more than "
            f"95 in 100 others ({dollars(row['measure'])})",
            dearest(found, "conversations"),
        ],
        risks=["an agent that works through many alike things has this shape too"],
        proof="log the arguments and results of tools: with them a loop can be told from progress",
    )


def _limit(found: Found, what: str) -> str:
    return (
        f"in the agent of {found.place}, keep a hash of {what} of each step, and end the turn, or "
        f"ask the user, when a cycle of up to 5 steps comes a {FREE + 1}th time; "
        f"begin with {found.worst[0].name}"
    )


def _tools(found: Found) -> list[str]:
    names = sorted({shown(name) for one in found.worst for name in one.tools})
    return [f"tools: {', '.join(names[:5])}"] if names else []


LOOP = Rule(
    "loop",
    Evidence(
        "E2",
        "likely",
        "equal tool calls with equal results in your own log; that the agent would do nothing dear "
        "instead is own judgement",
        (8, 3),
    ),
    0.5,
    _loop,
)
UNSEEN_LOOP = Rule(
    "unseen loop",
    Evidence(
        "E0",
        "suspected",
        "equal tool calls, but their results are not in the log; own judgement: one in three is a "
        "loop",
        (2, 4),
    ),
    0.5,
    _unseen,
)
LONG_TOOL_RUN = Rule(
    "long tool run",
    Evidence(
        "E0",
        "suspected",
        "only the number and size of the turns speak for it; own judgement: one in five is a loop",
        (1, 4),
    ),
    0.5,
    _long_run,
)
