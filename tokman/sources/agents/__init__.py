"""Coding agents: one file per transcript format."""
