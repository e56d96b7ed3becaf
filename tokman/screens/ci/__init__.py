"""The gate's answer for machines: one format a file, each by its published form."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokman.check.verdict import Verdict

SCREENS = ("text", "json")
"""Drawn by `tokman.screens.check`."""

FORMATS = (*SCREENS, "markdown", "junit", "sarif", "github", "gitlab", "benchmark")

SUMMARY = "summary"
"""Only for files: the markdown of a step's summary."""


def rendered(form: str, verdict: Verdict, root: Path) -> str:
    """The whole text of an output; paths in it are from `root`, the repository's folder.

    No text of a log is markup, a command or a control character in it.
    """
    if form in SCREENS:
        from tokman.screens.check import show

        to = io.StringIO()
        show(verdict, form, to)
        return to.getvalue()
    module = import_module(f"tokman.screens.ci.{'markdown' if form == SUMMARY else form}")
    text: str = getattr(module, form)(verdict, root)
    return text
