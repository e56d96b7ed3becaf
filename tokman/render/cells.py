"""One value into the text of one cell; log text is made harmless here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

COMMAND = re.compile(r"(^\s*(?=::)|##(?=\[))(.)")
"""How a command begins: at the start of a line, or the older form anywhere."""

Kind = Literal["text", "count", "money", "exact", "share", "plain"]
"""money is rounded to the digits of its column, exact is dollars in full; text may be cut."""


class Column(msgspec.Struct, frozen=True):
    """A column: its name in the rows, its title for people, and what its values are."""

    name: str
    title: str
    kind: Kind = "text"
    missing: str = "–"
    """Shown where there is no value."""
    screen: bool = True
    """False: only for programs, not in tables."""
    keep: int = 9
    """On a narrow screen columns leave from the lowest up; 9 stays to the end."""
    least: int = 20
    """A text is not cut shorter than this while a column of numbers could leave instead."""
    digits: int | None = None
    """Behind the point of money; None: as many as its largest amount asks for."""


def harmless(text: str) -> str:
    """The text without control, escape and direction-changing characters, on one line, and without
    what a CI runner takes for a command: https://docs.github.com/actions/reference/workflow-commands
    """
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() else " " if char in "\t\n\r" else _escaped(char)
            for char in text
        )
    if "::" in text or "##[" in text:
        text = COMMAND.sub(lambda found: found[1] + _escaped(found[2]), text)
    return text


def _escaped(char: str) -> str:
    point = ord(char)
    if unicodedata.category(char) == "Zs":
        return " "
    return f"\\x{point:02x}" if point < 256 else f"\\u{point:04x}"


def texts(values: Sequence[Any], column: Column) -> list[str]:
    """A column's values as a person reads them; amounts with the same digits throughout."""
    digits = column.digits
    if digits is None:
        digits = cents(values) if column.kind == "money" else 0
    return [human(value, column, digits) for value in values]


def human(value: Any, column: Column, digits: int = 2) -> str:
    """The value as a person reads it: 12.3M tokens, $4.56, 78%."""
    if value is None:
        return column.missing
    if column.kind == "count":
        return compact(value)
    if column.kind == "money":
        return dollars(value, digits)
    if column.kind == "exact":
        return f"${plain(Decimal(value)):f}"
    if column.kind == "share":
        return percent(value)
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    return harmless(str(value))


def compact(value: int) -> str:
    """A count in at most five characters, exact below 10,000."""
    if abs(value) < 10_000:
        return f"{value:,}"
    for unit, name in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        if abs(value) >= unit * 0.9995:
            scaled = value / unit
            return f"{scaled:.{0 if abs(scaled) >= 99.95 else 1}f}{name}"
    return str(value)


def cents(values: Iterable[Decimal | int | None]) -> int:
    """Digits behind the point that show four digits of the largest amount, and two at least."""
    largest = max((abs(Decimal(value)) for value in values if value is not None), default=0)
    return min(12, max(2, 3 - Decimal(largest).adjusted())) if largest else 2


def dollars(value: Decimal | int, digits: int | None = None) -> str:
    """Dollars; an amount too small for the digits is `<$0.01`, never zero."""
    amount = Decimal(value)
    digits = cents([amount]) if digits is None else digits
    shown = f"{abs(amount):,.{digits}f}"
    if amount and not shown.strip("0.,"):
        return f"{'<' if amount > 0 else '>-'}${Decimal(1).scaleb(-digits):f}"
    return f"{'-' if amount < 0 else ''}${shown}"


def plural(count: int, noun: str) -> str:
    """A count with its noun: 1 call, 2 calls."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def percent(value: float) -> str:
    """A share in whole percent, with a decimal where it is small."""
    scaled = value * 100
    if 0 < abs(scaled) < 0.1:
        return "<0.1%"
    return f"{scaled:.{0 if abs(scaled) >= 9.95 or scaled == 0 else 1}f}%"


def signed(value: float) -> str:
    """A change in percent with its sign: +12.3%."""
    return f"{round(value * 100, 1) + 0.0:+.1f}%"


def exact(value: Any) -> Any:
    """The value in full for programs: plain Decimals, ISO times, text as it is."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, str):
        # Half a surrogate pair has no bytes in UTF-8: it is written as an escape.
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int) and value.bit_length() > 63:
        return Decimal(value)
    if isinstance(value, (list, tuple)):
        return [exact(each) for each in value]
    if isinstance(value, dict):
        return {exact(str(name)): exact(each) for name, each in value.items()}
    return value


def plain(value: Decimal) -> Decimal:
    """The same number without trailing zeros."""
    if not value or not value.is_finite():
        return value if value else Decimal(0)
    digits = f"{value:f}"
    return Decimal(digits.rstrip("0").rstrip(".") if "." in digits else digits)
