"""Calls by one word: the run that made them, a tag, the branch or the commit that ran."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from tokman.errors import NothingToJudge
from tokman.query import literal

if TYPE_CHECKING:
    import duckdb

HEX = re.compile(r"[0-9a-f]{7,40}")

LISTED = 5
"""Runs that a hint names."""


def condition(
    connection: duckdb.DuckDBPyConnection, name: str, commit_of: Callable[[str], str | None]
) -> str:
    """SQL for the calls of that name, in the first sense in which there are some: a run, a tag, a
    branch, a commit as the ledger has it, else as `commit_of` (git) understands the name.

    Changed files make a commit another one, which only its full name means. NothingToJudge where
    no call has the name.
    """
    text = literal(name)
    senses = [f"run_id = {text}", f"list_contains(tags, {text})", f"git_branch = {text}"]
    senses += [f"git_commit = {text}", *([_commit(name)] if HEX.fullmatch(name) else [])]
    for sense in senses:
        if _any(connection, sense):
            return sense
    if (commit := commit_of(name)) and _any(connection, _commit(commit)):
        return _commit(commit)
    runs = connection.execute(
        "select run_id from charges where run_id is not null group by run_id "
        "order by max(started_at) desc, run_id limit $most",
        {"most": LISTED},
    ).fetchall()
    known = f"the latest runs: {', '.join(run for (run,) in runs)}" if runs else "no run recorded"
    raise NothingToJudge(
        f"no calls of a run, tag, branch or commit {name!r}",
        f"{known}; `tokman sql 'select distinct unnest(tags) from charges'` lists tags",
    )


def _commit(start: str) -> str:
    return f"starts_with(git_commit, {literal(start)}) and not ends_with(git_commit, '-dirty')"


def _any(connection: duckdb.DuckDBPyConnection, sense: str) -> bool:
    found = connection.sql(f"select exists(from charges where {sense})").fetchall()
    return bool(found[0][0])
