"""Made-up rows of LiteLLM_SpendLogs, a JSON line each, like a dump of the proxy's table."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path

from .text import uuid

ROWS = 500_000
START = 1_788_220_800_000_000
MONTH = 30 * 86_400_000_000
PICO = Decimal(10) ** 12

MODELS = (
    ("gpt-4o-mini", "openai", 0.15, 0.6),
    ("gpt-4o", "openai", 2.5, 10.0),
    ("gpt-5", "openai", 1.25, 10.0),
    ("claude-sonnet-4-5-20250929", "anthropic", 3.0, 15.0),
    ("claude-haiku-4-5-20251001", "anthropic", 1.0, 5.0),
    ("gemini-2.5-flash", "gemini", 0.3, 2.5),
)
WORKFLOWS = tuple(
    f"{team}-{job}"
    for team in ("support", "finance", "search", "legal", "growth")
    for job in ("triage", "extract", "summary", "answer", "label", "review", "digest", "route")
)


def _stamp(micros: int, days: list[str]) -> str:
    """2026-09-01 09:30:00.123456+00:00, the way the proxy writes it; dates are looked up."""
    day, rest = divmod(micros - START, 86_400_000_000)
    seconds, micro = divmod(rest, 1_000_000)
    minutes, second = divmod(seconds, 60)
    return f"{days[day]} {minutes // 60:02}:{minutes % 60:02}:{second:02}.{micro:06}+00:00"


def _days(count: int) -> list[str]:
    from datetime import UTC, datetime, timedelta

    first = datetime.fromtimestamp(START / 1e6, UTC)
    return [f"{first + timedelta(days=number):%Y-%m-%d}" for number in range(count)]


def write(path: Path, seed: int, rows: int = ROWS) -> dict[str, int]:
    """Write the rows; returns what they add up to, billed cost in whole pico-dollars."""
    pick = random.Random(seed)
    days = _days(32)
    sums = dict.fromkeys(
        ("rows", "failed", "prompt_tokens", "completion_tokens", "cache_read", "cache_write"), 0
    )
    billed = Decimal(0)
    keys = [f"{pick.getrandbits(256):064x}" for _ in range(60)]
    step = MONTH // rows
    with path.open("w", encoding="utf-8") as out:
        for number in range(rows):
            model, provider, price_in, price_out = MODELS[int(pick.random() ** 1.5 * 6)]
            workflow = WORKFLOWS[int(pick.random() ** 2 * 40)]
            kind = pick.random()
            prompt = 50 + int(pick.lognormvariate(6.8, 1.1))
            completion = 1 + int(pick.lognormvariate(5.0, 1.0))
            read = prompt // 2 if pick.random() < 0.3 else 0
            written = prompt // 4 if provider == "anthropic" and pick.random() < 0.2 else 0
            began = START + number * step + int(pick.random() * step)
            took = 200_000 + int(pick.random() * 9_000_000)
            status, hit, error = "success", "False" if kind < 0.6 else "None", "null"
            if kind > 0.985:
                status, prompt, completion, read, written = "failure", 0, 0, 0, 0
                error = (
                    '{"error_code":"429","error_class":"RateLimitError","llm_provider":"openai"}'
                )
            spend = (price_in * (prompt - 0.9 * read) + price_out * completion) / 1e6
            request = f"chatcmpl-{uuid(pick)}"
            if 0.955 < kind <= 0.985:
                hit, spend = "True", 0.0
                request += f"_cache_hit{began / 1e6}"
            line = _row(
                request, model, provider, workflow, keys[number % 60], number % 200,
                _stamp(began, days), _stamp(began + took, days), took // 1000,
                (prompt, completion, read, written), spend, status, hit, error, uuid(pick),
            )  # fmt: skip
            out.write(line)
            sums["rows"] += 1
            sums["failed"] += status == "failure"
            sums["prompt_tokens"] += prompt
            sums["completion_tokens"] += completion
            sums["cache_read"] += read
            sums["cache_write"] += written
            billed += round(Decimal(repr(spend)) * PICO)
    return {**sums, "billed_pico": int(billed)}


def _row(
    request: str,
    model: str,
    provider: str,
    workflow: str,
    key: str,
    user: int,
    began: str,
    ended: str,
    took: int,
    tokens: tuple[int, int, int, int],
    spend: float,
    status: str,
    hit: str,
    error: str,
    call: str,
) -> str:
    prompt, completion, read, written = tokens
    team = workflow.partition("-")[0]
    usage = (
        f'{{"completion_tokens":{completion},"prompt_tokens":{prompt},'
        f'"total_tokens":{prompt + completion},"completion_tokens_details":null,'
        f'"prompt_tokens_details":{{"audio_tokens":null,"cached_tokens":{read},'
        f'"cache_creation_tokens":{written}}}}}'
    )
    metadata = json.dumps(
        f'{{"user_api_key_alias":"key-{team}",'
        f'"user_api_key_team_id":"team-{team}","user_api_key_user_id":"u-{user}",'
        f'"user_api_key_team_alias":"{team.title()}",'
        f'"spend_logs_metadata":{{"workflow":"{workflow}"}},"litellm_call_id":"{call}",'
        f'"batch_models":null,"error_information":{error},'
        f'"usage_object":{usage},"attempted_retries":null}}'
    )
    return (
        f'{{"request_id":"{request}","call_type":"acompletion","api_key":"{key}",'
        f'"cache_hit":"{hit}","startTime":"{began}","endTime":"{ended}",'
        f'"completionStartTime":"{ended}","model":"{model}","user":"u-{user}",'
        f'"team_id":"team-{team}","organization_id":"","metadata":{metadata},'
        f'"cache_key":"Cache OFF","spend":{spend!r},"total_tokens":{prompt + completion},'
        f'"prompt_tokens":{prompt},"completion_tokens":{completion},'
        f'"request_tags":"[\\"workflow:{workflow}\\", \\"env:prod\\"]","end_user":"",'
        f'"api_base":"","model_group":"{model}","model_id":"","agent_id":null,'
        f'"requester_ip_address":null,"custom_llm_provider":"{provider}","messages":"{{}}",'
        f'"response":"{{}}","proxy_server_request":"{{}}","session_id":"sess-{user}-{call[:4]}",'
        f'"request_duration_ms":{took},"status":"{status}"}}\n'
    )
