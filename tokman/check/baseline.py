"""A baseline: what each workflow consumed per unit of work, small enough to commit.

It holds consumption and no money, so that it can be priced at any time on any card.
"""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from tokman.errors import NothingToJudge, TokmanError
from tokman.query import run
from tokman.usage import QUANTITIES

if TYPE_CHECKING:
    import duckdb

FORMAT = 1

Whole = Annotated[int, msgspec.Meta(ge=0)]


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
    time_of_day: Whole = 0
    calls: Annotated[int, msgspec.Meta(ge=1)]
    tokens: dict[str, Whole] = {}


class Work(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One workflow: its units of work and what they consumed."""

    workflow: str | None
    calls: Whole
    conversations: Whole
    groups: list[Group]


class Baseline(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The file. One workflow a line in it, so that version control can merge it."""

    tokman_baseline: int
    created: str
    rate_card: str
    work: list[Work]


def take(connection: duckdb.DuckDBPyConnection, rate_card: str) -> Baseline:
    """The baseline of the charges in view `scope`; NothingToJudge if there are none."""
    connection.execute(
        "create or replace temp view work as select * replace "
        "(nullif(service_tier, 'standard') as service_tier) from scope"
    )
    units = run(connection, "check_units").to_dicts()
    if not any(unit["calls"] for unit in units):
        raise NothingToJudge("no successful calls to judge", "run `tokman ingest` first")
    groups: dict[str | None, list[Group]] = {}
    counted = (*QUANTITIES, "reasoning_output_tokens")
    for row in run(connection, "check_groups").to_dicts():
        tokens = {name: row[name] for name in counted if row[name]}
        plain = {
            name: row[name] for name in Group.__struct_fields__ if name in row and name != "tokens"
        }
        groups.setdefault(row["workflow"], []).append(Group(**plain, tokens=tokens))
    return Baseline(
        tokman_baseline=FORMAT,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rate_card=rate_card,
        work=[Work(**unit, groups=groups[unit["workflow"]]) for unit in units],
    )


def save(connection: duckdb.DuckDBPyConnection, rate_card: str, path: Path) -> Baseline:
    """Write the baseline of `scope` to `path`, whole or not at all."""
    baseline = take(connection, rate_card)
    encode = msgspec.json.encode
    head = ",\n".join(
        f"  {encode(name).decode()}: {encode(getattr(baseline, name)).decode()}"
        for name in ("tokman_baseline", "created", "rate_card")
    )
    lines = ",\n".join("    " + encode(work).decode() for work in baseline.work)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.write_text(f'{{\n{head},\n  "work": [\n{lines}\n  ]\n}}\n')
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return baseline


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
        baseline = msgspec.convert(stated, Baseline)
        for work in baseline.work:
            for group in work.groups:
                unknown = set(group.tokens) - {*QUANTITIES, "reasoning_output_tokens"}
                if unknown:
                    raise ValueError(f"no such quantity: {', '.join(sorted(unknown))}")
    except (ValueError, RecursionError) as error:
        raise TokmanError(f"{path} is not a baseline: {error}", f"{again} {path}") from error
    if not baseline.work:
        raise NothingToJudge(f"{path} holds no work", f"{again} {path}")
    return baseline
