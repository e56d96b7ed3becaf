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
_TOTAL = frozenset(("total", "total_tokens", "totalTokens", "totalTokenCount", "total_token_count"))
_MOST = 10**15
_DOTTED = re.compile(r"(prompt|completion)_details\.")


def count(usage: Usage, details: dict[str, Any]) -> bool:
    """Fill the token classes; False where nothing is counted."""
    total: int | None = None
    n: dict[str, int] = {}
    for key, value in details.items():
        number = _number(key, value)
        if key in _TOTAL:
            total = number
        elif family := _FAMILY.get(key):
            n[family] = n.get(family, 0) + number
        elif number:
            raise BadRecord(f"usage {word(key) or 'of an unnamed class'}: tokens of unknown class")
    if not any(n.values()):
        if total:
            raise BadRecord(f"usage total ({total}) without input or output")
        return False
    of = n.get
    given, answered = of("input", 0), of("output", 0)
    read, written, lasting = of("read", 0), of("written", 0), of("written_1h", 0)
    audio, image = of("audio_in", 0), of("image_in", 0)
    reasoning, spoken = of("reasoning", 0), of("audio_out", 0)
    cache, thought = read + written + lasting + audio + image, reasoning + spoken
    input_inside, output_inside = _reading(given + answered, cache, thought, total, details)
    split_input(
        *(usage, given if input_inside else given + cache, "usage input"),
        read=read,
        written=written + lasting,
        written_1h=lasting,
        audio=audio,
        image=image,
    )
    answered += 0 if output_inside else thought
    split_output(usage, answered, "usage output", reasoning=reasoning, audio=spoken)
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
    if type(value) is int and 0 <= value <= _MOST:
        return value
    if value is None:
        return 0
    try:
        number = int(value)
        if number == float(value) and 0 <= number <= _MOST and not isinstance(value, bool):
            return number
    except (ValueError, TypeError, OverflowError):
        pass
    raise BadRecord(f"usage {word(key) or 'of an unnamed class'}: not a token count")
