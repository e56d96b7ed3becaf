"""The answer as a comment on a pull request, and as the summary of a step."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tokman.check.verdict import MARKER
from tokman.render.cells import plural
from tokman.screens.check import show

if TYPE_CHECKING:
    from tokman.check.verdict import Verdict

COMMENT = 65_536
"""GitHub takes no comment of more characters, here counted as UTF-16, in which there are most."""

SUMMARY = 1_000_000
"""A step's summary may have 1 MiB:
https://docs.github.com/actions/reference/workflow-commands#adding-a-job-summary"""


def markdown(verdict: Verdict, root: Path) -> str:
    """A comment whose first line nobody sees: whoever posts it looks for one that begins with the
    same line, and writes over it."""
    first = marker(verdict)
    room = COMMENT - len(first)
    return first + _fitting(verdict, lambda text: len(text.encode("utf-16-le")) // 2 <= room)


def summary(verdict: Verdict, root: Path) -> str:
    """The same without that line."""
    return _fitting(verdict, lambda text: len(text.encode()) <= SUMMARY) + "\n"


def marker(verdict: Verdict) -> str:
    """The first line, another one for each baseline, so that two gates have a comment each."""
    if verdict.base is None:
        return f"{MARKER}\n"
    name = re.sub(r"-{2,}", "-", re.sub(r"[^\w./-]+", "_", verdict.base, flags=re.ASCII))
    return f"{MARKER.removesuffix(' -->')}: {name[:100].strip('-') or '_'} -->\n"


def _fitting(verdict: Verdict, fits: Callable[[str], bool]) -> str:
    """The text with as many of the first findings as there is room for."""
    whole = _text(verdict, len(verdict.findings))
    if fits(whole):
        return whole
    least, most = 0, len(verdict.findings)
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if fits(_text(verdict, middle)) else (least, middle)
    text = _text(verdict, least)
    while not fits(text):
        text = text[: len(text) * 9 // 10] + "…\n"
    return text


def _text(verdict: Verdict, kept: int) -> str:
    """The screen of the first findings, without its marker."""
    if rest := len(verdict.findings) - kept:
        left_out = f"{plural(rest, 'finding')} left out for length: --format json has them all"
        verdict = replace(
            verdict, findings=verdict.findings[:kept], notes=[left_out, *verdict.notes]
        )
    to = io.StringIO()
    show(verdict, "markdown", to)
    return to.getvalue().removeprefix(f"{MARKER}\n")
