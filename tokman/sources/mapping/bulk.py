"""Records converted by column: each distinct value once, the rest is looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

import msgspec

from tokman.sources.mapping.paths import Found, either
from tokman.sources.mapping.plan import LONG, Plan, Step
from tokman.sources.mapping.spec import INPUT_PARTS
from tokman.usage import Usage

REMEMBERED = 10_000
"""Distinct values of a column that are remembered."""

COUNTED = ("input_tokens", *INPUT_PARTS, "output_tokens", "reasoning_output_tokens")
ASIDE = ("total_tokens", "call_id", "ended_at")
"""Columns of a mapping that do not go into a row as they are."""

_DEFAULTS = {
    field.name: field.default
    for field in msgspec.structs.fields(Usage)
    if field.default not in (msgspec.NODEFAULT, None)
}
_NEVER_EQUAL = {str, bytes, type(None)}


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


class Conversion:
    """One conversion, of column after column."""

    def __init__(self, convert: Callable[[Any], Any], missing: frozenset[str] | None) -> None:
        self._convert, self._missing = convert, missing
        self._memos: dict[type, Memo] = {}

    def column(self, values: Sequence[Any]) -> list[Any]:
        """The converted values, a fault where one cannot be converted."""
        kinds = set(map(type, values)) - _NEVER_EQUAL
        if len(kinds) < 2:
            return list(map(self._memo(kinds.pop() if kinds else str).__getitem__, values))
        return [self._memo(type(value))[value] for value in values]

    def _memo(self, kind: type) -> Memo:
        """The memo for values of this type: 1, 1.0 and True are one key, but not one value."""
        if kind not in self._memos:
            self._memos[kind] = Memo(self._convert, self._missing)
        return self._memos[kind]


class Given(msgspec.Struct, gc=False):
    """What a mapping makes of one record, before it is a row."""

    columns: dict[str, Any]
    counts: tuple[int | None, ...]
    """Of `COUNTED`."""
    aside: tuple[Any, ...]
    """Of `ASIDE`."""
    key: tuple[Any, ...]
    """Each part of the mapping's key."""
    tags: list[str] | None
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
        columns = [step.column for step in plan.steps]
        self._names = [name for name in columns if name not in {*COUNTED, *ASIDE}]
        self._own = [(asked, Conversion(asked.holds, None)) for asked in plan.own]
        self._where = [(asked, Conversion(asked.holds, None)) for asked in plan.where]
        self._refuse = [(asked, Conversion(asked.holds, None)) for asked in plan.refuse]
        self._inside = plan.inside if plan.base else []

    def no_calls(self, columns: Sequence[list[Any]], faults: dict[int, str]) -> set[int]:
        """The numbers of the records that are no calls; adds to the faults those to be refused."""
        found: set[int] = set()
        for asked, conversion in self._own:
            for number, held in enumerate(conversion.column(columns[asked.place])):
                if held is not True:
                    faults.setdefault(number, held or asked.reason)
        for asked, conversion in self._where:
            for number, held in enumerate(conversion.column(columns[asked.place])):
                if type(held) is Fault and number not in found:
                    faults.setdefault(number, held)
                elif not held and number not in faults:
                    found.add(number)
        for asked, conversion in self._refuse:
            for number, held in enumerate(conversion.column(columns[asked.place])):
                if held and number not in found:
                    faults.setdefault(number, held if type(held) is Fault else asked.reason)
        return found

    def given(self, found: Found, size: int) -> Iterable[Given | None]:
        """What becomes of each record, None where it has no call at the plan's base; adds to the
        faults."""
        columns, opened, faults = found
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
        for name in _DEFAULTS.keys() & lists.keys():
            default = _DEFAULTS[name]
            lists[name] = [default if value is None else value for value in lists[name]]
        plan = self._plan
        tags = [opened[place] for place, _ in plan.tags]
        given = map(
            Given,
            (dict(zip(self._names, row, strict=True)) for row in _rows(lists, self._names, empty)),
            _rows(lists, COUNTED, empty),
            _rows(lists, ASIDE, empty),
            zip(*(plan.first(columns, places, size) for places in plan.key), strict=True)
            if plan.key
            else repeat(()),
            map(plan.tagged, zip(*tags, strict=True)) if tags else empty,
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


def _rows(
    lists: dict[str, list[Any]], names: Sequence[str], empty: list[Any]
) -> Iterable[tuple[Any, ...]]:
    return zip(*(lists.get(name, empty) for name in names), strict=True) if names else repeat(())


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
        merged = [step.const if value is None else value for value in merged]
    if asked is not None and step.when is not None:
        holds = asked.column(columns[step.when.place])
        merged = [
            value if held is True else held if type(held) is Fault else None
            for value, held in zip(merged, holds, strict=True)
        ]
    return merged
