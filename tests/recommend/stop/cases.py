"""Made conversations and jobs for the rules of Stop, and what the lever says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from tests.recommend.books import MONDAY, books, call, card
from tokman.config import Config
from tokman.recommend import waterfall
from tokman.recommend.scene import set_scene
from tokman.recommend.stop import Stop
from tokman.recommend.waterfall import Waterfall
from tokman.usage import Usage

TALK: dict[str, Any] = {"model": "claude-sonnet-4-5", "output_tokens": 200}


def chain(usages: list[Usage]) -> Waterfall:
    """What Stop alone makes of a ledger."""
    scene = set_scene(books(usages), card(), Config(), None, None)
    return waterfall.run(scene, [Stop()])


def found(usages: list[Usage]) -> dict[str, int]:
    """Rule → the number of calls it would have stopped, where these cost a cent or more."""
    counts: Counter[str] = Counter()
    for one in chain(usages).savings:
        counts[one.about.rule] += one.calls
    return dict(counts)


def agent(
    steps: Iterable[str],
    name: str = "talk",
    start: datetime = MONDAY,
    context: int = 20_000,
    pace: int = 20,
    **what: Any,
) -> list[Usage]:
    """One conversation. A step is `tool=result`: `?` before it polls, `@` has a user ask first, `!`
    after it fails; `tool` alone has no result in the log, and an empty step is an answer."""
    usages: list[Usage] = []
    given: dict[str, Any] = {}
    for number, step in enumerate(steps):
        asked = step.startswith("@") or not number
        tool, _, result = step.lstrip("@?").rstrip("!").partition("=")
        usages.append(
            call(
                number,
                start + timedelta(seconds=pace * number),
                **TALK
                | {
                    "call_id": f"{name}-{number:05}",
                    "conversation_id": name,
                    "uncached_input_tokens": context + 400 * number,
                    "turn": "user" if asked else "tool",
                    "tool_call_hashes": [crc32(tool.encode())] if tool else None,
                    "tool_names": [tool.split(":")[0]] if tool else None,
                    "polls": True if "?" in step else None,
                    "finish_reason": "tool_use" if tool else "end_turn",
                    "line": number + 1,
                    "file": f"{name}.jsonl",
                }
                | given
                | what,
            )
        )
        given = {}
        if result:
            given = {"tool_result_hashes": [crc32(result.encode())]}
            given["tool_errors"] = int(step.endswith("!"))
    return usages


def requests(
    times: Iterable[float], start: datetime = MONDAY, name: str = "ask", **what: Any
) -> list[Usage]:
    """Equal requests, one at each time (seconds after the start)."""
    return [
        call(
            number,
            start + timedelta(seconds=seconds),
            **{"call_id": f"{name}-{number}", "request_hash": crc32(name.encode())} | TALK | what,
        )
        for number, seconds in enumerate(times)
    ]


def traffic(count: int = 200, **what: Any) -> list[Usage]:
    """Ordinary calls around the case, each another request with another answer."""
    return [
        call(
            number,
            MONDAY + timedelta(days=1, seconds=97 * number),
            **TALK
            | {
                "call_id": f"other-{number}",
                "request_hash": 10**6 + number,
                "response_hash": 2 * 10**6 + number,
                "uncached_input_tokens": 1500 + number * 7919 % 997,
            }
            | what,
        )
        for number in range(count)
    ]


def each(usages: list[Usage], **columns: Callable[[int], Any]) -> list[Usage]:
    """The same calls with other values, each by the call's number."""
    for number, usage in enumerate(usages):
        for column, value in columns.items():
            setattr(usage, column, value(number))
    return usages


def micros(seconds: float) -> int:
    """The time so long after the start, as `started_at` has it."""
    return int((MONDAY + timedelta(seconds=seconds)).timestamp() * 1_000_000)
