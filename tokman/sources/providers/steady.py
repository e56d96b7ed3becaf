"""What of a prompt's tools and system part stays the same when dates, times and ids move on."""

from __future__ import annotations

import re

from tokman.sources.base import Context, digest_of

_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DAY = rb"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?\b"
_CLOCK = rb"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?"

_MOVING = re.compile(
    rb"|".join(
        (
            rb"\d{4}-\d\d-\d\d(?:[T ]" + _CLOCK + rb"(?: ?Z\b|[+-]\d\d:?\d\d)?)?",
            rb"\d{1,4}[/.]\d{1,2}[/.]\d{2,4}\b",
            _CLOCK + rb"(?: ?[AaPp]\.?[Mm]\b)?",
            rb"(?:" + _DAY + rb",? )?" + _MONTH + rb" \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?\b",
            rb"(?:" + _DAY + rb",? )?\d{1,2}(?:st|nd|rd|th)? " + _MONTH + rb"(?:,? \d{4})?\b",
            _DAY,
            rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
            rb"\b[A-Za-z]{2,12}[_-](?=[A-Za-z]*\d)[0-9A-Za-z]{8,}\b",
            rb"\b(?=[a-zA-Z]*\d)[0-9a-fA-F]{16,}\b",
            rb"\b(?=[A-Z]*\d)[0-9A-HJKMNP-TV-Z]{26}\b",
            rb"\d{6,}(?:\.\d+)?",
        )
    )
)
"""Dates and times as people and programs write them, UUIDs, `req_…`-like ids, hashes, ULIDs and
long numbers such as seconds since 1970."""

_MEMO: dict[int, int] = {}
_MEMO_SIZE = 200_000


def steady(context: Context, cumulative: int, before: int, kind: str, content: bytes) -> int:
    """Cumulative keyed hash of a block with what moves in it left out.

    `cumulative` is the block's own cumulative hash, `before` the steady one of the blocks before
    it. A block behind the same blocks is looked through once in a process, so that a prompt that
    does not change costs one look into a table.
    """
    known = _MEMO.get(cumulative)
    if known is None:
        if len(_MEMO) >= _MEMO_SIZE:
            _MEMO.clear()
        still = kind.encode() + b"\0" + _MOVING.sub(b"\0", content)
        known = digest_of(context.key)(before.to_bytes(8, "little", signed=True) + still)
        _MEMO[cumulative] = known
    return known
