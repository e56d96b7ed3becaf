"""Every planted difference is found and named to the cent; the parts sum to the difference."""

from __future__ import annotations

import io
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reconcile.books import call, closed, line, parts
from tokman.config import Discount, Rates, Reconcile
from tokman.errors import TokmanError
from tokman.reconcile import tolerance
from tokman.reconcile.compare import Unmet
from tokman.screens.reconcile import sentence, show

# gpt-4o: $2.50 input, $1.25 cached input, $10 output per million tokens.
# A call of 1,000,000 input and 100,000 output tokens is $3.50.
MODEL = "gpt-4o-2024-08-06"


def big(number: int, at: str = "2026-11-02 10:00:00", **more: Any) -> dict[str, Any]:
    return call(number, at, model=MODEL, prompt=1_000_000, answer=100_000, **more)


def counts(requests: int = 1, day: str = "2026-11-02", **more: Any) -> Any:
    tokens = {"uncached_input_tokens": 1_000_000, "output_tokens": 100_000}
    tokens = {name: count * requests for name, count in tokens.items()}
    return line(day, kind="usage", model=MODEL, requests=requests, **(tokens | more))


def test_a_bill_that_agrees(tmp_path: Path) -> None:
    answer = closed(tmp_path / "l", [big(1)], [line(model="gpt-4o", billed_amount="3.50")])
    assert (answer.stated, answer.ours, answer.parts) == (Decimal("3.5"), Decimal("3.5"), [])
    assert answer.closes
    assert sentence(answer).endswith("they agree to the last digit.")


CASES: list[tuple[str, list[Any], list[Any], dict[str, str]]] = [
    (
        "a model that our logs never saw",
        [big(1)],
        [line(model=MODEL, billed_amount="3.50"), line(model="o3", billed_amount="8")],
        {"calls missing from our logs": "8"},
    ),
    (
        "a day that the bill does not have",
        [big(1), big(2, "2026-11-03 10:00:00")],
        [
            line(model=MODEL, billed_amount="3.50"),
            line("2026-11-04", model="o3", billed_amount="1"),
        ],
        {"calls missing from our logs": "1", "calls only in our logs": "-3.5"},
    ),
    (
        "requests that one side lacks, told by the counts of requests",
        [big(1)],
        [line(model=MODEL, billed_amount="7.00"), counts(2)],
        {"calls missing from our logs": "3.5"},
    ),
    (
        "as many requests, more tokens",
        [big(1)],
        [line(model=MODEL, billed_amount="4.50"), counts(output_tokens=200_000)],
        {"token counts": "1"},
    ),
    (
        "a discount on two days",
        [big(1), big(2, "2026-11-03 10:00:00")],
        [
            line(model=MODEL, billed_amount="3.0625"),
            line("2026-11-03", model=MODEL, billed_amount="3.0625"),
        ],
        {"unit price": "-0.875"},
    ),
    (
        "served as a batch, which our log does not know",
        [big(1)],
        [line(model=MODEL, billed_amount="1.75"), counts()],
        {"unit price": "-1.75"},
    ),
    (
        "amounts rounded to the cent",
        [call(1, model=MODEL, prompt=1_234, answer=567)],
        [line(model=MODEL, billed_amount="0.01")],
        {"rounding": "0.001245"},
    ),
    (
        "fees, credits and taxes",
        [big(1)],
        [
            line(model=MODEL, billed_amount="3.50"),
            line(line_item="code interpreter", billed_amount="0.90"),
            line(line_item="credit", charge_category="credit", billed_amount="-2"),
            line(line_item="VAT", charge_category="tax", billed_amount="0.66"),
        ],
        {"fees that are not tokens": "0.9", "credits and taxes": "-1.34"},
    ),
    (
        "a price that nothing explains",
        [big(1)],
        [line(model=MODEL, billed_amount="4.1234"), counts()],
        {"unexplained": "0.6234"},
    ),
    (
        "a model that we cannot price",
        [call(1, model="gpt-99-secret", provider="openai", prompt=10, answer=10)],
        [line(model="gpt-99-secret", billed_amount="1.23")],
        {"our calls without a price": "1.23"},
    ),
    (
        "an answer out of the gateway's own cache was never bought",
        [big(1), big(2, cache_hit="True", spend=0)],
        [line(model=MODEL, billed_amount="3.50"), counts()],
        {},
    ),
    (
        "counted by the provider but not on its bill",
        [big(1), call(2, model="o3", prompt=1_000_000, answer=0)],
        [
            line(model=MODEL, billed_amount="3.50"),
            counts(),
            line(kind="usage", model="o3", requests=1, uncached_input_tokens=1_000_000),
        ],
        {"unexplained": "-2"},
    ),
]


@pytest.mark.parametrize(("calls", "lines", "expected"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_a_planted_difference_is_named(
    tmp_path: Path, calls: list[Any], lines: list[Any], expected: dict[str, str]
) -> None:
    answer = closed(tmp_path / "l", calls, lines)
    assert parts(answer) == expected
    assert sum(part.amount for part in answer.parts) == answer.difference
    assert answer.stated - answer.ours == answer.difference


def test_days_counted_in_another_time_zone(tmp_path: Path) -> None:
    """The provider's days begin at 08:00 UTC: calls of the small hours are on the day before."""
    calls = [big(n, f"2026-11-{n:02} {hour}:00:00") for n, hour in ((2, 3), (3, 3), (4, 3), (5, 9))]
    lines = [
        *(line(f"2026-11-{d:02}", model=MODEL, billed_amount="3.50") for d in (1, 2, 3, 5)),
        *(counts(1, f"2026-11-{d:02}") for d in (1, 2, 3, 5)),
    ]
    calls = [{**each, "startTime": each["startTime"].replace(" 3:", " 03:").replace(" 9:", " 09:")}
             for each in calls]  # fmt: skip
    answer = closed(tmp_path / "l", calls, lines, by=("day",))
    assert {row.reason for row in answer.rows if row.difference} == {"time zone or edge of a day"}
    assert answer.difference == 0
    assert answer.closes


def test_a_discount_is_proposed_and_closes_once_stated(tmp_path: Path) -> None:
    calls = [big(n, f"2026-11-{n:02} 10:00:00") for n in range(2, 6)]
    lines = [line(f"2026-11-{n:02}", model=MODEL, billed_amount="3.0625") for n in range(2, 6)]
    answer = closed(tmp_path / "l", calls, lines)
    assert [(each.percent, each.cells) for each in answer.proposals] == [(Decimal("12.5"), 4)]
    stated = Rates(discounts=[Discount(percent="12.5", provider="openai")])
    again = closed(tmp_path / "m", calls, lines, prices=stated)
    assert (again.parts, again.proposals) == ([], [])


def test_weeks_between_two_statements_are_in_no_comparison(tmp_path: Path) -> None:
    """A few silent days are days without usage; three silent weeks were not exported."""
    lines = [line(day, model=MODEL, billed_amount="3.50") for day in ("2026-10-01", "2026-11-02")]
    days = ("2026-10-01", "2026-10-15", "2026-11-02")
    calls = [big(number, f"{day} 10:00:00") for number, day in enumerate(days)]
    assert closed(tmp_path / "l", calls, lines).parts == []
    lines.append(line("2026-11-05", model=MODEL, billed_amount="3.50"))
    calls += [big(number, f"2026-11-0{number} 10:00:00") for number in (3, 5)]
    assert parts(closed(tmp_path / "m", calls, lines)) == {"calls only in our logs": "-3.5"}


def test_statements_told_twice_are_not_added(tmp_path: Path) -> None:
    lines = [
        line(model=MODEL, billed_amount="3.50"),
        line(view="1d", line_item=None, source="openai-cost", billed_amount="3.50"),
        line(model=MODEL, source="dashboard", view="1d by model", billed_amount="3.50"),
    ]
    answer = closed(tmp_path / "l", [big(1)], lines)
    assert answer.stated == Decimal("3.5")
    assert answer.aside == ["dashboard"]


def test_of_two_exports_the_more_exact_is_used(tmp_path: Path) -> None:
    """A console rounds to the cent what a report of the same day states in full."""
    lines = [
        line(model=MODEL, view="1d by model", source="report", billed_amount="3.502345"),
        line(model=MODEL, view="1d by key,model", source="console", billed_amount="3.50"),
    ]
    answer = closed(tmp_path / "l", [big(1)], lines)
    assert (answer.stated, answer.aside) == (Decimal("3.502345"), ["console"])


def test_a_bill_without_models_is_compared_as_a_whole(tmp_path: Path) -> None:
    lines = [line(view="1d", billed_amount="5.50")]
    calls = [big(1), call(2, model="o3", prompt=1_000_000, answer=0)]
    assert closed(tmp_path / "l", calls, lines).parts == []


def test_usage_without_a_bill_is_compared_by_its_counts(tmp_path: Path) -> None:
    answer = closed(tmp_path / "l", [big(1)], [counts(), counts(1, "2026-11-03")])
    assert answer.basis == "tokens"
    assert parts(answer) == {"calls missing from our logs": "3.5"}


def test_another_currency_is_told_and_not_added(tmp_path: Path) -> None:
    lines = [
        line(model=MODEL, billed_amount="3.50"),
        line(model="o3", currency="EUR", billed_amount="9"),
    ]
    answer = closed(tmp_path / "l", [big(1)], lines)
    assert (answer.stated, answer.foreign) == (Decimal("3.5"), {"EUR": Decimal(9)})


def test_tolerance() -> None:
    assert tolerance("0.5%") == (Fraction(1, 200), Fraction(0))
    assert tolerance("$5") == tolerance("5") == (Fraction(0), Fraction(5))
    with pytest.raises(TokmanError):
        tolerance("$5%")


def test_the_command(tokman: Any, tmp_path: Path) -> None:
    closed(tmp_path / "l", [big(1)], [line(model=MODEL, billed_amount="4.1234"), counts()])
    done = tokman("reconcile", "--ledger", tmp_path / "l", "--by", "day,model")
    assert done.code == 1
    assert "unexplained" in done.out
    assert tokman("reconcile", "--ledger", tmp_path / "l", "--tolerance", "20%").code == 0
    assert tokman("reconcile", "--ledger", tmp_path / "l", "--provider", "nobody").code == 3
    assert tokman("reconcile", "--ledger", tmp_path / "l", "--by", "mood").code == 2
    assert "0.6234" in tokman("reconcile", "--ledger", tmp_path / "l", "-f", "csv").out
    assert '"closes": false' in tokman("reconcile", "--ledger", tmp_path / "l", "-f", "json").out


models = st.sampled_from([MODEL, "o3", "gpt-99-secret", None])
days = st.sampled_from(["2026-11-02", "2026-11-03", "2026-11-04"])
tokens = st.one_of(st.none(), st.integers(0, 3_000_000))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    calls=st.lists(
        st.tuples(days, models, st.integers(0, 10**6), st.integers(0, 10**5)), max_size=6
    ),
    bill=st.lists(st.tuples(days, models, st.decimals(-9, 9, places=6)), max_size=6),
    usage=st.lists(st.tuples(days, models, tokens, tokens, st.integers(0, 4)), max_size=6),
)  # fmt: skip
def test_the_parts_always_sum_to_the_difference(
    tmp_path_factory: Any, calls: list[Any], bill: list[Any], usage: list[Any]
) -> None:
    rows = [
        call(number, f"{day} 12:00:00", model=model or "o3", prompt=prompt, answer=answer)
        for number, (day, model, prompt, answer) in enumerate(calls)
    ]
    lines = [
        line(day, model=model, line_item=f"line {number}", billed_amount=str(amount))
        for number, (day, model, amount) in enumerate(bill)
    ]
    lines += [
        line(day, kind="usage", model=model, line_item=f"line {number}", requests=requests,
             uncached_input_tokens=given, output_tokens=made)
        for number, (day, model, given, made, requests) in enumerate(usage)
    ]  # fmt: skip
    if not lines:
        return
    answer = closed(tmp_path_factory.mktemp("p") / "l", rows, lines, by=("day", "model"))
    assert sum(part.amount for part in answer.parts) == answer.difference
    assert answer.stated - answer.ours == answer.difference
    assert not [words for part in answer.parts for words, _ in part.details if "no cell" in words]
    if bill:
        assert answer.stated == sum(amount for _, _, amount in bill)
    assert abs(sum(row.difference for row in answer.rows) - answer.difference) < Decimal("1e-9")


def keyed(folder: Path, names: Reconcile | None = None) -> Any:
    """Two keys that the bill names by their ids, our logs by their aliases."""
    calls = [big(1, alias="prod"), big(2, alias="ci"), big(3, alias="both-know")]
    lines = [
        line(model=MODEL, api_key_id=key, billed_amount="3.50")
        for key in ("key_1", "key_2", "both-know")
    ]
    return closed(folder, calls, lines, by=("key",), names=names)


def test_keys_that_meet_nothing_are_named(tmp_path: Path) -> None:
    answer = keyed(tmp_path / "l")
    assert answer.unmet == [Unmet(dimension="key", stated=["key_1", "key_2"], ours=["ci", "prod"])]
    said = io.StringIO()
    show([answer], ["key"], "table", said)
    words = " ".join(said.getvalue().split())
    assert "Keys only in the statements: key_1, key_2; only in our logs: ci, prod" in words
    assert '[reconcile.keys] "key_1" = "ci"' in words


def test_keys_that_are_declared_meet(tmp_path: Path) -> None:
    apart = keyed(tmp_path / "apart")
    assert parts(apart)["calls missing from our logs"] == "7"
    pairs = Reconcile(keys={"key_1": "prod", "key_2": "ci"}, projects={"key_1": "not a key"})
    answer = keyed(tmp_path / "met", pairs)
    assert (answer.parts, answer.unmet, answer.closes) == ([], [], True)
    rows = {row.names["key"]: (row.stated, row.ours) for row in answer.rows if row.names["key"]}
    assert rows == dict.fromkeys(("prod", "ci", "both-know"), (Decimal("3.5"), Decimal("3.5")))


def test_keys_that_one_side_does_not_tell_are_not_missed(tmp_path: Path) -> None:
    answer = closed(
        tmp_path / "l",
        [big(1, alias="prod")],
        [line(model=MODEL, billed_amount="3.50")],
        by=("key",),
    )
    assert answer.unmet == []


UNTOLD = [
    line(model=MODEL, billed_amount="2.25"),
    line(kind="usage", model=MODEL, requests=1, uncached_input_tokens=1_000_000, output_tokens=0),
]
"""A million input tokens; gpt-4o at $2.50, cached $1.25: $2.25 where 200,000 were cached."""


def test_a_cached_part_that_is_not_stated_is_not_zero(tmp_path: Path) -> None:
    mine = call(1, model=MODEL, prompt=1_000_000, cached=200_000, answer=0)
    answer = closed(tmp_path / "l", [mine], UNTOLD)
    assert (answer.stated, answer.ours, parts(answer)) == (Decimal("2.25"), Decimal("2.25"), {})
    assert answer.untold == {"cache_read_input_tokens": 1_000_000}
    shown = io.StringIO()
    show([answer], [], "markdown", shown)
    assert (
        "Not stated: how many of 1,000,000 input tokens are cache read input; taken as in our logs"
    ) in shown.getvalue()


def test_a_cached_part_that_is_stated_as_zero_is_a_difference(tmp_path: Path) -> None:
    mine = call(1, model=MODEL, prompt=1_000_000, cached=200_000, answer=0)
    told = line(
        *("2026-11-02",),
        kind="usage",
        model=MODEL,
        requests=1,
        uncached_input_tokens=1_000_000,
        cache_read_input_tokens=0,
        output_tokens=0,
    )
    answer = closed(tmp_path / "l", [mine], [UNTOLD[0], told])
    assert parts(answer)["token counts"] == "0.25"
    assert "cache_read_input_tokens" not in answer.untold


def test_more_input_than_ours_at_the_price_that_ours_had(tmp_path: Path) -> None:
    """200,000 more tokens, cached or not, at 2.25 a million: what ours cost on average."""
    mine = call(1, model=MODEL, prompt=1_000_000, cached=200_000, answer=0)
    more = line(
        *("2026-11-02",),
        kind="usage",
        model=MODEL,
        requests=1,
        uncached_input_tokens=1_200_000,
        output_tokens=0,
    )
    answer = closed(tmp_path / "l", [mine], [line(model=MODEL, billed_amount="2.70"), more])
    assert parts(answer) == {"token counts": "0.45"}
    [part] = answer.parts
    assert [words for words, _ in part.details] == ["gpt-4o: 200,000 input tokens, cached or not"]


def test_another_tier_is_found_though_the_cached_part_is_not_stated(tmp_path: Path) -> None:
    mine = call(1, model=MODEL, prompt=1_000_000, cached=0, answer=0)
    answer = closed(tmp_path / "l", [mine], [line(model=MODEL, billed_amount="1.25"), UNTOLD[1]])
    assert parts(answer) == {"unit price": "-1.25"}
