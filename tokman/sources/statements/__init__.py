"""Statements: what providers themselves say was used or billed."""
