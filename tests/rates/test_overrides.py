"""The user's own prices, names and discounts."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rates.conftest import overlapping, price_all
from tokman import rates
from tokman.config import Discount, Model, Rates
from tokman.errors import TokmanError
from tokman.rates.overrides import shares

MILLION = 10**6
GPT = {"provider_name": "openai", "request_model": "gpt-5.5", "uncached_input_tokens": 1_000}


def costs(config: Rates, *calls: dict[str, Any], column: str = "list_cost") -> list[Any]:
    return [row[column] for row in price_all(rates.load(config), list(calls))]


def test_a_price_of_ones_own_holds_between_its_dates() -> None:
    config = Rates(
        models={
            "gpt-5.5": Model(input="4", output=20, since=date(2026, 6, 1), until=date(2026, 7, 1))
        }
    )
    days = (
        datetime(2026, 5, 31),
        datetime(2026, 6, 1),
        datetime(2026, 6, 30),
        datetime(2026, 7, 1),
    )
    found = price_all(rates.load(config), [{**GPT, "started_at": day} for day in days])
    assert [row["list_cost"] * 1_000 for row in found] == [5, 4, 4, 5]
    assert [row["price_basis"] for row in found] == ["catalogue", "user", "user", "catalogue"]
    assert [row["rate_id"] for row in found] == [
        "openai/gpt-5.5/standard",
        "user:openai/gpt-5.5/standard@2026-06-01",
        "user:openai/gpt-5.5/standard@2026-06-01",
        "openai/gpt-5.5/standard@2026-07-01",
    ]


def test_it_is_the_price_of_the_tier_it_names_only() -> None:
    config = Rates(models={"gpt-5.5": [Model(input=1), Model(input=2, tier="priority")]})
    tiers: tuple[dict[str, str], ...] = (
        {},
        {"service_tier": "priority"},
        {"service_tier": "batch"},
    )
    assert costs(config, *({**GPT, **tier} for tier in tiers)) == [
        Decimal("0.001"),
        Decimal("0.002"),
        Decimal("0.0025"),
    ]


def test_a_model_that_no_catalogue_has() -> None:
    model = Model(input="0.5", output="1.5", cache_read="0.05", per_request="0.001")
    config = Rates(models={"our-llama": model})
    call = {
        "provider_name": "vllm",
        "request_model": "Our-Llama",
        "uncached_input_tokens": MILLION,
        "cache_read_input_tokens": MILLION,
        "cache_write_1h_input_tokens": MILLION,
        "output_tokens": MILLION,
    }
    assert costs(config, call) == [Decimal("2.551")]
    assert costs(config, {**call, "service_tier": "batch"}, column="unpriced_reason") == [
        "no price for tier batch"
    ]


def test_a_snapshot_at_a_price_of_its_own() -> None:
    config = Rates(models={"gpt-5.5-2026-04-23": Model(input=3, since=date(2026, 6, 1))})
    snapshot = {**GPT, "request_model": "gpt-5.5-2026-04-23"}
    early = {**snapshot, "started_at": datetime(2026, 5, 1)}
    assert [cost * 1_000 for cost in costs(config, GPT, snapshot, early)] == [5, 3, 5]


def test_a_price_for_one_provider_only() -> None:
    config = Rates(models={"house-model": Model(input=1, provider="azure")})
    azure = {"provider_name": "azure.ai.openai", "request_model": "house-model"}
    other = {"provider_name": "vllm", "request_model": "house-model"}
    used = {"uncached_input_tokens": MILLION}
    assert costs(config, {**azure, **used}, {**other, **used}) == [1, None]


def test_a_price_for_a_reseller_leaves_the_maker_alone() -> None:
    config = Rates(
        models={"gpt-5.5": Model(input=4, provider="azure_openai")},
        discounts=[Discount(percent=50, provider="azure*")],
    )
    azure = {**GPT, "provider_name": "azure.ai.openai"}
    snapshot = {**azure, "request_model": "gpt-5.5-2026-04-23"}
    batch = {**azure, "service_tier": "batch"}
    found = price_all(rates.load(config), [GPT, azure, snapshot, batch])
    assert [row["list_cost"] * 1_000 for row in found] == [5, 4, 4, Decimal("2.5")]
    assert [row["contracted_cost"] * 1_000 for row in found] == [5, 2, 2, Decimal("1.25")]


@given(
    st.lists(
        st.builds(
            Model,
            input=st.integers(1, 9),
            tier=st.sampled_from([None, "batch", "flex"]),
            since=st.none() | st.dates(date(2026, 8, 1), date(2026, 9, 30)),
            until=st.none() | st.dates(date(2026, 10, 1), date(2026, 11, 30)),
        ),
        max_size=4,
    ),
    st.sampled_from(["gpt-5.4", "claude-opus-4-6", "deepseek-v4-pro", "claude-opus-5-latest", "m"]),
)
@settings(deadline=None, max_examples=25)
def test_prices_laid_over_each_other_never_overlap(entries: list[Model], name: str) -> None:
    assert overlapping(rates.load(Rates(models={name: list(entries)}))) == []


def test_the_last_of_two_prices_for_a_time_wins() -> None:
    config = Rates(
        models={"m": [Model(input=1), Model(input=2, since=date(2026, 10, 1))]},
    )
    call = {"request_model": "m", "uncached_input_tokens": MILLION}
    assert costs(config, {**call, "started_at": datetime(2026, 9, 30)}, call) == [1, 2]


def test_no_price_at_a_date_outside_ones_own() -> None:
    config = Rates(models={"m": Model(input=1, since=date(2026, 10, 1))})
    call = {"request_model": "m", "uncached_input_tokens": 1, "started_at": datetime(2026, 9, 30)}
    assert costs(config, call, column="unpriced_reason") == ["no price at that date"]


def test_an_own_price_holds_wherever_the_call_ran() -> None:
    config = Rates(models={"claude-opus-5": Model(input=4)})
    call = {"request_model": "claude-opus-5", "uncached_input_tokens": MILLION}
    assert costs(config, call, {**call, "inference_geo": "us"}) == [4, 4]


@pytest.mark.parametrize(
    ("alias", "call"),
    [
        ({"my-deployment": "gpt-5"}, {"provider_name": "azure", "request_model": "My-Deployment"}),
        ({"my-deployment": "openai/gpt-5"}, {"request_model": "my-deployment"}),
        ({"azure/prod": "gpt-5"}, {"provider_name": "azure", "request_model": "prod"}),
        (
            {"arn:aws:bedrock:us-east-1:1:application-inference-profile/abc": "openai/gpt-5"},
            {"request_model": "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"},
        ),
    ],
)
def test_an_alias_stands_for_a_model(alias: dict[str, str], call: dict[str, Any]) -> None:
    found = costs(Rates(aliases=alias), {**call, "output_tokens": MILLION}, column="rate_id")
    assert found == ["openai/gpt-5/standard"]


def test_an_alias_of_a_model_of_ones_own() -> None:
    config = Rates(models={"house": Model(input=1)}, aliases={"x": "house"})
    assert costs(config, {"request_model": "x", "uncached_input_tokens": MILLION}) == [1]


def test_discounts_are_exact_and_the_first_that_fits_wins() -> None:
    config = Rates(
        discounts=[
            Discount(percent="33.3", provider="openai", model="gpt-5*", since=date(2026, 10, 1)),
            Discount(percent=10),
        ]
    )
    early = {**GPT, "started_at": datetime(2026, 9, 30, 23, 59, 59, 999_999)}
    other = {"request_model": "claude-opus-5", "uncached_input_tokens": 1_000}
    rows = price_all(rates.load(config), [GPT, early, other])
    assert [row["list_cost"] for row in rows] == [Decimal("0.005")] * 3
    assert [row["contracted_cost"] for row in rows] == [
        Decimal("0.003335"),
        Decimal("0.0045"),
        Decimal("0.0045"),
    ]
    assert rows[0]["price_basis"] == "catalogue"


@pytest.mark.parametrize(("tokens", "paid"), [(1, 0), (3, 2), (5, 2), (7, 4), (9, 4)])
def test_half_a_pico_dollar_goes_to_the_even_one(tokens: int, paid: int) -> None:
    config = Rates(
        models={"m": Model(input="0.000001")}, discounts=[Discount(percent="50", model="m")]
    )
    call = {"request_model": "m", "uncached_input_tokens": tokens}
    assert costs(config, call, column="contracted_cost") == [Decimal(paid).scaleb(-12)]


def test_a_discount_ends() -> None:
    config = Rates(discounts=[Discount(percent=100, until=date(2026, 11, 1))])
    late = {**GPT, "started_at": datetime(2026, 11, 1)}
    early = {**GPT, "started_at": datetime(2026, 10, 31, 23)}
    assert costs(config, early, late, column="contracted_cost") == [0, Decimal("0.005")]


@given(
    st.lists(
        st.builds(
            Discount,
            percent=st.integers(0, 100),
            since=st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 9)),
            until=st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 9)),
        ),
        max_size=4,
    )
)
def test_discounts_cover_all_time_once(discounts: list[Discount]) -> None:
    found = shares(discounts, {"openai"}, {"gpt-5"})
    assert found[0].start is None and found[-1].end is None
    assert all(a.end == b.start for a, b in zip(found, found[1:], strict=False))


@pytest.mark.parametrize(
    "config",
    [
        Rates(models={"m": Model(input="a lot")}),
        Rates(models={"m": Model(input=-1)}),
        Rates(models={"m": Model(input="NaN")}),
        Rates(models={"m": Model(input=10**9)}),
        Rates(models={"m": Model(input=1, since=date(2026, 2, 1), until=date(2026, 1, 1))}),
    ],
)
def test_a_price_that_cannot_be_is_an_error(config: Rates) -> None:
    with pytest.raises(TokmanError, match="m"):
        rates.load(config)


@pytest.mark.parametrize("percent", [101, "-1", "x"])
def test_a_discount_that_cannot_be_is_an_error(percent: Any) -> None:
    with pytest.raises(TokmanError, match="discount"):
        rates.load(Rates(discounts=[Discount(percent=percent)]))


def test_the_version_tells_overrides_apart() -> None:
    plain, one = rates.load(), rates.load(Rates(aliases={"a": "gpt-5"}))
    again, two = (
        rates.load(Rates(aliases={"a": "gpt-5"})),
        rates.load(Rates(aliases={"b": "gpt-5"})),
    )
    assert plain.version.startswith("genai-prices ") and "+" not in plain.version
    assert one.version == again.version != two.version
    assert one.version.startswith(plain.version + " + ")
