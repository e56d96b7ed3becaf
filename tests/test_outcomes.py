"""What came of the work, joined to the calls: cost per outcome, and what is left of its value."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Run
from tests.ledgers import call, made

CALLS = [
    call(1, workflow="support", session="c-1"),
    call(2, workflow="support", session="c-1"),
    call(3, workflow="support", session="c-2"),
    call(4, workflow="support", session="c-3", user="ann"),
    call(5, workflow="triage", session="c-3"),
    call(6, session="r-1", request_tags=["workflow:review", "pr:17"]),
    call(7, session="r-2", request_tags=["workflow:review", "pr:17"]),
    call(8, session="r-3", request_tags=["workflow:review", "pr:18"]),
]
"""Eight calls of 1,000 and 100 tokens at $5 and $30 a million: $0.008 each."""

EACH = Decimal("0.008")


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return made(tmp_path / "ledger", CALLS)


def rows(tokman: Run, ledger: Path, *options: object) -> dict[Any, dict[str, Any]]:
    done = tokman("report", "--ledger", ledger, "-f", "json", *options)
    assert done.code == 0, done.err
    answer = json.loads(done.out, parse_float=Decimal)
    return {row[next(iter(row))]: row for row in answer}


def written(folder: Path, text: str, name: str = "outcomes.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


RESOLVED = "conversation_id,success,value\nc-1,yes,6\nc-2,no,\nc-3,true,$4.50\nc-9,1,1\n"


def test_cost_per_outcome(tokman: Run, tmp_path: Path, ledger: Path) -> None:
    file = written(tmp_path, RESOLVED)
    done = tokman("outcomes", "add", file, "--key", "conversation_id", "--ledger", ledger)
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "4 outcomes added or replaced, 3 a success\n"
        "1 of 4 outcomes 'outcome' by conversation_id belong to no call in the ledger\n"
    )
    found = rows(tokman, ledger)
    assert found["support"]["outcomes"] == 3
    assert found["support"]["successes"] == 2
    assert Decimal(found["support"]["outcome_value"]) == Decimal("10.5")
    assert Decimal(found["support"]["cost_per_outcome"]) == 4 * EACH / 2
    assert (found["triage"]["outcomes"], found["review"]["outcomes"]) == (1, 0)
    assert found["review"]["cost_per_outcome"] is None
    table = tokman("report", "--ledger", ledger).out
    assert "Per success" in table
    total = next(line for line in table.splitlines() if line.strip().startswith("Total"))
    assert "$10.50" in total, "c-3 was worked on by two workflows and is one outcome"
    assert "2 of 3 outcomes a success" in table


def test_nothing_is_shown_where_nothing_is_known(tokman: Run, ledger: Path) -> None:
    assert "uccess" not in tokman("report", "--ledger", ledger).out
    assert rows(tokman, ledger)["support"]["successes"] == 0
    assert tokman("outcomes", "list", "--ledger", ledger).code == 3


def test_added_again_it_is_replaced(tokman: Run, tmp_path: Path, ledger: Path) -> None:
    for text in (RESOLVED, RESOLVED, RESOLVED.replace("c-2,no", "c-2,yes")):
        file = written(tmp_path, text)
        added = tokman("outcomes", "add", file, "--key", "conversation_id", "--ledger", ledger)
        assert added.code == 0
    assert rows(tokman, ledger)["support"]["successes"] == 3
    listed = tokman("outcomes", "list", "-f", "json", "--ledger", ledger).out
    assert json.loads(listed) == [
        {
            "outcome": "outcome",
            "key": "conversation_id",
            "outcomes": 4,
            "successes": 4,
            "joined": 3,
            "calls": 5,
        }
    ]


def test_a_tag_is_a_key(tokman: Run, tmp_path: Path, ledger: Path) -> None:
    file = written(tmp_path, "PR,State\n17,merged\n18,closed\n")
    options = ("--key", "pr=PR", "--success", "State=merged", "--name", "merged")
    assert tokman("outcomes", "add", file, *options, "--ledger", ledger).code == 0
    review = rows(tokman, ledger)["review"]
    assert (review["outcomes"], review["successes"]) == (2, 1)
    assert Decimal(review["cost_per_outcome"]) == 3 * EACH


def test_declared_value_kind_and_margin(tokman: Run, tmp_path: Path, ledger: Path) -> None:
    merged = written(tmp_path, "pr,success\n17,1\n18,1\n", "merged.csv")
    looked = written(tmp_path, "pr,success\n17,0\n18,0\n", "looked.csv")
    for name, file in (("merged", merged), ("looked-at", looked)):
        add = ("outcomes", "add", file, "--key", "pr", "--name", name, "--ledger", ledger)
        assert tokman(*add).code == 0
    assert rows(tokman, ledger)["review"]["outcomes"] == 4
    Path("tokman.toml").write_text(
        '[workflows.review]\noutcome = "merged"\nvalue = "0.02"\nmargin = "70%"\n'
    )
    review = rows(tokman, ledger)["review"]
    assert (review["outcomes"], review["successes"]) == (2, 2)
    assert Decimal(review["outcome_value"]) == Decimal("0.04")
    assert "review leaves 40% of what its outcomes are worth, less than the 70% declared" in (
        tokman("report", "--ledger", ledger).out
    )
    asked = "select distinct success from charges where workflow = 'review'"
    assert json.loads(tokman("sql", asked, "-f", "json", "--ledger", ledger).out) == [
        {"success": True}
    ]


def test_parquet_and_packed(tokman: Run, tmp_path: Path, ledger: Path) -> None:
    plain, packed = tmp_path / "o.parquet", tmp_path / "o.csv.gz"
    pq.write_table(pa.table({"conversation_id": ["c-1"], "success": [True], "value": [2]}), plain)
    packed.write_bytes(gzip.compress(RESOLVED.encode()))
    for file, successes in ((plain, 1), (packed, 2)):
        add = ("outcomes", "add", file, "--key", "conversation_id", "--ledger", ledger)
        assert tokman(*add).code == 0
        assert rows(tokman, ledger)["support"]["successes"] == successes


def test_rows_that_say_nothing_clear_are_named(tokman: Run, tmp_path: Path, ledger: Path) -> None:
    file = written(
        tmp_path,
        "conversation_id,success,value\nc-1,maybe,1\n,yes,1\nc-2,yes,lots\nc-2,yes,1e9\nc-3,yes,1\n",
    )
    done = tokman("outcomes", "add", file, "--key", "conversation_id", "--ledger", ledger)
    assert done.code == 1
    assert done.err.splitlines() == [
        f"{file}:2: success: neither yes nor no; say which cells are: --success success=VALUE",
        f"{file}:3: conversation_id: missing",
        f"{file}:4: value: not an amount in USD",
        f"{file}:5: value: not an amount in USD",
        "1 outcome added or replaced, 1 a success · 4 rows refused",
    ]


@pytest.mark.parametrize(
    ("text", "options", "said", "code"),
    [
        (RESOLVED, ("--key", "ticket"), "no column 'ticket'", 2),
        (RESOLVED, ("--key", "conversation_id", "--success", "ok"), "no column 'ok'", 2),
        (RESOLVED, ("--key", ""), "--key names nothing", 2),
        ("conversation_id,success\n", ("--key", "conversation_id"), "no outcome in it", 3),
        ("", ("--key", "conversation_id"), "neither CSV nor Parquet", 2),
        ('{"a": 1}\n', ("--key", "a"), "neither CSV nor Parquet", 2),
    ],
)
def test_bad_input_is_one_line_and_a_hint(
    tokman: Run,
    tmp_path: Path,
    ledger: Path,
    text: str,
    options: tuple[str, ...],
    said: str,
    code: int,
) -> None:
    done = tokman("outcomes", "add", written(tmp_path, text), *options, "--ledger", ledger)
    assert done.code == code
    assert said in done.err
    assert len(done.err.splitlines()) == 2 and "hint: " in done.err
    assert not (ledger / "outcomes").exists()


def test_a_file_that_is_not_there(tokman: Run, ledger: Path) -> None:
    done = tokman("outcomes", "add", "nowhere.csv", "--key", "call_id", "--ledger", ledger)
    assert (done.code, done.err.splitlines()[0]) == (
        2,
        "error: nowhere.csv: No such file or directory",
    )


def test_hostile_cells_stay_text(tokman: Run, tmp_path: Path, ledger: Path) -> None:
    file = written(tmp_path, 'k,success\n"\' or 1=1 --",yes\n"c-1",yes\n')
    kind = "=cmd()\x1b[31m"
    for key in ("conversation_id=k", "a'; drop table usage; --=k"):
        add = ("outcomes", "add", file, "--key", key, "--name", kind)
        done = tokman(*add, "--ledger", ledger)
        assert done.code == 0
        assert "\x1b" not in done.err
    assert rows(tokman, ledger)["support"]["outcomes"] == 1
    assert "\x1b" not in tokman("outcomes", "list", "--ledger", ledger).out


def test_success_that_a_log_states(tokman: Run, tmp_path: Path, ledger: Path) -> None:
    """Without outcomes a conversation is one, and a success if all that is said of it is."""
    from tokman import rates
    from tokman.columns import to_batch
    from tokman.commit import commit
    from tokman.ledger import Ledger
    from tokman.usage import Usage, arrow_schema

    said = [
        Usage(
            call_id=f"own-{number}",
            started_at=1_790_000_000_000_000,
            provider_name="openai",
            response_model="gpt-5.5",
            output_tokens=1,
            workflow="scored",
            conversation_id=conversation,
            success=success,
        )
        for number, (conversation, success) in enumerate(
            [("a", True), ("a", None), ("b", True), ("b", False), (None, True)]
        )
    ]
    table = pa.Table.from_batches([to_batch(said, arrow_schema())])
    commit(Ledger(ledger), table, rates.load(), "test")
    scored = rows(tokman, ledger)["scored"]
    assert (scored["outcomes"], scored["successes"]) == (3, 2)
