"""A thousand clean workloads: as good as nothing is found in them, and what is planted is."""

from __future__ import annotations

import pytest

from tests.recommend.books import card, opened
from tests.recommend.stop.workloads import KINDS, Workload, builds, table, workload
from tokman.config import Config
from tokman.recommend import waterfall
from tokman.recommend.scene import set_scene
from tokman.recommend.stop import Stop

FIRST = 100_000
"""Seeds on which no rule was ever tuned."""
LEDGERS = 4
EACH = 250


def found(made: list[Workload]) -> set[tuple[str | None, str]]:
    """(workflow, rule) of all findings."""
    scene = set_scene(opened(table(made)), card(), Config(), None, None)
    chain = waterfall.run(scene, [Stop()])
    return {(one.about.workflow, one.about.rule) for one in chain.savings}


@pytest.mark.parametrize("ledger", range(LEDGERS))
def test_clean_workloads_are_left_alone(ledger: int) -> None:
    """At most 1 in 100, in each quarter of them; none in 1,000 as measured over all four."""
    first = FIRST + ledger * EACH
    made = [workload(number) for number in range(first, first + EACH)]
    alarmed = {workflow for workflow, _ in found(made)}
    assert len(made) == EACH >= 10 * len(KINDS)
    assert len(alarmed) <= EACH // 100, alarmed


def test_what_is_planted_among_them_is_found() -> None:
    """Half of the agents that edit and test get stuck once: all of these, and no other."""
    made = [Workload(5000 + number) for number in range(40)]
    for number, one in enumerate(made):
        builds(one)
        if number % 2:
            stuck = [(one.fresh(), one.fresh(), False)] * one.random.randint(6, 30)
            before = [(one.fresh(), one.fresh(), False)] * 2
            one.steps(before + stuck, one.office(), f"{one.name}-stuck", 15_000)
    assert found(made) == {(one.name, "loop") for one in made[1::2]}
