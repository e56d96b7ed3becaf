"""Logs read again for the counts that they lack, once the ranks to count their texts by are there.

Texts are not stored, so only a log that is where it was can say more than it did.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tokman import jobs, ranks, sources
from tokman.bookmarks import Bookmarks
from tokman.discover import Found, find
from tokman.reading import read_pieces
from tokman.run import table
from tokman.sources.providers.openai_count import encoding_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from tokman.ledger import Ledger


def counted(ledger: Ledger, connection: duckdb.DuckDBPyConnection) -> tuple[pa.Table, int]:
    """The calls in the logs of those that were counted by size, for whose model there are ranks;
    and how many of these calls are in their logs no more.

    The first has the columns of `usage.arrow_schema()`, and other calls of the same logs beside.
    """
    import pyarrow.compute as pc

    where = "from read_parquet($files) where count_basis in ('bytes', 'ratio')"
    held = {"files": ledger.files()}
    model = "coalesce(response_model, request_model)"
    models = connection.execute(f"select distinct {model} {where}", held).fetchall()
    known = [name for (name,) in models if name and _has_ranks(name)]
    if not known:
        return table([]), 0
    asked = connection.sql(
        f"select call_id, file {where} and {model} in (select unnest($known))",
        params=held | {"known": known},
    ).to_arrow_table()
    paths = set(asked["file"].to_pylist())
    there = [each for each in find(sorted(paths)) if isinstance(each, Found) and each.path in paths]
    found = _read(ledger, there)
    lost = pc.invert(pc.is_in(asked["call_id"], value_set=found["call_id"]))
    return found, pc.sum(lost).as_py() or 0


def _has_ranks(model: str) -> bool:
    name = encoding_of(model)
    return name is not None and ranks.encoding(name) is not None


def _read(ledger: Ledger, found: list[Found]) -> pa.Table:
    """What these files say of their calls, each by the source that read it before."""
    with Bookmarks(ledger.folder, writing=False) as bookmarks:
        marks = bookmarks.all()
    names = {source.name for source in sources.known()}
    by_source: dict[str | None, list[Found]] = defaultdict(list)
    for each in found:
        mark = marks.get(each.path)
        by_source[mark.source if mark and mark.source in names else None].append(each)
    folder = ledger.folder / "tmp"
    folder.mkdir(exist_ok=True)
    batches: list[tuple[str, int]] = []
    for source, files in by_source.items():
        for job in jobs.of_files([(each, None) for each in files], source):
            _, written = read_pieces(job.pieces, ledger.key, folder)
            if written.usage:
                batches.append((written.usage, 0))
    return table(batches)
