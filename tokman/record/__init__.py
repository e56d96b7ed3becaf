"""A test or eval command, run with the model calls it makes collected from OTLP and from logs."""

from tokman.record.child import FAILED, CannotRun
from tokman.record.collect import Broken, Recorded, record
from tokman.record.plan import Plan, label, revision

__all__ = ["FAILED", "Broken", "CannotRun", "Plan", "Recorded", "label", "record", "revision"]
