"""What a change was drawn from, and what may make it look like more than it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokman.render.cells import compact, harmless, plural

if TYPE_CHECKING:
    from tokman.change.compare import Answer
    from tokman.change.drawn import Drawn


def notes(answer: Answer) -> list[str]:
    """Both sides in a line each; below them every doubt that there is reason for."""
    sides = (answer.before, answer.after)
    cards = sorted({card for side in sides for card in side.rate_cards})
    found = [
        _side("Before", answer.before, answer.tz),
        _side("After", answer.after, answer.tz),
        " · ".join(
            [
                ", ".join(sorted({source for side in sides for source in side.sources})),
                f"list prices of {', '.join(cards)}" if cards else "no list prices",
            ]
        ),
    ]
    found += [*_length(answer), *_prices(answer), *_counts(answer)]
    if answer.overlap:
        found.append("Both sides have calls in common: what they share cannot have moved")
    return [harmless(note) for note in found]


def _side(title: str, side: Drawn, tz: str) -> str:
    days = f" ({_days(side.days)} {tz})" if side.days is not None else ""
    parts = [f"{title}: {side.name}{days}", plural(side.calls, "call")]
    if side.failed_calls:
        parts.append(f"{side.failed_calls:,} failed")
    parts.append(
        f"{side.unpriced_calls:,} unpriced ({compact(side.unpriced_tokens)} tokens)"
        if side.unpriced_calls
        else "all priced"
    )
    return " · ".join(parts)


def _days(days: float) -> str:
    if days == round(days):
        return plural(round(days), "day")
    return f"{days * 24:,.1f} hours" if days < 2 else f"{days:,.1f} days"


def _length(answer: Answer) -> list[str]:
    found = []
    for side in (answer.before, answer.after):
        if side.days is not None and side.days_asked is not None and side.days < side.days_asked:
            found.append(
                f"{side.name} is counted for {side.days:g} of its {_days(side.days_asked)}: the "
                "ledger has no calls for the others"
            )
    lengths = (answer.before.days, answer.after.days)
    if answer.per_day:
        found.append("Amounts are for a day of each period")
    elif None not in lengths and lengths[0] != lengths[1]:
        found.append(
            f"The periods are {_days(lengths[0] or 0)} and {_days(lengths[1] or 0)} long: "
            "--per-day compares a day with a day"
        )
    return found


def _prices(answer: Answer) -> list[str]:
    found = []
    before, after = answer.before, answer.after
    if before.unpriced_calls or after.unpriced_calls:
        found.append(
            "Unpriced calls are in no amount above: `tokman report --by model --where unpriced` "
            "names them, [rates.models] in tokman.toml prices them"
        )
    for model in answer.repriced:
        found.append(
            f"{model} has a price on one side only: what it seems to have moved may be the price "
            "that is missing"
        )
    if before.rate_cards != after.rate_cards and before.rate_cards and after.rate_cards:
        found.append(
            "The sides were priced by different rate cards: a part of the price may be that; "
            "`tokman reprice` puts both on one"
        )
    if answer.scaled_calls:
        found.append(
            f"{plural(answer.scaled_calls, 'call')} priced by another rate card than today's: "
            "what they cost is shared among their tokens in today's proportions"
        )
    if answer.unsplit_calls:
        found.append(
            f"{plural(answer.unsplit_calls, 'call')} at a rate that today's rate card does not "
            "have: their tokens are taken together"
        )
    return found


def _counts(answer: Answer) -> list[str]:
    """Counts that are not the provider's own, and what has no time or no call."""
    found = []
    kinds = (
        ("estimated_calls", "have token counts that tokman estimated"),
        ("partial_calls", "were logged before their output was complete: lower bounds"),
        ("undated_calls", "are dated by their file: their log states no time"),
    )
    for name, words in kinds:
        before, after = getattr(answer.before, name), getattr(answer.after, name)
        if before or after:
            found.append(f"{before:,} calls before and {after:,} after {words}")
    if answer.statements:
        found.append("Spend that only statements tell is on neither side: calls are compared")
    return found
