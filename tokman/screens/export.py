"""An export into its file, and what is said about it."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from tokman.errors import TokmanError
from tokman.export.focus import Export
from tokman.export.focus_columns import arrow_schema, columns, kind
from tokman.render.cells import Column, compact, dollars, plural
from tokman.render.machine import as_csv

TIME = "%Y-%m-%dT%H:%M:%SZ"


def csv_text(done: Export, version: str) -> str:
    """The export as CSV, in the specification's spelling of times and amounts."""
    names = columns(version)
    times = [name for name in names if kind(name) == "time"]
    rows = [row | {name: row[name].strftime(TIME) for name in times} for row in done.rows]
    return as_csv(rows, [Column(name, name) for name in names])


def write_csv(done: Export, version: str, path: Path) -> None:
    """The export as a CSV file; TokmanError where it cannot be written."""
    try:
        path.write_text(csv_text(done, version), encoding="utf-8", newline="")
    except OSError as error:
        raise _unwritten(path, error) from error


def write_parquet(done: Export, version: str, path: Path) -> None:
    """The export as a Parquet file; TokmanError where it cannot be written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.write_table(pa.Table.from_pylist(done.rows, arrow_schema(version)), path)
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> TokmanError:
    return TokmanError(f"{path}: {error.strerror or error}", "name a file that can be written")


def say(done: Export, to: TextIO) -> None:
    """What is in the export and what is not."""
    cost = f"{dollars(done.list_cost)} at list price"
    if done.contracted_cost != done.list_cost:
        cost += f", {dollars(done.contracted_cost)} under contract"
    print(f"{plural(len(done.rows), 'row')} of {plural(done.calls, 'call')}: {cost}", file=to)
    if done.unpriced_calls:
        print(
            f"{plural(done.unpriced_calls, 'call')} ({compact(done.unpriced_tokens)} tokens) "
            "without a price are not in it: FOCUS has no row without a cost",
            file=to,
        )
    if done.free_calls:
        print(
            f"{plural(done.free_calls, 'call')} that cost nothing (a cache answered, or nothing "
            "was used) have no row",
            file=to,
        )
    if done.adjusted:
        print(
            f"{plural(done.adjusted, 'row')} of category Adjustment: amounts by an earlier rate "
            "card, which today's does not split by token class",
            file=to,
        )
