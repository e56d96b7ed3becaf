"""The tokens of each prompt that a cache would have held, on each path.

path    blocks: the prompt as it was; steady: tools and system prompt, as if the dates and ids in
        them stood behind; tools: the tools, as if their order never changed
static  the mark that stays: after as many blocks behind the system prompt as half of the calls
        share with another conversation; after all, where the cache is automatic
Bytes of blocks are scaled to the tokens that the call reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tokman import sql
from tokman.recommend.replay import FOUND, Prompts, fresh_in, replay, sighted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from tokman.recommend.lever import Scene
    from tokman.recommend.replay import Array

CALLS = 1_000_000
"""Calls that are replayed at once, if they are of several cells: what one cell writes, no other
reads."""
REACH = {
    "path": "varchar",
    "call": "bigint",
    "tie": "ubigint",
    "cell": "integer",
    "tokens": "bigint",
    "marked_tokens": "bigint",
    "read_today": "bigint",
    "written_today": "bigint",
    "gap": "bigint",
    "next_gap": "bigint",
    "again": "boolean",
    "held_on": "boolean",
    "static_tokens": "bigint",
    **dict.fromkeys(FOUND, "bigint"),
}


def reach(scene: Scene) -> None:
    """Table `reach`: the calls of the table `caching` whose blocks are hashed, on each path, with
    the tokens that each way to mark them would have found in a cache."""
    connection = scene.connection
    scene.note("reach", REACH, [])
    hashed = "select cell, calls from caching where hashed order by cell"
    for cells in _batches(connection.execute(hashed).fetchall()):
        calls = connection.sql(
            sql.text("recommend/cache_prompts"), params={"cells": cells}
        ).to_arrow_table()
        for path in _paths(calls) if calls.num_rows else ():
            connection.register("replayed", path)
            connection.execute("insert into reach by name from replayed")
            connection.unregister("replayed")


def _batches(counted: list[tuple[int, int]]) -> Iterator[list[int]]:
    """Cells to replay together."""
    cells: list[int] = []
    gathered = 0
    for cell, calls in counted:
        if cells and gathered + calls > CALLS:
            yield cells
            cells, gathered = [], 0
        cells.append(cell)
        gathered += calls
    if cells:
        yield cells


def _paths(calls: pa.Table) -> Iterator[pa.Table]:
    """The rows of `reach` of these calls, path by path."""
    columns = {
        name: calls[name].to_numpy()
        for name in calls.column_names
        if name not in ("hashes", "sizes", "tools_prefix", "steady_prefix")
    }
    prompts, owner = _blocks(calls, columns)
    shared = sighted(prompts.prefix)
    static = _static(prompts, columns, owner, shared)
    prompts = prompts._replace(static=static)
    sizes = _flat(calls, "sizes")
    ends = np.cumsum(sizes)
    starts = np.cumsum(prompts.length) - prompts.length
    before = ends[starts] - sizes[starts]

    def tokens(which: Array, blocks: Array) -> Array:
        """Of as many blocks at the beginning of the calls `which`; exact, however large."""
        last = starts[which] + np.maximum(blocks, 1) - 1
        held = np.where(blocks > 0, ends[last] - before[which], 0)
        of, whole = columns["tokens"][which], columns["bytes"][which]
        if int(whole.max(initial=0)) * int(of.max(initial=0)) >= 1 << 63:
            held, of = held.astype(object), of.astype(object)
        scaled: Array = held * of // np.maximum(whole, 1)
        return scaled.astype(np.int64)

    whole = np.arange(len(static))
    found = replay(prompts, owner, shared)
    yield _rows("blocks", columns, whole, static, found, tokens)
    for path, end in (("steady", "system_end"), ("tools", "tools_end")):
        prefix = calls[f"{path}_prefix"]
        which = np.flatnonzero(prefix.is_valid().to_numpy())
        if not len(which):
            continue
        one = np.ones(len(which), np.int64)
        own = prefix.drop_null().to_numpy()
        some = Prompts(own, one, one, *(each[which] for each in prompts[3:]))
        found = replay(some, whole[: len(which)], sighted(own))
        until = columns[end][which]
        found |= {name: np.where(found[name] > 0, until, 0) for name in FOUND}
        yield _rows(path, columns, which, until, found, tokens)


def _rows(
    path: str,
    columns: dict[str, Array],
    which: Array,
    static: Array,
    found: dict[str, Array],
    tokens: Callable[[Array, Array], Array],
) -> pa.Table:
    """Rows of `reach`: the calls `which`, the blocks up to their mark that stays, and `found`."""
    import pyarrow as pa

    kept = ("call", "tie", "cell", "tokens", "read_today", "written_today")
    some = {name: columns[name][which] for name in kept}
    gaps = {name: pa.array(found[name], mask=found[name] < 0) for name in ("gap", "next_gap")}
    return pa.table(
        {
            "path": pa.array([path]).take(pa.array(np.zeros(len(which), np.int64))),
            **some,
            "marked_tokens": some["tokens"],
            **gaps,
            "static_tokens": tokens(which, static),
            **{name: tokens(which, found[name]) for name in FOUND},
        }
    )


def _flat(calls: pa.Table, lists: str) -> Array:
    return np.concatenate([chunk.flatten().to_numpy() for chunk in calls[lists].chunks])


def _blocks(calls: pa.Table, columns: dict[str, Array]) -> tuple[Prompts, Array]:
    """Whole prompts, and whose each of their blocks is."""
    length = columns["blocks"]
    owner = np.repeat(np.arange(len(length), dtype=np.int32), length)
    place = np.arange(len(owner)) - (np.cumsum(length) - length)[owner] + 1
    pool = np.where(
        place > columns["system_end"][owner], columns["message_pool"][owner], columns["pool"][owner]
    )
    kept = (columns[name] for name in Prompts._fields[3:])
    return Prompts(_flat(calls, "hashes") ^ pool, length, length, *kept), owner


def _static(prompts: Prompts, columns: dict[str, Array], owner: Array, parts: list[Array]) -> Array:
    """Blocks before the mark that stays."""
    shared = np.zeros(len(owner), bool)
    for rows in parts:
        fresh = fresh_in(prompts.prefix[rows])
        talk = columns["conversation"][owner[rows]]
        other = ~fresh & np.append(False, talk[1:] != talk[:-1])
        first = np.flatnonzero(fresh)
        several = np.logical_or.reduceat(other, first)
        shared[rows] = np.repeat(several, np.diff(np.append(first, len(rows))))
    starts = np.cumsum(prompts.length) - prompts.length
    place = np.arange(len(owner)) - starts[owner] + 1
    run = np.maximum.reduceat(np.where(shared, place, 0), starts)
    cell, system = columns["cell"], columns["system_end"]
    depth = np.zeros(cell.max() + 1, np.int64)
    ordered = np.lexsort((run - system, cell))
    ordered = ordered[run[ordered] > 0]
    cells, first, calls = np.unique(cell[ordered], return_index=True, return_counts=True)
    depth[cells] = (run - system)[ordered[first + (calls - 1) // 2]]
    behind = np.clip(system + depth[cell], 0, prompts.length)
    return np.where(prompts.automatic, prompts.length, behind)
