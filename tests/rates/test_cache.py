"""The card is compiled once; a cache that is cold, broken or read-only is no one's problem."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tokman import rates
from tokman.rates import cache, published
from tokman.rates.rules import GEO_RATIO

RUN = """
import sys
import tokman.rates
assert not {"duckdb", "pyarrow", "genai_prices", "polars"} & set(sys.modules), "heavy import"
card = tokman.rates.load()
import duckdb, pyarrow
from tokman.usage import arrow_schema
row = dict.fromkeys(arrow_schema().names)
row |= {"provider_name": "anthropic", "request_model": sys.argv[1], "output_tokens": 1}
table = pyarrow.Table.from_pylist([row], schema=arrow_schema())
connection = duckdb.connect()
connection.register("usage", table)
tokman.rates.price(connection, card, "usage", "charges")
print("genai_prices" in sys.modules, "pydantic" in sys.modules)
"""


def run(model: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", RUN, model], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_warm_run_imports_nothing_of_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert run("claude-opus-5") == "True True"
    assert run("claude-opus-5") == "False False"
    assert run("a-name-not-seen-before") == "True True"
    assert run("a-name-not-seen-before") == "False False"


def test_the_file_names_the_version(cache_home: Path) -> None:
    rates.load()
    files = [path.name for path in (cache_home / "tokman").iterdir()]
    assert any(name.startswith("rates-genai-prices-") for name in files)
    assert not [name for name in files if not name.endswith((".parquet", ".json"))]


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet at all PAR1", None])
def test_a_broken_cache_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    whole = rates.load()
    for path in (tmp_path / "tokman").iterdir():
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 3] ^= 255
        path.write_bytes(damaged if content is None else content)
    assert rates.load().table.equals(whole.table)
    assert rates.load().find("openai", "gpt-5") == whole.find("openai", "gpt-5")


def test_a_folder_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    card = rates.load()
    assert card.find("openai", "gpt-5") is not None
    card.names.save()


def test_nothing_is_left_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(Path, "replace", full)
    rates.load()
    assert list((tmp_path / "tokman").iterdir()) == []


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", os.path.join(os.sep, "home", "someone"))
    assert cache.folder() == Path("/home/someone/.cache/tokman")


def test_the_version_changes_with_a_published_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And with nothing else: the same card has the same version, compiled or from the cache."""
    versions = []
    for turn, ratio in enumerate([GEO_RATIO] * 2 + [Fraction(12, 10)]):
        monkeypatch.setattr(published, "GEO_RATIO", ratio)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / str(turn)))
        card = rates.load()
        assert rates.load().version == card.version, "from the cache"
        versions.append(card.version)
    assert versions[0] == versions[1] != versions[2]


def test_the_version_does_not_change_with_where_a_rule_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rates.load().version
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(published, "GEO_SOURCE", "https://example.com/moved")
    assert rates.load().version == before


def test_calls_priced_by_an_older_rule_are_found(
    tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 1000, "inference_geo": "us"}
    message: dict[str, Any] = {
        "id": "msg_014VwiXbi91y3JMjcpyGBHX5",
        "type": "message",
        "role": "assistant",
    }
    message |= {"model": "claude-opus-4-8", "content": [], "usage": usage}
    (tmp_path / "a.jsonl").write_text(json.dumps(message))
    tokman("ingest", "a.jsonl")
    assert json.loads(tokman("rates", "diff", "-f", "json").out) == []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(published, "GEO_RATIO", Fraction(12, 10))
    moved = json.loads(tokman("rates", "diff", "-f", "json").out)
    assert [row["changed_calls"] for row in moved] == [1]
    assert "prices" in tokman("doctor").out
