"""What any set of levers would save, workflow by workflow, costed on the very chain that makes the
plan.

A set need not use all its levers: one that takes from the later ones more than it saves itself (a
smaller model that caches no prompt this short) is better left out. So a set is worth what the best
of its subsets saves, and another lever never makes it worth less.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tokman.recommend import waterfall
from tokman.recommend.scene import change, enter, narrowed

if TYPE_CHECKING:
    from tokman.recommend.lever import Lever, Scene

Workflow = str | None
Amounts = dict[str, int]
"""Lever → pico-dollars."""
Values = list[int]
"""What each set of levers saves, by the bits of its mask, bit 0 for the first lever."""

_TABLE = "savings_alone"


def by_workflow(scene: Scene, table: str = "savings") -> dict[Workflow, Amounts]:
    """Workflow → lever → what is saved there, pico-dollars; only where something is."""
    found: dict[Workflow, Amounts] = defaultdict(dict)
    for workflow, lever, amount in scene.connection.execute(
        f"select workflow, lever, sum(amount) from {table} join calls using (call) "
        "group by all order by all"
    ).fetchall():
        found[workflow][lever] = waterfall.pico(amount)
    return dict(found)


class Game(NamedTuple):
    """The levers that act in some workflows, and what each set of them saves in each of these."""

    levers: list[str]
    saved: dict[Workflow, Values]


def game(
    scene: Scene,
    levers: Sequence[Lever],
    workflows: list[Workflow],
    found: dict[Workflow, Amounts],
    dismissed: Collection[str] = (),
) -> Game | None:
    """What each set of the levers that act saves, all of it used, in workflows where the chain of
    all has `found` something of the same levers.

    None where the whole, costed on these workflows, is not what the plan has: then some lever looks
    beyond a workflow, and its game cannot be taken apart.
    """
    with narrowed(scene, workflows):
        enter(scene)
        waterfall.ledger_of_savings(scene, _TABLE)
        walk = _Walk(scene, levers, {name for each in workflows for name in found[each]}, dismissed)
        walk.on(0, 0)
    acting = [place for place in range(len(levers)) if any(at == place for _, at in walk.acts)]
    reached = [walk.state(acting, mask) for mask in range(1 << len(acting))]
    saved = {
        workflow: [walk.saved[state].get(workflow, 0) for state in reached]
        for workflow in workflows
    }
    if any(saved[workflow][-1] != sum(found[workflow].values()) for workflow in workflows):
        return None
    return Game([levers[place].name for place in acting], saved)


class _Walk:
    """Every set of levers, each lever on what those before it left. A state is the levers that have
    changed something, as bits."""

    def __init__(
        self,
        scene: Scene,
        levers: Sequence[Lever],
        found: Collection[str],
        dismissed: Collection[str],
    ) -> None:
        self.scene, self.levers, self.dismissed = scene, levers, dismissed
        self.found = [lever.name in found for lever in levers]
        self.acts: set[tuple[int, int]] = set()
        """(state, place of a lever that changes it)."""
        self.saved: dict[int, dict[Workflow, int]] = {}

    def on(self, place: int, state: int) -> None:
        """From `calls`, in that state, without the lever at `place` and with it."""
        if place == len(self.levers):
            self.saved[state] = dict(_saved(self.scene))
            return
        if self._idle(place, state):
            self.on(place + 1, state)
            return
        execute, stage = self.scene.connection.execute, f"stage_{place}"
        execute(f"create or replace temp table {stage} as from current")
        if waterfall.apply(self.scene, self.levers[place], _TABLE, self.dismissed)[0]:
            self.acts.add((state, place))
            self.on(place + 1, state | 1 << place)
            change(self.scene, stage)
        execute(f"drop table {stage}")
        self.on(place + 1, state)

    def _idle(self, place: int, state: int) -> bool:
        """The chain of all has come by in this state, and this lever has found nothing."""
        chain = sum(1 << before for before in range(place) if self.found[before])
        return state == chain and not self.found[place]

    def state(self, acting: Sequence[int], mask: int) -> int:
        """Where a set of the acting levers leads: some may find nothing after others."""
        state = 0
        for bit, place in enumerate(acting):
            if mask >> bit & 1 and (state, place) in self.acts:
                state |= 1 << place
        return state


def best(saved: Values) -> tuple[list[int], Values]:
    """For each set, the subset that saves most (of equals the largest), and what that saves."""
    chosen = list(range(len(saved)))
    for mask in range(len(saved)):
        smaller = (chosen[mask & ~(1 << bit)] for bit in range(mask.bit_length()))
        candidates = (mask, *(each for each in smaller if each != mask))
        chosen[mask] = max(candidates, key=lambda each: (saved[each], each.bit_count(), each))
    return chosen, [saved[mask] for mask in chosen]


def _saved(scene: Scene) -> Iterable[tuple[Workflow, int]]:
    """What each workflow costs less than it did."""
    for workflow, amount in scene.connection.execute(
        "select workflow, sum(original.cost - calls.cost) from original "
        "join calls using (call) group by workflow"
    ).fetchall():
        yield workflow, waterfall.pico(amount)
