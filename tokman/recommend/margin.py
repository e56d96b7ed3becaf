"""How much quality a saving may cost: from what an outcome is worth, not from taste."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tokman import economics

if TYPE_CHECKING:
    from tokman.config import Config

OBVIOUS = 0.2
"""A saving that a loss of a fifth of all outcomes would not eat asks for no trial before it is
taken (own judgement: no model of the ladder is worse by so much on work of a simple shape)."""


class Terms(NamedTuple):
    """What a workflow's outcomes are worth, and how sure a trial must be."""

    value: Decimal | None
    """USD of one outcome; None: `value_per_cost` times what it costs."""
    value_per_cost: Decimal
    importance: float
    loss_share: float
    """Share of the loss that would eat the saving which may stay open (κ)."""
    max_loss: float
    """The most outcomes that may be lost, as a share, whatever is saved."""
    alpha: float
    power: float
    horizon: int
    """Days over which a change must pay."""
    day_rate: Decimal
    """USD that a day of an engineer costs."""


class Margin(NamedTuple):
    """The loss of outcomes, as shares of all, that a cheaper way is held to."""

    eats: float
    """The loss that would eat the whole saving: saving per outcome ÷ value per outcome (δ*)."""
    allowed: float
    """The loss that a trial must rule out (m): min(max_loss, loss_share · δ* ÷ importance)."""

    @property
    def obvious(self) -> bool:
        """No likely loss of quality could cost more than is saved."""
        return self.eats >= OBVIOUS


def margin(saving: Decimal, cost: Decimal, terms: Terms) -> Margin:
    """Of a way that saves `saving` of the `cost` of one outcome, both in USD (science.md §1.5)."""
    value = terms.value if terms.value is not None else cost * terms.value_per_cost
    if saving <= 0:
        return Margin(0.0, 0.0)
    eats = float(saving / value) / terms.importance if value > 0 else 1.0
    return Margin(min(eats, 1.0), min(terms.max_loss, terms.loss_share * eats))


def terms(config: Config, workflow: str | None) -> Terms:
    """What tokman.toml says of a workflow, over the profile of the business."""
    held, work = economics.business(config), economics.terms(config, workflow)
    return Terms(
        value=work.value,
        value_per_cost=held.value_per_cost,
        importance=work.importance,
        loss_share=held.loss_share,
        max_loss=held.max_loss,
        alpha=held.alpha,
        power=held.power,
        horizon=held.horizon_days,
        day_rate=held.day_rate,
    )
