"""Azure's logs of model calls: API Management's, which count tokens, and Azure OpenAI's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context, Count, Stateless
from tokman.sources.classes import split_input
from tokman.sources.facts import identity, short, time_us, word
from tokman.sources.providers.envelope import Json, decoded
from tokman.usage import Usage

_TABLE = frozenset(("CorrelationId", "PromptTokens", "SequenceNumber"))


class Logged(msgspec.Struct, gc=False):
    """A row of the table ApiManagementGatewayLlmLog, or the `properties` of its event.

    https://learn.microsoft.com/azure/azure-monitor/reference/tables/apimanagementgatewayllmlog
    """

    timeGenerated: str | None = None
    time: str | None = None
    correlationId: str | None = None
    requestId: str | None = None
    sequenceNumber: Count | None = None
    deploymentName: str | None = None
    modelName: str | None = None
    promptTokens: Count | None = None
    completionTokens: Count | None = None
    totalTokens: Count | None = None
    promptCachedTokens: Count | None = None
    isStreamCompletion: bool | None = None
    apimSubscriptionId: str | None = None
    """From a join with ApiManagementGatewayLogs, as are the next ones."""
    productId: str | None = None
    userId: str | None = None


class Azure(Stateless):
    """Reads one row of tokens a call; the rows that hold its messages are passed over.

    Not checked on real rows. Written for a log of OpenAI's and Anthropic's models; the writes of
    Claude to a prompt cache are not in it, so that its rows are marked as partial.
    """

    name: ClassVar[str] = "azure"
    title: ClassVar[str] = "Azure API Management LLM logs"
    locations: ClassVar[tuple[str, ...]] = ()
    record_type: ClassVar[Any] = dict[str, Any]

    def __init__(self, context: Context) -> None:
        self.context = context

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True for a row or an event of either log."""
        if "properties" in record and isinstance(record.get("category"), str):
            resource = str(record.get("resourceId")).upper()
            own = "/MICROSOFT.COGNITIVESERVICES/" in resource
            return record["category"] == "GatewayLlmLogs" or own
        return record.keys() >= _TABLE or record.get("Type") == "ApiManagementGatewayLlmLog"

    @staticmethod
    def row(row: dict[str, str]) -> Json:
        """A row of a CSV that Log Analytics exports: `TimeGenerated [UTC]` and so on."""
        return {name.removesuffix(" [UTC]"): value for name, value in row.items()}

    from_row: ClassVar[Callable[[dict[str, str]], Any] | None] = row

    def parse(self, record: Json, line: int) -> Iterable[Usage]:
        """The one row of a call; none for a row of messages."""
        inner = decoded(record.get("properties"))
        if record.get("category", "GatewayLlmLogs") != "GatewayLlmLogs":
            if isinstance(inner, dict) and (inner.get("modelName") or inner.get("streamType")):
                raise BadRecord(
                    "no tokens: Azure OpenAI's own log does not count them; "
                    "log them with API Management (GatewayLlmLogs)"
                )
            return ()
        stated = {**record, **(inner if isinstance(inner, dict) else {})}
        named = {name[:1].lower() + name[1:]: value for name, value in stated.items()}
        row = msgspec.convert({k: v for k, v in named.items() if v != ""}, Logged, strict=False)
        given, made = row.promptTokens or 0, row.completionTokens or 0
        if not (given or made or row.totalTokens or row.promptCachedTokens):
            if row.sequenceNumber or not (row.modelName or row.requestId):
                return ()
            raise BadRecord(
                "TotalTokens: 0 for a call that was made; a stream counts its tokens only if asked "
                "with stream_options.include_usage"
            )
        usage = self._usage(row, line)
        _count(usage, row)
        return (usage,)

    def _usage(self, row: Logged, line: int) -> Usage:
        model = word(row.modelName) or word(row.deploymentName)
        facts = (row.correlationId, row.sequenceNumber, row.timeGenerated or row.time)
        usage = Usage(
            call_id=identity(self.context, self.name, row.requestId, *facts),
            started_at=time_us(row.timeGenerated or row.time, "TimeGenerated"),
            provider_name="azure.ai.openai",
            request_model=word(row.deploymentName) or model,
            response_model=model,
            stream=row.isStreamCompletion,
            api_key_alias=short(row.apimSubscriptionId),
            project=short(row.productId),
            user_id=short(row.userId),
            source=self.name,
            file=self.context.path,
            line=line,
        )
        if "embedding" in (model or ""):
            usage.operation_name = "embeddings"
        return usage


def _count(usage: Usage, row: Logged) -> None:
    """OpenAI's prompts include what was cached, Anthropic's do not."""
    given, made, cached = (
        row.promptTokens or 0,
        row.completionTokens or 0,
        row.promptCachedTokens or 0,
    )
    names = f"{usage.response_model} {usage.request_model}".lower()
    totals = [given + made]
    if "claude" in names:
        usage.provider_name, usage.output_basis = "azure.ai.inference", "partial"
        totals.append(given + made + cached)
        given += cached
    if row.totalTokens and row.totalTokens not in totals:
        raise BadRecord(f"TotalTokens ({row.totalTokens}) is not the sum of {totals[0]} tokens")
    split_input(usage, given, "PromptTokens", read=cached)
    usage.output_tokens = made
