"""A smaller model where the shape of the calls, your own logs or a trial say that it may do."""

from __future__ import annotations

from typing import NamedTuple

from tokman import economics
from tokman.recommend import margin, matched, nominate, trials
from tokman.recommend.decide import MATCHED, Words, decide
from tokman.recommend.ladder import Step, cache_rule, step_below
from tokman.recommend.lever import LEAST, LeftAlone, Proposal, Scene, label
from tokman.recommend.matched import SUCCESSES, Arm, Comparison, Ratio
from tokman.recommend.nominate import Shape
from tokman.recommend.ways import UNKNOWN, Row, Way

SISTERS = 3
"""Models already at the same work that are compared with; those with most calls."""
MEASURED = 100
"""Matched attempts of each arm from which on their tokens are compared."""
OTHERS = Ratio(1.0, 0.85, 1.15)
"""Tokens of one text by a tokenizer that nothing is known of (own judgement)."""
NEVER = 10**12
"""Tokens: a model whose rules of caching are not known is taken to cache nothing."""


class Downgrade:
    """Steps of workflows that a smaller model may do as well."""

    name = "downgrade"
    together = False

    def propose(self, scene: Scene) -> Proposal:
        """Nominate by shape, compare with what already serves, price, and keep what pays."""
        trials.check(scene.config)
        scene.make("work_steps", "work_steps")
        scene.make("escalations", "escalations")
        rows = scene.ask("downgrade_cells")
        aside: list[LeftAlone] = []
        offers: list[_Offer] = []
        for row in rows:
            if row["cost"] >= LEAST:
                offers += _offers(scene, row, rows, aside)
        pairs = [offer.pair for offer in offers if offer.pair]
        found = dict(zip(pairs, matched.compare(scene, pairs), strict=True))
        ways = [_way(scene, offer, found.get(offer.pair) if offer.pair else None)
                for offer in offers]  # fmt: skip
        places = _places(scene, ways)
        proposal = decide(scene, self.name, ways, lambda way: _words(way, places))
        proposal.left += aside
        return proposal


class _Offer(NamedTuple):
    """A target for one row of cells, before anything is compared."""

    row: Row
    provider: str
    model: str
    step: Step | None
    shape: Shape | None
    """None where only a comparison or a trial speaks for it."""
    pair: tuple[Arm, Arm] | None


def _offers(scene: Scene, row: Row, rows: list[Row], aside: list[LeftAlone]) -> list[_Offer]:
    """The targets of one row: those of the ladder, those that serve already, those tried."""
    shape = nominate.shape(row)
    why = nominate.veto(row)
    if economics.terms(scene.config, row["workflow"]).protected or why == "":
        return []
    if why is not None:
        if shape is not None:
            row_of = (row["workflow"], row["model_id"])
            aside.append(LeftAlone(Downgrade.name, *row_of, f"{shape.words}, but {why}"))
        return []
    if shape is not None and not nominate.ready(row):
        shape = None
    step = step_below(row["provider_id"], row["model_id"])
    if step is not None and nominate.too_long(row, step):
        step = None
    targets: dict[tuple[str, str], Row | None] = {}
    if shape is not None and step is not None:
        targets.update({(row["provider_id"], model): None for model in step.to})
    for sister in _sisters(row, rows, shape):
        targets[sister["provider_id"], sister["model_id"]] = sister
    for one in scene.config.trials:
        if one.workflow == row["workflow"] and one.source == row["model_id"] and not one.effort:
            match = scene.card.find(row["provider_id"], one.to) or scene.card.find(None, one.to)
            if match is not None and match.model_id != row["model_id"]:
                targets.setdefault((match.provider_id, match.model_id), None)
    return [
        _Offer(
            row,
            provider,
            model,
            step if step is not None and model in step.to else None,
            shape,
            (_arm(sister), _arm(row)) if sister is not None else None,
        )
        for (provider, model), sister in targets.items()
    ]


def _sisters(row: Row, rows: list[Row], shape: Shape | None) -> list[Row]:
    """Other models at the same step with enough first attempts to be compared with.

    Without a simple shape, a proxy for what came of them would decide nothing.
    """
    found = [
        other
        for other in rows
        if other["workflow"] == row["workflow"]
        and other["step"] == row["step"]
        and other["model_id"] != row["model_id"]
        and other["first_attempts"] >= SUCCESSES
        and other["first_attempts"] >= 0.05 * row["first_attempts"]
        and row["longest_prompt"] <= 2 * other["longest_prompt"]
        and (shape is not None or min(other["successes"], row["successes"]) >= SUCCESSES)
    ]
    return sorted(found, key=lambda other: -other["first_attempts"])[:SISTERS]


def _way(scene: Scene, offer: _Offer, seen: Comparison | None) -> Way:
    row, step = offer.row, offer.step
    counted = Ratio(step.tokens, *step.tokens_range) if step is not None else OTHERS
    rule = cache_rule(offer.provider, offer.model)
    terms = margin.terms(scene.config, row["workflow"])
    result = trials.declared(
        scene.config, row["workflow"], row["model_id"], offer.model, None, terms.alpha
    )
    output = Ratio(*(known * unknown for known, unknown in zip(counted, UNKNOWN, strict=True)))
    if seen is not None and min(seen.attempts) >= MEASURED:
        counted, output = seen.input or counted, seen.output
    if result is not None and result.trial.output_ratio is not None:
        output = Ratio(*[result.trial.output_ratio] * 3)
    return Way(
        row=row,
        provider=offer.provider,
        model=offer.model,
        effort=None,
        rule=offer.shape.rule if offer.shape is not None else MATCHED,
        input=counted,
        answer=output,
        reasoning=output,
        minimum=step.minimum if step is not None else rule.minimum if rule is not None else NEVER,
        comparison=seen,
        result=result,
    )


def _arm(row: Row) -> Arm:
    return Arm(row["provider_id"], row["model_id"], row["workflow"], row["step"])


def _places(scene: Scene, ways: list[Way]) -> dict[str, str]:
    """Where the first call of each step was read, so that its system prompt can be found."""
    calls = sorted({way.row["first_call"] for way in ways if way.row["step"]})
    if not calls:
        return {}
    found = scene.connection.execute(
        "select call_id, file, line from charges where list_contains($calls, call_id)",
        {"calls": calls},
    ).fetchall()
    return {call: f"{file}:{line}" for call, file, line in found}


def _words(way: Way, places: dict[str, str]) -> Words:
    row, target = way.row, way.model
    looks = nominate.shape(row)
    reasoned = row["reasoned"] / row["written"] if row["written"] else 0.0
    facts = [
        f"{row['calls']:,} calls on {row['days']} days" + (f": {looks.words}" if looks else "")
    ]
    if row["step"]:
        place = places.get(row["first_call"])
        read = f", first read at {place}" if place else ""
        facts.append(f"step {row['step']} of {row['steps']}, told apart by its system prompt{read}")
    facts.append(
        f"reasoning {reasoned:.0%} of output, failures and retries "
        f"{row['failures'] / row['attempts']:.1%}"
    )
    facts.append(_tokenizer(way))
    risks = [
        "another maker's model needs its prompt tested anew, and caches by other rules"
        if way.elsewhere
        else "what no outcome shows, and calls unlike those compared, may still suffer"
        if way.comparison is not None and way.comparison.judged
        else f"{target} may do worse where cases are hard: failures seen here say nothing of wrong "
        "answers",
        "a model that reasons by default writes more: set its effort low",
    ]
    return Words(
        title=f"Use {target} instead of {row['model_id']} for {label(row['workflow'])}",
        change=f'model="{target}"',
        facts=facts,
        risks=risks,
        target=target,
    )


def _tokenizer(way: Way) -> str:
    value, low, high = way.input
    if low == high == value == 1:
        return f"{way.model} counts the same tokens"
    if low == high:
        return f"{way.model} counts {value:.2f} × the tokens, measured on prompts of known size"
    return f"{way.model} is taken to count {value:g} × the tokens ({low:g} to {high:g} ×)"
