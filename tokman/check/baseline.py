"""A baseline: what each workflow consumed per unit of work, small enough to commit.

It holds consumption and no money, so that it can be priced at any time on any card.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from tokman.errors import NothingToJudge, TokmanError
from tokman.render.machine import quiet
from tokman.usage import QUANTITIES

FORMAT = 2

COUNTED = (*QUANTITIES, "reasoning_output_tokens")
"""What a group may have consumed."""

Whole = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
"""No sum or price of such counts leaves 64 bits."""

Several = Annotated[int, msgspec.Meta(ge=1, le=10**15)]

Clock = Annotated[int, msgspec.Meta(ge=0, lt=86_400_000_000)]


class Group(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Calls of one workflow that share a price per token, and their tokens added up."""

    provider_name: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    rate_id: str | None = None
    response_cache_hit: bool = False
    output_basis: Literal["final", "partial"] = "final"
    """partial: the log of these calls states no token at all."""
    time_of_day: Clock = 0
    """Microseconds since midnight UTC of the earliest of the calls."""
    calls: Several
    tokens: dict[str, Whole] = {}


class Part(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What a sample consumed of one group."""

    group: Whole
    """Its place in `Work.groups`, from 0."""
    calls: Several
    tokens: list[Whole]
    """In the order of the group's own."""


class Sample(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """One cluster of calls that depend on each other: a conversation, a case, an outcome."""

    stands_for: Several
    """How many clusters like it there were, itself included."""
    calls: Whole
    """That succeeded."""
    conversations: Whole
    judged: Whole
    successes: Whole
    case: str | None
    parts: list[Part]


class Work(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One workflow: its units of work and what they consumed."""

    workflow: str | None
    saved: str
    """The date (UTC)."""
    calls: Whole
    """That succeeded; the groups hold those that failed too, for they may have cost something."""
    conversations: Whole
    judged: Whole
    """Outcomes that are known."""
    successes: Whole
    groups: list[Group]
    samples: list[Sample]
    """All clusters, or the dearest and a systematic sample of the others, cheapest first."""
    seal: str
    """Hash of all the rest, for a figure changed by hand is no measurement."""


class Baseline(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The file. One workflow a line in it, so that version control can merge it."""

    tokman_baseline: int
    work: list[Work]


def text_of(baseline: Baseline) -> str:
    """The file's text. A line that never changes is between any two workflows, so that changes of
    neighbours do not conflict."""
    lines = "\n,\n".join(msgspec.json.encode(work).decode() for work in baseline.work)
    return quiet(f'{{"tokman_baseline": {FORMAT}, "work": [\n{lines}\n]}}\n')


def sealed(work: Work) -> Work:
    """The workflow as a file has it, with the seal that belongs to it."""
    bare = msgspec.json.encode(msgspec.structs.replace(work, seal=""))
    read = msgspec.json.decode(bare, type=Work)
    content = msgspec.json.encode(read)
    return msgspec.structs.replace(read, seal=blake2b(content, digest_size=8).hexdigest())


def read(path: Path) -> Baseline:
    """The baseline in `path`; TokmanError where it is not one that this tokman can read."""
    again = f"make it anew on the main branch: tokman check --save {path}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TokmanError(f"{path}: {error.strerror}", again) from error
    try:
        stated = msgspec.json.decode(content)
        _readable(path, stated, again)
        baseline = msgspec.convert(stated, Baseline)
        _proof(baseline)
    except (ValueError, RecursionError) as error:
        raise TokmanError(f"{path} is not a baseline: {error}", again) from error
    if not baseline.work:
        raise NothingToJudge(f"{path} holds no work", again)
    return baseline


def line_of(path: Path, workflow: str | None) -> int:
    """The line of the file (from 1) that is about a workflow; 1 where none is."""
    begins = quiet(f'{{"workflow":{msgspec.json.encode(workflow).decode()},')
    with path.open(encoding="utf-8", errors="replace") as lines:
        return next((at for at, line in enumerate(lines, 1) if line.startswith(begins)), 1)


def _readable(path: Path, stated: Any, again: str) -> None:
    """TokmanError or ValueError where the file is of another kind or version."""
    version = stated.get("tokman_baseline") if isinstance(stated, dict) else None
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError(f"it does not say tokman_baseline: {FORMAT}")
    if version > FORMAT:
        raise TokmanError(f"{path} was made by a newer tokman", "upgrade tokman")
    if version < FORMAT:
        raise TokmanError(
            f"{path} was made by an older tokman: it has totals and no samples to tell a change "
            "from chance by",
            again,
        )
    if "currency" in stated:
        raise ValueError("it states a currency; a baseline holds consumption and no money")


def _proof(baseline: Baseline) -> None:
    """ValueError where the parts of the file contradict each other, as after a bad merge."""
    seen: set[str | None] = set()
    for work in baseline.work:
        name = "(unattributed)" if work.workflow is None else repr(work.workflow)
        if work.workflow in seen:
            raise ValueError(f"workflow {name} is in it twice")
        seen.add(work.workflow)
        if work.seal != sealed(work).seal:
            raise ValueError(f"workflow {name} was changed after it was saved")
        held = sum(group.calls for group in work.groups)
        clusters = sum(sample.stands_for for sample in work.samples)
        if not work.calls <= held or not 1 <= clusters <= held or work.successes > work.judged:
            raise ValueError(f"the counts of workflow {name} contradict each other")
        for group in work.groups:
            if unknown := set(group.tokens) - set(COUNTED):
                raise ValueError(f"no such quantity: {', '.join(sorted(unknown))}")
        for sample in work.samples:
            for part in sample.parts:
                if part.group >= len(work.groups):
                    raise ValueError(f"a sample of workflow {name} names no group {part.group}")
                if len(part.tokens) != len(work.groups[part.group].tokens):
                    raise ValueError(f"a sample of workflow {name} does not fit its group")
