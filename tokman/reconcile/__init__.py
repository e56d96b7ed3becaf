"""Our books against the provider's own: where they differ, by how much, and why."""

from tokman.reconcile.compare import Reconciliation, Row, reconcile, tolerance

__all__ = ["Reconciliation", "Row", "reconcile", "tolerance"]
