"""Names that stay, decisions and judgements that are kept, and what they do to a plan."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.recommend.books import books, card, config, nightly
from tests.recommend.test_plan import everything
from tokman.config import Config
from tokman.errors import TokmanError
from tokman.recommend import decisions, names, precision, recommend
from tokman.recommend.decisions import Decided, Decision, Judgement
from tokman.recommend.precision import wilson

NOW = datetime(2026, 11, 24, 12)


def dismissed(name: str, until: date | None = None, today: date = NOW.date()) -> Decided:
    choice = Decision(name=name, choice="dismissed", until=until, title="It", at=NOW)
    return Decided((choice,), (), today)


def test_a_name_is_the_same_whatever_else_is_in_the_ledger() -> None:
    few = recommend(books(nightly(workflow="digest")), card(), Config())
    more = recommend(
        books(nightly(workflow="digest", per_night=90) + nightly(workflow="other")),
        card(),
        config(digest={"interactive": False}),
    )
    (one,) = few.recommendations
    assert one.id in {other.id for other in more.recommendations if other.workflow == "digest"}
    assert len({other.id for other in more.recommendations}) == len(more.recommendations)


def test_names_that_begin_alike_are_longer() -> None:
    found = names.short(["abcd1xxx", "abcd2yyy", "wxyz9999"])
    assert found == {"abcd1xxx": "abcd1", "abcd2yyy": "abcd2", "wxyz9999": "wxyz"}
    assert names.meant(found, "ABCD2") == "abcd2yyy"
    with pytest.raises(TokmanError, match="several"):
        names.meant(found, "abcd")
    for nothing in ("", "q", "abcd2yyyy"):
        with pytest.raises(TokmanError, match="no recommendation"):
            names.meant(found, nothing)


def test_what_is_dismissed_leaves_its_calls_to_others() -> None:
    whole = recommend(books(everything()), card(), Config())
    downgrade = next(one for one in whole.recommendations if one.lever == "downgrade")
    without = recommend(books(everything()), card(), Config(), decided=dismissed(downgrade.name))
    assert "downgrade" not in {one.lever for one in without.recommendations}
    by_lever = {
        key: {one.lever: one.incremental for one in plan.levers}
        for key, plan in (("whole", whole), ("without", without))
    }
    assert by_lever["without"]["prompt cache"] > by_lever["whole"]["prompt cache"]
    assert without.window.identified < whole.window.identified
    assert [one.choice for one in without.decisions] == ["dismissed"]


def test_a_dismissal_ends() -> None:
    whole = recommend(books(nightly(workflow="digest")), card(), Config())
    (one,) = whole.recommendations
    ends = NOW.date() + timedelta(days=5)
    for days, found in ((0, 0), (4, 0), (5, 1), (9, 1)):
        day = NOW.date() + timedelta(days=days)
        decided = dismissed(one.name, ends, day)
        plan = recommend(books(nightly(workflow="digest")), card(), Config(), decided=decided)
        assert (len(plan.recommendations), len(plan.decisions)) == (found, 1 - found)


def test_wilson() -> None:
    """Wilson 1927; 8 of 10 at z = 1.96 gives .490 (Newcombe 1998, Stat. Med. 17:857, method 3:
    .4902 for 8/10); at z = 0 the share itself."""
    assert wilson(8, 10, 1.959964) == pytest.approx(0.4902, abs=1e-4)
    assert wilson(7, 10, 0) == pytest.approx(0.7)
    assert wilson(0, 0) == 0
    assert wilson(30, 30) == pytest.approx(30 / (30 + 1.2815515655**2))


def judgements(right: int, wrong: int, lever: str = "batch", rule: str = "") -> Decided:
    made = [
        Judgement(lever=lever, rule=rule, hit=f"call-{number}", right=number < right, at=NOW)
        for number in range(right + wrong)
    ]
    return Decided((), tuple(made), NOW.date())


@pytest.mark.parametrize(
    ("right", "wrong", "counts"),
    [(0, 0, True), (3, 6, True), (10, 0, True), (29, 1, True), (25, 5, False), (0, 10, False)],
)
def test_judgements_decide_whether_a_rule_is_expected_to_save(
    right: int, wrong: int, counts: bool
) -> None:
    ledger = books(nightly(workflow="digest"))
    (before,) = recommend(ledger, card(), Config()).recommendations
    decided = judgements(right, wrong, rule=before.rule)
    plan = recommend(ledger, card(), Config(), decided=decided)
    (one,) = plan.recommendations
    assert one.window.identified > 0
    assert (one.window.expected > 0, plan.window.high > 0) == (counts, counts)
    assert (one.judged is not None) == bool(right + wrong)
    elsewhere = judgements(0, 20, "stop", before.rule)
    other = recommend(ledger, card(), Config(), decided=elsewhere)
    assert other.window.expected > 0


def test_the_later_judgement_of_a_hit_counts_in_whatever_order_they_are_merged(
    tmp_path: Path,
) -> None:
    first = Judgement(lever="stop", rule="r", hit="c", right=True, at=NOW)
    later = Judgement(lever="stop", rule="r", hit="c", right=False, at=NOW + timedelta(hours=1))
    for number, order in enumerate(([first, later], [later, first])):
        folder = tmp_path / str(number)
        folder.mkdir()
        for one in order:
            decisions.judge(folder, [one])
        assert decisions.load(folder).judgements == (later,)
        assert precision.by_rule(decisions.load(folder).judgements)["stop", "r"].right == 0


def test_a_damaged_store_is_one_line(tmp_path: Path) -> None:
    (tmp_path / decisions.FILE).write_bytes(b"nonsense" * 500)
    with pytest.raises(TokmanError, match="damaged"):
        decisions.load(tmp_path)


@pytest.fixture
def own_sample_ledger(sample_ledger: Path, tmp_path: Path) -> Path:
    """A copy of the sample ledger, to be written to."""
    return Path(shutil.copytree(sample_ledger, tmp_path / "own"))


def plan_of(tokman: Run, *options: object) -> dict[str, list[dict[str, object]]]:
    answer = tokman("recommend", "-f", "json", *options)
    assert answer.code == 0, answer.err
    found: dict[str, list[dict[str, object]]] = json.loads(answer.out)
    return found


def test_accept_dismiss_and_reopen(tokman: Run, own_sample_ledger: Path) -> None:
    at = ("--ledger", own_sample_ledger)
    before = plan_of(tokman, *at)["recommendations"]
    first, second = (str(one["id"]) for one in before[:2])
    accepted = tokman("recommend", "--accept", first, "--because", "owner agrees", *at)
    assert (accepted.code, first[:4] in accepted.out) == (0, True)
    answer = tokman("recommend", "--dismiss", second, "--until", "2999-01-31", *at)
    assert "dismissed until 2999-01-31" in answer.out
    after = plan_of(tokman, *at)
    assert second not in {one["id"] for one in after["recommendations"]}
    assert [one["id"] for one in after["recommendations"] if one["accepted"]] == [first]
    assert [one["choice"] for one in after["decisions"]] == ["accepted", "dismissed"]
    screen = tokman("recommend", *at).out
    assert "owner agrees" in screen and "dismissed until 2999-01-31" in screen
    tokman("recommend", "--reopen", second, *at)
    assert second in {one["id"] for one in plan_of(tokman, *at)["recommendations"]}
    Path("tokman.toml").write_text('profile = "AI coding agency"')
    assert "negative net value" in tokman("recommend", *at).out
    Path("tokman.toml").unlink()
    for wrong in (
        ("--dismiss", second, "--until", "2001-01-01"),
        ("--dismiss", second, "--until", "soon"),
        ("--accept", "nope"),
        ("--accept", first, "--dismiss", second),
        ("--because", "why"),
        ("--lever", "magic"),
        ("--where", "1) or (1"),
        ("--explain", "zzzz"),
    ):
        refused = tokman("recommend", *wrong, *at)
        assert refused.code == 2 and refused.err.startswith("error: "), wrong
        assert "Traceback" not in refused.err


def test_only_what_is_asked_for_is_shown(tokman: Run, own_sample_ledger: Path) -> None:
    at = ("--ledger", own_sample_ledger)
    whole = plan_of(tokman, *at)
    levers = {str(one["lever"]) for one in whole["recommendations"]}
    lever = sorted(levers)[0]
    some = plan_of(tokman, "--lever", lever, *at)
    assert {one["lever"] for one in some["recommendations"]} == {lever}
    assert some["expected_saving"] == whole["expected_saving"]
    assert plan_of(tokman, "--min-saving", "1e9", *at)["recommendations"] == []
    assert "not shown" in tokman("recommend", "--min-saving", "1e9", *at).out
    one = plan_of(tokman, "--where", "workflow = 'ticket-labels'", *at)
    assert {each["workflow"] for each in one["recommendations"]} == {"ticket-labels"}
    assert float(str(one["spend"])) < float(str(whole["spend"]))


def test_the_sums_of_an_explanation_are_those_of_the_card(
    tokman: Run, own_sample_ledger: Path
) -> None:
    at = ("--ledger", own_sample_ledger)
    for one in plan_of(tokman, *at)["recommendations"]:
        answer = tokman("recommend", "--explain", one["id"], "-f", "json", *at)
        assert answer.code == 0, answer.err
        told = json.loads(answer.out)
        first, lines = told["examples"][0], told["arithmetic"]
        assert lines
        for side, counted, price in (
            ("cost", "count", "price_per_million"),
            ("then_cost", "then_count", "then_price_per_million"),
        ):
            assert sum(line[side] for line in lines) == pytest.approx(first[side], rel=1e-9)
            for line in lines:
                by_hand = line[counted] * (line[price] or 0) / 1e6
                assert line[side] == pytest.approx(by_hand, rel=1e-9)
        for call in told["examples"]:
            assert Path(call["file"]).exists() and call["line"] >= 0
            assert call["saved"] == pytest.approx(call["cost"] - call["then_cost"], abs=1e-12)
        screen = tokman("recommend", "--explain", one["id"], *at).out
        assert str(first["call_id"]) in screen and str(one["how"]).splitlines()[0][:30] in screen


def test_judgements_through_a_file(tokman: Run, own_sample_ledger: Path, tmp_path: Path) -> None:
    at = ("--ledger", own_sample_ledger)
    labels = next(
        one for one in plan_of(tokman, *at)["recommendations"] if one["lever"] == "downgrade"
    )
    path = tmp_path / "hits.csv"
    wrote = tokman("label", labels["id"], "--file", path, "--sample", 12, *at)
    assert wrote.code == 0, wrote.err
    rows = list(csv.DictReader(path.open()))
    assert len(rows) == 12 == len({row["hit"] for row in rows})
    assert all(row["lever"] == "downgrade" and row["place"] for row in rows)
    for number, row in enumerate(rows):
        row["right"] = "n" if number < 11 else "perhaps"
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    kept = tokman("label", "--file", path, *at)
    assert kept.code == 1 and f"{path}:13: 'perhaps' is not y or n" in kept.err
    again = tokman("label", "--file", path, *at)
    assert "11 judgements kept" in again.err
    (rule,) = [
        row
        for row in json.loads(tokman("label", "-f", "json", *at).out)
        if row["lever"] == "downgrade"
    ]
    assert (rule["judged"], rule["right"]) == (11, 0)
    after = next(
        one for one in plan_of(tokman, *at)["recommendations"] if one["lever"] == "downgrade"
    )
    assert after["expected_saving"] == 0 < float(str(after["identified_saving"]))
    left = tokman("label", labels["id"], "--sample", 1000, "-f", "json", *at)
    assert not {row["hit"] for row in rows[:11]} & {row["hit"] for row in json.loads(left.out)}


def test_label_refuses_in_one_line(tokman: Run, own_sample_ledger: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    for wrong in (("--file", other), ("--rule", "nothing"), ("zzzz",)):
        refused = tokman("label", *wrong, "--ledger", own_sample_ledger)
        assert refused.code == 2 and refused.err.startswith("error: "), wrong
