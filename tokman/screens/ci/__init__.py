"""The gate's answer for machines: one format a file, each by its published form."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokman.check.verdict import Verdict

FORMATS = ("junit", "sarif", "github", "gitlab", "benchmark")


def rendered(form: str, verdict: Verdict, root: Path) -> str:
    """The whole text of an output; paths in it are from `root`, the repository's folder.

    No text of a log is markup, a command or a control character in it.
    """
    module = import_module(f"tokman.screens.ci.{form}")
    text: str = getattr(module, form)(verdict, root)
    return text
