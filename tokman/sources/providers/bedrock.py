"""AWS Bedrock's model invocation log, from S3 or from CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from tokman.errors import BadRecord
from tokman.sources.base import Context, Count, Stateless
from tokman.sources.facts import STANDARD_TIERS, identity, short, time_us, word
from tokman.sources.providers import blocks, converse_usage
from tokman.sources.providers.bedrock_body import Said, said
from tokman.sources.providers.converse_body import plain_request
from tokman.sources.providers.envelope import Call, decoded
from tokman.sources.providers.traffic import MISSHAPEN, attribute
from tokman.usage import Usage

_KIND = "ModelInvocationLog"


class Input(msgspec.Struct, gc=False):
    """What went in; `inputTokenCount` has none of the cached tokens. Large bodies are in objects
    of their own (`inputBodyS3Path`), and without text delivery there are none."""

    inputTokenCount: Count | None = None
    cacheReadInputTokenCount: Count | None = None
    cacheWriteInputTokenCount: Count | None = None
    inputBodyJson: Any = None


class Output(msgspec.Struct, gc=False):
    """What came out, reasoning included; embeddings have no count."""

    outputTokenCount: Count | None = None
    outputBodyJson: Any = None


class Invocation(msgspec.Struct, gc=False):
    """A line of the log, or an event of CloudWatch Logs whose message is one.

    https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html
    """

    schemaType: str | None = None
    timestamp: Any = None
    accountId: str | None = None
    identity: Any = None
    requestId: str | None = None
    operation: str | None = None
    modelId: str | None = None
    errorCode: str | None = None
    requestMetadata: dict[str, Any] | None = None
    inferenceRegion: str | None = None
    region: str | None = None
    input: Input | None = None
    output: Output | None = None
    message: Any = None
    insight: Any = msgspec.field(default=None, name="@message")
    """The message where CloudWatch Logs Insights has it."""


class Bedrock(Stateless):
    """Reads invocations of whatever model.

    Checked on real logs: Converse and ConverseStream of Claude and Nova, streams of InvokeModel
    with Claude, a log without bodies; other vendors' bodies are read as AWS documents them.
    """

    name: ClassVar[str] = "bedrock"
    title: ClassVar[str] = "AWS Bedrock model invocation logs"
    locations: ClassVar[tuple[str, ...]] = ()
    record_type: ClassVar[Any] = Invocation

    def __init__(self, context: Context) -> None:
        self.context = context

    @staticmethod
    def matches(record: dict[str, Any]) -> bool:
        """True for an invocation, plain or as the message of a CloudWatch event."""
        for message in (record, record.get("message"), record.get("@message")):
            if isinstance(message, str) and _KIND in message:
                try:
                    message = msgspec.json.decode(message)
                except (msgspec.DecodeError, RecursionError):
                    continue
            if isinstance(message, dict) and message.get("schemaType") == _KIND:
                return True
        return False

    @staticmethod
    def row(row: dict[str, str]) -> Invocation:
        """A row of a CloudWatch Logs Insights result."""
        return Invocation(insight=row.get("@message"))

    from_row: ClassVar[Callable[[dict[str, str]], Any] | None] = row

    def parse(self, record: Invocation, line: int) -> Iterable[Usage]:
        """The one row of an invocation."""
        wrapped = record.insight if record.message is None else record.message
        if record.schemaType is None and wrapped is not None:
            record = msgspec.convert(decoded(wrapped), Invocation)
        if record.schemaType != _KIND:
            raise BadRecord(f"schemaType: not {_KIND}")
        if record.operation == "InvokeModelWithBidirectionalStream":
            raise BadRecord("operation: speech and text tokens are not told apart in this log")
        try:
            usage = self._usage(record)
        except MISSHAPEN as error:
            raise BadRecord(f"not the shape of an invocation: {type(error).__name__}") from error
        usage.line = line
        return (usage,)

    def _usage(self, record: Invocation) -> Usage:
        given, made = record.input or Input(), record.output or Output()
        body = decoded(made.outputBodyJson)
        answer = said(body)
        operation, model = record.operation or "", word(record.modelId)
        given_id = word(answer.response_id) or record.requestId
        facts = (record.timestamp, record.requestId, model)
        usage = Usage(
            call_id=identity(self.context, self.name, given_id, facts),
            started_at=time_us(record.timestamp, "timestamp"),
            provider_name="aws.bedrock",
            request_model=model,
            response_model=_profile(model),
            inference_geo=word(record.inferenceRegion or record.region),
            finish_reason=word(answer.stop),
            stream="Stream" in operation,
            duration_ms=answer.latency_ms,
            time_to_first_token_ms=answer.first_byte_ms,
            source=self.name,
            file=self.context.path,
        )
        if not isinstance(answer.tier, str) or answer.tier not in STANDARD_TIERS:
            usage.service_tier = word(answer.tier)
        if record.errorCode:
            usage.status, usage.error_type = "error", word(record.errorCode) or "error"
        embeds = "embed" in (model or "") or (isinstance(body, dict) and "embedding" in body)
        if embeds:
            usage.operation_name = "embeddings"
        _count(usage, given, made, answer, embeds)
        self._describe(usage, record, decoded(given.inputBodyJson), answer)
        return usage

    def _describe(self, usage: Usage, record: Invocation, request: Any, answer: Said) -> None:
        """Whom the call was for, and the shape of its prompt and its answer."""
        asked = plain_request(request) if isinstance(request, dict) else None
        stream = usage.stream
        attribute(usage, Call(record={"tags": record.requestMetadata}, body={}), self.context)
        blocks.fill(usage, self.context, asked, answer.answer)
        usage.stream = stream
        role, user = _caller(record.identity)
        usage.user_id = usage.user_id or user
        usage.api_key_alias = usage.api_key_alias or role
        usage.project = usage.project or short(record.accountId)


def _count(usage: Usage, given: Input, made: Output, answer: Said, embeds: bool) -> None:
    """The log's counts, else the body's; where Bedrock counts in both, they must agree."""
    pairs = {
        "inputTokenCount": (given.inputTokenCount, answer.uncached),
        "cacheReadInputTokenCount": (given.cacheReadInputTokenCount, answer.read),
        "cacheWriteInputTokenCount": (given.cacheWriteInputTokenCount, answer.written),
        "outputTokenCount": (made.outputTokenCount, answer.output),
    }
    counts: list[int] = []
    for field, (logged, stated) in pairs.items():
        if answer.bedrocks_own and None not in (logged, stated) and logged != stated:
            raise BadRecord(f"{field}: {logged} in the log, {stated} in its body")
        found = logged if logged is not None else stated
        cached = field.startswith("cache") or (embeds and field == "outputTokenCount")
        if found is None and not cached and usage.status == "ok":
            raise BadRecord(f"{field}: missing")
        counts.append(found or 0)
    uncached, read, written, output = counts
    converse_usage.fill(usage, uncached, read, written, answer.written_1h, output)


def _profile(model: str | None) -> str | None:
    """The model or profile that an ARN names; it keeps the `us.` or `global.` that sets the price.

    Which model is behind an application's own profile or a provisioned one, its ARN does not say:
    https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles.html
    """
    if not model or not model.startswith("arn:"):
        return model
    kind, _, name = model.split(":", 5)[-1].partition("/")
    return name if name and kind in ("foundation-model", "inference-profile") else model


def _caller(identity: Any) -> tuple[str | None, str | None]:
    """The role and the session, or the user, of an ARN of IAM or STS."""
    first = identity[0] if isinstance(identity, list) and identity else identity
    arn = first.get("arn") if isinstance(first, dict) else None
    parts = arn.split(":", 5)[-1].split("/") if isinstance(arn, str) else []
    if len(parts) >= 3 and parts[0] == "assumed-role":
        return short(parts[1]), short(parts[-1])
    return None, short(parts[-1]) if len(parts) > 1 else None
