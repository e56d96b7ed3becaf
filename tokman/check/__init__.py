"""The gate: cost per unit of work against a baseline, both sides at the same prices."""

from tokman.check.baseline import Baseline, read, save, take
from tokman.check.judge import Judgement, Row, judge, percentage

__all__ = ["Baseline", "Judgement", "Row", "judge", "percentage", "read", "save", "take"]
