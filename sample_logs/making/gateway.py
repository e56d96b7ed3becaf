"""LiteLLM: SpendLogs rows and StandardLoggingPayload records."""

from __future__ import annotations

from datetime import datetime, timedelta

from making.books import (
    DAYS,
    FIRST_DAY,
    GPT,
    MINI,
    OWN,
    PRICES,
    SONNET,
    Json,
    Maker,
    Tokens,
    dump,
    openai_usage,
    sha,
    spaced,
    week,
)

STATIC = 3140
"""Tokens of the support assistant's system prompt and tools."""


def spend_log(
    m: Maker,
    call: Json,
    tokens: Tokens,
    *,
    hit_of: str = "",
    error: tuple[str, str] | None = None,
) -> Json:
    """One LiteLLM_SpendLogs row; `call` has the start, model, workflow and who it was for."""
    start, model, workflow = call["start"], call["model"], call["workflow"]
    call_id, usage = m.uuid(), openai_usage(tokens)
    first = start + timedelta(milliseconds=1 if hit_of or error else m.between(420, 1400))
    end = first + timedelta(milliseconds=0 if hit_of or error else 14 * tokens.output + 90)
    request_id = call_id if error else hit_of or f"chatcmpl-{m.uuid()}"
    free = bool(hit_of or error) or model not in PRICES
    key_hash = sha(call["key"])
    if tokens.cache_read or tokens.written:
        usage["cache_read_input_tokens"] = tokens.cache_read
        usage["cache_creation_input_tokens"] = tokens.written
    metadata = {
        "additional_usage_values": {k: v for k, v in usage.items() if k.startswith("cache_")},
        "user_api_key": key_hash,
        "user_api_key_alias": call["key"],
        "user_api_key_team_id": call["team"],
        "user_api_key_team_alias": call["team"].title(),
        "user_api_key_user_id": call.get("user"),
        "spend_logs_metadata": {"workflow": workflow, **call.get("extra", {})},
        "litellm_call_id": call_id,
        "status": "failure" if error else "success",
        "error_information": error
        and {
            "error_code": error[0],
            "error_class": error[1],
            "llm_provider": call["provider"],
            "error_message": f"litellm.{error[1]}: the provider did not answer",
        },
        "usage_object": usage,
        "attempted_retries": call.get("retries", 0),
    }
    return {
        "request_id": request_id,
        "call_type": "acompletion",
        "api_key": key_hash,
        "spend": 0.0 if free else tokens.cost(model) / 10**12,
        "total_tokens": usage["total_tokens"],
        "prompt_tokens": usage["prompt_tokens"],
        "completion_tokens": usage["completion_tokens"],
        "startTime": spaced(start),
        "endTime": spaced(end),
        "completionStartTime": spaced(first),
        "request_duration_ms": round((end - start) / timedelta(milliseconds=1)),
        "model": model,
        "model_group": call.get("group", model),
        "custom_llm_provider": call["provider"],
        "api_base": call.get("api_base", ""),
        "user": call.get("user", ""),
        "team_id": call["team"],
        "end_user": call.get("end_user", ""),
        "metadata": dump(metadata),
        "cache_hit": "True" if hit_of else "False",
        "cache_key": sha(request_id) if call.get("faq") else "Cache OFF",
        "request_tags": dump([f"workflow:{workflow}", "env:prod", *call.get("tags", [])]),
        "messages": "{}",
        "response": "{}",
        "session_id": call.get("session"),
        "status": "failure" if error else "success",
    }


def support_assistant(m: Maker) -> list[Json]:
    """Streamed conversations with customers, prompt cache in use, some cache hits and errors."""
    turns: list[tuple[datetime, int, Json]] = []
    for number, opened in enumerate(m.office_times(36, 10)):
        chat: Json = {"session": m.uuid(), "end_user": f"customer-{m.rng.randint(1, 160)}"}
        chat |= {"read": 0, "prompt": STATIC, "until": opened}
        chat["question"] = m.rng.randrange(12) if m.rng.random() < 0.3 else None
        at, count = opened, m.rng.choice((1, 1, 2, 2, 3, 3, 4, 6))
        for turn in range(count):
            turns.append((at, number * 100 + turn, chat))
            at += timedelta(seconds=m.between(25, 280))
    rows: list[Json] = []
    answers: dict[int, tuple[datetime, str, Tokens]] = {}
    warm_until = FIRST_DAY
    for at, order, chat in sorted(turns, key=lambda turn: turn[:2]):
        call: Json = {"start": at, "model": SONNET, "workflow": "support-assistant"}
        call |= {"provider": "anthropic", "team": "support", "key": "support-web"}
        call |= {"user": "svc-support", "group": "claude-sonnet-4-5", "tags": ["channel:web-chat"]}
        call |= {"session": chat["session"], "end_user": chat["end_user"]}
        faq = chat["question"] if order % 100 == 0 else None
        call["faq"] = faq is not None
        if faq is not None and faq in answers and at < answers[faq][0]:
            hit = f"{answers[faq][1]}_cache_hit{at.timestamp()}"
            rows.append(spend_log(m, call, answers[faq][2], hit_of=hit))
            m.books.add("litellm", call["workflow"], SONNET, Tokens(), "response_cache_hits")
            chat["prompt"] += answers[faq][2].output + 60
            continue
        if m.rng.random() < 0.02:
            code = m.rng.choice((("429", "RateLimitError"), ("529", "InternalServerError")))
            rows.append(spend_log(m, call, Tokens(), error=code))
            m.books.add("litellm", call["workflow"], SONNET, Tokens(), "failed_calls")
            call |= {"start": at + timedelta(seconds=m.between(1.2, 4)), "retries": 1}
        prompt = chat["prompt"] + (m.rng.randint(300, 900) if order % 100 == 0 else 0)
        prompt += m.rng.randint(20, 160)
        read = chat["read"] if at < chat["until"] else STATIC if at < warm_until else 0
        cold = 0 if read else STATIC
        tokens = Tokens(4, read, prompt - read - cold - 4, cold, m.rng.randint(90, 420))
        rows.append(spend_log(m, call, tokens))
        m.books.add("litellm", call["workflow"], SONNET, tokens, at=call["start"])
        chat |= {"read": prompt - 4, "prompt": prompt + tokens.output}
        chat["until"], warm_until = at + timedelta(minutes=5), at + timedelta(hours=1)
        if faq is not None:
            answers[faq] = (at + timedelta(hours=24), rows[-1]["request_id"], tokens)
    return rows


def spend_logs(m: Maker) -> None:
    """Two exports that overlap by three days; the second one was cut while being copied."""
    rows = support_assistant(m)
    for at in [FIRST_DAY + timedelta(days=d, hours=9.2) for d in range(DAYS) if d % 7 < 5]:
        for _ in range(m.rng.choice((1, 2))):
            call: Json = {"start": at + timedelta(hours=m.between(0, 6)), "model": OWN}
            call |= {"workflow": "intent-routing", "provider": "hosted_vllm", "team": "platform"}
            call |= {"key": "router-dev", "api_base": "http://models.lumen.example:8000/v1"}
            tokens = Tokens(m.rng.randint(120, 400), output=m.rng.randint(3, 12))
            rows.append(spend_log(m, call, tokens))
            m.books.add("litellm", "intent-routing", OWN, tokens)
    m.books.found("unpriced", "intent-routing", f"no catalogue knows {OWN}: never $0")
    rows.sort(key=lambda row: row["startTime"])
    before = [row for row in rows if row["startTime"] < "2026-11-11"]
    after = [row for row in rows if row["startTime"] >= "2026-11-08"]
    m.books.repeats["litellm rows in both exports"] = len(before) + len(after) - len(rows)
    m.write("litellm/spend_logs_2026-10-19_to_11-10.jsonl.gz", before)
    torn = dump({**after[-1], "request_id": f"chatcmpl-{m.uuid()}"})[:700]
    name = "litellm/spend_logs_2026-11-08_to_11-15.jsonl"
    m.write(name, after, tail=torn)
    place = {"file": name, "line": len(after) + 1}
    m.books.broken.append(place | {"why": "cut in the middle of the last line"})


def ticket_labels(m: Maker) -> None:
    """One word per ticket from the most expensive model, at temperature 0; text redacted."""
    weeks: dict[str, list[Json]] = {}
    redacted = [{"role": "user", "content": "redacted-by-litellm"}]
    spent = cheaper = 0
    for start in sorted(m.office_times(112, 33)):
        tokens = Tokens(m.rng.randint(350, 900), output=m.rng.choice((1, 1, 2, 2, 3, 4)))
        cost, usage = tokens.cost(GPT) / 10**12, openai_usage(tokens)
        seconds, call_id, request_id = m.between(0.5, 1.6), m.uuid(), m.chars(29)
        row: Json = {"id": f"chatcmpl-{request_id}", "litellm_call_id": call_id}
        row |= {"trace_id": call_id, "session_id": "", "call_type": "acompletion"}
        row |= {"cache_hit": None, "stream": False, "status": "success"}
        row |= {"status_fields": {"llm_api_status": "success", "guardrail_status": "not_run"}}
        row |= {"custom_llm_provider": "openai", "saved_cache_cost": 0.0}
        row |= {"startTime": start.timestamp(), "endTime": round(start.timestamp() + seconds, 6)}
        row |= {"completionStartTime": row["endTime"], "response_time": round(seconds, 6)}
        row |= {"model": GPT, "model_group": GPT, "api_base": "https://api.openai.com"}
        row["metadata"] = {
            "user_api_key_hash": sha("helpdesk-prod"),
            "user_api_key_alias": "helpdesk-prod",
            "user_api_key_team_id": "support",
            "user_api_key_team_alias": "Support",
            "user_api_key_user_id": "svc-helpdesk",
            "spend_logs_metadata": {"workflow": "ticket-labels"},
            "usage_object": usage,
        }
        row |= {"cache_key": None, "response_cost": cost, **usage}
        row["cost_breakdown"] = {
            "input_cost": Tokens(tokens.prompt).cost(GPT) / 10**12,
            "output_cost": Tokens(output=tokens.output).cost(GPT) / 10**12,
            "total_cost": cost,
        }
        del row["prompt_tokens_details"], row["completion_tokens_details"]
        row |= {"request_tags": ["workflow:ticket-labels", "env:prod"], "end_user": ""}
        row |= {"messages": redacted, "response": {"choices": [{"message": redacted[0]}]}}
        row["model_parameters"] = {"temperature": 0, "max_tokens": 4, "reasoning_effort": "none"}
        row |= {"error_str": None, "error_information": None}
        weeks.setdefault(week(start), []).append(row)
        m.books.add("litellm", "ticket-labels", GPT, tokens)
        spent, cheaper = spent + tokens.cost(GPT), cheaper + tokens.cost(MINI)
    for name, rows in weeks.items():
        m.write(f"litellm/standard_logging_{name}.jsonl.gz", rows)
    why = f"one word out, temperature 0, on {GPT}; amount as on {MINI}"
    m.books.found("downgrade", "ticket-labels", why, (spent - cheaper) / 10**12)
