"""One value into the text of one cell."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tokman.render.cells import (
    Column,
    cents,
    compact,
    dollars,
    exact,
    harmless,
    human,
    percent,
    signed,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (7, "7"),
        (9_999, "9,999"),
        (10_000, "10.0k"),
        (12_345, "12.3k"),
        (99_949, "99.9k"),
        (99_950, "100k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (999_950, "1.0M"),
        (999_999_999, "1.0B"),
        (12_300_000, "12.3M"),
        (5 * 10**12, "5.0T"),
        (-1_234, "-1,234"),
        (-12_345, "-12.3k"),
    ],
)
def test_compact(value: int, shown: str) -> None:
    assert compact(value) == shown


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        ("0", 2, "$0.00"),
        ("0.00", None, "$0.00"),
        ("0.004", 2, "<$0.01"),
        ("0.005", 2, "<$0.01"),
        ("0.0051", 2, "$0.01"),
        ("0.015", 2, "$0.02"),
        ("0.000000000001", 2, "<$0.01"),
        ("0.000000000001", None, "$0.000000000001"),
        ("9999.995", 2, "$10,000.00"),
        ("9999.994", 2, "$9,999.99"),
        ("1234567.891", None, "$1,234,567.89"),
        ("0.0848312", None, "$0.08483"),
        ("-5", 2, "-$5.00"),
        ("-0.001", 2, ">-$0.01"),
    ],
)
def test_dollars(value: str, digits: int | None, shown: str) -> None:
    assert dollars(Decimal(value), digits) == shown


@pytest.mark.parametrize(
    ("values", "digits"),
    [
        ([], 2),
        ([None], 2),
        (["0"], 2),
        (["1000"], 2),
        (["5"], 3),
        (["0.05", None, "0.0001"], 5),
        (["-0.05"], 5),
        (["0.000000000001"], 12),
    ],
)
def test_digits_of_a_column(values: list[str | None], digits: int) -> None:
    assert cents([None if value is None else Decimal(value) for value in values]) == digits


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0%"),
        (0.0005, "<0.1%"),
        (0.001, "0.1%"),
        (0.064, "6.4%"),
        (0.0994, "9.9%"),
        (0.0996, "10%"),
        (0.5, "50%"),
        (1.0, "100%"),
    ],
)
def test_percent(value: float, shown: str) -> None:
    assert percent(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "+0.0%"), (-0.0001, "+0.0%"), (0.2262, "+22.6%"), (-0.5, "-50.0%"), (2.0, "+200.0%")],
)
def test_signed(value: float, shown: str) -> None:
    assert signed(value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("Grüße 日本 🎉", "Grüße 日本 🎉"),
        ("", ""),
        ("red \x1b[31mtext", "red \\x1b[31mtext"),
        ("a\r\nb\tc", "a  b c"),
        ("nul\0", "nul\\x00"),
        ("csi \x9b31m", "csi \\x9b31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("no-break\u00a0space", "no-break space"),
        ("line\u2028separator", "line\\u2028separator"),
        ("half \ud83d", "half \\ud83d"),
        ("tag \U000e0041", "tag \\ue0041"),
    ],
)
def test_harmless(text: str, shown: str) -> None:
    assert harmless(text) == shown


@pytest.mark.parametrize("kind", ["text", "count", "money", "share", "plain"])
def test_a_missing_value_is_never_zero(kind: Any) -> None:
    assert human(None, Column("x", "X", kind)) == "–"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime(2026, 11, 2, 10, 30, 59), "2026-11-02 10:30"),
        (date(2026, 11, 2), "2026-11-02"),
        (["a\x1b"], "['a\\x1b']"),
        (True, "True"),
    ],
)
def test_other_values(value: Any, shown: str) -> None:
    assert human(value, Column("x", "X", "plain")) == shown


@pytest.mark.parametrize(
    ("value", "full"),
    [
        (Decimal("1.500000000000"), Decimal("1.5")),
        (Decimal("100.000000000000"), Decimal("100")),
        (Decimal("1E+3"), Decimal("1000")),
        (Decimal("0E-12"), Decimal("0")),
        (Decimal("-0.00"), Decimal("0")),
        # More digits than Decimal's own arithmetic keeps.
        (
            Decimal("12345678901234567890123456.123456789012"),
            Decimal("12345678901234567890123456.123456789012"),
        ),
        (2**70, Decimal(2**70)),
        (7, 7),
        (None, None),
        (datetime(2026, 11, 2, tzinfo=UTC), "2026-11-02T00:00:00+00:00"),
        ("half \ud83d", "half \\ud83d"),
        ([Decimal("1.0"), {"k": Decimal("2.0")}], [Decimal("1"), {"k": Decimal("2")}]),
    ],
)
def test_exact(value: Any, full: Any) -> None:
    assert exact(value) == full
    assert str(exact(value)) == str(full)
