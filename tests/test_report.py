"""`tokman report`: every dimension ties, edges of time, conditions that must not do harm."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.ledgers import call, made
from tokman.config import Config
from tokman.ledger import Ledger
from tokman.query import connect
from tokman.report import DIMENSIONS, SORTS, dimensions, report, scope

CALLS = [
    call(1, "2026-11-01 09:00:00", workflow="support", user="ann", prompt=20_000, cached=15_000),
    call(2, "2026-11-01 23:30:00", workflow="support", user="bob", answer=500),
    call(3, "2026-11-02 00:30:00", workflow="support", model="gpt-5.4", session="s-1"),
    call(4, "2026-11-02 18:45:00", workflow="labels", model="claude-haiku-4-5", answer=2)
    | {"custom_llm_provider": "anthropic", "team_id": "ops"},
    call(5, "2026-11-03 10:00:00", alias="cron-digest", spend=0.25),
    call(6, "2026-11-03 11:00:00", model="nobody-sells-this", workflow="mystery", prompt=900),
    call(7, "2026-11-04 12:00:00", user="ann"),
    call(8, "2026-11-04 13:00:00", workflow="support", prompt=0, answer=0, failed=True),
    call(9, "2026-11-08 03:00:00", workflow="labels", model="claude-haiku-4-5", answer=3)
    | {"custom_llm_provider": "anthropic"},
    call(10, "2026-11-08 04:00:00", model="nobody-sells-this-either", prompt=50, answer=7),
]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("report") / "ledger", CALLS)


@pytest.fixture
def ask(tokman: Run, ledger: Path) -> Callable[..., list[dict[str, Any]]]:
    """Rows of a report, exactly."""

    def run(*arguments: str) -> list[dict[str, Any]]:
        done = tokman("report", "--ledger", ledger, "--format", "json", *arguments)
        assert (done.code, done.err) == (0, "")
        rows: list[dict[str, Any]] = json.loads(done.out, parse_float=Decimal)
        return rows

    return run


Ask = Callable[..., list[dict[str, Any]]]


def fingerprint(folder: Path) -> str:
    """What the ledger's table holds, byte for byte."""
    files = sorted(path for path in (folder / "usage").rglob("*") if path.is_file())
    return hashlib.sha256(
        b"".join(str(path).encode() + path.read_bytes() for path in files)
    ).hexdigest()


@pytest.fixture(scope="module")
def truth(ledger: Path) -> dict[str, Any]:
    connection = connect(Ledger(ledger), Config())
    calls, cost = connection.execute("select count(*), sum(list_cost) from charges").fetchall()[0]
    return {"calls": calls, "cost": cost}


@pytest.mark.parametrize("by", [*DIMENSIONS, "workflow,model", "day,provider,status"])
def test_every_dimension_ties(by: str, ask: Ask, truth: dict[str, Any]) -> None:
    rows = ask("--by", by)
    assert sum(row["list_cost"] or 0 for row in rows) == truth["cost"]
    assert sum(row["calls"] for row in rows) == truth["calls"] == len(CALLS)
    assert list(rows[0])[: by.count(",") + 1] == by.split(",")
    assert sum(row["cost_share"] or 0 for row in rows) == pytest.approx(1)


@pytest.mark.parametrize("top", range(1, 7))
@pytest.mark.parametrize("by", ["workflow", "day,model", "hour_of_day", "day"])
def test_the_rest_ties_too(top: int, by: str, ask: Ask, truth: dict[str, Any]) -> None:
    rows = ask("--by", by, "--top", str(top))
    groups = len(ask("--by", by))
    assert sum(row["list_cost"] or 0 for row in rows) == truth["cost"]
    assert sum(row["calls"] for row in rows) == truth["calls"]
    first = by.split(",")[0]
    if top < groups:
        assert len(rows) == top + 1
        assert rows[-1][first] == f"{groups - top} more"
    else:
        assert len(rows) == groups


def test_the_frame_of_a_report_holds_its_rows(ledger: Path) -> None:
    connection = connect(Ledger(ledger), Config())
    scope(connection)
    for by in ("day", "hour_of_day", "workflow", "weekday,model"):
        whole = report(connection, by.split(","))
        cut = report(connection, by.split(","), top=1)
        assert whole.frame()["list_cost"].sum() == cut.frame()["list_cost"].sum()
        assert whole.frame().height == len(whole.rows)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("workflow", ["workflow"]),
        ("Workflow, MODEL ,", ["workflow", "model"]),
        ("api-key-alias", ["api_key_alias"]),
        ("day,day", ["day"]),
    ],
)
def test_dimensions(given: str, meant: list[str]) -> None:
    assert dimensions(given) == meant


@pytest.mark.parametrize(
    ("by", "hint"),
    [
        ("workflw", "did you mean workflow?"),
        ("", "choose from workflow"),
        (",", "choose from workflow"),
        ("1; drop table usage", "choose from workflow"),
        ("list_cost", "choose from workflow"),
    ],
)
def test_no_such_dimension(by: str, hint: str, tokman: Run, ledger: Path) -> None:
    done = tokman("report", "--ledger", ledger, "--by", by)
    assert done.code == 2
    assert done.out == ""
    assert f"hint: {hint}" in done.err


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("UTC", ["2026-11-01"] * 2 + ["2026-11-02"] * 2),
        # Half an hour off the whole hour: 18:45 UTC is after midnight there.
        ("Asia/Kolkata", ["2026-11-01", "2026-11-02", "2026-11-02", "2026-11-03"]),
        ("America/New_York", ["2026-11-01"] * 3 + ["2026-11-02"]),
        ("Asia/Kathmandu", ["2026-11-01", "2026-11-02", "2026-11-02", "2026-11-03"]),
        ("Pacific/Kiritimati", ["2026-11-01", "2026-11-02", "2026-11-02", "2026-11-03"]),
    ],
)
def test_days_of_a_zone(zone: str, days: list[str], ask: Ask) -> None:
    rows = ask("--by", "day", "--tz", zone, "--until", "2026-11-02T20:00:00Z")
    expected = [{"day": day, "calls": days.count(day)} for day in sorted(set(days))]
    assert [{"day": row["day"], "calls": row["calls"]} for row in rows] == expected


@pytest.mark.parametrize(
    ("arguments", "calls"),
    [
        (["--since", "2026-11-02"], 8),
        (["--until", "2026-11-02"], 2),
        (["--since", "2026-11-02", "--until", "2026-11-03"], 2),
        (["--since", "2026-11-01T23:30:00Z", "--until", "2026-11-01T23:30:00.000001Z"], 1),
        (["--since", "2026-11-01T23:30:00.000001Z", "--until", "2026-11-02"], 0),
        (["--since", "2026-11-02", "--tz", "Asia/Kolkata"], 9),
        (["--since", "2026-11-02", "--tz", "America/New_York"], 7),
        (["--since", "2026-11"], 10),
        (["--until", "2026-11"], 0),
        (["--since", "2026-11-08", "--until", "2026-11-01"], 0),
    ],
)
def test_since_is_inclusive_and_until_is_not(
    arguments: list[str], calls: int, tokman: Run, ledger: Path
) -> None:
    done = tokman("report", "--ledger", ledger, "--format", "json", "--by", "source", *arguments)
    if calls:
        assert json.loads(done.out)[0]["calls"] == calls
    else:
        assert (done.code, done.out) == (3, "")
        assert "widen the question" in done.err


def test_the_day_that_has_25_hours(tmp_path: Path, tokman: Run) -> None:
    times = [
        "24 21:59:59",
        "24 22:00:00",
        "25 00:30:00",
        "25 01:30:00",
        "25 22:59:59",
        "25 23:00:00",
    ]
    folder = made(tmp_path / "dst", [call(n, f"2026-10-{at}") for n, at in enumerate(times, 1)])
    berlin = ("report", "--ledger", folder, "--tz", "Europe/Berlin", "--format", "json")
    days = json.loads(tokman(*berlin, "--by", "day").out)
    assert [(row["day"], row["calls"]) for row in days] == [
        ("2026-10-24", 1),
        ("2026-10-25", 4),
        ("2026-10-26", 1),
    ]
    day = tokman(*berlin, "--by", "day", "--since", "2026-10-25", "--until", "2026-10-26")
    assert [row["calls"] for row in json.loads(day.out)] == [4]
    # 02:30 comes twice that night, and both are the same hour of the wall clock.
    hours = json.loads(tokman(*berlin, "--by", "hour_of_day").out)
    assert [(row["hour_of_day"], row["calls"]) for row in hours] == [(0, 2), (2, 2), (23, 2)]


def test_calendars_run_in_their_order(ask: Ask) -> None:
    assert [row["weekday"] for row in ask("--by", "weekday")] == [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Sunday",
    ]
    assert [row["hour_of_day"] for row in ask("--by", "hour_of_day")] == [
        0, 3, 4, 9, 10, 11, 12, 13, 18, 23,
    ]  # fmt: skip
    assert [row["week"] for row in ask("--by", "week")] == ["2026-W44", "2026-W45"]
    assert [row["month"] for row in ask("--by", "month")] == ["2026-11"]


@pytest.mark.parametrize("sort", SORTS)
def test_sort(sort: str, ask: Ask) -> None:
    rows = ask("--by", "workflow", "--sort", sort)
    key = {"cost": "list_cost", "input": "input_tokens", "output": "output_tokens"}.get(sort, sort)
    if sort == "name":
        names = [row["workflow"] for row in rows]
        assert names == [*sorted(names[:-1]), None]
        return
    values = [row[key] for row in rows]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=True)
    assert values == known + [None] * (len(values) - len(known))


def test_unpriced_is_never_zero(ask: Ask, tokman: Run, ledger: Path) -> None:
    mystery = next(row for row in ask() if row["workflow"] == "mystery")
    for name in ("list_cost", "contracted_cost", "cost_share", "cost_per_call"):
        assert mystery[name] is None
    assert (mystery["unpriced_calls"], mystery["unpriced_tokens"]) == (1, 1000)
    table = tokman("report", "--ledger", ledger).out
    line = next(line for line in table.splitlines() if "mystery" in line)
    assert "$" not in line
    assert line.count("–") == 4
    assert "2 unpriced (1,057 tokens)" in table
    assert "--where unpriced" in table


def test_all_unpriced(tokman: Run, ledger: Path) -> None:
    where = ("--where", "unpriced")
    done = tokman("report", "--ledger", ledger, *where)
    assert done.code == 0
    assert "$" not in done.out
    assert "1 call of 2, unpriced, has no workflow" in done.out
    csv_text = tokman("report", "--ledger", ledger, "--format", "csv", *where).out
    assert [row["list_cost"] for row in csv.DictReader(io.StringIO(csv_text))] == ["", ""]


def test_tokens_of_every_kind_count_as_unpriced(tmp_path: Path, tokman: Run) -> None:
    spoken = call(1, model="nobody-sells-this", prompt=10, answer=30)
    spoken["metadata"]["usage_object"]["completion_tokens_details"] = {"audio_tokens": 25}
    folder = made(tmp_path / "audio", [spoken])
    row = json.loads(tokman("report", "--ledger", folder, "--format", "json").out)[0]
    assert (row["output_tokens"], row["unpriced_tokens"]) == (30, 40)


@pytest.mark.parametrize("more", [[], ["--top", "1"], ["--by", "model,workflow"]])
def test_what_has_no_workflow_is_shown_with_its_share(
    more: list[str], tokman: Run, ledger: Path
) -> None:
    out = tokman("report", "--ledger", ledger, *more).out
    assert "2 calls of 10 and 10% of the cost ($0.008000) have no workflow" in out


def test_no_note_where_all_is_attributed(tokman: Run, ledger: Path) -> None:
    out = tokman("report", "--ledger", ledger, "--where", "workflow is not null").out
    assert "no workflow" not in out


def test_failed_calls(ask: Ask, tokman: Run, ledger: Path) -> None:
    support = next(row for row in ask() if row["workflow"] == "support")
    assert (support["calls"], support["failed_calls"]) == (4, 1)
    failed = ask("--by", "status,error_type", "--where", "status = 'error'")
    assert [(row["error_type"], row["calls"]) for row in failed] == [("error", 1)]
    assert "10 calls · 1 failed" in tokman("report", "--ledger", ledger).out


def test_billed_is_what_the_log_says(ask: Ask) -> None:
    digest = next(row for row in ask() if row["workflow"] == "cron-digest")
    assert (digest["billed_cost"], digest["billed_calls"]) == (Decimal("0.25"), 1)
    assert digest["list_cost"] != digest["billed_cost"]


def test_csv_says_what_json_says(ask: Ask, tokman: Run, ledger: Path) -> None:
    rows = ask("--by", "workflow,model")
    text = tokman("report", "--ledger", ledger, "--by", "workflow,model", "--format", "csv").out
    read = list(csv.DictReader(io.StringIO(text)))
    assert [list(row) for row in read] == [list(row) for row in rows]
    for one, other in zip(read, rows, strict=True):
        for name, value in other.items():
            if isinstance(value, (int, Decimal)):
                assert Decimal(one[name]) == value
            else:
                assert one[name] == (value or "")


@pytest.mark.parametrize("form", ["table", "markdown", "json", "csv"])
def test_golden(form: str, tokman: Run, ledger: Path, golden: Callable[[str, str], None]) -> None:
    done = tokman("report", "--ledger", ledger, "--by", "workflow,model", "--format", form)
    assert (done.code, done.err) == (0, "")
    golden(f"report/workflow-model.{form}", done.out)


def test_golden_of_the_sample_logs(
    tokman: Run, sample_ledger: Path, golden: Callable[[str, str], None]
) -> None:
    # Calls without a time of their own are dated by their file, which differs by machine.
    dated = ("--where", "time_basis = 'log'", "--ledger", sample_ledger)
    golden("report/sample.table", tokman("report", *dated).out)
    golden("report/sample-week.table", tokman("report", "--by", "week", *dated).out)


HARMFUL = [
    "'; drop table usage; --",
    "1=1; drop view usage",
    "1=1) union select 1; --",
    "1=1) union all select * from (select * from scope",
    "1=1) or (1=1",
    "1=1 union select * from scope",
    "1=1 from usage",
    "1=1 /*",
    "1=1 group by all",
    "1=1 order by 1",
    "true, true",
    "",
    "   ",
    "--",
    "$tz",
    "exists (from read_csv('/etc/passwd'))",
    "workflow in (select content from read_text('/etc/passwd'))",
    "(select count(*) from '/etc/passwd') > 0",
    "(select count(*) from glob('/etc/*')) > 0",
    "exists (copy charges to '/tmp/stolen.csv')",
    "copy charges to '/tmp/stolen.csv'",
    "attach '/tmp/stolen.db'",
    "pragma enable_external_access",
    "set enable_external_access = true",
    "exists (from query('copy charges to ''/tmp/stolen.csv'''))",
    "exists (with gone as (delete from rejects returning *) from gone)",
    "no_such_column = 1",
    "no_such_function(model)",
    "cast(model as int) = 1",
    "model = 'x' and \0",
    "model = '\udcff'",
    "(" * 500,
    "exists (from connection)",
    "exists (from rows)",
]


@pytest.mark.parametrize("where", HARMFUL)
def test_a_condition_does_no_harm(where: str, tokman: Run, ledger: Path) -> None:
    before = fingerprint(ledger)
    done = tokman("report", "--ledger", ledger, "--where", where)
    assert (done.code, done.out) == (2, "")
    error, *hint = done.err.splitlines()
    assert error.startswith("error: ")
    assert "went wrong" not in error
    assert len(hint) == 1
    assert hint[0].startswith("hint: ")
    assert "root:" not in done.err
    assert fingerprint(ledger) == before
    assert not Path("/tmp/stolen.csv").exists()


@pytest.mark.parametrize(
    ("where", "calls"),
    [
        ("workflow = 'support'", 4),
        ("workflow = 'support' -- a comment", 4),
        ("model like 'gpt%' and \"user\" is not null", 3),
        ("workflow = 'it''s'", 0),
        ("list_cost > (select avg(list_cost) from charges)", 2),
        ("day = date '2026-11-02'", 2),
        ("hour_of_day between 9 and 12", 4),
        ("weekday = 'Sunday'", 4),
        ("unpriced", 2),
        ("service_tier = 'standard'", 10),
        ("1=1 or 1=1", 10),
        ("1 = 0", 0),
    ],
)
def test_conditions(where: str, calls: int, tokman: Run, ledger: Path) -> None:
    done = tokman("report", "--ledger", ledger, "--by", "source", "-f", "json", "--where", where)
    assert done.code == (0 if calls else 3)
    assert sum(row["calls"] for row in json.loads(done.out or "[]")) == calls


def test_a_condition_holds_for_all_of_since_and_until(ask: Ask) -> None:
    rows = ask("--by", "source", "--since", "2026-11-08", "--where", "1=1 or 1=1")
    assert rows[0]["calls"] == 2


def test_no_calls(tokman: Run, tmp_path: Path) -> None:
    Ledger(tmp_path / "empty", create=True)
    done = tokman("report", "--ledger", "empty")
    assert (done.code, done.out) == (3, "")
    assert done.err == "error: no calls\nhint: the ledger is empty: run `tokman ingest`\n"


def test_the_period_is_told_in_the_zone_of_the_question(tokman: Run, ledger: Path) -> None:
    def told(until: str) -> str:
        zone = ("--until", until, "--tz", "Asia/Tokyo")
        return tokman("report", "--ledger", ledger, *zone).out

    assert "2026-11-01 Asia/Tokyo · litellm · 1 call · all priced" in told("2026-11-02")
    assert "2026-11-01 to 2026-11-02 Asia/Tokyo · litellm · 3 calls" in told("2026-11-03")


def test_a_name_from_a_log_is_harmless_everywhere(tmp_path: Path, tokman: Run) -> None:
    names = [
        "=cmd|' /C calc'!A0",
        "\x1b[31mred",
        "a|b<script>",
        "'; drop table usage; --",
        "\u202ex",
    ]
    calls = [call(n, session=name) for n, name in enumerate(names, 1)]
    folder = made(tmp_path / "hostile", calls)
    for form in ("table", "markdown", "csv", "json"):
        done = tokman("report", "--ledger", folder, "--by", "conversation_id", "-f", form)
        assert done.code == 0
        assert all(char.isprintable() or char == "\n" for char in done.out)
    back = json.loads(done.out)
    assert sorted(row["conversation_id"] for row in back) == sorted(names)
