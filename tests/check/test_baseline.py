"""The baseline file: what it keeps, and what it refuses to be."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Run
from tests.ledgers import call, made
from tokman import check as gate
from tokman import rates, report
from tokman.check.baseline import Group
from tokman.check.judge import spread
from tokman.config import Config
from tokman.ledger import Ledger
from tokman.query import connect
from tokman.usage import INPUT_CLASSES

GROUP = (
    '{"provider_name":"openai","request_model":"gpt-5.5","calls":1,"tokens":{"output_tokens":100}}'
)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One call of workflow `w`."""
    return made(tmp_path_factory.mktemp("baseline") / "ledger", [call(1, workflow="w")])


def baseline_of(folder: Path) -> gate.Baseline:
    connection = connect(Ledger(folder), Config())
    report.scope(connection)
    return gate.take(connection, rates.load())


def spent(folder: Path, workflow: str = "w") -> Decimal:
    """USD of list price of a workflow, as the ledger has it."""
    connection = connect(Ledger(folder), Config())
    asked = "select sum(list_cost) from charges where workflow = ?"
    cost: Decimal = connection.execute(asked, [workflow]).fetchall()[0][0]
    return cost


def costs(folder: Path, day: date) -> dict[str | None, Decimal]:
    """USD of each workflow as its baseline is priced."""
    taken = baseline_of(folder)
    answer = gate.judge(taken, taken, rates.load(), max_increase=0.0, today=day)
    return {row.workflow: (row.cost_per_unit or Decimal(0)) * row.units for row in answer.rows}


def test_whole_request_prices_survive_the_baseline(tmp_path: Path) -> None:
    calls = [
        call(number, workflow="w", prompt=prompt, cached=cached, answer=answer)
        for number, (prompt, cached, answer) in enumerate(
            [
                (271_999, 0, 100),
                (272_001, 0, 101),
                (272_000, 1, 7),
                (272_000, 271_998, 11),
                (272_001, 272_000, 13),
                (900_000, 450_000, 17),
                (5, 0, 1),
                (31_999, 31_998, 1),
            ]
        )
    ]
    folder = made(tmp_path / "long", calls)
    assert costs(folder, date(2026, 11, 2)) == {"w": spent(folder)}
    # Two prices are in play, and not one by which the average would have gone.
    connection = connect(Ledger(folder), Config())
    rows = connection.execute("select count(distinct rate_id) from charges").fetchall()
    assert rows == [(2,)]


def test_no_token_is_spread_over_the_edge_of_a_band(tmp_path: Path) -> None:
    # Both prompts are 272,000 long; all leftovers on one call would make one 272,001.
    calls = [
        call(1, workflow="w", prompt=272_000, cached=271_999),
        call(2, workflow="w", prompt=272_000, cached=271_998),
    ]
    folder = made(tmp_path / "edge", calls)
    assert costs(folder, date(2026, 11, 2)) == {"w": spent(folder)}


def test_a_baseline_costs_what_its_calls_cost(tmp_path: Path) -> None:
    any_ = Random(7)
    calls = []
    for number in range(400):
        prompt = any_.choice([any_.randint(0, 3), any_.randint(271_990, 272_010), 10**6])
        calls.append(
            call(
                number,
                f"2026-11-02 {any_.randint(0, 23):02}:00:00",
                workflow=f"w{any_.randint(0, 60)}",
                model=any_.choice(["gpt-5.5", "gpt-5.4", "gpt-5.4-mini"]),
                prompt=prompt,
                cached=any_.randint(0, prompt),
                answer=any_.randint(0, 10**5),
            )
        )
    folder = made(tmp_path / "any", calls)
    for workflow, cost in costs(folder, date(2026, 11, 2)).items():
        # A cost per unit has 28 digits.
        assert cost == pytest.approx(spent(folder, workflow or ""), rel=Decimal("1e-26"))


TOKENS = st.dictionaries(
    st.sampled_from([*INPUT_CLASSES, "output_tokens"]), st.integers(0, 10**15), max_size=6
)


@given(st.integers(1, 10**15), TOKENS)
def test_spread_is_even_to_the_last_token(calls: int, tokens: dict[str, int]) -> None:
    rows = list(spread(Group(calls=calls, tokens=tokens)))
    assert len(rows) <= 2 * len(tokens) + 2
    assert sum(times for times, _ in rows) == calls
    assert all(times > 0 for times, _ in rows)
    for name, total in tokens.items():
        assert sum(times * each[name] for times, each in rows) == total
        assert {each[name] - total // calls for _, each in rows} <= {0, 1}
    prompts = {sum(each[name] for name in INPUT_CLASSES) for _, each in rows}
    assert max(prompts) - min(prompts) <= 1


def test_calls_before_there_were_peak_hours_keep_their_hours(tmp_path: Path) -> None:
    """A price that came to depend on the hour does not make the same calls dearer."""
    sides = [
        made(
            tmp_path / month,
            [
                call(
                    hour,
                    f"2026-{month}-02 {hour:02}:30:00",
                    workflow="w",
                    model="deepseek-v4-pro",
                    provider="deepseek",
                )
                for hour in range(24)
            ],
        )
        for month in ("06", "11")
    ]
    base, now = map(baseline_of, sides)
    answer = gate.judge(base, now, rates.load(), max_increase=0.0, today=date(2026, 11, 20))
    assert [(row.verdict, row.change) for row in answer.rows] == [("pass", 0.0)]
    assert len(base.work[0].groups) > 1


def test_a_model_that_got_no_price_yet_keeps_its_bands(tmp_path: Path) -> None:
    calls = [
        call(number, workflow="w", model="nobody-sells-this", prompt=prompt)
        for number, prompt in enumerate([1000, 300_000, 2000])
    ]
    folder = made(tmp_path / "unpriced", calls)
    assert sorted(group.calls for group in baseline_of(folder).work[0].groups) == [1, 2]


def test_the_file_is_the_same_every_time_and_one_workflow_a_line(
    tokman: Run, sample_ledger: Path
) -> None:
    texts = []
    for name in ("a.json", "b.json"):
        assert tokman("check", "--ledger", sample_ledger, "--save", name).code == 0
        texts.append(Path(name).read_text())
    lines = [text.splitlines() for text in texts]
    assert [line for line in lines[0] if "created" not in line] == [
        line for line in lines[1] if "created" not in line
    ]
    stated = json.loads(texts[0])
    assert list(stated) == ["tokman_baseline", "created", "rate_card", "work"]
    work = [json.loads(line.rstrip(",")) for line in lines[0] if line.startswith("    {")]
    assert work == stated["work"]
    names = [each["workflow"] for each in work]
    assert names == [*sorted(names[:-1]), None]
    assert not set(texts[0]) - {"\n"} - {char for char in texts[0] if char.isprintable()}


def test_it_holds_no_money_and_no_file(tokman: Run, sample_ledger: Path) -> None:
    tokman("check", "--ledger", sample_ledger, "--save", "b.json")
    text = Path("b.json").read_text()
    assert "cost" not in text.replace("cost-suite", "")
    assert "/" not in text.replace("/standard", "").replace("/batch", "").replace("/", "", 200)
    assert str(sample_ledger) not in text


def test_golden(tokman: Run, tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    folder = made(
        tmp_path / "ledger",
        [
            call(1, workflow="a", prompt=1000, cached=200, session="s"),
            call(2, workflow="a", prompt=300_000, session="s"),
            call(3, workflow="a", failed=True, prompt=0, answer=0),
            call(4, workflow='"; rm -rf /', model="nobody-sells-this"),
            call(5),
        ],
    )
    done = tokman("check", "--ledger", folder, "--save", "baseline.json")
    assert (done.code, done.out) == (0, "")
    assert done.err == "baseline.json: 4 calls of 3 workflows\n"
    text = Path("baseline.json").read_text()
    created = json.loads(text)["created"]
    golden("check/baseline.json", text.replace(created, "2026-11-23T00:00:00+00:00"))


def test_a_link_stays_a_link_and_the_file_is_replaced(tokman: Run, ledger: Path) -> None:
    Path("real.json").write_text("old")
    Path("link.json").symlink_to("real.json")
    assert tokman("check", "--ledger", ledger, "--save", "link.json").code == 0
    assert Path("link.json").is_symlink()
    assert json.loads(Path("real.json").read_text())["tokman_baseline"] == 1
    assert not [name for name in os.listdir() if name.startswith(".") and "json" in name]


@pytest.mark.parametrize(
    ("target", "error"),
    [
        (".", "is not a file"),
        ("", "is not a file"),
        ("/", "is not a file"),
        ("gone/b.json", "gone/b.json: No such file or directory"),
        ("file/b.json", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("/dev/null", "is not a file"),
        ("/proc/b.json", "/proc/b.json: No such file or directory"),
    ],
)
def test_where_it_cannot_be_written(target: str, error: str, tokman: Run, ledger: Path) -> None:
    Path("file").touch()
    before = sorted(os.listdir())
    done = tokman("check", "--ledger", ledger, "--save", target)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 2
    assert error in done.err
    assert sorted(os.listdir()) == before


def file_of(*work: str, **more: Any) -> str:
    """A baseline file of these workflows, as JSON text."""
    head = {"tokman_baseline": 1, "created": "", "rate_card": ""} | more
    return json.dumps(head)[:-1] + f', "work": [{", ".join(work)}]}}'


def work_of(group: str = GROUP, **more: Any) -> str:
    head = {"workflow": "w", "calls": 1, "conversations": 1} | more
    return json.dumps(head)[:-1] + f', "groups": [{group}]}}'


def group_of(**more: Any) -> str:
    return json.dumps(json.loads(GROUP) | more)


GOOD = file_of(work_of())


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "is not a baseline"),
        ("{", "is not a baseline"),
        (GOOD[: len(GOOD) // 2], "is not a baseline"),
        ("[]", "it does not say tokman_baseline"),
        ("null", "it does not say tokman_baseline"),
        ("{}", "it does not say tokman_baseline"),
        ("[" * 100_000, "is not a baseline"),
        ("\x00", "is not a baseline"),
        ("NaN", "is not a baseline"),
        (GOOD + GOOD, "is not a baseline"),
        (file_of(work_of(), tokman_baseline=2), "made by a newer tokman"),
        (file_of(work_of(), tokman_baseline=0), "it does not say tokman_baseline"),
        (file_of(work_of(), tokman_baseline="1"), "it does not say tokman_baseline"),
        (file_of(work_of(), colour="red"), "unknown field `colour`"),
        (file_of(work_of(colour="red")), "unknown field `colour`"),
        (file_of(work_of(group_of(colour="red"))), "unknown field `colour`"),
        (file_of(work_of(calls=-1)), "`int` >= 0"),
        (file_of(work_of(calls="1")), "Expected `int`, got `str`"),
        (file_of(work_of(calls=1.5)), "Expected `int`, got `float`"),
        (file_of(work_of(calls=float("nan"))), "is not a baseline"),
        (file_of(work_of(calls=None)), "Expected `int`, got `null`"),
        (file_of(work_of(workflow=1)), "Expected `str | null`, got `int`"),
        (file_of(work_of(calls=2)), "1 conversations of 2 calls, its groups 1"),
        (file_of(work_of(conversations=2)), "2 conversations of 1 calls"),
        (file_of(work_of(), work_of()), "workflow 'w' is in it twice"),
        (file_of(work_of(workflow=None), work_of(workflow=None)), "(unattributed) is in it twice"),
        (file_of(work_of(group_of(calls=0))), "`int` >= 1"),
        (file_of(work_of(group_of(calls=10**20))), "is not a baseline"),
        (file_of(work_of(group_of(calls=10**18))), "`int` <= 1000000000000000"),
        (file_of(work_of(group_of(time_of_day=10**12))), "`int` <= 86399999999"),
        (file_of(work_of(group_of(tokens={"output_tokens": -1}))), "`int` >= 0"),
        (file_of(work_of(group_of(tokens={"output_tokens": 10**16}))), "`int` <= "),
        (file_of(work_of(group_of(tokens={"drop table": 1}))), "no such quantity: drop table"),
        (file_of(work_of(group_of(tokens={"input_tokens": 1}))), "no such quantity: input_tokens"),
        (file_of(work_of(group_of(tokens=[1]))), "Expected `object`, got `array`"),
    ],
)
def test_refused(content: str, error: str, tokman: Run, ledger: Path) -> None:
    Path("b.json").write_text(content)
    done = tokman("check", "--ledger", ledger, "--baseline", "b.json")
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 2
    assert error in done.err
    assert "b.json" in done.err


@pytest.mark.parametrize(
    ("name", "error"), [("gone.json", "No such file or directory"), (".", "Is a directory")]
)
def test_no_file(name: str, error: str, tokman: Run, ledger: Path) -> None:
    done = tokman("check", "--ledger", ledger, "--baseline", name)
    assert done.code == 2
    assert error in done.err


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (file_of(), "b.json holds no work"),
        (file_of(work_of(workflow="other")), "no workflow is in both"),
        (file_of(work_of(calls=0, conversations=0)), "no workflow is in both"),
        (file_of(work_of(group_of(request_model="nobody-sells-this"))), "1 of 1 calls"),
        (
            file_of(
                work_of(group_of(calls=10**15, request_model="x", tokens={"output_tokens": 10**15}))
            ),
            f"{10**15:,} of",
        ),
    ],
)
def test_nothing_to_judge(content: str, error: str, tokman: Run, ledger: Path) -> None:
    Path("b.json").write_text(content)
    done = tokman("check", "--ledger", ledger, "--baseline", "b.json")
    assert (done.code, done.out) == (3, "")
    assert error in done.err


def test_the_largest_counts_a_file_may_state(tokman: Run, ledger: Path) -> None:
    spread_thin = group_of(calls=10**15, tokens={"output_tokens": 10**15})
    in_one_call = group_of(calls=1, tokens={"output_tokens": 10**15})
    for group, code in ((spread_thin, 0), (in_one_call, 3)):
        Path("b.json").write_text(file_of(work_of(group)))
        done = tokman("check", "--ledger", ledger, "--baseline", "b.json")
        assert done.code == code
        assert "went wrong" not in done.err


def test_an_empty_ledger(tokman: Run, tmp_path: Path) -> None:
    Ledger(tmp_path / "empty", create=True)
    Path("b.json").write_text(GOOD)
    for option in ("--save", "--baseline"):
        done = tokman("check", "--ledger", "empty", option, "b.json")
        assert (done.code, done.out) == (3, "")
        assert "no successful calls to judge" in done.err
    assert Path("b.json").read_text() == GOOD
