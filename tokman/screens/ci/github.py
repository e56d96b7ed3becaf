"""Annotations of GitHub Actions: https://docs.github.com/actions/reference/workflow-commands"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tokman.render.cells import harmless
from tokman.screens.ci.words import (
    Weight,
    answer,
    figures,
    place,
    reasons,
    title,
    weighed,
)

if TYPE_CHECKING:
    from tokman.check.verdict import Finding, Verdict

COMMANDS: dict[Weight, str] = {"error": "error", "warning": "warning", "note": "notice"}

SHOWN = 10
"""GitHub shows no more annotations of a kind in a step."""


def github(verdict: Verdict, root: Path) -> str:
    """A command a line: the answer with the reasons why the spend moved, then the worst findings of
    each kind."""
    lines = [answer(verdict)]
    if verdict.moved:
        lines += reasons(verdict.moved)
    lines += map(harmless, verdict.notes)
    said = [_command("notice", {"title": "tokman check"}, lines)]
    found = weighed(verdict)
    for heft in COMMANDS:
        findings = [each for weight, each in found if weight == heft]
        said += _annotations(COMMANDS[heft], findings, verdict, root)
    return "".join(f"{line}\n" for line in said)


def _annotations(
    command: str, findings: list[Finding], verdict: Verdict, root: Path
) -> Iterator[str]:
    room = SHOWN - (command == "notice")
    shown = findings if len(findings) <= room else findings[: room - 1]
    for finding in shown:
        at = place(finding, root)
        where = {} if at is None else {"file": at[0], "line": str(at[1])}
        about = where | {"title": title(finding)}
        yield _command(command, about, [harmless(finding.why), *figures(finding, verdict)])
    if rest := findings[len(shown) :]:
        names = ", ".join(title(each) for each in rest[:SHOWN])
        more = ", …" if len(rest) > SHOWN else ""
        yield _command(command, {"title": f"{len(rest)} more"}, [f"{names}{more}"])


def _command(name: str, properties: dict[str, str], lines: list[str]) -> str:
    """Every line of a log in a message's own, so that none is taken for a command."""
    about = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items())
    return f"::{name} {about}::{_escaped(chr(10).join(lines))}"


def _escaped(text: str, more: str = "") -> str:
    """As the runner reads it back: percent signs first."""
    for char in "%\r\n" + more:
        text = text.replace(char, f"%{ord(char):02X}")
    return text
