"""A table's columns converted as a whole: each distinct value once, the rest is looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tokman.sources.mapping.plan import Plan

REMEMBERED = 50_000
"""Distinct values of a column that are remembered."""


class Fault(str):
    """Why a value is refused, where a converted value would be."""


class Memo(dict[Any, Any]):
    """Value → converted value, each converted when it is first asked for; a value that is not
    there stays None, unless `missing` is None."""

    def __init__(self, convert: Callable[[Any], Any], missing: frozenset[str] | None) -> None:
        self._convert, self._missing = convert, missing
        self.faulty = False

    def __missing__(self, value: Any) -> Any:
        if len(self) >= REMEMBERED:
            self.clear()
        missing = self._missing
        if missing is not None and (value is None or _is_in(value, missing)):
            found = None
        else:
            try:
                found = self._convert(value)
            except ValueError as error:
                found, self.faulty = Fault(error), True
        self[value] = found
        return found


class Bulk:
    """One plan's conversions, for one file: a column of a table has one type throughout."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._memos = [
            (step, Memo(step.convert, plan.missing), step.when and Memo(step.when.holds, None))
            for step in plan.steps
        ]
        self._where = [(asked, Memo(asked.holds, None)) for asked in plan.where]
        self._refuse = [(asked, Memo(asked.holds, None)) for asked in plan.refuse]

    def given(
        self, columns: Sequence[list[Any]], size: int
    ) -> tuple[list[dict[str, Any] | None], dict[int, str]]:
        """The converted values of each row, None for a row that is no call; why rows are refused,
        by their index."""
        faults: dict[int, str] = {}
        names, lists = [], []
        for step, memo, asked in self._memos:
            merged: list[Any] = [None] * size
            for place in step.places:
                found = list(map(memo.__getitem__, columns[place]))
                merged = found if place == step.places[0] else _filled(merged, found)
            if step.const is not None:
                merged = [step.const if value is None else value for value in merged]
            if asked is not None and step.when is not None:
                holds = map(asked.__getitem__, columns[step.when.place])
                merged = [
                    v if held is True else None for v, held in zip(merged, holds, strict=True)
                ]
            if memo.faulty:
                _note(merged, faults)
            names.append(step.column)
            lists.append(merged)
        rows: list[dict[str, Any] | None] = [
            {name: value for name, value in zip(names, row, strict=True) if value is not None}
            for row in (zip(*lists, strict=True) if lists else [()] * size)
        ]
        for condition, memo in self._refuse:
            for index, held in enumerate(map(memo.__getitem__, columns[condition.place])):
                if held:
                    faults[index] = held if type(held) is Fault else condition.reason
        for condition, memo in self._where:
            for index, held in enumerate(map(memo.__getitem__, columns[condition.place])):
                if type(held) is Fault:
                    faults[index] = held
                elif not held:
                    rows[index] = None
                    faults.pop(index, None)
        return rows, faults


def _is_in(value: Any, missing: frozenset[str]) -> bool:
    return type(value) is str and value.strip() in missing


def _filled(first: list[Any], second: list[Any]) -> list[Any]:
    return [b if a is None else a for a, b in zip(first, second, strict=True)]


def _note(column: list[Any], faults: dict[int, str]) -> None:
    for index, value in enumerate(column):
        if type(value) is Fault:
            faults.setdefault(index, value)
