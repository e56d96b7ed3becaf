"""The tools in a request: those offered to the model, and what those it called came to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from tokman.sources.base import Context, digest_of
from tokman.sources.form import clean, encode, listed, parts_of
from tokman.sources.providers.envelope import Json
from tokman.sources.tool_use import name_of, note_results, tool_result
from tokman.usage import Usage

OFFERS = ("tools", "functions")
TURNS = ("messages", "input", "contents", "prompt")

_MODEL = ("assistant", "model", "ai")
_INSTRUCTIONS = ("system", "developer")

_TELLING = frozenset(("type", "toolResult", "functionResponse", "function_response"))
"""Keys of which every tool result in a content has one."""

Result = tuple[Any, bool | None]
"""Content of a tool result, and whether it says that the tool failed."""


class Offer(NamedTuple):
    """Tools offered: their names, the bytes of each, and a hash of all in whatever order."""

    names: list[str | None]
    sizes: list[int]
    digest: int


_MEMO: dict[int, Offer] = {}
_MEMO_SIZE = 20_000


def offer(context: Context, cumulative: int, request: Json) -> Offer:
    """The tools of a request; `cumulative` is the hash of the tool blocks, by which the same
    tools in the same order are looked at once in a process."""
    known = _MEMO.get(cumulative)
    if known is None:
        if len(_MEMO) >= _MEMO_SIZE:
            _MEMO.clear()
        digest = digest_of(context.key)
        tools = [(name_of(name), encode(clean(tool))) for name, tool in offered(request)]
        each = sorted(digest(written) for _, written in tools)
        whole = b"".join(digest.to_bytes(8, "little", signed=True) for digest in each)
        names, sizes = [name for name, _ in tools], [len(written) for _, written in tools]
        known = _MEMO[cumulative] = Offer(names, sizes, context.hash(whole))
    return known


def offered(request: Json) -> Iterator[tuple[Any, Any]]:
    """Name and description of each tool, whichever way a provider lists them."""
    for key in OFFERS:
        for tool in listed(request.get(key)):
            if not isinstance(tool, dict):
                yield None, tool
                continue
            declared = tool.get("functionDeclarations", tool.get("function_declarations"))
            if isinstance(declared, list):
                for one in declared:
                    yield (one.get("name") if isinstance(one, dict) else None), one
                continue
            inner = tool.get("function", tool.get("toolSpec"))
            named = inner if isinstance(inner, dict) else tool
            alone = next(iter(tool)) if len(tool) == 1 else None  # {"googleSearch": {}}
            yield named.get("name") or tool.get("type") or alone, tool


def hear(usage: Usage, context: Context, request: Json) -> None:
    """Write down who spoke last before the model, and the results of tools it is given anew."""
    said: list[Any] = []
    for key in TURNS:
        if key in request:
            said += listed(request[key])
    usage.turn, results = heard(said)
    if results:
        note_results(usage, [tool_result(context, content, failed) for content, failed in results])


def heard(said: list[Any]) -> tuple[Literal["user", "tool"] | None, list[Result]]:
    """Who spoke last, and the tool results behind the model's last words, in order.

    What a client makes the model begin its answer with is left aside, as are instructions.
    """
    results: list[Result] = []
    turn: Literal["user", "tool"] | None = None
    answered = False
    for item in reversed(said):
        if not isinstance(item, dict):
            answered, turn = True, turn or "user"
            continue
        role = item.get("role")
        if role in _MODEL if role is not None else _is_models(item):
            if answered:
                break
            continue
        if role in _INSTRUCTIONS:
            continue
        answered = True
        if role == "user" and "type" not in item and _is_text(item.get("content")):
            turn = turn or "user"
            continue
        found = list(_results(item))
        turn = turn or ("tool" if found else "user")
        results[:0] = found
    return turn, results


def _is_models(item: Json) -> bool:
    """True for an item without a role that only a model writes."""
    kind = item.get("type")
    return isinstance(kind, str) and (kind.endswith("_call") or kind == "reasoning")


def _is_text(content: Any) -> bool:
    return type(content) is str and content != ""


def _results(item: Json) -> Iterator[Result]:
    kind = item.get("type")
    if isinstance(kind, str) and kind.endswith("_call_output"):
        yield item.get("output"), _failed_output(item)
        return
    parts = parts_of(item.get("content") or item.get("parts"))
    telling = (p for p in parts if isinstance(p, dict) and not _TELLING.isdisjoint(p))
    found = [result for part in telling for result in results_of(part)]
    if found:
        yield from found
    elif item.get("role") in ("tool", "function"):
        status = item.get("status")
        yield item.get("content"), status == "error" if isinstance(status, str) else None


def results_of(part: Json) -> Iterator[Result]:
    """Anthropic's, the AI SDK's, Bedrock's and Google's tool results."""
    kind = part.get("type")
    if kind == "tool_result":
        yield part.get("content"), bool(part.get("is_error"))
    elif kind == "tool-result":
        yield _sdk_output(part)
    elif isinstance(given := part.get("toolResult"), dict):
        yield given.get("content"), given.get("status") == "error"
    elif isinstance(given := part.get("functionResponse", part.get("function_response")), dict):
        answer = given.get("response")
        # https://ai.google.dev/api/caching#FunctionResponse: an error is under the key `error`.
        yield answer, isinstance(answer, dict) and bool(answer.get("error"))


def _sdk_output(part: Json) -> Result:
    """The AI SDK's result: a value, since version 5 with the type of it
    (https://ai-sdk.dev/docs/reference/ai-sdk-core/model-message)."""
    output = part.get("output")
    if isinstance(output, dict) and {"type", "value"} <= output.keys():
        return output["value"], str(output["type"]).startswith("error-")
    return part.get("output", part.get("result")), bool(part.get("isError"))


def _failed_output(item: Json) -> bool | None:
    """OpenAI's own tools say how they ended, functions of the user's do not."""
    kind, output = item.get("type"), item.get("output")
    if kind == "apply_patch_call_output":
        return item.get("status") == "failed"
    if kind == "shell_call_output" and isinstance(output, list):
        ends = [part.get("outcome") for part in output if isinstance(part, dict)]
        return any(_failed_outcome(end) for end in ends)
    return None


def _failed_outcome(outcome: Any) -> bool:
    return isinstance(outcome, dict) and (
        outcome.get("type") == "timeout" or bool(outcome.get("exit_code"))
    )
