"""Recount the tokens of recorded responses, sharing no code with tokman.

    python tests/recount/bodies.py FILE...

prints, for each file and each of its lines, the tokens by class; null where nothing is stated.
Wherever a body states a total, it is the output that is taken from the rest of it, which tokman
does the other way round.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Json = dict[str, Any]
EXTRA = ("compaction", "advisor_message")


def number(holder: Any, *names: str) -> int:
    """The first of the names that holds a number other than nought."""
    values = (holder.get(name) for name in names) if isinstance(holder, dict) else ()
    return next((value for value in values if value), 0)


def modality(details: Any, name: str) -> int:
    return sum(part["tokenCount"] for part in details or [] if part["modality"] == name)


def gemini(usage: Json) -> Json:
    given, used = usage.get("promptTokensDetails"), usage.get("toolUsePromptTokensDetails")
    kept, made = usage.get("cacheTokensDetails"), usage.get("candidatesTokensDetails")
    prompt = number(usage, "promptTokenCount") + number(usage, "toolUsePromptTokenCount")
    cached = number(usage, "cachedContentTokenCount")
    image = modality(given, "IMAGE") + modality(used, "IMAGE") - modality(kept, "IMAGE")
    audio = modality(given, "AUDIO") + modality(used, "AUDIO") - modality(kept, "AUDIO")
    drawn = modality(made, "IMAGE")
    return {
        "uncached_input_tokens": prompt - cached - image - audio,
        "cache_read_input_tokens": cached - modality(kept, "AUDIO"),
        "image_input_tokens": image,
        "audio_input_tokens": audio,
        "output_tokens": usage.get("totalTokenCount", prompt) - prompt - drawn,
        "reasoning_output_tokens": number(usage, "thoughtsTokenCount"),
        "image_output_tokens": drawn,
    }


def bedrock(usage: Json) -> Json:
    read = number(usage, "cacheReadInputTokens")
    written = number(usage, "cacheWriteInputTokens")
    long = sum(p["inputTokens"] for p in usage.get("cacheDetails", []) if p["ttl"] == "1h")
    return {
        "uncached_input_tokens": usage["inputTokens"],
        "cache_read_input_tokens": read,
        "cache_write_5m_input_tokens": written - long,
        "cache_write_1h_input_tokens": long,
        "output_tokens": usage["totalTokens"] - usage["inputTokens"] - read - written,
    }


def claude(usage: Json) -> Json:
    """The call and the samplings that its own counts leave out."""
    parts = [usage] + [p for p in usage.get("iterations") or [] if p.get("type") in EXTRA]
    long = sum(number(p.get("cache_creation"), "ephemeral_1h_input_tokens") for p in parts)
    thought = [number(p.get("output_tokens_details"), "thinking_tokens") for p in parts]
    return {
        "uncached_input_tokens": sum(number(p, "input_tokens") for p in parts),
        "cache_read_input_tokens": sum(number(p, "cache_read_input_tokens") for p in parts),
        "cache_write_5m_input_tokens": sum(number(p, "cache_creation_input_tokens") for p in parts)
        - long,
        "cache_write_1h_input_tokens": long,
        "output_tokens": sum(number(p, "output_tokens") for p in parts),
        "reasoning_output_tokens": sum(thought),
        "web_search_requests": number(usage.get("server_tool_use"), "web_search_requests"),
    }


def cohere(billed: Json) -> Json:
    return {
        "uncached_input_tokens": number(billed, "input_tokens"),
        "image_input_tokens": number(billed, "image_tokens"),
        "output_tokens": number(billed, "output_tokens"),
    }


def openai(usage: Json) -> Json:
    prompt = number(usage, "prompt_tokens", "input_tokens")
    given = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    made = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    stated = number(usage, "completion_tokens", "output_tokens")
    cached = number(given, "cached_tokens") or number(
        usage, "num_cached_tokens", "cached_tokens", "prompt_cache_hit_tokens"
    )
    written = number(given, "cache_write_tokens")
    audio, image = number(given, "audio_tokens"), number(given, "image_tokens")
    spoken, drawn = number(made, "audio_tokens"), number(made, "image_tokens")
    output = usage.get("total_tokens", prompt + stated) - prompt
    return {
        "uncached_input_tokens": prompt - cached - written - audio - image,
        "cache_read_input_tokens": cached,
        "cache_write_5m_input_tokens": written,
        "audio_input_tokens": audio,
        "image_input_tokens": image,
        "output_tokens": output - spoken - drawn,
        "reasoning_output_tokens": number(made, "reasoning_tokens") or output - stated,
        "audio_output_tokens": spoken,
        "image_output_tokens": drawn,
    }


def classes(body: Json) -> Json | None:
    """The tokens of a body, or of what holds only its usage."""
    usage, meta = body.get("usage"), body.get("meta")
    if isinstance(body.get("usageMetadata"), dict):
        found = gemini(body["usageMetadata"])
    elif isinstance(meta, dict):
        found = cohere(meta["billed_units"])
    elif not isinstance(usage, dict):
        return None
    elif "billed_units" in usage:
        found = cohere(usage["billed_units"])
    elif "inputTokens" in usage:
        found = bedrock(usage)
    elif "input_tokens" in usage and "total_tokens" not in usage:
        found = claude(usage)
    else:
        found = openai(usage)
    return {name: count for name, count in found.items() if count}


def recount(path: Path) -> list[Json | None]:
    """The tokens of each line of a file."""
    records = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [classes(record.get("body") or record) for record in records]


if __name__ == "__main__":
    print(json.dumps({name: recount(Path(name)) for name in sys.argv[1:]}, indent=1))
