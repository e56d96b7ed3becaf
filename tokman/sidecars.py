"""Which files of the table hold a call: beside the table, for each file a list of its calls' keys.

A commit meets every call at whatever date another log gave it, so it asks the whole table, and may
not read the whole table for that. A file of the table never changes, nor does its list. All of it
is derived: a list that is missing, damaged or another file's is made again.

A list is 64-bit words: the first key of each page, a check of these, then the pages, each of keys
in order, the last one repeated to fill it, and a check of them. So a question reads the first keys
and the pages where the answer must be, and trusts nothing that it has not checked.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]

FOLDER = "keys"

KEY = "(md5_number(call_id) >> 64)::ubigint as key"
"""Half of the id's MD5, which is the same everywhere."""

WORD = "<u8"

PAGE = 512
"""Words of a page, 4 KB: what a disk reads at once."""


def holding(
    connection: duckdb.DuckDBPyConnection,
    ledger: Path,
    files: Collection[str],
    ids: pa.ChunkedArray,
) -> list[str]:
    """Those of the table's files that hold a call with one of these ids, or another of its key.

    `files`: all there are. `ledger`: its folder. The caller holds the ledger's lock.
    """
    import numpy as np
    import pyarrow as pa

    folder = ledger / FOLDER
    folder.mkdir(exist_ok=True)
    lists = {folder / f"{Path(file).name}.keys": file for file in files}
    for left in set(folder.iterdir()) - set(lists):
        left.unlink(missing_ok=True)
    asked = np.sort(_keys(connection.from_arrow(pa.table({"call_id": ids}))))
    return [file for path, file in lists.items() if _any(connection, path, file, asked)]


def _any(connection: duckdb.DuckDBPyConnection, path: Path, file: str, asked: Words) -> bool:
    """True if the file holds one of the keys, by the list at `path`."""
    found = _listed(path, asked)
    if found is None:
        _write(path, _keys(connection.read_parquet(file)))
        found = _listed(path, asked)
    return bool(found)


def _keys(calls: duckdb.DuckDBPyRelation) -> Words:
    """The keys of calls, in their order."""
    keys: Words = calls.project(KEY).to_arrow_table()["key"].to_numpy()
    return keys


def _write(path: Path, keys: Words) -> None:
    """Make the list at `path`, all of it or nothing."""
    import numpy as np

    keys = np.sort(keys)
    pages = np.empty((-(-len(keys) // (PAGE - 1)), PAGE), WORD)
    filling = (0, pages.size - len(pages) - len(keys))
    pages[:, :-1] = np.pad(keys, filling, mode="edge").reshape(-1, PAGE - 1) if len(keys) else 0
    pages[:, -1] = _check(path, pages[:, :-1])
    firsts = pages[:, 0]
    draft = path.with_name("draft")
    with draft.open("wb") as stream:
        for words in (firsts, _check(path, firsts), pages):
            stream.write(words.tobytes())
    os.replace(draft, path)


def _listed(path: Path, asked: Words) -> bool | None:
    """True if one of the keys, which are in order, is in the list; None if the list is no good."""
    import numpy as np

    try:
        words = np.memmap(path, WORD, mode="r")
    except (OSError, ValueError):
        return None
    count, beside = divmod(len(words) - 1, PAGE + 1)
    firsts, pages = words[:count], words[count + 1 :].reshape(-1, PAGE) if not beside else None
    if pages is None or _check(path, firsts) != words[count]:
        return None
    places = np.searchsorted(firsts, asked, "right") - 1
    near = pages[places[np.diff(places, prepend=-1) > 0]]
    if (_check(path, near[:, :-1]) != near[:, -1]).any():
        return None
    keys = near[:, :-1].ravel()
    at = np.searchsorted(keys, asked)
    return bool((keys[at[at < len(keys)]] == asked[at < len(keys)]).any())


def _check(path: Path, words: Words) -> Words:
    """A check of each row of words, which differs for each file of the table."""
    import numpy as np

    seal = hashlib.blake2b(b"keys 1 " + path.name.encode(), digest_size=8).digest()
    total: Words = words.sum(axis=-1, dtype=np.uint64) ^ np.frombuffer(seal, WORD)[0]
    return total
