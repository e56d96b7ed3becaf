"""The ledger's folder: where it is, who may write to it, and its table of Parquet files.

.tokman/
  ledger.json    version of the schema, and the key of every hash in the ledger
  usage/         Delta table, one row a call
  keys/          of which calls each of its files holds a row; made again where it is lost
  statements/    Delta table, one row a line of a provider's statement
  outcomes/      Delta table, one row an outcome of the work
  reprices/      the costs before each reprice in force
  ingest.sqlite  what was read of each file, and the lines refused
  tmp/           rows on their way in; nothing here outlives a run
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from tokman.errors import TokmanError
from tokman.usage import SCHEMA_VERSION

if TYPE_CHECKING:
    from datetime import date

    import pyarrow as pa
    from deltalake import DeltaTable, WriterProperties

FOLDER = ".tokman"

Table = Literal["usage", "statements", "outcomes"]
WHAT = {
    "usage": "one row a model call",
    "statements": "one row a line of a provider's statement",
    "outcomes": "one row an outcome of the work",
}
KEYS = {"usage": "call_id", "statements": "statement_id", "outcomes": "outcome_id"}

REPRICES = "tokman.reprices"
"""Under this name the table's own log says how many reprices are in force."""

COMPACT_ABOVE = 32
"""Files in the table at which small ones are written together: many small files slow each query."""


READABLE = 7 * 24
"""Hours for which a file stays on disk after the table has let go of it: long enough for every
reader that opened the table while the file was in it."""


class About(msgspec.Struct):
    """What ledger.json states."""

    schema: int
    hash_key: str


def locate(stated: Path | None = None) -> Path:
    """The folder: `stated`, else TOKMAN_LEDGER, else the nearest .tokman, else one to be made."""
    if stated is not None:
        return stated
    if os.environ.get("TOKMAN_LEDGER"):
        return Path(os.environ["TOKMAN_LEDGER"])
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FOLDER / "ledger.json").is_file():
            return folder / FOLDER
    return here / FOLDER


class Ledger:
    """A ledger folder, opened. TokmanError where there is none, unless `create`."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.folder = folder.absolute()
        about = self.folder / "ledger.json"
        try:
            if create and not about.is_file():
                _create(about)
            stated = msgspec.json.decode(about.read_bytes(), type=About)
        except FileNotFoundError as error:
            raise TokmanError(
                f"no ledger at {folder}", "run `tokman ingest` first, or point --ledger at one"
            ) from error
        except OSError as error:
            raise TokmanError(f"{error.filename}: {error.strerror}", "choose --ledger") from error
        except msgspec.DecodeError as error:
            raise TokmanError(
                f"{about} is damaged: {error}", "restore it, or ingest into a new ledger"
            ) from error
        if stated.schema != SCHEMA_VERSION:
            raise TokmanError(
                f"{folder} has schema {stated.schema}, this tokman reads {SCHEMA_VERSION}",
                "upgrade tokman" if stated.schema > SCHEMA_VERSION else "ingest into a new ledger",
            )
        try:
            self.key = bytes.fromhex(stated.hash_key)
        except ValueError as error:
            raise TokmanError(f"{about} is damaged: hash_key: {error}", "restore it") from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer, after any other; the kernel frees the lock of a holder that died."""
        with (self.folder / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def table(self, name: Table = "usage") -> DeltaTable | None:
        """The table as of now; None before the first commit."""
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        if not (self.folder / name / "_delta_log").is_dir():
            return None
        try:
            return DeltaTable(self.folder / name)
        except TableNotFoundError:
            return None

    def files(self, name: Table = "usage") -> list[str]:
        """Paths of the Parquet files that make up the table now."""
        table = self.table(name)
        return [] if table is None else table.file_uris()

    def append(self, rows: pa.Table, name: Table = "usage") -> None:
        """Add rows with new keys, in one step. The caller holds the lock."""
        from deltalake import write_deltalake

        write_deltalake(
            self.folder / name,
            rows,
            mode="append",
            name=name,
            description=f"{WHAT[name]}; tokman schema {SCHEMA_VERSION}",
            writer_properties=_writer(),
        )

    def replace(
        self, rows: pa.Table, name: Table = "usage", days: tuple[date, date] | None = None
    ) -> None:
        """Put rows in the place of those with the same key, in one step, under the lock. `days`:
        the first and the last of those replaced; files of others are not read."""
        table = self.table(name)
        assert table is not None
        key = KEYS[name]
        within = f" and target.day >= '{days[0]}' and target.day <= '{days[1]}'" if days else ""
        table.merge(
            rows,
            predicate=f"target.{key} = source.{key}{within}",
            source_alias="source",
            target_alias="target",
            writer_properties=_writer(),
        ).when_matched_update_all().execute()

    def put(self, rows: pa.Table, name: Table) -> None:
        """Add rows, in the place of those with the same key where there are any, in one step, under
        the lock."""
        table = self.table(name)
        if table is None:
            self.append(rows, name)
            return
        key = KEYS[name]
        table.merge(
            rows,
            predicate=f"target.{key} = source.{key}",
            source_alias="source",
            target_alias="target",
            writer_properties=_writer(),
        ).when_matched_update_all().when_not_matched_insert_all().execute()

    def take_out(self, keys: pa.ChunkedArray, name: Table) -> None:
        """Take away the rows with these keys, in one step, under the lock."""
        import pyarrow as pa

        table = self.table(name)
        assert table is not None
        table.merge(
            pa.table({KEYS[name]: keys}),
            predicate=f"target.{KEYS[name]} = source.{KEYS[name]}",
            source_alias="source",
            target_alias="target",
            writer_properties=_writer(),
        ).when_matched_delete().execute()

    def fold(self, rows: pa.Table, gone: pa.ChunkedArray) -> None:
        """Put calls in the place of those with the same key or beside the others, and take away
        those whose key is in `gone`, all in one step, under the lock."""
        import pyarrow as pa

        table = self.table()
        if table is None:
            self.append(rows)
            return
        key, names = KEYS["usage"], rows.schema.names
        changes = pa.concat_tables(
            [
                rows.append_column("gone", pa.repeat(False, rows.num_rows)),
                pa.table({key: gone, "gone": pa.repeat(True, len(gone))}),
            ],
            promote_options="default",
        )
        values = {name: f"source.{name}" for name in names}
        table.merge(
            changes,
            predicate=f"target.{key} = source.{key}",
            source_alias="source",
            target_alias="target",
            writer_properties=_writer(),
        ).when_matched_delete("source.gone").when_matched_update(
            values, "not source.gone"
        ).when_not_matched_insert(values, "not source.gone").execute()

    def reprices(self) -> int:
        """How many reprices are in force."""
        table = self.table()
        return (table.transaction_version(REPRICES) or 0) if table is not None else 0

    def exchange(self, files: dict[str, Path], reprices: int) -> None:
        """Put each file in the place of the one it is the rewriting of, and say how many reprices
        are then in force, all in one step, under the lock. Files: path of the old one → the new."""
        from deltalake import CommitProperties, Transaction
        from deltalake.transaction import AddAction, RemoveAction
        from pyarrow.parquet import read_metadata

        table = self.table()
        assert table is not None
        now = time.time_ns() // 1_000_000
        actions: list[AddAction | RemoveAction] = []
        for old, new in files.items():
            rows = msgspec.json.encode({"numRecords": read_metadata(new).num_rows}).decode()
            actions.append(RemoveAction(Path(old).name, True, now, Path(old).stat().st_size, {}))
            actions.append(AddAction(new.name, new.stat().st_size, {}, now, True, rows))
        said = CommitProperties(app_transactions=[Transaction(REPRICES, reprices)])
        table.create_write_transaction(actions, "append", table.schema(), commit_properties=said)

    def compact(self, name: Table = "usage") -> None:
        """Write small files together once there are many, and remove those let go of long ago or
        left by a writer that died; readers of the present ones go on. Under the lock."""
        table = self.table(name)
        if table is not None and len(table.file_uris()) > COMPACT_ABOVE:
            table.optimize.compact(writer_properties=_writer())
            table.vacuum(READABLE, dry_run=False, enforce_retention_duration=False, full=True)
            table.create_checkpoint()


def _create(about: Path) -> None:
    """Make ledger.json once, however many processes try."""
    import secrets

    about.parent.mkdir(parents=True, exist_ok=True)
    draft = about.with_name(f"ledger.{secrets.token_hex(8)}")
    stated = About(schema=SCHEMA_VERSION, hash_key=secrets.token_hex(32))
    draft.write_bytes(msgspec.json.encode(stated))
    try:
        os.link(draft, about)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _writer() -> WriterProperties:
    from deltalake import WriterProperties

    return WriterProperties(compression="ZSTD", compression_level=1)
