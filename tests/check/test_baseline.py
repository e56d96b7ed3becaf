"""The baseline file: what it keeps, and what it refuses to be."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Run
from tests.ledgers import call, made
from tokman import rates, report
from tokman.check import baseline as files
from tokman.check import keep, side
from tokman.check.baseline import Baseline, Work, sealed
from tokman.check.chance import relative_error
from tokman.check.compare import expanded
from tokman.check.spread import spread
from tokman.config import Config
from tokman.ledger import Ledger
from tokman.query import connect, database
from tokman.usage import INPUT_CLASSES

GROUP = {
    "provider_name": "openai",
    "request_model": "gpt-5.5",
    "calls": 1,
    "tokens": {"output_tokens": 100},
}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One call of workflow `w`."""
    return made(tmp_path_factory.mktemp("baseline") / "ledger", [call(1, workflow="w")])


def baseline_of(folder: Path) -> Baseline:
    connection = connect(Ledger(folder), Config())
    report.scope(connection)
    return keep.take(connection, rates.load())


def spent(folder: Path, workflow: str = "w") -> Decimal:
    """USD of list price of a workflow, as the ledger has it."""
    connection = connect(Ledger(folder), Config())
    asked = "select sum(list_cost) from charges where workflow = ?"
    cost: Decimal = connection.execute(asked, [workflow]).fetchall()[0][0]
    return cost


def costs(folder: Path, day: date) -> dict[str | None, Decimal]:
    """USD of each workflow as its baseline is priced."""
    priced = side.of_baseline(database(), baseline_of(folder), rates.load(), day)
    return {name: work.cost or Decimal(0) for name, work in priced.work.items()}


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
        assert cost == spent(folder, workflow or "")


TOKENS = st.dictionaries(
    st.sampled_from([*INPUT_CLASSES, "output_tokens"]), st.integers(0, 10**15), max_size=6
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 10**15), TOKENS)
def test_spread_is_even_to_the_last_token(calls: int, tokens: dict[str, int]) -> None:
    rows = list(spread(calls, tokens))
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
    day = date(2026, 11, 20)
    base, now = (costs(folder, day) for folder in sides)
    assert base == now
    assert len(baseline_of(sides[0]).work[0].groups) > 1


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
    assert texts[0] == texts[1]
    stated = json.loads(texts[0])
    assert list(stated) == ["tokman_baseline", "work"]
    work = [json.loads(line) for line in texts[0].splitlines() if line.startswith('{"workflow"')]
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
    golden("check/baseline.json", Path("baseline.json").read_text())


def test_a_link_stays_a_link_and_the_file_is_replaced(tokman: Run, ledger: Path) -> None:
    Path("real.json").write_text("old")
    Path("link.json").symlink_to("real.json")
    assert tokman("check", "--ledger", ledger, "--save", "link.json").code == 0
    assert Path("link.json").is_symlink()
    assert json.loads(Path("real.json").read_text())["tokman_baseline"] == 2
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
    head = {"tokman_baseline": 2} | more
    return json.dumps(head)[:-1] + f', "work": [{", ".join(work)}]}}'


def work_of(*, seal: str | None = None, group: dict[str, Any] | None = None, **more: Any) -> str:
    """A workflow of one call, sealed as tokman does if the rest has the right types."""
    stated: dict[str, Any] = {
        "workflow": "w",
        "saved": "2026-11-01",
        **dict.fromkeys(("calls", "conversations"), 1),
        **dict.fromkeys(("judged", "successes"), 0),
        "groups": [group or GROUP],
        "samples": [[1, 1, 1, 0, 0, None, [[0, 1, [100]]]]],
    } | more
    if seal is None:
        try:
            seal = sealed(msgspec.convert(stated | {"seal": ""}, Work)).seal
        except msgspec.ValidationError:
            seal = "not to be read"
    return json.dumps(stated | {"seal": seal})


def group_of(**more: Any) -> dict[str, Any]:
    return GROUP | more


def sample_of(*parts: list[Any], stands_for: int = 1) -> list[list[Any]]:
    return [[stands_for, 1, 1, 0, 0, None, list(parts)]]


GOOD = file_of(work_of())
OLD = {
    "tokman_baseline": 1,
    "created": "2026-11-24T01:03:08+00:00",
    "rate_card": "genai-prices 0.2.3",
    "work": [{"workflow": "w", "calls": 1, "conversations": 1, "groups": [GROUP]}],
}


def test_the_one_that_the_others_differ_from_is_good(tokman: Run, ledger: Path) -> None:
    Path("b.json").write_text(GOOD)
    assert tokman("check", "--ledger", ledger, "--baseline", "b.json").code == 0


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
        (f"<<<<<<< HEAD\n{GOOD}\n=======\n{GOOD}\n>>>>>>> theirs\n", "is not a baseline"),
        (file_of(work_of(), tokman_baseline=3), "made by a newer tokman"),
        (file_of(work_of(), tokman_baseline=0), "it does not say tokman_baseline"),
        (file_of(work_of(), tokman_baseline=True), "it does not say tokman_baseline"),
        (file_of(work_of(), tokman_baseline="2"), "it does not say tokman_baseline"),
        (json.dumps(OLD), "made by an older tokman: it has totals and no samples"),
        (file_of(work_of(), currency="EUR"), "it states a currency"),
        (file_of(work_of(currency="EUR")), "unknown field `currency`"),
        (file_of(work_of(), colour="red"), "unknown field `colour`"),
        (file_of(work_of(group=group_of(colour="red"))), "unknown field `colour`"),
        (file_of(work_of(calls=-1)), "`int` >= 0"),
        (file_of(work_of(calls="1")), "Expected `int`, got `str`"),
        (file_of(work_of(calls=1.5)), "Expected `int`, got `float`"),
        (file_of(work_of(calls=float("nan"))), "is not a baseline"),
        (file_of(work_of(calls=None)), "Expected `int`, got `null`"),
        (file_of(work_of(workflow=1)), "Expected `str | null`, got `int`"),
        (file_of(work_of(calls=2)), "the counts of workflow 'w' contradict each other"),
        (file_of(work_of(successes=1)), "the counts of workflow 'w' contradict each other"),
        (file_of(work_of(samples=[])), "the counts of workflow 'w' contradict each other"),
        (file_of(work_of(seal="0123456789abcdef")), "'w' was changed after it was saved"),
        (GOOD.replace("100", "99"), "'w' was changed after it was saved"),
        (file_of(work_of(), work_of()), "workflow 'w' is in it twice"),
        (file_of(work_of(workflow=None), work_of(workflow=None)), "(unattributed) is in it twice"),
        (file_of(work_of(group=group_of(calls=0))), "`int` >= 1"),
        (file_of(work_of(group=group_of(calls=10**20))), "is not a baseline"),
        (file_of(work_of(group=group_of(calls=10**18))), "`int` <= 1000000000000000"),
        (file_of(work_of(group=group_of(time_of_day=10**12))), "`int` <= 86399999999"),
        (file_of(work_of(group=group_of(tokens={"output_tokens": -1}))), "`int` >= 0"),
        (file_of(work_of(group=group_of(tokens={"output_tokens": 10**16}))), "`int` <= "),
        (
            file_of(work_of(group=group_of(tokens={"drop table": 1}))),
            "no such quantity: drop table",
        ),
        (
            file_of(work_of(group=group_of(tokens={"input_tokens": 1}))),
            "no such quantity: input_tokens",
        ),
        (file_of(work_of(group=group_of(tokens=[1]))), "Expected `object`, got `array`"),
        (file_of(work_of(samples=sample_of([1, 1, [100]]))), "names no group 1"),
        (file_of(work_of(samples=sample_of([0, 1, [1, 2]]))), "does not fit its group"),
        (file_of(work_of(samples=sample_of([0, 0, [100]]))), "`int` >= 1"),
        (file_of(work_of(samples=sample_of([0, 1, [100]], stands_for=0))), "`int` >= 1"),
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


HUGE = group_of(calls=10**15, request_model="x", tokens={"output_tokens": 10**15})


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (file_of(), "b.json holds no work"),
        (file_of(work_of(workflow="other")), "no workflow is on both sides"),
        (file_of(work_of(calls=0, conversations=0)), "no workflow is on both sides"),
        (file_of(work_of(group=group_of(request_model="nobody-sells-this"))), "1 of 1 calls"),
        (file_of(work_of(group=HUGE)), f"{10**15:,} of"),
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
    all_of_them = sample_of([0, 1, [1]], stands_for=10**15)
    for group, samples, code in (
        (spread_thin, all_of_them, 0),
        (in_one_call, sample_of([0, 1, [1]]), 3),
    ):
        work = work_of(group=group, samples=samples, calls=group["calls"])
        Path("b.json").write_text(file_of(work))
        done = tokman("check", "--ledger", ledger, "--baseline", "b.json")
        assert done.code == code, done.err
        assert "went wrong" not in done.err


def test_an_empty_ledger(tokman: Run, tmp_path: Path) -> None:
    Ledger(tmp_path / "empty", create=True)
    Path("b.json").write_text(GOOD)
    for option in ("--save", "--baseline"):
        done = tokman("check", "--ledger", "empty", option, "b.json")
        assert (done.code, done.out) == (3, "")
        assert "no successful calls to judge" in done.err
    assert Path("b.json").read_text() == GOOD


@given(st.integers(0, 5000))
def test_a_sample_stands_for_all(count: int) -> None:
    kept = keep.chosen(count)
    assert sum(stands_for for _, stands_for in kept) == count
    places = [at for at, _ in kept]
    assert places == sorted(set(places))
    assert len(places) <= keep.TAIL + keep.BODY
    assert set(range(max(0, count - keep.TAIL), count)) <= set(places)
    assert len(keep.chosen(count, suite=True)) == count


def big(folder: Path, count: int) -> Path:
    """A ledger of conversations of many sizes, a few of them runaways."""
    dice = Random(3)
    calls: list[dict[str, Any]] = []
    for session in range(count):
        for _ in range(dice.randint(1, 4)):
            prompt = 100_000 if session % 97 == 0 else dice.randint(100, 5000)
            number = len(calls)
            calls.append(call(number, workflow="w", prompt=prompt, session=f"s{session}"))
    return made(folder, calls)


def test_a_sampled_baseline_is_like_the_whole(tmp_path: Path) -> None:
    folder = big(tmp_path / "big", 1500)
    day = date(2026, 11, 2)
    connection = connect(Ledger(folder), Config())
    report.scope(connection)
    whole = side.of_ledger(connection, rates.load(), day).work["w"]
    taken = keep.take(connection, rates.load())
    kept = side.of_baseline(database(), taken, rates.load(), day).work["w"]
    assert len(kept.costs) == keep.TAIL + keep.BODY < len(whole.costs) == 1500
    assert kept.cost == whole.cost
    assert kept.counts == whole.counts
    assert float((kept.costs * kept.stands_for).sum()) == pytest.approx(float(whole.cost or 0))
    assert kept.costs.max() == whole.costs.max()
    for unit in ("call", "conversation"):
        errors = [relative_error(expanded(work, unit), 1500) for work in (kept, whole)]
        assert errors[0] == pytest.approx(errors[1], rel=0.1)
    assert len(files.text_of(taken)) < 25_000


def test_changes_of_neighbours_merge(tmp_path: Path) -> None:
    """Two branches save other workflows: git merges the file, and it can be read."""
    lines = [work_of(workflow=name) for name in "abc"]
    works = [msgspec.json.decode(line.encode(), type=Work) for line in lines]
    changed = [
        sealed(msgspec.structs.replace(work, saved="2026-11-09", conversations=0)) for work in works
    ]
    texts = {
        name: files.text_of(Baseline(tokman_baseline=2, work=held))
        for name, held in {
            "base": works,
            "ours": [changed[0], *works[1:]],
            "theirs": [works[0], changed[1], works[2]],
        }.items()
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    merged = subprocess.run(
        ["git", "merge-file", "-p", "ours", "base", "theirs"],
        capture_output=True,
        cwd=tmp_path,
        check=True,
    ).stdout
    (tmp_path / "merged.json").write_bytes(merged)
    held = files.read(tmp_path / "merged.json").work
    assert [work.saved for work in held] == ["2026-11-09", "2026-11-09", "2026-11-01"]


def test_where_a_workflow_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    names = ["a", '"; rm -rf /', None]
    works = [msgspec.json.decode(work_of(workflow=name), type=Work) for name in names]
    path.write_text(files.text_of(Baseline(tokman_baseline=2, work=works)))
    assert [files.line_of(path, name) for name in [*names, "gone"]] == [2, 4, 6, 1]
