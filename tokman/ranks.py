"""The ranks that tiktoken encodes by: found on this machine, used only if their hash is known.

They come from OpenAI, are several MB, and are in no wheel that tokman depends on. Nothing here
uses the network but `download`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tokman.errors import TokmanError

if TYPE_CHECKING:
    import tiktoken

SHA256 = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
"""Of the file of each encoding: https://github.com/openai/tiktoken/blob/main/tiktoken_ext/openai_public.py."""

_URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
_MOST_BYTES = 16 << 20
"""Larger than any file of ranks, so that a packed file cannot fill the memory."""

_PACKAGES = {"bpe_openai": "data", "litellm": "litellm_core_utils/tokenizers"}
"""Packages that carry the files unchanged, and where in them."""

_named: Path | None = None


class Place(msgspec.Struct):
    """Where an encoding's ranks are; what lies in such a place and was refused, with reasons."""

    path: Path | None = None
    content: bytes = b""
    refused: list[str] = []


def use(folder: Path | None) -> None:
    """Look in this folder first; TokmanError if it is none."""
    global _named
    if folder is not None and not folder.is_dir():
        raise TokmanError(f"[tiktoken] ranks: no folder {folder}", "name the folder of the ranks")
    if folder != _named:
        encoding.cache_clear()
    _named = folder


def named() -> Path | None:
    """The folder that `use` set."""
    return _named


@cache
def encoding(name: str) -> tiktoken.Encoding | None:
    """The encoding, if tokman knows its ranks and they are on this machine; else None."""
    content = find(name).content if name in SHA256 else b""
    if not content:
        return None
    import tiktoken
    import tiktoken.load
    from tiktoken_ext.openai_public import ENCODING_CONSTRUCTORS

    def found(blobpath: str, expected_hash: str | None = None) -> bytes:
        if blobpath != _URL.format(name) or expected_hash not in (None, SHA256[name]):
            raise OSError(f"{blobpath} is not at hand")
        return content

    own, tiktoken.load.read_file_cached = tiktoken.load.read_file_cached, found
    try:
        return tiktoken.Encoding(**ENCODING_CONSTRUCTORS[name]())
    except (KeyError, OSError, ValueError):
        return None
    finally:
        tiktoken.load.read_file_cached = own


def find(name: str) -> Place:
    """The first sound file of an encoding's ranks."""
    place = Place()
    for path in _candidates(name):
        try:
            content = _read(path)
        except FileNotFoundError:
            continue
        except (OSError, EOFError) as error:
            place.refused.append(f"{path}: {error}")
            continue
        digest = _sha256(content)
        if digest == SHA256[name]:
            place.path, place.content = path, content
            break
        place.refused.append(f"{path}: not the ranks of {name}: its SHA-256 is {digest[:12]}…")
    return place


def download(name: str) -> Path:
    """Fetch the ranks from OpenAI into the first of the folders looked in; the path of the file."""
    import uuid

    import tiktoken.load

    try:
        content: bytes = tiktoken.load.read_file(_URL.format(name))
        if _sha256(content) != SHA256[name]:
            raise OSError("it sent other bytes than the known ones")
        path = next(_folders()) / f"{name}.tiktoken"
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        raise TokmanError(f"{name} cannot be fetched from {_URL.format(name)}: {error}") from error
    encoding.cache_clear()
    return path


def _candidates(name: str) -> Iterator[Path]:
    """By name, or by the name under which tiktoken keeps what it downloads."""
    import hashlib

    hashed = hashlib.sha1(_URL.format(name).encode(), usedforsecurity=False).hexdigest()
    for folder in _folders():
        for file in (f"{name}.tiktoken", f"{name}.tiktoken.gz", hashed):
            yield folder / file


def _tiktoken_cache() -> Path:
    """Where tiktoken keeps what it fetched, if not told otherwise."""
    import tempfile

    return Path(tempfile.gettempdir()) / "data-gym-cache"


def _folders() -> Iterator[Path]:
    """The named folder, tokman's own, tiktoken's caches, packages that carry the files."""
    import importlib.util

    if _named is not None:
        yield _named
    cache_home = os.environ.get("XDG_CACHE_HOME")
    yield (Path(cache_home) if cache_home else Path.home() / ".cache") / "tokman" / "ranks"
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if os.environ.get(variable):
            yield Path(os.environ[variable])
    yield _tiktoken_cache()
    for package, inside in _PACKAGES.items():
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            yield Path(folder) / inside


def _read(path: Path) -> bytes:
    import gzip

    with path.open("rb") as file:
        packed = path.suffix == ".gz"
        with gzip.open(file) if packed else file as stream:
            content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise OSError("too large for a file of ranks")
    return content


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()
