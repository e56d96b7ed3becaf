"""Rows in every format: hostile cells, widths, exact amounts."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tokman.render import FORMATS, show
from tokman.render.cells import Column

HOSTILE = (
    "plain",
    "escape \x1b[31mred\x1b[0m \x1b]8;;http://evil\x07link",
    "c1 \x9b31m",
    "bidi \u202egnp.exe",
    "zero\u200bwidth\ufeff",
    "=cmd|' /C calc'!A0",
    " =1+1",
    "\t=1+1",
    "\u00a0=1+1",
    "＝1+1",
    "@SUM(A1)",
    "+1",
    "-1",
    "two\nlines\r\nthree",
    "pipe | and `code` and **bold** and ~~gone~~",
    "<script>alert(1)</script> &amp;",
    "[link](http://evil) ![image](http://evil/i.png)",
    "see https://evil.example and www.evil.example",
    "thanks @octocat and a@b.example #1",
    "nul\0byte",
    "half \ud83d pair",
    "::error file=x::a command",
    "\n ::add-mask::a command",
    "a ##[command]too",
    '"quoted", and comma',
    "日本語の名前",
    "x" * 10_000,
    "",
)

COLUMNS = (
    Column("name", "Name\x1b|"),
    Column("calls", "Calls", "count"),
    Column("cost", "Cost", "money"),
    Column("share", "Share", "share", keep=4),
    Column("when", "When", "plain", keep=3),
    Column("hidden", "Hidden", "count", screen=False),
)

TYPES: tuple[dict[str, Any], ...] = (
    {"cost": Decimal("0")},
    {"cost": None, "calls": None, "share": None, "when": None},
    {"cost": Decimal("0.000000000001"), "calls": 999_950, "share": 0.0004},
    {"cost": Decimal("-3.5"), "calls": -12_345, "share": 1.0},
    {"cost": Decimal("1234567.890000000000"), "calls": 2**70, "share": 0.5},
    {"when": date(2026, 11, 2), "hidden": 5},
    {"when": datetime(2026, 11, 2, 10, 30, tzinfo=UTC)},
)

ROWS = [
    {"name": name, "calls": number, "cost": Decimal(number) / 8} | TYPES[number % len(TYPES)]
    for number, name in enumerate(HOSTILE)
]
TOTAL = {"name": "Total", "calls": 12_345, "cost": Decimal("0.005")}


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def shown(form: str, rows: Any = ROWS, columns: Any = COLUMNS, **more: Any) -> str:
    to = io.StringIO()
    show(rows, columns, form, to, **more)
    return to.getvalue()


def plain(text: str) -> str:
    """Without the styles that tokman itself sets."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("form", FORMATS)
def test_golden(form: str, golden: Callable[[str, str], None]) -> None:
    text = shown(form, total=TOTAL, notes=["a note of <b>\x1b[1m"])
    golden(f"render/hostile.{form}", text.replace("x" * 10_000, "x…10,000…x"))


def test_golden_on_a_screen(
    golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    screen = Screen()
    show(ROWS[:8], COLUMNS, "table", screen, total=TOTAL, notes=["a note " * 12])
    golden("render/screen-60.table", plain(screen.getvalue()))


def test_json_is_exact() -> None:
    back = json.loads(shown("json"), parse_float=Decimal)
    assert [row["cost"] for row in back] == [row["cost"] for row in ROWS]
    assert [row["calls"] for row in back] == [row["calls"] for row in ROWS]
    names = [row["name"] for row in back]
    assert names == [name.replace("\ud83d", "\\ud83d") for name in HOSTILE]


def test_json_obeys_no_terminal() -> None:
    assert all(char.isprintable() or char == "\n" for char in shown("json"))


def test_csv_reads_back() -> None:
    text = shown("csv")
    rows = list(csv.reader(io.StringIO(text)))
    assert [len(row) for row in rows] == [len(COLUMNS)] * (len(ROWS) + 1)
    costs = [row[2] for row in rows[1:]]
    assert [Decimal(cost) if cost else None for cost in costs] == [row["cost"] for row in ROWS]
    assert "E" not in "".join(costs)
    assert rows[-1][0] == ""
    assert rows[-2][0] == "x" * 10_000


def test_only_machines_get_hidden_columns_and_only_people_the_total() -> None:
    for form in FORMATS:
        text = shown(form, total=TOTAL, notes=["a note"])
        people = form in ("table", "markdown")
        assert ("hidden" in text.lower()) != people
        assert ("Total" in text) == people
        assert ("a note" in text) == people


def test_a_column_title_from_a_log_is_as_harmless_as_a_cell() -> None:
    column = [Column("=1|\x1b", "=1|\x1b", "plain")]
    assert shown("table", [], column).splitlines()[1] == " =1|\\x1b"
    assert shown("csv", [], column) == "'=1|\\x1b\n"
    assert shown("markdown", [], column).startswith("| =1\\|\\\\x1b |")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a_b*c", "a\\_b\\*c"),
        ("a|b", "a\\|b"),
        ("<b>&lt;", "\\<b\\>&amp;lt;"),
        ("https://x.example", "https\\://x.example"),
        ("WWW.x.example", "WWW\\.x.example"),
        ("@octocat", "@<!-- -->octocat"),
        ("(@octocat)", "(@<!-- -->octocat)"),
        ("a@b.example", "a@b.example"),
        ("3:4 @ 5", "3:4 @ 5"),
        ("claude-opus-4.8", "claude-opus-4.8"),
    ],
)
def test_markdown_cells_are_plain_words(text: str, written: str) -> None:
    line = shown("markdown", [{"x": text}], [Column("x", "X")]).splitlines()[2]
    assert line == f"| {written} |"


NAMES = st.text(max_size=40) | st.text(
    alphabet=":#\x1b\x9b\u202e\u2066\u200b\r\n\t\0=+-@|`<[]()*\\\"',;日x", max_size=20
)
AMOUNTS = st.none() | st.decimals(
    min_value=-(10**9), max_value=10**9, places=12, allow_nan=False, allow_infinity=False
)
SOME_ROWS = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES, "other": st.none() | NAMES, "calls": st.integers(0, 10**15)}
        | {"cost": AMOUNTS, "share": st.none() | st.floats(0, 1)}
    ),
    max_size=5,
)
SOME_COLUMNS = (
    Column("name", "Name"),
    Column("other", "Other"),
    Column("calls", "Calls", "count"),
    Column("cost", "Cost", "money"),
    Column("share", "Share", "share", keep=4),
)


@settings(max_examples=60, deadline=None)
@given(SOME_ROWS)
def test_nothing_reaches_a_person_that_a_terminal_obeys(rows: list[dict[str, Any]]) -> None:
    for form in ("table", "markdown", "csv", "json"):
        for char in shown(form, rows, SOME_COLUMNS):
            assert char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


@settings(max_examples=60, deadline=None)
@given(SOME_ROWS)
def test_nothing_is_a_command_of_a_ci_runner(rows: list[dict[str, Any]]) -> None:
    for form in ("table", "markdown", "csv", "json"):
        text = shown(form, rows, SOME_COLUMNS)
        assert "##[" not in text
        assert not any(line.lstrip().startswith("::") for line in text.split("\n"))


@settings(max_examples=60, deadline=None)
@given(SOME_ROWS)
def test_csv_keeps_its_shape_and_runs_nothing(rows: list[dict[str, Any]]) -> None:
    back = list(csv.reader(io.StringIO(shown("csv", rows, SOME_COLUMNS))))
    assert [len(row) for row in back] == [len(SOME_COLUMNS)] * (len(rows) + 1)
    for name, other, calls, cost, _ in back[1:]:
        assert not name.strip().startswith(("=", "+", "-", "@"))
        assert not other.strip().startswith(("=", "+", "-", "@"))
        assert calls.isdigit()
        assert not cost or Decimal(cost).is_finite()


@settings(max_examples=60, deadline=None)
@given(SOME_ROWS)
def test_markdown_keeps_its_shape(rows: list[dict[str, Any]]) -> None:
    lines = shown("markdown", rows, SOME_COLUMNS).splitlines()
    assert len(lines) == len(rows) + 2
    for line in lines:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == len(SOME_COLUMNS) + 1


@settings(max_examples=60, deadline=None)
@given(SOME_ROWS, st.integers(40, 200))
def test_numbers_are_never_cut(rows: list[dict[str, Any]], width: int) -> None:
    whole = shown("table", rows, SOME_COLUMNS).splitlines()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        screen = Screen()
        show(rows, SOME_COLUMNS, "table", screen)
    lines = plain(screen.getvalue()).splitlines()
    assert all(cell_len(line) <= width for line in lines)
    for line, full in zip(lines[3 : 3 + len(rows)], whole[3:], strict=False):
        calls_and_cost = full.rsplit(maxsplit=3)[-3:]
        assert line.split()[-len(calls_and_cost) :] == calls_and_cost or "Share" not in lines[1]
        for number in calls_and_cost[:2]:
            assert number in line.split()


def test_a_number_is_whole_where_nothing_can_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    columns = [Column(f"n{index}", f"N{index}", "money") for index in range(9)]
    screen = Screen()
    show([{f"n{index}": Decimal("1234.5") for index in range(9)}], columns, "table", screen)
    assert plain(screen.getvalue()).count("$1,234.50") == 9


def test_columns_leave_in_their_order_and_a_note_says_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns = [Column("name", "Name"), Column("keep", "Keep", "count")]
    columns += [Column(f"n{keep}", f"Leaves{keep}", "count", keep=keep) for keep in (3, 1, 2)]
    row = {"name": "a" * 60, "keep": 1, "n3": 1, "n1": 1, "n2": 1}
    gone = {}
    for width in (120, 55, 46, 37, 36):
        monkeypatch.setenv("COLUMNS", str(width))
        screen = Screen()
        show([row], columns, "table", screen)
        text = " ".join(plain(screen.getvalue()).split())
        gone[width] = text.partition("width: ")[2]
    assert gone == {
        120: "",
        55: "",
        46: "Leaves1",
        37: "Leaves1, Leaves2",
        36: "Leaves3, Leaves1, Leaves2",
    }


def test_a_long_name_in_a_pipe_pushes_only_its_own_line_aside() -> None:
    columns = [Column("name", "Name"), Column("calls", "Calls", "count")]
    lines = shown("table", [{"name": "x" * 5000, "calls": 1}, {"name": "y"}], columns).splitlines()
    assert lines[3] == " " + "x" * 5000 + "      1"
    assert max(len(line) for line in lines if "x" not in line) == 108
