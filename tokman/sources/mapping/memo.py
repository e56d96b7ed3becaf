"""Values converted by column: each distinct one once, the rest is looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tokman.sources.mapping.paths import Found
from tokman.sources.mapping.plan import LONG, Plan

REMEMBERED = 10_000
"""Distinct values of a column that are remembered."""

LONGEST_TAGS = 1000
"""Characters of the texts that tags come from, to be remembered."""

_TEXTS = frozenset((str, bytes, type(None)))
"""Of which values of different types are never equal."""


class Fault(str):
    """Why a value is refused, where a converted value would be."""


class Memo(dict[Any, Any]):
    """Value → converted value, each converted when it is first asked for; a value that is not
    there stays None, unless `missing` is None."""

    def __init__(self, convert: Callable[[Any], Any], missing: frozenset[str] | None) -> None:
        self._convert, self._missing = convert, missing

    def __missing__(self, value: Any) -> Any:
        found = self._converted(value)
        if not (isinstance(value, str | bytes) and len(value) > LONG):
            if len(self) >= REMEMBERED:
                self.clear()
            self[value] = found
        return found

    def _converted(self, value: Any) -> Any:
        missing = self._missing
        if missing is not None and (
            value is None or (type(value) is str and value.strip() in missing)
        ):
            return None
        try:
            return self._convert(value)
        except ValueError as error:
            return Fault(error)


class Tags:
    """The tags of a plan's calls, column after column."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._known: dict[tuple[Any, ...], list[str] | None] = {}

    def column(self, found: Found, empty: list[Any]) -> list[Any]:
        """The tags of each call; texts seen before are not looked into again."""
        places = [place for place, _ in self._plan.tags]
        written = [found.values[place] for place in places]
        if all(column == empty for column in written):
            return empty
        of_texts = all(_TEXTS.issuperset(map(type, column)) for column in written)
        opened = zip(*(found.opened[place] for place in places), strict=True)
        if not of_texts:
            return list(map(self._plan.tagged, opened))
        texts = zip(*written, strict=True)
        return [self._of(key, values) for key, values in zip(texts, opened, strict=True)]

    def _of(self, texts: tuple[Any, ...], values: tuple[Any, ...]) -> list[str] | None:
        try:
            return self._known[texts]
        except KeyError:
            found = self._plan.tagged(values)
        if sum(len(text) for text in texts if text) <= LONGEST_TAGS:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[texts] = found
        return found


class Conversion:
    """One conversion, of column after column."""

    def __init__(self, convert: Callable[[Any], Any], missing: frozenset[str] | None) -> None:
        self._convert, self._missing = convert, missing
        self._memos: dict[type, Memo] = {}

    def column(self, values: Sequence[Any]) -> list[Any]:
        """The converted values, a fault where one cannot be converted."""
        kinds = set(map(type, values)) - _TEXTS
        if len(kinds) < 2:
            return list(map(self._memo(kinds.pop() if kinds else str).__getitem__, values))
        return [self._memo(type(value))[value] for value in values]

    def _memo(self, kind: type) -> Memo:
        """The memo for values of this type: 1, 1.0 and True are one key, but not one value."""
        if kind not in self._memos:
            self._memos[kind] = Memo(self._convert, self._missing)
        return self._memos[kind]
