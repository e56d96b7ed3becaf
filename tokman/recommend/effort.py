"""Less reasoning where the answers are labels, forms or always the same few."""

from __future__ import annotations

from typing import NamedTuple

from tokman import economics
from tokman.recommend import margin, matched, nominate, trials
from tokman.recommend.decide import MATCHED, Words, decide
from tokman.recommend.lever import LEAST, LeftAlone, Proposal, Scene, label
from tokman.recommend.matched import SUCCESSES, Arm, Comparison, Ratio
from tokman.recommend.ways import Row, Way

ORDER = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""From little reasoning to much, as OpenAI and Anthropic name it."""
STATED = ("", "medium", "high", "xhigh", "max")
"""Efforts that low is less than; empty where the call leaves it to the model."""
LARGE = 0.5
"""Share of reasoning in the output from which on it is looked at; own judgement."""
IDLE = 0.05
"""Share of reasoning in the output at which a high effort does nothing (science.md §1.2)."""
LOWER = Ratio(0.4, 0.1, 0.8)
"""Reasoning at low effort per token of today's, where it was never seen here; own judgement: the
makers state no ratio, and it differs between kinds of work by more than between models."""
SAME = Ratio(1.0, 1.0, 1.0)
MEASURED = 100
"""Matched attempts of each arm from which on their tokens are compared."""


class Effort:
    """Steps of workflows that pay for reasoning which their answers hardly need."""

    name = "effort"
    together = False

    def propose(self, scene: Scene) -> Proposal:
        """Nominate, compare with lower efforts already in use, price, and keep what pays."""
        scene.make("work_steps", "work_steps")
        scene.make("escalations", "escalations")
        rows = scene.ask("effort_cells")
        aside: list[LeftAlone] = []
        offers = [offer for row in rows if row["cost"] >= LEAST
                  for offer in _offers(scene, row, rows, aside)]  # fmt: skip
        pairs = [offer.pair for offer in offers if offer.pair]
        found = dict(zip(pairs, matched.compare(scene, pairs), strict=True))
        ways = [_way(scene, offer, found.get(offer.pair) if offer.pair else None)
                for offer in offers]  # fmt: skip
        proposal = decide(scene, self.name, ways, _words)
        proposal.left += aside
        return proposal


class _Offer(NamedTuple):
    """A lower effort for one row of cells, before anything is compared."""

    row: Row
    effort: str
    rule: str
    pair: tuple[Arm, Arm] | None


def _offers(scene: Scene, row: Row, rows: list[Row], aside: list[LeftAlone]) -> list[_Offer]:
    """The lower efforts of one row: those that are in use here already, and low."""
    why = nominate.veto(row)
    if economics.terms(scene.config, row["workflow"]).protected or why == "" or not row["thought"]:
        return []
    rule = _rule(row)
    if why is not None:
        if rule is not None:
            aside.append(
                LeftAlone(
                    Effort.name, row["workflow"], row["model_id"], f"mostly reasoning, but {why}"
                )
            )
        return []
    lower = {
        other["effort"]: other
        for other in rows
        if _less(other["effort"], row["effort"])
        and all(
            other[name] == row[name] for name in ("workflow", "step", "provider_id", "model_id")
        )
        and other["first_attempts"] >= SUCCESSES
        and (rule is not None or min(other["successes"], row["successes"]) >= SUCCESSES)
    }
    offers = [
        _Offer(row, effort, rule or MATCHED, (_arm(other), _arm(row)))
        for effort, other in lower.items()
    ]
    untried = {"low"} if rule is not None and row["effort"] in STATED else set()
    untried |= {
        one.effort
        for one in scene.config.trials
        if one.effort
        and one.source == one.to == row["model_id"]
        and one.workflow == row["workflow"]
    }
    return offers + [
        _Offer(row, effort, rule or MATCHED, None) for effort in sorted(untried - lower.keys())
    ]


def _rule(row: Row) -> str | None:
    """Why less reasoning might do: it is most of the output of simple work, or does nothing."""
    if not nominate.ready(row):
        return None
    share = row["thought"] / (row["thought"] + row["written"])
    if share >= LARGE:
        looks = nominate.shape(row)
        return looks.rule if looks is not None else None
    if share <= IDLE and row["effort"] in ("high", "xhigh", "max") and row["calls"] >= SUCCESSES:
        return "idle effort"
    return None


def _less(effort: str, than: str) -> bool:
    """An effort is stated and below another; what a call leaves to the model counts as medium."""
    if effort not in ORDER:
        return False
    above = than or "medium"
    return above in ORDER and ORDER.index(effort) < ORDER.index(above)


def _way(scene: Scene, offer: _Offer, seen: Comparison | None) -> Way:
    row = offer.row
    alpha = margin.terms(scene.config, row["workflow"]).alpha
    answer, reasoning = SAME, LOWER
    if seen is not None and min(seen.attempts) >= MEASURED and seen.reasoning is not None:
        share = row["thought"] / (row["thought"] + row["written"])
        reasoning = Ratio(*(seen.reasoning * end / seen.output.value for end in seen.output))
        answer = Ratio(*[max(0.0, (seen.output.value - seen.reasoning * share) / (1 - share))] * 3)
    return Way(
        row=row,
        provider=row["provider_id"],
        model=row["model_id"],
        effort=offer.effort,
        rule=offer.rule,
        input=SAME,
        answer=answer,
        reasoning=reasoning,
        minimum=0,
        comparison=seen,
        result=trials.declared(
            scene.config, row["workflow"], row["model_id"], row["model_id"], offer.effort, alpha
        ),
    )


def _place(row: Row) -> tuple[str, str, str | None, int]:
    return row["provider_id"], row["model_id"], row["workflow"], row["step"]


def _arm(row: Row) -> Arm:
    return Arm(*_place(row), effort=row["effort"])


def _words(way: Way) -> Words:
    row = way.row
    share = row["thought"] / (row["thought"] + row["written"])
    looks = nominate.shape(row)
    stated = f"effort {row['effort']}" if row["effort"] else "no effort stated"
    facts = [
        f"{row['calls']:,} calls on {row['days']} days, {stated}: "
        f"reasoning is {share:.0%} of output"
    ]
    if looks is not None:
        facts.append(f"without it: {looks.words}")
    basis = (
        "as seen here"
        if way.comparison is not None
        else "own judgement: low effort was never seen here"
    )
    facts.append(
        f"reasoning is taken to {way.reasoning.value:.2g} × of today's ({way.reasoning.low:.2g} to "
        f"{way.reasoning.high:.2g} ×; {basis})"
    )
    return Words(
        title=f"Ask {row['model_id']} for {way.effort} effort in {label(row['workflow'])}",
        change=_change(way),
        facts=facts,
        risks=[
            "reasoning carries the hard cases: failures seen here say nothing of wrong answers",
            "a lower effort also means fewer and shorter tool calls at some makers",
        ],
        target=f"{way.effort} effort",
    )


def _change(way: Way) -> str:
    """The setting, as the model's maker calls it."""
    if way.provider == "anthropic" or "claude" in way.model:
        return f'output_config={{"effort": "{way.effort}"}}'
    if way.provider == "google":
        return f'thinking_config={{"thinking_level": "{way.effort}"}}'
    return f'reasoning={{"effort": "{way.effort}"}}'
