"""Success rate beside cost."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.ledgers import call, made
from tokman.check.quality import Bound, Quality, held
from tokman.recommend import trial

ALPHA = 0.05


def seen(before: tuple[int, int], now: tuple[int, int]) -> Quality:
    """Successes of outcomes, before and now."""
    bad = [of - right for right, of in (before, now)]
    gap = trial.split(bad[1], now[1], bad[0], before[1], ALPHA)
    return Quality("w", (before[1], now[1]), (before[0], now[0]), gap, 0.001, False)


CUT, NO_CUT = Bound(0.02, True), Bound(0.02, False)


@pytest.mark.parametrize(
    ("before", "now", "loss", "strict", "balanced", "lenient"),
    [
        # The golden of 950 of 1000 against 475 of 500: −2.0 to +1.6 points by Newcombe.
        ((1900, 2000), (1900, 2000), CUT, True, True, True),
        ((1900, 2000), (1800, 2000), CUT, False, False, False),
        ((95, 100), (94, 100), CUT, False, None, None),
        ((95, 100), (80, 100), CUT, False, False, False),
        ((95, 100), (94, 100), NO_CUT, True, True, True),
        ((95, 100), (92, 100), NO_CUT, False, False, True),
        ((95, 100), (75, 100), NO_CUT, False, False, False),
        ((500, 1000), (990, 1000), CUT, True, True, True),
    ],
)
def test_a_loss(
    before: tuple[int, int],
    now: tuple[int, int],
    loss: Bound,
    strict: bool | None,
    balanced: bool | None,
    lenient: bool | None,
) -> None:
    known = seen(before, now)
    found = [held(known, loss, 0.001, ALPHA, how) for how in ("strict", "balanced", "lenient")]
    assert found == [strict, balanced, lenient]


def test_a_loss_within_chance_is_none() -> None:
    assert held(seen((95, 100), (80, 100)), NO_CUT, 0.2, ALPHA, "balanced") is True
    assert held(seen((95, 100), (80, 100)), CUT, 0.2, ALPHA, "balanced") is None


def work(folder: Path, prompt: int, good: int, count: int = 400) -> Path:
    """A ledger of conversations of which so many were a success."""
    calls = [call(n, workflow="w", session=f"s{n}", prompt=prompt) for n in range(count)]
    made(folder, calls)
    with folder.with_suffix(".csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["session", "success"])
        rows.writerows([f"s{n}", "yes" if n < good else "no"] for n in range(count))
    return folder


@pytest.fixture
def judged(tokman: Run, tmp_path: Path) -> Any:
    def run(base: tuple[int, int], now: tuple[int, int], *options: str) -> tuple[int, Any]:
        for name, (prompt, good) in (("base", base), ("now", now)):
            folder = work(tmp_path / name, prompt, good)
            csv_file = folder.with_suffix(".csv")
            key = ("--key", "conversation_id=session")
            assert tokman("outcomes", "add", csv_file, *key, "--ledger", folder).code == 0
        assert tokman("check", "--ledger", "base", "--save", "b.json").code == 0
        done = tokman("check", "--ledger", "now", "--baseline", "b.json", "-f", "json", *options)
        return done.code, json.loads(done.out)

    return run


def quality(answer: Any) -> Any:
    return next(each for each in answer["findings"] if each["rule"] == "quality")


def test_a_cut_that_loses_quality_fails(judged: Any) -> None:
    code, answer = judged((4000, 380), (2000, 300))
    assert code == 1
    told = quality(answer)
    assert (told["outcome"], told["base"]["successes"], told["now"]["successes"]) == (
        "regression",
        380,
        300,
    )
    assert told["change"] == pytest.approx(-0.2)
    assert "the cost was cut" in told["why"]


def test_a_cut_that_keeps_quality_passes(judged: Any) -> None:
    Path("tokman.toml").write_text('[check.workflows.w]\nmax_loss = "5%"\n')
    code, answer = judged((4000, 380), (2000, 380))
    assert (code, answer["outcome"], quality(answer)["outcome"]) == (0, "pass", "pass")


def test_a_cut_whose_quality_cannot_be_told(judged: Any) -> None:
    Path("tokman.toml").write_text('[check.workflows.w]\nmax_loss = "0.5%"\n')
    code, answer = judged((4000, 380), (2000, 379), "--inconclusive", "fail")
    assert (code, answer["outcome"]) == (4, "inconclusive")
    assert quality(answer)["outcome"] == "inconclusive"


def test_the_same_quality_at_the_same_cost(judged: Any) -> None:
    code, answer = judged((4000, 380), (4000, 379))
    assert (code, quality(answer)["outcome"]) == (0, "pass")


def test_cost_per_success(judged: Any) -> None:
    """Half as many successes at the same cost of a conversation: each costs twice as much."""
    code, answer = judged((4000, 380), (4000, 190), "--unit", "outcome")
    assert code == 1
    told = next(each for each in answer["findings"] if each["rule"] == "cost")
    assert (told["base"]["units"], told["now"]["units"]) == (380, 190)
    assert told["change"] == pytest.approx(1.0)
    assert told["outcome"] == "regression"


def test_without_outcomes_there_is_no_quality(tokman: Run, tmp_path: Path) -> None:
    folder = made(tmp_path / "plain", [call(n, workflow="w") for n in range(5)])
    tokman("check", "--ledger", folder, "--save", "b.json")
    done = tokman("check", "--ledger", folder, "--baseline", "b.json", "-f", "json")
    assert [each["rule"] for each in json.loads(done.out)["findings"]] == ["cost"]
    done = tokman("check", "--ledger", folder, "--baseline", "b.json", "--unit", "outcome")
    assert done.code == 3
    assert "tokman outcomes add" in done.err


def test_successes_are_those_of_the_report(tokman: Run, tmp_path: Path) -> None:
    """An outcome that several conversations worked on is one, as in the report."""
    tags = [["workflow:w", f"pr:{n % 7}"] for n in range(40)]
    calls = [call(n, session=f"s{n}", request_tags=tags[n]) for n in range(40)]
    folder = made(tmp_path / "ledger", calls)
    (tmp_path / "prs.csv").write_text(
        "PR,merged\n" + "".join(f"{n},{'yes' if n < 4 else 'no'}\n" for n in range(9))
    )
    added = ("--key", "pr=PR", "--success", "merged", "--ledger", folder)
    assert tokman("outcomes", "add", tmp_path / "prs.csv", *added).code == 0
    tokman("check", "--ledger", folder, "--save", "b.json")
    saved = json.loads(Path("b.json").read_text())["work"][0]
    (row,) = json.loads(tokman("report", "--by", "workflow", "-f", "json", "--ledger", folder).out)
    assert (saved["judged"], saved["successes"]) == (row["outcomes"], row["successes"]) == (7, 4)
    assert len(saved["samples"]) == 7
