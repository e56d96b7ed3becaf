"""Why spend moved: the change between two sides, split without a residual."""

from tokman.change.decompose import Change, Leaf, Moved, decompose
from tokman.change.side import Line, Side

__all__ = ["Change", "Leaf", "Line", "Moved", "Side", "decompose"]
