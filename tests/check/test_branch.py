"""A baseline is saved on the main branch."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.ledgers import call, made
from tokman.check.branch import refuse_elsewhere
from tokman.errors import TokmanError


def git(folder: Path, *arguments: str) -> None:
    named = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-b", "main")
    git(folder, "commit", "--allow-empty", "-m", "first")
    return folder


def refused(path: Path, main: str | None = None, **surroundings: str) -> bool:
    try:
        refuse_elsewhere(path, main, surroundings)
    except TokmanError as error:
        assert error.hint is not None
        assert "--force" in error.hint
        return True
    return False


def test_on_main_and_elsewhere(repository: Path) -> None:
    path = repository / "evals" / "b.json"
    assert not refused(path)
    git(repository, "checkout", "-b", "cheaper/prompt")
    assert refused(path)
    assert not refused(path, main="cheaper/prompt")
    with pytest.raises(TokmanError, match="on branch cheaper/prompt"):
        refuse_elsewhere(path, None, {})


def test_another_main_branch(repository: Path, tmp_path: Path) -> None:
    git(repository, "branch", "-m", "develop")
    assert refused(repository / "b.json")
    git(tmp_path, "clone", str(repository), "clone")
    assert not refused(tmp_path / "clone" / "b.json")
    git(tmp_path / "clone", "checkout", "-b", "main")
    assert refused(tmp_path / "clone" / "b.json")


def test_a_work_tree_of_its_own(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-b", "other", str(tmp_path / "beside"))
    assert refused(tmp_path / "beside" / "b.json")
    assert not refused(repository / "b.json")


@pytest.mark.parametrize(
    ("surroundings", "elsewhere"),
    [
        ({}, True),
        ({"GITHUB_REF_NAME": "main"}, False),
        ({"GITHUB_REF_NAME": "17/merge", "GITHUB_HEAD_REF": "cheaper"}, True),
        ({"GITHUB_REF_NAME": "main", "GITHUB_HEAD_REF": "cheaper"}, True),
        ({"CI_COMMIT_BRANCH": "main"}, False),
        ({"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "cheaper"}, True),
        ({"BUILDKITE_BRANCH": "cheaper"}, True),
    ],
)
def test_a_commit_that_ci_has_checked_out(
    surroundings: dict[str, str], elsewhere: bool, repository: Path
) -> None:
    git(repository, "checkout", "--detach")
    assert refused(repository / "b.json", **surroundings) == elsewhere


def test_without_a_repository(tmp_path: Path) -> None:
    assert not refused(tmp_path / "b.json", GITHUB_HEAD_REF="cheaper")


@pytest.mark.parametrize("content", [b"", b"\xff", b"gitdir: /nowhere", b"gitdir:"])
def test_a_file_that_is_no_link_to_a_repository(content: bytes, tmp_path: Path) -> None:
    (tmp_path / ".git").write_bytes(content)
    refused(tmp_path / "b.json")


def test_the_command(tokman: Run, repository: Path, tmp_path: Path) -> None:
    ledger = made(tmp_path / "ledger", [call(1, workflow="w")])
    path = repository / "b.json"
    git(repository, "checkout", "-b", "cheaper")
    done = tokman("check", "--ledger", ledger, "--save", path)
    assert (done.code, done.out, path.exists()) == (2, "", False)
    assert "a baseline is saved on main" in done.err
    assert tokman("check", "--ledger", ledger, "--save", path, "--force").code == 0
    Path("tokman.toml").write_text('[check]\nmain = "cheaper"\n')
    assert tokman("check", "--ledger", ledger, "--save", path).code == 0
