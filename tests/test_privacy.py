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
                    {"id": "call_1", "function": {"name": "look", "arguments": json.dumps([TEXT])}},
                    {"id": "call_2", "function": {"name": TEXT, "arguments": TEXT}},
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
        {"role": "assistant", "tool_calls": [{"function": {"name": TEXT, "arguments": TEXT}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": TEXT, "status": "error"},
    ],
    "tools": [
        {"type": "function", "function": {"name": "look", "description": TEXT}},
        {"type": "function", "function": {"name": TEXT, "parameters": {"title": TEXT}}},
    ],
}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": TEXT}
TURNS = [
    {"role": "user", "content": TEXT},
    {"role": "assistant", "content": [{"type": "tool_use", "name": TEXT, "input": {"q": TEXT}}]},
    {"role": "user", "content": [RESULT, {**RESULT, "content": [{"type": "text", "text": TEXT}]}]},
]
DESCRIBED = [{"name": "look", "description": TEXT, "input_schema": {"title": TEXT}}]
CLAUDE = {
    "id": "msg_01AbCdEfGhIjKlMnOpQrStUv",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [
        {"type": "text", "text": TEXT},
        {"type": "thinking", "thinking": TEXT},
        {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": TEXT}},
        {"type": "tool_use", "id": "toolu_2", "name": TEXT, "input": {"q": [TEXT]}},
    ],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 5, "output_tokens": 7},
}
ANSWERED = {"functionResponse": {"id": TEXT, "name": TEXT, "response": {"output": TEXT}}}
ROLLOUT = "2026-04-01T10:00:0"

LOGS: dict[str, list[dict[str, Any]]] = {
    "claude-code": [
        {
            "type": "user",
            "sessionId": "s",
            "timestamp": "2026-01-01T00:00:00Z",
            "message": {"role": "user", "content": [RESULT, {"type": "text", "text": TEXT}]},
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
        *(
            {"timestamp": ROLLOUT + "3Z", "type": "response_item", "payload": payload}
            for payload in (
                {"type": "function_call", "name": TEXT, "arguments": TEXT, "call_id": "c1"},
                {"type": "custom_tool_call", "name": "run", "input": TEXT, "call_id": "c2"},
                {"type": "local_shell_call", "action": {"command": [TEXT]}, "call_id": "c3"},
                {"type": "function_call_output", "call_id": "c1", "output": TEXT},
                {"type": "function_call_output", "call_id": "c2", "output": {"content": TEXT}},
                {"type": "reasoning", "summary": [TEXT]},
            )
        ),
        {
            "timestamp": ROLLOUT + "4Z",
            "type": "event_msg",
            "payload": {
                "type": "token_count",
                "info": {"total_token_usage": {"input_tokens": 9, "output_tokens": 2}},
            },
        },
        {
            "timestamp": ROLLOUT + "5Z",
            "type": "token_usage_record",
            "payload": {"response_id": "resp_1", "usage": {"input_tokens": 5}, "turn_id": TEXT},
        },
        {
            "timestamp": ROLLOUT + "6Z",
            "type": "compacted",
            "payload": {"message": TEXT, "replacement_history": [{"content": TEXT}]},
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
            "toolCalls": [
                {"name": "look", "args": {"path": TEXT}, "result": [TEXT], "status": "success"},
                {"id": TEXT, "name": TEXT, "args": TEXT, "result": TEXT, "status": "error"},
                {"name": "run", "args": [TEXT], "result": [ANSWERED], "status": "error"},
            ],
            "tokens": {"input": 9, "output": 2, "cached": 3, "thoughts": 4, "total": 15},
        },
        {
            "id": "m-3",
            "timestamp": ROLLOUT + "2Z",
            "type": "gemini",
            "toolCalls": [{"name": "run", "result": [ANSWERED], "status": "success"}],
            "tokens": {"input": 9, "output": 2, "total": 11},
        },
        {
            "id": "m-4",
            "timestamp": ROLLOUT + "2Z",
            "type": "gemini",
            "tokens": {"input": 9, "output": 2, "total": 11},
        },
        {"$set": {"memoryScratchpad": TEXT, "lastUpdated": ROLLOUT + "3Z"}},
    ],
    "opencode": [
        {
            "id": "msg_1",
            "sessionID": "ses_1",
            "role": "assistant",
            "time": {"created": 1_767_225_600_000, "completed": 1_767_225_601_000},
            "modelID": "claude-haiku-4-5",
            "providerID": "anthropic",
            "path": {"cwd": "/home/dev/web", "root": TEXT},
            "system": [TEXT],
            "summary": {"title": TEXT, "body": TEXT},
            "error": {"name": "APIError", "data": {"message": TEXT, "responseBody": TEXT}},
            "tokens": {"input": 5, "output": 7, "reasoning": 0},
        },
        {
            "info": {
                "id": "msg_2",
                "sessionID": "ses_1",
                "role": "assistant",
                "time": {"created": 1_767_225_602_000, "completed": 1_767_225_603_000},
                "tokens": {"input": 6, "output": 7, "reasoning": 0},
            },
            "parts": [
                {"type": "text", "text": TEXT},
                *(
                    {"type": "tool", "callID": TEXT, "tool": name, "state": state | {"input": TEXT}}
                    for name in ("look", TEXT)
                    for state in (
                        {"status": "completed", "output": TEXT, "title": TEXT},
                        {"status": "error", "error": TEXT, "metadata": {"note": TEXT}},
                    )
                ),
            ],
        },
        {
            "id": "msg_3",
            "sessionID": "ses_1",
            "role": "assistant",
            "time": {"created": 1_767_225_604_000, "completed": 1_767_225_605_000},
            "model": {"id": "claude-haiku-4-5", "providerID": "anthropic"},
            "content": [
                {
                    "type": "tool",
                    "id": "call_1",
                    "name": TEXT,
                    "state": {
                        "status": "completed",
                        "input": {"q": TEXT},
                        "content": [{"type": "text", "text": TEXT}],
                    },
                }
            ],
            "tokens": {"input": 7, "output": 7, "reasoning": 0},
        },
    ],
    "copilot-cli": [
        {
            "type": kind,
            "id": "e-1",
            "parentId": None,
            "timestamp": "2026-01-01T00:00:00Z",
            "data": {
                "sessionId": "s",
                "content": TEXT,
                "toolRequests": [{"arguments": {"q": TEXT}}],
                "model": "claude-haiku-4.5",
                "outputTokens": 7,
                "messageId": "m-1",
                "modelMetrics": {TEXT: {"usage": {"inputTokens": 5, "outputTokens": 7}}},
            },
        }
        for kind in ("session.start", "user.message", "assistant.message", "session.shutdown")
    ],
    "amp": [
        {
            "id": "T-1",
            "title": TEXT,
            "messages": [
                {"role": "user", "messageId": 0, "content": [{"text": TEXT}]},
                {
                    "role": "assistant",
                    "messageId": 1,
                    "content": [{"type": "tool_use", "input": {"q": TEXT}}],
                    "usage": {
                        "model": "claude-haiku-4-5",
                        "inputTokens": 5,
                        "outputTokens": 7,
                        "timestamp": "2026-01-01T00:00:00Z",
                    },
                },
            ],
        }
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
            "request": {
                "model": "gpt-4o-mini",
                "instructions": TEXT,
                "input": [
                    {"role": "user", "content": TEXT},
                    {"type": "function_call", "name": TEXT, "arguments": TEXT},
                    {"type": "function_call_output", "call_id": "1", "output": TEXT},
                    {"type": "shell_call_output", "output": [{"stdout": TEXT, "outcome": TEXT}]},
                ],
            },
            "response": {
                "id": "resp_0123456789abcdef0123",
                "object": "response",
                "created_at": 1_767_225_600,
                "model": "gpt-4o-mini",
                "output": [
                    {"type": "message", "content": [{"type": "output_text", "text": TEXT}]},
                    {"type": "custom_tool_call", "name": TEXT, "input": TEXT},
                    {"type": "local_shell_call", "action": {"command": [TEXT]}},
                ],
                "instructions": TEXT,
                "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
            },
        },
        {"request": ASKED, "response": {"error": {"message": TEXT, "type": "invalid_request"}}},
    ],
    "anthropic": [
        CLAUDE,
        {
            "request": {
                "model": "claude-haiku-4-5",
                "system": TEXT,
                "tools": DESCRIBED,
                "messages": TURNS,
            },
            "response": {**CLAUDE, "id": "msg_01YyYyYyYyYyYyYyYyYyYyYy"},
        },
        {"custom_id": "job-1", "result": {"type": "errored", "error": {"message": TEXT}}},
    ],
    "gemini": [
        {
            "request": {
                "contents": [
                    {"parts": [{"text": TEXT}]},
                    {"role": "model", "parts": [{"functionCall": {"name": TEXT, "args": {}}}]},
                    {"parts": [{"functionResponse": {"name": TEXT, "response": {"error": TEXT}}}]},
                ],
                "systemInstruction": TEXT,
                "tools": [{"functionDeclarations": [{"name": "look", "description": TEXT}]}],
            },
            "response": {
                "responseId": "AbCdEfGhIjKlMnOp",
                "modelVersion": "gemini-2.5-flash",
                "candidates": [
                    {
                        "content": {
                            "parts": [
                                {"text": TEXT},
                                {"functionCall": {"name": TEXT, "args": {"q": TEXT}}},
                            ]
                        }
                    }
                ],
                "usageMetadata": {
                    "promptTokenCount": 3,
                    "candidatesTokenCount": 2,
                    "totalTokenCount": 5,
                },
            },
        }
    ],
}

LOGS |= {
    "helicone": [
        {
            "request_id": "0c8f1e9a-0000-4000-8000-000000000002",
            "request_created_at": "2026-05-04T10:20:30Z",
            "response_status": 500,
            "model": "gpt-4o-mini",
            "prompt_tokens": 9,
            "completion_tokens": 1,
            "request_body": ASKED,
            "response_body": {**CHAT, "id": "chatcmpl-AbCdEfGhIjKl000011"},
            "request_properties": {"prompt": TEXT, "plan": "pro"},
        },
    ],
    "portkey": [
        {
            "id": "0d9f1e9a-0000-4000-8000-000000000001",
            "created_at": "2026-05-04T10:20:30Z",
            "ai_org": "openai",
            "ai_model": "gpt-4o",
            "is_success": 1,
            "req_units": 9,
            "res_units": 1,
            "request": {"body": ASKED},
            "response": {"body": {**CHAT, "id": "chatcmpl-AbCdEfGhIjKl000012"}},
            "metadata": {"content": TEXT},
        }
    ],
    "cloudflare": [
        {
            "id": "01JADMCQQQBWH3NXZ5GCRN98DP",
            "created_at": "2026-05-04T10:20:30Z",
            "provider": "openai",
            "model": "gpt-4o",
            "cached": False,
            "success": True,
            "tokens_in": 9,
            "tokens_out": 1,
            "request_head": TEXT,
            "response_head": TEXT,
            "metadata": json.dumps({"messages": TEXT}),
        }
    ],
    "cloudflare-logpush": [
        {
            "Cached": False,
            "Endpoint": "chat/completions",
            "Gateway": "prod",
            "Model": "gpt-4o-mini",
            "Provider": "openai",
            "StatusCode": 200,
            "Metadata": {"input": TEXT},
            "RequestBody": ASKED,
            "ResponseBody": {**CHAT, "id": "chatcmpl-AbCdEfGhIjKl000013"},
        }
    ],
    "kong": [
        {
            "request": {"id": "1c2f4c3d9a", "headers": {"x": TEXT}},
            "response": {"status": 200},
            "latencies": {"request": 1},
            "started_at": 1_777_890_030_500,
            "ai": {
                "payload": {"request": TEXT},
                "proxy": {
                    "payload": {"response": TEXT},
                    "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
                    "meta": {"provider_name": "openai", "response_model": "gpt-4o"},
                },
            },
        }
    ],
    "envoy-ai-gateway": [
        {
            "start_time": "2026-05-04T10:20:30Z",
            "x-request-id": "7b6d1b0c-1111-4222-8333-444455556666",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 9,
            "gen_ai.usage.output_tokens": 1,
            "gen_ai.input.messages": TEXT,
            "response_code": 200,
        }
    ],
    "bifrost": [
        {
            "id": "9e3c0f44-1111-4222-8333-444455556666",
            "timestamp": "2026-05-04T10:20:30Z",
            "provider": "openai",
            "model": "gpt-4o",
            "status": "error",
            "fallback_index": 0,
            "number_of_retries": 0,
            "selected_key_id": "k-1",
            "token_usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
            "input_history": [{"role": "user", "content": TEXT}],
            "output_message": {"role": "assistant", "content": TEXT},
            "content_summary": TEXT,
            "error_details": {"error": {"type": "server_error", "message": TEXT}},
            "metadata": {"prompt": TEXT},
            "raw_request": json.dumps(ASKED),
        }
    ],
    "openrouter-activity": [
        {
            "generation_id": "gen-1771967930-1gsys6ZhRaY0TPbuRsDR",
            "created_at": "2026-05-04 10:20:30",
            "cost_total": "0.1",
            "tokens_prompt": "9",
            "tokens_completion": "1",
            "model_permaslug": "openai/gpt-4o",
            "finish_reason_raw": TEXT,
        }
    ],
    "cursor": [
        {
            "Date": "2026-05-04T10:20:30Z",
            "Model": "gpt-5",
            "Input (w/ Cache Write)": "0",
            "Input (w/o Cache Write)": "9",
            "Cache Read": "0",
            "Output Tokens": "1",
            "Prompt": TEXT,
        }
    ],
    "cursor-api": [
        {
            "timestamp": "1777890030500",
            "model": "gpt-5",
            "kind": "USAGE_EVENT_KIND_USAGE_BASED",
            "tokenUsage": {"inputTokens": 9, "outputTokens": 1},
            "text": TEXT,
        }
    ],
}


LOGS["converse"] = [
    {
        "request": {
            "modelId": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "system": [{"text": TEXT}],
            "messages": [
                {"role": "user", "content": [{"text": TEXT}]},
                {"role": "assistant", "content": [{"toolUse": {"name": TEXT, "input": TEXT}}]},
                {
                    "role": "user",
                    "content": [{"toolResult": {"content": [{"text": TEXT}], "status": "error"}}],
                },
            ],
            "toolConfig": {"tools": [{"toolSpec": {"name": "look", "description": TEXT}}]},
        },
        "response": {
            "output": {
                "message": {"content": [{"text": TEXT}, {"toolUse": {"name": TEXT, "input": TEXT}}]}
            },
            "stopReason": "end_turn",
            "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
        },
    }
]
LOGS["cohere"] = [
    {
        "request": {"model": "command-a-03-2025", "messages": [{"content": TEXT}]},
        "response": {
            "id": "0bf8e1a5-2af6-4014-a539-c12363a043a3",
            "message": {"content": [{"type": "text", "text": TEXT}], "tool_plan": TEXT},
            "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 2}},
        },
    },
    {"text": TEXT, "message": TEXT, "meta": {"billed_units": {"input_tokens": 3}}},
]
LOGS["vertex"] = [
    {
        "logging_time": "2026-01-01T00:00:00Z",
        "model": "publishers/google/models/gemini-2.5-flash",
        "full_request": LOGS["gemini"][0]["request"],
        "full_response": LOGS["gemini"][0]["response"],
        "otel_log": {"body": TEXT},
    }
]
LOGS["azure"] = [
    {
        "category": "GatewayLlmLogs",
        "time": "2026-01-01T00:00:00Z",
        "properties": {
            "correlationId": "0d9e0a2f-6a5b-4a53",
            "modelName": "gpt-4o-mini",
            "promptTokens": 3,
            "completionTokens": 2,
            "requestMessages": [{"content": TEXT}],
            "responseMessages": [{"content": TEXT}],
        },
    }
]
LOGS["bedrock"] = [
    {
        "schemaType": "ModelInvocationLog",
        "timestamp": "2026-04-19T23:57:01Z",
        "requestId": "5346af27-8f56-4fb8-a6de-058be7a50818",
        "operation": "Converse",
        "modelId": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "errorMessage": TEXT,
        "input": {
            "inputTokenCount": 3,
            "inputBodyJson": {
                "system": [{"text": TEXT}],
                "messages": [{"role": "user", "content": [{"text": TEXT}]}],
                "toolConfig": {"tools": [{"toolSpec": {"name": "look", "description": TEXT}}]},
            },
        },
        "output": {
            "outputTokenCount": 2,
            "outputBodyJson": {
                "output": {
                    "message": {
                        "content": [
                            {"text": TEXT},
                            {"reasoningContent": {"reasoningText": {"text": TEXT}}},
                            {"toolUse": {"name": "look", "input": {"at": TEXT}}},
                        ]
                    }
                },
                "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
            },
        },
    }
]


def attribute(name: str, value: Any) -> dict[str, Any]:
    kind = "intValue" if isinstance(value, int) else "stringValue"
    return {"key": name, "value": {kind: value}}


SPAN = {
    "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
    "spanId": "00f067aa0ba902b7",
    "name": TEXT,
    "startTimeUnixNano": "1767225600000000000",
    "endTimeUnixNano": "1767225601000000000",
    "status": {"code": 2, "message": TEXT},
    "events": [{"name": TEXT, "attributes": [attribute("gen_ai.prompt", TEXT)]}],
    "attributes": [
        attribute("gen_ai.operation.name", "chat"),
        attribute("gen_ai.request.model", TEXT),
        attribute("gen_ai.response.id", TEXT),
        attribute("gen_ai.input.messages", TEXT),
        attribute("gen_ai.output.messages", TEXT),
        attribute("gen_ai.prompt.0.content", TEXT),
        attribute("input.value", TEXT),
        attribute("error.type", TEXT),
        attribute("gen_ai.response.finish_reasons", TEXT),
        attribute("gen_ai.usage.input_tokens", 9),
    ],
}
CALLED = {"name": TEXT, "arguments": json.dumps({"q": TEXT})}
LOGS["langfuse"] = [
    {
        "id": "8f4f1f5b64f84f0a",
        "traceId": SPAN["traceId"],
        "type": "GENERATION",
        "startTime": "2026-01-01T00:00:00.000Z",
        "level": "ERROR",
        "statusMessage": TEXT,
        "model": TEXT,
        "input": TEXT,
        "output": {"content": TEXT},
        "metadata": {"note": TEXT, "attributes": {"gen_ai.response.id": TEXT, "input": TEXT}},
        "modelParameters": {"id": TEXT, "instructions": TEXT},
        "usageDetails": {"input": 3, "output": 1, "total": 4},
    },
    {
        "id": "8f4f1f5b64f84f0b",
        "traceId": SPAN["traceId"],
        "type": "GENERATION",
        "startTime": TEXT,
        "usageDetails": {TEXT: 3},
    },
    {
        "id": "8f4f1f5b64f84f0c",
        "traceId": SPAN["traceId"],
        "type": "GENERATION",
        "startTime": "2026-01-01T00:00:00.000Z",
        "model": "gpt-4o",
        "input": ASKED,
        "output": {"role": "assistant", "content": TEXT, "tool_calls": [{"function": CALLED}]},
        "usageDetails": {"input": 3, "output": 1, "total": 4},
    },
    {
        "id": "8f4f1f5b64f84f0d",
        "traceId": SPAN["traceId"],
        "type": "GENERATION",
        "startTime": "2026-01-01T00:00:00.000Z",
        "model": "gpt-4o",
        "input": [
            {"type": "ai", "content": "", "tool_calls": [{"name": TEXT, "args": {"q": TEXT}}]},
            {"type": "tool", "name": TEXT, "content": TEXT, "status": TEXT},
            {"role": "tool", "content": {"type": "function", "function": {"name": TEXT}}},
        ],
        "output": {"content": "", "additional_kwargs": {"tool_calls": [{"function": CALLED}]}},
        "usageDetails": {"input": 3, "output": 1, "total": 4},
    },
    {
        "trace": {
            "id": SPAN["traceId"],
            "scores": [
                {"name": name, "dataType": kind, "value": 1, "stringValue": TEXT, "comment": TEXT}
                for name, kind in (("success", "BOOLEAN"), (TEXT, "CATEGORICAL"))
            ],
        },
        "observations": [
            {
                "id": "8f4f1f5b64f84f0e",
                "type": "GENERATION",
                "startTime": "2026-01-01T00:00:00.000Z",
                "usageDetails": {"input": 3, "output": 1, "total": 4},
            }
        ],
    },
]
CHATTED: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 9,
}
SPOKEN: list[dict[str, Any]] = [
    {
        "gen_ai.input.messages": [
            {"role": "user", "parts": [{"type": "text", "content": TEXT}]},
            {"role": "assistant", "parts": [{"type": "tool_call", **CALLED}]},
            {"role": TEXT, "parts": [{"type": "tool_call_response", "response": TEXT}]},
            {"role": "tool", "parts": [{"type": TEXT, "result": {TEXT: TEXT}}]},
        ],
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "parts": [{"type": "tool_call", **CALLED}]}]
        ),
        "gen_ai.tool.definitions": json.dumps([{"name": TEXT, "description": TEXT}]),
    },
    {
        "llm.input_messages.0.message.role": "tool",
        "llm.input_messages.0.message.name": TEXT,
        "llm.input_messages.0.message.tool_call_id": TEXT,
        "llm.input_messages.0.message.content": TEXT,
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": TEXT,
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": TEXT,
    },
    {
        "gen_ai.prompt.0.role": "tool",
        "gen_ai.prompt.0.content": TEXT,
        "gen_ai.completion.0.tool_calls.0.name": TEXT,
        "gen_ai.completion.0.tool_calls.0.arguments": TEXT,
        "llm.request.functions.0.name": TEXT,
        "llm.request.functions.0.parameters": TEXT,
    },
    {
        "ai.operationId": "ai.streamText.doStream",
        "ai.prompt.messages": json.dumps(
            [
                {
                    "role": "tool",
                    "content": [
                        {
                            "type": "tool-result",
                            "toolName": TEXT,
                            "output": {"type": "error-text", "value": TEXT},
                        }
                    ],
                }
            ]
        ),
        "ai.response.toolCalls": json.dumps([{"toolName": TEXT, "input": TEXT}]),
    },
]
"""Tools of each convention, as attributes."""

LOGS["otel"] = [
    {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]},
    {
        "resourceSpans": [
            {
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                **SPAN,
                                "spanId": "00f067aa0ba902b8",
                                "attributes": [attribute("gen_ai.usage.input_tokens", TEXT)],
                            }
                        ]
                    }
                ]
            }
        ]
    },
    {
        "type": "span",
        "traceId": SPAN["traceId"],
        "spanId": "00f067aa0ba902b9",
        "name": TEXT,
        "attributes": {"gen_ai.usage.output_tokens": 1, "input": {"value": TEXT}},
    },
    {
        "type": "span",
        "traceId": SPAN["traceId"],
        "spanId": "00f067aa0ba902ba",
        "attributes": {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "llm.input_messages.0.message.role": TEXT,
            "llm.input_messages.0.message.content": TEXT,
            "llm.tools.0.tool.json_schema": json.dumps({"name": TEXT, "description": TEXT}),
            "gen_ai.output.messages": [
                {"role": TEXT, "parts": [{"type": "tool_call", "name": TEXT, "arguments": TEXT}]}
            ],
        },
    },
    *(
        {
            "type": "span",
            "traceId": SPAN["traceId"],
            "spanId": f"00f067aa0ba9{number:04x}",
            "attributes": CHATTED | spoken,
        }
        for number, spoken in enumerate(SPOKEN)
    ),
]

LOGS["focus"] = [
    {
        "BilledCost": 1.25,
        "BillingCurrency": "USD",
        "BillingPeriodStart": "2026-05-01T00:00:00Z",
        "BillingPeriodEnd": "2026-06-01T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargePeriodStart": "2026-05-01T00:00:00Z",
        "ChargePeriodEnd": "2026-05-02T00:00:00Z",
        "ServiceName": "Amazon Bedrock",
        "SkuPriceDetails": json.dumps({"x_Model": TEXT, TEXT: TEXT}),
        "Tags": {"note": TEXT},
        "ResourceId": TEXT,
        "ResourceName": TEXT,
        "x_Note": TEXT,
    },
]
LOGS["aws-cur"] = [
    {
        "line_item_line_item_type": "Usage",
        "line_item_product_code": "AmazonBedrock",
        "line_item_unblended_cost": 1.25,
        "line_item_currency_code": "USD",
        "line_item_usage_start_date": "2026-05-01T00:00:00Z",
        "line_item_usage_end_date": "2026-05-01T01:00:00Z",
        "line_item_usage_type": "USE1-NovaPro-input-tokens",
        "line_item_line_item_description": TEXT,
        "line_item_resource_id": TEXT,
        "product": {"note": TEXT},
        "resource_tags": {"note": TEXT},
    },
]
LOGS["gcp-billing"] = [
    {
        "billing_account_id": "010101-F0FFF0-61C528",
        "service": {"id": "C7E2-9256-1C43", "description": "Vertex AI"},
        "sku": {"id": "0001-0002-0003", "description": "Gemini 2.5 Flash GA Text Input"},
        "usage_start_time": "2026-05-01T00:00:00Z",
        "usage_end_time": "2026-05-01T01:00:00Z",
        "cost": 1.25,
        "currency": "USD",
        "labels": [{"key": "note", "value": TEXT}],
        "resource": {"name": TEXT, "global_name": TEXT},
        "project": {"id": "acme", "name": TEXT},
    },
]
LOGS["azure-cost"] = [
    {
        "Date": "2026-05-01",
        "MeterCategory": "Cognitive Services",
        "MeterSubCategory": "Azure OpenAI",
        "MeterName": "gpt 4o 0806 Inp glbl Tokens",
        "Quantity": 3,
        "UnitOfMeasure": "1K",
        "ChargeType": "Usage",
        "Cost": 1.25,
        "BillingCurrency": "USD",
        "AdditionalInfo": TEXT,
        "Tags": TEXT,
        "ResourceId": TEXT,
    },
]


LOGS["openai-admin"] = [
    {
        "object": "bucket",
        "start_time": 1_777_593_600,
        "end_time": 1_777_680_000,
        "results": [
            {
                "object": "organization.usage.completions.result",
                "input_tokens": 1,
                "output_tokens": 1,
                "model": TEXT,
                "project_id": TEXT,
                "size": TEXT,
                "note": TEXT,
            },
            {"object": TEXT},
        ],
        "prompt": TEXT,
    }
]
LOGS["openai-dashboard"] = [
    {
        "start_time": "1777593600",
        "end_time": "1777680000",
        "start_time_iso": TEXT,
        "end_time_iso": TEXT,
        "amount_value": "0.5",
        "amount_currency": "usd",
        "project_id": TEXT,
        "project_name": TEXT,
        "user_email": TEXT,
    },
]
LOGS["anthropic-admin"] = [
    {
        "starting_at": "2026-05-01T00:00:00Z",
        "ending_at": "2026-05-02T00:00:00Z",
        "results": [
            {"output_tokens": 1, "model": TEXT, "workspace_id": TEXT, "prompt": TEXT},
            {"amount": "1", "currency": TEXT},
            {"output_tokens": 1, "cache_creation": {TEXT: 1}},
        ],
    }
]
LOGS["anthropic-console"] = [
    {"usage_date_utc": "2026-05-01", "usage_output_tokens": "1", "model_version": TEXT},
    {"usage_date_utc": TEXT, "cost_usd": "1"},
]


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
    for table in ("usage", "statements", "rejects"):
        outputs.append(tokman("sql", f"from {table}", "-f", "json", "--ledger", "ledger"))
    outputs.append(tokman("recommend", "--ledger", "ledger"))
    usage, statements = (json.loads(output.out) for output in outputs[-4:-2])
    assert usage or statements, "something was read"
    for output in outputs:
        assert CANARY not in output.out + output.err
    files = [path for path in (tmp_path / "ledger").rglob("*") if path.is_file()]
    assert any(path.suffix == ".parquet" for path in files)
    for path in [*files, tmp_path / "rejects.csv"]:
        assert CANARY.encode() not in path.read_bytes(), path
