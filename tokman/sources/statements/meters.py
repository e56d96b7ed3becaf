"""What the name of a meter, SKU or usage type says: model, token class, tier.

Clouds sell tokens by meter, and the class of the tokens is told only by the meter's name:
`USE1-Claude4.6Sonnet-cache-read-input-token-count`, `USE1-MP:USE1_CacheReadInputTokenCount-Units`
(AWS), `Gemini 2.5 Flash GA Text Input - Predictions` (Google), `5.4 mini cd Inp Gl 1M Tokens`
(Azure). A name that says two things, or one that tokman has no column for, says nothing.

Names are those of the public price lists: https://pricing.us-east-1.amazonaws.com (offer
AmazonBedrockFoundationModels), https://cloud.google.com/skus, https://prices.azure.com.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from tokman.usage import QUANTITIES

_WORDS = re.compile(r"[a-z]+|\d+(?:\.\d+)?[hkm]?")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CACHE = frozenset("cache cached caching cach cchd cd ch".split())
_WRITE = frozenset("write writes creation wr".split())
_INPUT = frozenset("input inp inpt prompt".split())
_OUTPUT = frozenset("output outp outpt opt completion".split())
_OTHER_SALES = frozenset(
    "storage hour hours month provisioned training tuning customization hosting video guardrail "
    "ptu reserved capacity search request requests character characters page pages".split()
)
_MODALITIES = {"audio": "audio", "aud": "audio", "image": "image", "img": "image"}
_TIERS = {"batch": "batch", "flex": "flex", "priority": "priority", "pp": "priority"}
_LONG = frozenset(("long", "longco", "lctx"))
_UNIT = re.compile(r"(?:([\d,]+)\s*([km])?\s*)?(token|request)s?", re.IGNORECASE)
_SCALE = {"": 1, "k": 1_000, "m": 1_000_000}
_CLAUDE = re.compile(
    r"claude[- ]?(?:(?P<late>\d(?:[.-]\d)?)[- ]?)?(?P<family>opus|sonnet|haiku)"
    r"(?:[- ]?(?P<early>\d(?:[.-]\d)?)(?![\d.]))?"
)
_GEMINI = re.compile(
    r"gemini (\d(?:\.\d)?) (pro|flash lite|flash)(?= (?:ga|global|text|thinking|input|output)\b)"
)
_OPEN = re.compile(r"\bgpt-oss-(?:20|120)b\b")


class Meter(msgspec.Struct, frozen=True):
    """What a name says; None is not told."""

    token_class: str | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None


NOTHING = Meter()


@lru_cache(4096)
def read(*names: str | None) -> Meter:
    """What the first of the names that tells a token class says, else what any says of a model."""
    found = [_read(name) for name in names if name]
    telling = next((meter for meter in found if meter.token_class), NOTHING)
    model = telling.model or next((meter.model for meter in found if meter.model), None)
    tier = telling.service_tier or next((m.service_tier for m in found if m.service_tier), None)
    return msgspec.structs.replace(telling, model=model, service_tier=tier)


def _read(name: str) -> Meter:
    text = name.lower()
    words = set(_WORDS.findall(_HUMP.sub(" ", name).lower()))
    return Meter(
        token_class=_class(words, text),
        model=_model(text),
        service_tier=next((tier for word, tier in _TIERS.items() if word in words), None),
        context_window="long" if words & _LONG else None,
    )


def _class(words: set[str], text: str) -> str | None:
    if text in QUANTITIES:
        return text
    if words & _OTHER_SALES:
        return None
    modality = next((each for word, each in _MODALITIES.items() if word in words), None)
    if words & _CACHE:
        return None if words & _OUTPUT else _cached(words, modality)
    into, out = bool(words & _INPUT), bool(words & _OUTPUT)
    if into == out:
        return None
    side = "input" if into else "output"
    if modality:
        return f"{modality}_{side}_tokens"
    return "uncached_input_tokens" if into else "output_tokens"


def _cached(words: set[str], modality: str | None) -> str | None:
    if words & _WRITE:
        return "cache_write_1h_input_tokens" if "1h" in words else "cache_write_5m_input_tokens"
    return "cache_read_audio_input_tokens" if modality == "audio" else "cache_read_input_tokens"


def _model(text: str) -> str | None:
    if found := _CLAUDE.search(text):
        late, early, family = found["late"], found["early"], found["family"]
        version = (late or early or "").replace(".", "-")
        if not version or (late and early):
            return None
        old = version < "4"
        return f"claude-{version}-{family}" if old else f"claude-{family}-{version}"
    if found := _GEMINI.search(text):
        return f"gemini-{found[1]}-{found[2].replace(' ', '-')}"
    return found[0] if (found := _OPEN.search(text)) else None


@lru_cache(1024)
def counted(unit: str | None, quantity: str | None) -> int | None:
    """How many of a column's tokens or requests are one of the unit: 1 of `Tokens`, 1000 of `1K
    tokens`; None if the unit counts something else."""
    found = _UNIT.fullmatch((unit or "").strip())
    if not found or quantity is None or not quantity.endswith(f"_{found[3].lower()}s"):
        return None
    count = int((found[1] or "1").replace(",", "") or 0)
    return count * _SCALE[(found[2] or "").lower()] or None
