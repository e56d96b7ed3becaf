"""The sample logs are what their script writes, and hold what expected.json says."""

from __future__ import annotations

import gzip
import json
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import TieredPrices

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / "sample_logs"
SUITE = ROOT / ".github" / "cost-suite"
SCRIPT = LOGS / "make_sample_logs.py"
EXPECTED: dict[str, Any] = json.loads((LOGS / "expected.json").read_bytes())
FILES = sorted([*LOGS.rglob("*.jsonl"), *LOGS.rglob("*.jsonl.gz")])


def content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def records(pattern: str) -> Iterator[dict[str, Any]]:
    """Every line of the matching files that parses."""
    for path in sorted(LOGS.glob(pattern)):
        for line in content(path).splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def expected(source: str) -> dict[str, int]:
    return dict(EXPECTED["sources"][source]["tokens"]) | {"n": EXPECTED["sources"][source]["calls"]}


def summed(calls: list[dict[str, int]]) -> dict[str, int]:
    names = EXPECTED["all"]["tokens"]
    return {name: sum(call.get(name, 0) for call in calls) for name in names} | {"n": len(calls)}


def of_anthropic(usage: dict[str, Any]) -> dict[str, int]:
    return {
        "uncached_input": usage["input_tokens"],
        "cache_read": usage["cache_read_input_tokens"],
        "cache_write_5m": usage["cache_creation"]["ephemeral_5m_input_tokens"],
        "cache_write_1h": usage["cache_creation"]["ephemeral_1h_input_tokens"],
        "output": usage["output_tokens"],
    }


def of_openai(usage: dict[str, Any]) -> dict[str, int]:
    inside = usage.get("prompt_tokens_details") or {}
    written = inside.get("cache_creation_token_details") or {}
    call = {
        "cache_read": inside.get("cached_tokens", 0),
        "cache_write_5m": written.get("ephemeral_5m_input_tokens", 0),
        "cache_write_1h": written.get("ephemeral_1h_input_tokens", 0),
    }
    call["uncached_input"] = usage["prompt_tokens"] - sum(call.values())
    call["output"] = usage.get("completion_tokens", 0)
    call["reasoning"] = usage.get("completion_tokens_details", {}).get("reasoning_tokens", 0)
    return call


def test_the_script_writes_the_same_bytes_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], check=True)
    made = {p.relative_to(tmp_path): p for p in tmp_path.rglob("*") if p.is_file()}
    reports = (LOGS / "statements").glob("*.json")
    committed = [*FILES, *reports, LOGS / "expected.json", *SUITE.glob("*.jsonl")]
    assert set(made) == {path.relative_to(ROOT) for path in committed}
    for path in committed:
        again = made[path.relative_to(ROOT)]
        # Another build of zlib may compress otherwise; what it holds must not differ.
        assert again.read_bytes() == path.read_bytes() or (
            path.suffix == ".gz" and content(again) == content(path)
        ), path


def test_small_enough_to_commit() -> None:
    files = [*FILES, *LOGS.glob("*.*"), *SUITE.glob("*.jsonl")]
    assert sum(path.stat().st_size for path in files) <= 5_000_000


def test_only_the_torn_lines_do_not_parse() -> None:
    refused = []
    for path in FILES:
        for number, line in enumerate(content(path).splitlines(), 1):
            try:
                json.loads(line)
            except ValueError:
                refused.append((path.relative_to(LOGS).as_posix(), number))
    assert sorted(refused) == sorted((torn["file"], torn["line"]) for torn in EXPECTED["rejects"])
    assert len(refused) == 2


def test_nothing_looks_like_a_secret_or_an_address() -> None:
    suspect = re.compile(
        rb"\bsk-[A-Za-z0-9]|AKIA|AIza|ghp_|xox[bp]-|Bearer |BEGIN [A-Z ]*KEY|\w@\w+\.\w"
    )
    for path in [*FILES, *SUITE.glob("*.jsonl")]:
        assert not suspect.search(content(path)), path


def test_prices_are_the_catalogue_s() -> None:
    made_with = runpy.run_path(str(LOGS / "making" / "books.py"))["PRICES"]
    catalogue = get_snapshot()
    when = datetime(2026, 11, 1, tzinfo=UTC)
    fields = ("input", "cache_read", "cache_write", "cache_write_1h", "output")
    for name, prices in made_with.items():
        provider = {"c": "anthropic", "g": "openai", "t": "openai"}[name[0]]
        provider = "google" if name.startswith("gemini") else provider
        model = catalogue.find_provider_model(name, None, provider, None)[1].get_prices(when)
        for field, price in zip(fields, prices, strict=True):
            listed = getattr(model, f"{field}_mtok") or 0
            listed = listed.base if isinstance(listed, TieredPrices) else listed
            assert listed == Decimal(str(price)), (name, field)


def test_claude_code_recounted() -> None:
    """One call per message id, also in progress lines; the highest output is the final one."""
    calls: dict[str, dict[str, int]] = {}
    failed = set()
    for record in records("claude-projects/**/*.jsonl"):
        inner = record["data"] if record["type"] == "progress" else record
        inner = inner["message"] if record["type"] == "progress" else inner
        if inner["type"] != "assistant":
            continue
        message = inner["message"]
        if message["model"] == "<synthetic>":
            failed.add(message["id"])
            continue
        call = of_anthropic(message["usage"])
        if call["output"] > calls.get(message["id"], {"output": -1})["output"]:
            calls[message["id"]] = call
    assert summed(list(calls.values())) == expected("claude-code")
    assert len(failed) == EXPECTED["sources"]["claude-code"]["failed_calls"]


def test_codex_recounted() -> None:
    """The last running total of each rollout; a call is a total that changed."""
    calls, counted = [], 0
    for path in LOGS.glob("codex-sessions/**/*.jsonl"):
        totals: list[dict[str, int]] = []
        for line in content(path).splitlines():
            payload = json.loads(line)["payload"]
            if payload.get("type") == "token_count" and payload["info"]:
                total = payload["info"]["total_token_usage"]
                if not totals or total != totals[-1]:
                    totals.append(total)
        last = totals[-1]
        assert last["total_tokens"] == last["input_tokens"] + last["output_tokens"]
        counted += len(totals)
        calls.append(
            {
                "uncached_input": last["input_tokens"] - last["cached_input_tokens"],
                "cache_read": last["cached_input_tokens"],
                "output": last["output_tokens"],
                "reasoning": last["reasoning_output_tokens"],
            }
        )
    assert summed(calls) | {"n": counted} == expected("codex")


def test_litellm_recounted() -> None:
    """One call per id over both exports; failures and cache hits buy nothing."""
    calls, failed, hits, spent = {}, set(), set(), {}
    for record in records("litellm/*"):
        key = record.get("request_id") or record["id"]
        metadata = record["metadata"]
        metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
        spent[key] = Decimal(str(record["spend"] if "spend" in record else record["response_cost"]))
        if record["status"] == "failure":
            failed.add(key)
        elif record["cache_hit"] == "True":
            hits.add(key)
        else:
            calls[key] = of_openai(metadata["usage_object"])
    source = EXPECTED["sources"]["litellm"]
    assert summed(list(calls.values())) == expected("litellm")
    assert (len(failed), len(hits)) == (source["failed_calls"], source["response_cache_hits"])
    assert float(round(sum(spent.values(), Decimal(0)), 6)) == source["list_cost_usd"]
    assert not any(spent[key] for key in failed | hits)


@pytest.mark.parametrize(
    ("source", "pattern"), [("openai", "openai/[dn]*"), ("openai-batch", "openai/batch*")]
)
def test_openai_recounted(source: str, pattern: str) -> None:
    bodies = [r["response"].get("body", r["response"]) for r in records(pattern)]
    assert summed([of_openai(body["usage"]) for body in bodies]) == expected(source)


@pytest.mark.parametrize(
    ("source", "pattern"), [("anthropic", "anthropic/d*"), ("anthropic-batch", "anthropic/msg*")]
)
def test_anthropic_recounted(source: str, pattern: str) -> None:
    bodies = [r.get("response") or r["result"].get("message") for r in records(pattern)]
    assert summed([of_anthropic(body["usage"]) for body in bodies if body]) == expected(source)


def test_gemini_recounted() -> None:
    calls = []
    for record in records("gemini/*"):
        usage = record["response"]["usageMetadata"]
        output = usage["candidatesTokenCount"] + usage["thoughtsTokenCount"]
        assert usage["totalTokenCount"] == usage["promptTokenCount"] + output
        calls.append({"uncached_input": usage["promptTokenCount"], "output": output})
        calls[-1]["reasoning"] = usage["thoughtsTokenCount"]
    assert summed(calls) == expected("gemini")


def test_the_suite_has_one_regression() -> None:
    spent: dict[tuple[str, str], Decimal] = {}
    cases: dict[str, set[str]] = {}
    ids = []
    for run in ("main", "pull_request"):
        for line in content(SUITE / f"{run}.jsonl").splitlines():
            row = json.loads(line)
            tags = json.loads(row["metadata"])["spend_logs_metadata"]
            key = (tags["workflow"], run)
            spent[key] = spent.get(key, Decimal(0)) + Decimal(str(row["spend"]))
            cases.setdefault(run, set()).add(tags["case_id"])
            ids.append(row["request_id"])
    assert cases["main"] == cases["pull_request"] and len(cases["main"]) == 120
    assert len(set(ids)) == 240
    for workflow, ratio in EXPECTED["cost_suite"]["cost_ratio"].items():
        change = spent[workflow, "pull_request"] / spent[workflow, "main"]
        assert float(round(change, 6)) == ratio
    assert EXPECTED["cost_suite"]["cost_ratio"]["support-assistant"] > 1.2
    assert EXPECTED["cost_suite"]["cost_ratio"]["ticket-labels"] == 1
