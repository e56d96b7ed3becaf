"""What the records of an unknown log hold: every path, how often, and what kind of values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from tokman.errors import BadRecord
from tokman.sources.facts import time_us, word
from tokman.sources.mapping import values
from tokman.sources.mapping.paths import opened

DEEPEST = 6
"""Levels of objects that are looked into."""

PATHS = 2_000
"""Paths that are looked at; a log with more has its users' words as keys."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_MODEL = re.compile(
    r"(?:[\w.-]+/)*(?:chatgpt|claude|codestral|command|deepseek|gemini|gemma|glm|gpt|grok|kimi|llama|"
    r"mistral|mixtral|nova|o[1-9]|qwen|text-embedding)(?:-[\w.:@-]+|[\d.]*)",
    re.IGNORECASE,
)


class Seen(msgspec.Struct, gc=False):
    """One path and the values under it, by record; None where a record has none."""

    path: str
    """As a mapping writes it."""
    words: tuple[str, ...]
    """The path's words in lower case: `usage.inputTokens` is usage, input, tokens."""
    values: list[Any]

    @property
    def present(self) -> list[Any]:
        """The values that are there."""
        return [value for value in self.values if value is not None]

    def share(self, test: Any) -> float:
        """The share of the present values for which the test holds."""
        present = self.present
        return sum(map(test, present)) / len(present) if present else 0.0


def survey(records: Sequence[dict[str, Any]], *, table: bool = False) -> list[Seen]:
    """Every path of the records with a single value, in the order they were met. A table's column
    is its whole header, dots included."""
    found: dict[str, Seen] = {}
    for number, record in enumerate(records):
        for path, value in _leaves(record, (), table):
            seen = found.get(path)
            if seen is None:
                if len(found) >= PATHS:
                    continue
                seen = found[path] = Seen(path, _words(path), [None] * len(records))
            if not (isinstance(value, str) and value.strip() in values.MISSING):
                seen.values[number] = value
    return list(found.values())


def _leaves(record: dict[str, Any], above: tuple[str, ...], table: bool) -> Iterator[Any]:
    for key, value in record.items():
        if not isinstance(key, str) or not key or len(key) > 80 or not key.isprintable():
            continue
        if '"' in key:
            continue
        written = key if (table and not above) or "." not in key else f'"{key}"'
        path = (*above, written)
        inner = opened(value)
        if isinstance(inner, dict):
            if len(path) < DEEPEST:
                yield from _leaves(inner, path, table)
        elif not isinstance(inner, list):
            yield ".".join(path), value


def _words(path: str) -> tuple[str, ...]:
    return tuple(found.lower() for found in _WORDS.findall(path))


def is_count(value: Any) -> bool:
    """A whole number that can be one of tokens."""
    try:
        return not isinstance(value, bool) and values.count("")(value) >= 0
    except BadRecord:
        return False


def is_amount(value: Any) -> bool:
    """A number, with or without a dollar sign."""
    try:
        return not isinstance(value, bool) and float(str(value).strip().removeprefix("$")) >= 0
    except ValueError:
        return False


def is_time(value: Any) -> bool:
    """A time that a mapping reads without being told its form."""
    try:
        return not isinstance(value, bool) and bool(time_us(value))
    except BadRecord:
        return False


def is_name(value: Any) -> bool:
    """A word such as a model's name: letters, and no blanks."""
    return word(value) is not None and any(letter.isalpha() for letter in str(value))


def is_model(value: Any) -> bool:
    """The name of a model of a well-known family, with or without a provider before it."""
    return isinstance(value, str) and _MODEL.fullmatch(value) is not None


def is_label(value: Any) -> bool:
    """A short name people give."""
    return not isinstance(value, bool | float) and values.label(value) is not None


def is_truth(value: Any) -> bool:
    """Yes or no."""
    return isinstance(value, bool) or str(value).lower() in ("true", "false", "hit", "miss")


def is_status(value: Any) -> bool:
    """A word or a number that says how a call ended."""
    try:
        return bool(values.status(value))
    except BadRecord:
        return False


def records_path(record: Any, above: tuple[str, ...] = ()) -> str | None:
    """The path of the longest list of objects in a page, None if it has none."""
    best: tuple[int, str | None] = (0, None)
    for path, size in _lists(record, above):
        if size > best[0]:
            best = (size, path)
    return best[1]


def _lists(value: Any, above: tuple[str, ...]) -> Iterable[tuple[str, int]]:
    if isinstance(value, dict) and len(above) < 3:
        for key, inner in value.items():
            if isinstance(inner, list) and inner and all(isinstance(i, dict) for i in inner):
                if isinstance(key, str) and "." not in key and '"' not in key:
                    yield ".".join((*above, key)), len(inner)
            elif isinstance(inner, dict):
                yield from _lists(inner, (*above, key))
