"""The log formats tokman reads, one file each, in the order they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from tokman.errors import TokmanError

if TYPE_CHECKING:
    from tokman.sources.base import Source
    from tokman.sources.mapping.source import Mapped
    from tokman.sources.mapping.spec import Mapping

_own: tuple[type[Mapped], ...] = ()
"""The sources of the user's mappings, while they are in use."""


@cache
def known() -> tuple[type[Source], ...]:
    """Every source that comes with tokman; a new one is a file of its own and a line here."""
    from tokman.sources.agents.amp import Amp
    from tokman.sources.agents.claude_code import ClaudeCode
    from tokman.sources.agents.codex import Codex
    from tokman.sources.agents.copilot_cli import CopilotCLI
    from tokman.sources.agents.gemini_cli import GeminiCLI
    from tokman.sources.agents.opencode import OpenCode
    from tokman.sources.gateways.langfuse import Langfuse
    from tokman.sources.gateways.litellm import LiteLLM
    from tokman.sources.mapping.shipped import shipped
    from tokman.sources.providers.anthropic import Anthropic
    from tokman.sources.providers.azure import Azure
    from tokman.sources.providers.bedrock import Bedrock
    from tokman.sources.providers.cohere import Cohere
    from tokman.sources.providers.converse import Converse
    from tokman.sources.providers.gemini import Gemini
    from tokman.sources.providers.openai import OpenAI
    from tokman.sources.providers.vertex import Vertex
    from tokman.sources.statements.anthropic_admin import AnthropicAdmin
    from tokman.sources.statements.anthropic_console import AnthropicConsole
    from tokman.sources.statements.aws_cur import AWS
    from tokman.sources.statements.azure_cost import AzureCost
    from tokman.sources.statements.focus import Focus
    from tokman.sources.statements.gcp_billing import GoogleCloud
    from tokman.sources.statements.openai_admin import OpenAIAdmin
    from tokman.sources.statements.openai_dashboard import OpenAIDashboard
    from tokman.sources.traces.otel import OpenTelemetry

    return (
        ClaudeCode,
        Codex,
        GeminiCLI,
        CopilotCLI,
        OpenCode,
        Amp,
        *shipped("agents"),
        LiteLLM,
        Langfuse,
        *shipped("gateways"),
        OpenAI,
        Anthropic,
        Gemini,
        Converse,
        Cohere,
        Bedrock,
        Vertex,
        Azure,
        OpenTelemetry,
        Focus,
        AWS,
        GoogleCloud,
        AzureCost,
        OpenAIAdmin,
        OpenAIDashboard,
        AnthropicAdmin,
        AnthropicConsole,
    )


def sources() -> tuple[type[Source], ...]:
    """Every source there is, the user's own mappings first."""
    return (*_own, *known())


def use(mappings: Iterable[Mapping]) -> None:
    """Read with these mappings of the user's, and no others, from here on."""
    global _own
    _own = ()
    mappings = list(mappings)
    if not mappings:
        return
    from tokman.sources.mapping.source import source_of

    taken = {source.name for source in known()}
    for mapping in mappings:
        if mapping.name in taken:
            raise TokmanError(
                f"{mapping.file}: sources.{mapping.name}: two sources of that name",
                "choose another name; `tokman sources` lists those that come with tokman",
            )
        taken.add(mapping.name)
    _own = tuple(map(source_of, mappings))


def mappings() -> list[Mapping]:
    """The user's mappings in use."""
    return [source.mapping for source in _own]


def fingerprint(name: str | None) -> str:
    """Changes when the user edits the mapping of that name, or any of them if None."""
    return "+".join(source.fingerprint for source in _own if name in (None, source.name))


def record_paths() -> list[str]:
    """Where mappings say that a page keeps its records."""
    found = (getattr(source, "mapping", None) for source in sources())
    return [path for mapping in found if mapping for path in mapping.record_paths]


def of_buckets() -> list[str]:
    """Names of the sources that state a stretch of time as a whole: what a later statement of it
    leaves out is not so any more."""
    return [source.name for source in known() if getattr(source, "whole_buckets", False)]


def by_name(name: str) -> type[Source]:
    """The source of that name; KeyError if there is none."""
    return {source.name: source for source in sources()}[name]


def claimants(record: Any) -> list[type[Source]]:
    """The sources that claim a record; more than one means the record is ambiguous.

    A mapping of the user's own is meant: it goes before what comes with tokman.
    """
    if not isinstance(record, dict):
        return []
    own: list[type[Source]] = [source for source in _own if source.matches(record)]
    return own or [source for source in known() if source.matches(record)]
