"""Why a prompt cache is not read where it could be: causes with names, and what each one costs."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tokman.recommend.options import priced

if TYPE_CHECKING:
    from tokman.recommend.lever import Scene

UNCACHED = "below the minimum"
"""Prompts too short for any cache: nothing is lost there."""

WORDS: dict[str, tuple[str, str]] = {
    # cause: what the calls do, what helps
    "order of tools": ("send the same tools in another order", "sort the tools by name"),
    "other tools": (
        "send other tools than the turn before",
        "send all tools from the first turn on, or load further ones by tool search",
    ),
    "date or id in the prefix": (
        "differ in a date, a time or an id before the end of the system prompt",
        "move it into the last message",
    ),
    "other model": (
        "follow a turn on another model, whose cache they cannot read",
        "keep one model for a conversation",
    ),
    "other effort": (
        "follow a turn of another reasoning effort",
        "keep one effort for a conversation",
    ),
    "died before use": ("came after the cache had died", "let it live longer, if that pays"),
    "cold start in parallel": (
        "came before the first answer had begun",
        "send one call ahead and the others when its answer begins",
    ),
    "not marked": ("follow a call that marked nothing", "put the marks on every call"),
    "look-back": (
        "add more parts than a mark looks back over",
        "put a second mark in the middle of what is added",
    ),
    "mark behind a change": (
        "begin like the call before, but are marked only behind the part that differs",
        "put a mark on the last part that stays the same",
    ),
    "routing": (
        "begin like the call before, in time, and were sent to a machine that had not seen it",
        "set prompt_cache_key where the provider knows it, one for each shared beginning",
    ),
    UNCACHED: ("share less than the provider caches", "nothing, unless the shared part grows"),
}


class Cause(NamedTuple):
    """One cause in one cell."""

    name: str
    calls: int
    missed: int
    """Tokens that could have been read from the cache and were not."""
    usd: Decimal
    """What the calls would have cost less had they been read."""

    def __str__(self) -> str:
        what, _ = WORDS[self.name]
        return f"{self.calls:,} calls {what}: {self.missed:,} tokens not read (${self.usd:,.2f})"

    @property
    def remedy(self) -> str:
        """What helps."""
        return WORDS[self.name][1]


def causes(scene: Scene) -> dict[int, list[Cause]]:
    """Causes of each cell of the table `caching` that is watched, the dearest first."""
    scene.make("causes", "cache_causes")
    counted = scene.ask("cache_causes_cells")
    if not counted:
        return {}
    scene.make("caused", "cache_caused")
    lost = priced(scene, "caused")
    found: dict[int, list[Cause]] = {}
    for row in counted:
        price = lost.get(row["cell"], {}).get(row["cause"])
        missed = row["missed"] if price else 0
        usd = price.saved if price else Decimal(0)
        found.setdefault(row["cell"], []).append(Cause(row["cause"], row["calls"], missed, usd))
    for each in found.values():
        each.sort(key=lambda cause: (-cause.usd, cause.name))
    return found
