"""The source a mapping makes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context, Refused, Stateless
from tokman.sources.classes import split_input, split_output
from tokman.sources.facts import identity, is_distinct, word
from tokman.sources.mapping import bodies, work
from tokman.sources.mapping.bulk import COUNTED, Bulk, Given
from tokman.sources.mapping.paths import Found, parse
from tokman.sources.mapping.places import Places
from tokman.sources.mapping.plan import Plan, matcher
from tokman.sources.mapping.spec import LINKS, Mapping
from tokman.usage import INPUT_CLASSES, OUTPUT_CLASSES, Usage

_UNSTATED = (None,) * len(COUNTED)


class Mapped(Stateless):
    """Reads what one mapping describes; a class of its own for each mapping."""

    name: ClassVar[str]
    title: ClassVar[str]
    locations: ClassVar[tuple[str, ...]]
    record_type: ClassVar[Any]
    from_row: ClassVar[Callable[[dict[str, Any]], Any] | None]
    mapping: ClassVar[Mapping]
    places: ClassVar[Places]
    plans: ClassVar[list[Plan]]
    bulks: ClassVar[list[Bulk]]
    is_timed: ClassVar[bool]
    """The mapping names a time, so every call has one."""
    links: ClassVar[Sequence[str]]
    fingerprint: ClassVar[str]
    """Changes with what the mapping says."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.seen: dict[int, int] = {}

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True where the mapping's `match` holds; each class has its own."""
        raise NotImplementedError

    def parse(self, record: Any, line: int) -> Iterable[Usage]:
        """The call in one record, or the calls of `each`; none where the mapping's `where` says
        it is no call."""
        rows: list[Usage] = []
        for row in self.parse_records([record], [line]):
            if isinstance(row, Refused):
                raise BadRecord(row.reason)
            rows.append(row)
        return rows

    def parse_records(
        self, records: Sequence[Any], lines: Sequence[int]
    ) -> Iterable[Usage | Refused]:
        """The calls of many records."""
        return self._parse(self.places.of_records(records), lines) if records else ()

    @property
    def columns(self) -> Sequence[str]:
        """The columns of a table that the mapping reads."""
        return self.places.columns

    def parse_columns(
        self, columns: dict[str, list[Any]], lines: Sequence[int]
    ) -> Iterable[Usage | Refused]:
        """The calls of many rows of a table, given by column."""
        return self._parse(self.places.by_column(columns, len(lines)), lines)

    def _parse(self, found: Found, lines: Sequence[int]) -> Iterable[Usage | Refused]:
        no_calls = self.bulks[0].no_calls(found.values, found.faults)
        given = zip(*(bulk.given(found, lines) for bulk in self.bulks), strict=True)
        for number, calls in enumerate(given):
            if number in no_calls:
                continue
            try:
                if number in found.faults:
                    raise BadRecord(found.faults[number])
                yield from self._calls(calls)
            except (ValueError, RecursionError) as error:
                yield Refused(lines[number], str(error))

    def _calls(self, given: Sequence[Given | None]) -> list[Usage]:
        rows: list[Usage] = []
        for plan, each in zip(self.plans, given, strict=True):
            if each is None:
                continue
            calls = self._call(plan, each)
            if rows:
                calls[0].call_id += f"#{parse(plan.base)[-1]}"
            if plan.work:
                work.note(calls[0], plan.work, each.work, self.context)
            rows += calls
        return rows

    def _call(self, plan: Plan, given: Given) -> list[Usage]:
        usage, counts, (total, own, ended), _, messages, _, _ = given
        if usage.started_at is None and self.is_timed:
            raise BadRecord("started_at: missing")
        if ended is not None and usage.duration_ms is None and usage.started_at is not None:
            passed = (ended - usage.started_at) // 1000
            usage.duration_ms = passed if passed >= 0 else None
        self._annotate(plan, usage)
        inner = bodies.read(messages, usage, self.context) if messages else []
        if inner and (inner[0].output_basis == "final" or counts == _UNSTATED):
            rows = bodies.joined(usage, inner)
        else:
            self._count(usage, counts, total)
            rows = [usage]
        response = inner[0].call_id if inner else None
        rows[0].call_id = self._id(given, rows[0], own, response)
        return rows

    def state(self) -> bytes:
        """How often each record without an id was seen."""
        return msgspec.msgpack.encode(self.seen) if self.seen else b""

    def resume(self, state: bytes) -> None:
        """Count on from there."""
        self.seen = msgspec.msgpack.decode(state, type=dict[int, int])

    def _annotate(self, plan: Plan, usage: Usage) -> None:
        if usage.status == "ok":
            usage.error_type = None
        if usage.workflow:
            usage.workflow_basis = "explicit"
        if usage.api_key_hash:
            usage.api_key_hash = self.context.hash_text(usage.api_key_hash)
        if plan.key and self.links:
            for link in self.links:
                if to := getattr(usage, link):
                    setattr(usage, link, f"{self.name}:{to}")

    def _count(self, usage: Usage, counts: tuple[int | None, ...], total: int | None) -> None:
        """Disjoint classes from the log's own, by the mapping's two answers."""
        if not any(counts):
            usage.output_basis = "partial"
            return
        given, read, short, long, wrote, reasoning = counts
        whole, made = given or 0, wrote or 0
        usage.uncached_input_tokens = whole
        if read or short or long:
            read, short, long = read or 0, short or 0, long or 0
            cached = read + short + long
            if self.mapping.cache_in_input == "unknown":
                raise BadRecord("are cached tokens inside input_tokens? cache_in_input is unknown")
            if not self.mapping.cache_in_input:
                whole += cached
            split_input(
                usage, whole, "input_tokens", read=read, written=short + long, written_1h=long
            )
        usage.output_tokens = made
        if reasoning:
            if self.mapping.reasoning_in_output == "unknown":
                raise BadRecord("is reasoning inside output_tokens? reasoning_in_output is unknown")
            if not self.mapping.reasoning_in_output:
                made += reasoning
            split_output(usage, made, "output_tokens", reasoning=reasoning)
        if total is not None and total != whole + made:
            raise BadRecord(
                f"total_tokens ({total}) is not input ({whole}) + output ({made}); "
                "are cache_in_input and reasoning_in_output right?"
            )

    def _id(self, given: Given, usage: Usage, own: Any, response: str | None) -> str:
        """The provider's id, else the log's own, else a hash of the record and its number among
        equal ones. A response served from a gateway's cache repeats the provider's id."""
        if not response and own:
            response = self._known(own, usage)
        parts = given.key
        own_words = usage.response_cache_hit or (usage.status == "error" and parts)
        if response and not own_words:
            return response
        if parts.count(None) < len(parts):
            text = str(parts[0]) if len(parts) == 1 else ""
            if not word(text):
                text = self.context.hash_text(msgspec.json.encode(parts).decode())
            known = self._known(text, usage)
            return known if known.startswith(f"{self.name}:") else f"{self.name}:{known}"
        if parts or ("call_id" in self.mapping.map and not response):
            raise BadRecord("no id: name more columns in the mapping's key")
        if response and self.is_timed:
            return f"{response}_cache_hit{usage.started_at}"
        digest = self.context.hash(msgspec.json.encode(given.record))
        number = self.seen[digest] = self.seen.get(digest, 0) + 1
        return f"{self.name}:{digest & (2**64 - 1):016x}-{number}"

    def _known(self, given: Any, usage: Usage) -> str:
        """The id, or a hash of the call's facts where it is a mere counter."""
        if is_distinct(given):
            return str(given)
        sums = [sum(getattr(usage, name) for name in c) for c in (INPUT_CLASSES, OUTPUT_CLASSES)]
        model = usage.response_model or usage.request_model
        return identity(self.context, self.name, given, usage.started_at, model, *sums)


@cache
def _compiled(text: bytes) -> type[Mapped]:
    mapping = msgspec.json.decode(text, type=Mapping)
    places = Places()
    plans = [Plan(mapping, places, base) for base in mapping.each or [""]]
    said = msgspec.structs.replace(mapping, file="", title="", unverified="")
    digest = hashlib.blake2b(msgspec.json.encode(said, order="deterministic"), digest_size=8)

    class Described(Mapped):
        __doc__ = f"{mapping.title}. {mapping.unverified}"

    made: Any = Described
    made.name, made.title, made.locations = mapping.name, mapping.title, tuple(mapping.locations)
    made.mapping, made.places, made.plans = mapping, places, plans
    made.bulks = list(map(Bulk, plans))
    made.is_timed = "started_at" in mapping.map
    made.links = sorted(LINKS & mapping.map.keys())
    made.fingerprint = digest.hexdigest()
    made.matches = staticmethod(matcher(mapping))
    made.from_row = staticmethod(places.row)
    made.splittable = bool(mapping.key or "call_id" in mapping.map)
    made.record_type = places.shape.record_type
    made.__name__ = made.__qualname__ = mapping.name
    return made  # type: ignore[no-any-return]


def source_of(mapping: Mapping) -> type[Mapped]:
    """The source of a mapping; the same one each time for the same mapping."""
    return _compiled(msgspec.json.encode(mapping))
