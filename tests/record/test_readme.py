"""What README.md shows of recordings works as it says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.record.conftest import Record, calls

EVALS = """
from opentelemetry import trace


def ask(tokens):
    with trace.get_tracer("app").start_as_current_span("chat gpt-5.5") as span:
        span.set_attributes({
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-5.5",
            "gen_ai.usage.input_tokens": tokens,
            "gen_ai.usage.output_tokens": 75,
        })


def test_login():
    ask(1000)


def test_search():
    ask(2000)
"""


def section() -> str:
    text = (ROOT / "README.md").read_text()
    return text.partition("## Recording a suite\n")[2].partition("\n## ")[0]


def test_the_cases_of_a_suite(record: Record, tmp_path: Path) -> None:
    shown = section()
    (conftest,) = re.findall(r"```python\n(.*?)```", shown, re.DOTALL)
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "conftest.py").write_text(conftest)
    (tmp_path / "evals" / "test_answers.py").write_text(EVALS)
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "evals/"]
    done = record("--run", "cheaper-prompt", "--", *pytest)
    assert done.code == 0, done.out + done.err
    assert {call["case_id"] for call in calls()} == {
        "evals/test_answers.py::test_login",
        "evals/test_answers.py::test_search",
    }
    (expected,) = re.findall("^2 calls recorded.*$", shown, re.MULTILINE)
    said = done.err.strip().splitlines()[-1]
    assert re.sub(r" at [0-9a-f]{8}(-dirty)?( \(.*?\))?", "", said) == re.sub(
        r" at [0-9a-f]{8} \(main\)", "", expected
    )


def test_every_exit_code_is_said() -> None:
    assert all(code in section() for code in ("125", "126", "127", "128 + n"))
