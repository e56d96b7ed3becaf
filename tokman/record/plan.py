"""What is to be run, and what its calls are told by."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

import msgspec

from tokman.errors import TokmanError
from tokman.sources.facts import short


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a command."""

    command: Sequence[str]
    logs: Sequence[str] = ()
    """Files, folders and globs; what they get during the run is read."""
    otlp: bool = True
    """Receive what the command exports by OpenTelemetry."""
    run_id: str
    case_id: str | None = None
    git_commit: str | None = None
    git_branch: str | None = None


def label(name: str, value: str) -> str:
    """A case or run id as it may be stored; TokmanError for any other text."""
    if short(value) is None or not value.isprintable():
        raise TokmanError(
            f"{name}: not 1 to 200 printable characters", f"as in {name} login or {name} 2026-11-24"
        )
    return value


COMMITS = ("GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION", "CIRCLE_SHA1", "GIT_COMMIT")
BRANCHES = (
    *("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
    *("CI_COMMIT_REF_NAME", "CIRCLE_BRANCH", "BITBUCKET_BRANCH", "BRANCH_NAME", "GIT_BRANCH"),
)
"""Where CI systems say what they checked out: often a commit that is on no branch."""


def revision(environment: Mapping[str, str] = os.environ) -> tuple[str | None, str | None]:
    """Commit, `-dirty` behind it where tracked files were changed since, and branch: of the folder
    worked in, else as the CI system says; None where neither knows."""
    commit = _git("describe", "--always", "--abbrev=40", "--dirty", "--exclude=*")
    branch = _git("symbolic-ref", "--quiet", "--short", "HEAD")
    return (
        short(commit or _first(COMMITS, environment)),
        short(branch or _first(BRANCHES, environment)),
    )


def commit_of(name: str) -> str | None:
    """The commit that git knows by a name: a tag, a branch, HEAD~1; None where it knows none."""
    return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")


def _first(names: Sequence[str], environment: Mapping[str, str]) -> str | None:
    return next((environment[name] for name in names if environment.get(name)), None)


def _git(*arguments: str) -> str | None:
    """What git says; it writes nothing, not even its index."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
