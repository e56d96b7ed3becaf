"""The gate's judgement: every rule on every workflow, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple

from tokman.check import budget, chance, compare, decide, quality
from tokman.check.compare import Compared
from tokman.check.decide import Terms
from tokman.check.quality import Bound, Quality
from tokman.check.settings import Settings
from tokman.check.side import Side, Work
from tokman.check.verdict import Finding, Mode, Moved, Place, Unit, Verdict
from tokman.errors import NothingToJudge, TokmanError

if TYPE_CHECKING:
    from tokman.config import Config

Verdicts = Literal["pass", "warn", "regression", "inconclusive"]

RANK = ("regression", "warn", "inconclusive", "ignored", "not judged", "pass")
"""In this order findings are shown."""

MONTH = 30


class Given(NamedTuple):
    """What a comparison is of, beside its two sides."""

    base: str | None
    """As the user named it."""
    days: float | None
    """That the calls of now span; None: not known."""
    rate_card: str
    today: date
    """Whose prices both sides cost (UTC)."""
    informational: bool = False
    place: Callable[[Finding], Place | None] = lambda finding: None
    moved: Moved | None = None


def today() -> date:
    """The day whose prices are used (UTC)."""
    return datetime.now(UTC).date()


def mode_of(before: Side | None, now: Side, stated: Mode | None) -> Mode:
    """The mode that was stated, else the one that fits: suite where most of now are cases that
    before has too."""
    if before is None:
        if stated not in (None, "static"):
            raise TokmanError(
                f"mode {stated} compares with a baseline",
                "name one: --baseline FILE, --against last-month or --against-ledger FOLDER",
            )
        return "static"
    if stated is not None:
        return stated
    shared = sum(
        int(work.of_suite[[case in before.work[name].cases for case in work.cases]].sum())
        for name, work in now.work.items()
        if name in before.work
    )
    return (
        "suite"
        if 2 * shared > sum(int(w.stands_for.sum()) for w in now.work.values())
        else "traffic"
    )


def judge(before: Side | None, now: Side, held: Settings, config: Config, given: Given) -> Verdict:
    """The verdict on `now`; NothingToJudge where no workflow can be compared and none has a budget.

    The same sides give the same verdict, whatever else was asked before.
    """
    mode = mode_of(before, now, held.mode)
    unit: Unit = held.unit or ("case" if mode == "suite" else "conversation")
    if unit == "case" and mode == "traffic":
        raise TokmanError(
            "a case is a unit of a suite", "add --mode suite, or choose another --unit"
        )
    if unit == "outcome" and mode == "suite":
        raise TokmanError("a suite is paired by case", "choose --unit case or call")
    pace = Decimal(MONTH) / Decimal(given.days) if given.days and mode != "suite" else None
    terms = Terms(mode, unit, held, given.today, pace)
    found: list[Finding] = []
    compared: list[Compared] = []
    if before is not None and mode != "static":
        compared, found = _compared(before, now, config, terms)
    found += budget.findings(list(now.work.values()), held.limits)
    if not any(each.outcome != "not judged" for each in found):
        raise NothingToJudge(*_nothing(found, terms))
    for each in found:
        each.place = given.place(each)
    found.sort(key=_order)
    outcome, code = _outcome(found, held)
    total = next((each for each in found if each.total), None)
    shown = total or next((each for each in found if each.change is not None), None)
    return Verdict(
        outcome=outcome,
        exit_code=0 if given.informational else code,
        informational=given.informational,
        mode=mode,
        unit=unit,
        base=given.base,
        findings=found,
        change=shown.change if shown else None,
        detectable=shown.detectable if shown else None,
        moved=given.moved,
        alpha=held.alpha,
        max_increase=held.max_increase,
        min_impact=held.min_impact,
        strictness=held.strictness,
        base_unpriced_calls=before.unpriced if before else 0,
        unpriced_calls=now.unpriced,
        rate_card=given.rate_card,
        priced_at=given.today,
        notes=_notes(before, now, mode, compared),
    )


def _compared(
    before: Side, now: Side, config: Config, terms: Terms
) -> tuple[list[Compared], list[Finding]]:
    """What was seen of the workflows on both sides, and all that is said of them."""
    found: list[Finding] = []
    seen: list[Compared] = []
    draws: list[chance.Draw] = []
    cases: list[compare.Pairs] = []
    qualities: list[tuple[Quality, Bound]] = []
    held, alpha = terms.settings, terms.settings.alpha
    many = chance.draws_for(len(before.work.keys() & now.work.keys()), alpha)
    for workflow in sorted({*before.work, *now.work}, key=lambda name: (name is None, name or "")):
        then, here = before.work.get(workflow), now.work.get(workflow)
        rule = held.of(workflow, terms.today)
        why = _apart(then, here, terms)
        if why is not None or then is None or here is None:
            found.append(decide.apart(workflow, then, here, rule, terms, why or ""))
            continue
        beyond = rule.max_increase if held.strictness == "lenient" else 0.0
        if terms.mode == "suite":
            ran = compare.pairs(then, here, terms.unit)
            if not ran.names:
                why = "no case is on both sides"
                found.append(decide.apart(workflow, then, here, rule, terms, why))
                continue
            seen.append(compare.suite(workflow, ran, beyond, alpha, many))
            cases.append(ran)
            known = quality.of_suite(then, here, alpha)
        else:
            one, draw = compare.traffic(then, here, terms.unit, beyond, alpha, many)
            seen.append(one)
            draws.append(draw)
            known = quality.of_traffic(then, here, alpha)
        if known is not None:
            cost = _per_outcome(then, here, seen[-1], terms)
            loss = quality.bound(known, cost, rule.max_loss, rule.max_increase, config)
            qualities.append((known, loss))
    if len(seen) > 1:
        beyond = held.max_increase if held.strictness == "lenient" else 0.0
        seen.append(
            compare.suite_in_all(cases, beyond, alpha, many)
            if terms.mode == "suite"
            else compare.traffic_in_all(seen, draws, beyond, alpha)
        )
    tested = [one.test.p_value for one in seen] + [known.p_value for known, _ in qualities]
    odds = chance.adjusted(tested)
    for one, p_value in zip(seen, odds, strict=False):
        rule = held.of(one.workflow, terms.today) if not one.total else held.in_all
        found.append(decide.cost(one, p_value, rule, terms))
    for (known, loss), p_value in zip(qualities, odds[len(seen) :], strict=True):
        rule = held.of(known.workflow, terms.today)
        found.append(decide.quality(known, loss, p_value, rule, terms))
    return seen, found


def _apart(then: Work | None, here: Work | None, terms: Terms) -> str | None:
    """Why a workflow is not compared; None where it is."""
    unit = terms.unit
    if then is None or not then.units(unit):
        return f"new: no {unit} of it before"
    if here is None or not here.units(unit):
        return f"gone: no {unit} of it now"
    if then.cost is None or here.cost is None:
        return "no call of it has a price " + ("before" if then.cost is None else "now")
    return None


def _per_outcome(then: Work, here: Work, seen: Compared, terms: Terms) -> tuple[Decimal, Decimal]:
    """USD of what one outcome comes of, before and now: a case, else a conversation."""
    if terms.mode == "suite":
        return compare.decimal(seen.per_unit[0]), compare.decimal(seen.per_unit[1])
    assert then.cost is not None and here.cost is not None
    counts = (max(work.counts["conversations"], 1) for work in (then, here))
    before, now = (cost / many for cost, many in zip((then.cost, here.cost), counts, strict=True))
    return before, now


def _outcome(found: list[Finding], held: Settings) -> tuple[Verdicts, int]:
    """The worst that counts, and the exit code."""
    seen = {each.outcome for each in found}
    if "regression" in seen:
        return "regression", 1
    if "inconclusive" in seen and held.inconclusive == "fail":
        return "inconclusive", 4
    if "warn" in seen:
        return "warn", 0
    if "inconclusive" in seen and held.inconclusive == "warn":
        return "inconclusive", 0
    return "pass", 0


def _order(finding: Finding) -> tuple[object, ...]:
    """The total first, then the worst, the dearest first."""
    impact = finding.impact or Decimal(0)
    return (not finding.total, RANK.index(finding.outcome), -impact, finding.rule, finding.id)


def _nothing(found: list[Finding], terms: Terms) -> tuple[str, str]:
    """What to say, and to do, where nothing was judged."""
    if terms.mode == "static":
        return (
            "no budget is about any of this work",
            "state one: --budget conversation=0.40, or [[check.budgets]] in tokman.toml",
        )
    if any("has a price" in each.why for each in found):
        return (
            "no workflow has a price on both sides",
            "price its models under [rates.models] in tokman.toml",
        )
    if terms.unit == "outcome":
        return "no workflow has outcomes on both sides", "tokman outcomes add FILE --key …"
    what = "case" if terms.mode == "suite" else "workflow"
    return (
        f"no {what} is on both sides",
        "ingest the same work, or make the baseline anew with --save",
    )


def _notes(before: Side | None, now: Side, mode: Mode, compared: list[Compared]) -> list[str]:
    """What the reader must know about the comparison itself."""
    notes = []
    if (before and before.unpriced) or now.unpriced:
        counts = f"{before.unpriced if before else 0:,} before, {now.unpriced:,} now"
        notes.append(f"Calls without a price, in no cost above: {counts}")
    if mode == "suite" and before is not None:
        sides = [
            {(name, case) for name, work in side.work.items() for case in work.cases if case}
            for side in (before, now)
        ]
        if alone := len(sides[0] ^ sides[1]):
            notes.append(f"Cases on one side only, not compared: {alone:,}")
    return notes
