"""What a plan makes of many records, column by column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import msgspec

from tokman.sources.mapping.memo import Conversion, Fault, Tags
from tokman.sources.mapping.paths import Found, either
from tokman.sources.mapping.plan import Plan, Step
from tokman.sources.mapping.spec import INPUT_PARTS
from tokman.usage import Usage

COUNTED = ("input_tokens", *INPUT_PARTS, "output_tokens", "reasoning_output_tokens")
ASIDE = ("total_tokens", "call_id", "ended_at")
"""Columns of a mapping that do not go into a row as they are."""

_DEFAULTS = {
    field.name: field.default
    for field in msgspec.structs.fields(Usage)
    if field.default not in (msgspec.NODEFAULT, None)
}


class Given(NamedTuple):
    """What a mapping makes of one record."""

    usage: Usage
    """The row, without the id and the counts."""
    counts: tuple[int | None, ...]
    """Of `COUNTED`."""
    aside: tuple[Any, ...]
    """Of `ASIDE`."""
    key: tuple[Any, ...]
    """Each part of the mapping's key."""
    bodies: tuple[Any, ...]
    """The provider's response, the request and the address."""
    work: tuple[Any, ...]
    """Of the plan's `work`: values as they are, to be hashed."""
    record: tuple[Any, ...]
    """All values, where the mapping has no key and they stand for one."""


class Bulk:
    """One plan's conversions."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._steps = [
            (
                step,
                Conversion(step.convert, plan.missing),
                step.when and Conversion(step.when.holds, None),
            )
            for step in plan.steps
        ]
        columns = {step.column for step in plan.steps} - {*COUNTED, *ASIDE}
        self._names = [name for name in Usage.__struct_fields__ if name in columns]
        """In the order of Usage, in which msgspec takes them faster."""
        self._tags = Tags(plan)
        self._own = [(asked, Conversion(asked.holds, None)) for asked in plan.own]
        self._where = [(asked, Conversion(asked.holds, None)) for asked in plan.where]
        self._refuse = [(asked, Conversion(asked.holds, None)) for asked in plan.refuse]
        self._inside = plan.inside if plan.base else []

    def no_calls(self, columns: Sequence[list[Any]], faults: dict[int, str]) -> set[int]:
        """The numbers of the records that are no calls; adds to the faults those to be refused."""
        found: set[int] = set()
        for asked, conversion in self._own:
            for number, held in _except(True, conversion.column(columns[asked.place])):
                faults.setdefault(number, held or asked.reason)
        for asked, conversion in self._where:
            for number, held in _except(True, conversion.column(columns[asked.place])):
                if type(held) is Fault and number not in found:
                    faults.setdefault(number, held)
                elif not held and number not in faults:
                    found.add(number)
        for asked, conversion in self._refuse:
            for number, held in _except(False, conversion.column(columns[asked.place])):
                if number not in found:
                    faults.setdefault(number, held if type(held) is Fault else asked.reason)
        return found

    def given(self, found: Found, lines: Sequence[int]) -> Iterable[Given | None]:
        """What becomes of each record, None where it has no call at the plan's base; adds to the
        faults."""
        columns, opened, faults = found
        size = len(lines)
        empty: list[Any] = [None] * size
        there = [columns[place] for place in self._inside if columns[place] != empty]
        if self._inside and not there:
            return empty
        lists: dict[str, list[Any]] = {}
        for step, conversion, asked in self._steps:
            lists[step.column] = _merged(step, conversion, asked, columns, empty)
            if Fault in set(map(type, lists[step.column])):
                for number, value in enumerate(lists[step.column]):
                    if type(value) is Fault:
                        faults.setdefault(number, value)
        plan = self._plan
        given = map(
            Given,
            self._usages(lists, self._tags.column(found, empty), lines),
            _rows(lists, COUNTED, empty),
            _rows(lists, ASIDE, empty),
            zip(*(plan.first(columns, places, size) for places in plan.key), strict=True)
            if plan.key
            else repeat(()),
            zip(*(plan.first(opened, places, size) for places in plan.bodies), strict=True)
            if plan.bodies
            else repeat(()),
            zip(
                *(empty if each.place is None else opened[each.place] for each in plan.work),
                strict=True,
            )
            if plan.work
            else repeat(()),
            repeat(()) if plan.key else zip(*columns, strict=True),
        )
        if not self._inside:
            return given
        calls = (any(value is not None for value in row) for row in zip(*there, strict=True))
        return [each if call else None for each, call in zip(given, calls, strict=True)]

    def _usages(
        self, lists: dict[str, list[Any]], tags: list[Any], lines: Sequence[int]
    ) -> Iterator[Usage]:
        """Rows of the columns that say something, each where Usage has it."""
        given: dict[str, Sequence[Any]] = {"call_id": [""] * len(lines)}
        for name in self._names:
            default = _DEFAULTS.get(name)
            silent = lists[name].count(None) + (default is not None and lists[name].count(default))
            if silent < len(lines):
                given[name] = _filled(lists[name], default)
        names = [*given, "tags", "line"]
        for row in zip(*given.values(), tags, lines, strict=True):
            yield Usage(**dict(zip(names, row, strict=True)))


def _rows(
    lists: dict[str, list[Any]], names: Sequence[str], empty: list[Any]
) -> Iterable[tuple[Any, ...]]:
    return zip(*(lists.get(name, empty) for name in names), strict=True) if names else repeat(())


def _filled(column: list[Any], default: Any) -> list[Any]:
    """The column with the default where it has no value."""
    if default is None or None not in column:
        return column
    return [default if value is None else value for value in column]


def _except(usual: bool, column: list[Any]) -> Iterable[tuple[int, Any]]:
    """Numbers and values of what is not the usual answer."""
    if column.count(usual) == len(column):
        return ()
    return ((number, held) for number, held in enumerate(column) if held is not usual)


def _merged(
    step: Step,
    conversion: Conversion,
    asked: Conversion | None,
    columns: Sequence[list[Any]],
    empty: list[Any],
) -> list[Any]:
    """What becomes of one column of the ledger, from every place it may come from."""
    merged = empty
    for place in step.places:
        if merged is empty:
            merged = conversion.column(columns[place])
        elif None in merged:
            merged = either(merged, conversion.column(columns[place]))
    if step.const is not None:
        merged = _filled(merged, step.const)
    if asked is not None and step.when is not None:
        holds = asked.column(columns[step.when.place])
        merged = [
            value if held is True else held if type(held) is Fault else None
            for value, held in zip(merged, holds, strict=True)
        ]
    return merged
