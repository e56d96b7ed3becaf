"""One plan from all levers: ranked, with ranges, and never more than is spent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tokman.recommend import odds, waterfall
from tokman.recommend.advice import (
    MONTH,
    SHORTEST,
    Estimate,
    Left,
    LeverTotal,
    Plan,
    Recommendation,
)
from tokman.recommend.batch import Batch
from tokman.recommend.compress import Compress
from tokman.recommend.downgrade import Downgrade
from tokman.recommend.effort import Effort
from tokman.recommend.prompt_cache import PromptCache
from tokman.recommend.response_cache import ResponseCache

if TYPE_CHECKING:
    import duckdb

    from tokman.config import Config
    from tokman.rates import Card
    from tokman.recommend.lever import Lever, Scene

LEVERS: tuple[Lever, ...] = (
    ResponseCache(),
    Compress(),
    Downgrade(),
    Effort(),
    PromptCache(),
    Batch(),
)
"""In the order in which they apply, each to what the one before leaves (science.md §6.1)."""


def recommend(
    connection: duckdb.DuckDBPyConnection,
    card: Card,
    config: Config,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    levers: Sequence[Lever] = LEVERS,
) -> Plan:
    """The plan for the charges from `since` (naive UTC, inclusive) to `until` (exclusive).

    NothingToJudge where no call has a price. Leaves the table `savings` (call, call_id, lever,
    cell, amount in USD) on the connection: every total of the plan is a sum of it.
    """
    scene = waterfall.set_scene(connection, card, config, since, until)
    chain = waterfall.run(scene, levers)
    totals = [
        LeverTotal(
            lever=lever.name,
            standalone=_alone(scene, lever, levers[:place], chain),
            incremental=chain.by(lever.name),
        )
        for place, lever in enumerate(levers)
    ]
    cells, together = odds.ranges(chain.savings, scene.ask("days"), scene.start.date(), scene.days)
    ranked = sorted(
        chain.savings, key=lambda one: (-odds.expected(one), one.lever, one.about.title)
    )
    monthly = scene.days >= SHORTEST
    whole = Estimate(
        spend=chain.before,
        identified=sum(one.saved for one in ranked),
        expected=sum(odds.expected(one) for one in ranked),
        low=together.low,
        middle=together.middle,
        high=together.high,
    )
    return Plan(
        start=scene.start,
        end=scene.end,
        days=scene.days,
        rate_card=card.version,
        spend=chain.before,
        spend_after=chain.after,
        recommendations=[
            _recommendation(rank, one, cells[one.lever, one.cell], scene)
            for rank, one in enumerate(ranked, 1)
        ],
        levers=totals,
        window=whole,
        month=whole.over(MONTH, scene.days) if monthly else None,
        left=[Left(**one._asdict()) for one in chain.left],
    )


def _alone(scene: Scene, lever: Lever, before: Sequence[Lever], chain: waterfall.Waterfall) -> int:
    """Pico-dollars the lever would save by itself; judged anew only where others come before it."""
    names = {other.name for other in before}
    touched = {one.about.workflow for one in chain.savings if one.lever in names}
    if not touched:
        return chain.by(lever.name)
    untouched = sum(
        one.saved
        for one in chain.savings
        if one.lever == lever.name and one.about.workflow not in touched
    )
    return untouched + waterfall.run(scene, [lever], "savings_alone", touched).by(lever.name)


def _recommendation(
    rank: int, saving: waterfall.Saving, spread: odds.Range, scene: Scene
) -> Recommendation:
    about = saving.about
    window = Estimate(
        spend=saving.spend,
        identified=saving.saved,
        expected=odds.expected(saving),
        low=spread.low,
        middle=spread.middle,
        high=spread.high,
    )
    return Recommendation(
        rank=rank,
        lever=saving.lever,
        cell=saving.cell,
        title=about.title,
        workflow=about.workflow,
        provider=about.provider,
        model=about.model,
        calls=saving.calls,
        window=window,
        month=window.over(MONTH, scene.days) if scene.days >= SHORTEST else None,
        evidence_level=about.evidence.level,
        evidence=about.evidence.word,
        evidence_words=about.evidence.why,
        facts=about.facts,
        change=about.change,
        risks=about.risks,
        proof=about.proof,
    )
