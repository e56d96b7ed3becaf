"""Prices that change: the past stays as it was until it is repriced, and that can be undone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import SAMPLE_LOGS, Run
from tests.ledgers import call
from tokman import rates, reprice
from tokman.columns import to_batch
from tokman.commit import commit
from tokman.config import Config, Discount, Model, Rates
from tokman.ledger import Ledger
from tokman.query import connect
from tokman.report import scope
from tokman.usage import Usage, arrow_schema

DEARER = """
[rates.models."gpt-5.5"]
input = "10"
output = "60"
[rates.models."nobody-sells-this"]
input = "1"
output = "1"
"""
"""Twice the catalogue's prices of gpt-5.5: $5 and $30; and a price where it has none."""

CALLS = [
    call(1, "2026-10-05 10:00:00", prompt=1000, answer=100),
    call(2, "2026-10-06 10:00:00", model="claude-sonnet-4-5", provider="anthropic"),
    call(3, "2026-11-02 10:00:00", prompt=2000, answer=0),
    call(4, "2026-11-03 10:00:00", model="nobody-sells-this", prompt=500, answer=500),
]


@pytest.fixture
def ledger(tokman: Run, tmp_path: Path) -> Path:
    """The four calls, priced by the catalogue alone; tomorrow's prices are in new.toml."""
    log(tmp_path, "calls", CALLS)
    (tmp_path / "new.toml").write_text(DEARER)
    assert tokman("ingest", "calls.jsonl", "--ledger", "L").code == 0
    return tmp_path / "L"


def log(folder: Path, name: str, calls: list[dict[str, Any]]) -> None:
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in calls))


def everything(tokman: Run, ledger: Path) -> list[str]:
    """The answers a user can get, to the byte."""
    return [
        tokman("report", "--by", "model,day", "--ledger", ledger).out,
        tokman("report", "--by", "price_basis,rate_card", "-f", "json", "--ledger", ledger).out,
        tokman("recommend", "-f", "json", "--ledger", ledger).out,
        tokman("sql", "from charges order by call_id", "-f", "csv", "--ledger", ledger).out,
        tokman("rates", "diff", "-f", "json", "--ledger", ledger).out,
    ]


def costs(tokman: Run, ledger: Path) -> dict[str, Decimal | None]:
    out = tokman(
        "sql", "select call_id, list_cost from usage", "-f", "json", "--ledger", ledger
    ).out
    rows = json.loads(out, parse_float=Decimal)
    return {
        row["call_id"][-2:].lstrip("0"): None
        if row["list_cost"] is None
        else Decimal(row["list_cost"])
        for row in rows
    }


def test_a_closed_month_does_not_change_when_a_price_does(
    tokman: Run, tmp_path: Path, ledger: Path
) -> None:
    """peers.md T14, https://github.com/ryoppippi/ccusage/issues/1636."""
    october = ("report", "--until", "2026-11", "-f", "json", "--ledger", ledger)
    closed = tokman(*october).out
    assert tokman(*october, "--config", "new.toml").out == closed
    log(tmp_path, "more", [call(5, "2026-11-09 10:00:00"), call(1, CALLS[0]["startTime"][:19])])
    assert tokman("ingest", "more.jsonl", "--ledger", ledger, "--config", "new.toml").code == 0
    assert tokman(*october, "--config", "new.toml").out == closed
    assert costs(tokman, ledger)["1"] == Decimal("0.008")
    assert costs(tokman, ledger)["5"] == Decimal("0.016"), "a new call has the new price"


def test_the_difference_by_model(tokman: Run, ledger: Path) -> None:
    diff = ("rates", "diff", "--ledger", ledger, "--config", "new.toml")
    before = everything(tokman, ledger)
    rows = json.loads(tokman(*diff, "-f", "json").out, parse_float=Decimal)
    assert [
        (row["model"], row["calls"], row["changed_calls"], row["newly_priced_calls"])
        for row in rows
    ] == [("gpt-5.5", 2, 2, 0), ("nobody-sells-this", 1, 1, 1)]
    assert [Decimal(row["difference"]) for row in rows] == [Decimal("0.018"), Decimal("0.001")]
    assert rows[1]["list_cost"] is None
    assert everything(tokman, ledger) == before, "to look changes nothing"
    narrow = tokman(*diff, "-f", "csv", "--since", "2026-11", "--where", "provider = 'openai'").out
    assert [line.split(",")[0] for line in narrow.splitlines()[1:]] == [
        "gpt-5.5",
        "nobody-sells-this",
    ]
    assert "0.01," in narrow.splitlines()[1]
    assert "of them cost what they did" in tokman(*diff).out
    assert "| **Total** |" in tokman(*diff, "-f", "markdown").out


def test_nothing_to_change_is_said(tokman: Run, ledger: Path) -> None:
    done = tokman("rates", "diff", "--ledger", ledger)
    assert done.code == 0
    assert done.out.startswith("Nothing would change: every call is priced by genai-prices")
    assert json.loads(tokman("rates", "diff", "-f", "json", "--ledger", ledger).out) == []
    assert tokman("reprice", "--ledger", ledger).code == 0, "and there is nothing to ask"


def test_a_model_that_loses_its_price_and_a_discount(
    tokman: Run, tmp_path: Path, ledger: Path
) -> None:
    tokman("reprice", "--yes", "--ledger", ledger, "--config", "new.toml")
    (tmp_path / "then.toml").write_text('[[rates.discounts]]\npercent = 50\nmodel = "claude-*"\n')
    out = tokman("rates", "diff", "-f", "json", "--ledger", ledger, "--config", "then.toml").out
    rows = {row["model"]: row for row in json.loads(out, parse_float=Decimal)}
    assert rows["nobody-sells-this"]["no_longer_priced_calls"] == 1
    assert rows["nobody-sells-this"]["new_list_cost"] is None
    assert rows["nobody-sells-this"]["difference"] == Decimal("-0.001")
    assert rows["claude-sonnet-4-5"]["difference"] == 0
    assert rows["claude-sonnet-4-5"]["contracted_difference"] == Decimal("-0.00225")


def test_reprice_takes_the_new_costs_over_and_undo_brings_the_old_back(
    tokman: Run, ledger: Path
) -> None:
    before = everything(tokman, ledger)
    reprice = ("reprice", "--ledger", ledger, "--config", "new.toml")
    refused = tokman(*reprice)
    assert refused.code == 2, "a script must say --yes"
    assert "gpt-5.5" in refused.out, "the difference is shown first"
    assert everything(tokman, ledger) == before
    done = tokman(*reprice, "--yes")
    assert (done.code, done.err) == (0, "4 calls repriced\n")
    assert costs(tokman, ledger) == {
        "1": Decimal("0.016"),
        "2": Decimal("0.0045"),
        "3": Decimal("0.02"),
        "4": Decimal("0.001"),
    }
    assert "Nothing would change" in tokman("rates", "diff", *reprice[1:]).out
    back = tokman("reprice", "--undo", "--yes", "--ledger", ledger)
    assert (back.code, back.err) == (0, "4 calls repriced\n")
    assert everything(tokman, ledger) == before
    assert tokman("reprice", "--undo", "--yes", "--ledger", ledger).code == 3


def test_a_part_is_repriced_and_each_undo_goes_one_step_back(tokman: Run, ledger: Path) -> None:
    states = [everything(tokman, ledger)]
    for part in (("--since", "2026-11"), ("--where", "model = 'gpt-5.5'")):
        tokman("reprice", "--yes", *part, "--ledger", ledger, "--config", "new.toml")
        states.append(everything(tokman, ledger))
    assert len({str(state) for state in states}) == 3
    while len(states) > 1:
        states.pop()
        tokman("reprice", "--undo", "--yes", "--ledger", ledger)
        assert everything(tokman, ledger) == states[-1]
    wrong = tokman("reprice", "--undo", "--since", "2026-11", "--ledger", ledger)
    assert wrong.code == 2


def test_undo_keeps_what_came_since(tokman: Run, tmp_path: Path, ledger: Path) -> None:
    """New calls stay, a call known better since keeps its price, and compaction does no harm."""
    tokman("reprice", "--yes", "--ledger", ledger, "--config", "new.toml")
    log(tmp_path, "fuller", [call(3, "2026-11-02 10:00:00", prompt=2000, answer=50)])
    log(tmp_path, "tagged", [call(1, "2026-10-05 10:00:00", workflow="labels")])
    log(tmp_path, "new", [call(9, "2026-11-09 10:00:00")])
    for name in ("fuller", "tagged", "new"):
        tokman("ingest", f"{name}.jsonl", "--ledger", ledger, "--config", "new.toml")
    table = Ledger(ledger).table()
    assert table is not None
    table.optimize.compact()
    table.create_checkpoint()
    done = tokman("reprice", "--undo", "--yes", "--ledger", ledger)
    assert done.err == "3 calls repriced; 1 changed meanwhile and keep what they have\n"
    assert costs(tokman, ledger) == {
        "1": Decimal("0.008"),
        "2": Decimal("0.0045"),
        "3": Decimal("0.023"),
        "4": None,
        "9": Decimal("0.016"),
    }


def test_what_is_applied_is_what_was_shown(ledger: Path) -> None:
    """An ingest between the difference and the answer: its rows are left alone."""
    store, card = Ledger(ledger), rates.load(Rates(models={"gpt-5.5": Model(input="1")}))
    connection = connect(store, Config())
    scope(connection)
    with reprice.Draft(store, card.version) as draft:
        shown = reprice.propose(connection, card, draft)
        assert shown.total["calls"] == 4
        fuller = Usage(
            call_id="chatcmpl-test-000001",
            started_at=1_791_194_400_000_000,
            provider_name="openai",
            request_model="gpt-5.5",
            uncached_input_tokens=1000,
            output_tokens=999,
        )
        commit(
            store, pa.Table.from_batches([to_batch([fuller], arrow_schema())]), rates.load(), "test"
        )
        done = reprice.apply(store, draft)
    assert (done.calls, done.left) == (3, 1)
    assert not list((ledger / "tmp").iterdir())


def test_a_record_that_is_gone_is_named(tokman: Run, ledger: Path) -> None:
    tokman("reprice", "--yes", "--ledger", ledger, "--config", "new.toml")
    [record] = (ledger / "reprices").iterdir()
    record.unlink()
    done = tokman("reprice", "--undo", "--yes", "--ledger", ledger)
    assert done.code == 2
    assert "the costs before the last reprice cannot be read" in done.err


def test_a_newer_catalogue_with_the_same_prices(
    tokman: Run, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = costs(tokman, ledger)
    monkeypatch.setattr("tokman.rates.cache.catalogue_version", lambda: "genai-prices 9.9")
    version = rates.load().version
    assert version.startswith("genai-prices 9.9 (")
    said = tokman("rates", "diff", "--ledger", ledger).out
    assert said.endswith(f"anew by {version}; 4 of them cost what they did\n")
    tokman("reprice", "--yes", "--ledger", ledger)
    assert costs(tokman, ledger) == before
    assert f"list prices of {version}\n" in tokman("report", "--ledger", ledger).out


def test_a_model_needs_no_word_before_it(tokman: Run) -> None:
    asked = tokman("rates", "gpt-5.5", "--at", "2026-06-01")
    assert asked.code == 0
    assert tokman("rates", "--at", "2026-06-01", "gpt-5.5") == asked
    assert tokman("rates", "of", "gpt-5.5", "--at", "2026-06-01") == asked
    assert "diff" in tokman("rates", "--help").out
    assert tokman("rates", "diff", "--format", "xml").code == 2


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 1)])
def test_a_person_is_asked(answer: str, code: int, ledger: Path, tmp_path: Path) -> None:
    """Yes, no, the default and the end of the input, on a terminal."""
    import pty

    person, terminal = pty.openpty()
    command = [sys.executable, "-m", "tokman", "reprice", "--ledger", str(ledger)]
    process = subprocess.Popen(
        [*command, "--config", "new.toml"],
        stdin=terminal,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    os.write(person, answer.encode())
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert b"went wrong" not in said
    assert Ledger(ledger).reprices() == (code == 0)


def test_an_ingest_after_the_ledger_was_opened(tokman: Run, tmp_path: Path, ledger: Path) -> None:
    store = Ledger(ledger)
    connection = connect(store, Config())
    scope(connection, since=None, until=None, tz="UTC", where=None)
    log(tmp_path, "more", [call(5, "2026-11-09 10:00:00")])
    assert tokman("ingest", "more.jsonl", "--ledger", ledger).code == 0
    dearer = rates.load(Rates(models={"gpt-5.5": Model(input="10", output="60")}))
    assert reprice.compare(connection, dearer).total["calls"] == 4


def test_an_ingest_at_the_same_time(tokman: Run, tmp_path: Path, ledger: Path) -> None:
    for number in range(20, 26):
        log(tmp_path, f"late-{number}", [call(number)])
    for number in range(20, 26):
        undo = ["--undo"] if number % 2 else ["--config", "new.toml"]
        one = [sys.executable, "-m", "tokman", "reprice", "--yes", "--ledger", str(ledger), *undo]
        other = [sys.executable, "-m", "tokman", "ingest", f"late-{number}.jsonl"]
        running = [
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for command in (one, [*other, "--ledger", str(ledger)])
        ]
        assert [process.wait() for process in running] == [0, 0]
        assert len(costs(tokman, ledger)) == number - 20 + 5
    assert Ledger(ledger).reprices() == 0
    assert "Nothing would change" in tokman("rates", "diff", "--ledger", ledger).out


PRICES = st.builds(
    Rates,
    models=st.dictionaries(
        st.sampled_from(["gpt-5.5", "claude-sonnet-4-5", "own-model"]),
        st.builds(
            Model,
            input=st.sampled_from(["0", "0.1", "3", "7.77"]),
            output=st.sampled_from(["0", "1", "15.5"]),
        ),
        max_size=2,
    ),
    discounts=st.lists(st.builds(Discount, percent=st.sampled_from([5, "12.5", 100])), max_size=1),
)

USAGES = st.lists(
    st.builds(
        Usage,
        call_id=st.integers(1, 12).map("msg_{}".format),
        started_at=st.integers(1_767_225_600_000_000, 1_767_225_600_000_000 + 10**11),
        provider_name=st.sampled_from(["openai", "anthropic", None]),
        response_model=st.sampled_from(["gpt-5.5", "claude-sonnet-4-5", "own-model", None]),
        service_tier=st.sampled_from([None, "batch", "nobody's"]),
        uncached_input_tokens=st.integers(0, 300_000),
        output_tokens=st.integers(0, 5_000),
        tags=st.none() | st.lists(st.sampled_from("ab"), max_size=2),
        user_id=st.none() | st.sampled_from(["ann", "bob"]),
    ),
    min_size=1,
    max_size=8,
)

WHERES = st.sampled_from([None, "provider = 'openai'", "output_tokens > 100", "false"])


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(USAGES, min_size=1, max_size=3), st.lists(st.tuples(PRICES, WHERES), max_size=3))
def test_undo_restores_every_row(
    batches: list[list[Usage]], steps: list[tuple[Rates, str | None]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "L", create=True)
        for batch in batches:
            commit(
                ledger,
                pa.Table.from_batches([to_batch(batch, arrow_schema())]),
                rates.load(),
                "test",
            )
        states = [whole(ledger)]
        for prices, where in steps:
            card = rates.load(prices)
            connection = connect(ledger, Config())
            scope(connection, where=where)
            with reprice.Draft(ledger, card.version) as draft:
                shown = reprice.propose(connection, card, draft)
                if not draft.calls:
                    continue
                done = reprice.apply(ledger, draft)
            assert (done.calls, done.left) == (shown.total["calls"], 0)
            spent = sum(row["list_cost"] or 0 for row in whole(ledger))
            before = sum(row["list_cost"] or 0 for row in states[-1])
            assert spent - before == shown.total["difference"]
            states.append(whole(ledger))
        while len(states) > 1:
            states.pop()
            reprice.undo(ledger, reprice.last(ledger))
            assert whole(ledger) == states[-1]
        assert ledger.reprices() == 0


def whole(ledger: Ledger) -> list[dict[str, Any]]:
    """Every column of every row, in the order of the table's files."""
    rows = connect(ledger, Config()).sql("from usage order by call_id").to_arrow_table()
    return list(rows.to_pylist())


def test_killed_at_any_instant_the_costs_are_the_old_or_the_new(
    tokman: Run, tmp_path: Path
) -> None:
    ledger = tmp_path / "L"
    (tmp_path / "new.toml").write_text(DEARER)
    tokman("ingest", SAMPLE_LOGS / "litellm", SAMPLE_LOGS / "openai", "--ledger", ledger)
    old = whole(Ledger(ledger))
    command = [sys.executable, "-m", "tokman", "reprice", "--yes", "--ledger", str(ledger)]
    command += ["--config", "new.toml"]
    began = time.monotonic()
    subprocess.run(command, capture_output=True, check=True)
    length = time.monotonic() - began
    new = whole(Ledger(ledger))
    assert new != old
    chance = random.Random(3)
    for turn in range(8):
        undo = bool(Ledger(ledger).reprices())
        process = subprocess.Popen(
            [*command, "--undo"] if undo else command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(length * chance.uniform(0.4, 1.0))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert whole(Ledger(ledger)) == (new if Ledger(ledger).reprices() else old), turn
