"""Single facts as logs spell them: times, money, names, ids, providers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Context as Arithmetic
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context
from tokman.statement import SCALE
from tokman.usage import PICO

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_EXACT = Arithmetic(prec=60)
_ZERO, _LIMIT, _PICO = Decimal(0), Decimal(10**6), Decimal(PICO)
_MOST, _PLACES = Decimal(10**19), Decimal(1).scaleb(-SCALE)
_WORD = re.compile(r"[\w.:/@-]+", re.ASCII)
_COUNTER = re.compile(r"(?:[A-Za-z_]+[-_:])?\d{1,13}")
STANDARD_TIERS = frozenset((None, "", "standard", "default", "auto", "scale", "on_demand"))
"""Tiers at the list price; `scale` is paid for ahead at OpenAI, `on_demand` is Groq's usual."""

_HOSTS = (
    ("api.openai.com", "openai"),
    ("openai.azure.com", "azure.ai.openai"),
    ("cognitiveservices.azure.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("api.anthropic.com", "anthropic"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("amazonaws.com", "aws.bedrock"),
    ("openrouter.ai", "openrouter"),
    ("api.groq.com", "groq"),
    ("api.deepseek.com", "deepseek"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.x.ai", "x_ai"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.perplexity.ai", "perplexity"),
    ("api.moonshot.ai", "moonshot_ai"),
    ("api.moonshot.cn", "moonshot_ai"),
    ("api.together.xyz", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("api.cerebras.ai", "cerebras"),
    ("api.z.ai", "zai"),
    ("huggingface.co", "huggingface"),
)


def time_us(value: Any, field: str = "time") -> int | None:
    """Microseconds since 1970 of an ISO 8601, HTTP or epoch time; no offset means UTC."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            if value[4:5] == "-":
                moment = datetime.fromisoformat(value.removesuffix(" UTC"))  # as BigQuery writes
                passed = moment - (_NAIVE_EPOCH if moment.tzinfo is None else _EPOCH)
                return (passed.days * 86400 + passed.seconds) * 1_000_000 + passed.microseconds
            if value[:1].isalpha():
                return int(parsedate_to_datetime(value).timestamp()) * 1_000_000
            value = float(value)
        if isinstance(value, int | float) and 1e8 <= value < 1e19:
            scale = 1e6 if value < 1e11 else 1e3 if value < 1e14 else 1 if value < 1e17 else 1e-3
            passed_us: int = round(value * scale)
            return passed_us
    except (ValueError, TypeError, OverflowError):
        pass
    raise BadRecord(f"{field}: not a time")


def pico(value: Any, field: str = "cost") -> int | None:
    """Dollars as whole pico-dollars, a half going to the even one."""
    if value is None or value == "":
        return None
    try:
        amount = value if type(value) is Decimal else Decimal(str(value))
    except ArithmeticError:
        raise BadRecord(f"{field}: not an amount") from None
    if not amount.is_finite() or not _ZERO <= amount < _LIMIT:
        raise BadRecord(f"{field}: {str(amount)[:24]} is not the cost of one call")
    return round(_EXACT.multiply(amount, _PICO))


def amount(value: Any, field: str = "amount") -> Decimal | None:
    """An amount or quantity of a statement, credits below zero, to 18 places; None for none."""
    if value is None or value == "":
        return None
    try:
        stated = value if type(value) is Decimal else Decimal(str(value))
        if not stated.is_finite() or abs(stated) >= _MOST:
            raise BadRecord(f"{field}: {str(stated)[:24]} is no plausible amount")
        return _EXACT.quantize(stated, _PLACES)
    except ArithmeticError:
        raise BadRecord(f"{field}: not an amount") from None


def word(value: Any) -> str | None:
    """A name from a fixed vocabulary (a model, a finish reason); None for anything like a text."""
    return value if isinstance(value, str) and len(value) <= 120 and _is_word(value) else None


@lru_cache(maxsize=10_000)
def _is_word(value: str) -> bool:
    return _WORD.fullmatch(value) is not None


def short(value: Any) -> str | None:
    """What a user may tag a call with: at most 200 characters, since free text is not a tag."""
    if isinstance(value, str):
        return value if 0 < len(value) <= 200 else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def is_distinct(given: Any) -> bool:
    """True for an id that no other log will give to another call, as a mere counter might."""
    return isinstance(given, str) and len(given) >= 8 and not _COUNTER.fullmatch(given)


def identity(context: Context, source: str, given: Any, *facts: Any) -> str:
    """The given id, or a hash of the facts where it is too plain to be one (`1`, `chatcmpl-12`)."""
    if isinstance(given, str) and is_distinct(given):
        return given
    known = msgspec.json.encode((given, facts), order="deterministic")
    return f"{source}:{context.hash_text(known.decode())}"


@lru_cache(maxsize=1000)
def provider(url: str) -> str | None:
    """The provider behind an address, in OpenTelemetry's names."""
    host = url.split("://")[-1].split("/")[0].split(":")[0]
    return next((name for end, name in _HOSTS if host.endswith(end)), None)
