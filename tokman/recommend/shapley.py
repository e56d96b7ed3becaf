"""What each lever is worth: alone, after the others, and whatever the order (Shapley 1953).

A lever works within workflows, so the game of all levers is the sum of one game a workflow, and
most of those are trivial: where one lever alone finds anything, it is worth what it saves. Only
where several do are coalitions costed, on the very chain that makes the plan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import factorial
from typing import TYPE_CHECKING, NamedTuple

from tokman.recommend import waterfall

if TYPE_CHECKING:
    from tokman.recommend.lever import Lever, Scene

MOST = 1_500_000
"""Calls, each counted once for every time a lever is put to it, that are costed anew: workflows
beyond are taken to be split like those of the same levers that were."""

Workflow = str | None
Amounts = dict[str, int]
"""Lever → pico-dollars."""


class Worth(NamedTuple):
    """Pico-dollars over the window that each lever is worth, by three measures."""

    standalone: Amounts
    """If it were the only one."""
    shapley: Amounts
    """Its mean contribution over all orders in which levers can come: these add up to the whole."""
    exact: float
    """Share of the whole saving whose split was costed, not taken from workflows like it."""


def worth(scene: Scene, levers: Sequence[Lever], chain: waterfall.Waterfall) -> Worth:
    """The worth of each lever of a plan. Uses up the table `current`."""
    found, calls = _by_workflow(scene), _calls(scene)
    standalone: Amounts = dict.fromkeys((lever.name for lever in levers), 0)
    shapley = dict(standalone)
    contested = []
    for workflow, amounts in found.items():
        if _contested(levers, amounts):
            contested.append(workflow)
        else:
            _add(standalone, amounts)
            _add(shapley, amounts)
    chosen = _chosen(contested, found, calls, len(levers))
    split: dict[frozenset[str], list[tuple[int, Amounts, Amounts]]] = defaultdict(list)
    unsplit = [workflow for workflow in contested if workflow not in set(chosen)]
    with waterfall.narrowed(scene, chosen):
        alone = _alone(scene, levers, chosen, found)
        for active, workflows in _games(levers, chosen, found, alone).items():
            values = _values(scene, levers, active, workflows, found, alone)
            if values is None:
                unsplit += workflows
                continue
            fair = shares(active, values)
            lone = _sums(alone[workflow] for workflow in workflows)
            _add(shapley, fair)
            _add(standalone, lone)
            kind = frozenset(name for workflow in workflows for name in found[workflow])
            split[kind].append((values[-1], fair, lone))
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
    return Worth(standalone, shapley, 1 - taken / total if total else 1.0)


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


def _contested(levers: Sequence[Lever], amounts: Amounts) -> bool:
    """A lever comes after one that saves: it may have found more, or less, without that one."""
    first = next(place for place, lever in enumerate(levers) if lever.name in amounts)
    return first < len(levers) - 1


def _chosen(
    contested: list[Workflow],
    found: dict[Workflow, Amounts],
    calls: dict[Workflow, int],
    levers: int,
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
        need = calls[workflow] * (levers + 2 ** len(found[workflow]))
        if need <= room:
            room -= need
            chosen.append(workflow)
    return chosen


def _alone(
    scene: Scene,
    levers: Sequence[Lever],
    workflows: list[Workflow],
    found: dict[Workflow, Amounts],
) -> dict[Workflow, Amounts]:
    """What each lever saves in each workflow with none before it; of the chain where none was."""
    alone: dict[Workflow, Amounts] = {workflow: {} for workflow in workflows}
    for place, lever in enumerate(levers):
        before = {other.name for other in levers[:place]}
        touched = [workflow for workflow in workflows if before & found[workflow].keys()]
        for workflow in workflows:
            alone[workflow][lever.name] = found[workflow].get(lever.name, 0)
        if touched:
            with waterfall.narrowed(scene, touched):
                waterfall.run(scene, [lever], "savings_alone")
                anew = _by_workflow(scene, "savings_alone")
            for workflow in touched:
                alone[workflow][lever.name] = anew.get(workflow, {}).get(lever.name, 0)
    return alone


def _games(
    levers: Sequence[Lever],
    chosen: list[Workflow],
    found: dict[Workflow, Amounts],
    alone: dict[Workflow, Amounts],
) -> dict[tuple[str, ...], list[Workflow]]:
    """The workflows in which the same levers save something, in the plan or alone."""
    games: dict[tuple[str, ...], list[Workflow]] = defaultdict(list)
    for workflow in chosen:
        acting = {*found[workflow], *(name for name, each in alone[workflow].items() if each)}
        games[tuple(lever.name for lever in levers if lever.name in acting)].append(workflow)
    return games


def _values(
    scene: Scene,
    levers: Sequence[Lever],
    active: tuple[str, ...],
    workflows: list[Workflow],
    found: dict[Workflow, Amounts],
    alone: dict[Workflow, Amounts],
) -> list[int] | None:
    """What each coalition of the active levers saves in these workflows, by the bits of its mask.

    None where the whole, costed on these workflows, is not what the plan has: then some lever looks
    beyond a workflow, and its game cannot be taken apart.
    """
    whole = sum(sum(found[workflow].values()) for workflow in workflows)
    lone = _sums(alone[workflow] for workflow in workflows)
    if len(active) == 1:
        return [0, whole]
    if len(active) == 2:
        return [0, lone[active[0]], lone[active[1]], whole]
    acting = [lever for lever in levers if lever.name in active]
    values = [0] * 2 ** len(acting)

    def walk(place: int, mask: int) -> None:
        """Without the lever at `place` and with it, each on what the levers before it left."""
        if place == len(acting):
            values[mask] = waterfall.total(scene, "original") - waterfall.total(scene, "current")
            return
        stage = f"stage_{place}"
        scene.connection.execute(f"create or replace temp table {stage} as from current")
        walk(place + 1, mask)
        scene.connection.execute(f"create or replace temp table current as from {stage}")
        scene.connection.execute(f"drop table {stage}")
        waterfall.apply(scene, acting[place], "savings_alone")
        walk(place + 1, mask | 1 << place)

    with waterfall.narrowed(scene, workflows):
        waterfall.enter(scene)
        waterfall.ledger_of_savings(scene, "savings_alone")
        walk(0, 0)
    return values if values[-1] == whole else None


def _by_workflow(scene: Scene, table: str = "savings") -> dict[Workflow, Amounts]:
    """Workflow → lever → what is saved there, pico-dollars; only where something is."""
    found: dict[Workflow, Amounts] = defaultdict(dict)
    for workflow, lever, amount in scene.connection.execute(
        f"select workflow, lever, sum(amount) from {table} join calls using (call) "
        "group by all order by all"
    ).fetchall():
        found[workflow][lever] = waterfall.pico(amount)
    return dict(found)


def _calls(scene: Scene) -> dict[Workflow, int]:
    """How many calls each workflow has."""
    counted = scene.connection.execute(
        "select workflow, count(*) from original join calls using (call) group by all"
    )
    return dict(counted.fetchall())


def _add(to: Amounts, amounts: Amounts) -> None:
    for name, amount in amounts.items():
        to[name] += amount


def _sums(each: Iterable[Amounts]) -> Amounts:
    sums: Amounts = defaultdict(int)
    for amounts in each:
        for name, amount in amounts.items():
            sums[name] += amount
    return dict(sums)
