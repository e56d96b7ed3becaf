"""The change in one sentence: every amount and figure in it is from the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from tokman.change.lmdi import whole
from tokman.render.cells import cents, dollars, harmless, percent, signed
from tokman.usage import PICO

if TYPE_CHECKING:
    from tokman.change.causes import Cause
    from tokman.change.compare import Answer

WHOLE_DOLLARS = 1000 * PICO
"""From here on a sentence has no room for cents."""


def sentence(answer: Answer) -> str:
    """By how much spend moved, and the largest causes; what it leaves out is said to be the rest,
    so that the amounts in it add up."""
    change = answer.change
    before, after = change.spent_before, change.spent_after
    spend = "Spend a day" if answer.per_day else "Spend"
    if not before and not after:
        return f"{spend} is nothing on both sides."
    moved = [cause.amount for cause in answer.told]
    digits = digits_of([change.amount, *moved] if moved else [before, after])
    total = rounded(change.amount, digits)
    if not total:
        head = f"{spend} stayed at {dollars(usd(after))}"
    elif not before:
        head = f"{spend} rose from nothing to {dollars(total, digits)}"
    else:
        verb = "rose" if total > 0 else "fell"
        more = signed(change.amount / before)
        head = f"{spend} {verb} {dollars(abs(total), digits)} ({more})"
    parts = _parts(answer, total, digits)
    return f"{head}: {_listed(parts)}." if parts else f"{head}."


def _parts(answer: Answer, total: Decimal, digits: int) -> list[str]:
    scale = 10 ** (12 - digits)
    if answer.rest:
        shown = [round(cause.amount / scale) for cause in answer.told]
    else:
        shown = whole([cause.amount / scale for cause in answer.told], int(total * 10**digits))
    parts = [
        f"{dollars(Decimal(amount).scaleb(-digits), digits)} {cause_of(cause, answer)}"
        for amount, cause in zip(shown, answer.told, strict=True)
        if amount
    ]
    if parts and (rest := int(total * 10**digits) - sum(shown)):
        parts.append(f"{dollars(Decimal(rest).scaleb(-digits), digits)} from the rest")
    return parts


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def cause_of(cause: Cause, answer: Answer) -> str:
    """What moved: `because …` where its figures say so, else `from …`."""
    who = _named(cause.who)
    of = f" of {who}" if who else ""
    some, every = who or "all calls", f"{who} " if who else ""
    growth = cause.growth
    calls = "priced calls" if _lacks_prices(cause, answer) else "calls"
    if cause.kind == "length" and growth is not None:
        longer = "longer" if growth > 1 else "shorter"
        return f"because the period is {percent(abs(growth - 1))} {longer}"
    if cause.kind == "new":
        return f"because {who} made {calls} (none before)"
    if cause.kind == "gone":
        return f"because {who} made no more {calls}"
    if cause.kind == "calls" and growth is not None:
        a_day = " a day" if answer.change.before.length != answer.change.after.length else ""
        return f"because {who or 'everything'} made {_many(growth)} {calls}{a_day}"
    if growth is not None:
        return "because " + {
            "input": f"prompts{of} {_grew(growth)}",
            "output": f"answers{of} {_grew(growth)}",
            "reasoning": f"the reasoning{of} {_grew(growth)}",
            "requests": f"{some} made {_many(growth)} searches a call",
            "tokens": f"{some} used {_many(growth)} tokens a call",
            "price": f"the price{of or 's of tokens'} {_rose(growth)}",
        }.get(cause.kind, "")
    old, new = (percent(share) for share in cause.shares or (0, 0))
    if cause.shares is not None and old != new:
        idle, busy = (percent(1 - share) for share in cause.shares)
        return "because " + {
            "model": f"{new} of the calls{of} went to {_name(cause.to)} ({old} before)",
            "tier": f"{new} of the tokens{of} were bought at {_name(cause.to)} ({old} before)",
            "paid": f"{busy} of the calls{of} bought nothing, cached or failed ({idle} before)",
            "caching": f"{new} of the input{of} was read from the cache ({old} before)",
            "prompt": f"{new} of the tokens{of} were of long, dearer prompts ({old} before)",
        }.get(cause.kind, "")
    return "from " + {
        "calls": f"the number of calls{of}",
        "mix": "a different mix of workflows",
        "model": f"the mix of models{of}",
        "paid": f"the share of calls{of} that bought something",
        "input": f"the length of prompts{of}",
        "output": f"the length of answers{of}",
        "reasoning": f"the reasoning{of}",
        "requests": f"the searches{of}",
        "tokens": f"the tokens a call{of}",
        "caching": f"how {every}prompts are cached",
        "tier": f"the terms{of}",
        "prompt": f"long prompts{of}",
        "price": f"the price{of or 's'}",
        "discount": "discounts",
        "length": "the length of the period",
    }.get(cause.kind, cause.kind)


def _lacks_prices(cause: Cause, answer: Answer) -> bool:
    """Whether calls without a price could have a part in what these calls seem to do."""
    lacking = {*answer.before.unpriced_workflows, *answer.after.unpriced_workflows}
    return bool(lacking) if not cause.who else cause.who[-1] in lacking


def digits_of(amounts: Sequence[int]) -> int:
    """Digits behind the point in a sentence of these amounts, pico-dollars."""
    largest = max(map(abs, amounts), default=0)
    if largest >= PICO:
        return 0 if largest >= WHOLE_DOLLARS else 2
    return cents([usd(largest)])


def rounded(amount: int, digits: int) -> Decimal:
    """Pico-dollars in dollars with so many digits."""
    return Decimal(round(amount / 10 ** (12 - digits))).scaleb(-digits)


def usd(pico: int) -> Decimal:
    """Pico-dollars in dollars, exactly."""
    return Decimal(pico).scaleb(-12)


def _named(who: Sequence[str | None]) -> str:
    """The workflow under what it is part of, as far as that is known."""
    known = [harmless(value) for value in who[:-1] if value is not None]
    return " · ".join([*known, _name(who[-1])]) if who else ""


def _name(value: str | None) -> str:
    return "(unattributed)" if value is None else harmless(value)


def _grew(growth: float) -> str:
    return _moved(growth, "grew", "shrank")


def _rose(growth: float) -> str:
    return _moved(growth, "rose", "fell")


def _moved(growth: float, up: str, down: str) -> str:
    if 1.95 <= growth < 2.05:
        return "doubled"
    if growth >= 2.05:
        return f"{up} to {growth:,.1f} times"
    if 0.49 <= growth < 0.51:
        return "halved"
    return f"{up if growth > 1 else down} {percent(abs(growth - 1))}"


def _many(growth: float) -> str:
    if 1.95 <= growth < 2.05:
        return "twice as many"
    if growth >= 2.05:
        return f"{growth:,.1f} times as many"
    if 0.49 <= growth < 0.51:
        return "half as many"
    return f"{percent(abs(growth - 1))} {'more' if growth > 1 else 'fewer'}"
