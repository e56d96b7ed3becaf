"""The dated data beside this file: model ladders and the providers' rules of prompt caching."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent


class Step(msgspec.Struct, forbid_unknown_fields=True, rename={"source_models": "from"}):
    """One step down: smaller models that may stand in for larger ones of the same maker."""

    provider: str
    source_models: list[str]
    to: list[str]
    tokens: float
    """Tokens of the target per token of the source on the same text."""
    tokens_range: tuple[float, float]
    context: int
    """Tokens the target takes in."""
    minimum: int
    """Tokens below which the target caches no prefix."""
    source: str


class Ladder(msgspec.Struct, forbid_unknown_fields=True):
    """ladder.toml."""

    as_of: date
    step: list[Step]


class Lifetime(msgspec.Struct, forbid_unknown_fields=True):
    """How long a prefix lives without a hit, and the class its write is billed as (5m, 1h)."""

    seconds: int
    writes: str


class CacheRule(msgspec.Struct, forbid_unknown_fields=True):
    """How one family of models caches prompts."""

    provider: str
    models: str
    kind: str
    minimum: int
    step: int
    lifetimes: list[Lifetime]
    hits: int
    lookback: int
    source: str
    key: str = ""


class CacheRules(msgspec.Struct, forbid_unknown_fields=True):
    """cache_rules.toml."""

    as_of: date
    rule: list[CacheRule]


@cache
def ladder() -> Ladder:
    """The model ladders in force."""
    return msgspec.toml.decode((FOLDER / "ladder.toml").read_bytes(), type=Ladder)


@cache
def cache_rules() -> CacheRules:
    """The caching rules in force."""
    return msgspec.toml.decode((FOLDER / "cache_rules.toml").read_bytes(), type=CacheRules)


def step_below(provider: str | None, model: str | None) -> Step | None:
    """The step down from a model as the rate card calls it."""
    for step in ladder().step:
        if step.provider == provider and model in step.source_models:
            return step
    return None


def cache_rule(provider: str | None, model: str | None) -> CacheRule | None:
    """How a model, as the rate card calls it, caches prompts; None where nothing is known."""
    if provider is None or model is None:
        return None
    for rule in cache_rules().rule:
        if re.fullmatch(rule.provider, provider) and re.fullmatch(rule.models, model):
            return rule
    return None
