"""Token counts that a log lacks, from its texts; the texts themselves go no further."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from tokman.sources.providers import blocks
from tokman.sources.providers.envelope import Json
from tokman.usage import Usage

if TYPE_CHECKING:
    import tiktoken

BYTES_PER_TOKEN = 3.7
"""Of o200k_base over code, prose and JSON (3.84, 3.68, 3.40): used where its ranks are not at hand.
Other vendors' tokenizers differ by up to a fifth, so an estimate is good to about 20 %."""


def fill(usage: Usage, request: Json | None, response: Any) -> bool:
    """Estimate input and output where both texts are in the log; False where one is missing.

    A stream that was not asked for its usage states none:
    https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options
    """
    if not request:
        return False
    model = usage.response_model or usage.request_model or ""
    written = [part.decode("utf-8", "replace") for part in blocks.generated(response)]
    asked = blocks.prompt_texts(request)
    if not written or not asked:
        return False
    usage.uncached_input_tokens = sum(count(text, model) for text in asked)
    usage.output_tokens = sum(count(text, model) for text in written)
    usage.output_basis = "estimated"
    return True


def count(text: str, model: str) -> int:
    """Tokens of a text, by the model's own encoding if its ranks are at hand, else by size."""
    encoding = _encoding(_name(model))
    if encoding is None:
        return round(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)
    return len(encoding.encode_ordinary(text))


def _name(model: str) -> str:
    """As https://github.com/openai/tiktoken/blob/main/tiktoken/model.py; newer as the newest."""
    old = model.startswith(("gpt-4-", "gpt-3.5")) or model in ("gpt-4", "text-embedding-ada-002")
    return "cl100k_base" if old or model.startswith("text-embedding-3") else "o200k_base"


@cache
def _encoding(name: str) -> tiktoken.Encoding | None:
    """The encoding from tiktoken's cache on disk; None if it would have to be downloaded."""
    import tiktoken
    import tiktoken.load

    def refuse(blobpath: str) -> bytes:
        raise OSError("tokman does not use the network")

    download, tiktoken.load.read_file = tiktoken.load.read_file, refuse
    try:
        return tiktoken.get_encoding(name)
    except (OSError, ValueError):
        return None
    finally:
        tiktoken.load.read_file = download
