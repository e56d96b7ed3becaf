"""A mapping is corrected: what its files said before goes, what they say comes, in one step."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Run
from tests.test_bad_input import call
from tests.test_merge import put, rows, sightings, table, usage
from tokman import rates
from tokman.alike import match
from tokman.commit import Committed
from tokman.config import Model, Rates
from tokman.correct import beside, replace
from tokman.ledger import Ledger
from tokman.usage import Usage, arrow_schema

CARD = rates.load()
FILES = ("f1", "f2", "f3")


def correct(ledger: Ledger, seen: list[Usage], changed: set[str], whole: set[str]) -> Committed:
    rows = table(*seen) if seen else arrow_schema().empty_table()
    return replace(ledger, rows, CARD, "later", changed, whole)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seen=st.lists(sightings, min_size=1, max_size=8),
    instead=st.lists(sightings, max_size=5),
    places=st.lists(st.sampled_from(FILES), min_size=13, max_size=13),
    cut=st.integers(0, 8),
)
def test_the_ledger_is_as_if_the_first_reading_had_never_been(
    tmp_path_factory: Any, seen: list[Usage], instead: list[Usage], places: list[str], cut: int
) -> None:
    """f1 is corrected; every other file that saw one of its calls is read with it. Each sighting
    is given twice, so that each call is a union, be it of one."""
    for line, each in enumerate(seen + instead):
        each.line = line
    for each, place in zip(seen, places, strict=False):
        each.file = place
    for each in instead:
        each.file = "f1"
    others = [each for each in seen if each.file != "f1"]
    right = Ledger(tmp_path_factory.mktemp("right") / "l", create=True)
    if others + instead:
        put(right, *2 * (others + instead))
    ledger = Ledger(tmp_path_factory.mktemp("wrong") / "l", create=True)
    for part in (seen[:cut], seen[cut:]):
        if part:
            put(ledger, *2 * part)
    for _ in range(2):
        again = {"f1", *beside(ledger, {"f1"})}
        now = [*instead, *(each for each in others if each.file in again)]
        done = correct(ledger, 2 * now, {"f1"}, again)
        assert rows(ledger) == (rows(right) if others + instead else [])
    assert (done.added, done.corrected, done.removed, done.kept) == (0, 0, 0, 0)


def test_a_call_also_read_where_nothing_can_be_read_again_is_kept(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, usage("both", output_tokens=9, file="f1"), usage("alone", file="f1"))
    put(ledger, usage("both", output_tokens=5, team="t", file="gone", line=3))
    done = correct(ledger, [], {"f1"}, {"f1"})
    assert (done.removed, done.kept) == (1, 1)
    [row] = rows(ledger)
    assert (row["call_id"], row["file"], row["line"], row["team"]) == ("both", "gone", 3, "t")
    assert row["also_seen"] is None


def test_what_stays_as_it_was_keeps_its_price(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", create=True)
    first = [usage(f"m{number}", output_tokens=100, file="f1") for number in (1, 2)]
    put(ledger, *first)
    before = {row["call_id"]: row for row in rows(ledger)}
    first[0].team, first[1].output_tokens = "search", 101
    dearer = rates.load(Rates(models={"claude-sonnet-4-5": Model(input=9, output=99)}))
    done = replace(ledger, table(*first), dearer, "later", {"f1"}, {"f1"})
    assert (done.corrected, done.removed, done.added) == (2, 0, 0)
    one, two = rows(ledger)
    assert (one["team"], one["list_cost"]) == ("search", before["m1"]["list_cost"])
    assert one["rate_card"] == before["m1"]["rate_card"]
    assert two["rate_card"] == dearer.version
    assert two["list_cost"] > 2 * before["m2"]["list_cost"]


def test_calls_matched_by_likeness_stay_one(tmp_path: Path) -> None:
    """While the file still says that id; else the other call is alone again."""
    ledger = Ledger(tmp_path / "l", create=True)
    counts = {"uncached_input_tokens": 100, "output_tokens": 20}
    answer = usage("msg_01ABCDEFGHJKMNPQRSTVWXYZ", file="answers", source="anthropic", **counts)
    gateway = usage("gw:1", file="f1", source="gw", **counts)
    put(ledger, answer, gateway)
    assert match(ledger, CARD, "m") == 1
    gateway.team = "search"
    both = {"f1", *beside(ledger, {"f1"})}
    assert both == {"f1", "answers"}
    correct(ledger, [gateway, answer], {"f1"}, both)
    [row] = rows(ledger)
    assert (row["call_id"], row["matched_ids"], row["team"]) == (answer.call_id, ["gw:1"], "search")
    renamed = msgspec.structs.replace(gateway, call_id="gw:one")
    correct(ledger, [renamed, answer], {"f1"}, both)
    assert [(row["call_id"], row["matched_ids"]) for row in rows(ledger)] == [
        ("gw:one", None),
        (answer.call_id, None),
    ]


WRONG = """
[sources.house]
match.keys = ["ts", "usage.in", "usage.cached"]
key = ["id"]
cache_in_input = false
[sources.house.map]
started_at = "ts"
call_id = "response"
provider_name = { const = "openai" }
response_model = "model"
input_tokens = "usage.in"
cache_read_input_tokens = "usage.cached"
output_tokens = "usage.out"
workflow = "job"
"""
RIGHT = WRONG.replace("= false", "= true").replace('= "job"', '= "task"') + (
    '[[sources.house.where]]\npath = "kind"\nequals = "call"\n'
)
QUESTION = (
    "select call_id, uncached_input_tokens, cache_read_input_tokens, output_tokens, workflow, team,"
    " file, line, also_seen, list_cost from charges order by call_id"
)


def house(number: int, **more: Any) -> dict[str, Any]:
    """A line of a log that counts cached tokens inside the input, and health checks as lines."""
    return {
        "id": f"9e3c0f44-1111-4222-8333-{number:012}",
        "ts": f"2026-10-01T10:{number // 60:02}:{number % 60:02}Z",
        "kind": "call" if number % 5 else "probe",
        "model": "gpt-4o-mini",
        "response": call(number)["id"] if number % 3 == 0 else None,
        "usage": {"in": 100, "cached": 40, "out": 10},
        "job": "zzz",
        "task": "triage",
    } | more


def logs(folder: Path, count: int = 40) -> None:
    """The house's log, and the provider's answers to some of its calls, which say more of them."""
    folder.mkdir(exist_ok=True)
    body = [json.dumps(house(number)) + "\n" for number in range(count)]
    (folder / "house.jsonl").write_text("".join(body))
    answers = [
        call(number, prompt_tokens_details={"cached_tokens": 40}) | {"created": 1_790_848_800}
        for number in range(0, count, 6)
    ]
    (folder / "answers.jsonl").write_text("".join(json.dumps(each) + "\n" for each in answers))


def answer(tokman: Run, ledger: str = ".tokman") -> Any:
    return json.loads(tokman("sql", QUESTION, "-f", "json", "--ledger", ledger).out)


@pytest.mark.parametrize("order", [("house", "answers"), ("answers", "house")])
def test_a_corrected_mapping_corrects_what_was_read(
    order: tuple[str, str], tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tokman import run

    logs(tmp_path / "logs")
    (tmp_path / "wrong.toml").write_text(WRONG)
    (tmp_path / "right.toml").write_text(RIGHT)
    tokman("ingest", "logs", "--map", "right.toml", "--ledger", "right")
    for name in order:
        tokman("ingest", f"logs/{name}.jsonl", "--map", "wrong.toml")
    assert answer(tokman) != answer(tokman, "right")
    monkeypatch.setattr(run, "ROWS", 3)
    done = tokman("ingest", "logs/house.jsonl", "--map", "right.toml")
    assert "read 2 files (1 house, 1 openai)" in done.err
    # Of 40 lines 8 are probes; the answers to numbers 0 and 30 say that these are calls after all.
    assert "0 calls added · 34 corrected · 6 taken out, read in their files no more" in done.err
    assert answer(tokman) == answer(tokman, "right")
    assert "2 unchanged" in tokman("ingest", "logs", "--map", "right.toml").err


def test_a_file_that_grew_is_corrected_and_read_on(tokman: Run, tmp_path: Path) -> None:
    logs(tmp_path / "logs")
    (tmp_path / "m.toml").write_text(WRONG)
    tokman("ingest", "logs", "--map", "m.toml")
    with (tmp_path / "logs" / "house.jsonl").open("a") as stream:
        stream.write(json.dumps(house(41)) + "\n")
    (tmp_path / "m.toml").write_text(RIGHT)
    tokman("ingest", "logs", "--map", "m.toml")
    tokman("ingest", "logs", "--map", "m.toml", "--ledger", "right")
    assert answer(tokman) == answer(tokman, "right")


def test_what_a_file_no_longer_holds_is_not_taken_out(tokman: Run, tmp_path: Path) -> None:
    """A log that was rotated in place: the calls it held before are in the ledger alone."""
    log = tmp_path / "house.jsonl"
    (tmp_path / "m.toml").write_text(WRONG)
    log.write_text(json.dumps(house(1)) + "\n")
    tokman("ingest", log, "--map", "m.toml")
    log.write_text(json.dumps(house(2, job="rotated")) + "\n")
    tokman("ingest", log, "--map", "m.toml")
    (tmp_path / "m.toml").write_text(RIGHT)
    done = tokman("ingest", log, "--map", "m.toml")
    assert "calls read of them before stay as they were: house.jsonl" in done.err
    assert [row["call_id"] for row in answer(tokman)] == [
        f"house:{house(number)['id']}" for number in (1, 2)
    ]


def test_another_log_that_is_gone_keeps_its_calls(tokman: Run, tmp_path: Path) -> None:
    logs(tmp_path / "logs")
    (tmp_path / "m.toml").write_text(WRONG)
    tokman("ingest", "logs", "--map", "m.toml")
    (tmp_path / "logs" / "answers.jsonl").unlink()
    (tmp_path / "m.toml").write_text(RIGHT)
    done = tokman("ingest", "logs", "--map", "m.toml")
    assert "7 calls also read where nothing can be read again" in done.err
    assert len(answer(tokman)) == 34


def test_a_mapping_that_fits_nothing_takes_nothing_out(tokman: Run, tmp_path: Path) -> None:
    logs(tmp_path / "logs")
    (tmp_path / "m.toml").write_text(WRONG)
    tokman("ingest", "logs", "--map", "m.toml")
    before = answer(tokman)
    (tmp_path / "m.toml").write_text(WRONG.replace('"usage.cached"]', '"no.such"]'))
    tokman("ingest", "logs", "--map", "m.toml")
    assert answer(tokman) == before


def test_killed_at_any_instant_the_calls_are_the_old_or_the_new(
    tokman: Run, tmp_path: Path
) -> None:
    logs(tmp_path / "logs", 600)
    for name, text in (("wrong", WRONG), ("right", RIGHT)):
        (tmp_path / f"{name}.toml").write_text(text)
        tokman("ingest", "logs", "--map", f"{name}.toml", "--ledger", name)
    old, new = answer(tokman, "wrong"), answer(tokman, "right")
    assert old != new
    command = [sys.executable, "-m", "tokman", "ingest", "logs", "--ledger", "L", "--map"]
    began = time.monotonic()
    subprocess.run([*command, "wrong.toml"], capture_output=True, check=True)
    length = time.monotonic() - began
    chance = random.Random(5)
    for turn in range(4):
        name = ("right", "wrong")[turn % 2]
        process = subprocess.Popen(
            [*command, f"{name}.toml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(length * chance.uniform(0.4, 1.0))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert answer(tokman, "L") in (old, new), turn
        subprocess.run([*command, f"{name}.toml"], capture_output=True, check=True)
        assert answer(tokman, "L") == (new if name == "right" else old), turn
