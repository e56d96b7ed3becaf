"""Single values as logs spell them, converted to what a column of the ledger holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, localcontext
from math import isfinite
from typing import Any

import msgspec

from tokman.errors import BadRecord
from tokman.sources.facts import pico, short, time_us, word

Convert = Callable[[Any], Any]
"""From a value that is there to what is stored; None where it tells nothing, BadRecord where it
is wrong."""

MISSING = frozenset(("", "-", "null", "NULL", "None", "\\N", "NaN", "nan", "N/A", "n/a"))
"""Texts that say there is no value."""

SECONDS = {"s": 10**6, "ms": 10**3, "us": 1, "ns": None}
"""Microseconds in a unit of time; a thousand ns are one."""

DOLLARS = {
    "usd": Decimal(1),
    "cents": Decimal("1e-2"),
    "milli_usd": Decimal("1e-3"),
    "micro_usd": Decimal("1e-6"),
    "nano_usd": Decimal("1e-9"),
    "pico_usd": Decimal("1e-12"),
}

OK = frozenset("ok success succeeded successful completed complete finished done true".split())
FAILED = frozenset(
    "error errored failure failed fail false timeout timed_out cancelled canceled".split()
)
_YES = frozenset("true t yes y 1 hit".split())
_NO = frozenset("false f no n 0 miss disabled bypass".split())
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNT = re.compile(r"[0-9]{1,16}(?:\.0{1,9})?|[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4}")
_CODE = re.compile(r"-?[0-9]{1,6}")
_LARGEST = 10**15


def plain(value: Any) -> str:
    """A value as the TOML of a mapping would spell it, to compare and to look up."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        value = msgspec.json.decode(value)
        return "" if isinstance(value, dict | list) else plain(value)
    return str(value)


def count(column: str) -> Convert:
    """A whole number of tokens or requests, at most 10^15; `1,234` is a thousand and more."""

    def convert(value: Any) -> int:
        if type(value) is not int:
            text = plain(value).strip()
            if isinstance(value, bool) or not _COUNT.fullmatch(text):
                raise BadRecord(f"{column}: not a count")
            value = int(text.partition(".")[0].replace(",", ""))
        if not 0 <= value <= _LARGEST:
            raise BadRecord(f"{column}: not a count")
        return int(value)

    return convert


def moment(
    column: str, unit: str | None, form: str | None, zone: tzinfo, since: str | None = None
) -> Convert:
    """Microseconds since 1970 UTC; a time without an offset is one of `zone`, a number of units
    counts from `since` (ISO 8601)."""

    def aware(value: datetime) -> int:
        value = value if value.tzinfo else value.replace(tzinfo=zone)
        return (value - _EPOCH) // timedelta(microseconds=1)

    origin = aware(datetime.fromisoformat(since)) if since else 0

    def convert(value: Any) -> int | None:
        try:
            if isinstance(value, datetime):
                return aware(value)
            if unit is not None:
                exact, scale = Decimal(plain(value)), SECONDS[unit]
                return origin + int(exact * scale if scale else exact / 1000)
            if form is not None:
                return aware(datetime.strptime(str(value).strip(), form))
            if isinstance(value, str) and value[4:5] == "-":
                return aware(datetime.fromisoformat(value.strip().removesuffix(" UTC")))
        except (ArithmeticError, ValueError):
            raise BadRecord(f"{column}: not a time") from None
        return time_us(value, column)

    return convert


def money(column: str, unit: str, missing: frozenset[str]) -> Convert:
    """Whole pico-dollars, from decimal digits and never through a float."""
    scale = DOLLARS[unit]

    def convert(value: Any) -> int | None:
        as_written = isinstance(value, bytes) and value[:1] != b'"'
        text = value.decode() if as_written else plain(value).strip()
        if text in missing:
            return None
        with localcontext() as exact:
            exact.prec = 60
            try:
                return pico(Decimal(text.removeprefix("$")) * scale, column)
            except ArithmeticError:
                raise BadRecord(f"{column}: not an amount") from None

    return convert


def milliseconds(unit: str) -> Convert:
    """A duration in whole milliseconds; None for what cannot be one, as it prices nothing."""

    def convert(value: Any) -> int | None:
        try:
            exact, scale = Decimal(plain(value)), SECONDS[unit]
            passed = round(exact * scale / 1000 if scale else exact / 1_000_000)
        except (ArithmeticError, ValueError):
            return None
        return passed if 0 <= passed < 10**12 else None

    return convert


def verdict(value: Any) -> bool | None:
    """Whether the work was done right, in the usual spellings; what is neither says nothing."""
    if isinstance(value, bool):
        return value
    text = plain(value).strip().lower()
    return text in _YES if text in _YES or text in _NO else None


def truth(column: str) -> Convert:
    """A truth value in the usual spellings."""

    def convert(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        text = plain(value).strip().lower()
        if text in _YES or text in _NO:
            return text in _YES
        raise BadRecord(f"{column}: neither yes nor no; list it in the mapping's values")

    return convert


def status(value: Any) -> str:
    """`ok` or `error`, of a word, a truth value or an HTTP status."""
    text = plain(value).strip().lower()
    if text in OK or text in FAILED:
        return "ok" if text in OK else "error"
    if _CODE.fullmatch(text) and not 0 <= int(text) < 100:
        return "ok" if 100 <= int(text) < 400 else "error"
    raise BadRecord("status: neither ok nor error; list it in the mapping's values")


def turn(value: Any) -> str:
    """Who spoke last before the model: `user` or `tool`."""
    text = plain(value).strip().lower()
    if text in ("user", "tool"):
        return text
    raise BadRecord("turn: neither user nor tool; list it in the mapping's values")


def name(column: str) -> Convert:
    """A name of a fixed vocabulary; refused where it decides the price and is none."""
    decisive = column in ("provider_name", "request_model", "response_model", "service_tier")

    def convert(value: Any) -> str | None:
        found = word(plain(value).strip())
        if found is None and decisive:
            raise BadRecord(f"{column}: not a name")
        return found

    return convert


def label(value: Any) -> str | None:
    """A name that people gave: one line of at most 200 characters."""
    found = short(value.strip() if isinstance(value, str) else value)
    return found if found and found.isprintable() else None


def number(value: Any) -> float | None:
    """A plain number such as a temperature."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if isfinite(found) else None
