"""Which outputs go to which files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tokman.errors import TokmanError
from tokman.screens.ci import FORMATS, SUMMARY, rendered
from tokman.written import append_whole, write_whole

if TYPE_CHECKING:
    from tokman.check.verdict import Verdict

HINT = "write it as in --output junit=report.xml"

STEP = "GITHUB_STEP_SUMMARY"
"""Names the file of a step's summary, which may have text of the step already:
https://docs.github.com/actions/reference/workflow-commands#adding-a-job-summary"""


class Output(NamedTuple):
    """One file, and what is put in it."""

    form: str
    path: Path
    append: bool = False


def outputs(stated: Iterable[str], surroundings: Mapping[str, str] = os.environ) -> list[Output]:
    """The files that `FORMAT=PATH` or `summary` name; TokmanError for what cannot be one."""
    found = [_output(text, surroundings) for text in stated]
    for at, each in enumerate(found):
        if any(_same(each.path, other.path) for other in found[:at]):
            raise TokmanError(f"two outputs go to {each.path}", "name a file for each")
        if not each.path.parent.is_dir():
            raise TokmanError(f"{each.path.parent}: no such folder", f"mkdir -p {each.path.parent}")
    return found


def _output(text: str, surroundings: Mapping[str, str]) -> Output:
    form, equals, path = text.partition("=")
    if form not in (*FORMATS, SUMMARY):
        raise TokmanError(f"no format {form!r}", f"choose from {', '.join((*FORMATS, SUMMARY))}")
    if path:
        return Output(form, Path(path))
    if form != SUMMARY or equals:
        raise TokmanError(f"--output {text} names no file", HINT)
    if not surroundings.get(STEP):
        raise TokmanError(
            f"{STEP} is not set: this is no step of GitHub Actions",
            "name a file: --output summary=summary.md",
        )
    return Output(form, Path(surroundings[STEP]), append=True)


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def write(files: Iterable[Output], verdict: Verdict, root: Path) -> None:
    """Each file whole or not at all; TokmanError at the first that cannot be written."""
    drawn = [(each, rendered(each.form, verdict, root)) for each in files]
    for each, text in drawn:
        (append_whole if each.append else write_whole)(each.path, text, HINT)
