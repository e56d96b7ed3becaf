"""Whatever a log contains: good lines are kept, each bad one is named, the run goes on."""

from __future__ import annotations

import gzip
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.conftest import Run


def call(number: int, **changes: Any) -> dict[str, Any]:
    """One OpenAI response body; `changes` go into its usage."""
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    usage.update(changes)
    return {
        "id": f"chatcmpl-AbCdEfGhIjKl{number:06}",
        "object": "chat.completion",
        "created": 1_767_225_600 + number,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}}],
        "usage": usage,
    }


def line(number: int, **changes: Any) -> bytes:
    return json.dumps(call(number, **changes)).encode()


def calls(tokman: Run) -> int:
    return int(
        json.loads(tokman("sql", "select count(*) n from charges", "-f", "json").out)[0]["n"]
    )


GOOD = [line(1), line(2)]
LINES: dict[str, tuple[bytes, int, str | None]] = {
    # name: (line between two good ones, calls kept, reason or None)
    "torn": (line(3)[:60], 2, "not JSON"),
    "empty": (b"", 2, None),
    "blank": (b"  \t ", 2, None),
    "carriage return": (line(3) + b"\r", 3, None),
    "NUL bytes": (b"\0" * 200, 2, "not JSON"),
    "NUL in a text": (line(3).replace(b'"x"', b'"a\0b"'), 2, "not JSON"),
    "invalid UTF-8": (line(3).replace(b'"x"', b'"\xff\xfe"'), 2, "not JSON"),
    "two objects": (line(3) + line(4), 4, None),
    "two objects and a space": (line(3) + b" " + line(4), 4, None),
    "an array": (b"[1, 2]", 2, "not a JSON object"),
    "a number": (b"12", 2, "not a JSON object"),
    "an unknown object": (b'{"hello": "world"}', 2, "no openai response"),
    "30 MB": (line(3).replace(b'"x"', b'"' + b"y" * 30_000_000 + b'"'), 3, None),
    "nested 5,000 deep": (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", 2, "nested too deeply"),
    "beyond 64 bits": (line(3, prompt_tokens=2**70), 2, "prompt_tokens"),
    "negative": (line(3, prompt_tokens=-5), 2, "prompt_tokens"),
    "fractional": (line(3, prompt_tokens=12.5), 2, "prompt_tokens"),
    "a count in quotes": (line(3, prompt_tokens="12"), 2, "prompt_tokens"),
    "cached beyond the prompt": (
        line(3, prompt_tokens_details={"cached_tokens": 101}),
        2,
        "prompt_tokens (100): fewer than",
    ),
    "reasoning beyond the output": (
        line(3, completion_tokens_details={"reasoning_tokens": 11}),
        2,
        "completion_tokens (10): fewer than",
    ),
    "a total that is not the sum": (line(3, total_tokens=999), 2, "total"),
    "1970": (line(3).replace(b"1767225603", b"12345"), 2, "not a time"),
    "1975": (line(3).replace(b"1767225603", b"167225603"), 2, "1975"),
    "2099": (line(3).replace(b"1767225603", b"4070908800"), 2, "2099"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_bad_line_between_good_ones(name: str, tokman: Run, tmp_path: Path) -> None:
    bad, kept, reason = LINES[name]
    log = tmp_path / "log.jsonl"
    log.write_bytes(GOOD[0] + b"\n" + bad + b"\n" + GOOD[1] + b"\n")
    result = tokman("ingest", log, "--rejects", "rejects.csv")
    assert calls(tokman) == kept
    if reason is None:
        assert result.code == 0, result.err
        assert "refused" not in result.err
    else:
        assert result.code == 1
        assert f"{log}:2: " in result.err
        assert reason in result.err
        assert reason in (tmp_path / "rejects.csv").read_text()
        assert "1 line refused" in result.err


def test_a_torn_last_line_is_named_and_read_once_it_is_whole(tokman: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(line(1) + b"\n" + line(2)[:50])
    first = tokman("ingest", log)
    assert (first.code, calls(tokman)) == (1, 1)
    assert f"{log}:2: the last line is cut off" in first.err
    log.write_bytes(line(1) + b"\n" + line(2) + b"\n" + line(3) + b"\n")
    second = tokman("ingest", log)
    assert (second.code, calls(tokman)) == (0, 3)
    assert json.loads(tokman("sql", "from rejects", "-f", "json").out) == []


def test_a_last_line_without_its_end_is_read(tokman: Run, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(line(1) + b"\n" + line(2))
    assert tokman("ingest", "log.jsonl").code == 0
    assert calls(tokman) == 2


def cut_gzip(data: bytes) -> bytes:
    return gzip.compress(data)[:-20]


CONTAINERS: dict[str, tuple[str, bytes, int, str | None]] = {
    # name: (file name, content, calls, reason)
    "BOM": ("a.jsonl", b"\xef\xbb\xbf" + line(1) + b"\n" + line(2) + b"\n", 2, None),
    "CRLF": ("a.jsonl", line(1) + b"\r\n" + line(2) + b"\r\n", 2, None),
    "pretty-printed": (
        "a.jsonl",
        json.dumps(call(1), indent=2).encode() + b"\n" + json.dumps(call(2), indent=2).encode(),
        2,
        None,
    ),
    "one object": ("a.json", json.dumps(call(1), indent=2).encode(), 1, None),
    "an array": ("a.json", json.dumps([call(1), call(2)]).encode(), 2, None),
    "a pretty array": ("a.json", json.dumps([call(1), call(2)], indent=1).encode(), 2, None),
    "a page": (
        "a.json",
        json.dumps({"object": "list", "data": [call(1), call(2)], "has_more": False}).encode(),
        2,
        None,
    ),
    "gzip": ("a.jsonl.gz", gzip.compress(line(1) + b"\n" + line(2)), 2, None),
    "gzip without its ending": ("a.log", gzip.compress(line(1) + b"\n" + line(2)), 2, None),
    "gzip in members": (
        "a.gz",
        gzip.compress(line(1) + b"\n") + gzip.compress(line(2) + b"\n"),
        2,
        None,
    ),
    "zstd": ("a.jsonl.zst", zstandard.compress(line(1) + b"\n" + line(2)), 2, None),
    "zstd in frames": (
        "a.zst",
        zstandard.compress(line(1) + b"\n") + zstandard.compress(line(2) + b"\n"),
        2,
        None,
    ),
    "gzip cut short": (
        "a.jsonl.gz",
        cut_gzip(b"\n".join(line(number) for number in range(2000)) + b"\n"),
        -1,
        "ends early",
    ),
    "zstd cut short": (
        "a.jsonl.zst",
        zstandard.compress(b"\n".join(line(number) for number in range(9000)))[:-20],
        -1,
        "ends early",
    ),
    "gzip with junk behind": ("a.gz", gzip.compress(line(1) + b"\n") + b"junk", 1, "follow"),
    "a cut array": ("a.json", json.dumps([call(1), call(2)]).encode()[:-30], 0, "not JSON"),
    "deep document": ("a.json", b"[" * 100_000, 0, "not JSON"),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers(name: str, tokman: Run, tmp_path: Path) -> None:
    file, content, kept, reason = CONTAINERS[name]
    (tmp_path / file).write_bytes(content)
    result = tokman("ingest", file)
    if reason is None:
        assert (result.code, calls(tokman)) == (0, kept), result.err
    else:
        assert reason in result.err
        assert str(tmp_path / file) in result.err
        assert result.code == 1 if kept else result.code in (1, 3)
        if kept < 0:
            assert calls(tokman) > 100, "what was readable is kept"
        else:
            assert calls(tokman) == kept


NOTHING: dict[str, tuple[str, bytes | None, str]] = {
    "an empty file": ("a.jsonl", b"", ""),
    "only blank lines": ("a.jsonl", b"\n\n\n", ""),
    "a file nobody knows": ("notes.txt", b"dear diary\n", "no format tokman reads"),
    "a binary file": ("blob", bytes(range(256)) * 10, "no format tokman reads"),
    "unknown objects": ("a.jsonl", b'{"hello": 1}\n' * 3, "no format tokman reads"),
    "a table nobody knows": ("a.csv", b"a,b\n1,2\n", "no format tokman reads"),
    "no such path": ("nowhere.jsonl", None, "no such file"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_to_read(name: str, tokman: Run, tmp_path: Path) -> None:
    file, content, reason = NOTHING[name]
    if content is not None:
        (tmp_path / file).write_bytes(content)
    result = tokman("ingest", file)
    assert result.code == 3
    assert reason in result.err
    assert "hint: " in result.err


def test_a_folder_without_logs(tokman: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "README.md").write_text("hello")
    (tmp_path / "folder" / "settings.json").write_text('{"theme": "dark"}')
    result = tokman("ingest", "folder")
    assert result.code == 3
    assert "not logs, passed over: settings.json" in result.err


def test_a_file_without_permission(tokman: Run, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (tmp_path / "a.jsonl").write_bytes(line(1))
    (tmp_path / "a.jsonl").chmod(0)
    result = tokman("ingest", "a.jsonl")
    assert (result.code, "Permission denied" in result.err) == (3, True)


def test_a_file_that_cannot_be_opened(
    tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jsonl").write_bytes(line(1))
    (tmp_path / "b.jsonl").write_bytes(line(2))
    opened = Path.open

    def refuse(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.name == "a.jsonl":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    result = tokman("ingest", "a.jsonl", "b.jsonl")
    assert "a.jsonl: cannot be read: Permission denied" in result.err
    assert (result.code, calls(tokman)) == (1, 1)


def test_a_loop_of_links(tokman: Run, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(line(1))
    (folder / "again").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    (folder / "same.jsonl").symlink_to(folder / "a.jsonl")
    result = tokman("ingest", "logs")
    assert calls(tokman) == 1
    assert "read 1 file " in result.err


def test_a_record_two_sources_claim(
    tokman: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tokman.sources.providers.anthropic import Anthropic

    monkeypatch.setattr(Anthropic, "matches", staticmethod(lambda record: "choices" in record))
    (tmp_path / "a.jsonl").write_bytes(line(1) + b"\n")
    refused = tokman("ingest", "a.jsonl")
    assert refused.code in (1, 3)
    assert "claimed by openai and anthropic; choose with --source" in refused.err
    assert tokman("ingest", "a.jsonl", "--source", "openai").code == 0
    assert calls(tokman) == 1


def test_formats_mixed_in_one_file(tokman: Run, tmp_path: Path) -> None:
    claude = {
        "id": "msg_01AbCdEfGhIjKlMnOpQrStUv",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "output_tokens": 7},
    }
    log = tmp_path / "a.jsonl"
    log.write_bytes(line(1) + b"\n" + json.dumps(claude).encode() + b"\n" + line(2) + b"\n")
    assert tokman("ingest", log).code == 0
    sources = json.loads(tokman("report", "--by", "source", "-f", "json").out)
    assert {row["source"]: row["calls"] for row in sources} == {"openai": 2, "anthropic": 1}


def test_a_full_disk(tmp_path: Path) -> None:
    """A file-size limit stands in for the disk: the run fails in one line, the ledger opens."""
    import subprocess

    log = tmp_path / "a.jsonl"
    log.write_bytes(b"\n".join(line(number) for number in range(3000)))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = [sys.executable, "-m", "tokman", "ingest", str(log), "--ledger", "l"]
    failed = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=False)
    assert failed.returncode == 2, failed.stderr
    assert "Traceback" not in failed.stderr
    assert failed.stderr.startswith("error: ")
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "3,000 calls added" in again.stderr
