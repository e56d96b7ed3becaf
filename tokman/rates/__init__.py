"""The rate card: list prices of every model over time, and what each call of a ledger costs."""

from tokman.rates.card import Card, load
from tokman.rates.charge import MONEY, price
from tokman.rates.lookup import lookup

__all__ = ["MONEY", "Card", "load", "lookup", "price"]
