"""What stands behind one recommendation: its calls, and one of them reckoned line by line."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tokman.recommend import names
from tokman.recommend.waterfall import pico

if TYPE_CHECKING:
    from tokman.rates import Card
    from tokman.recommend.advice import Plan, Recommendation
    from tokman.recommend.lever import Scene
    from tokman.recommend.waterfall import Saving

EXAMPLES = 8
"""Calls shown, from the one that saves most to the one that saves least."""

Row = dict[str, Any]


class Line(NamedTuple):
    """One class of a call before and after; prices in pico-USD a unit, None where unused."""

    quantity: str
    counted: int
    price: int | None
    then_counted: int
    then_price: int | None

    @property
    def cost(self) -> int:
        """Pico-dollars before."""
        return self.counted * (self.price or 0)

    @property
    def then(self) -> int:
        """Pico-dollars after."""
        return self.then_counted * (self.then_price or 0)


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a recommendation, as it was and as it would be. Money in pico-dollars."""

    call_id: str
    at: datetime | None
    source: str
    file: str
    line: int
    model: str | None
    tier: str | None
    input_tokens: int
    output_tokens: int
    cost: int
    then_model: str | None
    then_tier: str | None
    then_input_tokens: int
    then_output_tokens: int
    then_cost: int

    @property
    def saved(self) -> int:
        """Pico-dollars; negative for a call that pays for what others save."""
        return self.cost - self.then_cost


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A recommendation with what it is made from."""

    recommendation: Recommendation
    examples: list[Example]
    rate: str | None
    """The row of the rate card that prices the first example now, and then."""
    then_rate: str | None
    lines: list[Line]
    """The first example, class by class at list prices."""


class Watcher:
    """Keeps the calls of the recommendation meant while the plan is made."""

    def __init__(self, stated: str) -> None:
        self.stated = stated.strip().lower()
        self.kept: dict[str, tuple[list[Row], list[Row]]] = {}

    def __call__(self, scene: Scene, saving: Saving) -> None:
        """For `plan.recommend`."""
        if not self.stated or not saving.name.startswith(self.stated):
            return
        from tokman.rates import price

        scene.make("examples", "examples", cell=saving.cell, shown=EXAMPLES)
        sides = []
        for table in ("current", "accepted"):
            scene.connection.execute(
                f"create or replace temp table example as select * from {table} "
                "semi join examples using (call)"
            )
            price(scene.connection, scene.card, "example", "example_priced")
            sides.append(scene.ask("example_calls"))
        for table in ("examples", "example", "example_priced"):
            scene.connection.execute(f"drop table {table}")
        self.kept[saving.name] = (sides[0], sides[1])

    def explained(self, plan: Plan, card: Card) -> Explained:
        """What was kept; TokmanError where no or no one recommendation was meant."""
        name = names.meant((one.name for one in plan.recommendations), self.stated)
        (one,) = [each for each in plan.recommendations if each.name == name]
        before, after = self.kept[name]
        pairs = list(zip(before, after, strict=True))
        first, then = pairs[0]
        return Explained(
            recommendation=one,
            examples=[_example(*pair) for pair in pairs],
            rate=first["rate_id"],
            then_rate=then["rate_id"],
            lines=_lines(card, first, then),
        )


def _example(before: Row, after: Row) -> Example:
    return Example(
        call_id=before["call_id"],
        at=before["seen_at"],
        source=before["source"],
        file=before["file"],
        line=before["line"],
        model=before["model_id"],
        tier=before["service_tier"],
        input_tokens=before["input_tokens"],
        output_tokens=before["output_tokens"],
        cost=pico(before["contracted_cost"]),
        then_model=after["model_id"],
        then_tier=after["service_tier"],
        then_input_tokens=after["input_tokens"],
        then_output_tokens=after["output_tokens"],
        then_cost=pico(after["contracted_cost"]),
    )


def _lines(card: Card, before: Row, after: Row) -> list[Line]:
    """The classes that a call is billed for now or then."""
    from tokman.rates.columns import PRICED

    now, then = _prices(card, before["rate_id"]), _prices(card, after["rate_id"])
    lines = []
    for name in PRICED:
        counts = [
            (1 if side["rate_id"] else 0) if name == "per_request" else side[name]
            for side in (before, after)
        ]
        line = Line(name, counts[0], now.get(name), counts[1], then.get(name))
        if line.cost or line.then or (any(counts) and name.endswith("_tokens")):
            lines.append(line)
    return [
        line
        for line in lines
        if line.quantity != "reasoning_output_tokens" or line.cost or line.then
    ]


def _prices(card: Card, rate: str | None) -> dict[str, int | None]:
    """Quantity → pico-USD a unit of one row of the card; nothing for a call that is not bought."""
    import pyarrow.compute as pc

    from tokman.rates.columns import PRICED

    if rate is None:
        return {}
    (row, *_) = card.table.filter(pc.field("rate_id") == rate).to_pylist()
    return {name: row[f"price_{name}"] for name in PRICED}
