"""Where the ledger's calls could cost less: a plan that can never save more than was spent."""

from tokman.recommend.advice import Estimate, Left, LeverTotal, Plan, Recommendation
from tokman.recommend.plan import LEVERS, recommend

__all__ = ["LEVERS", "Estimate", "Left", "LeverTotal", "Plan", "Recommendation", "recommend"]
