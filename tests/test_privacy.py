"""No text of a prompt or an answer reaches the ledger or any output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run

CANARY = "CANARY-ab12cd34"
TEXT = f"please summarise {CANARY} for me"

CHAT = {
    "id": "chatcmpl-AbCdEfGhIjKl000001",
    "object": "chat.completion",
    "created": 1_767_225_600,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {
                "role": "assistant",
                "content": TEXT,
                "refusal": TEXT,
                "reasoning_content": TEXT,
                "tool_calls": [
                    {"id": "call_1", "function": {"name": "look", "arguments": json.dumps([TEXT])}}
                ],
            },
        }
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
}
ASKED = {
    "model": "gpt-4o-mini",
    "messages": [
        {"role": "system", "content": TEXT},
        {"role": "user", "content": [{"type": "text", "text": TEXT}]},
    ],
    "tools": [{"type": "function", "function": {"name": "look", "description": TEXT}}],
}
CLAUDE = {
    "id": "msg_01AbCdEfGhIjKlMnOpQrStUv",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": TEXT}, {"type": "thinking", "thinking": TEXT}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 5, "output_tokens": 7},
}
ROLLOUT = "2026-04-01T10:00:0"

LOGS: dict[str, list[dict[str, Any]]] = {
    "claude-code": [
        {
            "type": "user",
            "sessionId": "s",
            "timestamp": "2026-01-01T00:00:00Z",
            "message": {"role": "user", "content": TEXT},
            "toolUseResult": {"stdout": TEXT},
        },
        {
            "type": "assistant",
            "sessionId": "s",
            "cwd": "/home/dev/web",
            "slug": TEXT,
            "timestamp": "2026-01-01T00:00:01Z",
            "message": CLAUDE,
        },
        {
            "type": "progress",
            "sessionId": "s",
            "timestamp": "2026-01-01T00:00:02Z",
            "data": {
                "type": "agent_progress",
                "prompt": TEXT,
                "message": {
                    "type": "assistant",
                    "timestamp": "2026-01-01T00:00:02Z",
                    "message": {**CLAUDE, "id": "msg_01ZzZzZzZzZzZzZzZzZzZzZz"},
                },
            },
        },
        {
            "type": "assistant",
            "sessionId": "s",
            "uuid": "0b9698af-666e-4195-9db7-400b521ee53e",
            "isApiErrorMessage": True,
            "timestamp": "2026-01-01T00:00:03Z",
            "message": {**CLAUDE, "model": "<synthetic>"},
        },
        {"type": "summary", "summary": TEXT, "leafUuid": "x"},
    ],
    "codex": [
        {
            "timestamp": ROLLOUT + "1Z",
            "type": "session_meta",
            "payload": {"id": "s", "cwd": "/home/dev/web", "base_instructions": {"text": TEXT}},
        },
        {
            "timestamp": ROLLOUT + "2Z",
            "type": "turn_context",
            "payload": {"model": "gpt-5.5", "user_instructions": TEXT, "summary": TEXT},
        },
        {
            "timestamp": ROLLOUT + "3Z",
            "type": "response_item",
            "payload": {"type": "message", "content": [{"text": TEXT}]},
        },
        {
            "timestamp": ROLLOUT + "4Z",
            "type": "event_msg",
            "payload": {
                "type": "token_count",
                "info": {"total_token_usage": {"input_tokens": 9, "output_tokens": 2}},
            },
        },
    ],
    "gemini-cli": [
        {"sessionId": "s", "projectHash": "ab" * 32, "summary": TEXT, "kind": "main"},
        {"id": "m-1", "timestamp": ROLLOUT + "1Z", "type": "user", "content": [{"text": TEXT}]},
        {
            "id": "m-2",
            "timestamp": ROLLOUT + "2Z",
            "type": "gemini",
            "content": TEXT,
            "model": "gemini-2.5-flash",
            "thoughts": [{"subject": TEXT, "description": TEXT}],
            "toolCalls": [{"name": "look", "args": {"path": TEXT}, "result": [TEXT]}],
            "tokens": {"input": 9, "output": 2, "cached": 3, "thoughts": 4, "total": 15},
        },
        {"$set": {"memoryScratchpad": TEXT, "lastUpdated": ROLLOUT + "3Z"}},
    ],
    "litellm": [
        {
            "request_id": "chatcmpl-AbCdEfGhIjKl000002",
            "call_type": "acompletion",
            "spend": 0.1,
            "model": "gpt-4o",
            "startTime": "2026-01-01 00:00:00+00:00",
            "endTime": "2026-01-01 00:00:01+00:00",
            "prompt_tokens": 9,
            "completion_tokens": 1,
            "total_tokens": 10,
            "status": "failure",
            "messages": json.dumps(ASKED["messages"]),
            "response": json.dumps(CHAT),
            "proxy_server_request": json.dumps(ASKED),
            "metadata": json.dumps(
                {
                    "error_information": {
                        "error_class": "BadRequestError",
                        "error_message": TEXT,
                        "traceback": TEXT,
                    },
                    "spend_logs_metadata": {"workflow": "w", "note": TEXT},
                }
            ),
        }
    ],
    "openai": [
        CHAT,
        {"request": ASKED, "response": {**CHAT, "id": "chatcmpl-AbCdEfGhIjKl000003"}},
        {
            "request": {"model": "gpt-4o-mini", "input": TEXT, "instructions": TEXT},
            "response": {
                "id": "resp_0123456789abcdef0123",
                "object": "response",
                "created_at": 1_767_225_600,
                "model": "gpt-4o-mini",
                "output": [{"type": "message", "content": [{"type": "output_text", "text": TEXT}]}],
                "instructions": TEXT,
                "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
            },
        },
        {"request": ASKED, "response": {"error": {"message": TEXT, "type": "invalid_request"}}},
    ],
    "anthropic": [
        CLAUDE,
        {
            "request": {"model": "claude-haiku-4-5", "system": TEXT, "messages": ASKED["messages"]},
            "response": {**CLAUDE, "id": "msg_01YyYyYyYyYyYyYyYyYyYyYy"},
        },
        {"custom_id": "job-1", "result": {"type": "errored", "error": {"message": TEXT}}},
    ],
    "gemini": [
        {
            "request": {"contents": [{"parts": [{"text": TEXT}]}], "systemInstruction": TEXT},
            "response": {
                "responseId": "AbCdEfGhIjKlMnOp",
                "modelVersion": "gemini-2.5-flash",
                "candidates": [{"content": {"parts": [{"text": TEXT}]}}],
                "usageMetadata": {
                    "promptTokenCount": 3,
                    "candidatesTokenCount": 2,
                    "totalTokenCount": 5,
                },
            },
        }
    ],
}


def test_every_source_is_here() -> None:
    from tokman.sources import sources

    assert set(LOGS) == {source.name for source in sources()}


@pytest.mark.parametrize("source", LOGS)
def test_no_text_is_kept_or_shown(source: str, tokman: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    records = [json.dumps(record).encode() for record in LOGS[source]]
    torn = [records[0][: len(records[0]) // 2], b'{"broken": "' + TEXT.encode() + b'" oops']
    wrong = json.loads(records[0])
    wrong["usage"] = {"prompt_tokens": TEXT}
    log.write_bytes(b"\n".join([*records, *torn, json.dumps(wrong).encode(), *torn]))
    outputs = [tokman("ingest", log, "--rejects", "rejects.csv", "--ledger", "ledger")]
    for form in ("table", "json", "csv", "markdown"):
        for by in ("workflow", "model", "user", "conversation_id", "error_type", "file"):
            arguments = ("report", "--by", by, "--ledger", "ledger", "-f", form)
            outputs.append(tokman(*arguments))
    for table in ("usage", "rejects"):
        outputs.append(tokman("sql", f"from {table}", "-f", "json", "--ledger", "ledger"))
    outputs.append(tokman("recommend", "--ledger", "ledger"))
    assert json.loads(outputs[-3].out), "something was read"
    for output in outputs:
        assert CANARY not in output.out + output.err
    files = [path for path in (tmp_path / "ledger").rglob("*") if path.is_file()]
    assert any(path.suffix == ".parquet" for path in files)
    for path in [*files, tmp_path / "rejects.csv"]:
        assert CANARY.encode() not in path.read_bytes(), path
