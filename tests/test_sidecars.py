"""The lists of which file holds which call: never wrong, made again where they are lost."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Run
from tests.test_bad_input import line
from tests.test_merge import DAY, DAYS, put, rows, usage
from tokman import ledger as ledgers
from tokman import sidecars
from tokman.commit import Committed
from tokman.ledger import Ledger
from tokman.query import database

IDS = [f"msg_{number}" for number in range(1500)]
"""Three pages full."""


def lists(ledger: Ledger) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (ledger.folder / "keys").iterdir()}


def names(ledger: Ledger) -> set[str]:
    return {f"{Path(path).name}.keys" for path in ledger.files()}


def grown(folder: Path) -> Ledger:
    """A ledger with three files, each of whose calls has its year; all of them listed."""
    ledger = Ledger(folder, create=True)
    for number in range(3):
        put(ledger, usage(f"m{number}", started_at=DAY - 365 * number * DAYS, output_tokens=1))
    assert put(ledger, usage("m0", output_tokens=1)) == Committed(known=1)
    return ledger


def held(tmp_path: Path, files: dict[str, list[str]], ids: list[str]) -> set[str]:
    """The names of the files that hold one of the ids."""
    for name, calls in files.items():
        if not (tmp_path / name).exists():
            pq.write_table(pa.table({"call_id": pa.array(calls, pa.string())}), tmp_path / name)
    places = [str(tmp_path / name) for name in files]
    asked = pa.chunked_array([pa.array(ids, pa.string())])
    return {Path(file).name for file in sidecars.holding(database(), tmp_path, places, asked)}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    files=st.lists(st.sets(st.integers(0, 3000)), min_size=1, max_size=3),
    more=st.sets(st.integers(0, 3000), min_size=400),
    asked=st.sets(st.integers(0, 3000)),
    page=st.sampled_from([2, 3, 8, 512]),
)
def test_the_files_that_hold_a_call_and_no_others(
    tmp_path_factory: Any, files: list[set[int]], more: set[int], asked: set[int], page: int
) -> None:
    folder = tmp_path_factory.mktemp("held")
    files = [files[0] | more, *files[1:]]
    named = {f"{place}.parquet": [str(n) for n in sorted(ids)] for place, ids in enumerate(files)}
    ids = [str(number) for number in sorted(asked)]
    expected = {name for name, calls in named.items() if set(calls) & set(ids)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sidecars, "PAGE", page)
        assert held(folder, named, ids) == expected
        assert held(folder, named, ids) == expected, "by the lists as they were left"


def test_an_id_more_than_once_and_over_pages(tmp_path: Path) -> None:
    assert held(tmp_path, {"a": ["x"] * 2000 + ["y"], "b": ["z"]}, ["x"]) == {"a"}
    assert held(tmp_path, {"none": [], "b": ["z"]}, ["y"]) == set()


def test_a_key_is_the_same_for_ever() -> None:
    """By `printf abc | md5sum`: its last eight bytes, the first of them the least."""
    calls = database().from_arrow(pa.table({"call_id": ["abc"]}))
    md5 = bytes.fromhex("900150983cd24fb0d6963f7d28e17f72")
    assert sidecars._keys(calls).tolist() == [int.from_bytes(md5[8:], "little")]


def test_a_list_with_a_wrong_word_never_hides_a_call(tmp_path: Path) -> None:
    """Every word in turn, as it may be after a crash: another number, or nothing at all."""
    assert held(tmp_path, {"a": IDS}, IDS[:1]) == {"a"}
    path = tmp_path / "keys" / "a.keys"
    asked = np.sort(sidecars._keys(database().from_arrow(pa.table({"call_id": IDS}))))
    words = np.memmap(path, sidecars.WORD, mode="r+")
    assert sidecars._listed(path, asked) is True
    for place in range(0, len(words), 7):
        kept = words[place]
        for wrong in (kept ^ np.uint64(1 << 40), 0):
            words[place] = wrong
            assert sidecars._listed(path, asked) is None
            [single] = sidecars._keys(database().from_arrow(pa.table({"call_id": IDS[:1]})))
            assert sidecars._listed(path, np.array([single])) in (None, True)
        words[place] = kept
    words[:] = 0
    assert sidecars._listed(path, asked) is None


DAMAGE: dict[str, Callable[[Path], object]] = {
    "lost": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "cut short by a page": lambda path: path.write_bytes(path.read_bytes()[:-4096]),
    "another form": lambda path: path.write_text("not a list of keys"),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "another file's": lambda path: shutil.copy(sorted(path.parent.iterdir())[0], path),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_list_that_is_no_good_is_made_again(kind: str, tmp_path: Path) -> None:
    ledger = grown(tmp_path / "l")
    good, before = lists(ledger), rows(ledger)
    for path in sorted((ledger.folder / "keys").iterdir())[1:]:
        if path.exists():
            DAMAGE[kind](path)
    assert lists(ledger) != good
    seen = [usage(f"m{number}", started_at=DAY, output_tokens=1) for number in range(3)]
    assert put(ledger, *seen) == Committed(known=3)
    assert lists(ledger) == good
    assert rows(ledger) == before


def test_the_whole_folder_may_go(tmp_path: Path) -> None:
    ledger = grown(tmp_path / "l")
    good = lists(ledger)
    shutil.rmtree(ledger.folder / "keys")
    assert put(ledger, usage("m2", output_tokens=1)) == Committed(known=1)
    assert lists(ledger) == good


def test_what_is_no_list_of_a_present_file_goes(tmp_path: Path) -> None:
    ledger = grown(tmp_path / "l")
    (ledger.folder / "keys" / "draft").write_bytes(b"of a writer that was killed")
    (ledger.folder / "keys" / "part-gone.parquet.keys").write_bytes(b"")
    put(ledger, usage("new"))
    assert set(lists(ledger)) < names(ledger)


def test_files_written_together_are_listed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = grown(tmp_path / "l")
    before = names(ledger)
    monkeypatch.setattr(ledgers, "COMPACT_ABOVE", 3)
    put(ledger, usage("m3"))
    assert not names(ledger) & before
    seen = [usage(f"m{number}", started_at=DAY, output_tokens=1) for number in range(3)]
    assert put(ledger, *seen) == Committed(known=3)
    assert set(lists(ledger)) == names(ledger)


def test_a_file_that_a_reprice_wrote_anew(tmp_path: Path) -> None:
    ledger = grown(tmp_path / "l")
    files = {}
    for file in ledger.files():
        files[file] = Path(file).with_name(f"part-00000-{uuid.uuid4()}-c000.zstd.parquet")
        pq.write_table(pq.read_table(file), files[file])
    with ledger.lock():
        ledger.exchange(files, 1)
    assert put(ledger, usage("m2", output_tokens=9, team="t")) == Committed(completed=1)
    assert [row["output_tokens"] for row in rows(ledger)] == [1, 1, 9]


def test_a_file_is_read_for_its_keys_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = grown(tmp_path / "l")
    made: list[Path] = []
    write = sidecars._write

    def watched(path: Path, keys: Any) -> None:
        made.append(path)
        write(path, keys)

    monkeypatch.setattr(sidecars, "_write", watched)
    for number in range(3):
        put(ledger, usage(f"new{number}"))
    assert len(made) == len(set(made)) == 2


def test_unchanged_files_ask_for_no_list(tokman: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(line(1) + b"\n")
    (tmp_path / "b.jsonl").write_bytes(line(2) + b"\n")
    for name in ("a.jsonl", "b.jsonl", "a.jsonl"):
        tokman("ingest", name)
    shutil.rmtree(tmp_path / ".tokman" / "keys")
    assert "2 unchanged" in tokman("ingest", "a.jsonl", "b.jsonl").err
    assert not (tmp_path / ".tokman" / "keys").exists()
