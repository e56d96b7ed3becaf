"""Recount what the agents of Claude Code transcripts did with tools, sharing no code with tokman.

    python tests/recount/recount_tools.py FOLDER

prints how many tools were called, what they came to, and how often in a row a session made the
same calls with the same results.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def lines(folder: Path) -> list[dict[str, Any]]:
    """The records of every transcript, subagents' unpacked from progress lines."""
    found = []
    for path in sorted(folder.rglob("*.jsonl")):
        for text in path.read_bytes().split(b"\n"):
            try:
                record = json.loads(text)
            except ValueError:
                continue
            if record.get("type") == "progress" and record["data"].get("type") == "agent_progress":
                inner = record["data"]["message"]
                named = {"agent": record["data"]["agentId"], "sessionId": record["sessionId"]}
                record = {**inner, **named}
            found.append(record)
    return found


def recount(folder: Path) -> dict[str, int]:
    """Calls and results are linked by the tool's id, which the program's reader does not do."""
    calls: dict[str, dict[str, str]] = {}
    results: dict[str, dict[str, Any]] = {}
    sessions: dict[tuple[str, str], dict[str, str]] = {}
    for record in lines(folder):
        message = record.get("message")
        message = message if isinstance(message, dict) else {}
        content = message.get("content")
        blocks = [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []
        thread = (record.get("sessionId", ""), record.get("agent", ""))
        if record["type"] == "user":
            results |= {
                b["tool_use_id"]: {**b, "at": record["timestamp"], "thread": thread}
                for b in blocks
                if b["type"] == "tool_result"
            }
        if record["type"] != "assistant" or message["model"] == "<synthetic>":
            continue
        used = {b["id"]: json.dumps([b["name"], b["input"]]) for b in blocks if "input" in b}
        calls.setdefault(message["id"], {}).update(used)
        order = sessions.setdefault(thread, {})
        since = order.get(message["id"], record["timestamp"])
        order[message["id"]] = min(since, record["timestamp"])
    ends = {thread: max(order.values()) for thread, order in sessions.items()}
    given = [
        result
        for tool, result in results.items()
        if any(tool in made for made in calls.values()) and result["at"] < ends[result["thread"]]
    ]
    longest = pairs = 0
    for order in sessions.values():
        before: list[Any] | None = None
        run = 0
        for identity in sorted(order, key=lambda one: (order[one], one)):
            made = calls[identity]
            outcome = [results[tool].get("content") for tool in made if tool in results]
            doing = [list(made.values()), outcome] if outcome else None
            same = doing is not None and doing == before
            run = run + 1 if same else 1
            pairs += same
            longest = max(longest, run if doing else 0)
            before = doing
    return {
        "calls of tools": sum(map(len, calls.values())),
        "results that a later call was given": len(given),
        "failed": sum(result.get("is_error") is True for result in given),
        "the same again": pairs,
        "longest run of the same": longest,
    }


if __name__ == "__main__":
    print(json.dumps(recount(Path(sys.argv[1])), indent=2))
