"""What each lever is worth: alone, after the others, and whatever the order (Shapley 1953).

A lever works within workflows, so the game of all levers is the sum of one game a workflow, and
most of those are trivial: where one lever alone finds anything, it is worth what it saves. Only
where several do are coalitions costed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import factorial
from typing import TYPE_CHECKING, NamedTuple

from tokman.recommend import waterfall
from tokman.recommend.coalitions import Amounts, Values, Workflow, best, by_workflow, game
from tokman.recommend.lever import LeftAlone
from tokman.recommend.scene import narrowed
from tokman.usage import PICO

if TYPE_CHECKING:
    from tokman.recommend.lever import Lever, Scene

MOST = 1_500_000
"""Calls, each counted once for every time a lever is put to it, that are costed anew: workflows
beyond are taken to be split like those of the same levers that were."""


class Worth(NamedTuple):
    """Pico-dollars over the window that each lever is worth, by three measures."""

    standalone: Amounts
    """If it were the only one."""
    shapley: Amounts
    """Its mean contribution over all orders in which levers can come: these add up to the whole."""
    exact: float
    """Share of the whole saving whose split was costed, not taken from workflows like it."""
    spared: dict[str, list[Workflow]]
    """Lever → workflows in which the others save more without it."""
    aside: list[LeftAlone]
    """The same in words."""


def worth(
    scene: Scene,
    levers: Sequence[Lever],
    chain: waterfall.Waterfall,
    dismissed: Collection[str] = (),
) -> Worth:
    """The worth of each lever, and where a plan is better off without it, by the table `savings` of
    the chain of all. Uses up the table `calls`."""
    found, calls = by_workflow(scene), _calls(scene)
    standalone: Amounts = dict.fromkeys((lever.name for lever in levers), 0)
    shapley = dict(standalone)
    contested = []
    for workflow, amounts in found.items():
        if _contested(levers, amounts):
            contested.append(workflow)
        else:
            _add(standalone, amounts)
            _add(shapley, amounts)
    chosen = _chosen(contested, found, calls, levers)
    games: dict[frozenset[str], list[Workflow]] = defaultdict(list)
    for workflow in chosen:
        games[frozenset(found[workflow])].append(workflow)
    split: dict[frozenset[str], list[tuple[int, Amounts, Amounts]]] = defaultdict(list)
    unsplit = [workflow for workflow in contested if workflow not in set(chosen)]
    spared: dict[str, list[Workflow]] = defaultdict(list)
    aside: list[LeftAlone] = []
    with narrowed(scene, chosen):
        for kind, workflows in games.items():
            costed = game(scene, levers, workflows, found, dismissed)
            if costed is None:
                unsplit += workflows
                continue
            active = costed.levers
            for workflow, saved in costed.saved.items():
                subsets, reached = best(saved)
                fair = shares(active, reached)
                lone = {name: saved[1 << place] for place, name in enumerate(active)}
                _add(shapley, fair)
                _add(standalone, lone)
                split[kind].append((reached[-1], fair, lone))
                for place, name in enumerate(active):
                    if not subsets[-1] >> place & 1:
                        spared[name].append(workflow)
                        aside.append(_left(active, workflow, place, saved, subsets[-1]))
    total, taken = chain.before - chain.after, 0
    for workflow in unsplit:
        amounts = found[workflow]
        whole = sum(amounts.values())
        taken += whole
        alike = split.get(frozenset(amounts), [])
        pool = sum(each[0] for each in alike)
        fair = _sums(each[1] for each in alike) if pool else amounts
        lone = _sums(each[2] for each in alike) if pool else amounts
        _add(shapley, apportioned(whole, fair))
        _add(standalone, {name: each * whole // (pool or whole) for name, each in lone.items()})
    return Worth(standalone, shapley, 1 - taken / total if total else 1.0, dict(spared), aside)


def shares(levers: Sequence[str], values: Sequence[int]) -> Amounts:
    """The Shapley value of each lever, whole pico-dollars that add up to the last of `values`.

    `values[mask]` is what the levers save whose bits are set in `mask`, bit 0 for the first one.
    """
    count = len(levers)
    weights = [factorial(size) * factorial(count - size - 1) for size in range(count)]
    fair = {}
    for place, name in enumerate(levers):
        bit = 1 << place
        fair[name] = sum(
            weights[mask.bit_count()] * (values[mask | bit] - values[mask])
            for mask in range(1 << count)
            if not mask & bit
        )
    return _rounded(fair, factorial(count), values[-1])


def apportioned(total: int, parts: Mapping[str, int]) -> Amounts:
    """The total in proportion to the parts, whole pico-dollars that add up to it."""
    pool = sum(parts.values())
    return _rounded({name: part * total for name, part in parts.items()}, pool, total)


def _rounded(scaled: Mapping[str, int], scale: int, total: int) -> Amounts:
    """Each divided by `scale`, rounded so that they add up: the largest remainders go up."""
    whole = {name: each // scale for name, each in scaled.items()}
    up = sorted(scaled, key=lambda name: (-(scaled[name] % scale), name))
    for name in up[: total - sum(whole.values())]:
        whole[name] += 1
    return whole


def _left(
    active: Sequence[str], workflow: Workflow, place: int, saved: Values, chosen: int
) -> LeftAlone:
    """Why a plan is better off without the lever at `place` there."""
    most = max(amount for mask, amount in enumerate(saved) if mask >> place & 1)
    others = [name for later, name in enumerate(active) if later > place and chosen >> later & 1]
    more = (saved[chosen] - most) / PICO
    return LeftAlone(
        active[place],
        workflow,
        None,
        f"the plan saves ${more:,.2f} more here without it, as it would leave less to "
        f"{' and '.join(others)} than it saves",
    )


def _contested(levers: Sequence[Lever], amounts: Amounts) -> bool:
    """A lever comes after one that saves: it may have found more, or less, without that one."""
    first = next(place for place, lever in enumerate(levers) if lever.name in amounts)
    return first < len(levers) - 1


def _chosen(
    contested: list[Workflow],
    found: dict[Workflow, Amounts],
    calls: dict[Workflow, int],
    levers: Sequence[Lever],
) -> list[Workflow]:
    """The workflows that are costed anew: all if there is room, else those where most is saved,
    one of each set of levers first."""
    by_saving = sorted(contested, key=lambda name: (-sum(found[name].values()), name or ""))
    met: dict[frozenset[str], int] = defaultdict(int)
    turns = []
    for workflow in by_saving:
        kind = frozenset(found[workflow])
        turns.append((met[kind], workflow))
        met[kind] += 1
    room, chosen = MOST, []
    for _, workflow in sorted(turns, key=lambda turn: turn[0]):
        need = calls[workflow] * _times(levers, found[workflow])
        if need <= room:
            room -= need
            chosen.append(workflow)
    return chosen


def _calls(scene: Scene) -> dict[Workflow, int]:
    """How many calls each workflow has."""
    counted = scene.connection.execute("select workflow, count(*) from calls group by all")
    return dict(counted.fetchall())


def _times(levers: Sequence[Lever], found: Amounts) -> int:
    """How often a lever is put to a call, with or without each of those before it that act."""
    times, states = 0, 1
    for lever in levers:
        acts = lever.name in found
        times += states - (not acts)  # the chain of all has shown where it finds nothing
        states *= 1 + acts
    return times


def _add(to: Amounts, amounts: Amounts) -> None:
    for name, amount in amounts.items():
        to[name] += amount


def _sums(each: Iterable[Amounts]) -> Amounts:
    sums: Amounts = defaultdict(int)
    for amounts in each:
        for name, amount in amounts.items():
            sums[name] += amount
    return dict(sums)
