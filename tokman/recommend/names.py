"""Short names of recommendations, the same from run to run."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from tokman.errors import TokmanError

if TYPE_CHECKING:
    from tokman.recommend.lever import Cell

LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o or u to be misread."""

SHORTEST = 4
"""Letters of a name where no other begins alike."""


RENAMED: dict[tuple[str, str], str] = {}
"""Lever and the first name of a rule → its name now: ids are made of the first name and what people
judged is kept under it, so that both outlive a better name. A rename is a line here."""


def now(lever: str, first: str) -> str:
    """What a rule is called that was first called so."""
    return RENAMED.get((lever, first), first)


def first(lever: str, rule: str) -> str:
    """What a rule was first called."""
    return next((was for (of, was), name in RENAMED.items() if (of, name) == (lever, rule)), rule)


def full(lever: str, about: Cell) -> str:
    """26 letters made of the lever, its rule, and the workflow, provider and model concerned."""
    place = (about.workflow, about.provider, about.model)
    text = "\x1f".join(
        [lever, first(lever, about.rule), *("\x1e" if part is None else part for part in place)]
    )
    number = int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest()[:17])
    return "".join(LETTERS[number >> shift & 31] for shift in range(125, -1, -5))


def apart(name: str, times: int) -> str:
    """The name of a further cell of the very same place."""
    return name if times == 0 else f"{name}-{times + 1}"


def short(names: Iterable[str]) -> dict[str, str]:
    """Each full name with its shortest beginning that no other has."""
    known = sorted(set(names))
    found = {}
    for place, name in enumerate(known):
        beside = known[max(0, place - 1) : place] + known[place + 1 : place + 2]
        need = max((_alike(name, other) for other in beside), default=0) + 1
        found[name] = name[: max(SHORTEST, need)]
    return found


def meant(names: Iterable[str], stated: str) -> str:
    """The one full name that begins as stated; TokmanError where none or several do."""
    start = stated.strip().lower()
    found = sorted({name for name in names if name.startswith(start)}) if start else []
    exact = [name for name in found if name == start]
    if len(found) == 1 or exact:
        return (exact or found)[0]
    if found:
        longer = ", ".join(short(found)[name] for name in found[:5])
        raise TokmanError(f"several recommendations begin with {stated!r}", f"one of {longer}")
    raise TokmanError(
        f"no recommendation {stated!r} in this plan",
        "`tokman recommend` lists them; --since, --until, --where and tokman.toml change the plan",
    )


def _alike(one: str, other: str) -> int:
    """How many letters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
