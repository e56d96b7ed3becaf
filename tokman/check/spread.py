"""A baseline's calls as rows that a rate card prices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from tokman.check.baseline import COUNTED, Baseline, Part
from tokman.usage import INPUT_CLASSES

if TYPE_CHECKING:
    import duckdb


def alike(connection: duckdb.DuckDBPyConnection, baseline: Baseline, day: date) -> None:
    """Table `alike`: the calls of all groups (sample is null) and of each sample as a card prices
    them, dated `day` at the time of day of their group. Calls that come out alike are one row, with
    their number in `times`."""
    import pyarrow as pa

    midnight = datetime(day.year, day.month, day.day)
    keys = (
        "provider_name request_model response_model service_tier speed inference_geo "
        "response_cache_hit output_basis"
    ).split()
    where, counts = ("place", "workflow", "sample"), (*COUNTED, "input_tokens")
    columns: dict[str, list[object]] = {
        name: [] for name in (*where, *keys, "started_at", "status", "times", *counts)
    }
    for place, work in enumerate(baseline.work):
        whole = [
            Part(at, group.calls, list(group.tokens.values()))
            for at, group in enumerate(work.groups)
        ]
        for number, parts in [(None, whole), *enumerate(sample.parts for sample in work.samples)]:
            for part in parts:
                group = work.groups[part.group]
                tokens = dict(zip(group.tokens, part.tokens, strict=True))
                for times, each in spread(part.calls, tokens):
                    row: dict[str, object] = {
                        "place": place,
                        "workflow": work.workflow,
                        "sample": number,
                        "status": "ok",
                        "times": times,
                        "input_tokens": sum(each[name] for name in INPUT_CLASSES),
                        **each,
                    }
                    row |= {key: getattr(group, key) for key in keys}
                    row["started_at"] = midnight + timedelta(microseconds=group.time_of_day)
                    for name, values in columns.items():
                        values.append(row[name])
    kinds = {"started_at": pa.timestamp("us"), "response_cache_hit": pa.bool_()}
    kinds |= dict.fromkeys(("place", "sample", "times", *counts), pa.int64())
    table = {name: pa.array(told, kinds.get(name, pa.string())) for name, told in columns.items()}
    connection.register("alike", pa.table(table))


def spread(calls: int, tokens: dict[str, int]) -> Iterator[tuple[int, dict[str, int]]]:
    """Tokens spread evenly over calls, to the last token: how many calls, with what each.

    The leftovers of one quantity go to the calls after those that got the leftovers of the one
    before, so that no two prompts differ by more than a token: all stay in their price band.
    """
    begins, at = {}, 0
    cuts = {0, calls}
    for name in COUNTED:
        begins[name] = at
        at = (at + tokens.get(name, 0)) % calls
        cuts.add(at)
    for turn, end in pairwise(sorted(cuts)):
        yield (
            end - turn,
            {
                name: total // calls + ((turn - begins[name]) % calls < total % calls)
                for name, total in ((name, tokens.get(name, 0)) for name in COUNTED)
            },
        )
