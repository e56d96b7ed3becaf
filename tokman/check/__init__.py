"""The gate: cost per unit of work against what it was, both sides at the same prices."""
