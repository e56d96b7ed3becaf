"""Totals that include their parts, split into the disjoint classes of Usage."""

from __future__ import annotations

from tokman.errors import BadRecord
from tokman.usage import Usage


def split_input(
    usage: Usage,
    whole: int,
    field: str,
    *,
    read: int = 0,
    written: int = 0,
    written_1h: int = 0,
    audio: int = 0,
    image: int = 0,
    read_audio: int = 0,
) -> None:
    """Split a prompt of `whole` tokens; `audio` includes `read_audio`, `written` the 1-hour part.

    Tokens that the log counts both as cached and as audio or image are cached ones: a provider
    tells the modality of cached tokens only in `read_audio`.
    """
    if read + written > whole:
        raise BadRecord(f"{field} ({whole}): fewer than cache reads ({read}) + writes ({written})")
    if written_1h > written:
        raise BadRecord(f"{field}: 1-hour cache writes ({written_1h}) exceed writes ({written})")
    usage.uncached_input_tokens = whole - read - written
    usage.cache_read_input_tokens = read
    usage.cache_write_5m_input_tokens = written - written_1h
    usage.cache_write_1h_input_tokens = written_1h
    if not audio and not image:
        return
    if audio + image > whole:
        raise BadRecord(f"{field} ({whole}): fewer than audio ({audio}) + image ({image}) tokens")
    if read_audio > min(read, audio):
        raise BadRecord(f"{field}: cached audio ({read_audio}) exceeds cached or audio tokens")
    audio -= read_audio
    shared = max(0, audio + image - usage.uncached_input_tokens)
    from_image = min(shared, image)
    from_audio = min(shared - from_image, read - read_audio)
    if from_image + from_audio < shared:
        raise BadRecord(f"{field} ({whole}): fewer than its cached, audio and image tokens")
    audio, image, read_audio = audio - from_audio, image - from_image, read_audio + from_audio
    usage.uncached_input_tokens -= audio + image
    usage.cache_read_input_tokens -= read_audio
    usage.cache_read_audio_input_tokens = read_audio
    usage.audio_input_tokens = audio
    usage.image_input_tokens = image


def split_output(
    usage: Usage, whole: int, field: str, *, reasoning: int = 0, audio: int = 0, image: int = 0
) -> None:
    """Split a completion of `whole` tokens; reasoning stays a part of the text."""
    text = whole - audio - image
    if text < reasoning:
        raise BadRecord(
            f"{field} ({whole}): fewer than reasoning ({reasoning}) + audio ({audio}) "
            f"+ image ({image}) tokens"
        )
    usage.output_tokens = text
    usage.reasoning_output_tokens = reasoning
    usage.audio_output_tokens = audio
    usage.image_output_tokens = image
