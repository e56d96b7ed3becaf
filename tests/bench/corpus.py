"""The logs and the ledger that are raced over: made once, kept in .bench/ until VERSION moves."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".bench"

VERSION = 4
"""Raise it when a generator changes."""

SEED = 20261123
BIG_ROWS = 1_480_000
"""Rows of SpendLogs that make two gigabytes."""


def _made(name: str, make: Callable[[Path], object]) -> Path:
    """The folder of that name, made if it is not there; a half-made one is thrown away."""
    place = HOME / f"{name}-v{VERSION}"
    if (place / "done.json").is_file():
        return place
    for old in HOME.glob(f"{name}-v*"):
        shutil.rmtree(old)
    place.mkdir(parents=True)
    print(f"making {place} …", file=sys.stderr, flush=True)
    began = time.monotonic()
    facts = make(place)
    (place / "done.json").write_text(json.dumps(facts, indent=2))
    print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr)
    return place


def facts(place: Path) -> dict[str, int]:
    """What a corpus adds up to, said by those who made or recounted it."""
    stated: dict[str, int] = json.loads((place / "done.json").read_text())
    return stated


def transcripts() -> Path:
    """A folder with projects/ of Claude Code transcripts, recounted by tests/recount."""

    def make(place: Path) -> object:
        from . import transcripts as made

        made.write(place, SEED)
        recount = ROOT / "tests" / "recount" / "recount.py"
        out = subprocess.run(
            [sys.executable, str(recount), str(place)], check=True, capture_output=True
        ).stdout
        return json.loads(out)["claude-code"]

    return _made("transcripts", make)


def litellm() -> Path:
    """A folder with spend.jsonl, half a million rows of LiteLLM_SpendLogs."""

    def make(place: Path) -> object:
        from . import litellm_rows

        return litellm_rows.write(place / "spend.jsonl", SEED)

    return _made("litellm", make)


def big() -> Path:
    """A folder with the same rows of two gigabytes as plain.jsonl and packed.jsonl.gz."""

    def make(place: Path) -> object:
        from . import litellm_rows

        sums = litellm_rows.write(place / "plain.jsonl", SEED + 1, BIG_ROWS)
        with (
            (place / "plain.jsonl").open("rb") as plain,
            gzip.open(place / "packed.jsonl.gz", "wb", compresslevel=1) as packed,
        ):
            shutil.copyfileobj(plain, packed, 1 << 20)
        return sums

    return _made("big", make)


def ledger() -> Path:
    """A folder with ledger/, ten million calls as tokman stores them."""

    def make(place: Path) -> object:
        # A process of its own, so that this one stays small: a child's peak memory counts its
        # parent's pages at the fork.
        subprocess.run(
            [sys.executable, "-m", "tests.bench.big_ledger", str(place / "ledger")],
            check=True,
            cwd=ROOT,
        )
        return {}

    from tokman.usage import SCHEMA_VERSION

    return _made(f"ledger-schema{SCHEMA_VERSION}", make)
