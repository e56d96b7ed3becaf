"""The plan as a whole: it adds up, never exceeds spend, and says what it does not know."""

from __future__ import annotations

import random
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recommend.books import (
    MONDAY,
    USD_PER_MILLION,
    books,
    call,
    card,
    config,
    nightly,
    office,
)
from tokman.config import Config
from tokman.errors import NothingToJudge
from tokman.recommend import LEVERS, Plan, recommend
from tokman.usage import PICO, Usage

STREAMS = st.fixed_dictionaries(
    {
        "model": st.sampled_from([*USD_PER_MILLION]),
        "workflow": st.sampled_from(["a", "b", "it's; drop table calls --", None]),
        "uncached_input_tokens": st.integers(0, 300_000),
        "cache_read_input_tokens": st.sampled_from([0, 0, 5000]),
        "cache_write_5m_input_tokens": st.sampled_from([0, 0, 5000]),
        "output_tokens": st.sampled_from([0, 3, 200, 5000]),
        "service_tier": st.sampled_from([None, None, "batch", "flex", "nonsense"]),
        "stream": st.sampled_from([None, True]),
        "status": st.sampled_from(["ok", "ok", "ok", "error"]),
        "response_cache_hit": st.sampled_from([False, False, True]),
        "user_id": st.sampled_from([None, None, "u"]),
        "structured_output": st.sampled_from([None, True]),
        "source": st.sampled_from(["openai", "litellm", "claude-code"]),
        "time_basis": st.sampled_from(["log", "log", "log", "file"]),
    }
)
SHAPES = st.tuples(
    STREAMS,
    st.integers(1, 400),
    st.sampled_from([1, 60, 3000, 86_400]),
    st.sampled_from([0, 0, 2, 10]),
    st.sampled_from([0, 3, 6]),
)


def stream(which: int, shape: tuple[dict[str, Any], int, int, int, int]) -> list[Usage]:
    """Calls at one pace, in conversations of `talk` turns, over prompts of `depth` blocks."""
    what, count, pace, talk, depth = shape
    usages = []
    for number in range(count):
        group, turn = divmod(number, talk) if talk else (number, 0)
        usage = call(
            number,
            MONDAY + timedelta(seconds=pace * number, microseconds=which),
            **what
            | {
                "call_id": f"{which}-{number}",
                "conversation_id": f"{which}-{group}" if talk else None,
                "uncached_input_tokens": what["uncached_input_tokens"] + turn * 1000,
                "block_hashes": [which, *range(10**6 * group, 10**6 * group + turn + 1)][:depth]
                or None,
                "block_sizes": ([8000] + [1000] * (turn + 1))[:depth] or None,
                "response_hash": number % 5,
            },
        )
        usages.append(usage)
    if which % 2:
        usages[0].started_at = None
    return usages


def essence(plan: Plan) -> Any:
    """The plan without the numbers that count a lever's cells."""
    return [msgspec.structs.replace(one, cell=0) for one in plan.recommendations], plan.levers


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    shapes=st.lists(SHAPES, min_size=1, max_size=5),
    chosen=st.sets(st.sampled_from(range(len(LEVERS)))),
    seed=st.integers(0, 1000),
)
def test_any_ledger_and_any_levers_add_up(
    shapes: list[tuple[dict[str, Any], int, int, int, int]], chosen: set[int], seed: int
) -> None:
    usages = [usage for which, shape in enumerate(shapes) for usage in stream(which, shape)]
    levers = [LEVERS[place] for place in sorted(chosen)]
    connection = books(usages)
    try:
        plan = recommend(connection, card(), Config(), levers=levers)
    except NothingToJudge:
        return
    one_by_one = connection.execute("select coalesce(sum(amount), 0) from savings").fetchone()
    assert one_by_one is not None
    saved = sum(one.window.identified for one in plan.recommendations)
    assert all(one.window.identified > 0 for one in plan.recommendations)
    assert saved == plan.spend - plan.spend_after == int(one_by_one[0] * PICO)
    assert saved == sum(lever.incremental for lever in plan.levers) == plan.window.identified
    assert 0 <= plan.spend_after <= plan.spend
    for amounts in [plan.window, *(one.window for one in plan.recommendations)]:
        assert 0 <= amounts.low <= amounts.middle <= amounts.high <= amounts.identified
        assert 0 <= amounts.bankable <= amounts.expected <= amounts.identified <= amounts.spend
    assert saved == sum(lever.shapley for lever in plan.levers)
    assert plan.split_costed == 1
    again = usages.copy()
    random.Random(seed).shuffle(again)
    assert essence(recommend(books(again), card(), Config(), levers=levers)) == essence(plan)


def everything() -> list[Usage]:
    """Labels at night on a large model, in prompts that begin alike: every lever applies."""
    return nightly(
        per_night=120,
        workflow="labels",
        model="claude-sonnet-4-5",
        output_tokens=3,
        uncached_input_tokens=10_000,
        block_hashes=[1],
        block_sizes=[100],
    ) + nightly(per_night=30, workflow="digest")


def test_levers_come_one_after_another() -> None:
    plan = recommend(books(everything()), card(), Config())
    by_name = {one.lever: one for one in plan.levers}
    order = ["stop", "response cache", "downgrade", "prompt cache", "batch"]
    assert [name for name in by_name if name in order] == order
    assert sum(one.standalone for one in plan.levers) > plan.spend
    assert sum(one.incremental for one in plan.levers) == plan.spend - plan.spend_after
    downgrade, cache, batch = (by_name[name] for name in order[2:])
    assert by_name["stop"].standalone == 0
    assert downgrade.standalone == downgrade.incremental
    assert cache.standalone > cache.incremental > 0
    assert batch.standalone > batch.incremental > 0


def test_ranked_by_what_to_expect() -> None:
    plan = recommend(books(everything()), card(), Config())
    expected = [one.amounts.expected for one in plan.recommendations]
    assert expected == sorted(expected, reverse=True)
    assert [one.rank for one in plan.recommendations] == list(range(1, len(expected) + 1))


def test_frame_gives_exact_dollars_for_ninety_days() -> None:
    plan = recommend(books(nightly(workflow="digest")), card(), Config())
    (row,) = plan.frame().to_dicts()
    assert row["per"] == "90 days"
    assert row["identified_saving"] == Decimal(28 * 60 * 6000) / 10**6 * 90 / 28
    assert row["change"] == "Run digest on gpt-5.5 as a batch"


def test_a_short_window_says_nothing_of_a_month() -> None:
    settings = config(digest={"interactive": False})
    plan = recommend(books(office(500, days=5, workflow="digest")), card(), settings)
    assert (plan.month, plan.run_rate, plan.per) == (None, None, "5 days")
    assert plan.amounts.identified == plan.window.identified > 0


def test_since_and_until() -> None:
    start = MONDAY.astimezone(UTC).replace(tzinfo=None)
    since, until = start + timedelta(days=7), start + timedelta(days=21)
    plan = recommend(books(nightly(workflow="digest")), card(), Config(), since, until)
    assert (plan.days, plan.recommendations[0].calls) == (14, 14 * 60)


def test_nothing_priced_is_an_error() -> None:
    for usages in ([], [call(1, MONDAY, response_model="nobody-knows", request_model=None)]):
        with pytest.raises(NothingToJudge):
            recommend(books(usages), card(), Config())


def test_the_same_ledger_gives_the_same_plan() -> None:
    one, other = (recommend(books(everything()), card(), Config()) for _ in range(2))
    assert one == other


def test_sample_logs(tmp_path: Path) -> None:
    from tokman import query, rates
    from tokman.ingest import ingest
    from tokman.ledger import Ledger

    folder = Path(__file__).parents[2] / "sample_logs"
    planted = msgspec.json.decode((folder / "expected.json").read_bytes())
    ledger = Ledger(tmp_path / ".tokman", create=True)
    prices = rates.load()
    ingest([str(folder)], ledger, lambda: prices)
    connection = query.connect(ledger, Config())
    plan = recommend(connection, prices, Config())
    tools = connection.execute("select count(tool_result_hashes) > 0 from charges").fetchone()
    levers = {one.lever for one in plan.levers if one.lever != "stop" or tools == (True,)}
    found = {
        (one.lever, one.workflow): one.window.identified / PICO for one in plan.recommendations
    }
    names = {"prompt-cache": "prompt cache"}
    for finding in planted["findings"]:
        lever = names.get(finding["lever"], finding["lever"])
        if lever in levers:
            assert found[lever, finding["workflow"]] >= 0.95 * finding["rough_saving_usd"]
    amounts = {(one["lever"], one["workflow"]): one for one in planted["findings"]}
    for other in planted["must_not_find"]:
        beside = amounts.get((other["lever"], other["workflow"]))
        if beside:
            assert found.get((other["lever"], other["workflow"]), 0) < (
                1.005 * beside["rough_saving_usd"]
            )
            continue
        assert (names.get(other["lever"], other["lever"]), other["workflow"]) not in found
    assert plan.days == 28


def test_the_same_logs_under_three_profiles_give_three_plans() -> None:
    """A small saving is worth a day's work to nobody who pays for that day, and what worse answers
    may cost weighs most where an outcome is worth most."""
    usages = everything()
    settings = {
        name: msgspec.structs.replace(Config(), profile=name)
        for name in ("plain", "pre-revenue startup", "AI coding agency")
    }
    plans = {name: recommend(books(usages), card(), each) for name, each in settings.items()}
    ranked = {
        name: [(one.name, one.net.value) for one in plan.recommendations]
        for name, plan in plans.items()
    }
    assert ranked["plain"] != ranked["pre-revenue startup"] != ranked["AI coding agency"]
    for name, plan in plans.items():
        values = [one.net.value for one in plan.recommendations]
        assert values == sorted(values, reverse=True)
        assert plan.profile == name
        for one in plan.recommendations:
            assert one.net.value == one.net.saving - one.net.effort - one.net.quality
    work = {
        name: {one.name: one.net.effort for one in plan.recommendations}
        for name, plan in plans.items()
    }
    assert set(work["plain"].values()) == {0}
    for name, effort in work["pre-revenue startup"].items():
        assert work["AI coding agency"].get(name, 2 * effort) == 2 * effort > 0


def test_worse_answers_are_weighed_only_where_a_lever_may_make_them() -> None:
    plan = recommend(books(everything()), card(), Config())
    for one in plan.recommendations:
        if one.lever == "downgrade":
            # The plain profile leaves half of what is saved open, or 2 % of outcomes that are
            # worth 20 × their cost; expected as often as the advice works out.
            loss = min(one.window.spend * 20 * 2 // 100, one.window.identified // 2)
            assert one.net.quality == pytest.approx(loss / 3 * 90 / 28, rel=1e-6)
        else:
            assert one.net.quality == 0
