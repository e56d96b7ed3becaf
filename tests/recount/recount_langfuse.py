"""Recount calls and tokens of Langfuse traces, sharing no code with tokman.

    python tests/recount/recount_langfuse.py FOLDER

prints, for every trace download `{trace, observations[]}` in FOLDER, its model calls and tokens. It
goes down from the roots: a generation that has counts is a call unless one below it (tools and what
they run apart) has counts too; one without counts is a call if no other generation is above (with
counts) or below it. Every detail in these files is zero or a part of its whole.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def tokens(observation: Json) -> dict[str, int]:
    """What an observation states, details being parts of the whole."""
    stated = observation.get("usageDetails")
    if not stated:
        stated = {k: observation.get(k + "Usage") or 0 for k in ("input", "output", "total")}
    given, answered = stated.get("input", 0), stated.get("output", 0)
    assert given + answered == stated.get("total", 0), stated
    details = {name: n for name, n in stated.items() if name not in ("input", "output", "total")}
    reasoning = details.pop("completion_details.reasoning", 0)
    assert not any(details.values()), details
    return {
        "uncached_input_tokens": given,
        "output_tokens": answered,
        "reasoning_output_tokens": reasoning,
    }


def is_model(observation: Json) -> bool:
    return observation["type"] in ("GENERATION", "EMBEDDING")


def calls_of(document: Json) -> list[dict[str, int]]:
    """The tokens of each call of a trace."""
    observations = document["observations"]
    ids = {observation["id"] for observation in observations}
    children: dict[str | None, list[Json]] = {}
    for observation in observations:
        parent = observation.get("parentObservationId")
        children.setdefault(parent if parent in ids else None, []).append(observation)
    calls: list[dict[str, int]] = []

    def descend(node: Json, counted_above: bool) -> tuple[bool, bool]:
        """Whether a generation, and one with counts, is at or below the node."""
        counts = tokens(node) if is_model(node) else {}
        counted = any(counts.values())
        inside_tool = node["type"] == "TOOL"
        below = [
            descend(child, not inside_tool and (counted_above or counted))
            for child in children.get(node["id"], ())
        ]
        any_below = any(generation for generation, _ in below)
        counted_below = any(states for _, states in below)
        is_call = not counted_below if counted else not any_below and not counted_above
        if is_model(node) and is_call:
            calls.append(counts)
        if inside_tool:
            return False, False
        return is_model(node) or any_below, counted or counted_below

    for root in children.get(None, ()):
        descend(root, False)
    return calls


def recount(folder: Path) -> dict[str, dict[str, int]]:
    """Calls and the sum of each class, file by file."""
    answer = {}
    for path in sorted(folder.glob("*.json")):
        calls = calls_of(json.loads(path.read_text()))
        names = ("uncached_input_tokens", "output_tokens", "reasoning_output_tokens")
        answer[path.name] = {"calls": len(calls)} | {
            name: sum(call[name] for call in calls) for name in names
        }
    return answer


if __name__ == "__main__":
    print(json.dumps(recount(Path(sys.argv[1])), indent=2))
