"""Rows on their way from a worker to a commit, in Arrow files of the ledger's tmp folder."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tokman import columns, statement
from tokman.statement import Statement
from tokman.usage import Usage, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 2_000
"""Rows turned into columns at a time: few enough to stay in the processor's cache."""


class Written(msgspec.Struct, frozen=True):
    """The Arrow stream files of a worker's rows; None where there were none."""

    usage: str | None = None
    statements: str | None = None


class Rows:
    """Rows on their way to columns; written to Arrow files batch by batch."""

    def __init__(self, folder: Path) -> None:
        self.held: list[Usage] = []
        self.stated: list[Statement] = []
        self._usage, self._statements = _Stream(folder), _Stream(folder)

    def flush(self) -> None:
        """Write the held rows as one batch each."""
        if self.held:
            self._usage.write(columns.to_batch(self.held, arrow_schema()))
            self.held.clear()
        if self.stated:
            self._statements.write(columns.to_batch(self.stated, statement.arrow_schema()))
            self.stated.clear()

    def close(self) -> Written:
        """Write what is left; the paths of the files."""
        self.flush()
        return Written(self._usage.close(), self._statements.close())


class _Stream:
    """An Arrow stream file, made with its first batch."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{os.getpid()}-{uuid.uuid4().hex}.arrow"
        self.sink: Any = None
        self.stream: Any = None

    def write(self, batch: pa.RecordBatch) -> None:
        import pyarrow as pa

        if self.stream is None:
            self.sink = pa.OSFile(str(self.path), "wb")
            self.stream = pa.ipc.new_stream(self.sink, batch.schema)
        self.stream.write_batch(batch)

    def close(self) -> str | None:
        if self.stream is None:
            return None
        self.stream.close()
        self.sink.close()
        return str(self.path)
