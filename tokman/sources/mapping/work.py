"""What a mapping says of a call's prompt blocks and tools: hashed with the ledger's key, never
kept as the log has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context, digest_of
from tokman.sources.mapping import spec
from tokman.sources.mapping.paths import Path, opened, parse, walk
from tokman.sources.mapping.values import MISSING, count
from tokman.sources.polls import polls
from tokman.sources.tool_use import name_of
from tokman.usage import INPUT_CLASSES, Usage

ITEMS = "[]"
"""In a path: what follows is looked up in each item of the list before it."""

_ALIKE = (
    ("tool_call_hashes", "tool_names"),
    ("tool_result_hashes", "tool_result_bytes"),
    ("tools_offered", "tools_offered_bytes"),
)
"""Lists that tell of the same things, item by item."""

_MOST = 100_000
"""Items of one list."""


class Taken(NamedTuple):
    """One column that is made of a whole value: where it lies, and the keys inside its items."""

    column: str
    place: int | None
    """None where the mapping states a constant instead."""
    inner: Path
    said: spec.Column


def split(path: str) -> tuple[str, Path]:
    """`tools[].name` as the list's path and the keys inside each of its items."""
    outer, items, inner = path.partition(ITEMS)
    if items and inner and not inner.startswith("."):
        raise ValueError("not a path; after [] comes a dot and a key")
    return outer, parse(inner[1:]) if inner else ()


def note(usage: Usage, taken: Sequence[Taken], values: Sequence[Any], context: Context) -> None:
    """Write the columns into `usage`, whose counts and id are known; what a provider's own message
    has said already stays. BadRecord where lists of the same things differ in length."""
    found = {
        each.column: _items(each, value) if each.column in spec.LISTS else opened(value)
        for each, value in zip(taken, values, strict=True)
    }
    said = {each.column: each.said for each in taken}
    for column in found.keys() & spec.HASHES:
        if getattr(usage, column) is None and not _absent(found[column]):
            setattr(usage, column, _hash(context, _unordered(column, found[column])))
    for column, convert in _CONVERT.items():
        items = found.get(column)
        if items is not None and getattr(usage, column) is None:
            setattr(usage, column, [convert(context, item) for item in items])
    for column, beside in _ALIKE:
        pair = getattr(usage, column), getattr(usage, beside)
        if None not in pair and len(pair[0]) != len(pair[1]):
            raise BadRecord(f"{column} ({len(pair[0])}) and {beside} ({len(pair[1])}) differ")
    if usage.polls is None and usage.tool_names:
        usage.polls = all(name is not None and polls(name, None) for name in usage.tool_names)
    hashes = found.get("block_hashes")
    if hashes and usage.block_hashes is None:
        usage.block_hashes = _blocks(context, hashes, bool(said["block_hashes"].cumulative))
        usage.block_sizes = _sizes(usage, said["block_sizes"], found.get("block_sizes"), context)


def _items(each: Taken, value: Any) -> list[Any] | None:
    """The items of a list, or what lies under the keys in each; None where there is no list."""
    value = opened(value)
    if _absent(value):
        return None
    if not isinstance(value, list) or len(value) > _MOST:
        raise BadRecord(f"{each.column}: not a list, or one of more than {_MOST:,}")
    items = [walk(item, each.inner) for item in value] if each.inner else value
    if None in items:
        raise BadRecord(f"{each.column}: an item without a value")
    return items


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in MISSING)


def _unordered(column: str, value: Any) -> Any:
    """A list of tools is the same whatever their order."""
    if column == "tools_hash" and isinstance(value, list):
        return sorted(map(_written, value))
    return value


def _written(item: Any) -> bytes:
    if isinstance(item, str):
        return item.encode("utf-8", "surrogatepass")
    return msgspec.json.encode(item, order="deterministic")


def _hash(context: Context, item: Any) -> int:
    return digest_of(context.key)(_written(item))


def _blocks(context: Context, hashes: Iterable[Any], cumulative: bool) -> list[int]:
    """Keyed and cumulative: where the log's hashes are of one block each, each takes in the one
    before it."""
    digest, made, before = digest_of(context.key), [], b""
    for item in hashes:
        made.append(digest(before + _written(item)))
        if not cumulative:
            before = made[-1].to_bytes(8, "little", signed=True)
    return made


def _sizes(usage: Usage, said: spec.Column, sizes: list[Any] | None, context: Context) -> list[int]:
    """The size of each block. Sizes in tokens must not exceed the input; what they leave of it is
    one more block, which equals no other call's."""
    hashes = usage.block_hashes or []
    of_one = count("block_sizes")
    tokens = sum(getattr(usage, name) for name in INPUT_CLASSES)
    if sizes is None:
        if said.const is None:
            raise BadRecord("block_sizes: missing")
        size = of_one(said.const)
        found = [size] * len(hashes)
        found[-1] -= min(max(size * len(hashes) - tokens, 0), size - 1)
    else:
        found = [of_one(item) for item in sizes]
    if len(found) != len(hashes):
        raise BadRecord(f"block_hashes ({len(hashes)}) and block_sizes ({len(found)}) differ")
    if said.unit == "bytes":
        return found
    rest = tokens - sum(found)
    if rest < 0:
        raise BadRecord(f"block_sizes ({sum(found)} tokens) exceed the input ({tokens})")
    if rest:
        usage.block_hashes = [*hashes, context.hash(b"rest", usage.call_id.encode())]
        found.append(rest)
    return found


def _size(column: str) -> Callable[[Context, Any], int]:
    convert = count(column)
    return lambda _, item: convert(item)


_CONVERT: dict[str, Callable[[Context, Any], Any]] = {
    "tool_call_hashes": _hash,
    "tool_result_hashes": _hash,
    "tool_result_bytes": _size("tool_result_bytes"),
    "tools_offered_bytes": _size("tools_offered_bytes"),
    "tool_names": lambda _, item: name_of(item),
    "tools_offered": lambda _, item: name_of(item),
}
