"""How much of each prompt a cache would have held, at the times the calls really came.

A block's hash covers everything before it too: where it was seen before, so was all before it. A
cache has an entry for a block that some call marked, from the moment when the provider began to
answer that call; it lives while no more than a lifetime passes between two calls whose prompts
begin with it, for every use renews it. So the calls of one hash fall into spells without a longer
pause, and an entry is alive where an earlier call of the same spell marked it and has begun to be
answered. A call reads the last live entry that it looks at: its marks, and some blocks before each.

static  one mark (automatic caches mark every block)
rolling a second mark at the end; stepped: two more, a look-back apart
warm    as static, if what comes before the first answer begins had waited for it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

BLOCKS = 500_000
"""About as many blocks are sorted at once."""
SPANS = ("short", "long")
MARKED = ("static", "rolling", "stepped")
FOUND = [f"{kind}_{span}" for kind in (*MARKED, "warm") for span in SPANS]
NEVER = -(1 << 62)


class Prompts(NamedTuple):
    """Prompts of one path in the order in which they came: a value for each, but for `prefix`."""

    prefix: Array
    """What stands for each block and all before it: those of a prompt in a row."""
    length: Array
    """Blocks."""
    static: Array
    """Blocks up to the mark that stays."""
    automatic: Array
    lookback: Array
    now: Array
    """Microseconds, as all times."""
    begun: Array
    """When the answer begins."""
    short: Array
    long: Array
    """Lifetimes."""


def replay(prompts: Prompts, owner: Array, parts: list[Array]) -> dict[str, Array]:
    """Blocks of each prompt that are found, 0 if none, and the time since the mark that stays was
    seen and until it is seen again, -1 if never."""
    count = len(prompts.length)
    found = {name: np.zeros(count, np.int64) for name in FOUND}
    found |= {name: np.full(count, -1) for name in ("gap", "next_gap")}
    starts = np.cumsum(prompts.length) - prompts.length
    # Times as numbers of calls before them, so that a spell and a time fit into 63 bits.
    came = np.searchsorted(prompts.now, prompts.now)
    answered = np.searchsorted(prompts.now, prompts.begun)
    for rows in parts:
        of = owner[rows]
        place = rows - starts[of] + 1
        fresh = fresh_in(prompts.prefix[rows])
        gap = np.diff(prompts.now[of], prepend=0)
        static, length, back = prompts.static[of], prompts.length[of], prompts.lookback[of]
        stays = place == static
        known = stays & ~fresh
        found["gap"][of[known]] = gap[known]
        known = stays & np.append(~fresh[1:], False)
        found["next_gap"][of[known]] = np.append(gap[1:], 0)[known]
        fixed = prompts.automatic[of] | stays
        rolling = fixed | (place == length)
        stepped = rolling | (place == length - back) | (place == length - 2 * back)
        near = (place <= static) & (place > static - back)
        looks = {
            "static": (fixed, near),
            "rolling": (rolling, near | (place > length - back)),
            "stepped": (stepped, near | (place > length - 3 * back)),
        }
        for span in SPANS:
            late = fresh | (gap > getattr(prompts, span)[of])
            spell = np.cumsum(late) << 32
            begun, now = spell - answered[of], spell - came[of]
            # The greatest of the marks before is that of this spell to be answered first.
            for kind, (marks, seen) in looks.items():
                first = np.maximum.accumulate(np.where(marks, begun, NEVER))
                hit = np.append(False, first[:-1] >= now[1:]) & seen
                np.maximum.at(found[f"{kind}_{span}"], of[hit], place[hit])
            hit = near & ~late
            np.maximum.at(found[f"warm_{span}"], of[hit], place[hit])
    return found


def sighted(prefix: Array) -> list[Array]:
    """Blocks that were seen more than once, those of one prefix together, first come first."""
    parts = len(prefix) // BLOCKS + 1
    part = prefix % parts
    found = []
    for number in range(parts):
        rows = np.flatnonzero(part == number)
        rows = rows[np.argsort(prefix[rows], kind="stable")]
        fresh = fresh_in(prefix[rows])
        rows = rows[~(fresh & np.append(fresh[1:], True))]
        if len(rows):
            found.append(rows)
    return found


def fresh_in(prefix: Array) -> Array:
    """Where another prefix begins."""
    return np.append(np.ones(min(len(prefix), 1), bool), prefix[1:] != prefix[:-1])
