"""The comment and the summary, as a markdown reader takes them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.ci.verdicts import EVERYTHING, HOSTILE, VERDICTS, finding, named, verdict
from tokman.check.verdict import Verdict
from tokman.screens.ci import rendered

QUIET = {
    *("heading_open", "inline", "heading_close", "paragraph_open", "paragraph_close", "text"),
    *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
    *("table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close"),
    *("tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close", "softbreak"),
}
"""Nothing else is in a comment: no link, image, emphasis, code or HTML."""


def read(text: str) -> list[Token]:
    """All that a reader of GitHub's markdown sees, but invisible comments."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    every = [token for each in tokens for token in (each, *(each.children or ()))]
    comments = re.compile(r"\s*<!--(?:(?!--).)* -->\s*")
    return [
        token
        for token in every
        if not (token.type.startswith("html") and comments.fullmatch(token.content))
    ]


def comment(of: Verdict) -> tuple[str, list[Token]]:
    """The hidden first line, and the rest as it is read."""
    text = rendered("markdown", of, Path.cwd())
    first, _, rest = text.partition("\n")
    assert re.fullmatch(r"<!-- tokman check(: [\w./-]+)? -->", first, re.ASCII)
    assert "--" not in first[4:-3]
    return first, read(rest)


def test_everything_is_in_it() -> None:
    first, tokens = comment(EVERYTHING)
    assert first == "<!-- tokman check: evals/baseline.json -->"
    seen = "\n".join(token.content for token in tokens if token.type == "text")
    for each in EVERYTHING.findings:
        assert each.workflow is None or each.workflow in seen
    assert "3 calls without a price are in no cost" in seen
    assert "Spend rose $1.98: " in seen


@pytest.mark.parametrize(
    ("base", "first"),
    [
        (None, "<!-- tokman check -->"),
        ("evals/b.json", "<!-- tokman check: evals/b.json -->"),
        ("last-month", "<!-- tokman check: last-month -->"),
        ("a --> <script>", "<!-- tokman check: a_-_script_ -->"),
        ("--->\n\0\x1b", "<!-- tokman check: _ -->"),
    ],
)
def test_a_comment_for_each_baseline(base: str | None, first: str) -> None:
    assert comment(verdict([finding("a", "pass")], base=base))[0] == first


def test_the_summary_has_no_marker() -> None:
    text = rendered("summary", EVERYTHING, Path.cwd())
    whole = rendered("markdown", EVERYTHING, Path.cwd())
    assert text.startswith("### tokman check: regression: ")
    assert whole.partition("\n")[2] == text.removesuffix("\n")


def test_what_is_too_long_says_what_it_lacks() -> None:
    many = verdict([finding(f"workflow-{number}", "regression") for number in range(3000)])
    text = rendered("markdown", many, Path.cwd())
    assert 60_000 < len(text) <= 65_536
    (lacks,) = re.findall(r"([\d,]+) findings left out for length", text)
    shown = set(re.findall(r"workflow-\d+", text))
    assert len(shown) == 3000 - int(lacks.replace(",", ""))
    assert "workflow-0" in shown
    assert "left out" not in rendered("summary", many, Path.cwd())


@pytest.mark.parametrize("form", ["markdown", "summary"])
def test_one_name_that_is_too_long(form: str) -> None:
    limit = 65_536 if form == "markdown" else 1_000_001
    name = "😀|" * limit
    text = rendered(form, verdict([finding(name, "regression")], notes=[name]), Path.cwd())
    assert len(text.encode("utf-16-le")) // 2 <= limit
    assert text.rstrip().endswith("…")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    _, tokens = comment(named(name))
    assert {token.type for token in tokens} <= QUIET


@settings(max_examples=100, deadline=None)
@given(VERDICTS)
def test_any_verdict(of: Verdict) -> None:
    _, tokens = comment(of)
    assert {token.type for token in tokens} <= QUIET
