"""The mappings that come with tokman: the TOML files beside the gateways' code."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from tokman.sources.mapping import load
from tokman.sources.mapping.source import source_of

if TYPE_CHECKING:
    from tokman.sources.base import Source


@cache
def shipped(kind: str) -> tuple[type[Source], ...]:
    """The sources of `tokman/sources/<kind>/*.toml`, by file name."""
    folder = files(f"tokman.sources.{kind}")
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".toml")), key=str)
    return tuple(
        source_of(mapping) for each in found for mapping in load.read(each.read_bytes(), each.name)
    )
