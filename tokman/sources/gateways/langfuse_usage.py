"""Langfuse's maps of token counts, split into the disjoint classes of Usage.

Langfuse means the map to be disjoint and takes every detail out of `input` and `output`
(https://langfuse.com/docs/observability/features/token-and-cost-tracking). What it did not know how
to take apart stays as it came: OpenInference's dotted details are parts of the whole, Gemini's
thoughts are beside the output. The stated total tells which; where no reading adds up to it, or a
key is not known, the counts are refused.
"""

from __future__ import annotations

import re
from typing import Any

from tokman.errors import BadRecord
from tokman.sources.classes import split_input, split_output
from tokman.sources.facts import word
from tokman.usage import Usage

_FAMILIES = {
    "input": "input input_tokens prompt_tokens input_text promptTokens promptTokenCount "
    "prompt_token_count input_text_tokens input_modality_1 input_modality_TEXT input_tool "
    "tool_use_prompt_token_count",
    "output": "output output_tokens completion_tokens output_text completionTokens "
    "candidatesTokenCount candidates_token_count output_text_tokens output_modality_1 "
    "output_modality_TEXT output_accepted_prediction_tokens output_rejected_prediction_tokens "
    "output_accepted_prediction output_rejected_prediction",
    "read": "input_cached_tokens input_cache_read cache_read_input_tokens input_cached "
    "cached_content_token_count cachedContentTokenCount input_cache_read_tokens cached_tokens "
    "prompt_details.cache_read prompt_details.cached_tokens input_cache_read_input_tokens",
    "written": "input_cache_creation cache_creation_input_tokens cache_write_tokens "
    "input_cache_creation_5m input_cache_write prompt_details.cache_write "
    "input_cache_creation_tokens input_cache_creation_input_tokens",
    "written_1h": "input_cache_creation_1h",
    "reasoning": "output_reasoning_tokens output_reasoning reasoning_tokens thoughts_token_count "
    "thoughtsTokenCount completion_details.reasoning output_thoughts",
    "audio_in": "input_audio_tokens input_audio prompt_details.audio input_modality_AUDIO",
    "audio_out": "output_audio_tokens output_audio completion_details.audio output_modality_AUDIO",
    "image_in": "input_image_tokens input_image input_modality_IMAGE",
}
_FAMILY = {key: family for family, keys in _FAMILIES.items() for key in keys.split()}
_TOTAL = ("total", "total_tokens", "totalTokens", "totalTokenCount", "total_token_count")
_CACHE = ("read", "written", "written_1h", "audio_in", "image_in")
_THOUGHT = ("reasoning", "audio_out")
_DOTTED = re.compile(r"(prompt|completion)_details\.")


def count(usage: Usage, details: dict[str, Any]) -> bool:
    """Fill the token classes; False where nothing is counted."""
    total: int | None = None
    n = dict.fromkeys(_FAMILIES, 0)
    for key, value in details.items():
        number = _number(key, value)
        if key in _TOTAL:
            total = number
        elif family := _FAMILY.get(key):
            n[family] += number
        elif number:
            raise BadRecord(f"usage {word(key) or 'of an unnamed class'}: tokens of unknown class")
    if not total and not any(n.values()):
        return False
    if total and not any(n.values()):
        raise BadRecord(f"usage total ({total}) without input or output")
    cache, thought = sum(n[k] for k in _CACHE), sum(n[k] for k in _THOUGHT)
    inside = _reading(n["input"] + n["output"], cache, thought, total, details)
    given = n["input"] + (0 if inside[0] else cache)
    answered = n["output"] + (0 if inside[1] else thought)
    split_input(
        *(usage, given, "usage input"),
        read=n["read"],
        written=n["written"] + n["written_1h"],
        written_1h=n["written_1h"],
        audio=n["audio_in"],
        image=n["image_in"],
    )
    split_output(*(usage, answered, "usage output"), reasoning=n["reasoning"], audio=n["audio_out"])
    return True


def _reading(
    whole: int, cache: int, thought: int, total: int | None, details: dict[str, Any]
) -> tuple[bool, bool]:
    """Whether the details of input and of output are inside it."""
    if not total:
        dotted = any(_DOTTED.match(key) for key in details)
        return dotted, dotted
    for inside in ((False, False), (True, True), (True, False), (False, True)):
        if total == whole + (0 if inside[0] else cache) + (0 if inside[1] else thought):
            return inside
    raise BadRecord(
        f"usage total ({total}): neither input + output ({whole}) nor that with its details "
        f"({cache} + {thought})"
    )


def _number(key: str, value: Any) -> int:
    if value is None:
        return 0
    try:
        number = int(value)
        if number == float(value) and 0 <= number <= 10**15 and not isinstance(value, bool):
            return number
    except (ValueError, TypeError, OverflowError):
        pass
    raise BadRecord(f"usage {word(key) or 'of an unnamed class'}: not a token count")
