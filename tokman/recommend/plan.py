"""One plan from all levers: ranked, with ranges, and never more than is spent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tokman import economics
from tokman.recommend import names, precision, waterfall
from tokman.recommend.advice import (
    BANKABLE,
    Estimate,
    Judged,
    Left,
    LeverTotal,
    Plan,
    Recommendation,
    leading,
)
from tokman.recommend.batch import Batch
from tokman.recommend.compress import Compress
from tokman.recommend.decisions import Decided
from tokman.recommend.downgrade import Downgrade
from tokman.recommend.effort import Effort
from tokman.recommend.net import net
from tokman.recommend.odds import Few, Odds, expected, odds
from tokman.recommend.prompt_cache import PromptCache
from tokman.recommend.response_cache import ResponseCache
from tokman.recommend.scene import set_scene
from tokman.recommend.shapley import worth
from tokman.recommend.stop import Stop

if TYPE_CHECKING:
    import duckdb

    from tokman.config import Config
    from tokman.rates import Card
    from tokman.recommend.lever import Lever, Scene
    from tokman.recommend.waterfall import Saving

LEVERS: tuple[Lever, ...] = (
    Stop(),
    ResponseCache(),
    Compress(),
    Downgrade(),
    Effort(),
    PromptCache(),
    Batch(),
)
"""In the order in which they apply, each to what the one before leaves (science.md §6.1)."""

MANY_HANG_ON_FEW = 0.5
"""Share of a saving in one of a hundred clusters from which on it is said to hang on few."""


def recommend(
    connection: duckdb.DuckDBPyConnection,
    card: Card,
    config: Config,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    levers: Sequence[Lever] = LEVERS,
    decided: Decided | None = None,
    watch: Callable[[Scene, Saving], None] | None = None,
) -> Plan:
    """The plan for the charges from `since` (naive UTC, inclusive) to `until` (exclusive).

    What is dismissed leaves before the levers are chained, so that others may take its calls. In a
    workflow where some of the levers save more than all of them, the others are not applied.
    NothingToJudge where no call has a price. Leaves the tables `savings` (call, call_id, lever,
    cell, amount in USD) and `calls` on the connection: every total of the plan is a sum of them.
    `watch` is told of every saving as `waterfall.run` says.
    """
    decided = decided or Decided()
    scene = set_scene(connection, card, config, since, until)
    dismissed = decided.named("dismissed")

    def chained(spared: Mapping[str, Collection[str | None]]) -> waterfall.Waterfall:
        tell = (lambda saving: watch(scene, saving)) if watch else None
        return waterfall.run(scene, levers, dismissed=dismissed, spared=spared, watch=tell)

    chain = chained({})
    worths = worth(scene, levers, chain, dismissed)
    if worths.spared:
        chain = chained(worths.spared)
    judged = precision.by_rule(decided.judgements)
    refuted = {
        (one.lever, one.cell)
        for one in chain.savings
        if (found := judged.get((one.lever, one.about.rule))) is not None and found.refuted
    }
    spread = odds(scene, chain.savings, refuted)
    short = names.short(one.name for one in chain.savings)
    accepted = decided.named("accepted")
    items = [
        _recommendation(
            one,
            short[one.name],
            spread,
            judged.get((one.lever, one.about.rule)),
            (one.lever, one.cell) in refuted,
            one.name in accepted,
            scene,
        )
        for one in chain.savings
    ]
    items.sort(key=lambda one: (-one.net.value, -one.window.identified, one.name))
    return Plan(
        start=scene.start,
        end=scene.end,
        days=scene.days,
        rate_card=card.version,
        spend=chain.before,
        spend_after=chain.after,
        recommendations=[_ranked(one, rank) for rank, one in enumerate(items, 1)],
        levers=[
            LeverTotal(
                lever=lever.name,
                standalone=worths.standalone[lever.name],
                incremental=chain.by(lever.name),
                shapley=worths.shapley[lever.name],
            )
            for lever in levers
        ],
        profile=economics.business(config).name,
        split_costed=worths.exact,
        window=Estimate(
            spend=chain.before,
            identified=sum(one.window.identified for one in items),
            expected=sum(one.window.expected for one in items),
            bankable=sum(one.window.bankable for one in items),
            low=spread.together.low,
            middle=spread.together.middle,
            high=spread.together.high,
        ),
        left=[Left(**one._asdict()) for one in (*chain.left, *worths.aside)],
        decisions=[*decided.named("accepted").values(), *decided.named("dismissed").values()],
    )


def _ranked(one: Recommendation, rank: int) -> Recommendation:
    import msgspec

    return msgspec.structs.replace(one, rank=rank)


def _recommendation(
    saving: Saving,
    short: str,
    spread: Odds,
    judged: precision.Precision | None,
    refuted: bool,
    accepted: bool,
    scene: Scene,
) -> Recommendation:
    about, key = saving.about, (saving.lever, saving.cell)
    likely = 0 if refuted else expected(saving)
    between = spread.cells[key]
    window = Estimate(
        spend=saving.spend,
        identified=saving.saved,
        expected=likely,
        bankable=likely if about.evidence.level >= BANKABLE else 0,
        low=between.low,
        middle=between.middle,
        high=between.high,
    )
    return Recommendation(
        rank=0,
        id=short,
        name=saving.name,
        lever=saving.lever,
        rule=about.rule,
        cell=saving.cell,
        title=about.title,
        workflow=about.workflow,
        provider=about.provider,
        model=about.model,
        owner=economics.terms(scene.config, about.workflow).owner,
        calls=saving.calls,
        window=window,
        amounts=window.over(leading(scene.days), scene.days),
        evidence_level=about.evidence.level,
        evidence=about.evidence.word,
        evidence_words=about.evidence.why,
        facts=[*about.facts, *_few(spread.few.get(key))],
        judged=None
        if judged is None
        else Judged(
            judged=judged.judged,
            right=judged.right,
            low=judged.low,
            enough=judged.enough,
            counts=not refuted,
        ),
        change=about.change,
        effort=about.effort,
        risks=about.risks,
        proof=about.proof,
        experiment=[*about.experiment],
        net=net(scene.config, saving, likely, scene.days),
        accepted=accepted,
    )


def _few(few: Few | None) -> list[str]:
    """A sentence where a saving hangs on few conversations."""
    if few is None or few.share <= MANY_HANG_ON_FEW or few.clusters < 2:
        return []
    return [
        f"driven by few sessions: {few.few:,} of {few.clusters:,} conversations (or days of a "
        f"user) hold {few.share:.0%} of it"
    ]
