"""The gate: what it fails, and what it must let pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT, Run
from tests.ledgers import call, made
from tokman.check.baseline import read
from tokman.check.judge import Given, judge
from tokman.check.settings import Flags, settings
from tokman.check.side import COUNTS, Side, Work
from tokman.config import Config

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
    """Exit code and answer of a strict check of `now` against `base`, both lists of calls."""

    def run(
        base: list[dict[str, Any]], now: list[dict[str, Any]], *options: str
    ) -> tuple[int, Any]:
        folders = [made(tmp_path / name, calls) for name, calls in (("base", base), ("now", now))]
        saved = tokman("check", "--ledger", folders[0], "--save", "baseline.json")
        assert saved.code == 0
        done = tokman(
            *("check", "--ledger", folders[1], "--baseline", "baseline.json", "-f", "json"),
            *("--strictness", "strict", "--unit", "call", *options),
        )
        if done.code == 3:
            return 3, done.err
        return done.code, json.loads(done.out, parse_float=Decimal)

    return run


Judged = Callable[..., tuple[int, Any]]


def verdicts(answer: Any) -> dict[str | None, str]:
    """Of cost, by workflow."""
    return {
        each["workflow"]: each["outcome"]
        for each in answer["findings"]
        if each["rule"] == "cost" and not each["total"]
    }


def findings(answer: Any) -> dict[str | None, Any]:
    return {each["workflow"]: each for each in answer["findings"] if not each["total"]}


@pytest.mark.parametrize("unit", ["call", "conversation"])
@pytest.mark.parametrize("strictness", ["strict", "balanced", "lenient"])
def test_a_ledger_against_itself(
    unit: str, strictness: str, tokman: Run, sample_ledger: Path
) -> None:
    tokman("check", "--ledger", sample_ledger, "--save", "b.json")
    done = tokman(
        *("check", "--ledger", sample_ledger, "--baseline", "b.json", "--format", "json"),
        *("--unit", unit, "--max-increase", "0%", "--max-unpriced", "1%"),
        *("--strictness", strictness, "--inconclusive", "pass"),
    )
    assert done.code == 0
    answer = json.loads(done.out)
    assert (answer["outcome"], answer["change"], answer["unit"]) == ("pass", 0.0, unit)
    judged = [each for each in answer["findings"] if each["outcome"] != "not judged"]
    assert {each["change"] for each in judged} == {0.0}
    assert {each["outcome"] for each in judged} <= {"pass", "inconclusive"}
    assert verdicts(answer)["intent-routing"] == "not judged"
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
        answer = json.loads(done.out)
        assert (answer["mode"], answer["unit"]) == ("suite", "case")
        assert verdicts(answer) == {"support-assistant": "regression", "ticket-labels": "pass"}


@pytest.mark.parametrize("mode", ["suite", "traffic"])
def test_the_committed_baseline_is_what_the_workflow_judges_by(
    mode: str, tokman: Run, sides: dict[str, Path]
) -> None:
    steps = (ROOT / ".github/workflows/cost.yml").read_text()
    assert '--baseline "$SUITE/baseline.json"' in steps
    for name, code in (("main", 0), ("pull_request", 1)):
        done = tokman(
            *("check", "--ledger", sides[name], "--baseline", SUITE / "baseline.json"),
            *("--mode", mode),
        )
        assert (name, done.code) == (name, code)


def test_the_committed_baseline_is_that_of_main(tokman: Run, sides: dict[str, Path]) -> None:
    tokman("check", "--ledger", sides["main"], "--save", "b.json")
    saved, committed = (
        [work.groups for work in read(path).work]
        for path in (Path("b.json"), SUITE / "baseline.json")
    )
    assert saved == committed


def test_cheaper_is_no_regression(tokman: Run, sides: dict[str, Path]) -> None:
    tokman("check", "--ledger", sides["pull_request"], "--save", "b.json")
    done = tokman("check", "--ledger", sides["main"], "--baseline", "b.json")
    assert done.code == 0
    assert done.out.startswith("pass: nothing is dearer than allowed, -14.8% per case")


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
    told = findings(answer)
    units = {name: [told[name][side]["units"] for side in ("base", "now")] for name in told}
    assert units == {"a": [2, 6], "b": [1, 3]}


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
    done = tokman(
        *("check", "--ledger", "now", "--baseline", "b.json", "--max-increase", "0%"),
        *("--strictness", "strict"),
    )
    assert done.code == 0
    assert "+0.0% per conversation" in done.out
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
    assert verdicts(answer) == {"a": "pass", "b": "not judged", "new": "not judged"}
    told = findings(answer)
    assert told["b"]["now"] is told["new"]["base"] is None
    assert told["new"]["now"]["cost_per_unit"] == Decimal("1.003")
    assert told["b"]["why"].startswith("gone")
    assert told["new"]["why"].startswith("new")
    assert told["new"]["change"] is told["b"]["change"] is None
    assert answer["change"] == 0


def test_nothing_in_common(judged: Judged) -> None:
    code, error = judged(WORK[:2], [WORK[2]])
    assert code == 3
    assert "no workflow is on both sides" in error


def test_longer_prompts_are_a_regression(judged: Judged) -> None:
    longer = [WORK[0] | {"prompt_tokens": 1400, "total_tokens": 1500}, *WORK[1:]]
    code, answer = judged(WORK, longer)
    assert (code, answer["outcome"]) == (1, "regression")
    assert verdicts(answer) == {"a": "regression", "b": "pass"}


def test_failed_calls_are_no_work_but_cost(judged: Judged) -> None:
    failed = call(8, workflow="a", failed=True, prompt=5000, answer=0)
    code, answer = judged(WORK, [*WORK, failed])
    assert code == 1
    assert verdicts(answer)["a"] == "regression"
    assert findings(answer)["a"]["now"]["units"] == 2


def test_by_conversation(judged: Judged, tmp_path: Path) -> None:
    once = [call(n, workflow="a", session=f"s{n}") for n in range(4)]
    twice = [call(n, workflow="a", session=f"s{n // 2}") for n in range(4)]
    code, answer = judged(once, twice, "--unit", "conversation")
    assert code == 1
    told = findings(answer)["a"]
    assert told["change"] == 1
    assert [told[name]["units"] for name in ("base", "now")] == [4, 2]


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
    assert verdicts(answer) == {"a": "pass", "b": "pass", "c": "not judged"}
    told = findings(answer)["c"]
    assert [told[name]["cost_per_unit"] for name in ("base", "now")] == [None, None]


@pytest.mark.parametrize(("allowed", "code"), [("25%", 0), ("24.99%", 3)])
def test_the_share_of_unpriced_calls(allowed: str, code: int, judged: Judged) -> None:
    assert judged(UNPRICED, UNPRICED, "--max-unpriced", allowed)[0] == code


def test_only_unpriced(judged: Judged) -> None:
    code, error = judged([UNPRICED[3]], [UNPRICED[3]], "--max-unpriced", "100%")
    assert code == 3
    assert "no workflow has a price on both sides" in error


def side(calls: int, tokens: int) -> Side:
    """One workflow on a model at $1 per million tokens of output."""
    stated = [tokens // calls + (at < tokens % calls) for at in range(calls)]
    ones = np.ones(calls)
    work = Work(
        workflow="w",
        cost=Decimal(tokens) / 10**6,
        counts=dict.fromkeys(COUNTS, calls),
        costs=np.array(stated) / 1e6,
        counted=dict.fromkeys(COUNTS, ones),
        stands_for=np.ones(calls, np.int64),
        cases=[None] * calls,
    )
    return Side(work={"w": work}, calls=calls, unpriced=0, models=[])


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
    held = settings(Config(), Flags(max_increase=allowed, strictness="strict", unit="call"))
    given = Given(base="b", days=1.0, rate_card="", today=date(2026, 11, 2))
    answer = judge(side(*base), side(*now), held, Config(), given)
    assert answer.findings[0].outcome == answer.outcome == verdict


def test_the_configuration_states_the_limit_and_a_flag_overrides_it(
    tokman: Run, sides: dict[str, Path]
) -> None:
    tokman("check", "--ledger", sides["main"], "--save", "b.json")
    checked = ("check", "--ledger", sides["pull_request"], "--baseline", "b.json")
    Path("tokman.toml").write_text(
        '[check]\nmode = "traffic"\nmax_increase = "30%"\nunit = "conversation"\n'
    )
    done = tokman(*checked)
    assert done.code == 0
    assert "Conversations" in done.out
    assert "allowed: +30.0%" in done.out
    assert tokman(*checked, "--max-increase", "5%", "--unit", "call").code == 1


HOSTILE = '"; rm -rf / [x](http://evil) <script> \x1b[31m\x9b\x7f\u202e @octocat | `a`\n# b'


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_a_hostile_name(form: str, tokman: Run, tmp_path: Path) -> None:
    calls = [call(1, workflow=HOSTILE)]
    longer = [call(1, workflow=HOSTILE, prompt=5000)]
    base, now = made(tmp_path / "base", calls), made(tmp_path / "now", longer)
    assert tokman("check", "--ledger", base, "--save", "b.json").code == 0
    assert all(char.isprintable() or char == "\n" for char in Path("b.json").read_text())
    done = tokman(
        *("check", "--ledger", now, "--baseline", "b.json", "--format", form),
        *("--strictness", "strict"),
    )
    assert done.code == 1
    assert all(char.isprintable() or char == "\n" for char in done.out)
    if form == "json":
        assert json.loads(done.out)["findings"][0]["workflow"] == HOSTILE
        return
    assert len([line for line in done.out.splitlines() if "octocat" in line]) == 3
    if form == "markdown":
        for raw in ("[x]", "<script>", " @octocat", "http://", "`a`"):
            assert raw not in done.out
        assert done.out.startswith("<!-- tokman check: b.json -->\n### tokman check: regression: ")


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--baseline", "b.json", "--save", "c.json"],
        ["--baseline", "b.json", "--against", "7d"],
        ["--against", "7d", "--save", "b.json"],
        ["--against", "then"],
        ["--against", "2026-11-10..2026-11-01"],
        ["--against", "2026-10", "--since", "2026-10-20"],
        ["--against-ledger", "gone"],
        ["--mode", "suite", "--budget", "call=1"],
        ["--budget", "call"],
        ["--budget", "day=1"],
        ["--budget", "call=nan"],
        ["--budget", "call=-1"],
        ["--save", "b.json", "--unit", "day"],
        ["--save", "b.json", "--mode", "guess"],
        ["--save", "b.json", "--min-impact", "inf"],
        ["--save", "b.json", "--alpha", "0"],
        ["--save", "b.json", "--strictness", "very"],
        ["--save", "b.json", "--inconclusive", "no"],
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
