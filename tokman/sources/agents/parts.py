"""A document that holds many calls: one that cannot be read does not hide the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tokman.sources.base import Refused
from tokman.usage import Usage

Part = TypeVar("Part")


def each(
    parts: list[Part], what: str, line: int, read: Callable[[Part], Iterable[Usage]]
) -> Iterator[Usage | Refused]:
    """The rows of every part; a part that is refused is named by its place."""
    for number, part in enumerate(parts, 1):
        try:
            yield from read(part)
        except (ValueError, RecursionError) as error:
            yield Refused(line, f"{what} {number} of {len(parts)}: {error}")
