"""What the README and this project's own workflow tell CI to do: valid, and it works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.ci.conftest import SUITE
from tests.conftest import ROOT

BIN = Path(sys.executable).parent

COST = ROOT / ".github/workflows/cost.yml"

BLOCKS = re.findall(
    r"^```yaml\n(.*?)^```$",
    (ROOT / "README.md").read_text().partition("### In your CI")[2].partition("\n## ")[0],
    re.DOTALL | re.MULTILINE,
)

GITHUB, COMMENT, GITLAB, PRE_COMMIT = BLOCKS


def yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def conforms(schema: str, path: Path) -> None:
    """As check-jsonschema judges it, by the schema that it carries."""
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n")


def bash(script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A `run:` as GitHub Actions runs it, on this tokman."""
    surroundings = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder), **more}
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_is_ten_lines_at_most() -> None:
    assert [len(block.splitlines()) for block in BLOCKS] == [10, 9, 9, 10]


@pytest.mark.parametrize("text", [COST.read_text(), GITHUB, GITHUB + COMMENT])
def test_a_workflow_of_github(text: str, tmp_path: Path) -> None:
    (tmp_path / "workflow.yml").write_text(text)
    conforms("vendor.github-workflows", tmp_path / "workflow.yml")


def test_a_pipeline_of_gitlab(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text(GITLAB)
    conforms("vendor.gitlab-ci", tmp_path / ".gitlab-ci.yml")
    (tmp_path / ".gitlab-ci.yml").write_text(GITLAB.replace("codequality:", "quality:"))
    with pytest.raises(AssertionError):
        conforms("vendor.gitlab-ci", tmp_path / ".gitlab-ci.yml")


def test_a_hook_of_pre_commit() -> None:
    """https://pre-commit.com/#repository-local-hooks"""
    (hook,) = yaml(PRE_COMMIT)["repos"][0]["hooks"]
    assert yaml(PRE_COMMIT)["repos"][0]["repo"] == "local"
    assert {"id", "name", "entry", "language", "files"} <= hook.keys()
    assert (hook["pass_filenames"], hook["stages"]) == (False, ["pre-push"])


COMMANDS = [
    line.strip().removeprefix("- ").removeprefix("run: ")
    for block in (GITHUB, GITLAB)
    for line in block.splitlines()
    if "tokman check" in line
]


@pytest.mark.parametrize("command", [*COMMANDS, yaml(PRE_COMMIT)["repos"][0]["hooks"][0]["entry"]])
@pytest.mark.parametrize(("side", "code"), [("main", 0), ("pull_request", 1)])
def test_the_commands_work(
    command: str, side: str, code: int, tmp_path: Path, suite: dict[str, Path]
) -> None:
    (tmp_path / "evals").mkdir()
    shutil.copy(SUITE / "baseline.json", tmp_path / "evals")
    (tmp_path / "Makefile").write_text("evals:\n\t@true\n.PHONY: evals\n")
    shutil.copytree(suite[side], tmp_path / ".tokman")
    done = bash(command, tmp_path, GITHUB_STEP_SUMMARY="summary.md")
    assert done.returncode == code, done.stderr
    named = re.findall(r"-o \w+=(\S+)", command)
    for name in [*named, *(["summary.md"] if "-o summary" in command else [])]:
        assert (tmp_path / name).stat().st_size


def test_the_workflow_of_this_project(tmp_path: Path) -> None:
    """Its steps, one after the other; the second fails unless the planted regression is caught."""
    shutil.copytree(SUITE, tmp_path / ".github/cost-suite")
    steps = [
        step["run"] for step in yaml(COST.read_text())["jobs"]["cost"]["steps"] if "run" in step
    ]
    assert steps.pop(0) == "pip install ."
    more = {"SUITE": ".github/cost-suite", "GITHUB_STEP_SUMMARY": "summary.md"}
    first, second = (bash(step, tmp_path, **more) for step in steps)
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.splitlines()[-1].startswith("::notice title=tokman check::pass: ")
    assert (tmp_path / "summary.md").read_text().startswith("### tokman check: pass: ")
    assert (tmp_path / "cost.xml").exists()
    assert json.loads((tmp_path / "cost.sarif").read_text())["runs"][0]["results"] == []


GH = r'''#!/usr/bin/env python3
"""`gh api` of pull request comments, on a file; its --jq is jq, which has `env` too."""
import json, pathlib, subprocess, sys

store = pathlib.Path("comments.json")
comments = json.loads(store.read_text())
words = sys.argv[1:]
assert words.pop(0) == "api"
method = words[words.index("-X") + 1] if "-X" in words else "POST" if "-F" in words else "GET"
path = next(word for word in words if word.startswith("repos/acme/shop/issues/"))
if method == "GET":
    assert path.endswith("/7/comments") and "--paginate" in words
    program = words[words.index("--jq") + 1]
    done = subprocess.run(["jq", "-r", program], input=json.dumps(comments), text=True)
    sys.exit(done.returncode)
field, _, file = words[words.index("-F") + 1].partition("=@")
body = {field: pathlib.Path(file).read_text()}
if method == "POST":
    assert path.endswith("/7/comments")
    comments.append({"id": 100 + len(comments), "user": {"type": "Bot"}} | body)
else:
    assert method == "PATCH"
    one = next(each for each in comments if path.endswith(f"/comments/{each['id']}"))
    one.update(body)
store.write_text(json.dumps(comments))
'''


@pytest.mark.skipif(shutil.which("jq") is None, reason="no jq to stand in for that of gh")
def test_a_comment_is_updated_in_place(tmp_path: Path) -> None:
    """A person's comment with the same first line, and another gate's, are left as they are."""
    (step,) = yaml(COMMENT)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gh").write_text(GH)
    (tmp_path / "bin/gh").chmod(0o755)
    mine, other = "<!-- tokman check: a.json -->", "<!-- tokman check: b.json -->"
    others = [
        {"id": 1, "user": {"type": "User"}, "body": f"{mine}\nquoted"},
        {"id": 2, "user": {"type": "Bot"}, "body": f"{other}\npass"},
        {"id": 3, "user": {"type": "Bot"}, "body": f"see {mine}"},
    ]
    store = tmp_path / "comments.json"
    store.write_text(json.dumps(others))
    more = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    more |= {"GITHUB_REPOSITORY": "acme/shop", "PR": "7"}
    for body in ("pass", 'regression `$(id)` "quoted" $HOME'):
        (tmp_path / "comment.md").write_text(f"{mine}\n{body}\n")
        done = bash(step["run"], tmp_path, **more)
        assert (done.returncode, done.stderr) == (0, "")
        *kept, last = json.loads(store.read_text())
        assert kept == others
        assert (last["id"], last["body"]) == (103, f"{mine}\n{body}\n")
