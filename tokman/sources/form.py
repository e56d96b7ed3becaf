"""One form for parts of prompts and answers that mean the same, and what they weigh."""

from __future__ import annotations

from typing import Any

import msgspec

MEDIA_BYTES = 4000
"""Size given to an image, audio or file part: its base64 says nothing about its tokens."""

_MEDIA = frozenset(
    (
        *("image", "image_url", "input_image", "input_audio", "document", "file", "input_file"),
        *("inlineData", "inline_data", "fileData", "file_data", "video_url"),
    )
)
_TEXT = frozenset(("type", "text", "cache_control"))

encode = msgspec.json.Encoder(order="deterministic").encode
"""JSON without spaces, its keys in order."""


def listed(value: Any) -> list[Any]:
    """A list as it is, nothing as an empty one, anything else as a list of it."""
    return value if isinstance(value, list) else [] if value in (None, "", {}) else [value]


def parts_of(value: Any) -> list[Any]:
    """The parts of a content, be it a list of them, a text or an object that holds the list."""
    if isinstance(value, dict) and "parts" in value:
        value = value["parts"]
    return value if isinstance(value, list) else listed(value)


def clean(part: Any) -> Any:
    """One form for what means the same: text is text, and cache marks move without changing it."""
    if not isinstance(part, dict):
        return part
    text = part.get("text")
    is_text = isinstance(text, str)
    if is_text and _TEXT.issuperset(part):
        return text
    kept = {k: v for k, v in part.items() if k != "cache_control" and v is not None}
    return text if is_text and kept.keys() <= {"type", "text"} else kept


def is_media(block: Any) -> bool:
    """True for an image, audio or file part."""
    return isinstance(block, dict) and (
        block.get("type") in _MEDIA or not _MEDIA.isdisjoint(block.keys())
    )


def is_cut(block: bytes) -> bool:
    """True where LiteLLM redacted a text, or cut the middle out of a long one:
    https://docs.litellm.ai/docs/proxy/config_settings.

    `rfind` takes half the time of `in`.
    """
    return block.rfind(b"litellm") >= 0 and (
        b"redacted-by-litellm" in block or b"(litellm_truncated " in block
    )
