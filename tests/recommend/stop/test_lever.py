"""Stop as a whole: no call counts twice, what is removed is gone, and order says nothing."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from tests.recommend.books import books, card
from tests.recommend.stop import (
    test_attempts,
    test_conversations,
    test_jobs,
    test_loops,
)
from tests.recommend.stop.cases import agent, chain, found, requests, traffic
from tokman.config import Config, Declared
from tokman.recommend import Plan, recommend, waterfall
from tokman.recommend.plan import LEVERS
from tokman.recommend.scene import narrowed, set_scene
from tokman.recommend.stop import Stop
from tokman.recommend.waterfall import Waterfall
from tokman.usage import PICO, QUANTITIES, Usage

CASES: list[list[Usage]] = [
    *(usages for usages, _ in test_loops.CAUGHT.values()),
    *(usages for usages, _ in test_attempts.CAUGHT.values()),
    *(usages + test_conversations.ENOUGH for usages, _ in test_conversations.ABANDONED.values()),
    *(usages for usages, _ in test_jobs.CAUGHT.values()),
    test_conversations.talks() + test_conversations.runaway(),
    traffic(),
]


def company(seed: int, cases: int = 8) -> list[Usage]:
    """Some of the cases side by side, each in a workflow of its own, in no order."""
    random = Random(seed)
    rows = [
        msgspec.structs.replace(
            usage,
            call_id=f"{number}-{usage.call_id}",
            retry_of=usage.retry_of and f"{number}-{usage.retry_of}",
            workflow=f"workflow {number}",
        )
        for number, case in enumerate(random.sample(CASES, cases))
        for usage in case
    ]
    random.shuffle(rows)
    return rows


def essence(answer: Waterfall) -> list[tuple[object, ...]]:
    return sorted((one.about.rule, one.about, one.calls, one.saved) for one in answer.savings)


@pytest.mark.parametrize("seed", range(6))
def test_any_mixture_adds_up_in_any_order(seed: int) -> None:
    usages = company(seed)
    connection = books(usages)
    scene = set_scene(connection, card(), Config(), None, None)
    answer = waterfall.run(scene, [Stop()])
    counting = connection.execute("select count(*), count(distinct call) from savings")
    [counted] = counting.fetchall()
    assert counted[0] == counted[1] == sum(one.calls for one in answer.savings) > 0
    assert sum(one.saved for one in answer.savings) == answer.before - answer.after
    assert all(0 < one.saved == one.spend for one in answer.savings)
    again = usages.copy()
    Random(seed).shuffle(again)
    assert essence(chain(again)) == essence(answer)
    (workflow, *_) = sorted({one.about.workflow or "" for one in answer.savings})
    with narrowed(scene, [workflow]):
        alone = waterfall.run(scene, [Stop()], "savings_alone")
    assert essence(alone) == [one for one in essence(answer) if one[1].workflow == workflow]  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(2))
def test_other_levers_take_only_what_is_left(seed: int) -> None:
    connection = books(company(seed, 12))
    with_it = recommend(connection, card(), Config(), levers=LEVERS)
    rows = connection.execute(
        "select count(*) from savings as one join savings as other using (call) "
        "where one.lever = 'stop' and other.lever <> 'stop' and other.amount <> 0"
    ).fetchone()
    assert rows == (0,)
    assert with_it.levers[0].lever == "stop"
    assert with_it.levers[0].incremental == with_it.levers[0].standalone > 0
    assert 0 <= with_it.spend_after < with_it.spend


def test_removed_calls_keep_their_row_and_consume_nothing() -> None:
    """Also where the log broke off before an answer was complete: that may have no price."""
    connection = books(agent(["test=fail"] * 10 + [""], output_basis="partial"))
    scene = set_scene(connection, card(), Config(), None, None)
    waterfall.run(scene, [Stop()])
    quantities = " + ".join(QUANTITIES)
    rows = connection.execute(
        f"select count(*), sum({quantities} + reasoning_output_tokens), sum(cost), "
        "count(distinct output_basis) from current semi join savings using (call)"
    ).fetchone()
    assert rows == (7, 0, 0, 1)
    assert scene.count("current") == 11


def test_a_call_that_several_rules_find_goes_to_the_first() -> None:
    """A loop in a runaway that ended as a failure: three rules, and each call once."""
    stuck = agent([*test_conversations.steps(5), *["test=fail"] * 200], "stuck", success=False)
    assert found(stuck + test_conversations.talks()) == {"loop": 196, "abandoned work": 8}


def test_nothing_to_find_gives_nothing() -> None:
    answer = chain(traffic())
    assert (answer.savings, answer.left, answer.before) == ([], [], answer.after)


def test_less_than_a_cent_is_not_worth_a_line() -> None:
    (one,) = chain(requests([0], **test_attempts.BIG, **test_attempts.FAILED)).savings
    assert one.saved == 18 * PICO // 1000
    assert not found(requests([0], uncached_input_tokens=900, status="error"))


def test_hostile_names_are_cut() -> None:
    name = "conversation'; drop table calls -- " * 20
    (one,) = chain(agent(["test=fail"] * 10 + [""], name)).savings
    assert len(one.about.change) < 500


@pytest.mark.parametrize(
    ("times", "said"), [(1.01, "within the"), (0.9, "above the"), (0.4, "more than twice the")]
)
def test_what_is_tolerated_is_beside_what_was_found(times: float, said: str) -> None:
    usages = CASES[0]
    (workflow,) = {usage.workflow for usage in usages}

    def plan(waste: float) -> Plan:
        settings = Config(workflows={workflow or "": Declared(waste=waste)})
        return recommend(books(usages), card(), settings, levers=[Stop()])

    free = plan(1)
    share = 1 - free.spend_after / free.spend
    assert 0 < share < 1
    for one in plan(share * times).recommendations:
        assert f"looks like waste here is {share:.1%} of" in one.facts[-1]
        assert said in one.facts[-1]
