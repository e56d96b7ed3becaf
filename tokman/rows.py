"""Rows on their way from a worker to a commit, in an Arrow file of the ledger's tmp folder."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

from tokman import columns
from tokman.usage import Usage, arrow_schema

BATCH = 2_000
"""Rows turned into columns at a time: few enough to stay in the processor's cache."""


class Rows:
    """Rows on their way to columns; written to an Arrow file batch by batch."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{os.getpid()}-{uuid.uuid4().hex}.arrow"
        self.held: list[Usage] = []
        self.sink: Any = None
        self.stream: Any = None

    def flush(self) -> None:
        """Write the held rows as one batch."""
        import pyarrow as pa

        if not self.held:
            return
        if self.stream is None:
            self.sink = pa.OSFile(str(self.path), "wb")
            self.stream = pa.ipc.new_stream(self.sink, arrow_schema())
        self.stream.write_batch(columns.to_batch(self.held))
        self.held.clear()

    def close(self) -> str | None:
        """Path of the written file, None if there were no rows."""
        self.flush()
        if self.stream is None:
            return None
        self.stream.close()
        self.sink.close()
        return str(self.path)
