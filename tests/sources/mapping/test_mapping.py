"""A mapping in TOML: what it reads, what it refuses, and what it may not say."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Run
from tokman.columns import fault
from tokman.errors import BadRecord, TokmanError
from tokman.sources.base import Context, Refused
from tokman.sources.mapping import load, spec
from tokman.sources.mapping.source import source_of
from tokman.usage import Usage

CONTEXT = Context("log.jsonl", b"k" * 32)

TABLE: dict[str, Any] = {
    "match": {"keys": ["ts", "usage.in"]},
    "key": ["id"],
    "cache_in_input": True,
    "reasoning_in_output": True,
    "map": {
        "started_at": {"path": "ts", "unit": "ms"},
        "provider_name": "vendor",
        "response_model": ["answer.model", "model"],
        "input_tokens": "usage.in",
        "cache_read_input_tokens": "usage.cached",
        "output_tokens": "usage.out",
        "reasoning_output_tokens": "usage.think",
        "total_tokens": "usage.total",
        "billed_cost": {"path": "cost", "unit": "cents"},
        "duration_ms": {"path": "took", "unit": "s"},
        "status": "http",
        "workflow": "meta.feature",
        "response_cache_hit": {"path": "cache", "values": {"SEMANTIC": True}},
        "tags": ["meta", "region"],
    },
}
RECORD: dict[str, Any] = {
    "id": "c0ffee00-0001",
    "ts": 1_760_921_734_850,
    "vendor": "Azure OpenAI",
    "model": "gpt-4o",
    "usage": {"in": 100, "cached": 40, "out": 20, "think": 5, "total": 120},
    "http": 200,
    "prompt": "tell me",
}


def changed(table: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A deep copy with dotted keys set, or removed where the value is None."""
    table = json.loads(json.dumps(table))
    for dotted, value in changes.items():
        *above, last = dotted.split(".")
        level = table
        for key in above:
            level = level[key]
        if value is None:
            level.pop(last, None)
        else:
            level[last] = value
    return table


def read(
    record: dict[str, Any] | str, mapping: dict[str, Any] | None = None, **more: Any
) -> list[Usage]:
    source = source_of(load.mapping("mygw", changed(TABLE, mapping or {}), "tokman.toml"))
    text = record if isinstance(record, str) else json.dumps({**record, **more})
    return list(source(CONTEXT).parse(msgspec.json.decode(text, type=source.record_type), 7))


def one(record: dict[str, Any], mapping: dict[str, Any] | None = None, **more: Any) -> Usage:
    (usage,) = read(record, mapping, **more)
    return usage


def test_a_record_becomes_a_call() -> None:
    meta = {"feature": "search", "seats": 3, "prompt": "tell me", "deep": {"a": 1}}
    usage = one(RECORD, cost=1.5, took=0.25, meta=meta, region="eu", answer={"model": "gpt-4o-x"})
    assert usage == Usage(
        call_id="mygw:c0ffee00-0001",
        started_at=1_760_921_734_850_000,
        provider_name="azure.ai.openai",
        response_model="gpt-4o-x",
        uncached_input_tokens=60,
        cache_read_input_tokens=40,
        output_tokens=20,
        reasoning_output_tokens=5,
        billed_cost=15_000_000_000,
        duration_ms=250,
        workflow="search",
        workflow_basis="explicit",
        tags=["feature:search", "seats:3", "region:eu"],
        line=7,
    )


@pytest.mark.parametrize(
    ("answers", "counts", "disjoint"),
    [
        ((True, True), (100, 40, 20, 5), (60, 40, 20, 5)),
        ((False, True), (100, 40, 20, 5), (100, 40, 20, 5)),
        ((True, False), (100, 40, 20, 5), (60, 40, 25, 5)),
        ((False, False), (100, 400, 20, 50), (100, 400, 70, 50)),
    ],
)
def test_the_two_answers(
    answers: tuple[bool, bool], counts: tuple[int, ...], disjoint: tuple[int, ...]
) -> None:
    usage = dict(zip(("in", "cached", "out", "think"), counts, strict=True))
    mapping = dict(zip(("cache_in_input", "reasoning_in_output"), answers, strict=True))
    got = one(RECORD, mapping, usage=usage)
    assert disjoint == (
        got.uncached_input_tokens,
        got.cache_read_input_tokens,
        got.output_tokens,
        got.reasoning_output_tokens,
    )


@pytest.mark.parametrize(
    ("spec_of_time", "value", "iso"),
    [
        ("ts", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00"),
        ("ts", "2026-03-01 10:00:00.5+02:00", "2026-03-01T08:00:00.500"),
        ({"path": "ts", "tz": "Europe/Berlin"}, "2026-07-01T10:00:00", "2026-07-01T08:00:00"),
        ({"path": "ts", "unit": "s"}, 1_772_359_200.25, "2026-03-01T10:00:00.250"),
        ({"path": "ts", "unit": "ms"}, "1772359200000", "2026-03-01T10:00:00"),
        ({"path": "ts", "unit": "ns"}, 1_772_359_200_000_001_000, "2026-03-01T10:00:00.000001"),
        ({"path": "ts", "format": "%d.%m.%Y %H:%M"}, "01.03.2026 10:00", "2026-03-01T10:00:00"),
    ],
)
def test_times(spec_of_time: Any, value: Any, iso: str) -> None:
    from tokman.sources.base import micros

    assert one(RECORD, {"map.started_at": spec_of_time}, ts=value).started_at == micros(iso)


@pytest.mark.parametrize(
    ("unit", "written", "pico"),
    [
        ("usd", "0.000000000001", 1),
        ("usd", '"$1.25"', 1_250_000_000_000),
        ("cents", "0.1", 1_000_000_000),
        ("micro_usd", "3", 3_000_000),
        ("nano_usd", "1234567.5", 1_234_567_500),
        ("usd", "null", None),
        ("usd", '"-"', None),
        ("usd", '""', None),
    ],
)
def test_money_is_exact(unit: str, written: str, pico: int | None) -> None:
    record = json.dumps(RECORD)[:-1] + f', "cost": {written}}}'
    (usage,) = read(record, {"map.billed_cost.unit": unit})
    assert usage.billed_cost == pico


@pytest.mark.parametrize(
    ("more", "mapping", "reason"),
    [
        ({"usage": {"in": 10, "cached": 40, "out": 1}}, {}, "fewer than cache reads"),
        ({"usage": {"in": 10, "out": 4, "think": 5}}, {}, "fewer than reasoning"),
        ({"usage": {"in": 10, "out": 4, "total": 15}}, {}, "total_tokens (15) is not"),
        ({"usage": {"in": -1, "out": 4}}, {}, "input_tokens: not a count"),
        ({"usage": {"in": 1.5, "out": 4}}, {}, "input_tokens: not a count"),
        ({"usage": {"in": True, "out": 4}}, {}, "input_tokens: not a count"),
        ({"usage": {"in": 10**19, "out": 4}}, {}, "input_tokens: not a count"),
        ({"usage": {"in": [1], "out": 4}}, {}, "$.usage.in"),
        ({"ts": "yesterday"}, {}, "started_at: not a time"),
        ({"cost": "cheap"}, {}, "billed_cost: not an amount"),
        ({"cost": -1}, {}, "is not the cost of one call"),
        ({"http": "maybe"}, {}, "status: neither ok nor error"),
        ({"cache": "SOMETIMES"}, {}, "response_cache_hit: neither yes nor no"),
        ({"model": "tell me a story about"}, {}, "response_model: not a name"),
        ({"id": None}, {}, "no id: name more columns"),
        ({}, {"cache_in_input": "unknown"}, "are cached tokens inside"),
        (
            {"usage": {"in": 9, "out": 5, "think": 2}},
            {"reasoning_in_output": "unknown"},
            "reasonin",
        ),
        (
            {"currency": "EUR"},
            {"refuse": [{"path": "currency", "not_in": ["USD", "usd"], "reason": "not in USD"}]},
            "not in USD",
        ),
    ],
)
def test_what_is_refused(more: dict[str, Any], mapping: dict[str, Any], reason: str) -> None:
    with pytest.raises((BadRecord, msgspec.ValidationError)) as refused:
        read(RECORD, mapping, **more)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"usage": {"in": "1,234", "out": "7.0"}}, {"uncached_input_tokens": 1234}),
        ({"usage": '{"in": 9, "out": 1}'}, {"uncached_input_tokens": 9, "output_tokens": 1}),
        ({"usage": {"in": 5, "out": 1}, "meta": '{"feature": "q"}'}, {"workflow": "q"}),
        ({"usage": {"in": 0, "out": 0}}, {"output_basis": "partial"}),
        ({"usage": {"in": None}}, {"output_basis": "partial", "uncached_input_tokens": 0}),
        ({"meta": None, "answer": "text"}, {"workflow": None, "response_model": "gpt-4o"}),
        ({"meta": {"feature": "x" * 201}}, {"workflow": None, "tags": None}),
        ({"meta": {"feature": "a\nb"}}, {"workflow": None, "tags": None}),
        ({"http": 503}, {"status": "error"}),
        ({"http": "Success"}, {"status": "ok"}),
        ({"cache": "SEMANTIC"}, {"response_cache_hit": True}),
        ({"took": -1}, {"duration_ms": None}),
        ({"vendor": "-"}, {"provider_name": None}),
    ],
)
def test_what_is_taken_as_it_comes(more: dict[str, Any], expected: dict[str, Any]) -> None:
    usage = one(RECORD, **more)
    assert {name: getattr(usage, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("said", "success"),
    [(True, True), ("no", False), (1, True), ("merged", True), ("perhaps", None), (None, None)],
)
def test_what_came_of_a_call(said: Any, success: bool | None) -> None:
    """A word that is neither yes nor no costs the call nothing but the verdict."""
    column = {"map.success": {"path": "outcome", "values": {"merged": True}}}
    assert one(RECORD, column, outcome=said).success is success


def test_rows_that_are_no_calls() -> None:
    where = {"where": [{"path": "http", "not_in": [102, "processing"]}, {"path": "ts", "above": 5}]}
    assert one(RECORD, where)
    assert read(RECORD, where, http=102) == []
    assert read(RECORD, where, ts=5) == []


def test_several_calls_in_one_record() -> None:
    """A gateway that asks another model on the way writes both calls into one line."""
    mapping = {
        "match.keys": ["ts"],
        "each": ["ai.proxy", "ai.rewriter"],
        "map": {
            "started_at": {"path": "ts", "unit": "ms"},
            "response_model": "./model",
            "input_tokens": ["./usage.in", "./usage.prompt"],
        },
    }
    calls = {
        "proxy": {"model": "gpt-4o", "usage": {"in": 7}},
        "rewriter": {"model": "gpt-4o-mini", "usage": {"prompt": 2}},
    }
    rows = read(RECORD, mapping, ai=calls)
    assert [(r.call_id, r.response_model, r.uncached_input_tokens) for r in rows] == [
        ("mygw:c0ffee00-0001", "gpt-4o", 7),
        ("mygw:c0ffee00-0001#rewriter", "gpt-4o-mini", 2),
    ]
    assert read(RECORD, mapping, ai=None) == read(RECORD, mapping) == []


def test_a_column_only_where_a_condition_holds() -> None:
    paid = {"map.billed_cost": {"path": "cost", "when": {"path": "kind", "not_in": ["Included"]}}}
    assert one(RECORD, paid, cost=1, kind="On-Demand").billed_cost == 10**12
    assert one(RECORD, paid, cost=1, kind="Included").billed_cost is None
    failed = {"map.status": {"const": "error", "when": {"path": "kind", "equals": "Errored"}}}
    assert one(RECORD, failed, kind="Errored").status == "error"
    assert one(RECORD, failed, kind="Included").status == "ok"


def test_ids() -> None:
    assert one(RECORD, {"key": None, "map.call_id": "rid"}, rid="chatcmpl-AbCdEfGh").call_id == (
        "chatcmpl-AbCdEfGh"
    )
    hit = {"map.call_id": "rid"}
    assert one(RECORD, hit, rid="chatcmpl-AbCdEfGh", cache="HIT").call_id == "mygw:c0ffee00-0001"
    pair = {"key": ["ts", "id"]}
    assert one(RECORD, pair).call_id != one(RECORD, pair, id="other-one-9").call_id
    linked = {"map.retry_of": "parent"}
    assert one(RECORD, linked, parent="c0ffee00-0000").retry_of == "mygw:c0ffee00-0000"


def test_equal_rows_without_an_id_are_numbered() -> None:
    table = changed(TABLE, {"key": None})
    source = source_of(load.mapping("mygw", table, "tokman.toml"))
    assert not source.splittable
    record = msgspec.json.decode(json.dumps(RECORD), type=source.record_type)

    def ids(reader: Any, times: int) -> list[str]:
        return [usage.call_id for _ in range(times) for usage in reader.parse(record, 1)]

    whole = ids(source(CONTEXT), 3)
    assert len(set(whole)) == 3
    first, second = source(CONTEXT), source(CONTEXT)
    begun = ids(first, 1)
    second.resume(first.state())
    assert begun + ids(second, 2) == whole
    assert ids(source(CONTEXT), 3) == whole


def test_paths_share_their_beginnings_and_quote_dots() -> None:
    mapping = {
        "map.user_id": ["user.id", "user"],
        "map.request_model": 'attributes."gen_ai.request.model"',
    }
    attributes = {"gen_ai.request.model": "gpt-4o"}
    for user in ({"id": "u-1"}, "u-1"):
        usage = one(RECORD, mapping, user=user, attributes=attributes)
        assert (usage.user_id, usage.request_model) == ("u-1", "gpt-4o")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cache_in_input": None}, "sources.mygw.cache_in_input: missing"),
        ({"reasoning_in_output": None}, "sources.mygw.reasoning_in_output: missing"),
        ({"map.cost": "x"}, "sources.mygw.map.cost: no such column"),
        ({"map.started_at.unit": "sec"}, "sources.mygw.map.started_at.unit: no unit 'sec' here"),
        ({"map.started_at.tz": "Mars"}, "map.started_at.tz: no time zone 'Mars'"),
        ({"map.billed_cost.unit": "eur"}, "map.billed_cost.unit: no unit 'eur'"),
        ({"map.duration_ms": "took"}, "map.duration_ms: no unit"),
        ({"map.workflow": "meta.prompt"}, "map.workflow: 'meta.prompt' leads to a text"),
        ({"map.tags": ["messages"]}, "map.tags: 'messages' leads to a text"),
        ({"map.user_id": "a..b"}, "map.user_id: 'a..b' is not a path"),
        ({"map.status": {"path": "http", "values": {"1": "good"}}}, "map.status.values: a status"),
        ({"map.user_id": 5}, "map.user_id: Expected"),
        ({"map.started_at": None}, "map.started_at: missing"),
        ({"map.response_model": None}, "map.response_model: missing"),
        ({"match.keys": []}, "match.keys: empty"),
        ({"match": None}, "sources.mygw: Object missing required field `match`"),
        ({"colour": "red"}, "sources.mygw: Object contains unknown field `colour`"),
        ({"where": [{"path": "a"}]}, "where[0]: asks nothing"),
        ({"where": [{"path": "a", "is": 1}]}, "sources.mygw.where[0]: Object contains unknown"),
    ],
)
def test_wrong_mappings_name_their_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TokmanError) as wrong:
        load.mapping("mygw", changed(TABLE, changes), "tokman.toml")
    assert message in wrong.value.message
    assert wrong.value.message.startswith("tokman.toml: sources.mygw")
    assert wrong.value.hint
    assert "\n" not in wrong.value.message


TOML = """
[sources.mygw]
match.keys = ["when", "tokens in"]
records = "page.calls"
[sources.mygw.map]
started_at = { path = "when", tz = "Europe/Berlin" }
response_model = "model"
input_tokens = "tokens in"
output_tokens = "tokens out"
workflow = "labels.job"
"""
ROW = {"when": "2026-07-01 10:00:00", "model": "gpt-4o", "tokens in": 5, "tokens out": 7}


@pytest.mark.parametrize("form", ["jsonl", "array", "page", "csv", "parquet"])
def test_one_mapping_reads_every_container(form: str, tokman: Run, tmp_path: Path) -> None:
    rows = [{**ROW, "labels": {"job": "night"}}, ROW, ROW]
    (tmp_path / "tokman.toml").write_text(TOML)
    if form == "csv":
        lines = ["when,model,tokens in,tokens out,labels"]
        lines.append('2026-07-01 10:00:00,gpt-4o,5,7,"{""job"": ""night""}"')
        lines += ["2026-07-01 10:00:00,gpt-4o,5,7,"] * 2
        text = "\r\n".join(lines)
    elif form in ("jsonl", "parquet"):
        text = "\n".join(json.dumps(row) for row in rows)
    else:
        text = json.dumps(rows if form == "array" else {"page": {"calls": rows, "more": False}})
    (tmp_path / "log.txt").write_text(text)
    if form == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "log.txt")
    assert tokman("ingest", "log.txt").code == 0
    counted = tokman(
        "sql",
        "select count(*) calls, sum(input_tokens) i, sum(output_tokens) o, "
        "any_value(workflow) w, min(started_at) s, any_value(source) source from charges",
        "-f",
        "csv",
    )
    assert counted.out.splitlines()[1] == "3,15,21,night,2026-07-01T08:00:00,mygw"


def test_an_edited_mapping_reads_its_files_again(tokman: Run, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(TOML)
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({**ROW, "who": "u-1"}) + "\n")
    assert "no format tokman reads" in tokman("ingest", log).err
    assert "1 call added" in tokman("ingest", "--map", "m.toml", log).err
    assert "1 unchanged" in tokman("ingest", "--map", "m.toml", log).err
    assert "1 unchanged" in tokman("ingest", log).err
    (tmp_path / "m.toml").write_text(TOML + 'user_id = "who"\n')
    assert "read 1 file (1 mygw)" in tokman("ingest", "--map", "m.toml", log).err
    assert "u-1" in tokman("report", "--by", "user").out


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_know_the_mapping(
    method: str, tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tokman import jobs

    monkeypatch.setattr(jobs, "TOGETHER", 1)
    monkeypatch.setattr("sys.platform", "linux" if method == "fork" else "darwin")
    (tmp_path / "tokman.toml").write_text(TOML)
    for number in range(3):
        log = tmp_path / "logs" / f"{number}.jsonl"
        log.parent.mkdir(exist_ok=True)
        log.write_text(json.dumps({**ROW, "tokens in": number}) + "\n")
    assert "3 calls added" in tokman("ingest", "logs").err


def test_lines_of_another_kind_in_the_same_file(tokman: Run, tmp_path: Path) -> None:
    (tmp_path / "tokman.toml").write_text(TOML)
    lines: list[Any] = [ROW, {"when": ROW["when"], "model": "gpt-4o"}, {**ROW, "tokens in": None}]
    (tmp_path / "log.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    result = tokman("ingest", "log.jsonl")
    assert "2 calls added" in result.err
    assert "log.jsonl:2: tokens in: missing" in result.err


def test_names_and_files_that_cannot_be(tokman: Run, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("{}")
    (tmp_path / "m.toml").write_text(TOML.replace("mygw", "litellm"))
    assert "two sources of that name" in tokman("ingest", "--map", "m.toml", "log.jsonl").err
    (tmp_path / "m.toml").write_text("[rates]\n")
    assert "no [sources.NAME] in it" in tokman("ingest", "--map", "m.toml", "log.jsonl").err
    assert "No such file" in tokman("ingest", "--map", "n.toml", "log.jsonl").err
    (tmp_path / "m.toml").write_text(TOML + "oops")
    assert "m.toml" in tokman("ingest", "--map", "m.toml", "log.jsonl").err
    assert tokman("ingest", "--map", "m.toml", "log.jsonl").code == 2


def test_a_mapping_of_ones_own_goes_first(tokman: Run, tmp_path: Path) -> None:
    """A record that a source of tokman's would read too."""
    from tests.test_privacy import CHAT

    (tmp_path / "tokman.toml").write_text(
        """
        [sources.mine]
        match.keys = ["choices", "usage"]
        map.call_id = "id"
        map.started_at = { path = "created", unit = "s" }
        map.response_model = "model"
        map.input_tokens = "usage.prompt_tokens"
        """
    )
    (tmp_path / "log.jsonl").write_text(json.dumps(CHAT))
    assert "(1 mine)" in tokman("ingest", "log.jsonl").err
    assert "mine" in tokman("sources").out


def test_by_column_says_what_by_row_says() -> None:
    """The same texts as JSON records one by one and as a table's columns."""
    mapping = load.mapping(
        "mygw",
        {
            "match": {"keys": ["ts"]},
            "key": ["id"],
            "cache_in_input": True,
            "where": [{"path": "kind", "not_in": ["ping"]}],
            "refuse": [{"path": "currency", "equals": "EUR", "reason": "not in USD"}],
            "map": {
                "started_at": "ts",
                "response_model": ["answered", "model"],
                "provider_name": {"path": "vendor", "const": "openai"},
                "input_tokens": "in",
                "cache_read_input_tokens": "cached",
                "output_tokens": "out",
                "status": "http",
                "workflow": "meta.job",
                "tags": ["meta", "kind"],
                "billed_cost": {"path": "cost", "when": {"path": "kind", "not_in": ["free"]}},
            },
        },
        "tokman.toml",
    )
    base = {"id": "c0ffee00-0001", "ts": "2026-05-01 10:00:00", "model": "gpt-4o", "in": "100"}
    changes: list[dict[str, str]] = [
        {},
        {"cached": "40", "out": "7", "http": "200", "cost": "0.1", "answered": "gpt-4o-x"},
        {"cached": "400"},
        {"in": "many"},
        {"ts": "soon"},
        {"ts": ""},
        {"model": "a story about"},
        {"http": "perhaps"},
        {"kind": "ping"},
        {"kind": "free", "cost": "0.5"},
        {"kind": "ping", "in": "many"},
        {"currency": "EUR"},
        {"id": ""},
        {"vendor": "Azure OpenAI", "meta": '{"job": "night", "n": 3}'},
        {"cost": "-"},
        {"cost": "1,5"},
    ]
    rows = [base | change for change in changes for _ in range(2)]
    source = source_of(mapping)
    one_by_one: list[Any] = []
    for line, row in enumerate(rows, 2):
        record = msgspec.json.decode(json.dumps(row), type=source.record_type)
        try:
            one_by_one += source(CONTEXT).parse(record, line)
        except (BadRecord, msgspec.ValidationError) as error:
            one_by_one.append(Refused(line, str(error)))
    reader = source(CONTEXT)
    names = {name for row in rows for name in row} & set(reader.columns)
    columns = {name: [row.get(name) or None for row in rows] for name in names}
    assert list(reader.parse_columns(columns, range(2, len(rows) + 2))) == one_by_one
    assert sum(isinstance(row, Refused) for row in one_by_one) == 18


@pytest.mark.parametrize(
    "value",
    [10**400, -(10**18), 1e308, "9" * 5000, "²", "1e999999", "NaN", "∞", "\ud800", [1], {"a": 1}],
    ids=lambda value: str(value)[:9],
)
def test_hostile_values_are_refused_or_left_out(value: Any) -> None:
    everything: dict[str, dict[str, Any]] = {name: {"path": "v"} for name in spec.COLUMNS}
    for name in spec.DURATIONS:
        everything[name]["unit"] = "ms"
    everything["block_hashes"]["cumulative"] = True
    everything["block_sizes"]["unit"] = "tokens"
    blocks = ("block_hashes", "block_sizes")
    for column, stated in everything.items():
        named = (
            {name: everything[name] for name in blocks} if column in blocks else {column: stated}
        )
        table = changed(TABLE, {f"map.{name}": each for name, each in named.items()})
        source = source_of(load.mapping("mygw", table, "tokman.toml"))
        text = json.dumps({**RECORD, "v": value})
        try:
            record = msgspec.json.decode(text, type=source.record_type)
            rows = list(source(CONTEXT).parse(record, 1))
        except (ValueError, RecursionError):
            continue
        for row in rows:
            assert fault(row) is None or column == "started_at"


def test_values_that_are_equal_but_for_their_type_stay_apart() -> None:
    """True, 1 and 1.0 are one key of a dict, yet only the first says that a call went well."""
    mapping = load.mapping(
        "mygw",
        {
            "match": {"keys": ["ts"]},
            "key": ["id"],
            "map": {"started_at": "ts", "response_model": "model", "input_tokens": "in"}
            | {"status": "ok"},
        },
        "tokman.toml",
    )
    source = source_of(mapping)
    said = [True, 1, 1.0, "1", 200, False, 200.0, None]
    records = [
        {
            "id": f"c0ffee00-{n:04}",
            "ts": "2026-05-01 10:00:00",
            "model": "gpt-4o",
            "in": 9,
            "ok": ok,
        }
        for n, ok in enumerate(said)
    ]
    decode = msgspec.json.Decoder(source.record_type).decode
    rows = source(CONTEXT).parse_records([decode(json.dumps(r)) for r in records], range(8))
    found = [row.reason if isinstance(row, Refused) else row.status for row in rows]
    wrong = "status: neither ok nor error; list it in the mapping's values"
    assert found == ["ok", wrong, wrong, wrong, "ok", "error", "ok", "ok"]


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"data": rows}])
def test_records_of_a_document_are_refused_one_by_one(wrap: Any) -> None:
    from tests.sources.gateways.test_mapped import CLOUDFLARE
    from tests.sources.records import read

    rows = [
        CLOUDFLARE,
        CLOUDFLARE | {"id": "01JADMCQQQBWH3NXZ5GCRN98DQ", "created_at": "soon"},
        CLOUDFLARE | {"id": "01JADMCQQQBWH3NXZ5GCRN98DR", "model": {"a": 1}},
        17,
        CLOUDFLARE | {"id": "01JADMCQQQBWH3NXZ5GCRN98DS"},
    ]
    found = read(json.dumps(wrap(rows), indent=1).encode())
    whole = isinstance(wrap(rows), list)
    assert sorted(row.call_id[-2:] for row in found.rows) == ["DP", "DS"]
    assert sorted(row.line for row in found.rows) == ([1, 5] if whole else [1, 1])
    refused = sorted((reject.line, reject.reason[:22]) for reject in found.outcome.rejects)
    assert refused == sorted(
        [
            (2 if whole else 1, "started_at: not a time"),
            (3 if whole else 1, "Expected `bool | int |"),
            (4 if whole else 1, "not a JSON object"),
        ]
    )


ODD = st.sampled_from(
    [None, "", "o3", '{"model":"o3","in":7}', 7, True, [1], {}, {"model": "o3", "in": 7}]
)
VARIANT = st.dictionaries(st.sampled_from(["answer", "meta", "usage", "http", "region"]), ODD)


@given(st.lists(VARIANT, min_size=1, max_size=8))
def test_records_together_give_what_each_gives_alone(variants: list[dict[str, Any]]) -> None:
    source = source_of(load.mapping("mygw", TABLE, "tokman.toml"))
    decode = msgspec.json.Decoder(source.record_type).decode
    whole = RECORD | {"answer": {"model": "gpt-5"}, "meta": {"feature": "search"}}
    records = []
    for number, changes in enumerate(variants):
        with suppress(msgspec.ValidationError):
            record = whole | changes | {"id": f"c0ffee00-{number:04}"}
            records.append(decode(json.dumps(record)))
    alone: list[Any] = []
    for number, record in enumerate(records):
        try:
            alone += source(CONTEXT).parse(record, number)
        except BadRecord as error:
            alone.append(Refused(number, str(error)))
    assert list(source(CONTEXT).parse_records(records, range(len(records)))) == alone
