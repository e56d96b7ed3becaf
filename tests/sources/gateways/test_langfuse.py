"""Langfuse exports: which observations are calls, their classes, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conftest import Run
from tokman.errors import BadRecord
from tokman.sources import claimants
from tokman.sources.base import Context, Refused
from tokman.sources.gateways import langfuse_usage
from tokman.sources.gateways.langfuse import Langfuse
from tokman.usage import Usage

CONTEXT = Context("observations.jsonl", b"k" * 32)
Json = dict[str, Any]


def seen(key: str, kind: str = "GENERATION", parent: str | None = None, **more: Any) -> Json:
    """An observation as the UI and the API write it."""
    return {
        "id": key,
        "traceId": "trace-1",
        "type": kind,
        "parentObservationId": parent,
        "startTime": "2026-05-01T10:00:00.000Z",
        "endTime": "2026-05-01T10:00:02.500Z",
        "completionStartTime": "2026-05-01T10:00:00.400Z",
        "updatedAt": "2026-05-01T10:00:03.000Z",
        "level": "DEFAULT",
        "model": "gpt-4o",
        "metadata": None,
        "input": {"messages": [{"role": "user", "content": "a text"}]},
        "output": {"role": "assistant", "content": "a text"},
        **more,
    }


def counted(key: str, given: int, answered: int, parent: str | None = None, **more: Any) -> Json:
    details = {"input": given, "output": answered, "total": given + answered}
    return seen(key, parent=parent, usageDetails=details, **more)


def snake(row: Json) -> Json:
    """The same observation as blob storage has it."""
    renamed = {
        "".join("_" + c.lower() if c.isupper() else c for c in name): value
        for name, value in row.items()
    }
    renamed["provided_model_name"] = renamed.pop("model")
    return renamed


def read(records: Iterable[Json]) -> list[Usage | Refused]:
    source = Langfuse(CONTEXT)
    rows: list[Usage | Refused] = []
    for line, record in enumerate(records, 1):
        assert claimants(record) == [Langfuse], record
        rows += source.parse(msgspec.json.decode(json.dumps(record), type=source.record_type), line)
    return [*rows, *source.finish()]


def usages(records: Iterable[Json]) -> list[Usage]:
    rows = read(records)
    assert not [row for row in rows if isinstance(row, Refused)], rows
    return [row for row in rows if isinstance(row, Usage)]


AGENT = {"input": 30, "output": 12, "total": 42}
TREES: dict[str, tuple[list[Json], list[int], int]] = {
    "a generation": ([counted("a", 5, 7)], [7], 0),
    "an agent's sum": (
        [
            seen("a", "AGENT", usageDetails=AGENT),
            counted("b", 10, 5, "a"),
            counted("c", 20, 7, "a"),
        ],
        [5, 7],
        0,
    ),
    "an agent's sum and no calls": ([seen("a", "AGENT", usageDetails=AGENT)], [], 1),
    "a generation around a generation": ([counted("a", 9, 4), counted("b", 5, 3, "a")], [3], 0),
    "a subagent in a tool": (
        [counted("a", 9, 4), seen("t", "TOOL", "a"), counted("b", 5, 3, "t")],
        [3, 4],
        0,
    ),
    "an embedding": ([counted("a", 9, 0) | {"type": "EMBEDDING"}], [0], 0),
    "spans and events": ([seen("a", "SPAN"), seen("b", "EVENT", "a")], [], 0),
}


@pytest.mark.parametrize("case", TREES)
def test_leaf_generations_are_calls_in_every_container(case: str) -> None:
    observations, outputs, refusals = TREES[case]
    containers: list[list[Json]] = [
        observations,
        observations[::-1],
        [snake(observation) for observation in observations],
        [{"trace": {"id": "trace-1", "name": "n"}, "observations": observations}],
        [{"id": "trace-1", "timestamp": "2026-05-01T10:00:00Z", "observations": observations}],
    ]
    for records in containers:
        rows = read(records)
        assert sorted(r.output_tokens for r in rows if isinstance(r, Usage)) == outputs
        assert len(rows) == len(outputs) + refusals


def test_the_latest_version_of_an_observation_counts() -> None:
    early = counted("a", 5, 7, updatedAt="2026-05-01T10:00:01.000Z")
    late = counted("a", 5, 70, updatedAt="2026-05-01T10:00:09.000Z")
    for records in ([early, late], [late, early]):
        assert [usage.output_tokens for usage in usages(records)] == [70]


# Stated counts, and (uncached, read, written 5m, written 1h, output, reasoning, audio in).
CLASSES: list[tuple[str, Json, tuple[int, ...]]] = [
    ("plain", {"input": 5, "output": 7, "total": 12}, (5, 0, 0, 0, 7, 0, 0)),
    ("no total", {"input": 5, "output": 7}, (5, 0, 0, 0, 7, 0, 0)),
    ("only input", {"input": 5, "total": 5}, (5, 0, 0, 0, 0, 0, 0)),
    (
        "disjoint, OpenAI",
        {
            "input": 40,
            "input_cached_tokens": 60,
            "output": 5,
            "output_reasoning_tokens": 20,
            "total": 125,
        },
        (40, 60, 0, 0, 25, 20, 0),
    ),
    (
        "disjoint, Anthropic, no total",
        {
            "input": 4,
            "cache_read_input_tokens": 60,
            "input_cache_creation_5m": 30,
            "input_cache_creation_1h": 10,
            "output": 5,
        },
        (4, 60, 30, 10, 5, 0, 0),
    ),
    (
        "inclusive, dotted details",
        {
            "input": 100,
            "prompt_details.cache_read": 60,
            "prompt_details.audio": 10,
            "output": 25,
            "completion_details.reasoning": 20,
            "total": 125,
        },
        (30, 60, 0, 0, 25, 20, 10),
    ),
    (
        "inclusive, dotted details, no total",
        {"input": 100, "prompt_details.cache_read": 60, "output": 25},
        (40, 60, 0, 0, 25, 0, 0),
    ),
    (
        "Gemini: cached inside, thoughts beside",
        {
            "prompt_token_count": 100,
            "cached_content_token_count": 60,
            "candidates_token_count": 5,
            "thoughts_token_count": 20,
            "total": 125,
        },
        (40, 60, 0, 0, 25, 20, 0),
    ),
    ("numbers as texts", {"input": "5", "output": "7", "total": "12"}, (5, 0, 0, 0, 7, 0, 0)),
]


@pytest.mark.parametrize(("what", "details", "expected"), CLASSES, ids=[c[0] for c in CLASSES])
def test_classes(what: str, details: Json, expected: tuple[int, ...]) -> None:
    usage = Usage(call_id="x")
    assert langfuse_usage.count(usage, details)
    assert expected == (
        *(usage.uncached_input_tokens, usage.cache_read_input_tokens),
        *(usage.cache_write_5m_input_tokens, usage.cache_write_1h_input_tokens),
        *(usage.output_tokens, usage.reasoning_output_tokens, usage.audio_input_tokens),
    )


WRONG: list[tuple[Json, str]] = [
    ({"input": 5, "output": 7, "total": 40}, "usage total (40): neither"),
    ({"input": 5, "input_cached_tokens": 3, "output": 7, "total": 13}, "usage total (13): neither"),
    ({"total": 40}, "usage total (40) without input or output"),
    ({"input": 5, "widgets": 2}, "usage widgets: tokens of unknown class"),
    ({"input": 5, "a secret text": 2}, "usage of an unnamed class: tokens of unknown class"),
    ({"input": -5}, "usage input: not a token count"),
    ({"input": "many"}, "usage input: not a token count"),
    ({"input": 1.5}, "usage input: not a token count"),
]


@pytest.mark.parametrize(("details", "reason"), WRONG)
def test_counts_that_do_not_hold_together_are_refused(details: Json, reason: str) -> None:
    with pytest.raises(BadRecord) as refused:
        langfuse_usage.count(Usage(call_id="x"), details)
    assert str(refused.value).startswith(reason)


def test_a_wrong_observation_is_refused_and_the_others_are_read() -> None:
    observations = [seen("a", usageDetails={"total": 3}), counted("b", 5, 7), seen("c", traceId=5)]
    rows = read([{"trace": {"id": "t"}, "observations": observations[:2]}])
    assert [row.output_tokens for row in rows if isinstance(row, Usage)] == [7]
    assert len([row for row in rows if isinstance(row, Refused)]) == 1


@pytest.mark.parametrize(
    "older",
    [
        {"inputUsage": 5, "outputUsage": 7, "totalUsage": 12},
        {"usage": {"input": 5, "output": 7, "total": 12, "unit": "TOKENS"}},
    ],
)
def test_the_counts_of_older_exports(older: Json) -> None:
    (usage,) = usages([seen("a", **older)])
    assert (usage.uncached_input_tokens, usage.output_tokens) == (5, 7)


def test_other_units_are_no_tokens() -> None:
    (row,) = read([seen("a", usage={"input": 5, "unit": "CHARACTERS"})])
    assert row == Refused(line=1, reason="usage in CHARACTERS, not in tokens")


def test_what_a_call_was_and_for_whom() -> None:
    attributes = {"gen_ai.system": "openai", "gen_ai.response.id": "chatcmpl-Abc12345"}
    observation = counted(
        *("a", 5, 7),
        level="ERROR",
        statusMessage="a text",
        metadata=json.dumps({"attributes": attributes}),
        modelParameters={"temperature": 0.5},
        providedCostDetails={"total": 0.25},
        costDetails={"total": 9},
    )
    trace = {"id": "trace-1", "name": "triage", "userId": "ada", "sessionId": "s", "tags": ["x"]}
    (usage,) = usages([{"trace": trace, "observations": [observation]}])
    assert usage.call_id == "chatcmpl-Abc12345"
    assert (usage.provider_name, usage.response_model) == ("openai", "gpt-4o")
    assert (usage.duration_ms, usage.time_to_first_token_ms) == (2500, 400)
    assert (usage.workflow, usage.workflow_basis) == ("triage", "default")
    assert (usage.user_id, usage.conversation_id, usage.tags) == ("ada", "s", ["x"])
    assert (usage.status, usage.error_type, usage.temperature) == ("error", "error", 0.5)
    assert usage.billed_cost == 250_000_000_000


@pytest.mark.parametrize("metadata", ["{oops", '{"attributes": "{oops"}', "[" * 5000, 5, [1], "x"])
def test_metadata_of_any_shape_are_no_hindrance(metadata: Any) -> None:
    (usage,) = usages([counted("a", 5, 7, metadata=metadata)])
    assert usage.output_tokens == 7


@pytest.mark.parametrize("stated", [None, {}, {"input": 0, "output": 0, "total": 0}])
def test_a_cost_that_langfuse_computed_is_not_a_stated_one(stated: Any) -> None:
    (usage,) = usages([counted("a", 5, 7, providedCostDetails=stated, totalCost=9, costDetails={})])
    assert usage.billed_cost is None


def test_a_tag_names_the_workflow() -> None:
    (usage,) = usages([counted("a", 5, 7, traceName="t", traceTags=["workflow: triage"])])
    assert (usage.workflow, usage.workflow_basis) == ("triage", "explicit")


def test_a_call_without_counts_has_no_price(tokman: Run, tmp_path: Path) -> None:
    (tmp_path / "o.jsonl").write_text(json.dumps(seen("a", output=None, usageDetails={})) + "\n")
    assert tokman("ingest", "o.jsonl", "--ledger", "l").code == 0
    query = "select list_cost is null as unpriced from usage"
    assert json.loads(tokman("sql", query, "-f", "json", "--ledger", "l").out) == [
        {"unpriced": True}
    ]


ROWS = [snake(seen("a", "AGENT")), snake(counted("b", 5, 7, "a", environment="prod"))]


def test_csv(tokman: Run, tmp_path: Path) -> None:
    with (tmp_path / "o.csv").open("w", newline="") as file:
        names = sorted({name for row in ROWS for name in row})
        table = csv.DictWriter(file, names)
        table.writeheader()
        for row in ROWS:
            table.writerow({k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.items()})
    check(tokman, "o.csv")


def test_rows_of_parquet_are_typed() -> None:
    row = {
        **{key: value for key, value in ROWS[1].items() if value is not None},
        "start_time": datetime(2026, 5, 1, 10),
        "updated_at": datetime(2026, 5, 1, 12, tzinfo=UTC),
        "usage_details": [("input", 5), ("output", 7), ("total", 12)],
        "provided_cost_details": [("total", Decimal("0.25"))],
        "metadata": [("workflow", "triage")],
        "tags": ["x"],
    }
    source = Langfuse(CONTEXT)
    assert claimants(row) == [Langfuse] and Langfuse.from_row is not None
    (usage,) = [*source.parse(Langfuse.from_row(row), 1), *source.finish()]
    assert isinstance(usage, Usage)
    assert (usage.started_at, usage.uncached_input_tokens) == (1_777_629_600_000_000, 5)
    assert (usage.billed_cost, usage.workflow) == (250_000_000_000, "triage")


def test_parquet(tokman: Run, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"usage_details": None, **row} for row in ROWS]
    columns: dict[str, Any] = {}
    for name in sorted({name for row in rows for name in row}):
        cells = [row.get(name) for row in rows]
        if name == "usage_details":
            pairs = [list(cell.items()) if cell else None for cell in cells]
            columns[name] = pa.array(pairs, pa.map_(pa.string(), pa.uint64()))
        else:
            texts = [json.dumps(cell) if isinstance(cell, dict) else cell for cell in cells]
            columns[name] = pa.array(texts, pa.string())
    pq.write_table(pa.table(columns), tmp_path / "o.parquet")
    check(tokman, "o.parquet")


def check(tokman: Run, file: str) -> None:
    result = tokman("ingest", file, "--ledger", "l")
    assert result.code == 0, result.err
    query = "select call_id, response_model m, uncached_input_tokens i, environment e from usage"
    rows = json.loads(tokman("sql", query, "-f", "json", "--ledger", "l").out)
    assert rows == [{"call_id": "langfuse:trace-1:b", "m": "gpt-4o", "i": 5, "e": "prod"}]


OTHERS: list[Json] = [
    {"id": "a", "type": "GENERATION"},
    {"id": "a", "type": "message", "traceId": "t", "startTime": "2026"},
    {"observations": 3, "trace": {}},
    {"observations": [1], "timestamp": 1},
]


@pytest.mark.parametrize("record", OTHERS)
def test_other_records_are_left_alone(record: Json) -> None:
    assert not Langfuse.matches(record)


def score(value: Any = 1, of: str | None = None, **more: Any) -> Json:
    row = {"name": "success", "dataType": "BOOLEAN", "value": value, "observationId": of}
    return row | {"id": "s-1", "traceId": "trace-1", "source": "API", "comment": "a text"} | more


ONE, TWO = counted("a", 30, 12), counted("b", 10, 5)
STEP = seen("c", "SPAN", usageDetails={})
SCORED: dict[str, tuple[list[Json], list[Json], str | None, list[bool | None]]] = {
    # name: (observations, scores, session, success of the calls by id)
    "a session's trace": ([ONE, TWO], [score()], "s", [True, True]),
    "a trace of one call": ([ONE, STEP], [score(0)], None, [False]),
    "a trace of several outcomes": ([ONE, TWO], [score()], None, [None, None]),
    "an observation": ([ONE, TWO], [score(0, "b")], None, [None, False]),
    "an observation and its trace": ([ONE, TWO], [score(1), score(0, "b")], "s", [True, False]),
    "several scores": ([ONE], [score(1), score(0), score(1)], None, [False]),
    "true": ([ONE], [score(True)], None, [True]),
    "a score on a scale": ([ONE], [score(dataType="NUMERIC")], None, [None]),
    "a word": ([ONE], [score("good", dataType="CATEGORICAL")], None, [None]),
    "another boolean score": ([ONE], [score(name="toxicity")], None, [None]),
    "no boolean": ([ONE], [score(0.5), score([]), score(None)], None, [None]),
    "no scores": ([ONE], [], None, [None]),
}


@pytest.mark.parametrize("name", SCORED)
def test_success_is_what_a_boolean_score_of_that_name_says(name: str) -> None:
    observations, scores, session, expected = SCORED[name]
    about = {"id": "trace-1", "name": "triage", "sessionId": session, "scores": scores}
    exported = {"trace": about, "observations": observations}
    page = about | {"timestamp": "2026-05-01T10:00:00Z", "observations": observations}
    for record in (exported, page):
        rows = sorted(usages([record]), key=lambda row: row.call_id)
        assert [row.success for row in rows] == expected


@pytest.mark.parametrize("scores", [None, 7, "x", {"a": [1]}, [None], [[]], [{"name": []}]])
def test_scores_in_another_form_say_nothing(scores: Any) -> None:
    rows = usages([{"trace": {"id": "trace-1", "scores": scores}, "observations": [ONE]}])
    assert [row.success for row in rows] == [None]
    assert [row.success for row in usages([ONE | {"scores": scores}])] == [None]
