"""Shorter prompts: what is found, what is left alone, and that nothing is promised twice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.recommend.books import MONDAY, books, call, card
from tokman import rates
from tokman.config import Config, Model, Rates
from tokman.rates import Card
from tokman.recommend import recommend
from tokman.recommend.advice import Plan
from tokman.recommend.compress import ENOUGH, Compress
from tokman.usage import Usage

SONNET = "claude-sonnet-4-5"
"""$3 in, $15 out, $0.30 read, $3.75 written for 5 minutes, a million."""


def advice(usages: Iterable[Usage], prices: Card | None = None) -> Plan:
    return recommend(books(usages, prices), prices or card(), Config(), levers=(Compress(),))


def conversation(number: int, prompts: list[int], **what: Any) -> list[Usage]:
    """Calls a minute apart, each reading from the cache what the one before sent."""
    rows = []
    before = 0
    for turn, prompt in enumerate(prompts):
        shape = {
            "model": SONNET,
            "conversation_id": f"c-{number}",
            "cache_read_input_tokens": before,
            "cache_write_5m_input_tokens": prompt - before,
            "uncached_input_tokens": 0,
        }
        at = MONDAY + timedelta(hours=2 * number, minutes=turn)
        rows.append(call(1000 * number + turn, at, **(shape | what)))
        before = prompt
    return rows


def many(prompts: list[int], count: int = 6, **what: Any) -> list[Usage]:
    return [one for number in range(count) for one in conversation(number, prompts, **what)]


GROWING = [20_000 + 4_000 * turn for turn in range(60)]
"""Up to 256,000 tokens."""


def test_a_history_that_grows_is_summed_up() -> None:
    [found] = advice(many(GROWING)).recommendations
    assert (found.lever, found.evidence_level) == ("compress", "E1")
    assert "Sum up histories of work on claude-sonnet-4-5 at " in found.title
    # The same by hand, for the cap that was chosen: what every call reads and writes then.
    cap = int(found.title.split(" at ")[1].split()[0].replace(",", ""))
    least = max(20_000, cap * 3 // 20)
    saved = Decimal(0)
    done = 0
    for prompt in GROWING:
        now = 0 if prompt <= cap else 1 + (prompt - cap) // (cap - least)
        gone = now * (cap - least)
        read, fresh = max(prompt - 4_000, 0) if prompt > 20_000 else 0, 4_000
        if now > done:
            cold = read - gone
            saved += gone * Decimal("0.3") - cold * (Decimal("3.75") - Decimal("0.3"))
            saved -= cap * Decimal("0.3") + (least - 20_000) * 15
        else:
            saved += gone * Decimal("0.3")
        done = now
        assert read + fresh - gone <= cap
    assert found.window.identified == int(6 * saved * 10**6)


def test_break_even_of_a_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    """N* = [C/p + (w − r)·S] / [r·(P − S)] is 3.7 turns at r = 0.1, 11.8 at 0.025."""
    monkeypatch.setattr("tokman.recommend.compress.CAPS", (150_000,))

    def turns(whole: int, left: int, written: int, read: float) -> float:
        summing_up = whole * read + written * 5
        return (summing_up + (1.25 - read) * left) / (read * (whole - left))

    assert turns(150_000, 20_000, 2_000, 0.1) == pytest.approx(3.7, abs=0.05)
    assert turns(150_000, 20_000, 2_000, 0.025) == pytest.approx(11.8, abs=0.05)
    for read in (0.1, 0.025):
        prices = rates.load(
            Rates(
                models={
                    SONNET: Model(
                        provider="anthropic",
                        input=4,
                        output=20,
                        cache_read=str(Decimal(str(read)) * 4),
                        cache_write_5m=5,
                        cache_write_1h=8,
                    )
                }
            )
        )
        even = turns(150_000, 22_500, 2_500, read)
        paying = [
            after
            for after in range(1, 20)
            if advice(many([20_000, 149_990, *[150_010] * after]), prices).recommendations
        ]
        assert min(paying) == pytest.approx(even, abs=1.0), f"at a read price of {read}"
        assert paying == list(range(min(paying), 20))


def test_prompts_just_over_a_length_price() -> None:
    """gpt-5.4 costs twice as much above 272,000 tokens, the whole call of it."""
    card_now = rates.load(Rates())
    over = [
        Usage(
            call_id=f"o-{number}",
            started_at=int((MONDAY + timedelta(hours=number)).timestamp() * 10**6),
            provider_name="openai",
            response_model="gpt-5.4",
            uncached_input_tokens=280_000,
            output_tokens=500,
            workflow="work",
            source="openai",
        )
        for number in range(10)
    ]
    [found] = advice(over, card_now).recommendations
    assert found.title == "Keep prompts of work on gpt-5.4 within 272,000 tokens"
    assert found.window.identified > found.window.spend * 0.45
    for prompt in (272_000, 360_000):
        others = [msgspec.structs.replace(one, uncached_input_tokens=prompt) for one in over]
        assert not advice(others, card_now).recommendations


def test_tool_results_are_cut() -> None:
    """40,000 bytes in the second of ten turns: 6,000 tokens beyond the cap, sent nine times."""
    rows = many([10_000, *(24_000 + 500 * turn for turn in range(9))])
    for one in rows:
        if one.call_id.endswith("1") and int(one.call_id.rsplit("-", 1)[1]) % 1000 == 1:
            one.tool_result_bytes = [40_000, 100]
    [found] = advice(rows).recommendations
    assert found.title == "Cut tool results of work on claude-sonnet-4-5 at 4,000 tokens"
    assert found.window.identified == 6 * 9 * 6_000 * 300_000, "at the price of a cached token"


def tools(count: int, called: str = "search", **what: Any) -> list[Usage]:
    return [
        call(
            number,
            MONDAY + timedelta(minutes=number),
            conversation_id=f"c-{number}",
            uncached_input_tokens=5_000,
            tools_hash=7,
            tools_offered=["search", "fax"],
            tools_offered_bytes=[400, 8_000],
            tool_call_hashes=[number],
            tool_names=[called],
            **what,
        )
        for number in range(count)
    ]


def test_tools_never_called_are_left_out() -> None:
    [found] = advice(tools(ENOUGH)).recommendations
    assert found.title == "Offer a tool less to work on gpt-5.5"
    assert found.change == "leave out: fax"
    assert found.window.identified == ENOUGH * 2_000 * 5_000_000
    assert found.evidence_level == "E2"


@pytest.mark.parametrize(
    ("what", "rows"),
    [
        ("short conversations", many([20_000, 22_000, 24_000])),
        ("a long one that ends at once", many([20_000, 48_000, 52_000])),
        ("one long document, no conversation", many([180_000])),
        ("few conversations", many(GROWING, count=2)),
        ("long, and its agent sums it up itself", many([40_000, 49_000, 12_000, 49_000, 14_000])),
        ("a tool that is called", tools(ENOUGH, called="fax") + tools(ENOUGH)),
        ("too few conversations to tell", tools(ENOUGH - 1)),
        (
            "tools of which nothing is known to be called",
            [msgspec.structs.replace(one, tool_names=None) for one in tools(ENOUGH)],
        ),
        ("small results", many([10_000, 12_000, 13_000], tool_result_bytes=[15_000])),
        ("nothing to be seen", [call(n, MONDAY + timedelta(minutes=n)) for n in range(50)]),
    ],
)
def test_what_is_left_alone(what: str, rows: list[Usage]) -> None:
    assert not advice(rows).recommendations, what


def test_results_before_a_cut_of_the_agents_own_are_not_carried_on() -> None:
    rows = many([30_000, 40_000, 12_000, 13_000, 14_000])
    for one in rows:
        if int(one.call_id.rsplit("-", 1)[1]) % 1000 == 1:
            one.tool_result_bytes = [40_000]
    [found] = advice(rows).recommendations
    assert found.window.identified == 6 * 6_000 * 300_000, "sent once, then forgotten"


@pytest.mark.parametrize(
    ("source", "change"),
    [
        ("claude-code", 'in the settings of Claude Code: "autoCompactWindow": 100000'),
        ("anthropic", 'context_management={"edits": [{"type": "clear_tool_uses_20250919"'),
    ],
)
def test_what_to_change_depends_on_who_sends_the_prompt(source: str, change: str) -> None:
    """Claude Code takes no cap below 100,000 tokens."""
    [found] = advice(many(GROWING, source=source)).recommendations
    assert found.change.startswith(change)


def test_only_one_way_is_counted() -> None:
    """Results that swell a history which could also be summed up: the better of the two."""
    rows = many(GROWING)
    for one in rows:
        one.tool_result_bytes = [16_400]
    [found] = advice(rows).recommendations
    assert any("would save less and is not counted beside it" in fact for fact in found.facts)
