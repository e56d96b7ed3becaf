"""Hours at which a model costs more, and when the next cheaper one begins."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokman.rates import Card

PEAKS = {
    "provider_id": "varchar",
    "model_id": "varchar",
    "valid_from": "timestamp",
    "valid_to": "timestamp",
    "peak_from": "bigint",
    "peak_to": "bigint",
    "cheap_from": "bigint",
}
"""Times of day in µs since midnight UTC; `cheap_from` may be on the next day."""

Peak = tuple[str, str, datetime, datetime, int, int, int]


def peaks(card: Card) -> list[Peak]:
    """Rows of the table `peaks`, from the standard prices of the card."""
    table = card.table
    names = ("provider_id", "model_id", "valid_from", "valid_to", "tier", "speed", "geo")
    hours = ("prompt_gt", "tod_from", "tod_to", "price_uncached_input_tokens")
    days: dict[tuple[str, str, datetime, datetime], list[tuple[int, int, int]]] = defaultdict(list)
    columns = (table.column(name).to_pylist() for name in (*names, *hours))
    for provider, model, start, end, *kind, over, opens, closes, price in zip(
        *columns, strict=True
    ):
        if kind == ["standard", "standard", None] and over is None and price is not None:
            time = (start or datetime(1970, 1, 1), end or datetime(2262, 1, 1))
            days[provider, model, *time].append((opens, closes, price))
    return sorted(peak for key, day in days.items() for peak in _of_day(key, sorted(day)))


def _of_day(
    key: tuple[str, str, datetime, datetime], day: list[tuple[int, int, int]]
) -> list[Peak]:
    lowest = min(price for _, _, price in day)
    cheap = [opens for opens, _, price in day if price == lowest]
    found: list[Peak] = []
    for opens, closes, price in day:
        if price > lowest:
            following = [start for start in cheap if start >= closes] or cheap
            found.append((*key, opens, closes, following[0]))
    return found
