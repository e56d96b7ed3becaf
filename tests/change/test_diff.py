"""`tokman diff` on ledgers: what it says ties to the report, names the cause, hides nothing."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.ledgers import call, made
from tokman.config import Discount, Model, Rates

Answer = dict[str, Any]
Ask = Callable[..., Answer]

SEPTEMBER = [call(n, f"2026-09-{n:02} 10:00:00", workflow="support") for n in range(1, 11)]


def october(start: int, number: int, **what: Any) -> list[dict[str, Any]]:
    """Calls of October, one a day from the first on."""
    what = {"workflow": "support"} | what
    return [call(start + n, f"2026-10-{n % 31 + 1:02} 10:00:00", **what) for n in range(number)]


MONTHS = ("--from", "2026-09-01..2026-09-30", "--to", "2026-10-01..2026-10-30")
"""Of equal length."""

EDGES = [
    call(900, "2026-08-31 00:00:00", model="nobody-sells-this"),
    call(901, "2026-11-02 00:00:00", model="nobody-sells-this"),
]
"""So that the ledger reaches over both months."""


@pytest.fixture
def ask(tokman: Run, tmp_path: Path) -> Ask:
    """What a ledger of these calls answers, exact."""

    numbers = count()

    def run(calls: list[dict[str, Any]], *arguments: object, prices: Rates | None = None) -> Answer:
        folder = made(tmp_path / f"ledger{next(numbers)}", [*calls, *EDGES], prices)
        arguments = arguments or MONTHS
        done = tokman("diff", "--ledger", folder, "--format", "json", *arguments)
        assert (done.code, done.err) == (0, "")
        answer: Answer = json.loads(done.out, parse_float=Decimal, parse_int=Decimal)
        change = answer["after"]["spend"] - answer["before"]["spend"]
        assert answer["change"] == change == sum(answer["parts"].values())
        assert sum(row["change"] for row in answer["rows"]) == change
        for name, part in answer["parts"].items():
            assert sum(row[name] for row in answer["rows"]) == part
        return answer

    return run


def parts(answer: Answer) -> dict[str, Decimal]:
    return {name: part for name, part in answer["parts"].items() if part}


EACH = Decimal("0.008")
"""A call of `tests.ledgers`: 1,000 tokens in at $5, 100 out at $30 a million."""


def test_twice_the_calls(ask: Ask) -> None:
    answer = ask(SEPTEMBER + october(100, 20))
    assert parts(answer) == {"volume": 10 * EACH}
    assert answer["sentence"] == (
        "Spend rose $0.08000 (+100.0%): $0.08000 because support made twice as many calls."
    )


def test_a_workflow_begins_and_another_ends(ask: Ask) -> None:
    answer = ask(SEPTEMBER + october(100, 10, workflow="sales"))
    assert parts(answer) == {}
    assert {(row["workflow"], row["presence"], row["workflow_mix"]) for row in answer["rows"]} == {
        ("sales", "new", 10 * EACH),
        ("support", "gone", -10 * EACH),
    }
    assert "because sales made calls (none before)" in answer["sentence"]
    assert "because support made no more calls" in answer["sentence"]
    assert answer["sentence"].startswith("Spend stayed at $0.08000: ")


def test_a_longer_context_and_a_cache(ask: Ask) -> None:
    answer = ask(SEPTEMBER + october(100, 10, prompt=1400))
    assert parts(answer) == {"input_per_call": 10 * 400 * Decimal("0.000005")}
    assert "because prompts of support grew 40%" in answer["sentence"]
    answer = ask(SEPTEMBER + october(200, 10, prompt=1000, cached=600))
    assert parts(answer) == {"caching": -10 * 600 * Decimal("0.0000045")}
    assert "60% of the input of support was read from the cache (0% before)" in answer["sentence"]


def test_a_swap_of_models(ask: Ask) -> None:
    answer = ask(SEPTEMBER + october(100, 10, model="gpt-5.4"))
    assert list(parts(answer)) == ["model_mix"]
    assert "100% of the calls of support went to gpt-5.4 (0% before)" in answer["sentence"]


def test_a_vendors_price_and_a_discount_are_told_apart(ask: Ask, tmp_path: Path) -> None:
    price: dict[str, Any] = {"input": 5, "output": 30}
    rates = Rates(
        models={
            "gpt-5.5": [
                Model(**price, until=date(2026, 10, 1)),
                Model(input=10, output=60, since=date(2026, 10, 1)),
            ]
        },
        discounts=[Discount(percent=10, since=date(2026, 10, 1))],
    )
    (tmp_path / "tokman.toml").write_text(
        "[rates]\ndiscounts = [{percent = 10, since = 2026-10-01}]\n"
        '[[rates.models."gpt-5.5"]]\ninput = 5\noutput = 30\nuntil = 2026-10-01\n'
        '[[rates.models."gpt-5.5"]]\ninput = 10\noutput = 60\nsince = 2026-10-01\n'
    )
    answer = ask(SEPTEMBER + october(100, 10), prices=rates)
    assert list(parts(answer)) == ["price", "discount"]
    assert answer["parts"]["discount"] < 0 < answer["parts"]["price"]
    assert "because the price of gpt-5.5 doubled" in answer["sentence"]
    assert "from discounts" in answer["sentence"]


def test_a_long_prompt_pays_its_surcharge_and_its_tokens(ask: Ask) -> None:
    before = [c | {"prompt_tokens": 200_000, "total_tokens": 200_100} for c in SEPTEMBER]
    answer = ask(before + october(100, 10, prompt=300_000))
    found = parts(answer)
    assert list(found) == ["input_per_call", "prompt_length_mix"]
    # What 272k and more costs: twice the input and half as much again for the output.
    dear = 300_000 * Decimal("0.00001") + 100 * Decimal("0.000045")
    assert answer["change"] == 10 * (dear - 200_000 * Decimal("0.000005") - Decimal("0.003"))
    assert "were of long, dearer prompts (0% before)" in answer["sentence"]


def test_hours_that_a_vendor_begins_to_price_are_a_price(ask: Ask) -> None:
    """DeepSeek has priced by the hour since 2026-08-17: a call moved to its night is bought at
    other terms, a call of the same hour before that day was not."""
    what: dict[str, Any] = {"model": "deepseek-v4-pro", "provider": "deepseek"}
    calls = [
        call(1, "2026-08-10 02:00:00", **what),
        call(2, "2026-08-20 02:00:00", **what),
        call(3, "2026-08-21 12:00:00", **what),
    ]
    begun = ask(calls, "--from", "2026-08-10", "--to", "2026-08-20", "--by", "tier")
    assert list(parts(begun)) == ["price"]
    assert [row["tier"] for row in begun["rows"]] == ["deepseek 01:00–04:00 UTC"]


def test_moved_to_another_hour_is_terms(ask: Ask) -> None:
    what: dict[str, Any] = {"model": "deepseek-v4-pro", "provider": "deepseek"}
    calls = [call(2, "2026-08-20 02:00:00", **what), call(3, "2026-08-21 12:00:00", **what)]
    moved = ask(calls, "--from", "2026-08-20", "--to", "2026-08-21")
    assert list(parts(moved)) == ["tier_mix"]
    assert moved["change"] < 0


def test_answers_of_a_response_cache(ask: Ask) -> None:
    hits = october(100, 10)
    for hit in hits[:5]:
        hit["cache_hit"] = "True"
    answer = ask(SEPTEMBER + hits)
    assert parts(answer) == {"paid_share": -5 * EACH}
    assert (
        "50% of the calls of support bought nothing, cached or failed (0% before)"
        in (answer["sentence"])
    )


def test_unpriced_calls_are_named_and_in_no_amount(ask: Ask) -> None:
    answer = ask(SEPTEMBER + october(100, 10, model="nobody-sells-this"))
    assert answer["after"]["spend"] == 0
    assert (answer["before"]["unpriced_calls"], answer["after"]["unpriced_calls"]) == (0, 10)
    notes = " ".join(answer["notes"])
    assert "10 unpriced (11.0k tokens)" in notes
    assert "Unpriced calls are in no amount above" in notes


def test_a_model_that_lost_its_price_is_no_saving(ask: Ask) -> None:
    later = october(100, 10, model="our-own", provider="house")
    earlier = [c | {"model": "our-own", "custom_llm_provider": "house"} for c in SEPTEMBER]
    until = Model(input=1, output=1, until=date(2026, 10, 1))
    answer = ask(earlier + later, prices=Rates(models={"our-own": until}))
    assert any(note.startswith("our-own has a price on one side only") for note in answer["notes"])


def test_what_todays_card_cannot_tell_apart_is_said(ask: Ask, tmp_path: Path) -> None:
    own = Rates(models={"gpt-5.5": Model(input=1, output=1)})
    lump = ask(SEPTEMBER + october(100, 20), prices=own)
    assert parts(lump) == {"volume": 10 * 1100 * Decimal("0.000001")}
    assert any(
        "30 calls at a rate that today's rate card does not have" in n for n in lump["notes"]
    )
    (tmp_path / "tokman.toml").write_text("[rates.models.'gpt-5.5']\ninput = 2\noutput = 6\n")
    scaled = ask(
        SEPTEMBER + october(200, 20),
        *MONTHS,
        "--by",
        "token_class",
        prices=own,
    )
    assert any("30 calls priced by another rate card" in note for note in scaled["notes"])
    assert {row["token_class"] for row in scaled["rows"]} == {
        "uncached_input_tokens",
        "output_tokens",
    }


def test_length_is_a_part_and_per_day_is_without_it(ask: Ask) -> None:
    both = SEPTEMBER + october(100, 31)
    lengths = ("--from", "2026-09", "--to", "2026-10")
    answer = ask(both, *lengths)
    assert answer["parts"]["length"] > 0
    assert any("The periods are 30 days and 31 days long" in note for note in answer["notes"])
    each = ask(both, *lengths, "--per-day")
    assert each["parts"]["length"] == 0
    assert each["before"]["spend"] == (10 * EACH / 30).quantize(Decimal("1e-12"))
    assert each["after"]["spend"] == EACH
    assert list(parts(each)) == ["volume"]
    assert each["sentence"].startswith("Spend a day rose ")


def test_a_period_that_the_ledger_does_not_reach_over(ask: Ask) -> None:
    answer = ask(SEPTEMBER + october(100, 10), "--from", "2026-10", "--to", "2026-11")
    assert answer["after"]["days"] == 2
    assert any("2026-11 is counted for 2 of its 30 days" in note for note in answer["notes"])


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with something of everything."""
    calls = SEPTEMBER + october(100, 25, prompt=1300)
    calls += october(200, 9, workflow="labels", model="claude-haiku-4-5", provider="anthropic")
    calls += [call(300 + n, f"2026-09-{n + 1:02} 09:00:00", workflow="labels") for n in range(7)]
    calls += october(400, 4, workflow=None, user="ann", request_tags=["git:abc"])
    calls += october(500, 3, workflow="old", user="bob", request_tags=["git:abd"])
    calls += [call(600, "2026-09-20 10:00:00", workflow='"; rm -rf / \x1b[31m|<b>', user="=1+1")]
    return made(tmp_path_factory.mktemp("diff") / "ledger", calls + EDGES)


BY = "workflow model user token_class tier prompt_length status hour_of_day workflow,user".split()


@pytest.mark.parametrize("top", [(), ("--top", "1")])
@pytest.mark.parametrize("by", BY)
def test_both_sides_tie_to_the_report(
    by: str, top: tuple[str, ...], tokman: Run, mixed: Path
) -> None:
    done = tokman("diff", "--ledger", mixed, *MONTHS, "--by", by, "--format", "csv", *top)
    lines = list(csv.reader(done.out.splitlines()))
    places = lines[0].index("before"), lines[0].index("after")
    spans = ("2026-09-01", "2026-10-01"), ("2026-10-01", "2026-10-31")
    for place, span in zip(places, spans, strict=True):
        report = tokman(
            "report", "--ledger", mixed, "--since", span[0], "--until", span[1], "-f", "json"
        )
        rows = json.loads(report.out, parse_float=Decimal)
        cost = sum(row["contracted_cost"] or 0 for row in rows)
        assert sum(Decimal(line[place]) for line in lines[1:]) == cost
    names = lines[0]
    assert len(names) == len(set(names))
    for line in lines[1:]:
        first = names.index("length")
        assert sum(map(Decimal, line[first:-1])) == Decimal(line[names.index("change")])


def test_backwards_is_the_same_with_the_sign_turned(tokman: Run, mixed: Path) -> None:
    ways = (MONTHS, (MONTHS[0], MONTHS[3], MONTHS[2], MONTHS[1]))
    answers = []
    for way in ways:
        done = tokman("diff", "--ledger", mixed, *way, "--by", "user,model", "-f", "json")
        answers.append(json.loads(done.out, parse_float=Decimal, parse_int=Decimal))
    assert answers[0]["parts"] == {name: -part for name, part in answers[1]["parts"].items()}
    assert answers[0]["change"] == -answers[1]["change"] != 0


def test_two_ledgers_two_tags_two_conditions(tokman: Run, mixed: Path, tmp_path: Path) -> None:
    other = made(tmp_path / "other", SEPTEMBER)
    done = tokman("diff", "--ledger", mixed, "--from-ledger", other, "-f", "json")
    answer = json.loads(done.out, parse_float=Decimal)
    assert answer["before"]["spend"] == 10 * EACH
    assert answer["parts"]["length"] == 0
    done = tokman(
        "diff", "--ledger", mixed, "--from-run", "git:abc", "--to-run", "git:abd", "-f", "json"
    )
    answer = json.loads(done.out, parse_float=Decimal)
    assert (answer["before"]["calls"], answer["after"]["calls"]) == (4, 3)
    sides = ("--from-where", "\"user\" = 'ann'", "--to-where", "\"user\" = 'bob'")
    done = tokman("diff", "--ledger", mixed, *sides, "-f", "json")
    assert json.loads(done.out, parse_float=Decimal)["change"] == answer["change"]


MAPPING = """
[sources.runs]
match.keys = ["id", "at", "model", "in", "out", "run"]

[sources.runs.map]
call_id = "id"
started_at = "at"
provider_name = { const = "openai" }
response_model = "model"
input_tokens = "in"
output_tokens = "out"
run_id = "run"
git_commit = "commit"
git_branch = "branch"
"""


def test_two_runs_by_every_name_they_have(tokman: Run, tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in ("init -q", "commit -q -m 1", "tag v1", "commit -q -m 2", "commit -q -m 3"):
        empty = ["--allow-empty"] if words.startswith("commit") else []
        subprocess.run([*git, *words.split(), *empty], check=True)
    stated = subprocess.run(["git", "rev-parse", "v1", "HEAD~1"], capture_output=True, check=True)
    commits = stated.stdout.decode().split()
    ran = {f"run{n}": commit for n, commit in enumerate((*commits, f"{commits[1]}-dirty"))}
    log = tmp_path / "runs.jsonl"
    lines = [
        {
            "id": f"c{number}",
            "at": "2026-10-01T10:00:00Z",
            "model": "gpt-5.5",
            "in": 1000,
            "out": 100,
            "run": run,
            "commit": commit,
            "branch": f"branch-of-{run}",
        }
        for number, (run, commit) in enumerate((r, c) for r, c in ran.items() for _ in range(2))
    ]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "map.toml").write_text(MAPPING)
    ledger = tmp_path / "ledger"
    done = tokman("ingest", log, "--map", tmp_path / "map.toml", "--ledger", ledger)
    assert done.code == 0, done.err
    names = [("run0", "run1"), ("v1", "HEAD~1"), (commits[0], commits[1][:8])]
    names += [("branch-of-run0", f"{commits[1]}-dirty")]
    for before, after in names:
        sides = ("--from-run", before, "--to-run", after)
        answered = tokman("diff", "--ledger", ledger, *sides, "-f", "json")
        assert (answered.code, answered.err) == (0, ""), (before, after)
        answer = json.loads(answered.out)
        assert (answer["before"]["calls"], answer["after"]["calls"]) == (2, 2), (before, after)


def test_without_periods_the_last_two_whole_weeks(tokman: Run, mixed: Path) -> None:
    done = tokman("diff", "--ledger", mixed, "-f", "json")
    answer = json.loads(done.out)
    assert (answer["before"]["name"], answer["after"]["name"]) == ("2026-W43", "2026-W44")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--from", "2026-09"), 2, "--from needs --to"),
        (("--to", "soon"), 2, "not a period: 'soon'"),
        (("--from", "2020-01", "--to", "2026-10"), 3, "no calls in 2020-01"),
        (("--to", "0001"), 2, "no period before '0001'"),
        (("--by", "day"), 2, "share no day"),
        (("--by", "colour"), 2, "'colour'"),
        (("--by", ","), 2, "nothing to report by"),
        (("--where", "1=1) or (1=1"), 2, "--where"),
        (("--from-where", "nonsense here"), 2, "nonsense here"),
        (("--to-run", "git:nothing"), 3, "no calls of a run, tag, branch or commit 'git:nothing'"),
        (("--from-run", "--output=x"), 3, "'--output=x'"),
        (("--from-run", "git:abc", "--to-run", "git:abd", "--per-day"), 2, "--per-day needs"),
        (("--tz", "Mars/Base"), 2, "unknown time zone"),
        (("--format", "yaml"), 2, "no format 'yaml'"),
        (("--where", "model = 'none'"), 3, "no calls with a price"),
    ],
)
def test_wrong_use_is_one_line_and_a_hint(
    arguments: tuple[str, ...], code: int, words: str, tokman: Run, mixed: Path
) -> None:
    done = tokman("diff", "--ledger", mixed, *arguments)
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert done.err.count("\n") == 2
    assert "hint: " in done.err


def test_an_empty_ledger(tokman: Run, tmp_path: Path) -> None:
    made(tmp_path / "ledger", [])
    done = tokman("diff", "--ledger", tmp_path / "ledger")
    assert (done.code, done.out) == (3, "")


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_a_hostile_name_is_shown_and_does_nothing(form: str, tokman: Run, mixed: Path) -> None:
    done = tokman("diff", "--ledger", mixed, *MONTHS, "--by", "workflow,user", "-f", form)
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "rm -rf" in done.out
    if form == "markdown":
        assert not re.search(r"[^\\]<b>", done.out)
    if form == "csv":
        assert ",'=1+1," in done.out


def test_screens(tokman: Run, mixed: Path, golden: Callable[[str, str], None]) -> None:
    for name, arguments in {
        "table.txt": (),
        "per_day.txt": ("--per-day", "--by", "token_class"),
        "top.md": ("--top", "1", "--by", "user,model", "-f", "markdown"),
    }.items():
        done = tokman("diff", "--ledger", mixed, "--from", "2026-09", "--to", "2026-10", *arguments)
        golden(f"diff/{name}", re.sub(r"genai-prices \S+ \(\w+\)", "genai-prices", done.out))
