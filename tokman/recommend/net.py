"""What a recommendation is worth to the business: its saving less what it costs and may spoil."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

import msgspec

from tokman import economics
from tokman.usage import PICO

if TYPE_CHECKING:
    from tokman.config import Config
    from tokman.recommend.waterfall import Saving

TOUCHES_QUALITY = frozenset({"downgrade", "effort", "compress"})
"""Levers after which an answer may be worse."""

TESTED = "E3"
"""From this evidence on, what quality costs has been measured and found not to matter."""


class Net(msgspec.Struct, frozen=True, kw_only=True):
    """Pico-dollars over the horizon of the profile in force (science.md §6.4)."""

    horizon_days: int
    saving: int
    """Expected, times the weight that the profile gives to the lever."""
    effort: int
    """Days of work at the day rate."""
    quality: int
    """What worse answers may cost: see `quality_loss`."""
    value: int
    """Saving less effort and quality: what recommendations are ranked by."""
    payback_days: float | None
    """Days until the effort is paid back; None where nothing is saved."""


def net(config: Config, saving: Saving, expected: int, days: int) -> Net:
    """The net value of one recommendation, of which `expected` is the saving in `days`."""
    held = economics.business(config)
    weight = Decimal(str(held.weights.get(saving.lever, 1.0)))
    saved = _pico(Decimal(expected * held.horizon_days) / days * weight)
    effort = _pico(Decimal(str(saving.about.effort)) * held.day_rate * PICO)
    quality = quality_loss(config, saving, days)
    return Net(
        horizon_days=held.horizon_days,
        saving=saved,
        effort=effort,
        quality=quality,
        value=saved - effort - quality,
        payback_days=effort * days / expected if expected else None,
    )


def quality_loss(config: Config, saving: Saving, days: int) -> int:
    """Pico-dollars over the horizon that worse answers may cost, where a lever touches quality.

    A change is only made after a trial that leaves no larger loss open than the profile allows:
    `max_loss` of the outcomes, each of its value and importance, and never more than `loss_share`
    of what is saved. This much is taken off as often as the advice is likely to become real.
    An outcome of undeclared value is worth `value_per_cost` of what its calls cost.
    """
    about = saving.about
    if saving.lever not in TOUCHES_QUALITY or about.evidence.level >= TESTED:
        return 0
    held, terms = economics.business(config), economics.terms(config, about.workflow)
    at_stake = (
        Decimal(saving.spend) * held.value_per_cost
        if terms.value is None
        else saving.conversations * terms.value * PICO
    )
    loss = min(
        at_stake * Decimal(str(held.max_loss)) * Decimal(str(terms.importance)),
        saving.saved * Decimal(str(held.loss_share)),
    )
    a, b = about.evidence.realisation
    return _pico(loss * a / (a + b) * held.horizon_days / days)


def _pico(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_HALF_EVEN))
