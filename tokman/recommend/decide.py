"""Which of the cheaper ways to propose for each cell, and how far each is proven."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tokman import economics
from tokman.recommend import experiment, margin, nominate
from tokman.recommend.experiment import Experiment, Work
from tokman.recommend.lever import LEAST, Cell, Evidence, LeftAlone, Proposal
from tokman.recommend.margin import Margin, Terms
from tokman.recommend.matched import SUCCESSES, Comparison
from tokman.recommend.ways import CANDIDATE, Amount, Row, Way, amounts, rewrite

if TYPE_CHECKING:
    from tokman.recommend.lever import Scene

SEEN = (8, 2)
BY_PROXY = (4, 4)
"""(a, b) of a matched comparison: by outcomes (science.md §1.5); by a proxy, which sees failures
and not wrong answers, so that it is below the evidence of which a saving can be banked (own
judgement)."""
MATCHED = "matched"
"""Rule of a way that nothing but a comparison or a trial speaks for."""


class Words(NamedTuple):
    """What a lever says of one way."""

    title: str
    change: str
    facts: list[str]
    risks: list[str]
    target: str
    """What is tried, in a few words."""


class _Stand(NamedTuple):
    """One way with its amount and how far it is proven."""

    way: Way
    amount: Amount
    margin: Margin
    terms: Terms
    evidence: Evidence | None
    refused: str | None


def decide(scene: Scene, lever: str, ways: list[Way], words: Callable[[Way], Words]) -> Proposal:
    """The best way of each cell, rewritten into the table `proposal`; the others' reasons."""
    proposal = Proposal()
    cells: dict[int, list[_Stand]] = defaultdict(list)
    compared: dict[int, int] = defaultdict(int)
    for way in ways:
        compared[id(way.row)] += way.comparison is not None
    for way, amount in zip(ways, amounts(scene, ways) if ways else [], strict=True):
        if amount is not None and amount.middle >= LEAST:
            stand = _stand(scene, way, amount, max(1, compared[id(way.row)]))
            cells[id(way.row)].append(stand)
    chosen = []
    for stands in cells.values():
        stand = max(stands, key=_expected)
        spoken = words(stand.way)
        why, plan = _against(scene, stand, spoken)
        if why is not None:
            row = stand.way.row
            if why:
                proposal.left.append(LeftAlone(lever, row["workflow"], row["model_id"], why))
            continue
        proposal.cells.append(_cell(stand, spoken, plan))
        chosen.append(stand.way)
    if chosen:
        rewrite(scene, chosen)
    return proposal


def _stand(scene: Scene, way: Way, amount: Amount, tests: int) -> _Stand:
    """A way, judged at the level of its workflow, shared among the comparisons of its cell."""
    terms = margin.terms(scene.config, way.row["workflow"])
    units = Decimal(_units(way.row)[1])
    held = margin.margin(amount.middle / units, way.row["cost"] / units, terms)
    evidence, refused = _proven(way, held, terms, terms.alpha / tests)
    return _Stand(way, amount, held, terms, evidence, refused)


def _proven(
    way: Way, held: Margin, terms: Terms, alpha: float
) -> tuple[Evidence | None, str | None]:
    """The best evidence for a way, or why it is refused."""
    if way.result is not None:
        if way.result.shows(held.allowed):
            return way.result.evidence(), None
        if way.result.refutes(held.allowed):
            lost = -way.result.found.gap * 100
            return None, (
                f"a trial found {way.model} worse by {lost:.1f} points ({way.result.words})"
            )
    shaped = way.rule != MATCHED
    seen = way.comparison
    if seen is not None and seen.wanting() is None:
        low, high = seen.limits(alpha)
        if low > -held.allowed and (seen.judged or shaped):
            return _observed(seen, low), None
        if high < -held.allowed:
            return None, (
                f"{way.model} already answers calls like these and does worse: "
                f"{seen.gap * 100:+.1f} points ({low * 100:+.1f} to {high * 100:+.1f}), "
                f"{_basis(seen)}"
            )
    return (CANDIDATE if shaped else None), None


def _observed(seen: Comparison, low: float) -> Evidence:
    """What a comparison proves where it stays within the margin."""
    most = max(0.0, -low) * 100
    why = f"observational; consistent with at most {most:.1f} points of loss"
    if seen.judged:
        return Evidence("E2", "likely", f"{why}, by the outcomes logged", SEEN)
    why += ", by a proxy: calls that failed or were tried again, which no wrong answer need be"
    return Evidence("E1", "likely (proxy)", why, BY_PROXY)


def _expected(stand: _Stand) -> tuple[float, str]:
    """Amount times the mean share realised; what is refused comes last."""
    if stand.evidence is None:
        return -1.0, stand.way.model
    a, b = stand.evidence.realisation
    return float(stand.amount.middle) * a / (a + b), stand.way.model


def _against(scene: Scene, stand: _Stand, spoken: Words) -> tuple[str | None, Experiment | None]:
    """Why a cell stays as it is (empty: without a word), else the trial that would prove it."""
    way, evidence = stand.way, stand.evidence
    if evidence is None:
        return stand.refused or _undecided(stand), None
    plan = experiment.design(_work(scene, stand), stand.margin, stand.terms)
    if evidence.level == "E0" and not stand.margin.obvious:
        if plan is None:
            return "", None
        why = plan.keep(way.row["model_id"], spoken.target)
        if why is not None:
            return f"{spoken.target} might do ({_shape(way)}), but {why}", None
    least = economics.business(scene.config).downgrade_from
    if evidence.level < least:
        return (
            f"{spoken.target} is {evidence.word} ({evidence.level}), and the profile asks for "
            f"{least} before a cheaper way is part of the plan"
        ), plan
    return None, plan


def _undecided(stand: _Stand) -> str:
    """What a comparison without a verdict says; nothing where it is of failures only."""
    seen = stand.way.comparison
    if seen is None or not seen.judged:
        return ""
    wanting = seen.wanting()
    low, _ = seen.limits(stand.terms.alpha)
    doubt = wanting or (
        f"a loss of {-low * 100:.1f} points is not ruled out, and "
        f"{stand.margin.allowed * 100:.1f} is what the saving can bear"
    )
    return f"{stand.way.model} already answers calls here, but {doubt} ({_basis(seen)})"


def _cell(stand: _Stand, spoken: Words, plan: Experiment | None) -> Cell:
    way, evidence = stand.way, stand.evidence
    assert evidence is not None
    row = way.row
    facts = [*spoken.facts, *_seen(stand), _price(stand)]
    return Cell(
        title=spoken.title + _of_step(row),
        workflow=row["workflow"],
        provider=row["provider_id"],
        model=row["model_id"],
        change=spoken.change,
        evidence=evidence,
        facts=facts,
        risks=spoken.risks,
        proof=_proof(stand, plan),
        rule=way.rule,
        effort=0.5 if evidence.level > "E0" else 0.5 + experiment.SETUP,
        experiment=plan.lines(spoken.target) if plan and evidence.level < "E4" else [],
    )


def _proof(stand: _Stand, plan: Experiment | None) -> str:
    if stand.evidence is not None and stand.evidence.level == "E4":
        return "watch the share done right after the change; keep a part of calls as they are"
    if stand.evidence is not None and stand.evidence.level == "E0" and stand.margin.obvious:
        return (
            f"none needed first: even {stand.margin.eats:.0%} of outcomes lost would not eat the "
            "saving; make the change and watch"
        )
    return plan.short() if plan else "a trial of both on the same calls"


def _seen(stand: _Stand) -> list[str]:
    """What trials and comparisons of this way have found, whatever they prove."""
    way, facts = stand.way, []
    if way.result is not None:
        facts.append(
            f"{way.result.words}; {way.result.found.gap * 100:+.1f} points (at least "
            f"{way.result.found.low * 100:+.1f})"
        )
    seen = way.comparison
    if seen is None:
        return facts
    low, high = seen.limits(stand.terms.alpha)
    facts.append(
        f"{way.model} does {seen.attempts[0]:,} calls like {seen.attempts[1]:,} of today's: "
        f"{seen.gap * 100:+.1f} points done right ({low * 100:+.1f} to {high * 100:+.1f}), "
        f"{_basis(seen)}; unmatched {seen.crude * 100:+.1f}"
    )
    facts.append(
        f"matched in {seen.strata} groups that hold {seen.covered:.0%} of the spend; largest "
        f"difference {abs(seen.imbalance[1]):.2f} standard deviations; something unseen would need "
        f"a risk ratio of {seen.e_value(stand.margin.allowed, stand.terms.alpha):.2f} with both "
        "model and failure to hide a loss of the margin"
    )
    if seen.escalated or seen.retries:
        facts.append(
            f"{seen.escalated:.1%} of its answers came back to a dearer model and "
            f"{seen.retries:.1%} more were tried again: in the price"
        )
    return facts


def _price(stand: _Stand) -> str:
    """How the saving depends on what is not known, and where a cascade stops to pay."""
    way, amount = stand.way, stand.amount
    cost = way.row["cost"]
    middle, low, high = (float(part / cost) for part in (amount.middle, amount.low, amount.high))
    how = "as measured" if way.comparison else "not known"
    text = f"{middle:.0%} cheaper"
    if way.answer.low < way.answer.high or way.reasoning.low < way.reasoning.high:
        text += (
            f", {low:.0%} to {high:.0%} over the range of tokens it may write ({how}: "
            f"{way.reasoning.low:.2g} to {way.reasoning.high:.2g} times as many)"
        )
    return (
        f"{text}; it pays as long as fewer than {max(0.0, middle):.0%} of calls must be done "
        f"again by {way.row['model_id']}"
    )


def _work(scene: Scene, stand: _Stand) -> Work:
    row = stand.way.row
    unit, units = _units(row)
    known = row["judged"] >= SUCCESSES
    a, b = CANDIDATE.realisation
    return Work(
        unit=unit,
        per_day=units / scene.days,
        right=row["successes"] / row["judged"] if known else experiment.BASELINE,
        known=known,
        cost=row["cost"] / units,
        then=stand.amount.then / units,
        hope=a / (a + b),
    )


def _units(row: Row) -> tuple[str, int]:
    """What an outcome is of: a conversation, where they are of several calls."""
    if row["calls"] > 1.05 * row["conversations"]:
        return "conversations", row["conversations"]
    return "calls", row["calls"]


def _basis(seen: Comparison) -> str:
    return "by logged outcomes" if seen.judged else "by a proxy: failed or tried again"


def _shape(way: Way) -> str:
    looks = nominate.shape(way.row)
    return looks.words if looks else way.rule


def _of_step(row: Row) -> str:
    return f", step {row['step']} of {row['steps']}" if row["step"] else ""
