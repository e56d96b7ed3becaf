"""Records damaged in every place: each must be refused with a reason, or read to a whole row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from tokman.sources import claimants
from tokman.sources.base import Context, Source

JUNK: list[Any] = [None, 0, -1, 2**70, 1.5, True, "", "x", "{}", [], [None], ["x"], {}, {"a": [{}]}]


def damaged(value: Any) -> Iterator[Any]:
    """The value with each of its parts replaced by junk in turn."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in list(parts):
        inner = damaged(part) if isinstance(part, dict | list) else iter(())
        for other in (*JUNK, *inner):
            changed = value.copy()
            changed[key] = other
            yield changed


def withstand(source: type[Source], context: Context, record: dict[str, Any], canary: str) -> None:
    """Assert that damage gives whole rows or reasons, claims of one source, and no text."""
    decode = msgspec.json.Decoder(source.record_type).decode
    for broken in damaged(record):
        text = json.dumps(broken)
        assert len(claimants(msgspec.json.decode(text))) < 2
        try:
            for row in source(context).parse(decode(text), 1):
                assert msgspec.convert(msgspec.to_builtins(row), type(row)) == row
        except ValueError as refusal:
            assert str(refusal) and canary not in str(refusal)
