"""Files are whole, or as they were."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tokman.errors import TokmanError
from tokman.written import append_whole, write_whole


def test_written_over_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_text("a longer text that was there before")
    write_whole(path, "new é\n", "hint")
    assert path.read_bytes() == "new é\n".encode()
    assert os.listdir(tmp_path) == ["report.xml"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old")
    (tmp_path / "link").symlink_to("there")
    write_whole(tmp_path / "link", "new", "hint")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "new"


def test_what_cannot_be_put_in_place_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "report.xml"
    path.write_text("old")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(TokmanError, match=r"report\.xml: No space left"):
        write_whole(path, "new", "hint")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.xml"]


@pytest.mark.parametrize("write", [write_whole, append_whole])
@pytest.mark.parametrize("name", ["folder", "missing/report.xml", "folder/../nowhere/x"])
def test_what_is_no_file(
    name: str, write: Callable[[Path, str, str], None], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(TokmanError):
        write(tmp_path / name, "text", "hint")
    assert os.listdir(tmp_path) == ["folder"]


def test_appended(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    append_whole(path, "one é\n", "hint")
    append_whole(path, "two\n", "hint")
    assert path.read_text() == "one é\ntwo\n"
