"""Ranks: found in their places, used only with the known hash, fetched only when told to."""

from __future__ import annotations

import gzip
import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiktoken.load
import tiktoken_ext.openai_public as openai_public

from tests.conftest import Run
from tokman import ranks

KNOWN = dict(ranks.SHA256)
SOUND = b"IQ== 0\nIg== 1\n"
PACKED = gzip.compress(SOUND, mtime=0)
VAST = gzip.compress(bytes(20 << 20), mtime=0)
URL = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
CACHED = hashlib.sha1(URL.encode()).hexdigest()


@pytest.fixture(autouse=True)
def nowhere_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Two small ranks are the known ones, and no place of this machine has any."""
    for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(ranks, "_tiktoken_cache", lambda: tmp_path / "tmp" / "data-gym-cache")
    monkeypatch.setattr(ranks, "_PACKAGES", {})
    monkeypatch.setattr(ranks, "SHA256", {"o200k_base": hashlib.sha256(SOUND).hexdigest()})
    yield
    ranks.use(None)
    ranks.encoding.cache_clear()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("place", "content"),
    [
        ("cache/tokman/ranks/o200k_base.tiktoken", SOUND),
        ("cache/tokman/ranks/o200k_base.tiktoken.gz", PACKED),
        (f"tmp/data-gym-cache/{CACHED}", SOUND),
        (f"named/{CACHED}", SOUND),
        (f"stated/{CACHED}", SOUND),
    ],
)
@pytest.mark.usefixtures("no_network")
def test_where_they_are_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, content: bytes
) -> None:
    assert ranks.find("o200k_base").path is None
    path = put(tmp_path / place, content)
    if place.startswith("named"):
        ranks.use(path.parent)
    if place.startswith("stated"):
        monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(path.parent))
    assert ranks.find("o200k_base").path == path


def test_in_a_package_that_carries_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without importing it: some take seconds."""
    put(tmp_path / "bpe_openai" / "__init__.py", b"raise AssertionError('imported')")
    path = put(tmp_path / "bpe_openai/data/o200k_base.tiktoken.gz", PACKED)
    monkeypatch.setattr(ranks, "_PACKAGES", {"bpe_openai": "data", "not_installed": ""})
    monkeypatch.syspath_prepend(tmp_path)
    assert ranks.find("o200k_base").path == path


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("o200k_base.tiktoken", SOUND + b"\n", "not the ranks of o200k_base: its SHA-256 is"),
        ("o200k_base.tiktoken", b"", "not the ranks of o200k_base"),
        ("o200k_base.tiktoken.gz", b"not packed", "Not a gzipped file"),
        ("o200k_base.tiktoken.gz", PACKED[:-9], "ended before"),
        ("o200k_base.tiktoken.gz", VAST, "too large"),
    ],
)
@pytest.mark.usefixtures("no_network")
def test_a_wrong_file_is_refused_and_left_where_it_is(
    tokman: Run, tmp_path: Path, file: str, content: bytes, reason: str
) -> None:
    """tiktoken itself would delete it and download another."""
    path = put(tmp_path / "named" / file, content)
    (tmp_path / "tokman.toml").write_text('[tiktoken]\nranks = "named"')
    done = tokman("ranks")
    assert done.code == 1
    assert "none: texts are counted by their size" in done.out
    assert reason in done.err
    assert path.read_bytes() == content
    assert ranks.encoding("o200k_base") is None


def test_a_sound_file_further_on_is_used(tmp_path: Path) -> None:
    put(tmp_path / "named" / "o200k_base.tiktoken", b"wrong")
    sound = put(tmp_path / "cache/tokman/ranks/o200k_base.tiktoken", SOUND)
    ranks.use(tmp_path / "named")
    place = ranks.find("o200k_base")
    assert place.path == sound
    assert len(place.refused) == 1


def test_a_folder_that_is_none(tokman: Run, tmp_path: Path) -> None:
    (tmp_path / "tokman.toml").write_text('[tiktoken]\nranks = "nowhere"')
    assert "no folder" in tokman("ranks").err


@pytest.mark.parametrize(("sent", "code"), [(SOUND, 0), (b"something else", 2)])
def test_fetched_when_told_to_and_verified(
    tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes, code: int
) -> None:
    asked: list[str] = []

    def send(url: str) -> bytes:
        asked.append(url)
        return sent

    monkeypatch.setattr(tiktoken.load, "read_file", send)
    assert tokman("ranks").code == 1
    assert asked == []
    assert tokman("ranks", "--download").code == code
    assert asked == [URL]
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["o200k_base.tiktoken"] * (code == 0)


def test_the_known_hashes_are_tiktokens_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}

    def note(url: str, expected_hash: str) -> dict[bytes, int]:
        seen[url.rpartition("/")[2].removesuffix(".tiktoken")] = expected_hash
        return {}

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", note)
    for name in KNOWN:
        openai_public.ENCODING_CONSTRUCTORS[name]()
    assert seen == KNOWN
