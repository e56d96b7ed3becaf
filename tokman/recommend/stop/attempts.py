"""Requests that were sent too often or gave nothing: retries, failures, cut and doubled answers."""

from __future__ import annotations

from tokman.recommend.lever import Evidence
from tokman.recommend.stop.rule import Found, Rule, Words, dearest, plural, shown

LAYERS = {4: 2, 9: 3, 16: 4}
"""Attempts that two layers make which each try so often, such as a client and a gateway."""


def _storm(found: Found) -> Words:
    row = found.row
    facts = [
        f"{plural(row['episodes'], 'request')} sent {row['usual_size']} times as a rule and up to "
        f"{row['size']} times, each within two minutes of a failure; "
        f"{plural(row['calls'], 'attempt')} that were billed gave nothing",
    ]
    layers = LAYERS.get(row["usual_size"])
    if layers:
        facts.append(
            f"{row['usual_size']} attempts are {layers} × {layers}: two layers that each try "
            f"{layers} times, such as the client library and a gateway"
        )
    return Words(
        title=f"Retry in one layer only for {found.place}",
        change="set max_retries=0 in the client library (OpenAI and Anthropic clients retry twice "
        "by themselves) and keep 2 retries in the gateway (LiteLLM: num_retries: 2, Portkey: "
        "retry.attempts 2), with a timeout longer than your longest answers",
        facts=[*facts, *_errors(found), dearest(found, "requests")],
        risks=[
            "where the last attempt succeeded, a lower limit would have lost that answer; the "
            "cause of the failures remains to be found",
        ],
        proof="compare the attempts of a request in the client's log with those in the gateway's",
    )


def _error(found: Found) -> Words:
    row = found.row
    return Words(
        title=f"Find out why calls of {found.place} fail after they were billed",
        change="a stream that breaks off and a client that times out pay for what was generated: "
        "raise the timeout over the longest answers, and lower max_tokens; "
        f"begin with {found.worst[0].name}",
        facts=[
            f"{plural(row['calls'], 'failed call')} with usage on {plural(row['days'], 'day')}",
            *_errors(found),
            dearest(found, "calls"),
        ],
        risks=[
            "a call that is mended costs as much as one that fails: what is saved is its repeat"
        ],
        proof="look up whether these requests were sent again afterwards",
    )


def _cut(found: Found) -> Words:
    row = found.row
    limit = f" (at most {row['measure']:,.0f} tokens today)" if row["measure"] else ""
    return Words(
        title=f"Give answers of {found.place} the room their JSON needs",
        change=f"raise max_tokens{limit} over the longest whole answer, or ask for shorter fields",
        facts=[
            f"{plural(row['calls'], 'answer')} in a prescribed form ended at the limit of tokens: "
            "JSON that is cut off cannot be read",
            dearest(found, "calls"),
        ],
        risks=["longer answers cost more each; a parser that mends JSON may have used these"],
        proof="count the parse errors of these calls",
    )


def _double(found: Found) -> Words:
    row = found.row
    return Words(
        title=f"Send requests of {found.place} once",
        change="disable the button, or drop the event, until the first answer is there; give each "
        "request an idempotency key and let the gateway refuse a second one within 10 seconds",
        facts=[
            f"{plural(row['episodes'], 'request')} sent {row['usual_size']} times or more by one "
            f"asker within {max(1, row['measure']):.0f} seconds, both answered; "
            f"{plural(row['calls'], 'later call')} counted",
            "nowhere else in the log do these requests come again",
            dearest(found, "calls"),
        ],
        risks=["asking twice on purpose, to compare the answers, looks alike where it is rare"],
        proof="look for two equal events of one user in the application's own log",
    )


def _errors(found: Found) -> list[str]:
    error = found.row["usual_error"]
    return [f"most often: {shown(error)}"] if error else []


RETRY_STORM = Rule(
    "retry storm",
    Evidence(
        "E2",
        "likely",
        "attempts after failures, as billed in your own log; own judgement: a third would still be "
        "needed",
        (6, 3),
    ),
    0.5,
    _storm,
)
BILLED_ERROR = Rule(
    "billed error",
    Evidence(
        "E2",
        "exact",
        "failures that were billed; own judgement: half can be avoided and would not be paid again",
        (3, 3),
    ),
    1.0,
    _error,
)
CUT_ANSWER = Rule(
    "cut answer",
    Evidence(
        "E2",
        "exact",
        "answers that ended at their limit inside JSON; own judgement: half would be paid again",
        (3, 3),
    ),
    0.25,
    _cut,
)
DOUBLE_SUBMIT = Rule(
    "double submit",
    Evidence(
        "E2",
        "likely",
        "equal requests of one asker within seconds; own judgement: four in five are accidents",
        (8, 2),
    ),
    0.5,
    _double,
)
