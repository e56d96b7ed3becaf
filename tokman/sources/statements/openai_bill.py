"""A bill's line of OpenAI: its money, and what the text of its line item tells.

https://platform.openai.com/docs/api-reference/usage/costs calls a line item opaque. It is read
where it is spelled as users report it: `gpt-4o, cached input`, `gpt-5-nano, input_tokens`,
`priority | gpt-5.6-sol, output, long context`, `gpt-audio-mini-2025-12-15 audio, input`.
"""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from tokman.errors import BadRecord
from tokman.sources.facts import amount, short, word
from tokman.sources.statements.lines import EXACT, letter, signed
from tokman.statement import Statement

_LINE_ITEM = re.compile(
    r"(?:(?P<tier>priority|flex|batch) \| )?(?P<model>[\w.:-]+)(?: (?P<kind>text|audio|image))?, "
    r"(?P<what>input|cached input|output|input_tokens|cached_input_tokens|output_tokens)"
    r"(?P<long>, long context)?",
    re.ASCII | re.IGNORECASE,
)
_MANY_KINDS = re.compile("audio|realtime|tts|transcribe|whisper|image|dall-e", re.IGNORECASE)
"""Models whose tokens are of several kinds, so that `input` alone does not tell the class."""

_TOKENS = {"tokens": 1, "1000_tokens": 1000}
_CLASSES = {
    ("text", "input"): "uncached_input_tokens",
    ("text", "cached input"): "cache_read_input_tokens",
    ("text", "output"): "output_tokens",
    ("audio", "input"): "audio_input_tokens",
    ("audio", "cached input"): "cache_read_audio_input_tokens",
    ("audio", "output"): "audio_output_tokens",
    ("image", "input"): "image_input_tokens",
    ("image", "cached input"): "cache_read_input_tokens",
    ("image", "output"): "image_output_tokens",
}


class Amount(msgspec.Struct, gc=False):
    """Money; the value is read digit by digit, never as a binary fraction."""

    value: Decimal | None = None
    currency: str | None = None


def bill(stated: Statement, money: Amount | None, line_item: str | None) -> None:
    """Put the money, in dollars, and what its line item tells on the line."""
    if money is None or money.value is None:
        raise BadRecord("amount.value: missing")
    if not money.currency or not re.fullmatch("[A-Za-z]{3}", money.currency):
        raise BadRecord("amount.currency: not a currency")
    stated.billed_amount = amount(money.value, "amount.value")
    stated.stated_amount = letter(money.value, "amount.value")
    stated.currency = money.currency.upper()
    stated.line_item = item = short(line_item)
    signed(stated, item)
    told = _LINE_ITEM.fullmatch(item or "")
    if told:
        stated.model, tier = told["model"], told["tier"]
        stated.service_tier = tier.lower() if tier else None
        stated.context_window = "long context" if told["long"] else None
        what = told["what"].lower().removesuffix("_tokens").replace("_", " ")
        if told["kind"] or not _MANY_KINDS.search(told["model"]):
            stated.token_class = _CLASSES[(told["kind"] or "text").lower(), what]


def measure(stated: Statement, quantity: Decimal | None, unit: str | None) -> None:
    """Put what was bought on the line, and its tokens where it is said to be tokens."""
    stated.quantity, stated.unit = amount(quantity, "quantity"), word(unit)
    factor = _TOKENS.get(unit or "")
    if stated.token_class is None or factor is None or stated.quantity is None:
        return
    tokens = EXACT.multiply(stated.quantity, factor)
    if tokens == tokens.to_integral_value() and abs(tokens) < 2**63:
        setattr(stated, stated.token_class, int(tokens))
