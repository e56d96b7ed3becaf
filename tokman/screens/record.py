"""What a recording did, on stderr: the command's own output is left as it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

from tokman.render.cells import dollars, harmless, plural

if TYPE_CHECKING:
    from tokman.record import Recorded

NAMED = 10
"""Refused records shown one by one."""


def show(done: Recorded, to: TextIO, *, quiet: bool = False) -> None:
    """What was recorded, from where, and what was refused."""

    def say(text: str) -> None:
        to.write(harmless(text) + "\n")

    for line in _faults(done):
        say(line)
    if not quiet:
        say(_calls(done))
        if hint := _hint(done):
            say(f"hint: {hint}")


def _calls(done: Recorded) -> str:
    """How many calls, of which run and cases, and where they were read."""
    plan = done.plan
    commit, dirty = plan.git_commit or "", ""
    if commit.endswith("-dirty"):
        commit, dirty = commit[:-6], "-dirty"
    at = f" at {commit[:8]}{dirty}" if commit else ""
    on = f" ({plan.git_branch})" if plan.git_branch else ""
    parts = [f"{plural(done.calls, 'call')} recorded as run {plan.run_id}{at}{on}"]
    if done.cases:
        parts.append(plural(done.cases, "case"))
    if done.calls:
        parts.append(dollars(done.list_cost))
    for count, what in (
        (done.without_case, "without a case"),
        (done.unpriced, "unpriced"),
        (done.estimated, "with estimated tokens"),
        (done.earlier, "of an earlier run"),
    ):
        if count:
            parts.append(f"{count:,} {what}")
    if tally := done.tally:
        requests = plural(sum(tally.requests.values()), "request")
        parts.append(f"OpenTelemetry: {requests}, {plural(tally.spans, 'span')}")
        if tally.log_records:
            parts.append(plural(tally.log_records, "log record"))
    if plan.logs:
        parts.append(f"{plural(done.files, 'log')} read")
    return " · ".join(parts)


def _faults(done: Recorded) -> list[str]:
    """What was not taken, and why."""
    read, tally = done.done, done.tally
    lines = [
        f"{reject.path}:{reject.line}: {reject.reason}"
        if reject.line
        else f"{reject.path}: {reject.reason}"
        for reject in read.rejects[:NAMED]
    ]
    if len(read.rejects) > NAMED:
        lines.append(f"… and {len(read.rejects) - NAMED:,} more refused")
    if done.undated:
        lines.append(
            f"{plural(done.undated, 'call')} left out: their log was written over and does not say "
            "when they were made"
        )
    if read.statements:
        lines.append(
            f"{plural(read.statements, 'line')} of statements passed over: `tokman ingest` "
            "reads them"
        )
    for reason, count in sorted(tally.refused.items()) if tally else ():
        lines.append(f"{plural(count, 'OpenTelemetry request')} refused: {reason}")
    if tally and tally.failure:
        lines.append(f"error: what was received could not be kept: {tally.failure}")
    return lines


def _hint(done: Recorded) -> str | None:
    """What to do where nothing was recorded."""
    read, tally = done.done, done.tally
    if done.calls or done.earlier or read.rejects:
        return None
    if tally and tally.spans + tally.log_records:
        return "none of the spans is a model call that states tokens (gen_ai.usage.input_tokens)"
    for name, off in (("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")):
        if tally and os.environ.get(name, "").lower() == off:
            return f"{name}={off} keeps the command from exporting spans"
    if tally and not done.plan.logs:
        return "the command exported no spans; --log PATH reads what it logs"
    return "the command wrote to none of the logs" + (" and exported no spans" if tally else "")
