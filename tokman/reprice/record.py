"""The record of a reprice: every call it moves, with what its price depends on, what it is held to
cost and what it gets. A Parquet file in the ledger's `reprices` folder.
"""

from __future__ import annotations

import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokman.errors import TokmanError

if TYPE_CHECKING:
    import pyarrow as pa

    from tokman.ledger import Ledger

ABOUT = b"tokman"
"""Key of what the file says of itself."""


class Draft:
    """A record on its way, in the ledger's tmp folder; unless filed away it goes with the block."""

    def __init__(self, ledger: Ledger, rate_card: str) -> None:
        folder = ledger.folder / "tmp"
        folder.mkdir(exist_ok=True)
        # Named like the other files there, so that an ingest sweeps it away after a kill.
        self.path = folder / f"{os.getpid()}-{uuid.uuid4().hex}.arrow"
        self.about = {"at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}", "rate_card": rate_card}
        self.calls = 0
        self.writer: Any = None

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        if self.writer is not None:
            self.writer.close()
        self.path.unlink(missing_ok=True)

    def write(self, moved: pa.Table) -> None:
        """Add calls."""
        import pyarrow.parquet as pq

        if self.writer is None:
            schema = moved.schema.with_metadata({ABOUT: json.dumps(self.about).encode()})
            self.writer = pq.ParquetWriter(self.path, schema, compression="zstd")
        if moved.num_rows:
            self.writer.write_table(moved, row_group_size=100_000)
            self.calls += moved.num_rows

    def close(self) -> Path:
        """The file, whole and on disk."""
        assert self.writer is not None
        self.writer.close()
        self.writer = None
        on_disk(self.path)
        return self.path


def place(ledger: Ledger, number: int) -> Path:
    """Where the record of the ledger's reprice of that number is."""
    return ledger.folder / "reprices" / f"{number:06}.parquet"


def file_away(ledger: Ledger, draft: Path, number: int) -> Path:
    """Make the draft the record of that number; it counts once the table says that number."""
    target = place(ledger, number)
    target.parent.mkdir(exist_ok=True)
    os.replace(draft, target)
    on_disk(target.parent)
    return target


def about(record: Path) -> dict[str, str]:
    """What the record says of itself: `at` and `rate_card`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        stated = pq.read_schema(record).metadata or {}
        return dict(json.loads(stated[ABOUT]))
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise TokmanError(
            f"the costs before the last reprice cannot be read: {record}: {error}",
            "restore that file; or take the present prices as they are",
        ) from error


def on_disk(path: Path) -> None:
    """Wait until a file or a folder has reached the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
