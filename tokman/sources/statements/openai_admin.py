"""OpenAI's Usage and Costs API, as its pages are saved.

https://platform.openai.com/docs/api-reference/usage. A record is a bucket, a page of buckets, or a
document of pages under their endpoints' paths. Buckets are in UTC, their end exclusive; money is
in dollars. A dimension is null where it was not grouped by: `view` lists those that a bucket has.
Checked on OpenAI's own examples and on made-up pages; the line items are as users report them.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context, Record, Refused, Stateless
from tokman.sources.facts import time_us
from tokman.sources.statements.lines import Draft, settle
from tokman.sources.statements.openai_lines import PARTS, Result, draft

_PATHS = ("/organization/", "/v1/organization/")


class Bucket(msgspec.Struct, gc=False):
    """What was used or billed in a stretch of time."""

    start_time: int
    """Seconds since 1970."""
    end_time: int
    results: list[msgspec.Raw] = msgspec.field(default_factory=list)
    result: list[msgspec.Raw] = msgspec.field(default_factory=list)
    """As some spell it."""


class Page(msgspec.Struct, gc=False):
    """A page of buckets; other records have no `data`."""

    data: list[msgspec.Raw] | None = None
    start_time: Any = None


class OpenAIAdmin(Stateless):
    """Buckets of the Usage and Costs API."""

    name: ClassVar[str] = "openai-admin"
    title: ClassVar[str] = "OpenAI Usage and Costs API"
    locations: ClassVar[tuple[str, ...]] = ()
    whole_buckets: ClassVar[bool] = True
    record_type: ClassVar[Any] = msgspec.Raw

    def __init__(self, context: Context) -> None:
        self.context = context

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """A bucket, a page that starts with one or is empty, or pages under their paths."""
        if _is_bucket(record) or _is_page(record):
            return True
        first = next(iter(record.items()), ("", None))
        return first[0].startswith(_PATHS) and isinstance(first[1], dict) and _is_page(first[1])

    def parse(self, record: msgspec.Raw, line: int) -> list[Record]:
        """The lines of every bucket in the record; those that can be read, if any can."""
        read: list[Record] = []
        refused: list[Refused] = []
        for number, raw in enumerate(_buckets(record), 1):
            try:
                read += self._read(msgspec.json.decode(raw, type=Bucket), line)
            except ValueError as error:
                refused.append(Refused(line, f"bucket {number}: {error}"))
        if refused and not read:
            raise BadRecord(refused[0].reason)
        return [*refused, *read]

    def _read(self, bucket: Bucket, line: int) -> list[Record]:
        start = time_us(bucket.start_time, "start_time") or 0
        end = time_us(bucket.end_time, "end_time") or 0
        drafts: list[Draft] = []
        refused: list[Record] = []
        for number, raw in enumerate((*bucket.results, *bucket.result), 1):
            try:
                result = msgspec.json.decode(raw, type=Result)
                part = PARTS.get(result.object or "")
                if part is None:
                    raise BadRecord("object: a result of no endpoint that is known")
                drafts.append(draft(result, part, start, end, line))
            except ValueError as error:
                where = f"bucket {bucket.start_time}, result {number}"
                refused.append(Refused(line, f"{where}: {error}"))
        return [*refused, *settle(self.context, self.name, drafts)]


def _is_bucket(record: dict[str, Any]) -> bool:
    results = record.get("results", record.get("result"))
    if not isinstance(results, list) or "start_time" not in record:
        return False
    return record.get("object") == "bucket" or (
        record.get("object") is None and "end_time" in record and _is_result(results)
    )


def _is_result(results: list[Any]) -> bool:
    first = results[0] if results else None
    return isinstance(first, dict) and str(first.get("object")).startswith("organization.")


def _is_page(record: dict[str, Any]) -> bool:
    rows = record.get("data")
    if not isinstance(rows, list) or record.get("object") not in ("page", "list", None):
        return False
    if not rows:
        return record.get("object") == "page"
    return isinstance(rows[0], dict) and _is_bucket(rows[0])


def _buckets(record: msgspec.Raw) -> list[msgspec.Raw]:
    whole = msgspec.json.decode(record, type=Page)
    if whole.start_time is not None:
        return [record]
    pages = [whole]
    if whole.data is None:
        pages = list(msgspec.json.decode(record, type=dict[str, Page]).values())
    if any(page.data is None for page in pages):
        raise BadRecord("data: missing from a page")
    return [bucket for page in pages for bucket in page.data or ()]
