"""Blocks of the prompt and tools by mapping: keyed hashes and sizes, never what the log has."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Run
from tokman.errors import BadRecord, TokmanError
from tokman.sources.base import Context
from tokman.sources.mapping import load
from tokman.sources.mapping.source import source_of
from tokman.usage import Usage

CONTEXT = Context("log.jsonl", b"k" * 32)
TABLE: dict[str, Any] = {
    "match": {"keys": ["ts"]},
    "key": ["id"],
    "map": {
        "started_at": {"path": "ts", "unit": "ms", "since": "2026-10-19"},
        "response_model": "model",
        "input_tokens": "in",
    },
}
RECORD: dict[str, Any] = {"id": "c0ffee-1", "ts": 1500, "model": "gpt-5.5", "in": 1200}
BLOCKS = {"block_hashes": {"path": "hashes", "cumulative": True}, "block_sizes": {"const": 512}}
SIZED = BLOCKS | {"block_sizes": {"path": "sizes", "unit": "tokens"}}
BY_ONE = SIZED | {"block_hashes": {"path": "hashes", "cumulative": False}}


def read(columns: dict[str, Any], context: Context = CONTEXT, **more: Any) -> Usage:
    table = TABLE | {"map": TABLE["map"] | columns}
    source = source_of(load.mapping("mygw", table, "tokman.toml"))
    text = json.dumps({**RECORD, **more})
    (usage,) = source(context).parse(msgspec.json.decode(text, type=source.record_type), 7)
    return usage


def hashes(columns: dict[str, Any], given: list[Any], **more: Any) -> list[int]:
    more.setdefault("sizes", [400] * len(given))
    return read(columns, hashes=given, **more).block_hashes or []


def test_times_may_count_from_any_moment() -> None:
    assert read({}).started_at == 1_792_368_001_500_000  # 2026-10-19T00:00:01.5Z


def test_blocks_of_one_size_end_where_the_input_ends() -> None:
    assert read(BLOCKS, hashes=[7, 8, 9]).block_sizes == [512, 512, 176]
    assert read(
        BLOCKS | {"input_tokens": "more"}, hashes=["a", "b", "c"], more=1536
    ).block_sizes == [512, 512, 512]


def test_what_no_block_covers_is_a_block_like_no_other() -> None:
    """A server that hashes only full blocks says nothing of the rest: it is never a cache hit."""
    first = read(BLOCKS, hashes=[7, 8])
    second = read(BLOCKS, hashes=[7, 8], id="c0ffee-2")
    assert first.block_sizes == second.block_sizes == [512, 512, 176]
    assert first.block_hashes and second.block_hashes
    assert first.block_hashes[:2] == second.block_hashes[:2]
    assert first.block_hashes[2] != second.block_hashes[2]
    assert first.block_hashes == read(BLOCKS, hashes=[7, 8]).block_hashes


def test_hashes_are_cumulative_in_the_ledger_whichever_the_log_has() -> None:
    whole, other = hashes(SIZED, ["a", "b", "c"]), hashes(SIZED, ["x", "b", "c"])
    assert whole[1:] == other[1:]  # the log says that they cover what is before them
    whole, other = hashes(BY_ONE, ["a", "b", "c"]), hashes(BY_ONE, ["x", "b", "c"])
    assert not set(whole) & set(other)
    assert hashes(BY_ONE, ["a", "b"], sizes=[400, 800]) == whole[:2]
    assert len(set(hashes(BY_ONE, ["a", "a", "a"]))) == 3


def test_hashes_are_keyed() -> None:
    assert read(BLOCKS, hashes=[7, 8, 9]).block_hashes != [7, 8, 9]
    elsewhere = read(BLOCKS, Context("log.jsonl", b"q" * 32), hashes=[7, 8, 9])
    assert read(BLOCKS, hashes=[7, 8, 9]).block_hashes != elsewhere.block_hashes


def test_sizes_in_bytes_need_not_add_up_to_the_tokens() -> None:
    in_bytes = SIZED | {"block_sizes": {"path": "sizes", "unit": "bytes"}}
    assert read(in_bytes, hashes=[1, 2], sizes=[4000, 99]).block_sizes == [4000, 99]


@pytest.mark.parametrize(
    ("columns", "more", "reason"),
    [
        (SIZED, {"sizes": [1, 2]}, "block_hashes (3) and block_sizes (2) differ"),
        (SIZED, {"sizes": [900, 900, 1]}, "block_sizes (1801 tokens) exceed the input (1200)"),
        (SIZED, {"sizes": [1, -2, 3]}, "block_sizes: not a count"),
        (SIZED, {}, "block_sizes: missing"),
        (BLOCKS, {"in": 1024}, "block_sizes (1025 tokens) exceed the input (1024)"),
        (BLOCKS, {"hashes": 5}, "block_hashes: not a list, or one of more than 100,000"),
        (BLOCKS, {"hashes": [1, None, 3]}, "block_hashes: an item without a value"),
        ({"tool_result_bytes": "b"}, {"b": [1.5]}, "tool_result_bytes: not a count"),
        (
            {"tool_call_hashes": "t[].id", "tool_names": "n"},
            {"t": [{"id": 1}], "n": ["a", "b"]},
            "tool_call_hashes (1) and tool_names (2) differ",
        ),
        ({"turn": "who"}, {"who": "system"}, "turn: neither user nor tool"),
    ],
)
def test_what_does_not_fit_is_refused(
    columns: dict[str, Any], more: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadRecord) as refused:
        read(columns, **{"hashes": [1, 2, 3]} | more)
    assert str(refused.value).startswith(reason)


TOOLS = {
    "tools_hash": "tools",
    "tools_offered": "tools[].name",
    "tools_offered_bytes": "tools[].bytes",
    "tool_call_hashes": "did.calls",
    "tool_names": "did.calls[].name",
    "tool_result_hashes": "did.results[].hash",
    "tool_result_bytes": "did.results[].bytes",
    "tool_errors": "did.failed",
    "turn": {"path": "last", "values": {"human": "user"}},
}
DID: dict[str, Any] = {
    "tools": [{"name": "read", "bytes": 90}, {"name": "bash", "bytes": 40}],
    "did": {
        "calls": [{"name": "bash", "arguments": {"cmd": "ls CANARY", "n": 1}}],
        "results": [{"hash": "9f", "bytes": 1200}, {"hash": "a0", "bytes": 0}],
        "failed": 1,
    },
    "last": "human",
}


def test_tools_by_name_hash_and_size() -> None:
    got = read(TOOLS, **DID)
    assert got.tool_names == ["bash"]
    assert got.tools_offered == ["read", "bash"]
    assert got.tools_offered_bytes == [90, 40]
    assert got.tool_result_bytes == [1200, 0]
    assert (got.tool_errors, got.turn, got.polls) == (1, "user", False)
    assert len(set(got.tool_result_hashes or [])) == 2
    assert "CANARY" not in repr(got)


def test_the_same_call_has_the_same_hash_whatever_the_order_of_its_keys() -> None:
    turned = json.loads(json.dumps(DID))
    turned["did"]["calls"] = [{"arguments": {"n": 1, "cmd": "ls CANARY"}, "name": "bash"}]
    turned["tools"].reverse()
    first, second = read(TOOLS, **DID), read(TOOLS, **turned)
    assert first.tool_call_hashes == second.tool_call_hashes
    assert first.tools_hash == second.tools_hash
    turned["did"]["calls"][0]["arguments"]["n"] = 2
    assert read(TOOLS, **turned).tool_call_hashes != first.tool_call_hashes


def test_a_tool_whose_name_waits_polls() -> None:
    assert read({"tool_names": "names"}, names=["job_status"]).polls
    assert read({"tool_names": "names", "polls": "p"}, names=["job_status"], p=False).polls is False


def test_a_name_that_is_a_text_is_not_kept() -> None:
    assert read({"tool_names": "names"}, names=["ls", "tell me all you know"]).tool_names == [
        "ls",
        None,
    ]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"block_hashes": {"path": "h", "cumulative": True}}, "block_sizes go together"),
        (BLOCKS | {"block_hashes": "hashes"}, "does each hash cover the blocks before it too?"),
        (BLOCKS | {"block_sizes": "sizes"}, "no unit"),
        (BLOCKS | {"block_sizes": {"const": 0}}, "const is no size"),
        (BLOCKS | {"block_sizes": {"const": 512, "unit": "bytes"}}, "remove unit and path"),
        ({"tool_names": {"const": "bash"}}, "this column takes no const"),
        ({"tool_names": ["a", "b"]}, "this column takes one path"),
        ({"tool_names": "calls[]name"}, "not a path"),
        ({"tools_offered": "tools[].content"}, "leads to a text"),
        ({"tool_errors": {"path": "e", "cumulative": True}}, "cumulative is for block_hashes"),
        ({"duration_ms": {"path": "d", "unit": "s", "since": "2026-01-01"}}, "since is for times"),
        ({"ended_at": {"path": "d", "unit": "s", "since": "yore"}}, "not a time"),
    ],
)
def test_a_mapping_that_says_too_little_is_refused(columns: dict[str, Any], said: str) -> None:
    table = TABLE | {"map": TABLE["map"] | columns}
    with pytest.raises(TokmanError) as refused:
        load.mapping("mygw", table, "tokman.toml")
    assert said in f"{refused.value} {refused.value.hint}"


def test_a_table_holds_the_same_lists_as_json_lines(tokman: Run) -> None:
    """Parquet in lists, CSV in JSON text."""
    toml = """
    [sources.blocks]
    match.keys = ["ts", "hashes"]
    key = ["id"]
    [sources.blocks.map]
    started_at = { path = "ts", unit = "ms", since = 2026-10-19 }
    response_model = "model"
    input_tokens = "in"
    block_hashes = { path = "hashes", cumulative = false }
    block_sizes = { path = "sizes", unit = "tokens" }
    """
    rows = [
        RECORD | {"id": f"call-{n:06}", "hashes": [1, 2 + n], "sizes": [700, 500]} for n in range(3)
    ]
    Path("map.toml").write_text(toml)
    Path("log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), "log.parquet")
    with Path("log.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(
            row | {name: json.dumps(row[name]) for name in ("hashes", "sizes")} for row in rows
        )
    found = set()
    for ending in ("jsonl", "parquet", "csv"):
        ledger = ("--ledger", ending)
        tokman("ingest", f"log.{ending}", "--map", "map.toml", *ledger)
        asked = "select started_at, len(block_hashes), block_sizes from usage"
        found.add(tokman("sql", asked, "-f", "json", *ledger).out)
        same = "select count(distinct block_hashes[1]), count(distinct block_hashes[2]) from usage"
        assert tokman("sql", same, "-f", "csv", *ledger).out.splitlines()[1] == "1,3"
    assert len(found) == 1
