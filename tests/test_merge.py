"""A call seen many times is one row, whatever the order and however the sightings are cut up."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokman import rates
from tokman.columns import to_batch
from tokman.commit import Committed, commit
from tokman.config import Config, Model, Rates
from tokman.ledger import Ledger
from tokman.query import connect
from tokman.usage import Usage, arrow_schema

DAY = 1_767_225_600_000_000
"""2026-01-01 in µs."""

DAYS = 86_400_000_000
"""A day in µs."""


def usage(call_id: str = "msg_1", **values: Any) -> Usage:
    values.setdefault("started_at", DAY)
    values.setdefault("response_model", "claude-sonnet-4-5")
    values.setdefault("provider_name", "anthropic")
    return Usage(call_id=call_id, **values)


def put(ledger: Ledger, *usages: Usage) -> Committed:
    return commit(ledger, table(*usages), rates.load(), "test")


def table(*usages: Usage) -> pa.Table:
    return pa.Table.from_batches([to_batch(usages, arrow_schema())])


def rows(ledger: Ledger) -> list[dict[str, Any]]:
    frame: pl.DataFrame = connect(ledger, Config()).sql("from usage order by call_id").pl()
    return frame.drop("ingest_id").to_dicts()


def test_a_sighting_twice_is_one_row(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", create=True)
    assert put(ledger, usage(), usage()) == Committed(added=1)
    assert put(ledger, usage()) == Committed(known=1)
    assert len(rows(ledger)) == 1


def test_the_final_count_replaces_the_streamed_one(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, usage(output_tokens=1, output_basis="partial"))
    before = rows(ledger)[0]["list_cost"]
    assert put(ledger, usage(output_tokens=500)) == Committed(completed=1)
    [row] = rows(ledger)
    assert (row["output_tokens"], row["output_basis"]) == (500, "final")
    assert row["list_cost"] > before
    assert put(ledger, usage(output_tokens=1, output_basis="partial")) == Committed(known=1)
    assert rows(ledger) == [row]


def test_two_layers_give_the_union_of_what_they_know(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, usage(output_tokens=5, workflow="web", workflow_basis="default", source="a"))
    put(
        ledger,
        usage(
            output_tokens=5,
            workflow="checkout",
            workflow_basis="explicit",
            team="pay",
            billed_cost=75_000_000,
            source="b",
            tags=["env:prod"],
        ),
    )
    [row] = rows(ledger)
    assert (row["workflow"], row["workflow_basis"], row["team"]) == ("checkout", "explicit", "pay")
    assert row["billed_cost"] == Decimal("0.000075")
    assert (row["source"], row["output_tokens"], row["tags"]) == ("a", 5, ["env:prod"])


def test_every_place_where_a_call_was_read_is_kept(tmp_path: Path) -> None:
    """The place of the fullest sighting on the row, the others in also_seen, each once."""
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, usage(output_tokens=9, source="gateway", file="g.jsonl", line=7))
    assert rows(ledger)[0]["also_seen"] is None
    seen = [
        usage(output_tokens=1, source="trace", file="t.json", line=1),
        usage(output_tokens=9, source="gateway", file="g.jsonl", line=7),
    ]
    assert put(ledger, *seen) == put(ledger, *seen) == Committed(known=1)
    [row] = rows(ledger)
    assert (row["source"], row["file"], row["line"]) == ("gateway", "g.jsonl", 7)
    assert row["also_seen"] == [{"source": "trace", "file": "t.json", "line": 1}]
    put(ledger, usage(output_tokens=10, source="body", file="b.jsonl", line=2))
    [row] = rows(ledger)
    assert row["source"] == "body"
    assert [place["source"] for place in row["also_seen"]] == ["gateway", "trace"]


def test_what_belongs_together_is_of_one_sighting(tmp_path: Path) -> None:
    """The sizes are those of the results that are kept, or none."""
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, usage(tool_result_hashes=[1], tool_result_bytes=[10], tool_errors=0))
    put(ledger, usage(tool_result_hashes=[2, 3], tool_errors=1))
    [row] = rows(ledger)
    kept = ("tool_result_hashes", "tool_result_bytes", "tool_errors")
    assert [row[name] for name in kept] == [[2, 3], None, 1]


def test_attributes_from_a_later_log_do_not_move_the_price(tmp_path: Path) -> None:
    """A closed month keeps its total when another log names the team of a call in it."""
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, usage(output_tokens=100))
    [before] = rows(ledger)
    dearer = Rates(models={"claude-sonnet-4-5": Model(input=9, output=99)})
    commit(ledger, table(usage(output_tokens=100, team="t")), rates.load(dearer), "later")
    [after] = rows(ledger)
    assert after["team"] == "t"
    assert (after["list_cost"], after["rate_card"]) == (before["list_cost"], before["rate_card"])


def test_a_call_without_counts_is_priced_once_they_are_known_to_be_none(tmp_path: Path) -> None:
    """A stream that lost its counts has no price; its last count, of nothing, costs nothing."""
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, usage(output_basis="partial"))
    assert rows(ledger)[0]["list_cost"] is None
    assert put(ledger, usage(output_basis="final")) == Committed(completed=1)
    [row] = rows(ledger)
    assert (row["output_basis"], row["list_cost"], row["unpriced_reason"]) == ("final", 0, None)


sightings = st.builds(
    usage,
    call_id=st.sampled_from(["a", "b", "c"]),
    started_at=st.sampled_from(
        [DAY, DAY + 1, DAY + DAYS, DAY - 5, DAY - 900 * DAYS, DAY + 80 * DAYS]
    )
    | st.integers(0, 4 * 10**15),
    time_basis=st.sampled_from(["log", "file"]),
    output_tokens=st.integers(0, 3),
    uncached_input_tokens=st.integers(0, 2),
    cache_read_input_tokens=st.integers(0, 2),
    output_basis=st.sampled_from(["final", "partial"]),
    count_basis=st.sampled_from(["reported", "exact", "ratio", "tiktoken", "bytes"]),
    count_margin=st.sampled_from([None, 0.1, 0.5]),
    output_bytes=st.sampled_from([None, 1, 9]),
    status=st.sampled_from(["ok", "error"]),
    response_cache_hit=st.booleans(),
    workflow=st.sampled_from(["w1", "w2"]),
    workflow_basis=st.sampled_from(["explicit", "default"]),
    team=st.sampled_from([None, "t1", "t2"]),
    response_model=st.sampled_from(["claude-sonnet-4-5", "claude-opus-4-8", None]),
    tags=st.sampled_from([None, ["x"], ["y", "x"]]),
    block_hashes=st.sampled_from([None, [1], [2, 3]]),
    block_sizes=st.sampled_from([None, [4], [5, 6]]),
    tool_call_hashes=st.sampled_from([None, [1], [2]]),
    tool_names=st.sampled_from([None, ["a"], ["b"]]),
    polls=st.sampled_from([None, True, False]),
    tool_result_hashes=st.sampled_from([None, [1], [2]]),
    tool_errors=st.sampled_from([None, 0, 1]),
    turn=st.sampled_from([None, "user", "tool"]),
    success=st.sampled_from([None, True, False]),
    billed_cost=st.sampled_from([None, 0, 7]),
    source=st.sampled_from(["s1", "s2"]),
    file=st.sampled_from(["f1", "f2"]),
    line=st.integers(1, 3),
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seen=st.lists(sightings, min_size=1, max_size=8),
    order=st.randoms(use_true_random=False),
    cuts=st.lists(st.integers(1, 7), max_size=3),
)
def test_neither_order_nor_batches_matter(
    tmp_path_factory: Any, seen: list[Usage], order: Any, cuts: list[int]
) -> None:
    at_once = Ledger(tmp_path_factory.mktemp("once") / "l", create=True)
    put(at_once, *seen)
    shuffled = list(seen)
    order.shuffle(shuffled)
    in_parts = Ledger(tmp_path_factory.mktemp("parts") / "l", create=True)
    edges = [0, *sorted(set(cuts)), len(shuffled)]
    for start, end in zip(edges, edges[1:], strict=False):
        if shuffled[start:end]:
            put(in_parts, *shuffled[start:end])
    assert rows(in_parts) == rows(at_once)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    days=st.lists(st.sampled_from([0, 8, 40, 9_000, 46_000]), min_size=2, max_size=4, unique=True),
    basis=st.sampled_from(["log", "file"]),
)
def test_logs_may_date_a_call_ever_so_far_apart(
    tmp_path_factory: Any, days: list[int], basis: str
) -> None:
    dates = [day * DAYS for day in days]
    ledger = Ledger(tmp_path_factory.mktemp("dates") / "l", create=True)
    for number, date in enumerate(dates):
        put(ledger, usage(f"other{number}", started_at=date, output_tokens=number))
        seen = usage(started_at=date, time_basis=basis if number else "log", output_tokens=number)
        put(ledger, seen)
    [row] = [row for row in rows(ledger) if row["call_id"] == "msg_1"]
    logged = dates if basis == "log" else dates[:1]
    assert row["output_tokens"] == len(dates) - 1
    assert row["started_at"] == datetime(1970, 1, 1) + timedelta(microseconds=min(logged))
    assert len(rows(ledger)) == len(dates) + 1


def test_blocks_come_from_the_log_that_has_the_whole_request(tmp_path: Path) -> None:
    """A trace that left out the tools never stands in for the gateway, first or last."""
    whole = usage(request_hash=4, block_hashes=[1, 2], block_sizes=[8, 9], source="gateway")
    part = usage(block_hashes=[9], block_sizes=[9], source="trace")
    for number, order in enumerate(([whole, part], [part, whole], [part, whole, part])):
        ledger = Ledger(tmp_path / str(number), create=True)
        for sighting in order:
            put(ledger, sighting)
        [row] = rows(ledger)
        assert (row["request_hash"], row["block_hashes"], row["block_sizes"]) == (4, [1, 2], [8, 9])
