"""SQLite databases of other programs: read as of their last commit, and left alone."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tokman import databases, discover

SESSION = "ses_1"


def message(number: int) -> tuple[str, str, str]:
    moment = 1_770_850_180_000 + number
    data = {
        "role": "assistant",
        "time": {"created": moment, "completed": moment + 5},
        "modelID": "claude-sonnet-4-5",
        "providerID": "anthropic",
        "tokens": {"input": 100 + number, "output": 20, "reasoning": 0},
    }
    return f"msg_{number}", SESSION, json.dumps(data)


def database(path: Path, *numbers: int, mode: str = "wal") -> sqlite3.Connection:
    """A database in use: what was written last is in its log only."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"pragma journal_mode = {mode}")
    connection.execute("create table message (id text primary key, session_id text, data text)")
    connection.execute(
        "create table session_message (id text, session_id text, type text, data text)"
    )
    connection.execute("pragma wal_checkpoint(truncate)")
    write(connection, *numbers)
    return connection


def write(connection: sqlite3.Connection, *numbers: int) -> None:
    connection.executemany("insert into message values (?, ?, ?)", map(message, numbers))


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def calls(tokman: Run, *paths: Path) -> tuple[int, int]:
    code = tokman("ingest", *paths, "--ledger", "ledger").code
    out = tokman("sql", "select count(*) n from usage", "-f", "json", "--ledger", "ledger").out
    return code, int(json.loads(out)[0]["n"])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "opencode"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_database_in_use_is_read_whole_and_left_alone(
    mode: str, place: Path, tokman: Run
) -> None:
    with_log = database(place / "opencode.db", 1, 2, mode=mode)
    before = everything(place)
    assert calls(tokman, place) == (0, 2)
    assert everything(place) == before
    write(with_log, 3)
    assert calls(tokman, place) == (0, 3), "a longer log is a changed database"
    with_log.close()


def test_a_closed_database(place: Path, tokman: Run) -> None:
    database(place / "opencode.db", 1, 2).close()
    before = everything(place)
    assert list(before) == ["opencode.db"]
    place.chmod(0o500)
    try:
        assert calls(tokman, place) == (0, 2)
        assert everything(place) == before
    finally:
        place.chmod(0o700)


def test_an_unfinished_transaction_is_not_read(place: Path, tokman: Run) -> None:
    for mode in ("wal", "delete"):
        connection = database(place / f"{mode}.db", 1, mode=mode)
        connection.execute("pragma cache_size = 2")
        connection.execute("begin")
        write(connection, *range(10, 400))
        killed = place.parent / f"killed-{mode}"
        killed.mkdir()
        for path in place.glob(f"{mode}.db*"):
            shutil.copy(path, killed)
        assert len(list(killed.iterdir())) > 1, "something lies beside the main file"
        assert calls(tokman, killed) == (0, 1)
        connection.close()


def test_the_log_is_begun_anew_while_copying(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place / "opencode.db"
    connection = database(path, 1)
    copyfile, left = shutil.copyfile, [2, 3]

    def interrupted(source: Any, target: Any) -> None:
        copyfile(source, target)
        if left and str(source).endswith(".db"):
            connection.execute("pragma wal_checkpoint(truncate)")
            write(connection, left.pop())

    monkeypatch.setattr(shutil, "copyfile", interrupted)
    with databases.opened(path) as copy:
        found = [row["id"] for row in databases.rows(copy, "message", ("id",))]
    assert found == [b"msg_1", b"msg_2", b"msg_3"]
    connection.close()


def test_a_database_that_changes_without_a_pause(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place / "opencode.db"
    connection = database(path, 1)
    moments = iter(range(1000))
    monkeypatch.setattr(databases, "_moment", lambda path: next(moments))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(OSError, match="without a pause"), databases.opened(path):
        pass
    connection.close()


FOREIGN = {
    "no table it knows": "create table cookies (id text, host text)",
    "another's table of that name": "create table message (id int, session_id int, data text);"
    'insert into message values (1, 2, \'{"role": "user"}\')',
    "a view of that name": "create view message as with recursive n(id) as "
    "(select 1 union all select id + 1 from n) select id, 1 as session_id, 2 as data from n",
    "an empty table": "create table message (id text, session_id text, data text)",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_database_is_passed_over(name: str, place: Path, tokman: Run) -> None:
    connection = sqlite3.connect(place / "other.sqlite")
    connection.executescript(FOREIGN[name])
    connection.close()
    (place / "notes.txt").write_text("no log\n")
    told = tokman("ingest", place, "--ledger", "ledger")
    assert "notes.txt" in told.err
    assert "other" not in told.err, "databases are many; those of others are passed over unnamed"
    named = tokman("ingest", place / "other.sqlite", "--ledger", "new")
    assert "no format tokman reads" in named.err


def test_a_damaged_database_is_named(place: Path, tokman: Run) -> None:
    database(place / "opencode.db", *range(500)).close()
    whole = (place / "opencode.db").read_bytes()
    (place / "opencode.db").write_bytes(whole[: len(whole) // 2])
    told = tokman("ingest", place, "--ledger", "ledger")
    assert told.code != 0
    assert "not a readable database" in told.err


def test_a_bad_row_does_not_hide_the_others(place: Path, tokman: Run) -> None:
    connection = database(place / "opencode.db", 1)
    connection.execute("insert into message values ('msg_x', 'ses_1', 'oops')")
    connection.execute("insert into message values ('msg_y', 'ses_1', x'7bff7d')")
    write(connection, 2)
    assert calls(tokman, place) == (1, 2)
    connection.close()


def test_both_versions_of_a_message_are_one_call(place: Path, tokman: Run) -> None:
    connection = database(place / "opencode.db", 1, 2)
    connection.execute(
        "insert into session_message select id, session_id, 'assistant', data from message"
    )
    assert calls(tokman, place) == (0, 2)
    connection.close()


def test_what_lies_beside_a_database_is_no_log(place: Path) -> None:
    for name in ("a.db", "a.db-wal", "a.db-shm", "b.sqlite-journal"):
        (place / name).write_bytes(b"x" * 10)
    [found] = discover.find([str(place)])
    assert isinstance(found, discover.Found)
    assert (Path(found.path).name, found.size) == ("a.db", 20)
