"""Azure's logs: what each record becomes, what is passed over, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.conftest import Run
from tests.sources.damage import withstand
from tokman.sources import claimants
from tokman.sources.base import Context
from tokman.sources.providers.azure import Azure
from tokman.usage import Usage

CANARY = "canary sentence nobody may keep"
CONTEXT = Context("rows.json", b"k" * 32)
RESOURCE = "/SUBSCRIPTIONS/1/PROVIDERS/MICROSOFT.COGNITIVESERVICES/ACCOUNTS/A"


def table(**more: Any) -> dict[str, Any]:
    """A row of Log Analytics; its counts may be texts."""
    return {
        "TimeGenerated": "2026-09-06T09:00:12.3Z",
        "CorrelationId": "0d9e0a2f-6a5b-4a53-8b52-7d7f2d1d6f11",
        "RequestId": "chatcmpl-AbCdEfGhIjKl",
        "OperationName": "Microsoft.ApiManagement/GatewayLlmLogs",
        "DeploymentName": "mini",
        "ModelName": "gpt-4o-mini-2024-07-18",
        "PromptTokens": 1024,
        "CompletionTokens": 128,
        "TotalTokens": 1152,
        "IsStreamCompletion": False,
        "SequenceNumber": 0,
        "RequestMessages": [{"content": CANARY}],
        **more,
    }


def event(**properties: Any) -> dict[str, Any]:
    return {
        "category": "GatewayLlmLogs",
        "time": "2026-09-06T09:00:12.3Z",
        "properties": {
            "correlationId": "cid-123456",
            "requestId": "msg_01AbCdEfGhIjKl",
            "modelName": "claude-opus-5",
            "promptTokens": 10,
            "completionTokens": 5,
            "promptCachedTokens": 4460,
        }
        | properties,
    }


def own(**properties: Any) -> dict[str, Any]:
    return {
        "category": "RequestResponse",
        "operationName": "ChatCompletions_Create",
        "resourceId": RESOURCE,
        "resultSignature": "200",
        "time": "2024-05-24T12:23:02.4350000Z",
        "properties": {"streamType": "Non-Streaming", "modelName": "gpt-35-turbo"} | properties,
    }


CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "a row of OpenAI's",
        table(PromptCachedTokens=1000, ApimSubscriptionId="team-a"),
        {
            "call_id": "chatcmpl-AbCdEfGhIjKl",
            "started_at": 1788685212_300000,
            "provider_name": "azure.ai.openai",
            "request_model": "mini",
            "response_model": "gpt-4o-mini-2024-07-18",
            "uncached_input_tokens": 24,
            "cache_read_input_tokens": 1000,
            "output_tokens": 128,
            "output_basis": "final",
            "stream": False,
            "api_key_alias": "team-a",
        },
    ),
    (
        "counts as texts",
        table(PromptTokens="1024", CompletionTokens="128", TotalTokens="1152", SequenceNumber="0"),
        {"uncached_input_tokens": 1024, "output_tokens": 128},
    ),
    (
        "an event of Claude's, whose cached tokens come on top",
        event(),
        {
            "call_id": "msg_01AbCdEfGhIjKl",
            "provider_name": "azure.ai.inference",
            "response_model": "claude-opus-5",
            "uncached_input_tokens": 10,
            "cache_read_input_tokens": 4460,
            "output_tokens": 5,
            "output_basis": "partial",
        },
    ),
    (
        "everything cached",
        event(promptTokens=0, completionTokens=0),
        {"uncached_input_tokens": 0, "cache_read_input_tokens": 4460},
    ),
    (
        "properties as a text",
        {**event(), "properties": json.dumps(event()["properties"])},
        {"cache_read_input_tokens": 4460},
    ),
    (
        "embeddings",
        table(ModelName="text-embedding-3-small", CompletionTokens=0, TotalTokens=1024),
        {"operation_name": "embeddings", "uncached_input_tokens": 1024, "output_tokens": 0},
    ),
]


def read(record: dict[str, Any]) -> list[Usage]:
    assert claimants(record) == [Azure]
    return list(Azure(CONTEXT).parse(msgspec.json.decode(json.dumps(record)), 3))


@pytest.mark.parametrize(("record", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_record_becomes(record: dict[str, Any], expected: dict[str, Any]) -> None:
    (usage,) = read(record)
    assert {name: getattr(usage, name) for name in expected} == expected
    assert CANARY.encode() not in msgspec.json.encode(usage)


NOTHING = {"PromptTokens": 0, "CompletionTokens": 0, "TotalTokens": 0}


@pytest.mark.parametrize(
    "record",
    [
        table(**NOTHING, SequenceNumber=1),
        table(PromptTokens=None, CompletionTokens=None, TotalTokens=None, SequenceNumber=2),
        event(requestId="", modelName="", promptTokens=0, completionTokens=0, promptCachedTokens=0),
        {**own(modelName="", streamType=""), "operationName": "Create_Thread"},
        {**own(), "category": "Audit", "properties": {}},
    ],
)
def test_what_is_no_call_gives_no_row(record: dict[str, Any]) -> None:
    assert read(record) == []


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (table(**NOTHING), "stream_options.include_usage"),
        (own(), "no tokens"),
        ({**own(), "properties": json.dumps(own()["properties"])}, "no tokens"),
        (table(TotalTokens=1153), "TotalTokens"),
        (table(PromptCachedTokens=1025), "PromptTokens"),
        (table(PromptTokens=-1), "promptTokens"),
        (table(PromptTokens="1.5"), "promptTokens"),
        (table(TimeGenerated="9/6/2026, 9:00:12.300 AM"), "TimeGenerated"),
    ],
)
def test_a_record_is_refused(record: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(record)


@pytest.mark.parametrize("record", [c[1] for c in CASES], ids=[c[0] for c in CASES])
def test_damage_is_refused_with_a_reason_or_read(record: dict[str, Any]) -> None:
    withstand(Azure, CONTEXT, record, CANARY)


def test_a_call_in_several_rows_is_one_call_in_every_container(tokman: Run) -> None:
    import csv

    rows = [table(), table(**NOTHING, SequenceNumber=1), table(**NOTHING, SequenceNumber=2)]
    with open("rows.csv", "w", newline="") as file:
        sheet = csv.DictWriter(file, [name.replace("ated", "ated [UTC]") for name in table()])
        sheet.writeheader()
        sheet.writerows({k.replace("ated", "ated [UTC]"): v for k, v in r.items()} for r in rows)
    with open("records.json", "w") as file:
        json.dump({"records": rows}, file)
    with open("rows.json", "w") as file:
        json.dump(rows, file)
    for name in ("rows.csv", "records.json", "rows.json"):
        assert tokman("ingest", name, "--ledger", "ledger").code == 0
    counted = "select count(*) n, sum(uncached_input_tokens)::int t from usage"
    answer = tokman("sql", counted, "-f", "json", "--ledger", "ledger").out
    assert json.loads(answer) == [{"n": 1, "t": 1024}]
