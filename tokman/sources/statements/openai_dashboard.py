"""OpenAI's dashboard exports: cost and usage as CSV, one row per line of a bucket.

From https://platform.openai.com/usage, Export. The columns of a usage export depend on what was
used: four columns of time, and those of the API's results. Counts are written as `3.0`, money as
dollars with up to thirty places; a row with nothing but times is an empty bucket. E-mails and names
of people are not read. Checked on one real export each of cost and of completions; the headers of
the other endpoints' exports are known from the API alone, so the endpoint is told from the columns,
and where embeddings and moderations look the same, from the file's name or the model's.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import PurePath
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context, Record
from tokman.sources.facts import time_us, word
from tokman.sources.statements.lines import Counting, Draft, settle
from tokman.sources.statements.openai_bill import Amount
from tokman.sources.statements.openai_lines import PARTS, Result, draft

_TIMES = frozenset(("start_time", "end_time", "start_time_iso", "end_time_iso"))
_ABOUT = _TIMES | {"organization_id", "organization_name", "object"}
_BUCKETS = frozenset(("results", "result"))
_TOLD_BY = (
    ("output_tokens", "completions"),
    ("images", "images"),
    ("characters", "audio_speeches"),
    ("seconds", "audio_transcriptions"),
    ("usage_bytes", "vector_stores"),
    ("num_sessions", "code_interpreter_sessions"),
    ("vector_store_id", "file_search_calls"),
    ("context_level", "web_search_calls"),
)
"""A column that one endpoint alone has."""


class Row(Result, gc=False):
    """A row of an export: a result and its bucket, flat."""

    start_time: int = 0
    """Seconds since 1970."""
    end_time: int = 0
    organization_id: str | None = None
    amount_value: Decimal | None = None
    amount_currency: str | None = None


class OpenAIDashboard(Counting):
    """Rows of the dashboard's exports; a bucket is whole once the file is."""

    name: ClassVar[str] = "openai-dashboard"
    title: ClassVar[str] = "OpenAI dashboard exports (cost and usage CSV)"
    locations: ClassVar[tuple[str, ...]] = ()
    record_type: ClassVar[Any] = dict[str, Any]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.held: list[Draft] = []

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """Both spellings of the bucket's times, and no list of results."""
        return record.keys() >= _TIMES and _BUCKETS.isdisjoint(record)

    def parse(self, record: dict[str, Any], line: int) -> tuple[Record, ...]:
        """Nothing yet: the view of a line is known once all of its bucket is read."""
        if "start_time" in record and record.keys() <= _ABOUT:
            return ()
        row = msgspec.convert(record, Row, strict=False)
        start, end = time_us(row.start_time, "start_time"), time_us(row.end_time, "end_time")
        if start is None or end is None:
            raise BadRecord("start_time: missing")
        if row.amount_value is not None:
            row.amount = Amount(row.amount_value, row.amount_currency)
        held = draft(row, self._part(row), start, end, line)
        held.statement.account_id = word(row.organization_id)
        self.held.append(held)
        return ()

    def _part(self, row: Row) -> str:
        if row.amount is not None:
            return "costs"
        if row.object in PARTS:
            return PARTS[row.object]
        found = {part for column, part in _TOLD_BY if getattr(row, column) is not None}
        if not found:
            told = f"{PurePath(self.context.path).name} {row.model}".lower()
            names = {"embedding": "embeddings", "moderation": "moderations"}
            names |= {"file_search": "file_search_calls", "web_search": "web_search_calls"}
            found = {part for name, part in names.items() if name in told}
        if len(found) != 1:
            raise BadRecord("which endpoint's export this is cannot be told from its columns")
        return found.pop()

    def finish(self) -> list[Record]:
        """The lines of all buckets."""
        held, self.held = self.held, []
        return [*settle(self.context, self.name, held, self.seen)]
