"""Recount calls and tokens from raw agent logs, sharing no code with tokman.

    python tests/recount/recount.py FOLDER

prints what the Claude Code transcripts, Codex rollouts and Gemini CLI sessions below FOLDER (or in
one file) add up to.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file, a line each; lines that do not parse are passed over."""
    with path.open("rb") as lines:
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def claude_message(record: dict[str, Any]) -> dict[str, Any] | None:
    """The model's message of a transcript line, be it the session's or a subagent's."""
    if record.get("type") == "progress":
        data = record.get("data")
        record = data.get("message") if isinstance(data, dict) else None  # type: ignore[assignment]
        if not isinstance(record, dict):
            return None
    message = record.get("message")
    if record.get("type") != "assistant" or not isinstance(message, dict):
        return None
    if message.get("model") == "<synthetic>" or not isinstance(message.get("usage"), dict):
        return None
    return message


def claude_classes(usage: dict[str, Any]) -> dict[str, int]:
    """A message's tokens; cache writes by lifetime where the log tells, else the short one."""
    written = usage.get("cache_creation_input_tokens") or 0
    split = usage.get("cache_creation") or {}
    long_lived = split.get("ephemeral_1h_input_tokens") or 0
    short_lived = split.get("ephemeral_5m_input_tokens") or 0 if split else written
    assert short_lived + long_lived == written, usage
    return {
        "uncached_input_tokens": usage.get("input_tokens") or 0,
        "cache_read_input_tokens": usage.get("cache_read_input_tokens") or 0,
        "cache_write_5m_input_tokens": short_lived,
        "cache_write_1h_input_tokens": long_lived,
        "output_tokens": usage.get("output_tokens") or 0,
    }


def codex_classes(total: dict[str, Any]) -> dict[str, int]:
    """A session's tokens: cached and written are parts of its input, reasoning of its output."""
    cached = total.get("cached_input_tokens") or 0
    written = total.get("cache_write_input_tokens") or 0
    return {
        "uncached_input_tokens": total["input_tokens"] - cached - written,
        "cache_read_input_tokens": cached,
        "cache_write_5m_input_tokens": written,
        "output_tokens": total["output_tokens"],
        "reasoning_output_tokens": total.get("reasoning_output_tokens") or 0,
    }


def gemini_messages(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The messages with tokens in a session document, in a line, or in a change of its history."""
    change = record.get("$set")
    head = change if isinstance(change, dict) else record
    listed = head.get("messages") if "projectHash" in record or head is change else None
    for message in listed if isinstance(listed, list) else [record]:
        if message.get("type") == "gemini" and isinstance(message.get("tokens"), dict):
            yield message


def gemini_classes(tokens: dict[str, Any]) -> dict[str, int]:
    """A message's tokens; its own total says that thoughts and tool results come on top."""
    thoughts, tool = tokens.get("thoughts") or 0, tokens.get("tool") or 0
    assert tokens["input"] + tokens["output"] + thoughts + tool == tokens["total"], tokens
    return {
        "uncached_input_tokens": tokens["input"] - tokens["cached"] + tool,
        "cache_read_input_tokens": tokens["cached"],
        "output_tokens": tokens["output"] + thoughts,
        "reasoning_output_tokens": thoughts,
    }


def added(parts: list[dict[str, int]]) -> dict[str, int]:
    """The sum of each class."""
    names = sorted({name for part in parts for name in part})
    return {name: sum(part.get(name, 0) for part in parts) for name in names}


def recount(paths: list[Path]) -> dict[str, dict[str, int]]:
    """Calls and tokens of each kind of log.

    Claude Code: of every message the line with the largest output, once, in however many lines and
    files it appears. Codex: of every session the last running total, once, in however many
    snapshots; a call is a total that differs from the one before it. Gemini CLI: of every session
    each message once.
    """
    messages: dict[str, dict[str, Any]] = {}
    totals: dict[str, dict[str, Any]] = {}
    calls: dict[str, set[str]] = {}
    gemini: dict[tuple[str, str], dict[str, Any]] = {}
    for path in paths:
        session = ""
        for record in records(path):
            message = claude_message(record)
            if message is not None:
                best = messages.setdefault(message["id"], message["usage"])
                if (message["usage"].get("output_tokens") or 0) > (best.get("output_tokens") or 0):
                    messages[message["id"]] = message["usage"]
            if "projectHash" in record:
                session = record["sessionId"]
            for spoken in gemini_messages(record):
                gemini[session, spoken["id"]] = spoken["tokens"]
            payload = record.get("payload")
            if not isinstance(payload, dict):
                continue
            if record.get("type") == "session_meta":
                session = session or payload["id"]
            info = payload.get("info")
            if payload.get("type") == "token_count" and isinstance(info, dict):
                total = info["total_token_usage"]
                calls.setdefault(session, set()).add(json.dumps(total, sort_keys=True))
                known = totals.setdefault(session, total)
                if total["total_tokens"] > known["total_tokens"]:
                    totals[session] = total
    answer: dict[str, dict[str, int]] = {}
    if messages:
        claude = [claude_classes(usage) for usage in messages.values()]
        answer["claude-code"] = {"calls": len(claude), **added(claude)}
    if totals:
        codex = [codex_classes(total) for total in totals.values()]
        answer["codex"] = {"calls": sum(map(len, calls.values())), **added(codex)}
    if gemini:
        sessions = [gemini_classes(tokens) for tokens in gemini.values()]
        answer["gemini-cli"] = {"calls": len(sessions), **added(sessions)}
    return answer


if __name__ == "__main__":
    place = Path(sys.argv[1])
    files = sorted(place.rglob("*.json*")) if place.is_dir() else [place]
    print(json.dumps(recount(files), indent=2))
