"""What came of the work: outcomes that the user's own systems know, joined to calls by a key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tokman import files, sql, tables
from tokman.errors import BadRecord, NothingToJudge, TokmanError
from tokman.pieces import Reject

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from tokman.ledger import Ledger

COLUMNS = {
    "call_id": "call_id",
    "conversation_id": "conversation_id",
    "user": "user_id",
    "project": "project",
    "team": "team",
    "api_key_alias": "api_key_alias",
}
"""Keys that are columns of the ledger → the column; any other key is the name of a tag."""

YES = frozenset("true t yes y 1 1.0".split())
NO = frozenset("false f no n 0 0.0".split())
MOST = Decimal(10**6)
"""USD: an outcome that is worth more does not fit the ledger's money."""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """Which column of the user's file says what."""

    key: str
    """Of the ledger: a name in `COLUMNS`, or of a tag."""
    key_column: str
    outcome: str
    """What kind of outcome the rows are: resolved, merged, …"""
    success_column: str | None = None
    """None: every row is a success."""
    success_values: frozenset[str] | None = None
    """Cells that mean success; None: yes and no, true and false, 1 and 0."""
    value_column: str | None = None
    """USD that the outcome is worth; None: as tokman.toml declares."""


class Outcome(msgspec.Struct, kw_only=True):
    """One row of the table of outcomes."""

    outcome_id: str
    """Made from key, its value and the kind: stated again, the row is replaced."""
    outcome: str
    key: str
    key_value: str
    success: bool
    value: Decimal | None
    """USD; None: as tokman.toml declares for the workflow."""
    file: str
    line: int


class Added(msgspec.Struct):
    """What a file of outcomes gave."""

    rows: int = 0
    successes: int = 0
    rejects: list[Reject] = []


def form(
    names: list[str], key: str, outcome: str | None, success: str | None, value: str | None
) -> Form:
    """What the options say of a file with these columns; TokmanError for a column it lacks.

    `key` is COLUMN or LEDGER_KEY=COLUMN; `success` COLUMN or COLUMN=VALUE,VALUE.
    """
    ledger_key, _, key_column = key.partition("=")
    key_column = key_column or ledger_key
    success_column, _, accepted = (success or "").partition("=")
    found = Form(
        key=ledger_key,
        key_column=key_column,
        outcome=outcome or "outcome",
        success_column=success_column or ("success" if "success" in names else None),
        success_values=frozenset(v.strip().lower() for v in accepted.split(",") if v.strip())
        or None,
        value_column=value or ("value" if "value" in names else None),
    )
    if not ledger_key.strip():
        raise TokmanError("--key names nothing", "--key conversation_id, or --key ticket=Ticket ID")
    for column in (found.key_column, found.success_column, found.value_column):
        if column is not None and column not in names:
            listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
            raise TokmanError(f"the file has no column {column!r}", f"it has {listed}")
    return found


def add(
    ledger: Ledger,
    path: Path,
    key: str,
    *,
    outcome: str | None = None,
    success: str | None = None,
    value: str | None = None,
) -> Added:
    """Make the rows of a CSV or Parquet file part of the ledger's outcomes, all or none of them;
    rows without a key or with what is no yes and no amount are refused."""
    try:
        with path.open("rb", buffering=0) as stream:
            found = _table(path, stream)
            stated = form(found.names, key, outcome, success, value)
            done = Added()
            kept: dict[str, Outcome] = {}
            for number, row in _whole(found, path, done):
                try:
                    one = _outcome(row, stated, str(path), number)
                except BadRecord as error:
                    done.rejects.append(Reject(str(path), number, str(error)))
                else:
                    kept[one.outcome_id] = one
    except OSError as error:
        raise TokmanError(
            f"{path}: {error.strerror or error}", "name a CSV or Parquet file"
        ) from error
    except files.Damaged as error:
        raise TokmanError(f"{path}: {error}", "name a CSV or Parquet file") from error
    if not kept:
        raise NothingToJudge(
            f"{path}: no outcome in it", "name the column that is the key: --key conversation_id"
        )
    done.rows, done.successes = len(kept), sum(one.success for one in kept.values())
    with ledger.lock():
        ledger.put(_arrow(list(kept.values())), "outcomes")
        ledger.compact("outcomes")
    return done


def joined(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The outcomes by kind and key: how many, how many a success, how many that some call belongs
    to, and those calls."""
    answer = connection.execute(sql.text("outcomes_joined"))
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def schema() -> pa.Schema:
    """The columns of `Outcome` in Arrow types."""
    import pyarrow as pa

    special = {"success": pa.bool_(), "value": pa.decimal128(18, 12), "line": pa.int64()}
    return pa.schema(
        [
            pa.field(name, special.get(name, pa.string()))
            for name in (*Outcome.__struct_fields__, "added_at")
        ]
    )


def _arrow(rows: list[Outcome]) -> pa.Table:
    import pyarrow as pa

    added_at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    told = [msgspec.structs.asdict(row) | {"added_at": added_at} for row in rows]
    return pa.Table.from_pylist(told, schema=schema())


def _table(path: Path, stream: Any) -> tables.Table:
    head = files.head_of(path)
    packed = files.is_packed_file(path)
    if head.startswith(files.PARQUET) and not packed:
        return tables.Parquet(path)
    pieces = files.unpacked(stream) if packed else files.plain(stream)
    kind = files.kind_of(head)
    if kind == "parquet":
        return tables.Parquet(b"".join(pieces))
    if kind != "table":
        raise files.Damaged("neither CSV nor Parquet")
    return tables.Csv(pieces)


def _whole(found: tables.Table, path: Path, done: Added) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows as far as the file can be read."""
    number = 0
    try:
        for number, row in found.rows():
            yield number, row
    except files.CutShort as error:
        done.rejects.append(Reject(str(path), number + 1, str(error)))


def _outcome(row: dict[str, Any], stated: Form, path: str, number: int) -> Outcome:
    key_value = str(row.get(stated.key_column) or "").strip()
    if not key_value:
        raise BadRecord(f"{stated.key_column}: missing")
    named = "\0".join((stated.outcome, stated.key, key_value)).encode()
    return Outcome(
        outcome_id=blake2b(named, digest_size=16).hexdigest(),
        outcome=stated.outcome,
        key=stated.key,
        key_value=key_value,
        success=_success(row, stated),
        value=_value(row, stated.value_column),
        file=path,
        line=number,
    )


def _success(row: dict[str, Any], stated: Form) -> bool:
    if stated.success_column is None:
        return True
    cell = str(row.get(stated.success_column, "")).strip().lower()
    if stated.success_values is not None:
        return cell in stated.success_values
    if cell in YES or cell in NO:
        return cell in YES
    name = stated.success_column
    raise BadRecord(f"{name}: neither yes nor no; say which cells are: --success {name}=VALUE")


def _value(row: dict[str, Any], column: str | None) -> Decimal | None:
    cell = row.get(column) if column is not None else None
    if cell is None:
        return None
    try:
        value = Decimal(str(cell).strip().removeprefix("$"))
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite() or not -MOST < value < MOST:
        raise BadRecord(f"{column}: not an amount in USD")
    return value.quantize(Decimal("1e-12"))
