"""Are cached tokens counted in the input, is reasoning in the output: what a log's totals say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tokman.sources.mapping import survey, values
from tokman.sources.mapping.spec import INPUT_PARTS
from tokman.sources.mapping.survey import Seen


def cache(chosen: dict[str, Seen]) -> list[str]:
    """The line of `cache_in_input`, with what it rests on; none where the question is idle."""
    if "input_tokens" not in chosen or not any(part in chosen for part in INPUT_PARTS):
        return []
    return _answered("cache_in_input", "cached tokens", chosen, lambda row: row.cached)


def reasoning(chosen: dict[str, Seen]) -> list[str]:
    """The line of `reasoning_in_output`, likewise."""
    if not {"output_tokens", "reasoning_output_tokens"} <= chosen.keys():
        return []
    return _answered("reasoning_in_output", "reasoning tokens", chosen, lambda row: row.reasoning)


class _Row(NamedTuple):
    """The counts of one record."""

    input: int
    cached: int
    output: int
    reasoning: int
    total: int | None

    def fits(self, cache_inside: bool, reasoning_inside: bool) -> bool:
        """True if the record can mean that, and its total says so."""
        if (cache_inside and self.cached > self.input) or (
            reasoning_inside and self.reasoning > self.output
        ):
            return False
        outside = (0 if cache_inside else self.cached) + (0 if reasoning_inside else self.reasoning)
        return self.total is None or self.total == self.input + self.output + outside


def _answered(
    flag: str, what: str, chosen: dict[str, Seen], part: Callable[[_Row], int]
) -> list[str]:
    """The flag with how many records speak for each answer; open where they do not agree."""
    cache = flag == "cache_in_input"
    told = [row for row in _rows(chosen) if part(row)]

    def fits(row: _Row, inside: bool) -> bool:
        pairs = ((inside, other) if cache else (other, inside) for other in (True, False))
        return any(row.fits(*pair) for pair in pairs)

    inside = sum(fits(row, True) and not fits(row, False) for row in told)
    beside = sum(fits(row, False) and not fits(row, True) for row in told)
    neither = sum(not fits(row, True) and not fits(row, False) for row in told)
    counted = f"rows with {what}: {len(told):,}, counted inside: {inside:,}, beside: {beside:,}"
    if neither:
        counted += f", neither: {neither:,}"
    told_by_all = not neither and bool(inside) != bool(beside)
    answer = ("true" if inside else "false") if told_by_all else '"unknown"'
    return [f"{flag} = {answer}  # {counted}"]


def _rows(chosen: dict[str, Seen]) -> list[_Row]:
    def column(name: str) -> list[Any]:
        return chosen[name].values if name in chosen else []

    size = max(len(source.values) for source in chosen.values())
    read = {name: column(name) or [None] * size for name in _COUNTED}
    rows = []
    for number in range(size):
        found = {name: _count(cells[number]) for name, cells in read.items()}
        cached = sum(found[part] or 0 for part in INPUT_PARTS)
        rows.append(
            _Row(
                found["input_tokens"] or 0,
                cached,
                found["output_tokens"] or 0,
                found["reasoning_output_tokens"] or 0,
                found["total_tokens"],
            )
        )
    return rows


_COUNTED = (
    *("input_tokens", *INPUT_PARTS, "output_tokens", "reasoning_output_tokens", "total_tokens"),
)


def _count(value: Any) -> int | None:
    return values.count("")(value) if value is not None and survey.is_count(value) else None
