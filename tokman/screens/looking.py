"""What `tokman ingest --check` found: comments, and mappings to paste, all of it valid TOML."""

from __future__ import annotations

from typing import TextIO

from tokman.looking import Look
from tokman.render.cells import compact, harmless, percent, plural

NAMED_REJECTS = 5
"""Refused lines shown for each file; the rest is counted."""


def show(seen: Look, to: TextIO) -> None:
    """One file."""

    def say(text: str) -> None:
        to.write(f"# {harmless(text)}\n")

    outcome, rejects = seen.outcome, seen.outcome.rejects
    if seen.proposal:
        say(f"{seen.path}: no format tokman knows; a mapping for it:")
        to.write(seen.proposal)
        say(f"with this mapping: {_read(seen)}")
    elif outcome.source is not None:
        say(f"{seen.path}: {outcome.source} · {_read(seen)}")
        if seen.unverified:
            say(f"  {seen.unverified}")
    elif seen.named:
        say(f"{seen.path}: no format tokman knows, and {seen.doubt}")
    for reject in rejects[:NAMED_REJECTS] if outcome.source else ():
        say(f"  line {reject.line}: {reject.reason}" if reject.line else f"  {reject.reason}")
    if seen.proposal:
        to.write("\n")


def _read(seen: Look) -> str:
    tally = seen.tally
    whole = tally.input
    cached = f" ({percent(tally.cached / whole)} cached)" if whole and tally.cached else ""
    lines = seen.outcome.statements
    parts = [f"{plural(lines, 'line')} of statements"] if lines else []
    if tally.calls or not lines:
        parts += [
            plural(tally.calls, "call"),
            f"{compact(whole)} input{cached}",
            f"{compact(tally.output)} output tokens",
        ]
    if tally.failed:
        parts.append(f"{tally.failed:,} failed")
    if tally.hits:
        parts.append(f"{tally.hits:,} from a gateway's cache")
    parts.append(f"{plural(len(seen.outcome.rejects), 'line')} refused")
    if seen.sampled:
        parts.append("the beginning of the file only")
    return " · ".join(parts)
