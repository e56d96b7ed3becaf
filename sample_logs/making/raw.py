"""Raw {request, response} pairs and batch results of OpenAI, Anthropic and Gemini."""

from __future__ import annotations

from datetime import datetime, timedelta

from making.books import (
    DAYS,
    EMBED,
    FIRST_DAY,
    GEMINI,
    GPT,
    HAIKU,
    ITEMS,
    OLD_MINI,
    SONNET,
    Json,
    Maker,
    Tokens,
    dump,
    openai_usage,
    week,
    zulu,
)


def chat_completion(m: Maker, model: str, at: datetime, text: str, tokens: Tokens) -> Json:
    """A Chat Completions response."""
    message: Json = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    return {
        "id": f"chatcmpl-{m.chars(29)}",
        "object": "chat.completion",
        "created": int(at.timestamp()),
        "model": {GPT: "gpt-5.5-2026-04-23", OLD_MINI: "gpt-4o-mini-2024-07-18"}[model],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": openai_usage(tokens),
        "service_tier": "default",
        "system_fingerprint": None,
    }


def nightly_digest(m: Maker) -> None:
    """About 120 independent calls at 02:10 UTC every night, twelve at a time, at full price."""
    weeks: dict[str, list[Json]] = {}
    system = "Write the morning digest of one account: what happened, what is open, what is next."
    spent = 0
    for day in range(DAYS):
        ready = [
            FIRST_DAY + timedelta(days=day, hours=2, minutes=10, seconds=2 + w) for w in range(12)
        ]
        for number in range(m.rng.randint(114, 126)):
            start = min(ready)
            asked = f"Account LD-A{number:03}, {start.date()}. {m.say(m.rng.randint(3, 6))}"
            visible, reasoning = m.rng.randint(80, 130), 64 * m.rng.randint(1, 5)
            tokens = Tokens(
                (len(system) + len(asked)) // 4 + 11, 0, 0, 0, visible + reasoning, reasoning
            )
            took = 900 + 15 * tokens.output + m.rng.randint(0, 1500)
            ready[ready.index(start)] = start + timedelta(milliseconds=took + 40)
            messages = [{"role": "system", "content": system}, {"role": "user", "content": asked}]
            request = {"model": GPT, "reasoning_effort": "low", "max_completion_tokens": 900}
            request |= {"messages": messages, "metadata": {"workflow": "nightly-digest"}}
            response = chat_completion(m, GPT, start, m.text_of(visible), tokens)
            row = {"timestamp": zulu(start), "duration_ms": took, "api_key_alias": "cron-digest"}
            row |= {"request": request, "response": response}
            weeks.setdefault(week(start), []).append(row)
            m.books.add("openai", "nightly-digest", GPT, tokens)
            spent += tokens.cost(GPT)
    for name, rows in weeks.items():
        m.write(f"openai/nightly-digest-{name}.jsonl.gz", rows)
    why = "every night at 02:10 UTC, nobody waits; amount is half of it"
    m.books.found("batch", "nightly-digest", why, spent / 2 / 10**12)


def docs_qa(m: Maker) -> None:
    """Questions of the staff behind one long, never cached system prompt and three tools."""
    lines = [
        f"LD-{n} {item} {form}: {m.rng.randint(4, 60)} W, {m.rng.choice((2700, 3000, 4000))} K, "
        f"dims in {m.rng.randint(8, 255)} steps, weighs {m.rng.randint(180, 4200)} g, fits bracket "
        f"B{m.rng.randint(1, 9)}. {m.say(5)}"
        for n, (item, form) in enumerate(
            [
                (i, f)
                for i in ITEMS
                for f in [
                    "small",
                    "wide",
                    "tall",
                    "twin",
                    "slim",
                    "white",
                    "black",
                    "oak",
                    "brass",
                    "outdoor",
                ]
            ],
            101,
        )
    ]
    system = (
        "You answer staff questions from this handbook only, in three sentences.\n"
        + "\n".join(lines)
    )
    told = {"stock": "Look up stock.", "orders": "Find an order.", "manuals": "Search manuals."}
    query = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
    tools = [
        {
            "name": name,
            "description": f"{what} Use it when the handbook has no answer. {m.say(6)}",
            "input_schema": query,
        }
        for name, what in told.items()
    ]
    static = (len(system) + len(dump(tools))) // 4
    weeks: dict[str, list[Json]] = {}
    times = []
    for opened in sorted(m.office_times(13, 0)):
        for at in range(m.rng.randint(3, 6)):
            times.append((opened + timedelta(seconds=at * m.between(25, 140)), opened))
    warm_until, saved = FIRST_DAY, 0.0
    for start, opened in sorted(times):
        asked = f"Question {m.chars(6)}: {m.say(m.rng.randint(4, 9))} What do we answer?"
        tokens = Tokens(static + len(asked) // 4 + 9, output=m.rng.randint(70, 150))
        request = {
            "model": "claude-sonnet-4-5",
            "max_tokens": 600,
            "system": system,
            "tools": tools,
        }
        request |= {"messages": [{"role": "user", "content": asked}]}
        request |= {"metadata": {"user_id": f"staff-{opened.minute % 22 + 1:02}"}}
        row: Json = {"timestamp": zulu(start), "duration_ms": 700 + 16 * tokens.output}
        row |= {"metadata": {"workflow": "docs-qa"}, "request": request}
        row["response"] = message(m, SONNET, m.text_of(tokens.output), tokens, "standard")
        weeks.setdefault(week(start), []).append(row)
        m.books.add("anthropic", "docs-qa", SONNET, tokens, at=start)
        saved += static * 3e-6 * (1 - (0.1 if start < warm_until else 1.25))
        warm_until = start + timedelta(minutes=5)
    for name, rows in weeks.items():
        m.write(f"anthropic/docs-qa-{name}.jsonl.gz", rows)
    why = f"{static} equal tokens of system and tools, never cached; amount as 5-minute cache"
    m.books.found("prompt-cache", "docs-qa", why, saved)


def message(m: Maker, model: str, text: str, tokens: Tokens, tier: str) -> Json:
    """A Messages response, with nothing read from a cache or written to one."""
    usage: Json = {"input_tokens": tokens.uncached_input, "cache_creation_input_tokens": 0}
    usage |= {"cache_read_input_tokens": 0, "output_tokens": tokens.output, "service_tier": tier}
    usage["cache_creation"] = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    body: Json = {
        "id": f"msg_01{m.chars(22)}",
        "type": "message",
        "role": "assistant",
        "model": model,
    }
    body |= {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
    return body | {"stop_sequence": None, "usage": usage}


def doc_embeddings(m: Maker) -> None:
    """Pages of the handbook, embedded when they change; eight dimensions keep the file small."""
    rows = []
    for start in sorted(m.office_times(7, 0)):
        page = f"Page {m.rng.randint(1, 400)}: {m.say(m.rng.randint(6, 14))}"
        tokens = Tokens(len(page) // 4)
        vector = [round(m.between(-0.4, 0.4), 6) for _ in range(8)]
        request = {"model": EMBED, "input": page, "dimensions": 8, "encoding_format": "float"}
        response: Json = {"object": "list", "model": EMBED}
        response |= {"data": [{"object": "embedding", "index": 0, "embedding": vector}]}
        response |= {"usage": {"prompt_tokens": tokens.prompt, "total_tokens": tokens.prompt}}
        row: Json = {"timestamp": zulu(start), "request_id": f"req_{m.rng.getrandbits(128):032x}"}
        row |= {"duration_ms": m.rng.randint(60, 240), "metadata": {"workflow": "doc-embeddings"}}
        rows.append(row | {"request": request, "response": response})
        m.books.add("openai", "doc-embeddings", EMBED, tokens)
    m.write("openai/doc-embeddings.jsonl", rows)


def batches(m: Maker) -> None:
    """Work that is in a batch already: one output file of OpenAI, one results file of Anthropic."""
    start, rows = FIRST_DAY + timedelta(days=20, hours=3), []
    for number in range(160):
        visible = m.rng.randint(30, 70)
        tokens = Tokens(m.rng.randint(300, 900), output=visible)
        at = start + timedelta(seconds=m.rng.randint(0, 2400))
        body = chat_completion(m, OLD_MINI, at, m.text_of(visible), tokens)
        response = {
            "status_code": 200,
            "request_id": f"{m.rng.getrandbits(128):032x}",
            "body": body,
        }
        row: Json = {"id": f"batch_req_{m.rng.getrandbits(96):024x}"}
        row |= {"custom_id": f"weekly-themes-{number:04}", "response": response, "error": None}
        rows.append(row)
        m.books.add("openai-batch", "weekly-themes", OLD_MINI, tokens)
    m.rng.shuffle(rows)
    m.write("openai/batch_6910b3a2c0f48190_output.jsonl", rows)
    rows = []
    for number in range(92):
        result: Json = {"type": "expired"}
        if number < 90:
            tokens = Tokens(m.rng.randint(400, 1400), output=m.rng.randint(40, 90))
            text = m.text_of(tokens.output)
            result = {"type": "succeeded", "message": message(m, HAIKU, text, tokens, "batch")}
            m.books.add("anthropic-batch", "review-replies", HAIKU, tokens)
        else:
            if number == 90:
                error = {"type": "invalid_request_error", "message": "messages: required"}
                result = {"type": "errored", "error": {"type": "error", "error": error}}
            m.books.add("anthropic-batch", "review-replies", HAIKU, Tokens(), "failed_calls")
        rows.append({"custom_id": f"review-replies-{number:03}", "result": result})
    m.rng.shuffle(rows)
    m.write("anthropic/msgbatch_01LumenReviewReplies_results.jsonl", rows)


def image_captions(m: Maker) -> None:
    """Captions of product pictures by Gemini; its thoughts are billed beside the candidates."""
    rows = []
    for start in sorted(m.office_times(3, 0)):
        asked = f"Caption this picture of the {m.rng.choice(ITEMS)} for the shop, in one sentence."
        words, visible, thoughts = len(asked) // 4, m.rng.randint(14, 30), m.rng.randint(40, 160)
        tokens = Tokens(words + 258, output=visible + thoughts, reasoning=thoughts)
        picture = {"mimeType": "image/jpeg", "fileUri": f"gs://lumen-pictures/{m.chars(10)}.jpg"}
        parts = [{"text": asked}, {"fileData": picture}]
        request = {"contents": [{"role": "user", "parts": parts}]}
        answer = {"role": "model", "parts": [{"text": m.text_of(visible)}]}
        usage: Json = {"promptTokenCount": tokens.prompt, "candidatesTokenCount": visible}
        usage["promptTokensDetails"] = [
            {"modality": "TEXT", "tokenCount": words},
            {"modality": "IMAGE", "tokenCount": 258},
        ]
        usage |= {"thoughtsTokenCount": thoughts, "totalTokenCount": tokens.prompt + tokens.output}
        response: Json = {"candidates": [{"content": answer, "finishReason": "STOP", "index": 0}]}
        response |= {"modelVersion": GEMINI, "responseId": m.chars(23), "usageMetadata": usage}
        row: Json = {"timestamp": zulu(start), "duration_ms": 600 + 6 * tokens.output}
        row |= {"metadata": {"workflow": "image-captions"}, "request": request}
        rows.append(row | {"response": response})
        m.books.add("gemini", "image-captions", GEMINI, tokens)
    m.write("gemini/image-captions.jsonl", rows)
