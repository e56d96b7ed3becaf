"""Token counts that a log lacks, from its texts; the texts themselves go no further.

What a row says depends on its record, and on whether ranks are at hand, alone: never on what else
is in the ledger, so that the order of ingest does not matter. All of the prompt is taken as not
cached, since no text says what was.
"""

from __future__ import annotations

from typing import Any

from tokman.sources.providers import openai_count
from tokman.sources.providers.envelope import Json
from tokman.usage import Usage

BYTES_PER_TOKEN = 3.7
"""Of o200k_base over code, prose and JSON (3.84, 3.68, 3.40): used where its ranks are not at hand.
In other scripts, or by other vendors' tokenizers, it is off by up to a half."""


def fill(usage: Usage, request: Json | None, response: Any, *, whole: bool = True) -> bool:
    """Estimate input and output where both texts are in the log; False where one is missing.

    A stream that was not asked for its usage states none:
    https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options.
    Counts are never exact where the request may not be `whole`. Embeddings write no text.
    """
    answered = usage.output_bytes or usage.operation_name == "embeddings"
    if not request or not usage.block_sizes or not answered:
        return False
    model = usage.response_model or usage.request_model or ""
    counted = openai_count.count(model, request, response)
    if counted:
        usage.uncached_input_tokens = counted.input_tokens
        usage.output_tokens = counted.output_tokens
        usage.count_basis = "exact" if counted.exact and whole else "tiktoken"
    else:
        usage.uncached_input_tokens = round(sum(usage.block_sizes) / BYTES_PER_TOKEN)
        usage.output_tokens = round((usage.output_bytes or 0) / BYTES_PER_TOKEN)
        usage.count_basis = "bytes"
    usage.output_basis = "estimated"
    return True
