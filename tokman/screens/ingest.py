"""What an ingest did, on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from tokman.render.cells import harmless, plural

if TYPE_CHECKING:
    from tokman.pieces import Ingested

NAMED_REJECTS = 10
"""Refused lines shown one by one; the rest is counted, and all are in --rejects FILE."""


def show(done: Ingested, to: TextIO) -> None:
    """What an ingest read, added and refused; goes to stderr, since an ingest answers nothing."""

    def say(text: str) -> None:
        to.write(harmless(text) + "\n")

    for reject in done.rejects[:NAMED_REJECTS]:
        place = f"{reject.path}:{reject.line}" if reject.line else reject.path
        say(f"{place}: {reject.reason}")
    if len(done.rejects) > NAMED_REJECTS:
        say(f"… and {len(done.rejects) - NAMED_REJECTS:,} more; --rejects FILE lists them all")
    read = ", ".join(f"{count:,} {name}" for name, count in sorted(done.files.items()))
    parts = [f"read {plural(sum(done.files.values()), 'file')}" + (f" ({read})" if read else "")]
    if done.unchanged:
        parts.append(f"{done.unchanged:,} unchanged")
    parts.append(f"{plural(done.added, 'call')} added")
    repeated = done.sightings - done.added - done.corrected
    if done.completed:
        parts.append(f"{done.completed:,} completed")
    if done.corrected:
        parts.append(f"{done.corrected:,} corrected")
    if done.removed:
        parts.append(f"{done.removed:,} taken out, read in their files no more")
    if repeated > 0:
        parts.append(f"{plural(repeated, 'repeat')} counted once")
    if done.matched:
        parts.append(f"{plural(done.matched, 'call')} matched by likeness")
    if done.statements:
        parts.append(f"{plural(done.stated, 'line')} of statements added or restated")
    if done.withdrawn:
        lines = plural(done.withdrawn, "line")
        parts.append(f"{lines} of statements taken out, in later ones no more")
    if done.rejects:
        parts.append(f"{plural(len(done.rejects), 'line')} refused")
    say(" · ".join(parts))
    if done.files and not (done.sightings or done.statements or done.rejects):
        say("nothing in what was read states what a model call used")
    if done.kept:
        say(
            f"{plural(done.kept, 'call')} also read where nothing can be read again: "
            "the fuller of what was read before and what is read now stands"
        )
    if done.written_over:
        say(
            "written over since they were read, so calls read of them before stay as they were: "
            + _named(done.written_over)
        )
    if done.not_logs:
        say(f"not logs, passed over: {_named(done.not_logs)}")


def _named(paths: list[str]) -> str:
    """The first three, by the last part of their path, and how many more."""
    names = ", ".join(path.rsplit("/", 1)[-1] for path in paths[:3])
    return names + (f" and {len(paths) - 3:,} more" if len(paths) > 3 else "")
