"""tokman.toml: where it is found, what it refuses, and the workflow rules in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.ledgers import call, made
from tokman.config import Config, load
from tokman.errors import TokmanError
from tokman.query import RULE_COLUMNS

CALLS = [
    call(1, workflow="tagged", alias="cron-digest"),
    call(2, alias="cron-digest"),
    call(3, alias="web-key", session="s-1", model="gpt-5.4"),
    call(4, user="ann"),
    call(5, request_tags=["suite:nightly", "region:eu"]),
]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("config") / "ledger", CALLS)


Workflows = Callable[[str], list[str | None]]


@pytest.fixture
def workflows(tokman: Run, ledger: Path) -> Workflows:
    """Workflow of each of the calls, in order, under a tokman.toml."""

    def run(toml: str) -> list[str | None]:
        Path("tokman.toml").write_text(toml)
        asked = "select workflow from charges order by call_id"
        done = tokman("sql", asked, "--ledger", ledger, "--format", "json")
        assert (done.code, done.err) == (0, "")
        return [row["workflow"] for row in json.loads(done.out)]

    return run


def rule(name: str, **match: str) -> str:
    pairs = "".join(f"match.{key} = {json.dumps(value)}\n" for key, value in match.items())
    return f"[[workflow_rules]]\nname = {json.dumps(name)}\n{pairs}"


PLAIN = ["tagged", "cron-digest", "web-key", None, None]


@pytest.mark.parametrize(
    ("toml", "given"),
    [
        ("", PLAIN),
        # A tag stays, a default gives way.
        (rule("all", source="*"), ["tagged", "all", "all", "all", "all"]),
        (rule("none", source="openai"), PLAIN),
        # The first that matches wins.
        (
            rule("digest", api_key_alias="cron-*") + rule("rest", source="*"),
            ["tagged", "digest", "rest", "rest", "rest"],
        ),
        (
            rule("rest", source="*") + rule("digest", api_key_alias="cron-*"),
            ["tagged", "rest", "rest", "rest", "rest"],
        ),
        # Every column of a rule must match.
        (
            rule("both", api_key_alias="*", model="gpt-5.4"),
            ["tagged", "cron-digest", "both", None, None],
        ),
        (rule("ann", user="ann"), ["tagged", "cron-digest", "web-key", "ann", None]),
        (rule("eu", tag="region:*"), ["tagged", "cron-digest", "web-key", None, "eu"]),
        (rule("old", workflow="cron-*"), ["tagged", "old", "web-key", None, None]),
        # Globs: any, one, a set; the case matters, and nothing else is special.
        (rule("x", model="gpt-5.?"), ["tagged", "x", "x", "x", "x"]),
        (rule("x", model="gpt-5.[4]"), ["tagged", "cron-digest", "x", None, None]),
        (rule("x", model="GPT*"), PLAIN),
        (rule("x", model="gpt"), PLAIN),
        (rule("x", model="gpt-5%"), PLAIN),
        (rule("x", model="gpt-5_4"), PLAIN),
        (rule("x", team="*"), PLAIN),
        (rule("x", file="*ledger.jsonl"), ["tagged", "x", "x", "x", "x"]),
        # What is in a name or a pattern is text and nothing else.
        (
            rule("'; drop view charges; --", user="ann"),
            ["tagged", "cron-digest", "web-key", "'; drop view charges; --", None],
        ),
        (rule("x", user="' or 1=1 --"), PLAIN),
        (rule("Größe 日本 \u202e", user="ann"), [*PLAIN[:3], "Größe 日本 \u202e", None]),
        (rule("x" * 5000, user="ann"), [*PLAIN[:3], "x" * 5000, None]),
        (rule("a\0b", user="ann"), [*PLAIN[:3], "a\0b", None]),
        (rule("x", user="ann\0"), PLAIN),
    ],
)
def test_rules(toml: str, given: list[str | None], workflows: Workflows) -> None:
    assert workflows(toml) == given


def test_two_hundred_rules(workflows: Workflows) -> None:
    many = "".join(rule(f"w{n}", user=f"user-{n}*") for n in range(199)) + rule("last", user="ann")
    assert workflows(many) == ["tagged", "cron-digest", "web-key", "last", None]


@pytest.mark.parametrize("column", sorted(RULE_COLUMNS))
def test_every_column_of_a_rule_is_there(column: str, workflows: Workflows) -> None:
    assert workflows(rule("x", **{column: "nothing is called this"})) == PLAIN


@pytest.mark.parametrize(
    ("toml", "error"),
    [
        (rule("x", colour="red"), "workflow rule 'x' names no column 'colour'"),
        (rule("x", list_cost="*"), "names no column 'list_cost'"),
        (
            '[[workflow_rules]]\nname = "x"\nmatch."user\\" or 1=1 --" = "*"\n',
            "names no column 'user\" or 1=1 --'",
        ),
        ('[[workflow_rules]]\nname = "x"\nmatch = {}\n', "workflow rule 'x' matches nothing"),
        (rule("", user="ann"), "a workflow rule has no name"),
        ('[[workflow_rules]]\nname = "x"\n', "Object missing required field `match`"),
        ('[[workflow_rules]]\nmatch.user = "x"\n', "Object missing required field `name`"),
        ('[[workflow_rules]]\nname = "x"\nmatch.user = 1\n', "Expected `str`, got `int`"),
        ("workflow_rules = 3\n", "Expected `array`, got `int`"),
        ("colour = 'red'\n", "Object contains unknown field `colour`"),
        ("[check]\nmax_increase = 5\n", "Expected `str | null`, got `int`"),
        ("not toml at all", "tokman.toml: "),
        ("a = 1\na = 2\n", "tokman.toml: "),
        ("a = " + "[" * 100_000, "tokman.toml: "),
    ],
)
def test_refused(toml: str, error: str, tokman: Run, ledger: Path) -> None:
    Path("tokman.toml").write_text(toml)
    done = tokman("report", "--ledger", ledger)
    assert (done.code, done.out) == (2, "")
    lines = done.err.splitlines()
    assert len(lines) == 2
    assert error in lines[0]
    assert lines[0].startswith("error: ")
    assert "tokman.toml" in lines[0]
    assert lines[1].startswith("hint: ")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name = '\0'", b"\xef\xbb\xbf[check]\n"])
def test_bytes_that_are_no_toml(content: bytes, tokman: Run, ledger: Path) -> None:
    Path("tokman.toml").write_bytes(content)
    done = tokman("report", "--ledger", ledger)
    assert done.code == 2
    assert len(done.err.splitlines()) == 2


def test_where_it_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load() == Config()
    (tmp_path / "a/b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a/b")
    (tmp_path / "tokman.toml").write_text('[check]\nmax_increase = "1%"\n')
    assert load().check.max_increase == "1%"
    (tmp_path / "a/tokman.toml").write_text('[check]\nmax_increase = "2%"\n')
    assert load().check.max_increase == "2%"
    assert load().path == str(tmp_path / "a/tokman.toml")
    (tmp_path / "named.toml").write_text('[check]\nmax_increase = "3%"\n')
    monkeypatch.setenv("TOKMAN_CONFIG", str(tmp_path / "named.toml"))
    assert load().check.max_increase == "3%"
    assert load(tmp_path / "tokman.toml").check.max_increase == "1%"
    monkeypatch.setenv("TOKMAN_CONFIG", "")
    assert load().check.max_increase == "2%"
    monkeypatch.setenv("TOKMAN_CONFIG", str(tmp_path / "gone.toml"))
    with pytest.raises(TokmanError, match=r"no configuration file at .*gone\.toml"):
        load()
    with pytest.raises(TokmanError, match="no configuration file at"):
        load(tmp_path)
