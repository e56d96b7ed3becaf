"""Traces: spans of instrumented programs."""
