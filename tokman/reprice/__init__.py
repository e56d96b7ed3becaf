"""Prices that change: what another rate card would make of the ledger, and how to take it over."""

from tokman.reprice.difference import Difference, compare, propose
from tokman.reprice.record import Draft
from tokman.reprice.settle import Last, Settled, apply, last, undo, undoing

__all__ = [
    "Difference",
    "Draft",
    "Last",
    "Settled",
    "apply",
    "compare",
    "last",
    "propose",
    "undo",
    "undoing",
]
