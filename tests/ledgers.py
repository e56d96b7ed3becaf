"""Small ledgers for tests: LiteLLM rows with exactly what a test wants to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokman import rates
from tokman.config import Rates
from tokman.ingest import ingest
from tokman.ledger import Ledger


def call(
    number: int,
    at: str = "2026-11-02 10:00:00",
    *,
    model: str = "gpt-5.5",
    provider: str = "openai",
    prompt: int = 1000,
    cached: int = 0,
    answer: int = 100,
    workflow: str | None = None,
    alias: str | None = None,
    user: str | None = None,
    session: str | None = None,
    failed: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """One SpendLogs row; `at` is UTC, counts are tokens."""
    return {
        "request_id": f"chatcmpl-test-{number:06}",
        "call_type": "acompletion",
        "startTime": f"{at}+00:00",
        "model": model,
        "custom_llm_provider": provider,
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "status": "failure" if failed else "success",
        "end_user": user,
        "session_id": session,
        "request_tags": [f"workflow:{workflow}"] if workflow else [],
        "metadata": {
            "user_api_key_alias": alias,
            "usage_object": {"prompt_tokens_details": {"cached_tokens": cached}},
        },
        **more,
    }


def made(folder: Path, calls: list[dict[str, Any]], prices: Rates | None = None) -> Path:
    """The folder, now a ledger of these calls."""
    log = folder.with_name(f"{folder.name}.jsonl")
    log.write_text("".join(json.dumps(each) + "\n" for each in calls))
    done = ingest([str(log)], Ledger(folder, create=True), lambda: rates.load(prices))
    assert not done.rejects
    assert done.added == len(calls)
    return folder
