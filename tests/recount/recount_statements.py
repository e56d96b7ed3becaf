"""Recount the statements of OpenAI and Anthropic, sharing no code with tokman.

    python tests/recount/recount_statements.py FOLDER…

prints, for every kind, part and model of the Admin APIs' JSON and the dashboards' CSV files below
the folders, the lines, tokens, requests and dollars. Plain json, csv and Decimal: no line is told
from another, everything is added up.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Facts = tuple[str, str, str | None, dict[str, Decimal]]
ENDPOINTS = {"file_searches": "file_search_calls", "web_searches": "web_search_calls"}
COUNTED = ("images", "characters", "seconds", "usage_bytes", "num_sessions", "quantity")


def results(value: Any) -> Iterator[Json]:
    """Every result of every bucket, however deep."""
    if isinstance(value, list):
        for each in value:
            yield from results(each)
    elif isinstance(value, dict) and isinstance(value.get("results"), list):
        yield from value["results"]
    elif isinstance(value, dict):
        yield from results(list(value.values()))


def number(value: Any) -> Decimal:
    return Decimal(value or 0)


def openai(row: Json) -> Facts:
    """A result of the API, or a row of the dashboard's cost export."""
    name = row.get("object", "organization.costs.result").removesuffix(".result").split(".")[-1]
    part = ENDPOINTS.get(name, name)
    if part == "costs":
        value = row["amount"]["value"] if "amount" in row else row["amount_value"]
        model, comma, told = (row.get("line_item") or "").rpartition(", ")
        known = comma and told in ("input", "output", "cached input", "input_tokens")
        sums = {"billed_amount": number(value), "quantity": number(row.get("quantity"))}
        if row.get("quantity_unit") == "tokens" and told.startswith("input"):
            sums["uncached_input_tokens"] = sums["quantity"]
        return "cost", part, model if known else None, sums
    cached, heard = number(row.get("input_cached_tokens")), row.get("input_cached_audio_tokens")
    written = number(row.get("input_cache_write_tokens"))
    beside = number(row.get("input_audio_tokens")) + number(row.get("input_image_tokens"))
    spoken = number(row.get("output_audio_tokens")) + number(row.get("output_image_tokens"))
    sums = {
        "uncached_input_tokens": number(row.get("input_tokens")) - cached - written - beside,
        "cache_read_input_tokens": cached - number(heard),
        "cache_write_5m_input_tokens": written,
        "output_tokens": number(row.get("output_tokens")) - spoken,
        "quantity": sum((number(row.get(name)) for name in COUNTED), Decimal(0)),
        "requests": number(row.get("num_model_requests")),
    }
    if part in ENDPOINTS.values():
        sums["requests"] = Decimal(0)
        sums[part.replace("calls", "requests")] = number(row["num_requests"])
    return "usage", part, row.get("model"), sums


def anthropic(row: Json) -> Facts:
    """A result of the usage or the cost report; cents are hundredths."""
    if "amount" in row:
        return "cost", "costs", row.get("model"), {"billed_amount": number(row["amount"]) / 100}
    created, tools = row.get("cache_creation", {}), row.get("server_tool_use", {})
    sums = {
        "uncached_input_tokens": number(row.get("uncached_input_tokens")),
        "cache_read_input_tokens": number(row.get("cache_read_input_tokens")),
        "cache_write_5m_input_tokens": number(created.get("ephemeral_5m_input_tokens")),
        "output_tokens": number(row.get("output_tokens")),
        "web_search_requests": number(tools.get("web_search_requests")),
    }
    return "usage", "messages", row.get("model"), sums


def console(row: Json) -> Facts:
    """A row of one of the console's exports, in dollars."""
    if "cost_usd" in row:
        model = row["model"].lower().replace(" ", "-").replace(".", "-")
        sums = {name: number(row[f"{stated}_usd"]) for name, stated in DOLLARS.items()}
        return "cost", "costs", model, sums
    sums = {
        "uncached_input_tokens": number(row["usage_input_tokens_no_cache"]),
        "cache_read_input_tokens": number(row["usage_input_tokens_cache_read"]),
        "cache_write_5m_input_tokens": number(row["usage_input_tokens_cache_write_5m"]),
        "output_tokens": number(row["usage_output_tokens"]),
        "web_search_requests": number(row["web_search_count"]),
    }
    return "usage", "messages", row["model_version"], sums


DOLLARS = {"billed_amount": "cost", "list_amount": "list_price"}


def facts(path: Path) -> Iterator[Facts]:
    """What each line of a file says."""
    if path.suffix == ".json":
        with path.open(encoding="utf-8") as stream:
            document = json.load(stream, parse_float=Decimal, parse_int=Decimal)
        read = openai if path.parent.name == "openai_admin" else anthropic
        yield from map(read, results(document))
        return
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            if "usage_date_utc" in row:
                yield console(row)
            elif row.get("amount_value"):
                yield openai(row)


def main() -> None:
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    with localcontext(prec=100):
        for folder in map(Path, sys.argv[1:]):
            for path in sorted(folder.iterdir()):
                if not path.name.startswith("openrouter"):
                    add(sums, folder, path)
        shown = {key: {name: str(n) for name, n in found.items()} for key, found in sums.items()}
    print(json.dumps(shown))


def add(sums: dict[str, dict[str, Decimal]], folder: Path, path: Path) -> None:
    for kind, part, model, values in facts(path):
        found = sums[f"{folder.name} {kind} {part} {model or '-'}"]
        found["lines"] += 1
        for name, value in values.items():
            found[name] += value


main()
