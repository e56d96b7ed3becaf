"""Filler for made-up logs: text cut out of one pool, escaped for JSON once."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

WORDS = (
    "the of to in is that for it as with on be at this by not are from or an have usage tokens "
    "def return import None True class self async await raise yield lambda config path result "
    "request response error retry cache session model price ledger commit batch stream parse "
    "invoice customer refund label summary café größe naïve 東京 данные → ✓ {} [] () == != += //"
).split()

CHUNK = 256
"""Roughly the characters of a piece of the pool."""


class Pool:
    """A few megabytes of code-like text as it stands between the quotes of a JSON string."""

    def __init__(self, seed: int, chunks: int = 16_000) -> None:
        self.random = random.Random(seed)
        self.offsets = [0]
        parts: list[str] = []
        for _ in range(chunks):
            part = self._chunk()
            parts.append(part)
            self.offsets.append(self.offsets[-1] + len(part))
        self.text = "".join(parts)
        self.chunks = chunks

    def _chunk(self) -> str:
        pick = self.random
        words = pick.choices(WORDS, k=CHUNK // 7)
        for position in range(5, len(words), 7):
            words[position] += pick.choice(("\n    ", "\n", "\t", ' "quoted"', "\\n", "'x'"))
        if pick.random() < 0.02:
            # What a prefilter must not take for the real thing.
            words.append('{"type":"assistant","usage":{"input_tokens":1,"output_tokens":999}}')
        return json.dumps(" ".join(words), ensure_ascii=False)[1:-1] + " "

    def cut(self, size: int) -> str:
        """About `size` characters from a random place."""
        count = max(1, min(size // CHUNK, self.chunks - 1))
        first = int(self.random.random() * (self.chunks - count))
        return self.text[self.offsets[first] : self.offsets[first + count]]


def instant(micros: int) -> str:
    """Microseconds since 1970 as agents write time: 2026-01-05T09:30:00.123Z."""
    moment = datetime.fromtimestamp(micros / 1e6, UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def uuid(pick: random.Random) -> str:
    """A random identifier of the usual form."""
    digits = f"{pick.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
