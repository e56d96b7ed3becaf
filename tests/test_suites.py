"""Which case and run of a suite made a call, as logs say it, and as the ledger keeps it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.sources.records import lines, read
from tests.sources.traces import test_otel as otel
from tests.test_merge import put, rows, usage
from tokman.ledger import Ledger
from tokman.usage import Usage

SUITE = ("case_id", "run_id", "git_commit", "git_branch")
RUN = {"run_id": "r-1", "git_commit": "f" * 40, "git_branch": "main"}
LATER = {"run_id": "r-2", "git_commit": "1" * 40, "git_branch": "cheaper"}


def of(row: Usage | dict[str, Any]) -> list[str | None]:
    stated = row if isinstance(row, dict) else {name: getattr(row, name) for name in SUITE}
    return [stated[name] for name in SUITE]


def test_the_resource_of_a_trace_states_them() -> None:
    resource = {"tokman.case": "login", "tokman.run": "r-1", "cicd.pipeline.run.id": "77"}
    resource |= {"vcs.ref.head.revision": "f" * 40, "vcs.ref.head.name": "main"}
    (call,) = otel.usages([otel.batch(otel.chat(1, None, 5, 7), **resource)])
    assert of(call) == ["login", "r-1", "f" * 40, "main"]


def test_other_names_of_them() -> None:
    resource = {"test.case.name": "tests/test_login.py::test_it", "cicd.pipeline.run.id": "77"}
    (call,) = otel.usages([otel.batch(otel.chat(1, None, 5, 7), **resource)])
    assert of(call) == ["tests/test_login.py::test_it", "77", None, None]


@pytest.mark.parametrize(
    ("on_call", "above", "resource", "expected"),
    [
        ("a", "b", "c", "a"),
        (None, "b", "c", "b"),
        (None, None, "c", "c"),
        ("a", None, None, "a"),
        (None, None, None, None),
        (None, "b" * 201, "c", "c"),
    ],
)
def test_the_nearest_case_is_the_calls(
    on_call: str | None, above: str | None, resource: str | None, expected: str | None
) -> None:
    """The call's own, else that of the test's span around it, else that of the whole process."""

    def named(case: str | None) -> dict[str, str]:
        return {"tokman.case": case} if case else {}

    spans = [
        otel.span(1, None, lasts=9, attributes=named(above)),
        otel.span(2, 1),
        otel.chat(3, 2, 5, 7, attributes=named(on_call)),
    ]
    for order in itertools.permutations(spans):
        (call,) = otel.usages([otel.batch(*order, **named(resource))])
        assert call.case_id == expected


def test_metadata_of_a_request_states_the_case() -> None:
    answer = {
        "id": "chatcmpl-AbCdEfGhIjKl000001",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": "gpt-4o-mini",
        "choices": [],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
        "metadata": {"tokman_case": "login", "case_id": "a customer's"},
    }
    (call,) = read(lines([answer])).rows
    assert call.case_id == "login"


def test_a_mapping_states_all_of_them(tokman: Run, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(
        '[sources.evals]\nmatch.keys = ["eval"]\n[sources.evals.map]\n'
        'request_model = "model"\ninput_tokens = "in"\noutput_tokens = "out"\nstarted_at = "at"\n'
        'case_id = "eval.case"\nrun_id = "eval.run"\ngit_commit = "eval.sha"\n'
        'git_branch = "eval.branch"\n'
    )
    eval_ = {"case": "login", "run": "r-1", "sha": "f" * 40, "branch": "main"}
    call = {"eval": eval_, "model": "gpt-5.5", "in": 9, "out": 1, "at": "2026-11-01T00:00:00Z"}
    (tmp_path / "evals.jsonl").write_text(json.dumps(call) + "\n")
    assert tokman("ingest", "evals.jsonl", "--map", "m.toml").code == 0
    by = ",".join(SUITE)
    (row,) = json.loads(tokman("report", "--by", by, "--format", "json").out)
    assert of(row) == ["login", "r-1", "f" * 40, "main"]


def test_a_call_belongs_to_the_run_that_made_it(tmp_path: Path) -> None:
    """A later run that replays its answer adds no call, whichever is read first."""
    sightings = [usage(**RUN), usage(**LATER), usage(team="web"), usage(git_branch="other")]
    for number, order in enumerate(itertools.permutations(sightings)):
        ledger = Ledger(tmp_path / str(number), create=True)
        for sighting in order:
            put(ledger, sighting)
        (row,) = rows(ledger)
        assert (row["run_id"], row["git_commit"], row["git_branch"]) == tuple(RUN.values())
        assert row["team"] == "web"


def test_what_no_log_says_stays_unsaid(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", create=True)
    put(ledger, usage())
    put(ledger, usage(team="web"))
    assert of(rows(ledger)[0]) == [None] * 4
