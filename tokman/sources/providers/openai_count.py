"""Tokens of a call by OpenAI's own encodings, framing included, where its texts are all there is.

A chat's prompt is 3 tokens a message, its role and its text, and 3 that open the answer:
https://github.com/openai/openai-cookbook/blob/main/examples/How_to_count_tokens_with_tiktoken.ipynb.
Checked with 35 recorded calls of gpt-4, gpt-4o, gpt-4.1 and gpt-4.5: the prompt was equal in all,
the answer in 30 and one less than billed in 4 (one log holds none). Reasoning models (o3-mini,
gpt-5: 9 calls) open the answer with 2 tokens, and bill reasoning that is in no log.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from tokman import ranks
from tokman.sources.providers import blocks
from tokman.sources.providers.answer import generated
from tokman.sources.providers.envelope import Json

if TYPE_CHECKING:
    import tiktoken

_OPENAI = re.compile(
    r"gpt-|gpt2|o\d|chatgpt|codex|computer-use|text-(embedding|davinci|curie|babbage|ada)-"
    r"|code-davinci-|davinci|babbage"
)
_UNHIDDEN = re.compile(
    r"(gpt-4|gpt-3\.5-turbo|gpt-35-turbo|chatgpt-4o|davinci-002|babbage-002)"
    r"(?!.*(audio|image|realtime|search|transcribe|tts|vision|-0301))"
)
"""Models that bill no more output than they show, and read no more than they are sent."""

_HARMLESS = frozenset(
    (
        *("model", "messages", "prompt", "n", "stream", "stream_options", "stop", "seed", "user"),
        *("max_tokens", "max_completion_tokens", "temperature", "top_p", "logit_bias", "logprobs"),
        *("top_logprobs", "presence_penalty", "frequency_penalty", "metadata", "store"),
        *("service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"),
    )
)
"""Fields of a request that add no text to its prompt."""


_BLANK = re.compile(r"\s{100000}")
"""A run of blanks that makes tiktoken's pattern run out of stack is some ten times as long."""


class Counted(msgspec.Struct, frozen=True):
    """Tokens of the prompt and of the answer; `exact` where the texts are all that is billed."""

    input_tokens: int
    output_tokens: int
    exact: bool


def encoding_of(model: str) -> str | None:
    """Name of a model's encoding, a new model's that of the newest; None if it is not OpenAI's."""
    from tiktoken.model import encoding_name_for_model

    name = _bare(model)
    if not _OPENAI.match(name):
        return None
    try:
        known: str = encoding_name_for_model(name)
    except KeyError:
        return "o200k_base"
    return "o200k_base" if known == "o200k_harmony" else known  # the same ranks, more special ones


def _bare(model: str) -> str:
    """Without a gateway's prefix, and of a fine-tuned model the one it was made from."""
    name = model.rpartition("/")[2].lower()
    return name.split(":")[1] if name.startswith("ft:") and ":" in name[3:] else name


def count(model: str, request: Json, response: Any) -> Counted | None:
    """The call's tokens; None where tiktoken cannot count them, for want of ranks as a rule."""
    name = encoding_of(model)
    encoding = ranks.encoding(name) if name else None
    if encoding is None:
        return None
    visible = bool(_UNHIDDEN.match(_bare(model)))
    messages = request.get("messages")
    plain = messages is None and isinstance(request.get("prompt"), str)
    framed = 0
    if isinstance(messages, list):
        plain = all(map(_is_plain, messages))
        framed = (3 if visible else 2) + sum(_framing(m, encoding) for m in messages)
    prompts = blocks.prompt_texts(request)
    answers = [part.decode("utf-8", "replace") for part in generated(response)]
    if any(len(text) > 100_000 and _BLANK.search(text) for text in (*prompts, *answers)):
        return None
    asked = framed + sum(_tokens(encoding, text) for text in prompts)
    written = sum(_tokens(encoding, text) for text in answers)
    told = request.keys() <= _HARMLESS and (request.get("n") or 1) == 1
    return Counted(asked, written, visible and plain and told and _is_answer(response))


def _framing(message: Any, encoding: tiktoken.Encoding) -> int:
    """A message's tokens beside its content."""
    if not isinstance(message, dict):
        return 3
    return 3 + _tokens(encoding, str(message.get("role") or ""))


def _is_plain(message: Any) -> bool:
    """A role and one text."""
    if not isinstance(message, dict) or not message.keys() <= {"role", "content"}:
        return False
    content = message.get("content")
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        part = content[0]
        content = part.get("text") if part.get("type") == "text" else None
    return isinstance(content, str) and content != ""


def _is_answer(response: Any) -> bool:
    """Choices that ended, with a text and nothing else."""
    choices = response.get("choices") if isinstance(response, dict) else None
    return isinstance(choices, list) and choices != [] and all(map(_is_text, choices))


def _is_text(choice: Any) -> bool:
    if not isinstance(choice, dict) or choice.get("finish_reason") not in ("stop", "length"):
        return False
    message = choice.get("message")
    if not isinstance(message, dict):
        return isinstance(choice.get("text"), str)
    told = {name for name, value in message.items() if value not in (None, [], "")}
    return told <= {"role", "content"} and isinstance(message.get("content"), str)


def _tokens(encoding: tiktoken.Encoding, text: str) -> int:
    return len(encoding.encode_ordinary(text))
