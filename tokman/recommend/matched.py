"""Two models that already do the same work, compared on calls that are alike (science.md §1.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from math import ceil, inf, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from tokman.recommend.trial import quantile

if TYPE_CHECKING:
    from tokman.recommend.lever import Scene

Row = dict[str, Any]
Key = tuple[Any, ...]

SMALLEST = 10
"""Attempts of each arm in a stratum."""
JUDGED = 30
"""Judged first attempts of each arm from which on outcomes decide, and no proxy for them."""
SUCCESSES = 200
"""Of each arm, in the strata that hold both."""
COVERED = 0.6
"""Share of today's dollars that must lie in those strata."""
BALANCE = 0.1
"""Standardised mean difference that is still called equal (Austin 2009)."""
PERIODS = 8
"""At most so many spans of whole weeks."""
PARTS = 10**15
"""Influences are summed in whole parts of this size."""

ARMS = {
    "arm": "integer",
    "provider_id": "varchar",
    "model_id": "varchar",
    "workflow": "varchar",
    "step": "bigint",
    "effort": "varchar",
}
INFLUENCE = {
    "pair": "integer",
    "arm": "integer",
    "effort": "varchar",
    "band": "integer",
    "tools": "integer",
    "after_tool": "boolean",
    "period": "integer",
    "judged": "boolean",
    "slope": "double",
    "share": "double",
}
LEVELS: tuple[Callable[[Row], Key], ...] = (
    lambda row: (row["band"], row["tools"], row["effort"], row["after_tool"], row["period"]),
    lambda row: (row["band"], row["tools"], row["effort"], row["after_tool"]),
    lambda row: (row["band"] // 2, row["tools"], row["effort"], row["after_tool"]),
    lambda row: (row["band"] // 2, row["tools"]),
)
"""From fine to coarse: what has too few attempts at one level is matched at the next."""
COUNTED = {
    "log_size": "size of the prompt",
    "log_tools": "tools offered",
    "hour_seen": "date",
}
SHARES = {
    "by_day": "time of the day",
    "for_user": "known user",
    "streamed": "streaming",
    "structured": "structured output",
}


class Arm(NamedTuple):
    """One way in which work is done today; `effort` None is any."""

    provider: str
    model: str
    workflow: str | None
    step: int
    effort: str | None = None


class Ratio(NamedTuple):
    """Tokens of the cheaper way per token of today's, on work that is alike; 90 % limits."""

    value: float
    low: float
    high: float


class Comparison(NamedTuple):
    """What a matched comparison of a cheaper way with today's shows; shares are 0 to 1."""

    judged: bool
    """By logged outcomes; False: by a proxy, whether a call failed or was tried again."""
    attempts: tuple[int, int]
    """Matched first attempts: the cheaper way's, today's."""
    successes: tuple[int, int]
    strata: int
    crude: float
    """Difference of the shares done right before matching."""
    gap: float
    """The same within strata (Mantel and Haenszel): negative where the cheaper way is worse."""
    error: float
    """Standard error, by conversations."""
    failing: float
    """Share of today's matched attempts that are not done right."""
    covered: float
    """Share of today's dollars that lie in strata with both."""
    imbalance: tuple[str, float]
    """What differs most between the arms after weighting, and by how many standard deviations."""
    output: Ratio
    """Output tokens, reasoning included."""
    reasoning: float | None
    """Reasoning tokens; None where today's arm has none."""
    input: Ratio | None
    """Input tokens per byte of the prompt; None where sizes are not known."""
    escalated: float
    """Share of the cheaper way's attempts that a dearer model had to try again."""
    retries: float
    """Further attempts per call, beyond today's."""

    def limits(self, alpha: float) -> tuple[float, float]:
        """One-sided limits of the gap, each at `alpha`."""
        reach = quantile(1 - alpha) * self.error
        return self.gap - reach, self.gap + reach

    def wanting(self) -> str | None:
        """Why the comparison can decide nothing; None if it can."""
        if min(self.successes) < SUCCESSES:
            return f"only {min(self.successes):,} of its calls can be compared and were right"
        if self.covered < COVERED:
            return f"only {self.covered:.0%} of the spend has calls like it on both models"
        name, by = self.imbalance
        if abs(by) >= BALANCE:
            how = f"{abs(by):.2f} standard deviations" if by != inf else "everywhere"
            return f"the calls of the two models differ in their {name} ({how})"
        return None

    def e_value(self, margin: float, alpha: float) -> float:
        """How strongly something unseen would have to go with both the choice of model and
        failure, as a ratio of risks, to hide a loss of `margin` (VanderWeele and Ding 2017)."""
        loss = max(0.0, -self.limits(alpha)[0])
        failing = max(self.failing, 1 / (2 + self.attempts[1]))
        ratio = (failing + margin) / (failing + loss)
        return ratio + sqrt(ratio * (ratio - 1)) if ratio > 1 else 1.0


class _Stratum(NamedTuple):
    new: Row
    old: Row

    @property
    def weight(self) -> float:
        new, old = self.new["attempts"], self.old["attempts"]
        return float(new * old / (new + old))


class _Matched(NamedTuple):
    judged: bool
    strata: list[_Stratum]
    members: list[tuple[int, int, Row]]
    """(stratum, arm: 1 the cheaper, row of `matched_groups`)."""
    now: list[Row]
    crude: float


def compare(scene: Scene, pairs: list[tuple[Arm, Arm]]) -> list[Comparison | None]:
    """Each (cheaper way, today's way) on matched first attempts; None where nothing matches."""
    if not pairs:
        return []
    places = {arm: place for place, arm in enumerate(dict.fromkeys(sum(pairs, ())))}
    scene.note("arms", ARMS, [(place, *_columns(arm)) for arm, place in places.items()])
    scene.make("matching", "matching", weeks=max(1, ceil(scene.days / 7 / PERIODS)))
    by_arm: dict[int, list[Row]] = defaultdict(list)
    for row in scene.ask("matched_groups"):
        by_arm[row["arm"]].append(row)
    found = [match(by_arm[places[new]], by_arm[places[old]]) for new, old in pairs]
    scene.note(
        "influence",
        INFLUENCE,
        [
            row
            for pair, ((new, old), matched) in enumerate(zip(pairs, found, strict=True))
            if matched is not None
            for row in _influence(pair, (places[old], places[new]), matched)
        ],
    )
    spread = {row["pair"]: row for row in scene.ask("matched_spread")}
    scene.connection.execute("drop table matching")
    return [
        _comparison(matched, *_by_conversation(spread[pair])) if matched is not None else None
        for pair, matched in enumerate(found)
    ]


def match(new: list[Row], old: list[Row]) -> _Matched | None:
    """Strata that hold both arms, from rows of `matched_groups`; None where there are none."""
    judged = all(
        sum(row["attempts"] for row in rows if row["judged"]) >= JUDGED for rows in (new, old)
    )
    arms = [[_outcome(row, judged) for row in rows if row["judged"] or not judged]
            for rows in (old, new)]  # fmt: skip
    if not all(_count(rows, "attempts") for rows in arms):
        return None
    if not {row["effort"] for row in arms[0]} & {row["effort"] for row in arms[1]}:
        # The effort is then a part of what is compared, as it is where one model has none.
        arms = [[row | {"effort": ""} for row in rows] for rows in arms]
    rest = [(arm, row) for arm, rows in enumerate(arms) for row in rows]
    strata: list[_Stratum] = []
    members: list[tuple[int, int, Row]] = []
    for level in LEVELS:
        groups: dict[Key, list[tuple[int, Row]]] = defaultdict(list)
        for arm, row in rest:
            groups[level(row)].append((arm, row))
        rest = []
        for group in groups.values():
            sides = [[row for arm, row in group if arm == side] for side in (0, 1)]
            if min(_count(rows, "attempts") for rows in sides) < SMALLEST:
                rest += group
                continue
            members += [(len(strata), arm, row) for arm, row in group]
            strata.append(_Stratum(_sum(sides[1]), _sum(sides[0])))
    if not strata:
        return None
    shares = [_count(rows, "right") / _count(rows, "attempts") for rows in arms]
    return _Matched(judged, strata, members, arms[0], shares[1] - shares[0])


def difference(strata: Iterable[tuple[int, int, int, int]]) -> tuple[float, float]:
    """The risk difference of Mantel and Haenszel and its standard error, calls taken as single.

    Each stratum is (right, attempts) of the first arm, then of the second (science.md §1.4).
    """
    weights = gap = variance = 0.0
    for right, attempts, other_right, others in strata:
        weight = attempts * others / (attempts + others)
        share, other = right / attempts, other_right / others
        weights += weight
        gap += weight * (share - other)
        variance += weight**2 * (share * (1 - share) / attempts + other * (1 - other) / others)
    return gap / weights, sqrt(variance) / weights


def _columns(arm: Arm) -> tuple[object, ...]:
    return (arm.provider, arm.model, arm.workflow, arm.step, arm.effort)


def _outcome(row: Row, judged: bool) -> Row:
    """The row with `right`, and its effort as it was beside the one matched by."""
    right = row["judged_right"] if judged else row["went_well"]
    return row | {"right": right, "stated_effort": row["effort"]}


def _influence(pair: int, places: tuple[int, int], matched: _Matched) -> list[tuple[object, ...]]:
    """Rows of the table `influence`: what one attempt more or less does to the difference."""
    total = sum(stratum.weight for stratum in matched.strata)
    rows = {}
    for place, arm, row in matched.members:
        stratum = matched.strata[place]
        side = stratum.new if arm else stratum.old
        slope = (1 if arm else -1) * stratum.weight / (side["attempts"] * total) * PARTS
        key = (row["stated_effort"], row["band"], row["tools"], row["after_tool"], row["period"])
        share = side["right"] / side["attempts"]
        rows[arm, key] = (pair, places[arm], *key, matched.judged, slope, share)
    return list(rows.values())


def _by_conversation(row: Row) -> tuple[float, int]:
    """Standard error of a difference, and the conversations it is seen in."""
    many: int = row["conversations"]
    squared: float = row["squared"]
    return sqrt(squared * many / max(many - 1, 1)) / PARTS, many


def _comparison(matched: _Matched, error: float, conversations: int) -> Comparison:
    strata = matched.strata
    total = sum(stratum.weight for stratum in strata)

    def mean(value: Callable[[Row], float], side: int) -> float:
        return sum((s.weight * value(s[side]) / s[side]["attempts"] for s in strata), 0.0) / total

    def rate(name: str, side: int) -> float:
        return mean(lambda row: row[name], side)

    tables = [(s.new["right"], s.new["attempts"], s.old["right"], s.old["attempts"])
              for s in strata]  # fmt: skip
    gap, alone = difference(tables)
    spend = sum(row["cost"] for row in matched.now)
    kept = sum(s.old["cost"] for s in strata)
    sides = [_sum([s[side] for s in strata]) for side in (0, 1)]
    error = max(error, _least_error(strata, sides, total))
    reasoning = rate("reasoned", 1)
    return Comparison(
        judged=matched.judged,
        attempts=(sides[0]["attempts"], sides[1]["attempts"]),
        successes=(sides[0]["right"], sides[1]["right"]),
        strata=len(strata),
        crude=matched.crude,
        gap=gap,
        error=error,
        failing=1 - rate("right", 1),
        covered=float(kept / spend) if spend else 0.0,
        imbalance=_imbalance(matched, mean),
        output=_ratio(strata, total, error / alone if alone else 1.0),
        reasoning=rate("reasoned", 0) / reasoning if reasoning else None,
        input=_per_byte(sides, rate),
        escalated=rate("escalated", 0),
        retries=max(0.0, rate("tried_again", 0) - rate("tried_again", 1)),
    )


def _least_error(strata: list[_Stratum], sides: list[Row], total: float) -> float:
    """Where an arm has hardly any failures, the error as if it had two more of each kind (Agresti
    and Caffo 2000): no failure seen is not none to come."""
    if all(side["attempts"] - side["right"] >= 10 for side in sides):
        return 0.0
    shares = [(side["right"] + 2) / (side["attempts"] + 4) for side in sides]
    variance = sum(
        s.weight**2 * share * (1 - share) / s[place]["attempts"]
        for s in strata
        for place, share in enumerate(shares)
    )
    return sqrt(variance) / total


def _imbalance(
    matched: _Matched, mean: Callable[[Callable[[Row], float], int], float]
) -> tuple[str, float]:
    """The covariate with the largest standardised difference of weighted means."""
    sides = [_sum([s[side] for s in matched.strata]) for side in (0, 1)]
    worst = ("", 0.0)
    for name, words in {**COUNTED, **SHARES}.items():

        def value(row: Row, name: str = name) -> float:
            return float(row[name])

        spread = sqrt(sum(_variance(side, name) for side in sides) / 2)
        apart = mean(value, 0) - mean(value, 1)
        by = apart / spread if spread > 0 else 0.0 if abs(apart) < 1e-9 else inf
        if abs(by) > abs(worst[1]):
            worst = (words, by)
    return worst


def _variance(side: Row, name: str) -> float:
    """Of one covariate over the matched attempts of an arm."""
    mean = side[name] / side["attempts"]
    squares = side[f"{name}_squared"] if name in COUNTED else side[name]
    return max(0.0, float(squares / side["attempts"] - mean * mean))


def _ratio(strata: list[_Stratum], total: float, design: float) -> Ratio:
    """Output of the cheaper way per token of today's, with the delta method's 90 % limits,
    widened like the error of the difference where conversations repeat (`design`)."""
    means, variances = [], []
    for side in (0, 1):
        mean = variance = 0.0
        for s in strata:
            row = s[side]
            average = row["written"] / row["attempts"]
            scatter = max(0.0, row["written_squared"] / row["attempts"] - average**2)
            mean += s.weight * average / total
            variance += (s.weight / total) ** 2 * scatter / row["attempts"]
        means.append(mean)
        variances.append(variance)
    if not all(means):
        return Ratio(1.0, 1.0, 1.0)
    value = means[0] / means[1]
    relative = sqrt(sum(v / m**2 for v, m in zip(variances, means, strict=True)))
    reach = quantile(0.95) * max(1.0, design) * relative * value
    return Ratio(value, max(0.0, value - reach), value + reach)


def _per_byte(sides: list[Row], rate: Callable[[str, int], float]) -> Ratio | None:
    """Input tokens per byte against today's, where nearly all prompts have a size."""
    if any(side["sized"] < 0.95 * side["attempts"] for side in sides):
        return None
    per_byte = [rate("read", side) / rate("bytes", side) for side in (0, 1)]
    if not all(per_byte):
        return None
    value = per_byte[0] / per_byte[1]
    return Ratio(value, value, value)


def _count(rows: Iterable[Row], name: str) -> int:
    return sum(row[name] for row in rows)


def _sum(rows: list[Row]) -> Row:
    """Sums of everything that is counted."""
    skipped = {"arm", "effort", "stated_effort", "band", "tools", "after_tool", "period", "judged"}
    return {name: sum(row[name] for row in rows) for name in rows[0] if name not in skipped}
