"""Jobs that run and run and whose answers nobody seems to read."""

from __future__ import annotations

from tokman.recommend.lever import Evidence
from tokman.recommend.stop.rule import Found, Rule, Words, dearest, plural, span


def _idle(found: Found) -> Words:
    row = found.row
    return Words(
        title=f"Ask who reads the answers of {found.place}",
        change=f"find the owner of the job that runs every {span(row['measure'])} (usually at "
        f"{row['usual_time']} UTC); if nobody reads it, end it, else run it once a day",
        facts=[
            f"{plural(row['size'], 'run')}, one every {span(row['measure'])}: the same prompt and "
            "the same answer in 19 of 20 calls or more",
            "no user, no tool call and no outcome is logged that would show a use of it; one run a "
            "day is left as it is",
            dearest(found, "jobs"),
        ],
        risks=["a watch that has had nothing to report yet looks the same: never stop it unasked"],
        proof="ask its owner, or run it once a day for a week and see who misses it",
    )


IDLE_JOB = Rule(
    "idle job",
    Evidence(
        "E0",
        "suspected",
        "nothing in the log shows that its answers are used; own judgement: one in three is idle",
        (2, 4),
    ),
    0.25,
    _idle,
)
