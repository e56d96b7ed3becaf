"""A mapping for a log nobody has described, from the names and the values of its columns."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from tokman.sources.facts import time_us
from tokman.sources.mapping import answers, guess, survey
from tokman.sources.mapping.survey import Seen

_PROVIDERS_ID = re.compile(r"(chatcmpl|msg|resp|gen|cmpl|batch_req)[-_]")


_UNITS = {"ns": "ns", "us": "us", "ms": "ms", "s": "s", "sec": "s", "seconds": "s", "millis": "ms"}
_MONEY = {"cents": "cents", "cent": "cents", "micro": "micro_usd", "nano": "nano_usd"}


class NoCalls(Exception):
    """The records do not look like calls; says in which way."""


def propose(name: str, records: Sequence[dict[str, Any]], page: str | None, *, table: bool) -> str:
    """A mapping for these records, as TOML; NoCalls where they seem to be none."""
    seen = survey.survey(records, table=table)
    chosen = guess.choose(seen)
    model = chosen.get("response_model") or chosen.get("request_model")
    if "started_at" not in chosen:
        raise NoCalls("none of its columns looks like the time of a call")
    if model is None:
        raise NoCalls("none of its columns looks like a model")
    if not {"input_tokens", "output_tokens", "billed_cost"} & chosen.keys():
        raise NoCalls("none of its columns looks like tokens or a cost")
    if len(records) > 1 and chosen["started_at"].share(_is_day) == 1:
        raise NoCalls("its rows are dated by the day: sums, it seems, and not calls")
    lines = [f"[sources.{name}]"]
    always = [s.path for s in chosen.values() if None not in s.values][:5]
    keys = always or [model.path]
    lines.append(f"match.keys = {_list(dict.fromkeys(keys))}")
    if page:
        lines.append(f"records = {_text(page)}")
    own = guess.identity(seen)
    if own is not None and not _PROVIDERS_ID.match(str(own.present[0])):
        lines.append(f"key = [{_text(own.path)}]")
    elif own is None:
        lines.append("# no column is an id: equal rows are told apart by their number")
    lines += [*answers.cache(chosen), *answers.reasoning(chosen)]
    lines += ["", f"[sources.{name}.map]"]
    if own is not None and _PROVIDERS_ID.match(str(own.present[0])):
        lines.append(f"call_id = {_text(own.path)}")
    lines += [_line(column, source) for column, source in chosen.items()]
    return "\n".join(lines) + "\n"


def _line(column: str, source: Seen) -> str:
    path = _text(source.path)
    if column in ("started_at", "ended_at"):
        unit = _epoch(source)
        return f"{column} = " + (f"{{ path = {path}, unit = {_text(unit)} }}" if unit else path)
    if column == "billed_cost":
        unit = next((_MONEY[word] for word in source.words if word in _MONEY), "usd")
        return f"{column} = {{ path = {path}, unit = {_text(unit)} }}  # check the unit"
    if column in ("duration_ms", "time_to_first_token_ms"):
        stated = next((_UNITS[word] for word in source.words if word in _UNITS), None)
        amounts = sorted(float(str(value)) for value in source.present)
        unit = stated or ("ms" if amounts[len(amounts) // 2] >= 50 else "s")
        note = "" if stated else "  # by the size of the values"
        return f"{column} = {{ path = {path}, unit = {_text(unit)} }}{note}"
    return f"{column} = {path}"


def _is_day(value: Any) -> bool:
    """A date, or midnight."""
    try:
        return int(time_us(value) or 1) % 86_400_000_000 == 0
    except ValueError:
        return False


def _epoch(source: Seen) -> str | None:
    """The unit of a numeric time, by its size; None for a written one."""
    try:
        size = float(str(source.present[0]))
    except ValueError:
        return None
    return "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"


def _text(value: str) -> str:
    """A TOML string."""
    return json.dumps(value)


def _list(items: Any) -> str:
    return "[" + ", ".join(map(_text, items)) + "]"
