"""A baseline: what each workflow consumed per unit of work, small enough to commit.

It holds consumption and no money, so that it can be priced at any time on any card.
"""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from tokman.errors import NothingToJudge, TokmanError
from tokman.query import run
from tokman.render.machine import quiet
from tokman.usage import QUANTITIES

if TYPE_CHECKING:
    import duckdb

    from tokman.rates import Card

FORMAT = 1

COUNTED = (*QUANTITIES, "reasoning_output_tokens")
"""What a group may have consumed."""

Whole = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
"""No sum or price of such counts leaves 64 bits."""

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
    calls: Annotated[int, msgspec.Meta(ge=1, le=10**15)]
    tokens: dict[str, Whole] = {}


class Work(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One workflow: its units of work and what they consumed."""

    workflow: str | None
    calls: Whole
    """That succeeded; the groups hold those that failed too, for they may have cost something."""
    conversations: Whole
    groups: list[Group]


class Baseline(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The file. One workflow a line in it, so that version control can merge it."""

    tokman_baseline: int
    created: str
    rate_card: str
    work: list[Work]


def take(connection: duckdb.DuckDBPyConnection, card: Card) -> Baseline:
    """The baseline of the charges in view `scope`; NothingToJudge if there are none."""
    connection.execute(
        "create or replace temp view work as select * replace "
        "(nullif(service_tier, 'standard') as service_tier) from scope"
    )
    units = run(connection, "check_units")
    if not any(unit["calls"] for unit in units):
        raise NothingToJudge("no successful calls to judge", "run `tokman ingest` first")
    groups: dict[str | None, list[Group]] = {}
    for row in run(connection, "check_groups", **_edges(card)):
        tokens = {name: row[name] for name in COUNTED if row[name]}
        plain = {
            name: row[name] for name in Group.__struct_fields__ if name in row and name != "tokens"
        }
        groups.setdefault(row["workflow"], []).append(Group(**plain, tokens=tokens))
    return Baseline(
        tokman_baseline=FORMAT,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rate_card=card.version,
        work=[Work(**unit, groups=groups[unit["workflow"]]) for unit in units],
    )


def _edges(card: Card) -> dict[str, list[Any]]:
    """Where the card's prices change with a prompt's length or the hour, at whatever date: calls
    on two sides of an edge are kept apart, though one price held for both when they were made."""
    names = ("provider_id", "model_id", "prompt_gt", "tod_from")
    rows = list(zip(*(card.table.column(name).to_pylist() for name in names), strict=True))
    return {
        "lengths": sorted({length for _, _, length, _ in rows if length is not None}),
        "hours": sorted({hour for _, _, _, hour in rows if hour}),
        "hourly": sorted({f"{owner}/{model}/" for owner, model, _, hour in rows if hour}),
    }


def save(connection: duckdb.DuckDBPyConnection, card: Card, path: Path) -> Baseline:
    """Write the baseline of `scope` to `path`, whole or not at all."""
    baseline = take(connection, card)
    encode = msgspec.json.encode
    head = ",\n".join(
        f"  {encode(name).decode()}: {encode(getattr(baseline, name)).decode()}"
        for name in ("tokman_baseline", "created", "rate_card")
    )
    lines = ",\n".join("    " + encode(work).decode() for work in baseline.work)
    _write(path, quiet(f'{{\n{head},\n  "work": [\n{lines}\n  ]\n}}\n'))
    return baseline


def _write(path: Path, text: str) -> None:
    """Put the text in the file, which until then is as it was; a link stays a link."""
    elsewhere = "name a file that can be written: tokman check --save baseline.json"
    try:
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            raise TokmanError(f"{path} is not a file", elsewhere)
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            draft.write_text(text, encoding="utf-8")
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise TokmanError(f"{path}: {error.strerror}", elsewhere) from error


def read(path: Path) -> Baseline:
    """The baseline in `path`; TokmanError where it is not one that this tokman can read."""
    again = "make it anew: tokman check --save"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TokmanError(f"{path}: {error.strerror}", f"{again} {path}") from error
    try:
        stated = msgspec.json.decode(content)
        version = stated.get("tokman_baseline") if isinstance(stated, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise TokmanError(f"{path} was made by a newer tokman", "upgrade tokman")
        if version != FORMAT:
            raise ValueError("it does not say tokman_baseline: 1")
        baseline = msgspec.convert(stated, Baseline)
        _proof(baseline)
    except (ValueError, RecursionError) as error:
        raise TokmanError(f"{path} is not a baseline: {error}", f"{again} {path}") from error
    if not baseline.work:
        raise NothingToJudge(f"{path} holds no work", f"{again} {path}")
    return baseline


def _proof(baseline: Baseline) -> None:
    """ValueError where the parts of the file contradict each other, as after a bad merge."""
    seen: set[str | None] = set()
    for work in baseline.work:
        name = "(unattributed)" if work.workflow is None else repr(work.workflow)
        if work.workflow in seen:
            raise ValueError(f"workflow {name} is in it twice")
        seen.add(work.workflow)
        held = sum(group.calls for group in work.groups)
        if not work.conversations <= work.calls <= held:
            raise ValueError(
                f"workflow {name} has {work.conversations} conversations of {work.calls} calls, "
                f"its groups {held}"
            )
        for group in work.groups:
            if unknown := set(group.tokens) - set(COUNTED):
                raise ValueError(f"no such quantity: {', '.join(sorted(unknown))}")
