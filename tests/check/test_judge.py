"""The gate: what it fails, and what it must let pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Run
from tests.ledgers import call, made
from tokman import check as gate
from tokman import rates
from tokman.check.baseline import Baseline, Group, Work
from tokman.config import Model, Rates
from tokman.errors import TokmanError

SUITE = ROOT / ".github/cost-suite"


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Ledgers of the cost suite on main and in the pull request."""
    folder = tmp_path_factory.mktemp("suite")
    found = {}
    for name in ("main", "pull_request"):
        lines = (SUITE / f"{name}.jsonl").read_text().splitlines()
        found[name] = made(folder / name, [json.loads(line) for line in lines])
    return found


@pytest.fixture
def judged(tokman: Run, tmp_path: Path) -> Callable[..., tuple[int, Any]]:
    """Exit code and answer of a check of `now` against `base`, both lists of calls."""

    def run(
        base: list[dict[str, Any]], now: list[dict[str, Any]], *options: str
    ) -> tuple[int, Any]:
        folders = [made(tmp_path / name, calls) for name, calls in (("base", base), ("now", now))]
        saved = tokman("check", "--ledger", folders[0], "--save", "baseline.json")
        assert saved.code == 0
        done = tokman(
            *("check", "--ledger", folders[1], "--baseline", "baseline.json", "-f", "json"),
            *options,
        )
        if done.code == 3:
            return 3, done.err
        return done.code, json.loads(done.out, parse_float=Decimal)

    return run


Judged = Callable[..., tuple[int, Any]]


def verdicts(answer: Any) -> dict[str | None, str]:
    return {row["workflow"]: row["verdict"] for row in answer["rows"]}


@pytest.mark.parametrize("unit", ["call", "conversation"])
def test_a_ledger_against_itself(unit: str, tokman: Run, sample_ledger: Path) -> None:
    tokman("check", "--ledger", sample_ledger, "--save", "b.json")
    done = tokman(
        *("check", "--ledger", sample_ledger, "--baseline", "b.json", "--format", "json"),
        *("--unit", unit, "--max-increase", "0%", "--max-unpriced", "1%"),
    )
    assert done.code == 0
    answer = json.loads(done.out)
    assert (answer["verdict"], answer["change"], answer["unit"]) == ("pass", 0.0, unit)
    assert {row["change"] for row in answer["rows"] if row["verdict"] == "pass"} == {0.0}
    assert verdicts(answer)["intent-routing"] == "unpriced"
    assert (answer["base_unpriced_calls"], answer["unpriced_calls"]) == (25, 25)


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_the_cost_suite(
    form: str, tokman: Run, sides: dict[str, Path], golden: Callable[[str, str], None]
) -> None:
    tokman("check", "--ledger", sides["main"], "--save", "b.json")
    done = tokman("check", "--ledger", sides["pull_request"], "--baseline", "b.json", "-f", form)
    assert (done.code, done.err) == (1, "")
    golden(f"check/suite.{form}", done.out)
    if form == "json":
        assert verdicts(json.loads(done.out)) == {
            "support-assistant": "regression",
            "ticket-labels": "pass",
        }


def test_the_committed_baseline_is_what_the_workflow_judges_by(
    tokman: Run, sides: dict[str, Path]
) -> None:
    steps = (ROOT / ".github/workflows/cost.yml").read_text()
    assert '--baseline "$SUITE/baseline.json"' in steps
    for side, code in (("main", 0), ("pull_request", 1)):
        done = tokman("check", "--ledger", sides[side], "--baseline", SUITE / "baseline.json")
        assert (side, done.code) == (side, code)


def test_cheaper_is_no_regression(tokman: Run, sides: dict[str, Path]) -> None:
    tokman("check", "--ledger", sides["pull_request"], "--save", "b.json")
    done = tokman("check", "--ledger", sides["main"], "--baseline", "b.json")
    assert done.code == 0
    assert done.out.startswith("pass: no workflow costs more per call than allowed (-14.8% in all)")


WORK = [
    call(1, workflow="a", prompt=1000, session="s1"),
    call(2, workflow="a", prompt=3001, cached=1000, session="s1"),
    call(3, workflow="b", prompt=50, answer=1, model="gpt-5.4"),
]


def again(calls: list[dict[str, Any]], times: int) -> list[dict[str, Any]]:
    """The same traffic so many times over."""
    return [
        one | {"request_id": f"{one['request_id']}-{n}", "session_id": f"{one['session_id']}-{n}"}
        for n in range(times)
        for one in calls
    ]


def test_growth_is_no_regression(judged: Judged) -> None:
    code, answer = judged(WORK, again(WORK, 3), "--max-increase", "0%")
    assert code == 0
    assert answer["change"] == 0
    assert [(row["base_units"], row["units"]) for row in answer["rows"]] == [(2, 6), (1, 3)]


@pytest.mark.parametrize("changed", ["price", "discount"])
def test_a_new_price_is_no_regression(changed: str, tokman: Run, tmp_path: Path) -> None:
    base = made(tmp_path / "base", WORK)
    assert tokman("check", "--ledger", base, "--save", "b.json").code == 0
    tomls = {
        "price": '[rates.models."gpt-5.5"]\ninput = 500\noutput = 900\nsince = 2026-11-20\n',
        "discount": "[[rates.discounts]]\npercent = 90\n",
    }
    Path("tokman.toml").write_text(tomls[changed])
    log = tmp_path / "now.jsonl"
    log.write_text(
        "".join(json.dumps(one | {"startTime": "2026-11-21 10:00:00+00:00"}) + "\n" for one in WORK)
    )
    assert tokman("ingest", log, "--ledger", "now").code == 0
    done = tokman("check", "--ledger", "now", "--baseline", "b.json", "--max-increase", "0%")
    assert done.code == 0
    assert "(+0.0% in all)" in done.out
    if changed == "price":
        cost = tokman("sql", "select sum(list_cost) from charges", "--ledger", "now").out
        assert "$" not in cost
        assert Decimal(cost.split()[-1]) > 1


def test_another_mix_is_no_regression(judged: Judged) -> None:
    dear = call(1, workflow="dear", model="gpt-5.5", prompt=20_000)
    cheap = call(2, workflow="cheap", model="gpt-5.4-mini", prompt=200)
    base = [*again([dear], 1), *again([cheap], 9)]
    now = [*again([dear], 9), *again([cheap], 1)]
    code, answer = judged(base, now, "--max-increase", "0%")
    assert (code, answer["change"]) == (0, 0)


def test_new_and_gone_are_told_and_not_judged(judged: Judged) -> None:
    new = call(9, workflow="new", prompt=200_000)
    code, answer = judged(WORK, [*WORK[:2], new])
    assert code == 0
    assert verdicts(answer) == {"a": "pass", "b": "gone", "new": "new"}
    rows = {row["workflow"]: row for row in answer["rows"]}
    assert rows["b"]["cost_per_unit"] is None
    assert rows["new"]["base_cost_per_unit"] is None
    assert rows["new"]["change"] is rows["b"]["change"] is None
    assert answer["change"] == 0


def test_nothing_in_common(judged: Judged) -> None:
    code, error = judged(WORK[:2], [WORK[2]])
    assert code == 3
    assert "no workflow is in both" in error


def test_longer_prompts_are_a_regression(judged: Judged) -> None:
    longer = [WORK[0] | {"prompt_tokens": 1400, "total_tokens": 1500}, *WORK[1:]]
    code, answer = judged(WORK, longer)
    assert (code, answer["verdict"]) == (1, "regression")
    assert verdicts(answer) == {"a": "regression", "b": "pass"}


def test_failed_calls_are_no_work_but_cost(judged: Judged) -> None:
    failed = call(8, workflow="a", failed=True, prompt=5000, answer=0)
    code, answer = judged(WORK, [*WORK, failed])
    assert code == 1
    assert verdicts(answer)["a"] == "regression"
    assert answer["rows"][0]["units"] == 2


def test_by_conversation(judged: Judged, tmp_path: Path) -> None:
    once = [call(n, workflow="a", session=f"s{n}") for n in range(4)]
    twice = [call(n, workflow="a", session=f"s{n // 2}") for n in range(4)]
    code, answer = judged(once, twice, "--unit", "conversation")
    assert code == 1
    assert answer["rows"][0]["change"] == 1
    assert [answer["rows"][0][name] for name in ("base_units", "units")] == [4, 2]


def test_by_call_that_is_the_same(judged: Judged) -> None:
    once = [call(n, workflow="a", session=f"s{n}") for n in range(4)]
    twice = [call(n, workflow="a", session=f"s{n // 2}") for n in range(4)]
    assert judged(once, twice, "--max-increase", "0%")[0] == 0


UNPRICED = [*WORK, call(7, workflow="c", model="nobody-sells-this")]


def test_unpriced_calls_are_in_the_way(judged: Judged) -> None:
    code, error = judged(UNPRICED, UNPRICED)
    assert code == 3
    assert "1 of 4 calls in the baseline have no price (nobody-sells-this)" in error
    assert "--max-unpriced" in error


def test_unpriced_calls_let_through_are_not_free(judged: Judged) -> None:
    code, answer = judged(UNPRICED, UNPRICED, "--max-unpriced", "25%")
    assert code == 0
    assert verdicts(answer) == {"a": "pass", "b": "pass", "c": "unpriced"}
    row = answer["rows"][2]
    assert (row["base_cost_per_unit"], row["cost_per_unit"]) == (None, None)


@pytest.mark.parametrize(("allowed", "code"), [("25%", 0), ("24.99%", 3)])
def test_the_share_of_unpriced_calls(allowed: str, code: int, judged: Judged) -> None:
    assert judged(UNPRICED, UNPRICED, "--max-unpriced", allowed)[0] == code


def test_only_unpriced(judged: Judged) -> None:
    code, error = judged([UNPRICED[3]], [UNPRICED[3]], "--max-unpriced", "100%")
    assert code == 3
    assert "no workflow has a price on both sides" in error


def side(calls: int, tokens: int) -> Baseline:
    """One workflow on a model at $1 per million tokens of output."""
    group = Group(provider_name="own", request_model="own", calls=calls)
    group.tokens = {"output_tokens": tokens}
    work = Work(workflow="w", calls=calls, conversations=calls, groups=[group])
    return Baseline(tokman_baseline=1, created="", rate_card="", work=[work])


@pytest.mark.parametrize(
    ("base", "now", "allowed", "verdict"),
    [
        ((1, 100), (1, 105), "5%", "pass"),
        ((1, 100), (1, 106), "5%", "regression"),
        ((1, 100_000), (1, 105_001), "5%", "regression"),
        ((1, 100), (1, 100), "0%", "pass"),
        ((1, 10**11), (1, 10**11 + 1), "0%", "regression"),
        # A third has no end in decimals: rounded, seven thirds would be a hair more than allowed.
        ((3, 100), (300, 10_500), "5%", "pass"),
        ((3, 1), (7, 7), "200%", "pass"),
        ((7, 10), (21, 30), "0%", "pass"),
        ((7, 10), (21, 31), "0%", "regression"),
        ((1, 1000), (1, 1071), "7.1%", "pass"),
        ((1, 1000), (1, 1072), "7.1%", "regression"),
        ((1, 100), (1, 1), "0%", "pass"),
        ((1, 0), (1, 0), "0%", "pass"),
        ((1, 0), (1, 1), "100%", "regression"),
    ],
)
def test_the_edge_of_what_is_allowed(
    base: tuple[int, int], now: tuple[int, int], allowed: str, verdict: str
) -> None:
    card = rates.load(Rates(models={"own": Model(provider="own", input=1, output=1)}))
    answer = gate.judge(
        side(*base),
        side(*now),
        card,
        max_increase=gate.percentage(allowed),
        today=date(2026, 11, 2),
    )
    assert answer.rows[0].verdict == answer.verdict == verdict


@pytest.mark.parametrize(
    ("text", "value"),
    [("5%", 0.05), ("0%", 0.0), (" 7.1 % ", 0.071), ("0.5%", 0.005), ("250%", 2.5)],
)
def test_percentage(text: str, value: float) -> None:
    assert gate.percentage(text) == value


@pytest.mark.parametrize(
    "text",
    ["5", "", "%", "-5%", "5%%", "1e9%", "5,5%", "nan%", ".5%", "9" * 400 + "%", "5 percent"],
)
def test_not_a_percentage(text: str) -> None:
    with pytest.raises(TokmanError, match="not a percentage"):
        gate.percentage(text)


def test_the_configuration_states_the_limit_and_a_flag_overrides_it(
    tokman: Run, sides: dict[str, Path]
) -> None:
    tokman("check", "--ledger", sides["main"], "--save", "b.json")
    checked = ("check", "--ledger", sides["pull_request"], "--baseline", "b.json")
    Path("tokman.toml").write_text('[check]\nmax_increase = "30%"\nunit = "conversation"\n')
    done = tokman(*checked)
    assert done.code == 0
    assert "Conversations" in done.out
    assert "allowed: +30.0%" in done.out
    assert tokman(*checked, "--max-increase", "5%", "--unit", "call").code == 1
    Path("tokman.toml").write_text('[check]\nmax_increase = "much"\n')
    assert "not a percentage: 'much'" in tokman(*checked).err


HOSTILE = '"; rm -rf / [x](http://evil) <script> \x1b[31m\x9b\x7f\u202e @octocat | `a`\n# b'


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_a_hostile_name(form: str, tokman: Run, tmp_path: Path) -> None:
    calls = [call(1, workflow=HOSTILE)]
    longer = [call(1, workflow=HOSTILE, prompt=5000)]
    base, now = made(tmp_path / "base", calls), made(tmp_path / "now", longer)
    assert tokman("check", "--ledger", base, "--save", "b.json").code == 0
    assert all(char.isprintable() or char == "\n" for char in Path("b.json").read_text())
    done = tokman("check", "--ledger", now, "--baseline", "b.json", "--format", form)
    assert done.code == 1
    assert all(char.isprintable() or char == "\n" for char in done.out)
    if form == "json":
        assert json.loads(done.out)["rows"][0]["workflow"] == HOSTILE
        return
    assert len([line for line in done.out.splitlines() if "octocat" in line]) == 2
    if form == "markdown":
        for raw in ("[x]", "<script>", " @octocat", "http://", "`a`"):
            assert raw not in done.out
        assert done.out.startswith("<!-- tokman check -->\n### tokman check: regression: ")


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--baseline", "b.json", "--save", "c.json"],
        ["--save", "b.json", "--unit", "day"],
        ["--save", "b.json", "--format", "csv"],
        ["--save", "b.json", "--max-increase", "5"],
        ["--save", "b.json", "--max-unpriced", "some"],
        ["--save", "b.json", "--where", "no_such_column = 1"],
        ["--save", "b.json", "--since", "soon"],
    ],
)
def test_wrong_use(options: list[str], tokman: Run, sides: dict[str, Path]) -> None:
    done = tokman("check", "--ledger", sides["main"], *options)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 2
    assert not Path("b.json").exists()


def test_where_and_since_narrow_both_ways(tokman: Run, sides: dict[str, Path]) -> None:
    labels = ("--where", "workflow = 'ticket-labels'")
    tokman("check", "--ledger", sides["main"], "--save", "b.json", *labels)
    done = tokman("check", "--ledger", sides["pull_request"], "--baseline", "b.json", *labels)
    assert done.code == 0
    assert "support-assistant" not in done.out
    none = tokman("check", "--ledger", sides["main"], "--save", "c.json", "--until", "2026-01")
    assert (none.code, Path("c.json").exists()) == (3, False)
