"""The log formats tokman reads, one file each, in the order they are shown."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokman.sources.base import Source


@cache
def sources() -> tuple[type[Source], ...]:
    """Every source; a new one is a file of its own and a line here."""
    from tokman.sources.agents.claude_code import ClaudeCode
    from tokman.sources.agents.codex import Codex
    from tokman.sources.agents.gemini_cli import GeminiCLI
    from tokman.sources.gateways.litellm import LiteLLM
    from tokman.sources.providers.anthropic import Anthropic
    from tokman.sources.providers.gemini import Gemini
    from tokman.sources.providers.openai import OpenAI

    return (ClaudeCode, Codex, GeminiCLI, LiteLLM, OpenAI, Anthropic, Gemini)


def by_name(name: str) -> type[Source]:
    """The source of that name; KeyError if there is none."""
    return {source.name: source for source in sources()}[name]


def claimants(record: Any) -> list[type[Source]]:
    """The sources that claim a record; more than one means the record is ambiguous."""
    if not isinstance(record, dict):
        return []
    return [source for source in sources() if source.matches(record)]
