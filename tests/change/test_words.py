"""The sentence and the screen: what they say adds up, whatever the numbers."""

from __future__ import annotations

import io
import math
import random
import re
from decimal import Decimal
from typing import Any

import pytest

from tests.change.test_decompose import BASE, OUT, PLAIN, random_sides, side
from tokman.change import Change, Side, decompose
from tokman.change.causes import causes
from tokman.change.compare import Answer
from tokman.change.drawn import Drawn
from tokman.screens.change import show
from tokman.screens.change_words import sentence

AMOUNT = re.compile(r"(-?)\$([\d,.]*\d) (?:because|from)")


def drawn(name: str, **more: Any) -> Drawn:
    names = Drawn.__struct_fields__
    told: dict[str, Any] = {each: 0 for each in names if each.endswith(("_calls", "_tokens"))}
    told |= {each: [] for each in names if each.endswith(("_workflows", "_models"))}
    told |= {"name": name, "period": (None, None), "days": None, "days_asked": None, "calls": 0}
    return Drawn(**told | {"sources": ["litellm"], "rate_cards": ["card"]} | more)


def answered(change: Change, **more: Any) -> Answer:
    told, rest = causes(change)
    assert sum(cause.amount for cause in (*told, *rest)) == change.amount
    facts: dict[str, Any] = {"before": drawn("May"), "after": drawn("June"), "by": ["workflow"]}
    facts |= {"tz": "UTC", "per_day": False, "overlap": False, "scaled_calls": 0}
    facts |= {"unsplit_calls": 0, "statements": False, "repriced": []}
    return Answer(change=change, told=told, rest=rest, **facts | more)


def dollars_of(change_in: int, *rows: tuple[Any, ...]) -> Side:
    """A side whose prices are dollars where `side` counts pico-dollars."""
    made = side(*rows)
    for line, amount in made.lines.items():
        made.lines[line] = amount._replace(
            list_cost=amount.list_cost * change_in, cost=amount.cost * change_in
        )
    return made


def test_amounts_in_the_sentence_add_up() -> None:
    for seed in range(1500):
        change = decompose(*random_sides(seed))
        words = sentence(answered(change))
        assert words.endswith(".")
        total = re.match(r"Spend (rose|fell) (?:from nothing to )?\$([\d,.]*\d)", words)
        parts = [
            Decimal(number.replace(",", "")) * (-1 if sign else 1)
            for sign, number in AMOUNT.findall(words)
        ]
        if total is None:
            assert "stayed at" in words or "nothing on both sides" in words, seed
            assert sum(parts) == 0, seed
            continue
        size = Decimal(total[2].replace(",", ""))
        assert sum(parts) == (size if total[1] == "rose" else -size), (seed, words)
        assert (change.amount > 0) == (total[1] == "rose")


def test_a_figure_points_where_the_money_went() -> None:
    up = "more|twice|times as many|grew|rose|doubled|none before"
    down = "fewer|half as|halved|shrank|fell|no more"
    for seed in range(1500):
        answer = answered(decompose(*random_sides(seed)))
        for cause in answer.told:
            if cause.growth is not None:
                assert (cause.growth > 1) == (cause.amount > 0), seed
        for sign, clause in re.findall(r"(-?)\$[\d,.]+ because ((?:(?!-?\$).)*)", sentence(answer)):
            if moved := re.search(rf"\b(?:(?P<up>{up})|{down})\b", clause):
                wrong = bool(moved["up"]) == bool(sign) and "bought nothing" not in clause
                assert not wrong, (seed, clause)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (BASE, "Spend stayed at $1,324.00."),
        (
            [("support", "big", 200, {PLAIN: (20_000, 50), OUT: (4_000, 250)}), BASE[1]],
            "Spend rose $1,000 (+75.5%): $1,000 because support made twice as many calls.",
        ),
        (
            [("support", "big", 100, {PLAIN: (14_000, 50), OUT: (2_000, 250)}), BASE[1]],
            "Spend rose $200.00 (+15.1%): $200.00 because prompts of support grew 40%.",
        ),
        (
            [("support", "big", 100, {PLAIN: (10_000, 40), OUT: (2_000, 200)}), BASE[1]],
            "Spend fell $200.00 (-15.1%): -$200.00 because the price of big fell 20%.",
        ),
        (
            [(w, m, 3 * n, {k: (3 * u, p) for k, (u, p) in b.items()}) for w, m, n, b in BASE],
            "Spend rose $2,648 (+200.0%): $2,648 because everything made 3.0 times as many calls.",
        ),
        (
            [BASE[0], ("labels", "small", 300, {PLAIN: (30_000, 10)}), ("x", "y", 9, {})],
            "Spend fell $24.00 (-1.8%): -$24.00 from the length of answers of labels.",
        ),
        ([], "Spend fell $1,324 (-100.0%): -$1,000 because support made no more calls and "
             "-$324 because labels made no more calls."),
    ],
)  # fmt: skip
def test_sentences(after: list[tuple[Any, ...]], words: str) -> None:
    million = 10**9
    change = decompose(dollars_of(million, *BASE), dollars_of(million, *after))
    assert sentence(answered(change)) == words


def test_from_nothing_and_of_nothing() -> None:
    change = decompose(Side(), dollars_of(10**9, BASE[0]))
    assert sentence(answered(change)) == (
        "Spend rose from nothing to $1,000: $1,000 because support made calls (none before)."
    )
    assert sentence(answered(decompose(Side(), Side()))) == "Spend is nothing on both sides."


def test_calls_without_a_price_are_not_said_to_be_no_calls() -> None:
    change = decompose(Side(), dollars_of(10**9, BASE[0]))
    before = drawn("May", unpriced_workflows=["support"])
    words = sentence(answered(change, before=before))
    assert words.endswith("$1,000 because support made priced calls (none before).")


def test_more_of_a_dear_model_is_not_why_less_is_spent() -> None:
    """The dear model's share grew a little, but the cheap one lost calls to a cheaper one."""
    before = [("w", "dear", 10, {OUT: (100, 90)}), ("w", "mid", 90, {OUT: (900, 40)})]
    after = [
        ("w", "dear", 14, {OUT: (140, 90)}),
        ("w", "mid", 73, {OUT: (730, 40)}),
        ("w", "low", 3, {OUT: (30, 1)}),
        ("w", "least", 10, {OUT: (100, 2)}),
    ]
    words = sentence(answered(decompose(dollars_of(10**9, *before), dollars_of(10**9, *after))))
    assert words.endswith("because 10% of the calls of w went to least (0% before).")
    after[1] = ("w", "mid", 74, {OUT: (740, 40)})
    after[2:] = [(w, f"{m}{n}", 3, {OUT: (30, 1)}) for w, m, *_ in after[2:3] for n in range(4)]
    words = sentence(answered(decompose(dollars_of(10**9, *before), dollars_of(10**9, *after))))
    assert words.endswith("from the mix of models of w.")


def test_figures_that_look_alike_are_not_told() -> None:
    before = [("w", "dear", 10_000, {OUT: (10_000, 90)}), ("w", "low", 10_000, {OUT: (10_000, 1)})]
    after = [("w", "dear", 10_010, {OUT: (10_010, 90)}), ("w", "low", 9_990, {OUT: (9_990, 1)})]
    words = sentence(answered(decompose(dollars_of(10**9, *before), dollars_of(10**9, *after))))
    assert words == "Spend rose $0.8900 (+0.1%): $0.8900 from the mix of models of w."


def test_many_small_causes_are_told_for_all_at_once() -> None:
    draw = random.Random(1)
    rows = [(f"w{n}", "big", draw.randint(50, 150), {OUT: (1_000, 10)}) for n in range(60)]
    more = [(w, m, n + draw.randint(1, n), {OUT: (1_700, 10)}) for w, m, n, _ in rows]
    change = decompose(dollars_of(10**9, *rows), dollars_of(10**9, *more))
    assert "because everything made" in sentence(answered(change))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_nothing_runs_over_the_edge(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for seed in range(0, 300, 3):
        change = decompose(*random_sides(seed))
        if not change.leaves:
            continue
        screen = Terminal()
        show(answered(change, by=["workflow", "model"]), "table", screen)
        lines = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()
        assert max(len(line.rstrip()) for line in lines) <= width, (seed, lines)


@pytest.mark.parametrize("form", ["table", "markdown", "json", "csv"])
def test_the_waterfall_adds_up_as_shown(form: str) -> None:
    for seed in range(0, 600, 2):
        change = decompose(*random_sides(seed))
        if not change.leaves:
            continue
        page = io.StringIO()
        show(answered(change), form, page)
        if form != "markdown":
            continue
        table = page.getvalue().split("\n\n")[1].splitlines()[2:]
        cells = [line.split(" | ")[1].removesuffix(" |") for line in table]
        if any(re.search(r"[<>&]", cell) for cell in cells):
            continue
        amounts = [Decimal(re.sub(r"[$,\\]", "", cell)) for cell in cells]
        assert amounts[0] + sum(amounts[1:-1]) == amounts[-1], seed
        assert math.isfinite(amounts[-1])
