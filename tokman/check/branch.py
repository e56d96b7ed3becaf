"""Whether a file is on the main branch of its repository, as git's files and CI's names say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tokman.errors import TokmanError

USUAL = ("main", "master", "trunk")
"""Names of a main branch where the repository does not say which it is."""

IN_CI = (
    "GITHUB_HEAD_REF",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
    "BITBUCKET_PR_DESTINATION_BRANCH",
    "CHANGE_BRANCH",
    "SYSTEM_PULLREQUEST_SOURCEBRANCH",
    "CI_COMMIT_BRANCH",
    "GITHUB_REF_NAME",
    "BUILD_SOURCEBRANCHNAME",
    "BITBUCKET_BRANCH",
    "CIRCLE_BRANCH",
    "BUILDKITE_BRANCH",
    "BRANCH_NAME",
)
"""Variables in which GitHub, GitLab, Bitbucket, Jenkins, Azure, CircleCI and Buildkite name the
branch; those of pull requests first."""


def refuse_elsewhere(
    path: Path, main: str | None, surroundings: Mapping[str, str] | None = None
) -> None:
    """TokmanError where the file lies in a repository that is on another branch than the main one:
    a pull request that saves its own baseline passes its own gate."""
    found = git_folder(path)
    if found is None:
        return
    here = branch(found) or _told(os.environ if surroundings is None else surroundings)
    ours = [main] if main else [_default(found)] if _default(found) else list(USUAL)
    if here in ours:
        return
    where = f"on branch {here}" if here else "on no branch"
    raise TokmanError(
        f"{path} is {where}; a baseline is saved on {' or '.join(str(name) for name in ours)}",
        'add --force, or name the branch in tokman.toml: [check] main = "develop"',
    )


def git_folder(path: Path) -> Path | None:
    """The git folder of the work tree that a file lies in; None outside of any."""
    try:
        resolved = Path(os.path.realpath(path))
        for folder in resolved.parents:
            inside = folder / ".git"
            if inside.is_dir():
                return inside
            if inside.is_file():
                return folder / inside.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
    except (OSError, ValueError):
        return None
    return None


def branch(folder: Path) -> str | None:
    """The branch that is checked out; None where a commit is."""
    head = _text(folder / "HEAD")
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else None


def _default(folder: Path) -> str | None:
    """The main branch as the clone knows it from its origin."""
    common = _text(folder / "commondir")
    head = _text((folder / common if common else folder) / "refs/remotes/origin/HEAD")
    begins = "ref: refs/remotes/origin/"
    return head.removeprefix(begins) if head.startswith(begins) else None


def _told(surroundings: Mapping[str, str]) -> str | None:
    """The branch by CI's variables."""
    return next((surroundings[name] for name in IN_CI if surroundings.get(name)), None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
