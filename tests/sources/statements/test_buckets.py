"""Pages pulled again: the later statement of a bucket stands, in whatever order they come."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Run
from tests.sources.statements import test_anthropic as anthropic
from tests.sources.statements import test_openai as openai
from tokman import commit as commits
from tokman import rates
from tokman.ingest import ingest
from tokman.ledger import Ledger
from tokman.query import database

Json = dict[str, Any]
DAY = 86_400


def cost(model: str, usd: float, project: str | None = None) -> Json:
    return {
        "amount": {"value": usd, "currency": "usd"},
        "line_item": f"{model}, input",
        "project_id": project,
    }


def page(*days: list[Json]) -> Json:
    """A page of the Costs API: a bucket a day, from 1 May."""
    first = openai.MAY
    buckets = [
        openai.bucket(
            *results,
            kind="costs",
            start_time=first + number * DAY,
            end_time=first + (number + 1) * DAY,
        )
        for number, results in enumerate(days)
    ]
    return {"object": "page", "data": buckets, "has_more": False}


def write(path: Path, record: Json, at: int) -> Path:
    path.write_text(json.dumps(record))
    os.utime(path, (1_780_000_000 + at, 1_780_000_000 + at))
    return path


def stated(ledger: Path) -> list[tuple[str, str, float]]:
    """Day, line and amount of each line."""
    files = Ledger(ledger).files("statements")
    asked = (
        "select strftime(period_start, '%d'), line_item, billed_amount::double "
        "from read_parquet($files) order by all"
    )
    return database().execute(asked, {"files": files}).fetchall()


A, B, C = "gpt-4o", "gpt-5.5", "o3"


def test_a_later_pull_replaces_amounts_and_takes_out_what_it_has_no_more(
    tokman: Run, tmp_path: Path
) -> None:
    """gpt-4o of 1 May is restated, gpt-5.5 of 1 May goes, 2 May is in the first pull alone."""
    first = write(tmp_path / "one.json", page([cost(A, 1), cost(B, 2)], [cost(A, 4)]), 1)
    tokman("ingest", first, "--ledger", "l")
    later = write(tmp_path / "two.json", page([cost(A, 1.5)]), 2)
    done = tokman("ingest", later, "--ledger", "l")
    assert "1 line of statements taken out, in later ones no more" in done.err
    wanted = [("01", f"{A}, input", 1.5), ("02", f"{A}, input", 4.0)]
    assert stated(tmp_path / "l") == wanted
    assert "taken out" not in tokman("ingest", first, later, "--ledger", "l").err
    assert stated(tmp_path / "l") == wanted


def test_anthropics_buckets_likewise(tokman: Run, tmp_path: Path) -> None:
    haiku = anthropic.COST | {"model": "claude-haiku-4-5", "description": "Claude Haiku 4.5 Usage"}
    for number, results in enumerate(([anthropic.COST, haiku], [anthropic.COST])):
        path = write(tmp_path / f"{number}.json", {"data": [anthropic.bucket(*results)]}, number)
        tokman("ingest", path, "--ledger", "l")
        assert len(stated(tmp_path / "l")) == 2 - number


def test_what_a_filtered_pull_says_nothing_of_stays(tokman: Run, tmp_path: Path) -> None:
    both = page([cost(A, 1, "proj_a"), cost(B, 2, "proj_a"), cost(A, 4, "proj_b")])
    tokman("ingest", write(tmp_path / "one.json", both, 1), "--ledger", "l")
    one = page([cost(A, 1, "proj_a")])
    tokman("ingest", write(tmp_path / "two.json", one, 2), "--ledger", "l")
    assert [amount for _, _, amount in stated(tmp_path / "l")] == [1.0, 4.0]


def test_a_bucket_without_results_takes_nothing_out(tokman: Run, tmp_path: Path) -> None:
    """That of another endpoint, or filtered to what was not used that day, looks the same."""
    first = write(tmp_path / "one.json", page([cost(A, 1)], [cost(A, 4)]), 1)
    tokman("ingest", first, "--ledger", "l")
    before = stated(tmp_path / "l")
    for number, later in enumerate((page([], [cost(A, 4)]), page([], [])), 2):
        pull = write(tmp_path / f"{number}.json", later, number)
        assert "taken out" not in tokman("ingest", pull, "--ledger", "l").err
        assert stated(tmp_path / "l") == before


def test_claude_codes_people_may_be_on_several_pages(tokman: Run, tmp_path: Path) -> None:
    for number, person in enumerate(("a@x.com", "b@x.com")):
        record = anthropic.CODE | {"actor": {"type": "user_actor", "email_address": person}}
        path = write(tmp_path / f"{number}.json", {"data": [record]}, number)
        tokman("ingest", path, "--ledger", "l")
    files = Ledger(tmp_path / "l").files("statements")
    asked = "select count(distinct user_id) from read_parquet($files)"
    assert database().execute(asked, {"files": files}).fetchall() == [(2,)]


def test_a_file_of_pages_written_over(tokman: Run, tmp_path: Path) -> None:
    """Another project of a day it spans goes; a day before those it spans stays."""
    pull = tmp_path / "costs.json"
    write(pull, page([cost(A, 1)], [cost(A, 2, "proj_b")], [cost(B, 4)], [cost(A, 8)]), 1)
    tokman("ingest", pull, "--ledger", "l")
    write(pull, page([], [cost(A, 2)], [], [cost(A, 9)]), 2)
    done = tokman("ingest", pull, "--ledger", "l")
    assert "2 lines of statements taken out" in done.err
    assert stated(tmp_path / "l") == [
        ("01", f"{A}, input", 1.0),
        ("02", f"{A}, input", 2.0),
        ("04", f"{A}, input", 9.0),
    ]


def read(folder: Path, *paths: Path) -> list[tuple[str, str, float]]:
    for path in paths:
        ingest([str(path)], Ledger(folder, create=True), rates.load)
    return stated(folder)


days = st.lists(st.lists(st.sampled_from([A, B, C]), unique=True, max_size=3), max_size=3)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pulls=st.lists(days, min_size=2, max_size=3))
def test_the_order_of_pulls_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, pulls: list[list[list[str]]]
) -> None:
    folder = tmp_path_factory.mktemp("pulls")
    paths = [
        write(
            folder / f"{number}.json",
            page(*([cost(model, number + 1) for model in models] for models in pull), [cost(A, 7)]),
            number,
        )
        for number, pull in enumerate(pulls)
    ]
    orders = [read(folder / f"l{n}", *order) for n, order in enumerate(permutations(paths))]
    assert all(order == orders[0] for order in orders)
    assert read(folder / "again", *paths, *paths) == orders[0]


@pytest.mark.parametrize("step", ["supersede", "commit_statements"])
def test_a_run_that_dies_between_the_steps_is_made_good_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    first = write(tmp_path / "one.json", page([cost(A, 1), cost(B, 2)]), 1)
    later = write(tmp_path / "two.json", page([cost(A, 1.5)]), 2)
    wanted = read(tmp_path / "whole", first, later)
    read(tmp_path / "l", first)
    whole: Callable[..., Any] = getattr(commits, step)

    def dies(*given: Any) -> None:
        if step == "commit_statements":
            whole(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(commits, step, dies)
        with pytest.raises(KeyboardInterrupt):
            read(tmp_path / "l", later)
    assert read(tmp_path / "l", later) == wanted
