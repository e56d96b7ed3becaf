"""What every log is made with: token classes, list prices, the count of what was written."""

from __future__ import annotations

import gzip
import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

Json = dict[str, Any]

FIRST_DAY = datetime(2026, 10, 19, tzinfo=UTC)
DAYS = 28
SONNET, HAIKU, OPUS = "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001", "claude-opus-4-8"
GPT, MINI, OLD_MINI, EMBED = "gpt-5.5", "gpt-5.4-mini", "gpt-4o-mini", "text-embedding-3-small"
GEMINI, OWN = "gemini-2.5-flash", "lumen-ft-7b"

# USD per million tokens: uncached input, cache read, 5-minute write, 1-hour write, output.
PRICES: dict[str, tuple[float, float, float, float, float]] = {
    SONNET: (3, 0.3, 3.75, 6, 15),
    HAIKU: (1, 0.1, 1.25, 2, 5),
    OPUS: (5, 0.5, 6.25, 10, 25),
    GPT: (5, 0.5, 0, 0, 30),
    MINI: (0.75, 0.075, 0, 0, 4.5),
    OLD_MINI: (0.15, 0.075, 0, 0, 0.6),
    EMBED: (0.02, 0, 0, 0, 0),
    GEMINI: (0.3, 0.03, 0, 0, 2.5),
}

ITEMS = ("Arc lamp", "Halo ring", "Desk bar", "Clip light", "Reading arm", "Shelf strip")
SENTENCES = (
    "The {item} ordered as LD-{n} flickers at low brightness.",
    "Invoice {n} was paid twice, and one payment has to go back.",
    "The parcel with {item} LD-{n} left the depot but shows no scan since.",
    "Dimming in step {n} does not reach the second {item}.",
    "Customer asks if {item} fits a bracket of {n} mm.",
    "A refund for order {n} is on hold until the return arrives.",
    "Firmware {n} fixed the colour shift seen on the {item}.",
    "The address on order {n} changed after the label was printed.",
    "Warranty for the {item} ends {n} days from delivery.",
    "The showroom wants {n} more units of the {item} before the weekend.",
    "Support replaced the driver of unit {n} and the hum is gone.",
    "Stock of the {item} is down to {n} pieces.",
)


class Tokens(NamedTuple):
    """Disjoint token classes of one call; `reasoning` alone is a part of `output`."""

    uncached_input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def prompt(self) -> int:
        """Every token of the prompt."""
        return sum(self[:4])

    @property
    def written(self) -> int:
        """Tokens written to the prompt cache, for either lifetime."""
        return self.cache_write_5m + self.cache_write_1h

    @property
    def written_by_lifetime(self) -> Json:
        """The same, as Anthropic splits it."""
        return {
            "ephemeral_5m_input_tokens": self.cache_write_5m,
            "ephemeral_1h_input_tokens": self.cache_write_1h,
        }

    def cost(self, model: str) -> int:
        """Pico-dollars at list price."""
        return sum(n * round(p * 10**6) for n, p in zip(self[:5], PRICES[model], strict=True))


class Books:
    """What was written, counted as it is written: per (source, workflow)."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[str, int]] = {}
        self.models: dict[tuple[str, str], set[str]] = {}
        self.broken: list[Json] = []
        self.repeats: dict[str, int] = {}
        self.findings: list[Json] = []
        self.days: dict[tuple[datetime, str], Tokens] = {}
        """What Anthropic served by day and model, batches left out."""
        self.bill: dict[str, str] = {}
        """Differences planted in Anthropic's bill, in USD."""

    def add(
        self,
        source: str,
        workflow: str,
        model: str,
        tokens: Tokens,
        kind: str = "",
        at: datetime | None = None,
    ) -> None:
        """Count a billed call, or one of another kind that bought nothing; `at`: Anthropic's."""
        row = self.rows.setdefault((source, workflow), {})
        self.models.setdefault((source, workflow), set()).add(model)
        row[kind or "calls"] = row.get(kind or "calls", 0) + 1
        if kind:
            return
        for name, count in tokens._asdict().items():
            row[name] = row.get(name, 0) + count
        if at is not None:
            day = at.replace(hour=0, minute=0, second=0, microsecond=0)
            before = self.days.get((day, model), Tokens())
            self.days[day, model] = Tokens(*map(sum, zip(before, tokens, strict=True)))
        if model in PRICES:
            row["pico"] = row.get("pico", 0) + tokens.cost(model)
        else:
            row["unpriced_calls"] = row.get("unpriced_calls", 0) + 1

    def found(self, lever: str, workflow: str, why: str, usd: float | None = None) -> None:
        """Note a planted finding, with the saving in these four weeks at list prices."""
        saving = None if usd is None else round(usd, 2)
        finding = {"lever": lever, "workflow": workflow, "why": why, "rough_saving_usd": saving}
        self.findings.append(finding)


def totals(rows: Iterable[dict[str, int]]) -> Json:
    """Sum of rows, in the shape of expected.json."""
    rows = list(rows)
    kinds = ("calls", "failed_calls", "response_cache_hits", "unpriced_calls")
    summed: Json = {kind: sum(row.get(kind, 0) for row in rows) for kind in kinds}
    summed["tokens"] = {name: sum(row.get(name, 0) for row in rows) for name in Tokens._fields}
    summed["list_cost_usd"] = round(sum(row.get("pico", 0) for row in rows) / 10**12, 6)
    return summed


class Maker:
    """Everything written, in a fixed order from one seed."""

    def __init__(self, root: Path) -> None:
        self.rng = Random(7)
        self.root = root
        self.logs = root / "sample_logs"
        self.books = Books()

    # Small invented things

    def chars(self, count: int) -> str:
        """The changing part of an id."""
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789"
        return "".join(self.rng.choice(letters) for _ in range(count))

    def uuid(self) -> str:
        """A random UUID of the seed."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def between(self, low: float, high: float) -> float:
        """A number between the two."""
        return self.rng.uniform(low, high)

    def say(self, sentences: int) -> str:
        """Some invented sentences."""
        chosen = [self.rng.choice(SENTENCES) for _ in range(sentences)]
        return " ".join(
            s.format(item=self.rng.choice(ITEMS), n=self.rng.randint(11, 9899)) for s in chosen
        )

    def text_of(self, tokens: int) -> str:
        """Invented text about as long as that many tokens."""
        return self.say(tokens * 4 // 56 + 1)[: tokens * 4]

    def office_times(self, per_weekday: int, per_weekend_day: int) -> Iterator[datetime]:
        """Times through the four weeks: two peaks on a working day, little at weekends."""
        hours = (7, 8, 8, 9, 9, 9, 10, 10, 10, 10, 11, 11, 12, 13, 13, 13, 14, 14, 14, 15, 15, 16)
        for day in range(DAYS):
            date = FIRST_DAY + timedelta(days=day)
            mean = per_weekday if date.weekday() < 5 else per_weekend_day
            for _ in range(round(mean * self.between(0.85, 1.15))):
                yield date + timedelta(
                    hours=self.rng.choice(hours), milliseconds=self.rng.randrange(3_600_000)
                )

    # Files

    def write(self, name: str, lines: Iterable[Json | str], tail: str = "") -> None:
        """Write JSON lines; a name that ends in .gz is compressed, with no time in its header."""
        text = "".join(f"{line if isinstance(line, str) else dump(line)}\n" for line in lines)
        path = self.root / name if name.startswith(".") else self.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        body = (text + tail).encode()
        path.write_bytes(gzip.compress(body, 9, mtime=0) if name.endswith(".gz") else body)


def dump(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def sha(text: str) -> str:
    """SHA-256 in hex, as LiteLLM stores the name of a key or of a cached answer."""
    return hashlib.sha256(text.encode()).hexdigest()


def spaced(at: datetime) -> str:
    """2026-10-19 09:12:44.123456+00:00."""
    return at.isoformat(" ", "microseconds")


def zulu(at: datetime) -> str:
    """2026-10-19T09:12:44.123Z."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def week(at: datetime) -> str:
    """2026-W43."""
    return f"{at.isocalendar().year}-W{at.isocalendar().week:02}"


def openai_usage(tokens: Tokens) -> Json:
    """The usage object of Chat Completions, as LiteLLM writes it for every provider."""
    inside: Json = {"cached_tokens": tokens.cache_read, "audio_tokens": 0}
    if tokens.written:
        inside |= {"cache_creation_tokens": tokens.written}
        inside |= {"cache_creation_token_details": tokens.written_by_lifetime}
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.prompt + tokens.output,
        "prompt_tokens_details": inside,
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning, "audio_tokens": 0},
    }
